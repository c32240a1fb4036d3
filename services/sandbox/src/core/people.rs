//! Invented people: deterministic, varied, quick to make by the hundred thousand. No real person, no real domain.
//!
//! Person `i` of a seed needs no other person, so that two accounts can share a part of their people.

mod words;

use serde::{Deserialize, Serialize};

use super::ids::{Rng, digest, mix};

/// A contact in neutral words; absent means empty. Not any provider's model.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Person {
    /// Salutation, such as `Dr.`.
    pub prefix: Option<String>,
    /// Given name.
    pub given_name: Option<String>,
    /// Middle name.
    pub middle_name: Option<String>,
    /// Family name; absent for mononyms and companies.
    pub family_name: Option<String>,
    /// Suffix, such as `Jr.`.
    pub suffix: Option<String>,
    /// Nickname.
    pub nickname: Option<String>,
    /// E-mail addresses, the first one preferred.
    pub emails: Vec<Labelled>,
    /// Telephone numbers as typed.
    pub phones: Vec<Labelled>,
    /// Postal addresses.
    pub addresses: Vec<Postal>,
    /// Employer.
    pub company: Option<String>,
    /// Department.
    pub department: Option<String>,
    /// Job title.
    pub job_title: Option<String>,
    /// Birthday.
    pub birthday: Option<Date>,
    /// Web pages.
    pub urls: Vec<Labelled>,
    /// Notes, may have several lines.
    pub notes: Option<String>,
}

/// A value with its label.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Labelled {
    /// `home`, `work`, `mobile`, `other` or free text.
    pub label: String,
    /// The value.
    pub value: String,
}

/// A postal address.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Postal {
    /// `home`, `work` or `other`.
    pub label: String,
    /// Street and number, may have two lines.
    pub street: String,
    /// City.
    pub city: String,
    /// State, county or province.
    pub region: String,
    /// Postal code.
    pub postal_code: String,
    /// Country, in English.
    pub country: String,
    /// ISO 3166-1 alpha-2.
    pub country_code: String,
}

/// A calendar date; the year may be unknown.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Date {
    /// Year.
    pub year: Option<i32>,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
}

/// How many people to invent, and how many of them another account knows too.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Seed {
    /// How many.
    pub contacts: u64,
    /// The seed; accounts seeded with the same number share their overlap.
    pub seed: u64,
    /// Percentage of people shared with every other account of the same seed: same e-mail, some fields missing or different.
    pub overlap: u8,
    /// Tells accounts of one seed apart; the provider's id when empty.
    pub salt: String,
}

impl Default for Seed {
    fn default() -> Self {
        Self {
            contacts: 0,
            seed: 1,
            overlap: 0,
            salt: String::new(),
        }
    }
}

/// The people of a seed; `salt` is used when the seed has none.
pub fn people(seed: &Seed, salt: &str) -> impl Iterator<Item = Person> + use<> {
    let salt = digest(if seed.salt.is_empty() {
        salt
    } else {
        &seed.salt
    });
    let (common, own) = (seed.seed, mix(seed.seed ^ salt));
    let shared = seed
        .contacts
        .saturating_mul(u64::from(seed.overlap.min(100)))
        / 100;
    (0..seed.contacts).map(move |i| {
        if i < shared {
            let mut person = invent(common, i);
            vary(&mut person, &mut Rng::new(mix(own ^ i)));
            person
        } else {
            invent(own, i)
        }
    })
}

/// Person `index` of a seed.
pub fn invent(seed: u64, index: u64) -> Person {
    let mut rng = Rng::new(mix(seed ^ mix(index)));
    let culture = words::CULTURES
        .get(rng.below(words::CULTURES.len() as u64) as usize)
        .unwrap_or(&words::ENGLISH);
    let tag = tag(seed, index);
    if rng.chance(4) {
        return company(&mut rng, culture, &tag);
    }
    let mut person = Person {
        given_name: Some(rng.pick(culture.given).to_owned()),
        ..Person::default()
    };
    if !rng.chance(3) {
        person.family_name = Some(rng.pick(culture.family).to_owned());
    }
    name_extras(&mut person, &mut rng, culture);
    let employed = rng.chance(70);
    if employed {
        let (a, b) = (
            rng.pick(words::COMPANY_FIRST),
            rng.pick(words::COMPANY_LAST),
        );
        person.company = Some(format!("{a} {b}"));
        person.job_title = rng.chance(80).then(|| rng.pick(words::TITLES).to_owned());
        person.department = rng
            .chance(40)
            .then(|| rng.pick(words::DEPARTMENTS).to_owned());
    }
    reach(&mut person, &mut rng, culture, &tag, employed);
    extras(&mut person, &mut rng, &tag);
    person
}

