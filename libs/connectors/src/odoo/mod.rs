//! Odoo 19 and later: the contacts that are persons, by the JSON-2 API.
//!
//! What is here: the trait, and the small calls (who the user is, tags, rights). Reading is `read.rs`, writing `write.rs`,
//! names that stand for ids of other records `lookup.rs`, calls and their refusals `call.rs`; `map.rs`, `html.rs`,
//! `fields.rs` and `cursor.rs` are pure; `wire.rs` is Odoo's JSON.
//!
//! Found out by running Odoo 19.0 (Community) and reading its source:
//!
//! - A call is one transaction. `web_save_multi` writes and reads what it wrote in one; `load` makes records or changes
//!   those of the same external ids. One record that is refused refuses all.
//! - Times are those of a transaction's beginning, to the second as they are shown: a version is a time and a hash.
//! - A contact that belongs to a company shows its name and shares its address: a write of that would reach the company and
//!   everybody else there, so it is refused. A company that gets another name or address touches its people's times.
//! - A tag that is given or taken on the tag's own page touches nobody's time. What is archived is still there.
//! - Refusals come with any status up to 500, and always with the name of a Python exception. Ids that do not exist are
//!   left out of what is read; ids that the user may not see are refused.
//! - An external id goes with its record. Only administrators may list them, everybody may look one up.
//!
//! Not here: companies and further addresses as records, properties (a company's own fields in JSON), pictures, leads.

mod call;
mod cursor;
mod fields;
mod html;
mod lookup;
mod map;
mod read;
#[cfg(test)]
mod tests;
mod wire;
mod write;

use async_trait::async_trait;
use serde_json::json;
use syncline_connector::{
    Connector, Create, Definition, DefinitionError, Error, Kind, Page, Pull, Session, Update,
    Written,
};
use syncline_model::{
    Collection, FieldDescriptor, FieldName, Identity, Permission, Permissions, Record, RemoteId,
};

use call::{Odoo, PARTNER};
use wire::{Context, Named, User};

/// The connector for Odoo.
#[derive(Debug)]
pub struct OdooCrm {
    definition: Definition,
}

impl OdooCrm {
    /// Reads the definition that stands beside the code.
    pub fn new() -> Result<Self, DefinitionError> {
        Ok(Self {
            definition: Definition::parse(include_str!("provider.toml"))?,
        })
    }
}

inventory::submit!(crate::Listed(|| Ok(Box::new(OdooCrm::new()?))));

#[async_trait]
impl Connector for OdooCrm {
    fn definition(&self) -> &Definition {
        &self.definition
    }

    async fn identity(&self, session: &Session) -> Result<Identity, Error> {
        let odoo = Odoo::of(session).await?;
        let context: Context = odoo.ask("res.users", "context_get", json!({})).await?;
        let wanted = json!({
            "ids": [context.uid],
            "specification": {"login": {}, "name": {}, "company_id": {"fields": {"name": {}}}},
        });
        let users: Vec<User> = odoo.ask("res.users", "web_read", wanted).await?;
        let Some(user) = users.into_iter().next() else {
            return Err(session.error(Kind::Malformed, "Odoo does not say who the user is"));
        };
        let database = session.user().await?;
        let host = odoo.server.host_str().unwrap_or_default();
        let port = odoo.server.port();
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let company = user.company_id.0.map(|company| company.name);
        Ok(Identity {
            subject: format!("{host}{port}/{database}:{}", context.uid),
            label: match company {
                Some(company) => format!("{} ({company})", user.login),
                None => user.login,
            },
        })
    }

    async fn permissions(&self, session: &Session) -> Result<Permissions, Error> {
        let odoo = Odoo::of(session).await?;
        let mut permissions = Permissions::default();
        for (permission, operation) in [
            (Permission::View, "read"),
            (Permission::Create, "create"),
            (Permission::Edit, "write"),
            (Permission::Delete, "unlink"),
        ] {
            let asked = json!({ "operation": operation });
            if !odoo.ask::<bool>(PARTNER, "has_access", asked).await? {
                let name = format!("{operation} of contacts");
                permissions.missing.insert(permission, name);
            }
        }
        Ok(permissions)
    }

