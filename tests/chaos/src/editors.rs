//! People who go on working in both apps, and what they may expect of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use syncline_platform::{Clock as _, SystemClock};
use system_tests::{Contact, GOOGLE, Sandbox, ZOHO};

use crate::chance::Chance;
use crate::town::{Known, Pair};

/// Most edits of one field in a pair: one more than ten in one run would need somebody's approval.
const EDITS: usize = 8;
/// Most deletions in a pair, for the same reason.
const DELETIONS: usize = 3;

/// What a person did and may expect to find on both sides.
#[derive(Clone)]
pub enum Deed {
    /// The contact of this address has this job title.
    Titled(String, String),
    /// The contact of this address is there, once.
    Made(String),
    /// The contact of this address is gone.
    Deleted(String, Place),
}

/// Where and when somebody did something.
#[derive(Clone)]
pub struct Place {
    /// The provider.
    pub provider: &'static str,
    /// The record's id there.
    pub id: String,
    /// Whether it was brought there.
    pub copy: bool,
    /// When.
    pub at: DateTime<Utc>,
}

impl Deed {
    /// The address of the contact that it was done to.
    pub fn email(&self) -> &str {
        match self {
            Self::Titled(email, _) | Self::Made(email) | Self::Deleted(email, _) => email,
        }
    }
}

impl std::fmt::Display for Deed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Titled(email, title) => write!(f, "{email} is `{title}`"),
            Self::Made(email) => write!(f, "{email} is new"),
            Self::Deleted(
                email,
                Place {
                    provider, id, at, ..
                },
            ) => {
                write!(f, "{email} was deleted at {provider} ({id}) at {at}")
            }
        }
    }
}

/// All that was done, by pair.
#[derive(Default)]
pub struct Ledger {
    deeds: Mutex<BTreeMap<usize, Vec<Deed>>>,
    begun: AtomicU64,
}

impl Ledger {
    fn note(&self, pair: usize, deed: Deed) {
        let mut all = self.deeds.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(pair).or_default().push(deed);
    }

    /// What was done in a pair.
    pub fn of(&self, pair: usize) -> Vec<Deed> {
        let all = self.deeds.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&pair).cloned().unwrap_or_default()
    }

    /// How much was done in all.
    pub fn count(&self) -> usize {
        let all = self.deeds.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().map(Vec::len).sum()
    }
}

/// Does something in a pair that nobody did before: edits a contact, adds one or deletes one.
pub async fn act(
    ledger: &Ledger,
    number: usize,
    pair: &Pair,
    chance: &mut Chance,
) -> anyhow::Result<()> {
    let done = ledger.of(number);
    let nth = ledger.begun.fetch_add(1, Ordering::Relaxed);
    let count = |is: fn(&Deed) -> bool| done.iter().filter(|deed| is(deed)).count();
    let may_edit = count(|deed| matches!(deed, Deed::Titled(..))) < EDITS;
    let may_delete = count(|deed| matches!(deed, Deed::Deleted(..))) < DELETIONS;
    match chance.below(6) {
        0..=2 if may_edit => {
            if let Some(known) = pair.touch(chance) {
                let title = format!("Chief {number} {nth}");
                // Either where it always was, or where it was brought.
                let at = if chance.below(2) == 0 {
                    None
                } else {
                    copy(&pair.sandbox, &known).await?
                };
                let (provider, id) = at.unwrap_or((known.provider, known.id));
                entitle(&pair.sandbox, provider, &id, &title).await?;
                ledger.note(number, Deed::Titled(known.email, title));
                return Ok(());
            }
        }
        3 if may_delete => {
            if let Some(known) = pair.touch(chance)
                && let Some((provider, id)) = copy(&pair.sandbox, &known).await?
            {
                let copy = chance.below(2) == 0;
                let (provider, id) = if copy {
                    (provider, id)
                } else {
                    (known.provider, known.id)
                };
                let at = SystemClock.now();
                pair.sandbox.delete(provider, &id).await?;
                let place = Place {
                    provider,
                    id,
                    copy,
                    at,
                };
                ledger.note(number, Deed::Deleted(known.email, place));
                return Ok(());
            }
        }
        _ => {}
    }
    let name = format!("New{number}x{nth}");
    let email = format!("{}@new.example", name.to_lowercase());
    if chance.below(2) == 0 {
        let native = json!({"First_Name": name, "Last_Name": "Comer", "Email": email});
        pair.sandbox.create(ZOHO, native).await?;
    } else {
        let native = json!({
            "names": [{"givenName": name, "familyName": "Comer"}],
            "emailAddresses": [{"value": email, "type": "work"}],
        });
        pair.sandbox.create(GOOGLE, native).await?;
    }
    ledger.note(number, Deed::Made(email));
    Ok(())
}

