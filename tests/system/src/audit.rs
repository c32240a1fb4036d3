//! What the sandbox itself says: records compared in neutral words, duplicates counted. Nothing of the program's own
//! opinion goes into it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::ensure;
use serde_json::Value;

use crate::people::{GOOGLE, Record, Sandbox, ZOHO};

/// A contact, as far as both apps have room for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// Given and family name, white space squeezed.
    pub name: String,
    /// Addresses, lower-case.
    pub emails: BTreeSet<String>,
    /// Digits of numbers.
    pub phones: BTreeSet<String>,
    /// Job title.
    pub title: String,
    /// Department.
    pub department: String,
    /// Notes.
    pub notes: String,
    /// Birthday with its year; one without a year has no room in the CRM.
    pub birthday: Option<String>,
    /// Postal addresses.
    pub addresses: BTreeSet<String>,
    /// Employer and nickname, the better one: what people go by who have no name.
    goes_by: String,
    /// What may stand in for a name where there is none.
    stand_ins: BTreeSet<String>,
}

impl Contact {
    /// Reads neutral words.
    pub fn read(neutral: &Value) -> Self {
        let text = |key: &str| squeeze(neutral.pointer(key).and_then(Value::as_str).unwrap_or(""));
        let items = |key: &str| -> Vec<Value> {
            let list = neutral.pointer(key).and_then(Value::as_array);
            list.cloned().unwrap_or_default()
        };
        let values = |key: &str| -> Vec<String> {
            let list = items(key);
            let values = list.iter().filter_map(|item| item.pointer("/value"));
            values
                .filter_map(|value| value.as_str().map(squeeze))
                .collect()
        };
        let emails: BTreeSet<String> = values("/emails")
            .iter()
            .map(|email| email.to_lowercase())
            .collect();
        let mut stand_ins = emails.clone();
        stand_ins.extend(values("/phones"));
        stand_ins.extend([text("/company"), text("/nickname")]);
        Self {
            name: squeeze(&format!("{} {}", text("/given_name"), text("/family_name"))),
            emails,
            phones: values("/phones")
                .iter()
                .map(|phone| digits(phone))
                .filter(|digits| !digits.is_empty())
                .collect(),
            title: text("/job_title"),
            department: text("/department"),
            notes: text("/notes"),
            birthday: neutral
                .pointer("/birthday")
                .filter(|day| day.pointer("/year").is_some_and(Value::is_number))
                .map(ToString::to_string),
            addresses: items("/addresses").iter().map(address).collect(),
            goes_by: ["/company", "/nickname"]
                .map(text)
                .into_iter()
                .find(|text| !text.is_empty())
                .unwrap_or_default(),
            stand_ins,
        }
    }

    /// Under what it is looked for on the other side.
    fn clues(&self) -> BTreeSet<String> {
        let mut clues: BTreeSet<String> = self.emails.union(&self.phones).cloned().collect();
        clues.insert(self.name.to_lowercase());
        clues.extend(self.stand_ins.iter().map(|text| text.to_lowercase()));
        clues.remove("");
        clues
    }

    /// What tells a person from all others, as far as anything does: the same in both apps. The CRM demands a family
    /// name, so that there a company without people is called by its own name, and a bare number or address by itself.
    fn key(&self) -> String {
        let own = |name: &str| {
            let mut values = self.emails.iter().map(|email| words(email));
            self.phones.contains(&digits(name)) || values.any(|email| email == words(name))
        };
        let name = if self.name.is_empty() || own(&self.name) {
            &self.goes_by
        } else {
            &self.name
        };
        let known = if self.emails.is_empty() {
            &self.phones
        } else {
            &self.emails
        };
        format!("{} {known:?}", words(name))
    }

