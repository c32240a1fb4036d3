//! Google Contacts through the People API, version 1.
//!
//! What is here: the trait, and where each of its calls is done. Reading is `read.rs`, writing `write.rs`, labels
//! `groups.rs`; `fields.rs`, `map.rs`, `slots.rs`, `cursor.rs` and `refuse.rs` are pure; `wire.rs` is Google's JSON.
//!
//! Not here: photos, "other contacts", the domain directory, and calendars.

mod cursor;
mod fields;
mod groups;
mod map;
mod read;
mod refuse;
mod slots;
#[cfg(test)]
mod tests;
mod wire;
mod write;

use async_trait::async_trait;
use syncline_connector::{
    Connector, Create, Definition, DefinitionError, Error, MadeCollection, Page, Pull, Session,
    Update, Written,
};
use syncline_model::{Collection, FieldDescriptor, FieldName, Identity, Record, RemoteId};

/// The connector for Google Contacts.
#[derive(Debug)]
pub struct GoogleContacts {
    definition: Definition,
}

impl GoogleContacts {
    /// Reads the definition that stands beside the code.
    pub fn new() -> Result<Self, DefinitionError> {
        Ok(Self {
            definition: Definition::parse(include_str!("provider.toml"))?,
        })
    }
}

inventory::submit!(crate::Listed(|| Ok(Box::new(GoogleContacts::new()?))));

#[async_trait]
impl Connector for GoogleContacts {
    fn definition(&self) -> &Definition {
        &self.definition
    }

    async fn identity(&self, session: &Session) -> Result<Identity, Error> {
        read::identity(session).await
    }

    async fn collections(&self, session: &Session) -> Result<Vec<Collection>, Error> {
        groups::collections(session).await
    }

    async fn create_collection(
        &self,
        session: &Session,
        name: &str,
    ) -> Result<MadeCollection, Error> {
        let _turn = session.write_lock().await;
        groups::create(session, name).await
    }

    async fn fields(&self, session: &Session) -> Result<Vec<FieldDescriptor>, Error> {
        Ok(fields::descriptors(&groups::labels(session).await?))
    }

    async fn pull(&self, session: &Session, pull: &Pull) -> Result<Page, Error> {
        read::pull(session, pull).await
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
        collection: &str,
        items: &[Create],
    ) -> Vec<Result<Written, Error>> {
        write::create(session, collection, items).await
    }

    async fn find_created(
        &self,
        session: &Session,
        _collection: &str,
        items: &[Create],
        _known: &[RemoteId],
    ) -> Result<Vec<Option<Record>>, Error> {
        read::find_created(session, items).await
    }

    async fn update(&self, session: &Session, items: &[Update]) -> Vec<Result<Written, Error>> {
        write::update(session, items).await
    }

    async fn delete(&self, session: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
        write::delete(session, ids).await
    }

    async fn mark(&self, session: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
        let _turn = session.write_lock().await;
        let done = groups::mark(session, ids).await;
        done.unwrap_or_else(|error| write::all_fail(ids.len(), &error))
    }

    async fn join(
        &self,
        session: &Session,
        collection: &str,
        ids: &[RemoteId],
    ) -> Vec<Result<(), Error>> {
        let _turn = session.write_lock().await;
        let done = groups::join(session, collection, ids).await;
        done.unwrap_or_else(|error| write::all_fail(ids.len(), &error))
    }

    async fn leave(
        &self,
        session: &Session,
        collection: &str,
        ids: &[RemoteId],
    ) -> Vec<Result<(), Error>> {
        let _turn = session.write_lock().await;
        let done = groups::leave(session, collection, ids).await;
        done.unwrap_or_else(|error| write::all_fail(ids.len(), &error))
    }
}