/// Middle names, salutations, suffixes and nicknames, where a person has one.
fn name_extras(person: &mut Person, rng: &mut Rng, culture: &words::Culture) {
    person.middle_name = rng.chance(8).then(|| rng.pick(culture.given).to_owned());
    person.prefix = rng
        .chance(10)
        .then(|| rng.pick(&["Dr.", "Prof.", "Mr.", "Ms.", "Mrs."]).to_owned());
    person.suffix = rng
        .chance(2)
        .then(|| rng.pick(&["Jr.", "Sr.", "III", "PhD"]).to_owned());
    person.nickname = rng.chance(6).then(|| rng.pick(words::NICKNAMES).to_owned());
}

/// E-mail addresses, telephone numbers and postal addresses.
fn reach(person: &mut Person, rng: &mut Rng, culture: &words::Culture, tag: &str, employed: bool) {
    let local = words::ascii(person.given_name.as_deref().unwrap_or("contact"));
    if !rng.chance(6) {
        let (label, domain) = if employed {
            ("work", words::DOMAINS_WORK)
        } else {
            ("home", words::DOMAINS_HOME)
        };
        person.emails.push(labelled(
            label,
            format!("{local}.{tag}@{}", rng.pick(domain)),
        ));
        if rng.chance(25) {
            person.emails.push(labelled(
                "home",
                format!("{local}{tag}@{}", rng.pick(words::DOMAINS_HOME)),
            ));
        }
        if rng.chance(4) {
            person.emails.push(labelled(
                "other",
                format!("{local}+lists.{tag}@{}", rng.pick(words::DOMAINS_HOME)),
            ));
        }
    }
    let labels: &[&str] = if employed {
        &["mobile", "work", "home"]
    } else {
        &["mobile", "home", "other"]
    };
    let phones =
        usize::from(!rng.chance(12)) + usize::from(rng.chance(35)) + usize::from(rng.chance(8));
    for label in labels.iter().take(phones) {
        person.phones.push(labelled(label, phone(rng, culture)));
    }
    let addresses = usize::from(rng.chance(55)) + usize::from(rng.chance(10));
    for label in ["work", "home"]
        .iter()
        .skip(usize::from(!employed))
        .take(addresses)
    {
        person.addresses.push(address(rng, culture, label));
    }
}

/// Birthdays, web pages and notes.
fn extras(person: &mut Person, rng: &mut Rng, tag: &str) {
    if rng.chance(30) {
        person.birthday = Some(Date {
            year: (!rng.chance(20)).then(|| 1940 + rng.below(68) as i32),
            month: 1 + rng.below(12) as u32,
            day: 1 + rng.below(28) as u32,
        });
    }
    if rng.chance(15) {
        person
            .urls
            .push(labelled("work", format!("https://{tag}.example/")));
    }
    person.notes = match rng.below(100) {
        0 => Some(words::NOTES.join(" ").repeat(12)),
        1..=4 => Some(format!(
            "{}\n\n{}",
            rng.pick(words::NOTES),
            rng.pick(words::NOTES)
        )),
        5..=24 => Some(rng.pick(words::NOTES).to_owned()),
        _ => None,
    };
}

/// A contact that is a company only.
fn company(rng: &mut Rng, culture: &words::Culture, tag: &str) -> Person {
    let name = format!(
        "{} {}",
        rng.pick(words::COMPANY_FIRST),
        rng.pick(words::COMPANY_LAST)
    );
    let mut person = Person {
        company: Some(name),
        ..Person::default()
    };
    if rng.chance(70) {
        person.emails.push(labelled(
            "work",
            format!("office.{tag}@{}", rng.pick(words::DOMAINS_WORK)),
        ));
    }
    person.phones.push(labelled("work", phone(rng, culture)));
    person.addresses.push(address(rng, culture, "work"));
    person
}

/// The same person as somebody else knows them: the first e-mail stays, other things differ or are missing.
fn vary(person: &mut Person, rng: &mut Rng) {
    if rng.chance(25) {
        person.notes = None;
    }
    if rng.chance(20) {
        person.job_title = Some(rng.pick(words::TITLES).to_owned());
    }
    if rng.chance(15) {
        person.phones.pop();
    }
    if rng.chance(15) {
        person.addresses.clear();
    }
    if rng.chance(20) {
        person.birthday = None;
    }
    if rng.chance(15) {
        person.nickname = None;
    }
    if rng.chance(10) {
        for phone in &mut person.phones {
            phone.value = phone.value.replace([' ', '-'], "");
        }
    }
    if rng.chance(5) {
        for email in &mut person.emails {
            if let Some(first) = email.value.get(..1) {
                email.value = format!(
                    "{}{}",
                    first.to_uppercase(),
                    email.value.get(1..).unwrap_or("")
                );
            }
        }
    }
}

