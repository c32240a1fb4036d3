//! One HubSpot account's contacts and their properties. Knows no HTTP.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Duration, SubsecRound, Utc};
use serde::{Deserialize, Serialize};

use super::properties::{self, Property};
use super::refusal::Refusal;

/// Days that an archived contact can be restored and is listed.
const KEPT_DAYS: i64 = 90;

/// A contact's own properties, without the computed ones; what is absent is empty.
pub type Values = BTreeMap<String, String>;

/// What can be set per account through the admin API; absent quotas do not bind.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Knobs {
    /// How late a write shows in searches; until then they have the version before it.
    pub index_lag_ms: u64,
    /// Searches a second (documented: 5).
    pub searches_per_second: Option<usize>,
    /// Other calls in ten seconds (documented: 110).
    pub calls_per_ten_seconds: Option<usize>,
}

/// A contact, live or archived.
#[derive(Debug, Clone)]
pub struct Contact {
    /// Its number.
    pub id: u64,
    /// Its properties.
    pub values: Values,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// Its last change; never the same twice.
    pub updated: DateTime<Utc>,
    /// When it was archived, if it is.
    pub archived: Option<DateTime<Utc>>,
    /// What searches show while the last change does not; `None` inside for a new contact.
    pub before: Option<Option<(Values, DateTime<Utc>)>>,
    /// Contacts that were merged into it.
    pub merged: Vec<u64>,
}

/// Why a contact cannot be written.
pub enum Trouble {
    /// HubSpot says no.
    Refused(Refusal),
    /// Another contact has the unique value.
    Taken(u64),
}

/// The account.
#[derive(Clone)]
pub struct Account {
    /// The portal's number.
    pub id: String,
    /// The login's address.
    pub email: String,
    /// The person's name.
    pub name: String,
    /// All contacts by id.
    pub contacts: BTreeMap<u64, Contact>,
    /// Properties by name.
    pub properties: BTreeMap<String, Property>,
    /// Settings.
    pub knobs: Knobs,
    /// Losers of merges and who has them now.
    pub redirects: BTreeMap<u64, u64>,
    /// Who has a unique value: by property and value.
    taken: BTreeMap<(String, String), u64>,
    next: u64,
    calls: VecDeque<DateTime<Utc>>,
    searches: VecDeque<DateTime<Utc>>,
}

impl Account {
    /// An empty account with HubSpot's own properties.
    pub fn new(id: String, email: String, name: String) -> Self {
        Self {
            id,
            email,
            name,
            contacts: BTreeMap::new(),
            properties: properties::standard(),
            knobs: Knobs::default(),
            redirects: BTreeMap::new(),
            taken: BTreeMap::new(),
            next: 100,
            calls: VecDeque::new(),
            searches: VecDeque::new(),
        }
    }

    /// A contact that is not archived, also by the id that it had before a merge.
    pub fn live(&self, id: u64) -> Option<&Contact> {
        let id = self.redirects.get(&id).unwrap_or(&id);
        self.contacts.get(id).filter(|c| c.archived.is_none())
    }

    /// Archived contacts that are remembered still.
    pub fn is_remembered(contact: &Contact, now: DateTime<Utc>) -> bool {
        contact
            .archived
            .is_some_and(|at| now - at < Duration::days(KEPT_DAYS))
    }

    /// The live contact that has a unique value.
    pub fn by_unique(&self, property: &str, value: &str) -> Option<&Contact> {
        let key = (property.to_owned(), value.trim().to_lowercase());
        self.taken.get(&key).and_then(|id| self.live(*id))
    }

    /// The number of live contacts.
    pub fn count(&self) -> u64 {
        let live = self.contacts.values().filter(|c| c.archived.is_none());
        live.count() as u64
    }

    /// Adds a contact; answers its number.
    pub fn create(&mut self, values: &Values, now: DateTime<Utc>) -> Result<u64, Trouble> {
        let values = self.checked(values).map_err(Trouble::Refused)?;
        self.free(&values, None)?;
        self.next += 1;
        let id = self.next;
        let now = now.trunc_subsecs(3);
        let mut contact = Contact {
            id,
            values: Values::new(),
            created: now,
            updated: now,
            archived: None,
            before: Some(None),
            merged: Vec::new(),
        };
        put(&mut contact.values, values);
        self.claim(&contact);
        self.contacts.insert(id, contact);
        Ok(id)
    }

    /// Changes properties of a live contact; the empty text clears one.
    pub fn change(&mut self, id: u64, values: &Values, now: DateTime<Utc>) -> Result<(), Trouble> {
        let id = self.redirects.get(&id).copied().unwrap_or(id);
        let values = self.checked(values).map_err(Trouble::Refused)?;
        self.free(&values, Some(id))?;
        self.edit(id, now, |contact| put(&mut contact.values, values));
        Ok(())
    }

