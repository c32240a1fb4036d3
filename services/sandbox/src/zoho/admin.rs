//! Zoho as its administrator sees it: accounts, seeding, edits by a person, knobs. The less common deeds are in `actions`.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::errors::ItemError;
use super::org::{Opening, Org};
use super::writes::{self, Author};
use super::{Zoho, actions, render, seed, time, workflow};
use crate::core::lock;
use crate::core::people::{Person, Seed, people};
use crate::core::provider::{
    AccountInfo, AdminError, Dump, DumpRecord, NewAccount, ProviderAdmin, turned,
};

/// The zones a user may have, in minutes east of Greenwich; daylight saving is not imitated.
const ZONES: &[(&str, i32)] = &[
    ("Asia/Kolkata", 330),
    ("UTC", 0),
    ("Europe/London", 0),
    ("Europe/Berlin", 60),
    ("Europe/Paris", 60),
    ("Europe/Athens", 120),
    ("America/New_York", -300),
    ("America/Chicago", -360),
    ("America/Denver", -420),
    ("America/Los_Angeles", -480),
    ("Asia/Dubai", 240),
    ("Asia/Singapore", 480),
    ("Asia/Tokyo", 540),
    ("Australia/Sydney", 600),
];

const EDITIONS: &[&str] = &["enterprise", "free", "standard", "professional", "ultimate"];
const MAX_DUMP: usize = 1000;

/// The zone of this name, the first one for none.
pub fn zone(name: Option<&str>) -> Result<(&'static str, i32), AdminError> {
    let found = ZONES
        .iter()
        .find(|(known, _)| name.is_none_or(|name| name == *known));
    found.copied().ok_or_else(|| {
        let known: Vec<&str> = ZONES.iter().map(|(known, _)| *known).collect();
        AdminError::invalid(format!("time_zone is one of {}", known.join(", ")))
    })
}

/// An edition by name, enterprise for none.
pub fn edition(name: Option<&str>) -> Result<&'static str, AdminError> {
    let found = EDITIONS
        .iter()
        .find(|known| name.is_none_or(|name| name.eq_ignore_ascii_case(known)));
    found
        .copied()
        .ok_or_else(|| AdminError::invalid(format!("edition is one of {}", EDITIONS.join(", "))))
}

impl Zoho {
    /// The organisation of an account, with due workflows done.
    pub(super) fn opened(&self, account: &str) -> Result<Arc<Mutex<Org>>, AdminError> {
        let org = self
            .org(account)
            .ok_or_else(|| AdminError::not_found(format!("no Zoho account {account}")))?;
        workflow::settle(&mut lock(&org), self.now_ms());
        Ok(org)
    }

    /// A person of the organisation, now.
    pub(super) fn person(&self, org: &Org) -> Author {
        Author {
            user: org.person(),
            now: self.now_ms().div_euclid(1000),
        }
    }
}

