//! What the sandbox itself says: records compared, duplicates counted, requests counted. It uses nothing of the
//! engine; what both got wrong together must not cancel out.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context;
use syncline_sandbox::RunningSandbox;
use syncline_sandbox::core::people::Person;
use syncline_sandbox::core::provider::{Class, DumpRecord};

use super::{GOOGLE, ZOHO};

/// Records asked for at a time.
const PAGE: usize = 5000;

/// Looks at the two accounts.
pub struct Audit {
    a: String,
    b: String,
}

/// Requests made of the two providers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Requests {
    /// To the CRM.
    pub a: u64,
    /// To Google.
    pub b: u64,
    /// Of both, those that change records.
    pub writes: u64,
}

/// What a comparison found.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Live records on each side.
    pub records: (u64, u64),
    /// Records without an equal partner on the other side.
    pub unequal: u64,
    /// Some of them, with what differs from the record that comes nearest. Ids and field names, no values.
    pub examples: Vec<String>,
}

/// Records without a partner that are described.
const EXAMPLES: usize = 10;

/// How often each natural key stands on each side.
#[derive(Clone, Debug, Default)]
pub struct Census(BTreeMap<String, (u64, u64)>);

impl Audit {
    /// Finds the two accounts.
    pub fn new(sandbox: &RunningSandbox) -> anyhow::Result<Self> {
        let first = |provider: &str| -> anyhow::Result<String> {
            let accounts = sandbox
                .state()
                .provider(provider)
                .context("no provider")?
                .accounts();
            Ok(accounts.first().context("no account")?.id.clone())
        };
        Ok(Self {
            a: first(ZOHO)?,
            b: first(GOOGLE)?,
        })
    }

    /// The account of the CRM.
    pub fn a(&self) -> &str {
        &self.a
    }

    /// The account at Google.
    pub fn b(&self) -> &str {
        &self.b
    }

    /// Live records of one side.
    pub fn records(
        &self,
        sandbox: &RunningSandbox,
        provider: &str,
    ) -> anyhow::Result<Vec<DumpRecord>> {
        let account = if provider == ZOHO { &self.a } else { &self.b };
        let admin = sandbox.state().provider(provider).context("no provider")?;
        let mut records = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = admin.contacts(account, after.as_deref(), PAGE)?;
            records.extend(page.contacts.into_iter().filter(|record| !record.deleted));
            after = page.next;
            if after.is_none() {
                return Ok(records);
            }
        }
    }

    /// Counts natural keys on both sides.
    pub fn census(&self, sandbox: &RunningSandbox) -> anyhow::Result<Census> {
        let mut census = Census::default();
        for record in self.records(sandbox, ZOHO)? {
            census.0.entry(natural_key(&record.neutral)).or_default().0 += 1;
        }
        for record in self.records(sandbox, GOOGLE)? {
            census.0.entry(natural_key(&record.neutral)).or_default().1 += 1;
        }
        Ok(census)
    }

    /// Pairs equal records and counts the rest.
    pub fn compare(&self, sandbox: &RunningSandbox) -> anyhow::Result<Verdict> {
        let a = self.records(sandbox, ZOHO)?;
        let b = self.records(sandbox, GOOGLE)?;
        let mut by_clue: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, record) in b.iter().enumerate() {
            for clue in clues(&record.neutral) {
                by_clue.entry(clue).or_default().push(index);
            }
        }
        let mut taken = vec![false; b.len()];
        let mut unequal = 0;
        let mut examples = Vec::new();
        for record in &a {
            let partner = clues(&record.neutral)
                .iter()
                .filter_map(|clue| by_clue.get(clue))
                .flatten()
                .copied()
                .find(|index| {
                    taken.get(*index) == Some(&false)
                        && b.get(*index)
                            .is_some_and(|other| equal(&record.neutral, &other.neutral))
                });
            if let Some(slot) = partner.and_then(|index| taken.get_mut(index)) {
                *slot = true;
            } else {
                unequal += 1;
                if examples.len() < EXAMPLES {
                    let near = clues(&record.neutral)
                        .iter()
                        .filter_map(|clue| by_clue.get(clue))
                        .flatten()
                        .filter_map(|index| b.get(*index))
                        .min_by_key(|other| differences(&record.neutral, &other.neutral).len());
                    examples.push(near.map_or_else(
                        || format!("Zoho CRM {}: nobody like it at Google", record.id),
                        |other| {
                            let what = differences(&record.neutral, &other.neutral);
                            format!(
                                "Zoho CRM {} and Google {} differ in {}",
                                record.id,
                                other.id,
                                what.join(", ")
                            )
                        },
                    ));
                }
            }
        }
        unequal += taken.iter().filter(|taken| !**taken).count() as u64;
        Ok(Verdict {
            records: (a.len() as u64, b.len() as u64),
            unequal,
            examples,
        })
    }
}

/// Counts requests from now on.
pub fn mark(sandbox: &RunningSandbox) {
    let core = &sandbox.state().core;
    core.log.mark(core.clock.now());
}

/// The requests since the mark.
pub fn requests(sandbox: &RunningSandbox) -> Requests {
    let report = sandbox.state().core.log.report(None, None);
    let mut requests = Requests::default();
    for count in &report.counts {
        match count.provider.as_str() {
            ZOHO => requests.a += count.count,
            _ => requests.b += count.count,
        }
        if count.class == Class::Write {
            requests.writes += count.count;
        }
    }
    requests
}

