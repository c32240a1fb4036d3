//! Links, problems, conflicts and history as the API shows them: values as plain JSON.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value as Json;
use syncline_model::{
    Answer, ChangeKind, Condition, Conflict, ConflictId, ConflictStatus, ConnectionId,
    HistoryEntry, Link, LinkId, LinkState, Problem, ProblemId, ProblemReason, ProblemStatus,
    Review, ReviewId, RunId, Side,
};
use syncline_store::{RecordAside, RecordState};
use utoipa::ToSchema;

use crate::extract::{Row, cell};
use crate::schema;

/// "a's x is b's y".
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Link)]
pub struct LinkJson {
    /// Its id.
    #[schema(value_type = schema::LinkId)]
    pub id: LinkId,
    /// The record's id on side a.
    pub a: String,
    /// The record's id on side b.
    pub b: String,
    /// Whether it is followed.
    #[schema(value_type = schema::LinkState)]
    pub state: LinkState,
    /// When the record on side a was last changed, as its provider says.
    #[schema(required)]
    pub a_modified_at: Option<DateTime<Utc>>,
    /// When the record on side b was last changed, as its provider says.
    #[schema(required)]
    pub b_modified_at: Option<DateTime<Utc>>,
    /// What keeps the record that left from taking part, in the list of those that are `frozen`: the conditions that it does not
    /// meet, as `excluded_by` of a record; `/a/collection` if it left that. Null: it cannot be said.
    #[schema(required)]
    pub excluded_by: Option<Vec<ExcludedBy>>,
}

impl From<(Link, Option<Vec<ExcludedBy>>)> for LinkJson {
    fn from((link, excluded_by): (Link, Option<Vec<ExcludedBy>>)) -> Self {
        Self {
            id: link.id,
            a: link.remote.a.as_str().into(),
            b: link.remote.b.as_str().into(),
            state: link.state,
            a_modified_at: link.modified_at.a,
            b_modified_at: link.modified_at.b,
            excluded_by,
        }
    }
}

impl Row for LinkJson {
    const NAME: &'static str = "links";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "a",
        "b",
        "state",
        "side",
        "a_modified_at",
        "b_modified_at",
        "excluded_by",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.a.clone(),
            self.b.clone(),
            self.state.as_str().into(),
            cell(&self.state.side()),
            cell(&self.a_modified_at),
            cell(&self.b_modified_at),
            said(self.excluded_by.as_deref()),
        ]
    }
}

/// A record that is not in step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecordAside)]
pub struct RecordJson {
    /// The side that it is on.
    #[schema(value_type = schema::Side)]
    pub side: Side,
    /// Its id there.
    pub record: String,
    /// Why it is not in step.
    #[schema(value_type = schema::RecordState)]
    pub state: RecordState,
    /// Since when it waits, for `waiting_for_limit`.
    #[schema(required)]
    pub since: Option<DateTime<Utc>>,
    /// When it is tried again, for `waiting_for_retry`.
    #[schema(required)]
    pub retry_at: Option<DateTime<Utc>>,
    /// What keeps it from taking part, for `excluded`: of each rule from its side every condition that it does not meet. One
    /// rule whose conditions it meets would do. Empty: something that happened to it before, such as a deletion of its
    /// partner that was not carried over. Null: an account cannot be asked what its fields are.
    #[schema(required)]
    pub excluded_by: Option<Vec<ExcludedBy>>,
}

/// What keeps a record from taking part.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExcludedBy {
    /// Where the connection says so: `/rules/0/if/1`; `/direction` where nothing is carried over from its side.
    #[schema(example = "/rules/0/if/1")]
    pub pointer: String,
    /// The condition that stands there.
    #[schema(value_type = Option<schema::Condition>, required)]
    pub condition: Option<Condition>,
}

impl RecordJson {
    /// A record of a list, and what keeps it from taking part.
    pub fn of(state: RecordState) -> impl Fn((RecordAside, Option<Vec<ExcludedBy>>)) -> Self {
        move |(record, excluded_by)| Self {
            side: record.side,
            record: record.remote.as_str().into(),
            state,
            since: record.since,
            retry_at: record.retry_at,
            excluded_by,
        }
    }
}