fn labelled(label: &str, value: String) -> Labelled {
    Labelled {
        label: label.to_owned(),
        value,
    }
}

fn address(rng: &mut Rng, culture: &words::Culture, label: &str) -> Postal {
    let (city, region, code) = culture
        .places
        .get(rng.below(culture.places.len() as u64) as usize)
        .copied()
        .unwrap_or_default();
    let number = 1 + rng.below(240);
    let street = rng.pick(culture.streets);
    let mut street = if culture.number_first {
        format!("{number} {street}")
    } else {
        format!("{street} {number}")
    };
    if rng.chance(10) {
        street = format!("{street}\nFloor {}", 1 + rng.below(20));
    }
    Postal {
        label: label.to_owned(),
        street,
        city: city.to_owned(),
        region: region.to_owned(),
        postal_code: code.to_owned(),
        country: culture.country.to_owned(),
        country_code: culture.country_code.to_owned(),
    }
}

/// A number as people type them: sometimes international, sometimes not, with the blanks they like.
fn phone(rng: &mut Rng, culture: &words::Culture) -> String {
    let pattern = if rng.chance(75) {
        culture.phone
    } else {
        culture.phone_national
    };
    pattern
        .chars()
        .map(|c| {
            if c == '#' {
                char::from(b'0' + rng.below(10) as u8)
            } else {
                c
            }
        })
        .collect()
}

/// A short word that no other person has, whatever their seed.
fn tag(seed: u64, index: u64) -> String {
    const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut n = (mix(seed) % 46_656).wrapping_add(index.wrapping_mul(46_656));
    let mut word = String::new();
    while n > 0 {
        word.extend(DIGITS.get((n % 36) as usize).map(|b| char::from(*b)));
        n /= 36;
    }
    word
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_people() {
        let seed = Seed {
            contacts: 50,
            ..Seed::default()
        };
        assert!(people(&seed, "x").eq(people(&seed, "x")));
        assert!(!people(&seed, "x").eq(people(&seed, "y")));
    }

    #[test]
    fn overlapping_accounts_share_the_first_people_only() {
        let seed = Seed {
            contacts: 400,
            overlap: 25,
            ..Seed::default()
        };
        let mail = |salt: &str| -> HashSet<String> {
            people(&seed, salt)
                .filter_map(|p| p.emails.first().map(|e| e.value.to_lowercase()))
                .collect()
        };
        let shared = mail("google").intersection(&mail("zoho")).count();
        assert!((80..=100).contains(&shared), "{shared}");
        assert!(
            !people(&seed, "google")
                .take(100)
                .eq(people(&seed, "zoho").take(100))
        );
    }

    #[test]
    fn people_are_varied() {
        let all: Vec<Person> = people(
            &Seed {
                contacts: 2_000,
                ..Seed::default()
            },
            "x",
        )
        .collect();
        let some = |what: &str, holds: &dyn Fn(&Person) -> bool| {
            let n = all.iter().filter(|p| holds(p)).count();
            assert!((5..1_990).contains(&n), "{what}: {n}");
        };
        some("company only", &|p| {
            p.given_name.is_none() && p.company.is_some()
        });
        some("mononym", &|p| {
            p.given_name.is_some() && p.family_name.is_none()
        });
        some("no e-mail", &|p| p.emails.is_empty());
        some("several e-mails", &|p| p.emails.len() > 1);
        some("several phones", &|p| p.phones.len() > 1);
        some("two addresses", &|p| p.addresses.len() > 1);
        some("birthday without year", &|p| {
            p.birthday.is_some_and(|b| b.year.is_none())
        });
        some("long notes", &|p| {
            p.notes.as_ref().is_some_and(|n| n.len() > 2_000)
        });
        some("not ASCII", &|p| {
            p.given_name.as_ref().is_some_and(|n| !n.is_ascii())
        });
        let mails: Vec<&str> = all
            .iter()
            .flat_map(|p| &p.emails)
            .map(|e| e.value.as_str())
            .collect();
        assert_eq!(mails.iter().collect::<HashSet<_>>().len(), mails.len());
        assert!(
            mails
                .iter()
                .all(|m| m.is_ascii() && m.contains('@') && !m.contains("..")),
            "{mails:?}"
        );
    }
}
