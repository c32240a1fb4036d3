//! Google's admin side: what the account's owner does in the web pages, and the knobs.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::account::{Account, Contact};
use super::etag::{parse_resource_name, resource_name};
use super::fields::{self, position};
use super::mask::Mask;
use super::refusal::Refusal;
use super::render::{self, View};
use super::{Google, convert, groups, others, people};
use crate::core::ids::digest;
use crate::core::lock;
use crate::core::people::{Seed, people as invent};
use crate::core::provider::{
    AccountInfo, AdminError, Dump, DumpRecord, NewAccount, ProviderAdmin, turned,
};

/// A refusal of the API as one of the admin API.
pub fn refused(refusal: Refusal) -> AdminError {
    AdminError {
        status: refusal.status,
        message: refusal.message,
    }
}

impl ProviderAdmin for Google {
    fn id(&self) -> &'static str {
        "google"
    }

    fn accounts(&self) -> Vec<AccountInfo> {
        let accounts: Vec<Arc<Mutex<Account>>> = lock(&self.accounts)
            .iter()
            .map(|(_, a)| Arc::clone(a))
            .collect();
        accounts.iter().map(|a| info(&lock(a))).collect()
    }

    fn create_account(&self, account: &NewAccount) -> Result<AccountInfo, AdminError> {
        if account.email.trim().is_empty() {
            return Err(AdminError::invalid("an account needs an email"));
        }
        if self
            .accounts()
            .iter()
            .any(|a| a.email.eq_ignore_ascii_case(&account.email))
        {
            return Err(AdminError::conflict(format!(
                "{} has an account already",
                account.email
            )));
        }
        let mut rng = self
            .core
            .ids
            .rng_for(&format!("google account {}", account.email));
        let id = format!(
            "1{:020}",
            u128::from(rng.next_u64()) * 7 % 100_000_000_000_000_000_000
        );
        let name = if account.name.is_empty() {
            &account.email
        } else {
            &account.name
        };
        let fresh = Account::new(
            id.clone(),
            account.email.clone(),
            name.clone(),
            self.core.ids.seed() ^ digest(&account.email),
            self.now(),
        );
        lock(&self.accounts).push((id.clone(), Arc::new(Mutex::new(fresh))));
        if let Some(seed) = &account.seed {
            self.seed(&id, seed)?;
        }
        let account = self.known(&id)?;
        let account = lock(&account);
        Ok(info(&account))
    }

    fn seed(&self, account: &str, seed: &Seed) -> Result<u64, AdminError> {
        let account = self.known(account)?;
        let mut account = lock(&account);
        let salt = format!("google {}", account.email);
        let now = self.now();
        for (n, person) in invent(seed, &salt).enumerate() {
            let draft =
                people::draft(&account, &convert::to_native(&person), "person").map_err(refused)?;
            // Spread over the past, so that times differ as in a book that grew.
            let age =
                chrono::Duration::minutes(10 * (seed.contacts.saturating_sub(n as u64)) as i64);
            people::insert(&mut account, draft, now - age);
        }
        Ok(seed.contacts)
    }

    fn contacts(
        &self,
        account: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Dump, AdminError> {
        let account = self.known(account)?;
        let account = lock(&account);
        let start = match after {
            Some(text) => number(text)?.saturating_add(1),
            None => 0,
        };
        let mut page = account.contacts.range(start..).map(|(_, c)| c);
        let contacts: Vec<DumpRecord> = page.by_ref().take(limit).map(|c| self.dump(c)).collect();
        let next = page
            .next()
            .and_then(|_| contacts.last().map(|c| c.id.clone()));
        Ok(Dump { contacts, next })
    }

    fn contact(&self, account: &str, id: &str) -> Result<DumpRecord, AdminError> {
        let account = self.known(account)?;
        let account = lock(&account);
        let contact = account
            .contacts
            .get(&number(id)?)
            .ok_or_else(|| AdminError::not_found(format!("no contact {id}")))?;
        Ok(self.dump(contact))
    }

    fn create_contact(&self, account: &str, native: &Value) -> Result<DumpRecord, AdminError> {
        let id = {
            let account = self.known(account)?;
            let mut account = lock(&account);
            let draft = people::draft(&account, native, "person").map_err(refused)?;
            people::insert(&mut account, draft, self.now())
        };
        self.contact(account, &resource_name(id))
    }

    fn patch_contact(
        &self,
        account: &str,
        id: &str,
        native: &Value,
    ) -> Result<DumpRecord, AdminError> {
        {
            let account = self.known(account)?;
            let mut account = lock(&account);
            let number = number(id)?;
            if account.live(number).is_none() {
                return Err(AdminError::not_found(format!("no contact {id}")));
            }
            people::edit_by_hand(&mut account, number, native, self.now()).map_err(refused)?;
        }
        self.contact(account, id)
    }

    fn delete_contact(&self, account: &str, id: &str) -> Result<(), AdminError> {
        self.bin(account, id, true)
    }

    fn restore_contact(&self, account: &str, id: &str) -> Result<DumpRecord, AdminError> {
        self.bin(account, id, false)?;
        self.contact(account, id)
    }

    fn expire_sync_tokens(&self, account: &str) -> Result<u64, AdminError> {
        let account = self.known(account)?;
        let mut account = lock(&account);
        account.generation += 1;
        Ok(account.generation)
    }

    fn reformat_phones(&self, account: &str, bump_modified: bool) -> Result<u64, AdminError> {
        let account = self.known(account)?;
        let mut account = lock(&account);
        let place = position("phoneNumbers").unwrap_or_default();
        let now = self.now();
        let changed: Vec<(u64, Box<str>)> = account
            .contacts
            .values()
            .filter(|c| !c.deleted)
            .filter_map(|c| Some((c.id, reformatted(c, place)?)))
            .collect();
        let count = changed.len() as u64;
        for (id, text) in changed {
            if bump_modified {
                account.change(id, now, |face| face.fields.set(place, Some(text)));
            } else {
                account.change_silently(id, |face| face.fields.set(place, Some(text)));
            }
        }
        Ok(count)
    }

    fn knobs(&self, account: &str) -> Result<Value, AdminError> {
        let account = self.known(account)?;
        let account = lock(&account);
        serde_json::to_value(&account.knobs).map_err(|e| AdminError::invalid(e.to_string()))
    }

    fn set_knobs(&self, account: &str, knobs: &Value) -> Result<Value, AdminError> {
        let known = self.known(account)?;
        {
            let mut known = lock(&known);
            known.knobs = turned(&known.knobs, knobs)?;
        }
        self.knobs(account)
    }

    fn action(&self, account: &str, name: &str, body: &Value) -> Result<Value, AdminError> {
        match name {
            "group" => groups::by_hand(self, account, body),
            "other-contact" => others::by_hand(self, account, body),
            _ => Err(AdminError::not_found(format!(
                "no action {name}; there are group and other-contact"
            ))),
        }
    }
}