    async fn collections(&self, session: &Session) -> Result<Vec<Collection>, Error> {
        let odoo = Odoo::of(session).await?;
        let mut found = vec![Collection {
            id: cursor::ALL.into(),
            name: "Contacts".into(),
            default: true,
            membership_writable: false,
        }];
        found.extend(tags(&odoo).await?.into_iter().map(|tag| Collection {
            id: format!("{}{}", cursor::TAG, tag.id),
            name: tag.name,
            default: false,
            membership_writable: true,
        }));
        Ok(found)
    }

    async fn fields(&self, session: &Session) -> Result<Vec<FieldDescriptor>, Error> {
        let odoo = Odoo::of(session).await?;
        let described = fields::described(&odoo).await?;
        let lists = fields::Lists {
            users: lookup::users(&odoo).await?,
            tags: tags(&odoo).await?,
        };
        Ok(fields::descriptors(&described, &lists))
    }

    async fn pull(&self, session: &Session, pull: &Pull) -> Result<Page, Error> {
        read::pull(&Odoo::of(session).await?, pull).await
    }

    async fn get(
        &self,
        session: &Session,
        ids: &[RemoteId],
        fields: &[FieldName],
    ) -> Result<Vec<Option<Record>>, Error> {
        read::get(&Odoo::of(session).await?, ids, fields).await
    }

    async fn create(
        &self,
        session: &Session,
        collection: &str,
        items: &[Create],
    ) -> Vec<Result<Written, Error>> {
        match Odoo::of(session).await {
            Ok(odoo) => write::create(&odoo, collection, items).await,
            Err(error) => call::all(items.len(), &error),
        }
    }

    async fn find_created(
        &self,
        session: &Session,
        _collection: &str,
        items: &[Create],
        _known: &[RemoteId],
    ) -> Result<Vec<Option<Record>>, Error> {
        write::find_created(&Odoo::of(session).await?, items).await
    }

    async fn update(&self, session: &Session, items: &[Update]) -> Vec<Result<Written, Error>> {
        match Odoo::of(session).await {
            Ok(odoo) => write::update(&odoo, items).await,
            Err(error) => call::all(items.len(), &error),
        }
    }

    async fn delete(&self, session: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
        match Odoo::of(session).await {
            Ok(odoo) => write::delete(&odoo, ids).await,
            Err(error) => call::all(ids.len(), &error),
        }
    }

    async fn mark(&self, session: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
        match Odoo::of(session).await {
            Ok(odoo) => write::mark(&odoo, ids).await,
            Err(error) => call::all(ids.len(), &error),
        }
    }

    async fn join(
        &self,
        session: &Session,
        collection: &str,
        ids: &[RemoteId],
    ) -> Vec<Result<(), Error>> {
        match (Odoo::of(session).await, cursor::tag(collection)) {
            (Ok(odoo), Some(tag)) => write::tag(&odoo, ids, tag, write::Tagging::Give).await,
            (Err(error), _) => call::all(ids.len(), &error),
            (_, None) => call::all(
                ids.len(),
                &self.unsupported("putting records into all contacts"),
            ),
        }
    }

    async fn leave(
        &self,
        session: &Session,
        collection: &str,
        ids: &[RemoteId],
    ) -> Vec<Result<(), Error>> {
        match (Odoo::of(session).await, cursor::tag(collection)) {
            (Ok(odoo), Some(tag)) => write::tag(&odoo, ids, tag, write::Tagging::Take).await,
            (Err(error), _) => call::all(ids.len(), &error),
            (_, None) => call::all(
                ids.len(),
                &self.unsupported("taking records out of all contacts"),
            ),
        }
    }
}

/// The tags of contacts.
async fn tags(odoo: &Odoo<'_>) -> Result<Vec<Named>, Error> {
    let every = json!({"domain": [], "fields": ["name"], "order": "id"});
    odoo.ask("res.partner.category", "search_read", every).await
}
