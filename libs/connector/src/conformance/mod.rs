//! What every connector must do, whatever its provider: run against a sandbox or a real account, it proves what
//! `provider.toml` claims. It is no substitute for tests of what only one provider does.
//!
//! Failures are returned, not panicked, so that the suite can also be run from a tool against a real account.

mod reads;
mod writes;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use syncline_model::{DeletionPolicy, Fields, OperationId, RemoteId};

use crate::{Connector, Error, Session};

/// The provider's side, as a person at its own pages sees and edits it.
#[async_trait]
pub trait Probe: Send + Sync {
    /// The collection to try; it must accept what `sample` gives.
    fn collection(&self) -> String;

    /// Values for a record, different for each number and none of them empty; the connector must be able to write all.
    fn sample(&self, number: u32) -> Fields;

    /// A name for a creation, different for each number.
    fn operation(&self, number: u32) -> OperationId;

    /// The provider's clock.
    fn now(&self) -> DateTime<Utc>;

    /// Lets the provider's clock go on, so that what comes next is later by its timestamps.
    async fn settle(&self);

    /// A person adds a record.
    async fn add(&self, number: u32) -> RemoteId;

    /// A person changes something in a record that the connector shows.
    async fn edit(&self, id: &RemoteId);

    /// A person deletes a record.
    async fn remove(&self, id: &RemoteId);
}

/// What a connector does not do as it should.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It behaves differently.
    #[error("{check}: {what}")]
    Wrong {
        /// The check.
        check: &'static str,
        /// What was found.
        what: String,
    },
    /// A call failed that must not.
    #[error("{check}: a call failed")]
    Call {
        /// The check.
        check: &'static str,
        /// How.
        #[source]
        source: Box<Error>,
    },
}

/// A connector with an account to try it on.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The connector.
    pub connector: &'a dyn Connector,
    /// The account; what is in it stays, what the suite adds is not all cleaned up.
    pub session: &'a Session,
    /// The other way in.
    pub probe: &'a dyn Probe,
}

impl std::fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject")
            .field("session", self.session)
            .finish_non_exhaustive()
    }
}

/// Runs every check.
pub async fn prove(subject: Subject<'_>) -> Result<(), Failure> {
    definition(subject)?;
    descriptions(subject).await?;
    reads::pulls(subject).await?;
    reads::direct(subject).await?;
    writes::creations(subject).await?;
    writes::updates(subject).await?;
    writes::deletions(subject).await?;
    writes::softer_deletions(subject).await
}

/// One check's way of saying what is wrong.
#[derive(Clone, Copy)]
struct Check(&'static str);

impl Check {
    fn that(self, holds: bool, what: impl FnOnce() -> String) -> Result<(), Failure> {
        if holds {
            Ok(())
        } else {
            Err(Failure::Wrong {
                check: self.0,
                what: what(),
            })
        }
    }

    fn ok<T>(self, result: Result<T, Error>) -> Result<T, Failure> {
        result.map_err(|source| Failure::Call {
            check: self.0,
            source: Box::new(source),
        })
    }

    fn one<T>(self, results: Vec<Result<T, Error>>) -> Result<T, Failure> {
        let count = results.len();
        let mut results = results.into_iter();
        match (results.next(), count) {
            (Some(result), 1) => self.ok(result),
            _ => Err(Failure::Wrong {
                check: self.0,
                what: format!("{count} outcomes for one item"),
            }),
        }
    }
}

/// The numbers in `provider.toml` make sense.
fn definition(subject: Subject<'_>) -> Result<(), Failure> {
    let check = Check("definition");
    let definition = subject.connector.definition();
    let batch = definition.batch;
    check.that(
        [batch.get, batch.create, batch.update, batch.delete]
            .iter()
            .all(|size| *size > 0),
        || "a batch size is 0".into(),
    )?;
    check.that(
        definition
            .limits
            .iter()
            .all(|limit| limit.capacity > 0 && limit.per_minute > 0),
        || "a bucket never fills".into(),
    )?;
    check.that(
        definition
            .capabilities
            .deletions
            .contains(&DeletionPolicy::Ignore),
        || "`ignore` is always possible".into(),
    )
}

/// Identity, collections and fields describe themselves consistently.
async fn descriptions(subject: Subject<'_>) -> Result<(), Failure> {
    let check = Check("descriptions");
    let identity = check.ok(subject.connector.identity(subject.session).await)?;
    let again = check.ok(subject.connector.identity(subject.session).await)?;
    check.that(!identity.subject.is_empty() && identity == again, || {
        "the identity is not stable".into()
    })?;
    let collections = check.ok(subject.connector.collections(subject.session).await)?;
    let defaults = collections.iter().filter(|one| one.default).count();
    check.that(defaults == 1, || format!("{defaults} default collections"))?;
    let fields = check.ok(subject.connector.fields(subject.session).await)?;
    let mut names: Vec<_> = fields.iter().map(|field| &field.name).collect();
    let mut standard: Vec<_> = fields
        .iter()
        .filter_map(|field| field.standard.as_ref())
        .collect();
    let (all_names, all_standard) = (names.len(), standard.len());
    names.sort_unstable();
    names.dedup();
    standard.sort_unstable();
    standard.dedup();
    check.that(names.len() == all_names, || {
        "a field is listed twice".into()
    })?;
    check.that(standard.len() == all_standard, || {
        "two fields answer to one standard field".into()
    })?;
    for name in subject.probe.sample(0).keys() {
        let listed = fields
            .iter()
            .any(|field| field.name == *name && field.writable);
        check.that(listed, || {
            format!("`{name}` is written but not listed as writable")
        })?;
    }
    Ok(())
}