impl Google {
    fn dump(&self, contact: &Contact) -> DumpRecord {
        let text = render::person(
            contact.id,
            &contact.face,
            &Mask::all(),
            View::Single,
            self.core.base_url(),
        );
        DumpRecord {
            id: format!("c{}", contact.id),
            deleted: contact.deleted,
            modified: render::time(contact.face.updated),
            neutral: convert::to_neutral(&contact.face.fields),
            native: serde_json::from_str(&text).unwrap_or_default(),
        }
    }

    fn bin(&self, account: &str, id: &str, deleted: bool) -> Result<(), AdminError> {
        let account = self.known(account)?;
        let done = lock(&account).set_deleted(number(id)?, deleted, self.now());
        if done {
            Ok(())
        } else {
            Err(AdminError::not_found(format!("no such contact {id}")))
        }
    }
}

fn number(id: &str) -> Result<u64, AdminError> {
    parse_resource_name(id).ok_or_else(|| AdminError::invalid(format!("{id} is no contact id")))
}

fn info(account: &Account) -> AccountInfo {
    AccountInfo {
        id: account.id.clone(),
        email: account.email.clone(),
        name: account.name.clone(),
        edition: None,
        contacts: account.live,
    }
}

/// The phones with canonical numbers instead of what was typed; nothing when that changes nothing.
fn reformatted(contact: &Contact, place: u8) -> Option<Box<str>> {
    let mut items = contact.face.fields.items("phoneNumbers");
    let mut changed = false;
    for item in &mut items {
        let canonical = item.get("canonicalForm").cloned();
        if let (Some(canonical), Some(item)) = (canonical, item.as_object_mut())
            && item.get("value") != Some(&canonical)
        {
            item.insert("value".into(), canonical);
            changed = true;
        }
    }
    if !changed {
        return None;
    }
    fields::store(
        place,
        Some(&items.into()),
        &super::etag::source_id(contact.id),
    )
}