impl Census {
    /// Keeps the larger count of each key: what people themselves brought about.
    pub fn keep_most(&mut self, other: &Self) {
        for (key, (a, b)) in &other.0 {
            let mine = self.0.entry(key.clone()).or_default();
            *mine = (mine.0.max(*a), mine.1.max(*b));
        }
    }

    /// Records beyond what people brought about: the same person may stand once on each side for each time that
    /// people put it on either.
    pub fn more_than(&self, people: &Self) -> u64 {
        self.0
            .iter()
            .map(|(key, (a, b))| {
                let allowed = people.0.get(key).map_or(1, |(a, b)| (*a).max(*b).max(1));
                a.saturating_sub(allowed) + b.saturating_sub(allowed)
            })
            .sum()
    }
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn full_name(person: &Person) -> String {
    let parts = [&person.given_name, &person.family_name];
    squeeze(
        &parts
            .into_iter()
            .flatten()
            .cloned()
            .collect::<Vec<_>>()
            .join(" "),
    )
}

fn emails(person: &Person) -> Vec<String> {
    let mut emails: Vec<String> = person
        .emails
        .iter()
        .map(|email| email.value.trim().to_lowercase())
        .collect();
    emails.sort();
    emails.dedup();
    emails
}

fn phones(person: &Person) -> Vec<String> {
    let mut phones: Vec<String> = person
        .phones
        .iter()
        .map(|phone| digits(&phone.value))
        .filter(|phone| !phone.is_empty())
        .collect();
    phones.sort();
    phones.dedup();
    phones
}

/// What tells a person from all others, as far as anything does.
fn natural_key(person: &Person) -> String {
    let emails = emails(person);
    if emails.is_empty() {
        format!(
            "{} {:?} {:?}",
            full_name(person).to_lowercase(),
            phones(person),
            person.company
        )
    } else {
        format!("{} {}", full_name(person).to_lowercase(), emails.join(" "))
    }
}

/// Under what a partner is looked for.
fn clues(person: &Person) -> Vec<String> {
    let mut clues = emails(person);
    clues.extend(phones(person));
    clues.push(full_name(person).to_lowercase());
    clues.extend(
        person
            .company
            .as_deref()
            .map(|company| squeeze(company).to_lowercase()),
    );
    clues
}

/// Whether a CRM record and a Google record say the same, as far as the CRM has room for it.
fn equal(crm: &Person, google: &Person) -> bool {
    differences(crm, google).is_empty()
}

/// In what a CRM record and a Google record differ, as far as the CRM has room for it.
fn differences(crm: &Person, google: &Person) -> Vec<&'static str> {
    let text = |text: &Option<String>| squeeze(text.as_deref().unwrap_or(""));
    [
        ("name", names_equal(crm, google)),
        ("e-mail addresses", room(&emails(crm), &emails(google), 2)),
        ("phone numbers", room(&phones(crm), &phones(google), 5)),
        ("job title", text(&crm.job_title) == text(&google.job_title)),
        (
            "department",
            text(&crm.department) == text(&google.department),
        ),
        ("notes", text(&crm.notes) == text(&google.notes)),
        ("birthday", birthdays_equal(crm, google)),
        ("addresses", room(&addresses(crm), &addresses(google), 2)),
    ]
    .into_iter()
    .filter(|(_, same)| !same)
    .map(|(what, _)| what)
    .collect()
}

/// A CRM that insists on a family name gets the only name there is, or what stands in for one.
fn names_equal(crm: &Person, google: &Person) -> bool {
    let (theirs, ours) = (full_name(crm), full_name(google));
    if theirs == ours {
        return true;
    }
    let stand_in = theirs.to_lowercase();
    ours.is_empty()
        && (google
            .company
            .as_deref()
            .is_some_and(|company| squeeze(company) == theirs)
            || google
                .nickname
                .as_deref()
                .is_some_and(|nickname| squeeze(nickname) == theirs)
            || google
                .emails
                .iter()
                .any(|email| email.value.trim().to_lowercase() == stand_in)
            || google
                .phones
                .iter()
                .any(|phone| squeeze(&phone.value) == theirs))
}

/// All that the CRM has is at Google; Google may have more only where the CRM's places are all taken.
fn room(crm: &[String], google: &[String], places: usize) -> bool {
    crm.iter().all(|value| google.contains(value))
        && (crm.len() == google.len() || crm.len() >= places)
}

fn birthdays_equal(crm: &Person, google: &Person) -> bool {
    match (crm.birthday, google.birthday) {
        (ours, theirs) if ours == theirs => true,
        // The CRM has no place for a day without its year.
        (None, Some(birthday)) => birthday.year.is_none(),
        _ => false,
    }
}

fn addresses(person: &Person) -> Vec<String> {
    let mut all: Vec<String> = person
        .addresses
        .iter()
        .map(|a| {
            squeeze(
                &[&a.street, &a.city, &a.region, &a.postal_code, &a.country]
                    .map(String::as_str)
                    .join("|"),
            )
        })
        .collect();
    all.sort();
    all.dedup();
    all
}
