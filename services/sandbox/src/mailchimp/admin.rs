//! Mailchimp's admin side: what the account's owner does in the web pages, what people do by themselves, and the knobs.
//!
//! A contact's id here is its audience's id, a colon and its own.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::account::{Account, Audience, Member, time};
use super::hooks::Source;
use super::members::{self, Manner};
use super::refusal::Refusal;
use super::{Mailchimp, Shared, convert, settings};
use crate::core::ids::digest;
use crate::core::lock;
use crate::core::people::{Seed, people as invent};
use crate::core::provider::{
    AccountInfo, AdminError, Dump, DumpRecord, NewAccount, ProviderAdmin, turned,
};

/// By hand, nothing is required.
const BY_HAND: Manner = Manner {
    lenient: true,
    sync_tags: true,
};

/// A refusal of the API as one of the admin API.
fn refused(refusal: &Refusal) -> AdminError {
    let fields: Vec<String> = refusal
        .errors
        .iter()
        .map(|(field, message)| format!("{field}: {message}"))
        .collect();
    AdminError {
        status: refusal.status,
        message: format!("{} {}", refusal.detail, fields.join(", ")),
    }
}

impl ProviderAdmin for Mailchimp {
    fn id(&self) -> &'static str {
        "mailchimp"
    }

    fn accounts(&self) -> Vec<AccountInfo> {
        let accounts: Vec<Shared> = lock(&self.accounts)
            .iter()
            .map(|(_, account)| Arc::clone(account))
            .collect();
        accounts
            .iter()
            .map(|account| info(&lock(account)))
            .collect()
    }

    fn create_account(&self, account: &NewAccount) -> Result<AccountInfo, AdminError> {
        if account.email.trim().is_empty() {
            return Err(AdminError::invalid("an account needs an email"));
        }
        let known = self.accounts();
        if known
            .iter()
            .any(|one| one.email.eq_ignore_ascii_case(&account.email))
        {
            return Err(AdminError::conflict(format!(
                "{} has an account already",
                account.email
            )));
        }
        let seed = self.core.ids.seed() ^ digest(&format!("mailchimp {}", account.email));
        let id = format!("{seed:016x}00000000");
        let name = if account.name.is_empty() {
            &account.email
        } else {
            &account.name
        };
        let fresh = Account::new(
            id.clone(),
            account.email.clone(),
            name.clone(),
            seed,
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

    /// Into the oldest audience; people without an address have no place here.
    fn seed(&self, account: &str, seed: &Seed) -> Result<u64, AdminError> {
        let account = self.known(account)?;
        let mut account = lock(&account);
        let list = oldest(&account)?;
        let (now, mut added) = (self.now(), 0);
        for (n, person) in invent(seed, &format!("mailchimp {}", account.email)).enumerate() {
            let age = 10 * (seed.contacts.saturating_sub(n as u64)) as i64;
            let then = now - chrono::Duration::minutes(age);
            let Some(native) = convert::to_native(&person) else {
                continue;
            };
            if members::add(&mut account, &list, &native, BY_HAND, then).is_ok() {
                added += 1;
            }
        }
        Ok(added)
    }

    fn contacts(
        &self,
        account: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Dump, AdminError> {
        let account = self.known(account)?;
        let account = lock(&account);
        let mut all: Vec<DumpRecord> = Vec::new();
        for audience in &account.audiences {
            all.extend(audience.members.iter().map(|member| dump(audience, member)));
        }
        let start = match after {
            Some(after) => all
                .iter()
                .position(|one| one.id == after)
                .map_or(0, |at| at + 1),
            None => 0,
        };
        let more = all.len() > start.saturating_add(limit);
        let contacts: Vec<DumpRecord> = all.into_iter().skip(start).take(limit).collect();
        let next = contacts.last().filter(|_| more).map(|last| last.id.clone());
        Ok(Dump { contacts, next })
    }

    fn contact(&self, account: &str, id: &str) -> Result<DumpRecord, AdminError> {
        self.at(account, id, |audience, member| {
            let found = audience.members.iter().find(|one| one.is(member));
            found
                .map(|found| dump(audience, found))
                .ok_or_else(Refusal::not_found)
        })
    }

    fn create_contact(&self, account: &str, native: &Value) -> Result<DumpRecord, AdminError> {
        let known = self.known(account)?;
        let id = {
            let mut account = lock(&known);
            let list = match native.get("list_id").and_then(Value::as_str) {
                Some(list) => list.to_owned(),
                None => oldest(&account)?,
            };
            let mut native = native.clone();
            if let Some(native) = native.as_object_mut() {
                native
                    .entry("status")
                    .or_insert_with(|| "subscribed".into());
            }
            let made = members::add(&mut account, &list, &native, BY_HAND, self.now());
            let made = made.map_err(|refusal| refused(&refusal))?;
            let contact = made.get("contact_id").and_then(Value::as_str);
            format!("{list}:{}", contact.unwrap_or(""))
        };
        self.tell(&known, Source::Admin);
        self.contact(account, &id)
    }

    fn patch_contact(
        &self,
        account: &str,
        id: &str,
        native: &Value,
    ) -> Result<DumpRecord, AdminError> {
        let now = self.now();
        self.at(account, id, |audience, member| {
            if let Some(names) = native.get("tags").and_then(Value::as_array) {
                let at = audience.position(member).ok_or_else(Refusal::not_found)?;
                let names = names.iter().filter_map(Value::as_str).map(str::to_owned);
                let names: Vec<String> = names.collect();
                for name in &names {
                    let number = digest(name) >> 40;
                    audience.tag(name, number);
                }
                if let Some(member) = audience.members.get_mut(at) {
                    member.tags = names.into_iter().collect();
                }
            }
            members::patch(audience, member, native, BY_HAND, now)
        })?;
        self.contact(account, id)
    }

    /// Archives it.
    fn delete_contact(&self, account: &str, id: &str) -> Result<(), AdminError> {
        let now = self.now();
        self.at(account, id, |audience, member| {
            members::archive(audience, member, now)
        })
    }

    fn restore_contact(&self, account: &str, id: &str) -> Result<DumpRecord, AdminError> {
        let now = self.now();
        self.at(account, id, |audience, member| {
            members::unarchive(audience, member, now)
        })?;
        self.contact(account, id)
    }

    fn expire_sync_tokens(&self, account: &str) -> Result<u64, AdminError> {
        self.known(account)?;
        Ok(0)
    }

    /// There is no such habit here.
    fn reformat_phones(&self, account: &str, _: bool) -> Result<u64, AdminError> {
        self.known(account)?;
        Ok(0)
    }

    fn knobs(&self, account: &str) -> Result<Value, AdminError> {
        let account = self.known(account)?;
        let account = lock(&account);
        serde_json::to_value(&account.knobs).map_err(|error| AdminError::invalid(error.to_string()))
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
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or("");
        let now = self.now();
        let become_status = |status: &'static str| {
            self.at(account, text("contact"), |audience, member| {
                members::alter(audience, member, now, |member| {
                    status.clone_into(&mut member.status);
                    member.before = None;
                    Ok(())
                })
                .map(|()| json!({}))
            })
        };
        match name {
            "audience" => {
                let account = self.known(account)?;
                let mut account = lock(&account);
                let double_optin = body.get("double_optin").and_then(Value::as_bool) == Some(true);
                Ok(json!({"id": account.open(text("name"), double_optin, now)}))
            }
            "merge-field" => {
                let account = self.known(account)?;
                let mut account = lock(&account);
                let list = match text("list") {
                    "" => oldest(&account)?,
                    list => list.to_owned(),
                };
                let audience = account.audience(&list);
                let audience = audience.ok_or_else(|| AdminError::not_found("no such audience"))?;
                settings::add_merge_field(audience, body).map_err(|refusal| refused(&refusal))
            }
            "unsubscribe" => become_status("unsubscribed"),
            "resubscribe" => become_status("subscribed"),
            "clean" => become_status("cleaned"),
            "forget" => self.at(account, text("contact"), |audience, member| {
                members::forget(audience, member).map(|()| json!({}))
            }),
            _ => Err(AdminError::not_found(format!(
                "no action {name}; there are audience, merge-field, unsubscribe, resubscribe, clean and forget"
            ))),
        }
    }
}

impl Mailchimp {
    /// Does something with the member of an id.
    fn at<T>(
        &self,
        account: &str,
        id: &str,
        work: impl FnOnce(&mut Audience, &str) -> Result<T, Refusal>,
    ) -> Result<T, AdminError> {
        let account = self.known(account)?;
        let (list, member) = id
            .split_once(':')
            .ok_or_else(|| AdminError::invalid(format!("{id} is no contact id")))?;
        let done = {
            let mut account = lock(&account);
            let audience = account.audience(list);
            let audience =
                audience.ok_or_else(|| AdminError::not_found(format!("no contact {id}")))?;
            work(audience, member)
        };
        self.tell(&account, Source::Admin);
        done.map_err(|refusal| refused(&refusal))
    }
}

fn oldest(account: &Account) -> Result<String, AdminError> {
    let first = account
        .audiences
        .first()
        .map(|audience| audience.id.clone());
    first.ok_or_else(|| AdminError::not_found("the account has no audience"))
}

fn dump(audience: &Audience, member: &Member) -> DumpRecord {
    DumpRecord {
        id: format!("{}:{}", audience.id, member.contact_id),
        deleted: member.status == "archived",
        modified: time(member.changed),
        neutral: convert::to_neutral(member),
        native: audience.render(member),
    }
}

fn info(account: &Account) -> AccountInfo {
    let live: usize = account.audiences.iter().map(|one| one.live().count()).sum();
    AccountInfo {
        id: account.id.clone(),
        email: account.email.clone(),
        name: account.name.clone(),
        edition: None,
        contacts: live as u64,
    }
}
