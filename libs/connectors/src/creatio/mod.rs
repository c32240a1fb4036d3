//! Creatio contacts, by OData 4.
//!
//! What is here: the trait, and where each of its calls is done. Listings and changes are `pull.rs`, reading by id
//! `read.rs`, writing `write.rs`, tags and who we are `tags.rs`, calls and what refusals mean `call.rs`; `map.rs`,
//! `addresses.rs`, `change.rs`, `fields.rs`, `own.rs` and `cursor.rs` are pure; `lookups.rs` finds the rows that names stand
//! for; `wire.rs` is Creatio's JSON.
//!
//! Not here: activities, folders, public and corporate tags (Creatio's own sync leaves them alone too), and the making of
//! companies, cities, regions, countries and rows of other lookups.

mod addresses;
mod call;
mod change;
mod cursor;
mod fields;
mod lookups;
mod map;
mod own;
mod pull;
mod read;
mod tags;
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

/// The connector for Creatio.
#[derive(Debug)]
pub struct Creatio {
    definition: Definition,
}

impl Creatio {
    /// Reads the definition that stands beside the code.
    pub fn new() -> Result<Self, DefinitionError> {
        Ok(Self {
            definition: Definition::parse(include_str!("provider.toml"))?,
        })
    }
}

inventory::submit!(crate::Listed(|| Ok(Box::new(Creatio::new()?))));

#[async_trait]
impl Connector for Creatio {
    fn definition(&self) -> &Definition {
        &self.definition
    }

    async fn identity(&self, session: &Session) -> Result<Identity, Error> {
        tags::identity(session).await
    }

    async fn collections(&self, session: &Session) -> Result<Vec<Collection>, Error> {
        tags::collections(session).await
    }

    async fn create_collection(
        &self,
        session: &Session,
        name: &str,
    ) -> Result<MadeCollection, Error> {
        tags::create(session, name).await
    }

    async fn fields(&self, session: &Session) -> Result<Vec<FieldDescriptor>, Error> {
        let mut all = fields::descriptors();
        let mut own = read::own_columns(session).await?;
        lookups::tell_choices(session, &mut own).await?;
        all.extend(own);
        Ok(all)
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
        read::get(session, ids, &own::among(fields)).await
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
        known: &[RemoteId],
    ) -> Result<Vec<Option<Record>>, Error> {
        let ids = items.iter().map(|item| RemoteId::new(write::id(item)));
        let own = own::among(items.iter().flat_map(|item| item.fields.keys()));
        let found = read::get(session, &ids.collect::<Vec<_>>(), &own).await?;
        let new = |found: Option<Record>| found.filter(|record| !known.contains(&record.id));
        Ok(found.into_iter().map(new).collect())
    }

    async fn update(&self, session: &Session, items: &[Update]) -> Vec<Result<Written, Error>> {
        write::update(session, items).await
    }

    async fn delete(&self, _: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
        let error = self.unsupported("deleting contacts");
        ids.iter().map(|_| Err(error.clone())).collect()
    }

    async fn join(
        &self,
        session: &Session,
        collection: &str,
        ids: &[RemoteId],
    ) -> Vec<Result<(), Error>> {
        tags::join(session, collection, ids).await
    }

    async fn leave(
        &self,
        session: &Session,
        collection: &str,
        ids: &[RemoteId],
    ) -> Vec<Result<(), Error>> {
        tags::leave(session, collection, ids).await
    }
}
