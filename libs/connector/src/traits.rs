//! The trait that every connector implements, and the plain data that it takes and gives.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use syncline_model::{
    Collection, FieldDescriptor, FieldName, Fields, Identity, OperationId, Permissions, Record,
    RemoteId, Version,
};

use crate::watch::{Forged, Heard, Knock, Watch, Watched};
use crate::{Definition, Error, Session};

/// Opaque place to resume a pull: made and read by one connector only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// Asks for one page of changes.
#[derive(Clone, Debug)]
pub struct Pull {
    /// The collection's id, as `collections` lists it.
    pub collection: String,
    /// Where the last complete pull ended; `None` reads everything.
    pub cursor: Option<Cursor>,
    /// The page to go on with, as the page before gave it.
    pub page: Option<String>,
    /// The fields that are wanted. A connector may give more.
    pub fields: Vec<FieldName>,
}

/// Why a record is no longer in the collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoneWhy {
    /// The provider says that it was deleted.
    Deleted,
    /// It exists, outside the collection.
    Left,
}

/// One thing that a pull found.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The record is in the collection and looks like this.
    Present {
        /// The whole record.
        record: Record,
        /// Ids by which it went before (merged or renamed at the provider).
        former: Vec<RemoteId>,
    },
    /// The record is not in the collection, on the provider's own evidence.
    Gone {
        /// Which.
        id: RemoteId,
        /// Why.
        why: GoneWhy,
        /// Ids by which it went before (merged or renamed at the provider), as far as the provider says.
        former: Vec<RemoteId>,
    },
}

/// What follows a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another page.
    Page(String),
    /// Nothing: the pull is complete.
    End {
        /// Where to resume next time.
        cursor: Cursor,
        /// Whether this was a listing of everything, so that absence from it may be looked into. A connector says
        /// so only if every page arrived and the provider's own count, where it gives one, agrees.
        complete_listing: bool,
    },
}

/// One page of changes.
#[derive(Clone, Debug)]
pub struct Page {
    /// What was found, each id at most once.
    pub changes: Vec<Change>,
    /// What follows.
    pub next: Next,
}

/// A record to create.
#[derive(Clone, Debug)]
pub struct Create {
    /// Our name for this creation: the same in every retry of it.
    pub operation: OperationId,
    /// When it was first intended.
    pub intended_at: DateTime<Utc>,
    /// The fields to set; empty ones are left out.
    pub fields: Fields,
}

/// Fields to change in a record.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which record.
    pub id: RemoteId,
    /// The version that the change was computed from; the connector makes the write conditional on it where it can.
    pub version: Option<Version>,
    /// Only the fields to change; an `Empty` value clears.
    pub changes: Fields,
}

/// A collection that was asked for by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeCollection {
    /// As `collections` lists it.
    pub collection: Collection,
    /// Whether there was none of that name before.
    pub is_new: bool,
}

/// A write that was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The record's id.
    pub id: RemoteId,
    /// Its version after the write.
    pub version: Option<Version>,
    /// When the provider says it was changed.
    pub modified_at: Option<DateTime<Utc>>,
    /// The record's fields after the write, when the provider's answer shows them (it may have reformatted them).
    pub fields: Option<Fields>,
}