    /// Archives a contact or restores it; false when there is nothing to do.
    pub fn archive(&mut self, id: u64, archive: bool, now: DateTime<Utc>) -> bool {
        let there = self.contacts.get(&id);
        if there.is_none_or(|c| c.archived.is_some() == archive) {
            return false;
        }
        self.edit(id, now, |contact| {
            contact.archived = archive.then_some(contact.updated);
        });
        true
    }

    /// One contact takes over another one's number and whatever it lacks itself.
    pub fn merge(&mut self, winner: u64, loser: u64, now: DateTime<Utc>) -> bool {
        if winner == loser || self.live(winner).is_none() {
            return false;
        }
        let Some(lost) = self.contacts.remove(&loser) else {
            return false;
        };
        self.taken.retain(|_, id| *id != loser);
        self.redirects.insert(loser, winner);
        self.edit(winner, now, |contact| {
            let extra = lost.values.get("email").cloned();
            for (name, value) in lost.values {
                contact.values.entry(name).or_insert(value);
            }
            if extra.is_some() && contact.values.get("email") != extra.as_ref() {
                let extra = extra.unwrap_or_default();
                contact.values.insert("hs_additional_emails".into(), extra);
            }
            contact.merged.push(loser);
        });
        true
    }

    /// Removes a contact for good.
    pub fn forget(&mut self, id: u64) {
        self.contacts.remove(&id);
        self.taken.retain(|_, owner| *owner != id);
    }

    /// Whether searches see the last change already.
    pub fn shows(&self, contact: &Contact, now: DateTime<Utc>) -> bool {
        let lag = i64::try_from(self.knobs.index_lag_ms).unwrap_or(i64::MAX / 2_000_000);
        lag == 0 || contact.updated + Duration::milliseconds(lag) <= now
    }

    /// Counts a call, or refuses it.
    pub fn charge(&mut self, search: bool, now: DateTime<Utc>) -> Result<(), Refusal> {
        let (used, limit, window, policy) = if search {
            let limit = self.knobs.searches_per_second;
            (&mut self.searches, limit, 1, "SECONDLY")
        } else {
            let limit = self.knobs.calls_per_ten_seconds;
            (&mut self.calls, limit, 10, "TEN_SECONDLY_ROLLING")
        };
        used.retain(|at| now - *at < Duration::seconds(window));
        if limit.is_some_and(|limit| used.len() >= limit) {
            return Err(Refusal::too_many(policy));
        }
        used.push_back(now);
        Ok(())
    }

    /// How many calls are left in the present ten seconds, and how many there are.
    pub fn left(&self) -> (usize, usize) {
        let most = self.knobs.calls_per_ten_seconds.unwrap_or(110);
        (most.saturating_sub(self.calls.len()), most)
    }

    fn edit(&mut self, id: u64, now: DateTime<Utc>, edit: impl FnOnce(&mut Contact)) {
        let Some(mut contact) = self.contacts.remove(&id) else {
            return;
        };
        let shown = self.shows(&contact, now) || contact.before.is_none();
        if shown {
            contact.before = Some(Some((contact.values.clone(), contact.updated)));
        }
        let next = contact.updated + Duration::milliseconds(1);
        contact.updated = now.trunc_subsecs(3).max(next);
        edit(&mut contact);
        self.taken.retain(|_, owner| *owner != id);
        if contact.archived.is_none() {
            self.claim(&contact);
        }
        self.contacts.insert(id, contact);
    }

    /// The values in HubSpot's form, all of them or a refusal.
    fn checked(&self, values: &Values) -> Result<Values, Refusal> {
        let mut wrong = Vec::new();
        let mut checked = Values::new();
        for (name, value) in values {
            match properties::check(self.properties.get(name), name, value) {
                Ok(value) => drop(checked.insert(name.clone(), value)),
                Err(error) => wrong.push(error),
            }
        }
        if wrong.is_empty() {
            Ok(checked)
        } else {
            Err(Refusal::invalid(&wrong))
        }
    }

    fn is_unique(&self, name: &str) -> bool {
        name == "email" || self.properties.get(name).is_some_and(|p| p.unique)
    }

    fn free(&self, values: &Values, of: Option<u64>) -> Result<(), Trouble> {
        for (name, value) in values {
            let unique = self.is_unique(name) && !value.is_empty();
            let other = self.by_unique(name, value).filter(|_| unique);
            if let Some(other) = other.filter(|other| Some(other.id) != of) {
                return Err(Trouble::Taken(other.id));
            }
        }
        Ok(())
    }

    fn claim(&mut self, contact: &Contact) {
        for (name, value) in &contact.values {
            if name == "hs_additional_emails" {
                for email in value.split(';') {
                    self.taken
                        .insert(("email".into(), email.to_lowercase()), contact.id);
                }
            } else if self.is_unique(name) {
                self.taken
                    .insert((name.clone(), value.to_lowercase()), contact.id);
            }
        }
    }
}

fn put(all: &mut Values, values: Values) {
    for (name, value) in values {
        if value.is_empty() {
            all.remove(&name);
        } else {
            all.insert(name, value);
        }
    }
}
