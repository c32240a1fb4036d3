//! What every connector must do, whatever its provider: run against a sandbox or a real account, it proves what
//! `provider.toml` claims. It is no substitute for tests of what only one provider does.
//!
//! Failures are returned, not panicked, so that the suite can also be run from a tool against a real account.

mod changes;
mod collections;
mod deletions;
mod reads;
mod troubles;
mod updates;
mod values;
mod watches;
mod writes;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use syncline_model::{DeletionPolicy, Fields, OperationId, RemoteId};

use crate::{Connector, Error, Session};

/// What can happen to calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Each creation is done, and its answer lost.
    LostAnswer,
    /// Each creation is lost on the way: neither done nor answered.
    LostCall,
    /// Every call is one too many.
    TooManyCalls,
    /// No access token is good, not even a fresh one.
    BadCredentials,
    /// The credentials are good but may do nothing.
    NotAllowed,
    /// Every call ends in a server error.
    ServerError,
    /// Every call is answered with a web page, and status 200.
    WebPage,
    /// Lists come without their second half and without a word of it; for providers that say how much there is.
    CutListing,
    /// The cursors that were given out so far are too old. Nothing to end: `calm` leaves them so.
    OldCursors,
}

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

    /// Every record in the collection; `None` if that is not to be found out.
    async fn everything(&self) -> Option<Vec<RemoteId>>;

    /// How many records a page of a full listing has; `None` if paging is not to be tried, which adds that many.
    fn page_size(&self) -> Option<usize>;

    /// Whether the provider counts described lengths in bytes of UTF-8 instead of characters.
    fn counts_bytes(&self) -> bool {
        false
    }

    /// Whether a record is told by a key in it, so that there is no second one just like it.
    fn has_key(&self) -> bool {
        false
    }

    /// Fields of a record that the provider refuses to make; `None` if it makes any.
    fn refused(&self) -> Option<Fields>;

    /// A person adds a record that has more in it than the connector shows.
    async fn add_rich(&self, number: u32) -> RemoteId;

    /// What a record has beside the fields of `sample` and what every write changes (times, versions), as the provider
    /// keeps it; the same text as long as it is the same to the byte.
    async fn rest(&self, id: &RemoteId) -> String;

    /// From now until `calm`, calls go wrong in this way; false if that cannot be brought about.
    async fn strike(&self, trouble: Trouble) -> bool;

    /// Calls go right again.
    async fn calm(&self);
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

/// What was proved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The checks that held.
    pub held: Vec<&'static str>,
    /// The checks that do not apply, and why.
    pub skipped: Vec<(&'static str, &'static str)>,
}

impl Report {
    fn note(&mut self, check: Check, verdict: Verdict) {
        match verdict {
            Verdict::Held => self.held.push(check.0),
            Verdict::Skipped(why) => self.skipped.push((check.0, why)),
        }
    }
}

/// What became of a check that found nothing wrong.
#[derive(Clone, Copy)]
enum Verdict {
    Held,
    Skipped(&'static str),
}

type Proof = Result<Verdict, Failure>;

/// Runs every check; what a connector does not claim, or the probe cannot bring about, is skipped and said so.
pub async fn prove(subject: Subject<'_>) -> Result<Report, Failure> {
    let mut report = Report::default();
    macro_rules! run {
        ($($name:literal => $check:path),* $(,)?) => {$(
            let check = Check($name);
            report.note(check, $check(subject, check).await?);
        )*};
    }
    run! {
        "definition" => definition,
        "descriptions" => descriptions,
        "full reads" => reads::full,
        "direct reads" => reads::direct,
        "pages" => reads::pages,
        "edits while pages are read" => reads::edits_meanwhile,
        "cut listings" => reads::cut,
        "changes" => changes::changes,
        "tombstones" => changes::tombstones,
        "creations" => writes::creations,
        "lost answers" => writes::lost_answers,
        "lost calls" => writes::lost_calls,
        "a refused creation among others" => writes::partial_failure,
        "updates" => updates::updates,
        "stale versions" => updates::stale,
        "updates in a batch" => updates::batch,
        "texts" => values::texts,
        "empty values" => values::empty,
        "what we do not know" => values::untouched,
        "read-only fields" => values::read_only,
        "deletions" => deletions::deletions,
        "marking and leaving" => deletions::softer,
        "collections of our own" => collections::made,
        "watches" => watches::watches,
        "errors" => troubles::errors,
        "unknown cursors" => changes::unknown,
        "expired cursors" => troubles::expired,
    }
    Ok(report)
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
async fn definition(subject: Subject<'_>, check: Check) -> Proof {
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
    )?;
    Ok(Verdict::Held)
}

/// Identity, collections and fields describe themselves consistently.
async fn descriptions(subject: Subject<'_>, check: Check) -> Proof {
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
    Ok(Verdict::Held)
}