/// Code for one provider. Every method may be called again after a failure; none keeps state.
///
/// Batched writes answer with one outcome an item, in the order of the items; a failure of the whole call is every
/// item's outcome. Callers keep within `definition().batch`.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// The provider as data.
    fn definition(&self) -> &Definition;

    /// The same connector for another provider, where its code serves more than one.
    fn defined_as(&self, definition: Definition) -> Option<Arc<dyn Connector>> {
        let _ = definition;
        None
    }

    /// Who the account is.
    async fn identity(&self, session: &Session) -> Result<Identity, Error>;

    /// The containers that can be synced.
    async fn collections(&self, session: &Session) -> Result<Vec<Collection>, Error>;

    /// The fields of this account's records, standard and custom.
    async fn fields(&self, session: &Session) -> Result<Vec<FieldDescriptor>, Error>;

    /// What the user may do with this account's records. Without an own answer nothing is known to be missing, and what may
    /// not be done is refused when it is tried.
    async fn permissions(&self, _: &Session) -> Result<Permissions, Error> {
        Ok(Permissions::default())
    }

    /// One page of what changed in a collection since a cursor, or of everything.
    async fn pull(&self, session: &Session, pull: &Pull) -> Result<Page, Error>;

    /// Reads records directly by id, in the order asked: `None` where the provider says that there is none.
    /// This is the confirmation without which no absence counts as a deletion.
    async fn get(
        &self,
        session: &Session,
        ids: &[RemoteId],
        fields: &[FieldName],
    ) -> Result<Vec<Option<Record>>, Error>;

    /// Creates records inside a collection.
    async fn create(
        &self,
        session: &Session,
        collection: &str,
        items: &[Create],
    ) -> Vec<Result<Written, Error>>;

    /// Looks for records that earlier `create` calls with the same operations may have made although their answer
    /// was lost, each for at most one of them. `known` are records that certainly were not made by them: a provider
    /// without markers must look past these, however alike they are. `Ok(None)` means that there is none *now*; see `Idempotency` for how long to doubt it.
    async fn find_created(
        &self,
        session: &Session,
        collection: &str,
        items: &[Create],
        known: &[RemoteId],
    ) -> Result<Vec<Option<Record>>, Error>;

    /// Changes records.
    async fn update(&self, session: &Session, items: &[Update]) -> Vec<Result<Written, Error>>;

    /// Deletes records; one that is gone already counts as deleted.
    async fn delete(&self, session: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>>;

    /// Marks records as trash ("Syncline Trash" tag or group) and leaves them.
    async fn mark(&self, session: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
        let error = self.unsupported("marking records as trash");
        let _ = session;
        ids.iter().map(|_| Err(error.clone())).collect()
    }

    /// Puts records into a collection; one that is in it already has joined. The reverse of `leave`.
    async fn join(
        &self,
        session: &Session,
        collection: &str,
        ids: &[RemoteId],
    ) -> Vec<Result<(), Error>> {
        let error = self.unsupported("putting records into a collection");
        let _ = (session, collection);
        ids.iter().map(|_| Err(error.clone())).collect()
    }

    /// Takes records out of a collection and leaves them.
    async fn leave(
        &self,
        session: &Session,
        collection: &str,
        ids: &[RemoteId],
    ) -> Vec<Result<(), Error>> {
        let error = self.unsupported("taking records out of a collection");
        let _ = (session, collection);
        ids.iter().map(|_| Err(error.clone())).collect()
    }

    /// Makes a collection, unless the account has one of exactly this name: then that is the answer, so that asking again
    /// makes no second one. The name has no space at its ends and no control characters.
    async fn create_collection(
        &self,
        session: &Session,
        name: &str,
    ) -> Result<MadeCollection, Error> {
        let _ = (session, name);
        Err(self.unsupported("making collections"))
    }

    /// Asks the provider to call us when something changes in a collection. Asking again makes another watch.
    async fn watch(&self, session: &Session, watch: &Watch) -> Result<Watched, Error> {
        let _ = (session, watch);
        Err(self.unsupported("being told of changes"))
    }

    /// Ends a watch; one that has ended already is ended.
    async fn unwatch(&self, session: &Session, collection: &str, id: &str) -> Result<(), Error> {
        let _ = (session, collection, id);
        Err(self.unsupported("being told of changes"))
    }

    /// What a call at the address of a watch says, as far as it can be known without asking.
    fn hear(&self, knock: &Knock<'_>) -> Result<Heard, Forged> {
        let _ = knock;
        Err(Forged("this provider does not call"))
    }

    /// The error for something that this connector does not do.
    fn unsupported(&self, what: &str) -> Error {
        let definition = self.definition();
        Error::new(
            definition.id.as_str(),
            crate::Kind::Unsupported,
            format!("{} does not support {what}", definition.name),
        )
    }
}