/// As one cell of a table.
fn said(excluded_by: Option<&[ExcludedBy]>) -> String {
    let all = excluded_by.unwrap_or_default().iter();
    all.map(ExcludedBy::text).collect::<Vec<_>>().join(" ")
}

impl ExcludedBy {
    fn text(&self) -> String {
        match &self.condition {
            Some(condition) => format!("{} {}", self.pointer, cell(condition)),
            None => self.pointer.clone(),
        }
    }
}

impl Row for RecordJson {
    const NAME: &'static str = "records";
    const COLUMNS: &'static [&'static str] = &[
        "side",
        "record",
        "state",
        "since",
        "retry_at",
        "excluded_by",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            cell(&self.side),
            self.record.clone(),
            cell(&self.state),
            cell(&self.since),
            cell(&self.retry_at),
            said(self.excluded_by.as_deref()),
        ]
    }
}

/// A record that could not be synced, with a reason and what to do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecordProblem)]
pub struct RecordProblemJson {
    /// Its id.
    #[schema(value_type = schema::ProblemId)]
    pub id: ProblemId,
    /// The connection.
    #[schema(value_type = schema::ConnectionId)]
    pub connection: ConnectionId,
    /// The run that met it last.
    #[schema(value_type = schema::RunId)]
    pub run: RunId,
    /// The side that the record is on.
    #[schema(value_type = schema::Side)]
    pub side: Side,
    /// The record's id there.
    pub record: String,
    /// Why.
    #[schema(value_type = schema::ProblemReason)]
    pub reason: ProblemReason,
    /// In words for a customer, with what to do.
    pub message: String,
    /// The records of the other side to choose from, for `ambiguous`.
    pub candidates: Vec<String>,
    /// Whether it stands.
    #[schema(value_type = schema::ProblemStatus)]
    pub status: ProblemStatus,
    /// Failed attempts so far.
    pub attempts: i32,
    /// When the record is tried again by itself.
    #[schema(required)]
    pub retry_at: Option<DateTime<Utc>>,
    /// When it was first met.
    pub created_at: DateTime<Utc>,
    /// When it was last met.
    pub updated_at: DateTime<Utc>,
}

impl From<Problem> for RecordProblemJson {
    fn from(problem: Problem) -> Self {
        let candidates = problem.candidates.iter();
        Self {
            id: problem.id,
            connection: problem.connection,
            run: problem.run,
            side: problem.side,
            record: problem.remote.as_str().into(),
            reason: problem.reason,
            message: problem.message,
            candidates: candidates.map(|id| id.as_str().into()).collect(),
            status: problem.status,
            attempts: problem.attempts,
            retry_at: problem.retry_at,
            created_at: problem.created_at,
            updated_at: problem.updated_at,
        }
    }
}

impl Row for RecordProblemJson {
    const NAME: &'static str = "problems";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "side",
        "record",
        "reason",
        "message",
        "candidates",
        "status",
        "attempts",
        "retry_at",
        "created_at",
        "updated_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            cell(&self.side),
            self.record.clone(),
            cell(&self.reason),
            self.message.clone(),
            self.candidates.join(" "),
            cell(&self.status),
            self.attempts.to_string(),
            cell(&self.retry_at),
            cell(&self.created_at),
            cell(&self.updated_at),
        ]
    }
}

/// What a person said about a record that may be any of several of the other side.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Review)]
pub struct ReviewJson {
    /// Its id.
    #[schema(value_type = schema::ReviewId)]
    pub id: ReviewId,
    /// The side that the record is on.
    #[schema(value_type = schema::Side)]
    pub side: Side,
    /// The record's id there.
    pub record: String,
    /// The records of the other side that there are to choose from.
    pub candidates: Vec<String>,
    /// The answer; null once it was taken back: the record is asked about again.
    #[schema(value_type = Option<schema::Answer>, required)]
    pub answer: Option<Answer>,
    /// When it was last given or taken back.
    pub at: DateTime<Utc>,
}

impl From<Review> for ReviewJson {
    fn from(review: Review) -> Self {
        let candidates = review.candidates.iter();
        Self {
            id: review.id,
            side: review.side,
            record: review.remote.as_str().into(),
            candidates: candidates.map(|id| id.as_str().into()).collect(),
            answer: review.answer,
            at: review.at,
        }
    }
}