impl ProviderAdmin for Zoho {
    fn id(&self) -> &'static str {
        "zoho"
    }

    fn accounts(&self) -> Vec<AccountInfo> {
        let orgs: Vec<_> = lock(&self.orgs).values().cloned().collect();
        orgs.iter().map(|org| info(&lock(org))).collect()
    }

    fn create_account(&self, account: &NewAccount) -> Result<AccountInfo, AdminError> {
        if !account.email.contains('@') {
            return Err(AdminError::invalid("email is an address"));
        }
        let (zone, edition) = (
            zone(account.time_zone.as_deref())?,
            edition(account.edition.as_deref())?,
        );
        let name = if account.name.is_empty() {
            &account.email
        } else {
            &account.name
        };
        let id = {
            let mut orgs = lock(&self.orgs);
            let taken = |org: &Arc<Mutex<Org>>| {
                lock(org)
                    .users
                    .first()
                    .is_some_and(|me| me.email.eq_ignore_ascii_case(&account.email))
            };
            if orgs.values().any(taken) {
                return Err(AdminError::conflict(format!(
                    "there is a Zoho account {} already",
                    account.email
                )));
            }
            let place = orgs.len() as u64;
            let id = (60_000_000_001 + place).to_string();
            let now = self.now_ms().div_euclid(1000);
            let opening = Opening {
                account: &id,
                email: &account.email,
                name,
                edition,
                zone,
                place,
                now,
            };
            orgs.insert(id.clone(), Arc::new(Mutex::new(Org::open(&opening))));
            id
        };
        if let Some(seed) = &account.seed {
            self.seed(&id, seed)?;
        }
        let org = self.opened(&id)?;
        let info = info(&lock(&org));
        Ok(info)
    }

    fn seed(&self, account: &str, seed: &Seed) -> Result<u64, AdminError> {
        let org = self.opened(account)?;
        let mut org = lock(&org);
        let now = self.now_ms().div_euclid(1000);
        let mut added = 0;
        for person in people(seed, self.id()) {
            // One a second, the last one just now: an address book has grown, it did not fall from the sky.
            let left = i64::try_from(seed.contacts - added - 1).unwrap_or(0);
            let author = Author {
                user: org.me(),
                now: now - left,
            };
            seed::add(&mut org, &person, author).map_err(|error| refused(&error))?;
            added += 1;
        }
        Ok(added)
    }

    fn contacts(
        &self,
        account: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Dump, AdminError> {
        let org = self.opened(account)?;
        let org = lock(&org);
        let after = after.map_or(Ok(0), number)?;
        let limit = limit.clamp(1, MAX_DUMP);
        let ids = org.table.ids_after(after, limit);
        let next = ids
            .last()
            .filter(|_| ids.len() == limit)
            .map(u64::to_string);
        let contacts = ids.into_iter().filter_map(|id| dumped(&org, id)).collect();
        Ok(Dump { contacts, next })
    }

    fn contact(&self, account: &str, id: &str) -> Result<DumpRecord, AdminError> {
        let org = self.opened(account)?;
        let org = lock(&org);
        dumped(&org, number(id)?).ok_or_else(|| no_contact(id))
    }

    fn create_contact(&self, account: &str, native: &Value) -> Result<DumpRecord, AdminError> {
        let org = self.opened(account)?;
        let mut org = lock(&org);
        let native = with_company(&mut org, native);
        let author = self.person(&org);
        let id = writes::insert(&mut org, &native, 0, author).map_err(|error| refused(&error))?;
        dumped(&org, id).ok_or_else(|| no_contact(&id.to_string()))
    }

    fn patch_contact(
        &self,
        account: &str,
        id: &str,
        native: &Value,
    ) -> Result<DumpRecord, AdminError> {
        let org = self.opened(account)?;
        let mut org = lock(&org);
        let number = live(&org, id)?;
        let native = with_company(&mut org, native);
        let author = self.person(&org);
        writes::update(&mut org, number, &native, 0, author).map_err(|error| refused(&error))?;
        dumped(&org, number).ok_or_else(|| no_contact(id))
    }

    fn delete_contact(&self, account: &str, id: &str) -> Result<(), AdminError> {
        let org = self.opened(account)?;
        let mut org = lock(&org);
        let number = live(&org, id)?;
        let author = self.person(&org);
        writes::delete(&mut org, number, false, author);
        Ok(())
    }

    fn restore_contact(&self, account: &str, id: &str) -> Result<DumpRecord, AdminError> {
        let org = self.opened(account)?;
        let mut org = lock(&org);
        let number = number(id)?;
        let author = self.person(&org);
        if !writes::restore(&mut org, number, author) {
            return Err(AdminError::conflict(format!(
                "contact {id} is not in the recycle bin"
            )));
        }
        dumped(&org, number).ok_or_else(|| no_contact(id))
    }

    fn expire_sync_tokens(&self, account: &str) -> Result<u64, AdminError> {
        let org = self.opened(account)?;
        let mut org = lock(&org);
        org.token_generation += 1;
        Ok(org.token_generation)
    }

    fn reformat_phones(&self, account: &str, bump_modified: bool) -> Result<u64, AdminError> {
        let org = self.opened(account)?;
        let mut org = lock(&org);
        let author = bump_modified.then(|| self.person(&org));
        Ok(workflow::reformat_all(&mut org, author))
    }

    fn knobs(&self, account: &str) -> Result<Value, AdminError> {
        let org = self.opened(account)?;
        let org = lock(&org);
        serde_json::to_value(&org.knobs).map_err(|error| AdminError::invalid(error.to_string()))
    }

    fn set_knobs(&self, account: &str, knobs: &Value) -> Result<Value, AdminError> {
        let org = self.opened(account)?;
        {
            let mut org = lock(&org);
            org.knobs = turned(&org.knobs, knobs)?;
        }
        self.knobs(account)
    }

    fn action(&self, account: &str, name: &str, body: &Value) -> Result<Value, AdminError> {
        actions::run(self, account, name, body)
    }
}

fn info(org: &Org) -> AccountInfo {
    let me = org.users.first();
    AccountInfo {
        id: org.account.clone(),
        email: me.map(|user| user.email.clone()).unwrap_or_default(),
        name: me.map(super::org::User::full_name).unwrap_or_default(),
        edition: Some(org.edition.clone()),
        contacts: org.table.len() as u64,
    }
}

/// A contact, deleted or not, as the admin API shows it.
fn dumped(org: &Org, id: u64) -> Option<DumpRecord> {
    let shown = |seconds: i64| time::show(seconds, time::zone(0));
    if let Some(record) = org.table.get(id) {
        let (neutral, native) = (seed::neutral(org, record), render::whole(org, record));
        return Some(DumpRecord {
            id: id.to_string(),
            deleted: false,
            modified: shown(record.modified),
            neutral,
            native,
        });
    }
    let stone = org.table.tombstone(id)?;
    let (neutral, native) = match &stone.record {
        Some(record) => (seed::neutral(org, record), render::whole(org, record)),
        None => (Person::default(), json!({"id": id.to_string()})),
    };
    Some(DumpRecord {
        id: id.to_string(),
        deleted: true,
        modified: shown(stone.deleted),
        neutral,
        native,
    })
}

/// A person picks a company by name; the API takes ids only.
fn with_company(org: &mut Org, native: &Value) -> Value {
    let mut native = native.clone();
    let given = native.get("Account_Name");
    let by_name = given.filter(|value| value.get("id").is_none());
    let name = by_name.and_then(|value| value.as_str().or_else(|| value.get("name")?.as_str()));
    if let Some(name) = name.filter(|name| !name.is_empty()).map(str::to_owned) {
        let id = org.company(&name);
        if let Some(map) = native.as_object_mut() {
            map.insert("Account_Name".into(), json!({"id": id}));
        }
    }
    native
}

/// The number of an id in an admin path.
pub fn number(id: &str) -> Result<u64, AdminError> {
    id.parse().map_err(|_| no_contact(id))
}

/// The number of a contact which is not deleted.
pub fn live(org: &Org, id: &str) -> Result<u64, AdminError> {
    let number = number(id)?;
    if org.table.get(number).is_some() {
        Ok(number)
    } else {
        Err(no_contact(id))
    }
}

fn no_contact(id: &str) -> AdminError {
    AdminError::not_found(format!("no contact {id}"))
}

/// A refused write in words for a person.
pub fn refused(error: &ItemError) -> AdminError {
    AdminError::invalid(format!(
        "{}: {} {}",
        error.code, error.message, error.details
    ))
}
