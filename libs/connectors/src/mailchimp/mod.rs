//! Mailchimp audiences, Marketing API 3.0.
//!
//! What is here: the trait, and who the account is. Reading is `read.rs`, writing `write.rs`, webhooks `watch.rs`; `cursor.rs`, `fields.rs`,
//! `map.rs` and `refuse.rs` are pure; `wire.rs` is Mailchimp's JSON.
//!
//! Not here: campaigns, groups, text messages, permissions by GDPR and asynchronous batches.

mod cursor;
mod fields;
mod map;
mod read;
mod refuse;
#[cfg(test)]
mod tests;
mod watch;
mod wire;
mod write;

use async_trait::async_trait;
use syncline_connector::watch::{Forged, Heard, Knock, Watch, Watched};
use syncline_connector::{
    Connector, Create, Definition, DefinitionError, Error, Page, Pull, Request, Session, Update,
    Written,
};
use syncline_model::{Collection, FieldDescriptor, FieldName, Identity, Record, RemoteId};

use wire::Root;

/// The connector for Mailchimp.
#[derive(Debug)]
pub struct Mailchimp {
    definition: Definition,
}

impl Mailchimp {
    /// Reads the definition that stands beside the code.
    pub fn new() -> Result<Self, DefinitionError> {
        Ok(Self {
            definition: Definition::parse(include_str!("provider.toml"))?,
        })
    }
}

inventory::submit!(crate::Listed(|| Ok(Box::new(Mailchimp::new()?))));

#[async_trait]
impl Connector for Mailchimp {
    fn definition(&self) -> &Definition {
        &self.definition
    }

    async fn identity(&self, session: &Session) -> Result<Identity, Error> {
        let request = Request::get("/")
            .route("GET /")
            .query("fields", "account_id,account_name,email");
        let root: Root = read::send(session, request).await?.json()?;
        Ok(Identity {
            subject: root.account_id,
            label: format!("{} ({})", root.account_name, root.email),
        })
    }

    /// No audience has all that the account has: the oldest is the one that is synced when none is named.
    async fn collections(&self, session: &Session) -> Result<Vec<Collection>, Error> {
        let lists = read::lists(session).await?.into_iter().enumerate();
        let collection = |(at, list): (usize, wire::List)| Collection {
            id: format!("audience:{}", list.id),
            name: list.name,
            default: at == 0,
            membership_writable: false,
        };
        Ok(lists.map(collection).collect())
    }

    async fn fields(&self, session: &Session) -> Result<Vec<FieldDescriptor>, Error> {
        let (merge_fields, tags) = read::everything(session).await?;
        Ok(fields::descriptors(&merge_fields, &tags))
    }

    async fn pull(&self, session: &Session, pull: &Pull) -> Result<Page, Error> {
        read::pull(session, pull).await
    }

    async fn get(
        &self,
        session: &Session,
        ids: &[RemoteId],
        _fields: &[FieldName],
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
        known: &[RemoteId],
    ) -> Result<Vec<Option<Record>>, Error> {
        read::find_created(session, collection, items, known).await
    }

    async fn update(&self, session: &Session, items: &[Update]) -> Vec<Result<Written, Error>> {
        write::update(session, items).await
    }

    async fn delete(&self, session: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
        write::delete(session, ids).await
    }

    async fn mark(&self, session: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
        write::mark(session, ids).await
    }

    async fn watch(&self, session: &Session, watch: &Watch) -> Result<Watched, Error> {
        watch::watch(session, watch).await
    }

    async fn unwatch(&self, session: &Session, collection: &str, id: &str) -> Result<(), Error> {
        watch::unwatch(session, collection, id).await
    }

    fn hear(&self, knock: &Knock<'_>) -> Result<Heard, Forged> {
        watch::hear(knock)
    }
}
