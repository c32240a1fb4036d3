//! Creatio's admin side: what a person does in its pages, and the knobs.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::query::{self, Options};
use super::refusal::Refusal;
use super::schema::{COLLEAGUE, Holds, ME};
use super::site::{OwnColumn, Row, Site, text};
use super::{Creatio, convert, rules, schema};
use crate::core::lock;
use crate::core::people::{Seed, people};
use crate::core::provider::{
    AccountInfo, AdminError, Dump, DumpRecord, NewAccount, ProviderAdmin, turned,
};

impl ProviderAdmin for Creatio {
    fn id(&self) -> &'static str {
        "creatio"
    }

    fn accounts(&self) -> Vec<AccountInfo> {
        let sites: Vec<_> = lock(&self.sites)
            .iter()
            .map(|(_, site)| Arc::clone(site))
            .collect();
        sites.iter().map(|site| info(&lock(site))).collect()
    }

    /// An `edition` of `netcore` is a build without `/0` in its addresses.
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
        let mut rng = self.core.ids.rng_for(&format!("creatio site {email}"));
        let id = format!("site{}", 100_000 + rng.below(900_000));
        let name = Some(&account.name).filter(|name| !name.is_empty());
        let name = name.unwrap_or(&account.email).clone();
        let mut site = Site::new(id.clone(), email.to_owned(), name.clone(), self.now());
        site.is_core = account.edition.as_deref() == Some("netcore");
        for (id, name) in [(ME, name.as_str()), (COLLEAGUE, "Symon Clarke")] {
            let mut row: Row = [("Name".to_owned(), json!(name))].into_iter().collect();
            rules::name_new(&mut row);
            site.put("Contact", id, row.into_iter());
        }
        lock(&self.sites).push((id.clone(), Arc::new(Mutex::new(site))));
        if let Some(seed) = &account.seed {
            self.seed(&id, seed)?;
        }
        let site = self.known(&id)?;
        let site = lock(&site);
        Ok(info(&site))
    }

    fn seed(&self, account: &str, seed: &Seed) -> Result<u64, AdminError> {
        let site = self.known(account)?;
        let mut site = lock(&site);
        let salt = format!("creatio {}", site.email);
        let now = self.now();
        for (n, person) in people(seed, &salt).enumerate() {
            // Spread over the past, so that times differ as on a site that grew.
            let age = chrono::Duration::minutes(10 * seed.contacts.saturating_sub(n as u64) as i64);
            convert::enter(site.at(now - age), &person).map_err(refused)?;
        }
        Ok(seed.contacts)
    }

    fn contacts(
        &self,
        account: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Dump, AdminError> {
        let site = self.known(account)?;
        let site = lock(&site);
        let mut all: Vec<(&Row, bool)> = site.rows("Contact").map(|row| (row, false)).collect();
        all.extend(site.gone.values().map(|row| (row, true)));
        all.sort_by_key(|(row, _)| text(row, "Id"));
        let mut rest = all
            .into_iter()
            .filter(|(row, _)| after.is_none_or(|after| text(row, "Id") > after));
        let contacts: Vec<DumpRecord> = rest
            .by_ref()
            .take(limit)
            .map(|(row, deleted)| dump(&site, row, deleted))
            .collect();
        let next = rest
            .next()
            .and_then(|_| contacts.last().map(|c| c.id.clone()));
        Ok(Dump { contacts, next })
    }

    fn contact(&self, account: &str, id: &str) -> Result<DumpRecord, AdminError> {
        let site = self.known(account)?;
        let site = lock(&site);
        let live = site.row("Contact", id).map(|row| dump(&site, row, false));
        let found = live.or_else(|| site.gone.get(id).map(|row| dump(&site, row, true)));
        found.ok_or_else(|| AdminError::not_found(format!("no contact {id}")))
    }

    fn create_contact(&self, account: &str, native: &Value) -> Result<DumpRecord, AdminError> {
        let id = {
            let site = self.known(account)?;
            let mut site = lock(&site);
            let body = object(native)?;
            site.at(self.now())
                .insert("Contact", body, ME)
                .map_err(refused)?
        };
        self.contact(account, &id)
    }

    fn patch_contact(
        &self,
        account: &str,
        id: &str,
        native: &Value,
    ) -> Result<DumpRecord, AdminError> {
        {
            let site = self.known(account)?;
            let mut site = lock(&site);
            let body = object(native)?;
            site.at(self.now())
                .update("Contact", id, body)
                .map_err(refused)?;
        }
        self.contact(account, id)
    }

    fn delete_contact(&self, account: &str, id: &str) -> Result<(), AdminError> {
        let site = self.known(account)?;
        if lock(&site).at(self.now()).delete("Contact", id) {
            Ok(())
        } else {
            Err(AdminError::not_found(format!("no contact {id}")))
        }
    }

    /// Creatio has no bin.
    fn restore_contact(&self, account: &str, _: &str) -> Result<DumpRecord, AdminError> {
        self.known(account)?;
        Err(AdminError::invalid(
            "Creatio deletes for good: there is nothing to restore",
        ))
    }

    /// Creatio gives out no sync tokens.
    fn expire_sync_tokens(&self, account: &str) -> Result<u64, AdminError> {
        self.known(account).map(|_| 0)
    }

    fn reformat_phones(&self, account: &str, bump_modified: bool) -> Result<u64, AdminError> {
        let site = self.known(account)?;
        let mut site = lock(&site);
        site.at(self.now());
        let rows: Vec<Row> = site.rows("ContactCommunication").cloned().collect();
        let mut changed = 0;
        for mut row in rows {
            let plain = text(&row, "Number").replace([' ', '-', '(', ')'], "");
            let is_phone =
                !plain.is_empty() && plain.chars().all(|c| c.is_ascii_digit() || c == '+');
            if !is_phone || plain == text(&row, "Number") {
                continue;
            }
            changed += 1;
            let id = text(&row, "Id").to_owned();
            let number = [("Number".to_owned(), json!(plain))];
            if bump_modified {
                site.set("ContactCommunication", &id, number.into_iter().collect());
            } else {
                row.extend(number);
                site.keep("ContactCommunication", &id, row);
            }
        }
        Ok(changed)
    }

    fn knobs(&self, account: &str) -> Result<Value, AdminError> {
        let site = self.known(account)?;
        let site = lock(&site);
        serde_json::to_value(&site.knobs).map_err(|e| AdminError::invalid(e.to_string()))
    }

    fn set_knobs(&self, account: &str, knobs: &Value) -> Result<Value, AdminError> {
        let site = self.known(account)?;
        {
            let mut site = lock(&site);
            site.knobs = turned(&site.knobs, knobs)?;
        }
        self.knobs(account)
    }

    fn action(&self, account: &str, name: &str, body: &Value) -> Result<Value, AdminError> {
        let site = self.known(account)?;
        let mut site = lock(&site);
        site.at(self.now());
        let word = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        match name {
            // A tag, private unless its `type` is another one; a colleague's with `"colleague": true`.
            "tag" => {
                let theirs = body.get("colleague").and_then(Value::as_bool) == Some(true);
                let by = if theirs { COLLEAGUE } else { ME };
                let kind = site
                    .rows("TagType")
                    .find(|row| text(row, "Name") == word("type"));
                let kind = kind
                    .map_or(schema::PRIVATE, |row| text(row, "Id"))
                    .to_owned();
                let row = json!({"Name": word("name"), "TypeId": kind});
                let id = site
                    .insert("ContactTag", object(&row)?, by)
                    .map_err(refused)?;
                Ok(json!({ "id": id }))
            }
            "tag-contact" => {
                let row = json!({"TagId": word("tag"), "EntityId": word("id")});
                let id = site
                    .insert("ContactInTag", object(&row)?, ME)
                    .map_err(refused)?;
                Ok(json!({ "id": id }))
            }
            "untag-contact" => {
                let rows = site.children_rows("ContactInTag", "Tag", word("tag"));
                let mine = rows
                    .iter()
                    .filter(|row| text(row, "EntityId") == word("id"));
                for row in mine {
                    site.delete("ContactInTag", text(row, "Id"));
                }
                Ok(json!({}))
            }
            "delete-tag" => Ok(json!({"deleted": site.delete("ContactTag", word("tag"))})),
            "tagged" => {
                let rows = site.children_rows("ContactInTag", "Tag", word("tag"));
                let ids: Vec<&str> = rows.iter().map(|row| text(row, "EntityId")).collect();
                Ok(json!({ "contacts": ids }))
            }
            // A column of contacts: `type` is text, number, bool or time; nobody writes one that is `computed`.
            "column" => {
                let holds = match word("type") {
                    "text" => Holds::Text,
                    "number" => Holds::Decimal,
                    "bool" => Holds::Bool,
                    "time" => Holds::Time,
                    _ => {
                        return Err(AdminError::invalid(
                            "a column holds text, number, bool or time",
                        ));
                    }
                };
                let name = word("name").to_owned();
                let letters = name.chars().all(|c| c.is_ascii_alphanumeric());
                if !letters || name.is_empty() {
                    return Err(AdminError::invalid(
                        "a column's name has letters and digits",
                    ));
                }
                site.columns.retain(|own| own.name != name);
                let computed = body.get("computed").and_then(Value::as_bool) == Some(true);
                site.columns.push(OwnColumn {
                    name,
                    holds,
                    computed,
                });
                Ok(json!({}))
            }
            "delete-column" => {
                site.columns.retain(|own| own.name != word("name"));
                Ok(json!({}))
            }
            // Any row of any entity: saved, changed (`id`) or removed (`id` and no `row`).
            "row" => {
                let entity = schema::entity(word("entity"))
                    .ok_or_else(|| AdminError::not_found("no such entity"))?;
                let id = word("id").to_owned();
                match body.get("row").filter(|row| !row.is_null()) {
                    Some(row) if id.is_empty() => {
                        let id = site.insert(entity, object(row)?, ME).map_err(refused)?;
                        Ok(json!({ "id": id }))
                    }
                    Some(row) => {
                        site.update(entity, &id, object(row)?).map_err(refused)?;
                        Ok(json!({ "id": id }))
                    }
                    None => Ok(json!({"deleted": site.delete(entity, &id)})),
                }
            }
            "rows" => {
                let entity = schema::entity(word("entity"))
                    .ok_or_else(|| AdminError::not_found("no such entity"))?;
                let by = word("by");
                let rows = site.children_rows(entity, by, word("of"));
                Ok(json!({ "rows": rows }))
            }
            _ => Err(AdminError::not_found(format!(
                "no action {name}; there are tag, tag-contact, untag-contact, delete-tag, tagged, column, delete-column, row and rows"
            ))),
        }
    }
}

fn dump(site: &Site, row: &Row, deleted: bool) -> DumpRecord {
    DumpRecord {
        id: text(row, "Id").to_owned(),
        deleted,
        modified: text(row, "ModifiedOn").to_owned(),
        neutral: convert::to_neutral(site, row),
        native: query::render(site, "Contact", row, &Options::default(), false),
    }
}

fn object(body: &Value) -> Result<&Row, AdminError> {
    body.as_object()
        .ok_or_else(|| AdminError::invalid("expected an object of columns"))
}

fn refused(Refusal { status, body }: Refusal) -> AdminError {
    AdminError {
        status,
        message: body.to_string(),
    }
}

fn info(site: &Site) -> AccountInfo {
    AccountInfo {
        id: site.id.clone(),
        email: site.email.clone(),
        name: site.name.clone(),
        edition: site.is_core.then(|| "netcore".to_owned()),
        contacts: site.rows("Contact").count() as u64,
    }
}