    /// In what a CRM contact and a Google contact differ, as far as the CRM has room for it; `None` when in nothing.
    fn differs(&self, google: &Self) -> Option<&'static str> {
        let crm = self;
        let named = crm.name == google.name
            || google.name.is_empty()
                && google
                    .stand_ins
                    .iter()
                    .any(|text| text.eq_ignore_ascii_case(&crm.name));
        // All that the CRM has is at Google; Google may have more only where the CRM's places are all taken.
        let room = |crm: &BTreeSet<String>, google: &BTreeSet<String>, places: usize| {
            crm.is_subset(google) && (crm.len() == google.len() || crm.len() >= places)
        };
        let equal = [
            ("name", named),
            ("e-mail", room(&crm.emails, &google.emails, 2)),
            ("phone", room(&crm.phones, &google.phones, 5)),
            ("title", crm.title == google.title),
            ("department", crm.department == google.department),
            ("notes", crm.notes == google.notes),
            ("birthday", crm.birthday == google.birthday),
            ("address", room(&crm.addresses, &google.addresses, 2)),
        ];
        equal
            .into_iter()
            .find(|(_, same)| !same)
            .map(|(what, _)| what)
    }
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// A text by its words alone, so that `030/123` and `030 123` are the same.
fn words(text: &str) -> String {
    let text = text.to_lowercase();
    let words = text.split(|letter: char| !letter.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn address(address: &Value) -> String {
    ["/street", "/city", "/region", "/postal_code", "/country"]
        .map(|part| squeeze(address.pointer(part).and_then(Value::as_str).unwrap_or("")))
        .join("|")
}

/// The two accounts at one moment.
#[derive(Clone, Debug)]
pub struct Audit {
    zoho: Vec<Record>,
    google: Vec<Record>,
}

impl Audit {
    /// Looks at both accounts.
    pub async fn take(sandbox: &Sandbox) -> anyhow::Result<Self> {
        let [mut zoho, mut google] = [sandbox.records(ZOHO).await?, sandbox.records(GOOGLE).await?];
        // What is compared are neutral words.
        for record in zoho.iter_mut().chain(&mut google) {
            record.native = Value::Null;
        }
        Ok(Self { zoho, google })
    }

    /// Live contacts of a side.
    pub fn live(&self, provider: &str) -> Vec<Contact> {
        let records = if provider == ZOHO {
            &self.zoho
        } else {
            &self.google
        };
        let live = records.iter().filter(|record| !record.deleted);
        live.map(|record| Contact::read(&record.neutral)).collect()
    }

    /// Records deleted on either side.
    pub fn deleted(&self) -> usize {
        let all = self.zoho.iter().chain(&self.google);
        all.filter(|record| record.deleted).count()
    }

    /// How often each person stands on each side.
    fn census(&self) -> BTreeMap<String, (usize, usize)> {
        let mut census: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for contact in self.live(ZOHO) {
            census.entry(contact.key()).or_default().0 += 1;
        }
        for contact in self.live(GOOGLE) {
            census.entry(contact.key()).or_default().1 += 1;
        }
        census
    }

    /// People of whom the sync made two: they stand on a side more often than can be made of those who stood on both
    /// sides before. Whoever stood double then may stand double now.
    pub fn duplicates(&self, before: &Self) -> Vec<String> {
        let people = before.census();
        let more = |key: &String, (a, b): (usize, usize)| {
            // An address tells that one on each side is the same person. Without one they may be two: then each is made
            // once on the other side, and never more than that.
            let known_by_address = key.contains('@');
            let allowed = people.get(key).map_or(1, |(a, b)| {
                let both = if known_by_address {
                    (*a).max(*b)
                } else {
                    a + b
                };
                both.max(1)
            });
            a > allowed || b > allowed
        };
        let census = self.census();
        let found = census.into_iter().filter(|(key, count)| more(key, *count));
        found
            .map(|(key, count)| format!("{key}: {count:?}"))
            .collect()
    }

    /// Records without an equal partner on the other side, with what is wrong.
    pub fn unequal(&self) -> Vec<String> {
        let (a, b) = (self.live(ZOHO), self.live(GOOGLE));
        let mut by_clue: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, contact) in b.iter().enumerate() {
            for clue in contact.clues() {
                by_clue.entry(clue).or_default().push(index);
            }
        }
        let mut taken: BTreeSet<usize> = BTreeSet::new();
        let mut wrong = Vec::new();
        for contact in &a {
            let clues = contact.clues();
            let near: BTreeSet<usize> = clues
                .iter()
                .filter_map(|clue| by_clue.get(clue))
                .flatten()
                .copied()
                .filter(|index| !taken.contains(index))
                .collect();
            let verdicts: Vec<(usize, Option<&'static str>)> = near
                .into_iter()
                .filter_map(|index| Some((index, contact.differs(b.get(index)?))))
                .collect();
            match verdicts.iter().find(|(_, differs)| differs.is_none()) {
                Some((index, _)) => {
                    taken.insert(*index);
                }
                None => wrong.push(format!(
                    "in the CRM: {} {:?} ({:?})",
                    contact.name,
                    contact.emails,
                    verdicts.first().and_then(|(_, differs)| *differs)
                )),
            }
        }
        let alone = b.iter().enumerate().filter(|(at, _)| !taken.contains(at));
        wrong.extend(alone.map(|(_, one)| format!("at Google: {} {:?}", one.name, one.emails)));
        wrong
    }

    /// Both sides have the same people, each once, and nothing was deleted.
    pub fn whole(&self, before: &Self) -> anyhow::Result<()> {
        ensure!(self.deleted() == before.deleted(), "something was deleted");
        let duplicates = self.duplicates(before);
        ensure!(duplicates.is_empty(), "duplicates: {duplicates:#?}");
        let unequal = self.unequal();
        ensure!(unequal.is_empty(), "without an equal: {unequal:#?}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn side(people: &[Value]) -> Vec<Record> {
        let record = |neutral: &Value| Record {
            id: String::new(),
            deleted: false,
            neutral: neutral.clone(),
            native: Value::Null,
        };
        people.iter().map(record).collect()
    }

    /// (who stood in the CRM, who stood at Google) -> (who stands in the CRM, who stands at Google): how many are double
    #[test]
    fn a_duplicate_is_one_person_made_twice() {
        type Sides<'a> = (&'a [&'a Value], &'a [&'a Value]);
        let audit = |(zoho, google): Sides<'_>| {
            let all = |people: &[&Value]| people.iter().copied().cloned().collect::<Vec<_>>();
            Audit {
                zoho: side(&all(zoho)),
                google: side(&all(google)),
            }
        };
        let check = |before: Sides<'_>, after: Sides<'_>, expect: usize| {
            let found = audit(after).duplicates(&audit(before));
            assert_eq!(found.len(), expect, "{before:?} {after:?}: {found:?}");
        };
        let emails = json!([{"value": "Ann@x.example"}]);
        let phones = json!([{"value": "030/123"}]);
        let ann = &json!({"given_name": "Ann", "family_name": "Lee", "emails": emails});
        let bob = &json!({"family_name": "Bob", "phones": phones});
        let (acme, acme_crm) = (&json!({"company": "Acme"}), &json!({"family_name": "Acme"}));
        let acme_both = &json!({"family_name": "Acme", "company": "Acme"});
        let (bare, bare_crm) = (
            &json!({"phones": phones}),
            &json!({"family_name": "030 123", "phones": [{"value": "030 123"}]}),
        );
        let (mail, mail_crm) = (
            &json!({"emails": emails}),
            &json!({"family_name": "ann@x.example", "emails": emails}),
        );
        check((&[], &[ann]), (&[ann], &[ann]), 0);
        check((&[], &[ann]), (&[ann, ann], &[ann]), 1);
        check((&[ann], &[ann]), (&[ann, ann], &[ann, ann]), 1);
        check((&[], &[ann, ann]), (&[ann, ann], &[ann, ann]), 0);
        // Without an address they are one person or two.
        check((&[bob], &[bob]), (&[bob], &[bob]), 0);
        check((&[bob], &[bob]), (&[bob, bob], &[bob, bob]), 0);
        check((&[bob], &[bob]), (&[bob, bob, bob], &[bob, bob]), 1);
        check((&[], &[bob]), (&[bob, bob], &[bob]), 1);
        // Whoever has no name is called by something else in the CRM.
        check((&[], &[acme]), (&[acme_crm], &[acme]), 0);
        check((&[], &[acme]), (&[acme_crm, acme_crm], &[acme]), 1);
        check(
            (&[], &[acme, acme]),
            (&[acme_crm, acme_crm], &[acme, acme]),
            0,
        );
        check(
            (&[acme_both], &[acme]),
            (&[acme_both, acme_crm], &[acme, acme]),
            0,
        );
        check((&[acme_both], &[]), (&[acme_both], &[acme, acme]), 1);
        check((&[], &[bare]), (&[bare_crm], &[bare]), 0);
        check((&[], &[bare]), (&[bare_crm, bare_crm], &[bare]), 1);
        check((&[], &[mail]), (&[mail_crm], &[mail]), 0);
        check((&[], &[mail]), (&[mail_crm, mail_crm], &[mail]), 1);
    }
}