/// The same contact on the other side, if it has arrived there.
async fn copy(sandbox: &Sandbox, known: &Known) -> anyhow::Result<Option<(&'static str, String)>> {
    let other = if known.provider == ZOHO { GOOGLE } else { ZOHO };
    let found = sandbox.find(other, &known.email).await?;
    Ok(found.map(|record| (other, record.id)))
}

/// Gives a contact a job title, as a person would: nothing else about it changes.
pub async fn entitle(
    sandbox: &Sandbox,
    provider: &str,
    id: &str,
    title: &str,
) -> anyhow::Result<()> {
    if provider == ZOHO {
        return sandbox.edit(ZOHO, id, json!({"Title": title})).await;
    }
    let now = sandbox.read(GOOGLE, id).await?.native;
    let mut jobs = match now.pointer("/organizations") {
        Some(Value::Array(jobs)) if !jobs.is_empty() => jobs.clone(),
        _ => vec![json!({})],
    };
    let first = jobs.first_mut().and_then(Value::as_object_mut);
    first.context("a job")?.insert("title".into(), title.into());
    sandbox
        .edit(GOOGLE, id, json!({"organizations": jobs}))
        .await
}

/// Those of a pair's deeds that did not come true on both sides, with the side.
pub fn lost<'a>(deeds: &'a [Deed], sides: &[Vec<Contact>; 2]) -> Vec<(&'a Deed, &'static str)> {
    let with = |side: &[Contact], email: &str| -> Vec<Contact> {
        let all = side.iter().filter(|contact| contact.emails.contains(email));
        all.cloned().collect()
    };
    let true_of = |deed: &Deed, side: &[Contact]| match deed {
        Deed::Titled(email, title) => with(side, email).iter().any(|one| one.title == *title),
        Deed::Made(email) => with(side, email).len() == 1,
        Deed::Deleted(email, _) => with(side, email).is_empty(),
    };
    let mut lost = Vec::new();
    for deed in deeds {
        for (side, name) in sides.iter().zip([ZOHO, GOOGLE]) {
            if !true_of(deed, side) {
                lost.push((deed, name));
            }
        }
    }
    lost
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deed_counts_on_both_sides() {
        let contact = |email: &str, title: &str| {
            Contact::read(&json!({"emails": [{"value": email}], "job_title": title}))
        };
        let check = |deed: Deed, a: &[Contact], b: &[Contact], expect: usize| {
            let deeds = [deed];
            let lost = lost(&deeds, &[a.to_vec(), b.to_vec()]);
            assert_eq!(lost.len(), expect, "{}", deeds[0]);
        };
        let (old, new) = ([contact("a@x", "Old")], [contact("a@x", "New")]);
        let titled = || Deed::Titled("a@x".into(), "New".into());
        check(titled(), &new, &new, 0);
        check(titled(), &new, &old, 1);
        check(titled(), &new, &[], 1);
        let made = || Deed::Made("a@x".into());
        check(made(), &new, &new, 0);
        check(made(), &new, &[], 1);
        check(made(), &[new.clone(), new.clone()].concat(), &new, 1);
        let place = || Place {
            provider: ZOHO,
            id: "1".into(),
            copy: false,
            at: DateTime::UNIX_EPOCH,
        };
        let deleted = || Deed::Deleted("a@x".into(), place());
        check(deleted(), &[], &[], 0);
        check(deleted(), &new, &[], 1);
    }
}
