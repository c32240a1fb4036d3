//! HubSpot's admin side: what a person does in its pages, and the knobs.

use serde_json::{Value, json};

use super::account::{Account, Contact, Trouble};
use super::properties::{Property, time};
use super::{HubSpot, convert, objects};
use crate::core::lock;
use crate::core::people::{Seed, people};
use crate::core::provider::{
    AccountInfo, AdminError, Dump, DumpRecord, NewAccount, ProviderAdmin, turned,
};

impl ProviderAdmin for HubSpot {
    fn id(&self) -> &'static str {
        "hubspot"
    }

    fn accounts(&self) -> Vec<AccountInfo> {
        let accounts: Vec<_> = lock(&self.accounts)
            .iter()
            .map(|(_, account)| account.clone())
            .collect();
        accounts
            .iter()
            .map(|account| info(&lock(account)))
            .collect()
    }

    fn create_account(&self, account: &NewAccount) -> Result<AccountInfo, AdminError> {
        let email = account.email.trim();
        if email.is_empty() {
            return Err(AdminError::invalid("an account needs an email"));
        }
        if self
            .accounts()
            .iter()
            .any(|a| a.email.eq_ignore_ascii_case(email))
        {
            return Err(AdminError::conflict(format!(
                "{email} has an account already"
            )));
        }
        let mut rng = self.core.ids.rng_for(&format!("hubspot account {email}"));
        let id = (10_000_000 + rng.below(80_000_000)).to_string();
        let name = Some(&account.name).filter(|name| !name.is_empty());
        let name = name.unwrap_or(&account.email).clone();
        let fresh = Account::new(id.clone(), email.to_owned(), name);
        let fresh = std::sync::Arc::new(std::sync::Mutex::new(fresh));
        lock(&self.accounts).push((id.clone(), fresh));
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
        let salt = format!("hubspot {}", account.email);
        let now = self.now();
        for (n, person) in people(seed, &salt).enumerate() {
            // Spread over the past, so that times differ as in an account that grew.
            let age = chrono::Duration::minutes(10 * seed.contacts.saturating_sub(n as u64) as i64);
            account
                .create(&convert::to_native(&person), now - age)
                .map_err(refused)?;
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
        let contacts: Vec<DumpRecord> = page
            .by_ref()
            .take(limit)
            .map(|contact| dump(&account, contact))
            .collect();
        let next = page
            .next()
            .and_then(|_| contacts.last().map(|c| c.id.clone()));
        Ok(Dump { contacts, next })
    }

    fn contact(&self, account: &str, id: &str) -> Result<DumpRecord, AdminError> {
        let account = self.known(account)?;
        let account = lock(&account);
        let contact = account.contacts.get(&number(id)?);
        let contact = contact.ok_or_else(|| AdminError::not_found(format!("no contact {id}")))?;
        Ok(dump(&account, contact))
    }

    fn create_contact(&self, account: &str, native: &Value) -> Result<DumpRecord, AdminError> {
        let id = {
            let account = self.known(account)?;
            let mut account = lock(&account);
            let values = objects::values(&json!({ "properties": native }))
                .map_err(|refusal| unreadable(&refusal))?;
            account.create(&values, self.now()).map_err(refused)?
        };
        self.contact(account, &id.to_string())
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
            let values = objects::values(&json!({ "properties": native }))
                .map_err(|refusal| unreadable(&refusal))?;
            account
                .change(number, &values, self.now())
                .map_err(refused)?;
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

    /// HubSpot gives out no sync tokens.
    fn expire_sync_tokens(&self, account: &str) -> Result<u64, AdminError> {
        self.known(account).map(|_| 0)
    }

    fn reformat_phones(&self, account: &str, _bump_modified: bool) -> Result<u64, AdminError> {
        let account = self.known(account)?;
        let mut account = lock(&account);
        let phones: Vec<(u64, String)> = account
            .contacts
            .values()
            .filter_map(|contact| Some((contact.id, contact.values.get("phone")?.clone())))
            .collect();
        let mut changed = 0;
        for (id, phone) in phones {
            let plain = phone.replace([' ', '-', '(', ')'], "");
            if plain != phone {
                let values = [("phone".to_owned(), plain)].into();
                account.change(id, &values, self.now()).map_err(refused)?;
                changed += 1;
            }
        }
        Ok(changed)
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
        let account = self.known(account)?;
        let mut account = lock(&account);
        match name {
            "property" => {
                let property = Property::read(body).ok_or_else(|| {
                    AdminError::invalid("a property has name, label, type, fieldType, groupName")
                })?;
                let shown = property.render();
                account.properties.insert(property.name.clone(), property);
                Ok(shown)
            }
            "opt-out" | "opt-in" => {
                let id = number(body.get("id").and_then(Value::as_str).unwrap_or_default())?;
                let out = if name == "opt-out" { "true" } else { "" };
                if let Some(property) = account.properties.get_mut("hs_email_optout") {
                    property.read_only = false;
                }
                let values = [("hs_email_optout".to_owned(), out.to_owned())].into();
                let done = account.change(id, &values, self.now());
                if let Some(property) = account.properties.get_mut("hs_email_optout") {
                    property.read_only = true;
                }
                done.map_err(refused)?;
                Ok(json!({}))
            }
            "merge" => objects::merge(&mut account, body, self.now())
                .map(|(_, shown)| shown)
                .map_err(|refusal| unreadable(&refusal)),
            _ => Err(AdminError::not_found(format!(
                "no action {name}; there are property, opt-out, opt-in and merge"
            ))),
        }
    }
}

impl HubSpot {
    fn bin(&self, account: &str, id: &str, archive: bool) -> Result<(), AdminError> {
        let account = self.known(account)?;
        if lock(&account).archive(number(id)?, archive, self.now()) {
            Ok(())
        } else {
            Err(AdminError::not_found(format!("no such contact {id}")))
        }
    }
}

fn dump(account: &Account, contact: &Contact) -> DumpRecord {
    let names: Vec<String> = account.properties.keys().cloned().collect();
    let shown = objects::render(account, contact, &names);
    DumpRecord {
        id: contact.id.to_string(),
        deleted: contact.archived.is_some(),
        modified: time(contact.updated),
        neutral: convert::to_neutral(&contact.values),
        native: shown.get("properties").cloned().unwrap_or_default(),
    }
}

fn number(id: &str) -> Result<u64, AdminError> {
    objects::number(id).ok_or_else(|| AdminError::invalid(format!("{id} is no contact id")))
}

fn unreadable(refusal: &super::refusal::Refusal) -> AdminError {
    AdminError {
        status: refusal.status,
        message: refusal.body.to_string(),
    }
}

fn refused(trouble: Trouble) -> AdminError {
    unreadable(&objects::refused(trouble))
}

fn info(account: &Account) -> AccountInfo {
    AccountInfo {
        id: account.id.clone(),
        email: account.email.clone(),
        name: account.name.clone(),
        edition: None,
        contacts: account.count(),
    }
}