/// A review, and what carries it out.
#[derive(Serialize, ToSchema)]
pub struct SaidReview {
    /// The review.
    #[serde(flatten)]
    pub review: ReviewJson,
    /// The runs that carry it out. It is kept in any case: where none is named, the connection's next run does, which begins
    /// by itself unless the connection is paused.
    #[schema(value_type = Vec<schema::RunId>)]
    pub runs: Vec<RunId>,
}

/// A conflict that was just resolved, and what carries it out.
#[derive(Serialize, ToSchema)]
pub struct SaidConflict {
    /// The conflict.
    #[serde(flatten)]
    pub conflict: ConflictJson,
    /// The run that carries it out. The answer is kept in any case: where none is named, the connection's next run does,
    /// which begins by itself unless the connection is paused.
    #[schema(value_type = Vec<schema::RunId>)]
    pub runs: Vec<RunId>,
}

/// A field that both sides changed, differently.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Conflict)]
pub struct ConflictJson {
    /// Its id.
    #[schema(value_type = schema::ConflictId)]
    pub id: ConflictId,
    /// The connection.
    #[schema(value_type = schema::ConnectionId)]
    pub connection: ConnectionId,
    /// The run that met it.
    #[schema(value_type = schema::RunId)]
    pub run: RunId,
    /// The link concerned.
    #[schema(value_type = schema::LinkId)]
    pub link: LinkId,
    /// The mapping entry concerned: `a_path=b_path`.
    pub entry: String,
    /// Both values, whoever won.
    pub values: schema::SideValues,
    /// Who won; null while open.
    #[schema(value_type = Option<schema::Side>, required)]
    pub winner: Option<Side>,
    /// Whether it waits.
    #[schema(value_type = schema::ConflictStatus)]
    pub status: ConflictStatus,
    /// When it was met.
    pub at: DateTime<Utc>,
}

impl From<Conflict> for ConflictJson {
    fn from(conflict: Conflict) -> Self {
        Self {
            id: conflict.id,
            connection: conflict.connection,
            run: conflict.run,
            link: conflict.link,
            entry: conflict.entry.as_str().into(),
            values: schema::SideValues {
                a: conflict.values.a.to_json(),
                b: conflict.values.b.to_json(),
            },
            winner: conflict.winner,
            status: conflict.status,
            at: conflict.at,
        }
    }
}

impl Row for ConflictJson {
    const NAME: &'static str = "conflicts";
    const COLUMNS: &'static [&'static str] =
        &["id", "link", "entry", "a", "b", "winner", "status", "at"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.link.to_string(),
            self.entry.clone(),
            cell(&self.values.a),
            cell(&self.values.b),
            cell(&self.winner),
            cell(&self.status),
            cell(&self.at),
        ]
    }
}

/// One field's change.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldChange {
    /// The mapping entry: `a_path=b_path`; for what a rule's action wrote, the field alone (`=Groups`, `Tag=`).
    pub entry: String,
    /// The value before.
    pub before: Json,
    /// The value after.
    pub after: Json,
}

/// One change that a run made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
pub struct HistoryJson {
    /// The run that made it.
    #[schema(value_type = schema::RunId)]
    pub run: RunId,
    /// The link concerned.
    #[schema(value_type = schema::LinkId)]
    pub link: LinkId,
    /// When it became true.
    pub at: DateTime<Utc>,
    /// What happened.
    #[schema(value_type = schema::ChangeKind)]
    pub kind: ChangeKind,
    /// Where.
    #[schema(value_type = schema::Side)]
    pub side: Side,
    /// The record's id there.
    pub record: String,
    /// The fields changed.
    pub fields: Vec<FieldChange>,
}

impl From<HistoryEntry> for HistoryJson {
    fn from(entry: HistoryEntry) -> Self {
        let fields = entry.fields.iter().map(|(key, before, after)| FieldChange {
            entry: key.as_str().into(),
            before: before.to_json(),
            after: after.to_json(),
        });
        Self {
            run: entry.run,
            link: entry.link,
            at: entry.at,
            kind: entry.kind,
            side: entry.side,
            record: entry.remote.as_str().into(),
            fields: fields.collect(),
        }
    }
}
