//! CardDAV (RFC 6352), whatever server speaks it.
//!
//! What is here: the trait, and where each of its calls is done. Finding address books is `discover.rs`, making
//! them `book.rs`, reading `read.rs`, writing `write.rs`, calls and their refusals `call.rs`; `card.rs`, `map.rs`,
//! `fields.rs`, `place.rs` and `cursor.rs` are pure; `wire.rs` is WebDAV's XML.
//!
//! Not here: groups (servers and apps keep them in ways of their own), photos, and calendars.

mod book;
mod call;
mod card;
mod cursor;
mod discover;
mod fields;
mod map;
mod place;
mod read;
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

/// The connector for CardDAV.
#[derive(Debug)]
pub struct CardDav {
    definition: Definition,
}

impl CardDav {
    /// Reads the definition that stands beside the code.
    pub fn new() -> Result<Self, DefinitionError> {
        Ok(Self {
            definition: Definition::parse(include_str!("provider.toml"))?,
        })
    }
}

inventory::submit!(crate::Listed(|| Ok(Box::new(CardDav::new()?))));

#[async_trait]
impl Connector for CardDav {
    fn definition(&self) -> &Definition {
        &self.definition
    }

    async fn identity(&self, session: &Session) -> Result<Identity, Error> {
        discover::identity(session).await
    }

    async fn collections(&self, session: &Session) -> Result<Vec<Collection>, Error> {
        discover::collections(session).await
    }

    async fn create_collection(
        &self,
        session: &Session,
        name: &str,
    ) -> Result<MadeCollection, Error> {
        book::create(session, name).await
    }

    async fn fields(&self, _: &Session) -> Result<Vec<FieldDescriptor>, Error> {
        Ok(fields::descriptors())
    }

    async fn pull(&self, session: &Session, pull: &Pull) -> Result<Page, Error> {
        read::pull(session, pull).await
    }

    async fn get(
        &self,
        session: &Session,
        ids: &[RemoteId],
        _: &[FieldName],
    ) -> Result<Vec<Option<Record>>, Error> {
        read::get(session, ids).await
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
        collection: &str,
        items: &[Create],
        _known: &[RemoteId],
    ) -> Result<Vec<Option<Record>>, Error> {
        let ids = items
            .iter()
            .map(|item| write::href(session, collection, item));
        let ids: Result<Vec<_>, Error> = ids.collect();
        read::get(session, &ids?).await
    }

    async fn update(&self, session: &Session, items: &[Update]) -> Vec<Result<Written, Error>> {
        write::update(session, items).await
    }

    async fn delete(&self, session: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
        write::delete(session, ids).await
    }
}
