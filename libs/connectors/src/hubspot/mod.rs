//! HubSpot contacts, CRM API v3.
//!
//! What is here: the trait, and the small calls. Listings and changes are `pull.rs`, reading by id `read.rs`, writing
//! `write.rs`, what refusals mean `refuse.rs`; `map.rs`, `fields.rs` and `cursor.rs` are pure; `wire.rs` is HubSpot's JSON.
//!
//! Not here: other objects, lists and segments, associations, webhooks, and writing of e-mail subscriptions: that a
//! contact has opted out is read and not written.

mod cursor;
mod fields;
mod map;
mod pull;
mod read;
mod refuse;
#[cfg(test)]
mod tests;
mod wire;
mod write;

use async_trait::async_trait;
use syncline_connector::{
    Connector, Create, Definition, DefinitionError, Error, Page, Pull, Request, Session, Update,
    Written,
};
use syncline_model::{Collection, FieldDescriptor, FieldName, Identity, Record, RemoteId};

use wire::Details;

/// The connector for HubSpot.
#[derive(Debug)]
pub struct HubSpot {
    definition: Definition,
}

impl HubSpot {
    /// Reads the definition that stands beside the code.
    pub fn new() -> Result<Self, DefinitionError> {
        Ok(Self {
            definition: Definition::parse(include_str!("provider.toml"))?,
        })
    }
}

inventory::submit!(crate::Listed(|| Ok(Box::new(HubSpot::new()?))));

#[async_trait]
impl Connector for HubSpot {
    fn definition(&self) -> &Definition {
        &self.definition
    }

    async fn identity(&self, session: &Session) -> Result<Identity, Error> {
        let account = details(session).await?.portal_id;
        Ok(Identity {
            subject: account.to_string(),
            label: format!("HubSpot account {account}"),
        })
    }

    /// Asked for, so that nobody takes an account that cannot be read for one with contacts.
    async fn collections(&self, session: &Session) -> Result<Vec<Collection>, Error> {
        details(session).await?;
        Ok(vec![Collection {
            id: cursor::ALL.to_owned(),
            name: "All contacts".to_owned(),
            default: true,
            membership_writable: false,
        }])
    }

    async fn fields(&self, session: &Session) -> Result<Vec<FieldDescriptor>, Error> {
        let properties = read::properties(session).await?;
        Ok(fields::descriptors(&properties))
    }

    async fn pull(&self, session: &Session, pull: &Pull) -> Result<Page, Error> {
        pull::pull(session, pull).await
    }

    async fn get(
        &self,
        session: &Session,
        ids: &[RemoteId],
        fields: &[FieldName],
    ) -> Result<Vec<Option<Record>>, Error> {
        read::get(session, ids, fields).await
    }

    async fn create(
        &self,
        session: &Session,
        _collection: &str,
        items: &[Create],
    ) -> Vec<Result<Written, Error>> {
        write::create(session, items).await
    }

    async fn find_created(
        &self,
        session: &Session,
        _collection: &str,
        items: &[Create],
        known: &[RemoteId],
    ) -> Result<Vec<Option<Record>>, Error> {
        read::find_created(session, items, known).await
    }

    async fn update(&self, session: &Session, items: &[Update]) -> Vec<Result<Written, Error>> {
        write::update(session, items).await
    }

    async fn delete(&self, session: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
        write::delete(session, ids).await
    }
}

async fn details(session: &Session) -> Result<Details, Error> {
    let request = Request::get("/account-info/v3/details")
        .route("GET /account-info/v3/details")
        .take("calls", 1);
    read::expect(&session.send(request).await?)
}
