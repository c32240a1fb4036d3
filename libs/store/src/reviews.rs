//! What people said about records that could be any of several of the other side.
//!
//! An answer is taken from an open `ambiguous` problem and looks at the records again; taking it back asks again. A link
//! that an answer led to is taken apart by whoever next claims a run on the pair, since nobody else may touch links.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use syncline_model::{
    Answer, ConnectionId, PairId, ProblemId, ProblemReason, ProblemStatus, RemoteId, Review,
    ReviewId, Side,
};
use uuid::Uuid;

use crate::db::{Tx, execute, fetch_all, fetch_listed, fetch_optional, page, transaction};
use crate::dialect::REVIEWS_OF;
use crate::problems;
use crate::staged::{distinct, side_of};
use crate::statement::statements;
use crate::{Lease, Result, Scope, StoreError, connections};

macro_rules! review_columns {
    () => {
        "reviews.id, reviews.pair_id, reviews.side, reviews.remote_id, reviews.candidates, reviews.answer, reviews.link_with,
         reviews.at"
    };
}
pub(crate) use review_columns;

statements! {
    Tenant REVIEW_PUT = concat!("insert into reviews (tenant_id, id, pair_id, side, remote_id, candidates, answer,
        link_with, apart, at) values ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9)
        on conflict (tenant_id, pair_id, side, remote_id) do update set candidates = excluded.candidates,
            answer = excluded.answer, link_with = excluded.link_with, apart = 0, at = excluded.at
        returning ", review_columns!());
    Tenant REVIEW_GET = concat!("select ", review_columns!(), " from reviews where tenant_id = $1 and id = $2");
    Tenant REVIEW_LIST = concat!("select ", review_columns!(), " from reviews
        where tenant_id = $1 and pair_id = $2 and id < $3 order by id desc limit cast($4 as bigint)");
    Tenant REVIEW_PAIR = "select pair_id from connections where tenant_id = $1 and id = $2";
    Tenant REVIEW_TAKE_BACK = concat!("update reviews set answer = null, link_with = null, candidates = $3, apart = $4, at = $5
        where tenant_id = $1 and id = $2 returning ", review_columns!());
    Tenant REVIEW_PARTNER_A = "select b_remote from links where tenant_id = $1 and pair_id = $2 and a_remote = $3";
    Tenant REVIEW_PARTNER_B = "select a_remote from links where tenant_id = $1 and pair_id = $2 and b_remote = $3";
    /// In every connection of the pair.
    Tenant REVIEW_WAKE = "update staged set phase = 'pending', retry_at = null
        where tenant_id = $1 and side = $3 and remote_id = $4 and phase in ('known', 'waiting')
            and connection_id in (select id from connections where tenant_id = $1 and pair_id = $2)";
    /// What was linked is no longer staged: it is read again.
    Tenant REVIEW_REPULL = "update connections set repull = true where tenant_id = $1 and pair_id = $2";
    Tenant REVIEWS_APART = "select id, side, remote_id from reviews
        where tenant_id = $1 and pair_id = $2 and apart <> 0";
    Tenant REVIEW_APART_DONE = "update reviews set apart = 0 where tenant_id = $1 and id = $2";
    /// What is still under way is settled first.
    Tenant REVIEW_LINK_A = "select id, b_remote from links
        where tenant_id = $1 and pair_id = $2 and a_remote = $3
            and not exists (select 1 from intents i where i.tenant_id = links.tenant_id and i.link_id = links.id)";
    Tenant REVIEW_LINK_B = "select id, a_remote from links
        where tenant_id = $1 and pair_id = $2 and b_remote = $3
            and not exists (select 1 from intents i where i.tenant_id = links.tenant_id and i.link_id = links.id)";
    Tenant REVIEW_UNLINK = "delete from links where tenant_id = $1 and id = $2";
    Tenant REVIEW_CONFLICTS = "update conflicts set status = 'settled'
        where tenant_id = $1 and link_id = $2 and status = 'open'";
}

/// A review, as read.
#[derive(FromRow)]
pub(crate) struct ReviewRow {
    id: Uuid,
    pair_id: Uuid,
    side: String,
    remote_id: String,
    candidates: String,
    answer: Option<String>,
    link_with: Option<String>,
    at: DateTime<Utc>,
}

impl TryFrom<ReviewRow> for Review {
    type Error = StoreError;

    fn try_from(row: ReviewRow) -> Result<Self> {
        let answer = match (row.answer.as_deref(), row.link_with) {
            (None, _) => None,
            (Some("link"), Some(with)) => Some(Answer::Link(RemoteId::new(with))),
            (Some("keep_apart"), _) => Some(Answer::KeepApart),
            (Some("create"), _) => Some(Answer::Create),
            (Some(other), _) => return Err(StoreError::word("answer", other)),
        };
        Ok(Self {
            id: ReviewId::from_uuid(row.id),
            pair: PairId::from_uuid(row.pair_id),
            side: side_of(&row.side)?,
            remote: RemoteId::new(row.remote_id),
            candidates: serde_json::from_str(&row.candidates)?,
            answer,
            at: row.at,
        })
    }
}

/// Writes a review in place of the one that there is for its record.
async fn put(tx: &mut Tx, scope: &Scope, review: &Review) -> Result<Review> {
    let (answer, with) = match &review.answer {
        None => (None, None),
        Some(Answer::Link(with)) => (Some("link"), Some(with.as_str())),
        Some(Answer::KeepApart) => (Some("keep_apart"), None),
        Some(Answer::Create) => (Some("create"), None),
    };
    let candidates = serde_json::to_string(&review.candidates)?;
    let row = fetch_optional!(
        tx,
        ReviewRow,
        REVIEW_PUT,
        scope.id(),
        review.id.uuid(),
        review.pair.uuid(),
        review.side.as_str(),
        review.remote.as_str(),
        &candidates,
        answer,
        with,
        review.at
    )?;
    row.ok_or(StoreError::NotFound)?.try_into()
}

/// Looks at a record, and at those it could be, again.
async fn wake(tx: &mut Tx, scope: &Scope, review: &Review) -> Result<()> {
    let own = std::iter::once((review.side, &review.remote));
    let others = review.candidates.iter().map(|id| (review.side.other(), id));
    for (side, id) in own.chain(others) {
        execute!(
            tx,
            REVIEW_WAKE,
            scope.id(),
            review.pair.uuid(),
            side.as_str(),
            id.as_str()
        )?;
    }
    Ok(())
}

/// Takes apart the links of answers that were taken back, and looks at their records again. For a transaction that has
/// just claimed the pair.
pub(crate) async fn take_apart(tx: &mut Tx, scope: &Scope, lease: &Lease) -> Result<()> {
    let pair = lease.pair.uuid();
    let rows = fetch_all!(tx, (Uuid, String, String), REVIEWS_APART, scope.id(), pair)?;
    for (id, side, remote) in rows {
        let side = side_of(&side)?;
        let linked = match side {
            Side::A => REVIEW_PARTNER_A,
            Side::B => REVIEW_PARTNER_B,
        };
        let linked = fetch_optional!(tx, (String,), linked, scope.id(), pair, &remote)?;
        let free = match side {
            Side::A => REVIEW_LINK_A,
            Side::B => REVIEW_LINK_B,
        };
        let link = fetch_optional!(tx, (Uuid, String), free, scope.id(), pair, &remote)?;
        if let Some((link, partner)) = &link {
            execute!(tx, REVIEW_CONFLICTS, scope.id(), *link)?;
            execute!(tx, REVIEW_UNLINK, scope.id(), *link)?;
            for (side, id) in [(side, &remote), (side.other(), partner)] {
                execute!(tx, REVIEW_WAKE, scope.id(), pair, side.as_str(), id)?;
            }
        }
        if link.is_some() || linked.is_none() {
            execute!(tx, REVIEW_APART_DONE, scope.id(), id)?;
        }
    }
    Ok(())
}

impl Scope {
    /// A person's answer to an open `ambiguous` problem: it is remembered, the problem is closed, and the next run, which is
    /// due at once, looks at the records again. `Conflict { "problem is not open" }` if it is settled or asks nothing.
    pub async fn review_answer(
        &self,
        id: ReviewId,
        problem: ProblemId,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Result<Review> {
        transaction!(self.write(), tx => {
            let asked = problems::get(tx, self, problem).await?;
            if asked.status != ProblemStatus::Open || asked.reason != ProblemReason::Ambiguous {
                return Err(StoreError::Conflict { what: "problem is not open" });
            }
            let pair = fetch_optional!(tx, (Uuid,), REVIEW_PAIR, self.id(), asked.connection.uuid())?;
            let (pair,) = pair.ok_or(StoreError::NotFound)?;
            let review = Review {
                id,
                pair: PairId::from_uuid(pair),
                side: asked.side,
                remote: asked.remote,
                candidates: asked.candidates,
                answer: Some(answer.clone()),
                at: now,
            };
            let review = put(tx, self, &review).await?;
            problems::close(tx, self, problem, now).await?;
            wake(tx, self, &review).await?;
            connections::soon(tx, self, asked.connection, now).await?;
            Ok(review)
        })
    }

    /// One review.
    pub async fn review_get(&self, id: ReviewId) -> Result<Review> {
        let row = transaction!(self.read_one(), tx => {
            fetch_optional!(tx, ReviewRow, REVIEW_GET, self.id(), id.uuid())
        })?;
        row.ok_or(StoreError::NotFound)?.try_into()
    }

    /// The reviews of a connection's pair, newest first.
    pub async fn review_list(
        &self,
        connection: ConnectionId,
        after: Option<ReviewId>,
        limit: u32,
    ) -> Result<Vec<Review>> {
        let before = after.map_or(Uuid::max(), ReviewId::uuid);
        let rows = transaction!(self.read(), tx => {
            let pair = fetch_optional!(tx, (Uuid,), REVIEW_PAIR, self.id(), connection.uuid())?;
            let (pair,) = pair.ok_or(StoreError::NotFound)?;
            fetch_all!(tx, ReviewRow, REVIEW_LIST, self.id(), pair, before, page(limit))
        })?;
        rows.into_iter().map(Review::try_from).collect()
    }

    /// Takes an answer back: the record is asked about again, and so is its partner, as `partner`, where the answer led
    /// to a link. What was written stays written. Runs of the pair's connections are due at once: which they are is said
    /// too. Doing so again changes nothing.
    pub async fn review_take_back(
        &self,
        id: ReviewId,
        partner: ReviewId,
        now: DateTime<Utc>,
    ) -> Result<(Review, Vec<ConnectionId>)> {
        transaction!(self.write(), tx => {
            let row = fetch_optional!(tx, ReviewRow, REVIEW_GET, self.id(), id.uuid())?;
            let mut review: Review = row.ok_or(StoreError::NotFound)?.try_into()?;
            if review.answer.is_none() {
                return Ok((review, Vec::new()));
            }
            let linked = match review.side {
                Side::A => REVIEW_PARTNER_A,
                Side::B => REVIEW_PARTNER_B,
            };
            let linked = fetch_optional!(tx, (String,), linked, self.id(), review.pair.uuid(), review.remote.as_str())?;
            if let Some((linked,)) = &linked {
                let linked = RemoteId::new(linked.as_str());
                let side = review.side.other();
                if !review.candidates.contains(&linked) {
                    review.candidates.push(linked.clone());
                }
                let asked = Review {
                    id: partner,
                    pair: review.pair,
                    side,
                    remote: linked,
                    candidates: vec![review.remote.clone()],
                    answer: None,
                    at: now,
                };
                put(tx, self, &asked).await?;
            }
            let candidates = serde_json::to_string(&review.candidates)?;
            let row = fetch_optional!(tx, ReviewRow, REVIEW_TAKE_BACK, self.id(), id.uuid(), &candidates,
                i32::from(linked.is_some()), now)?;
            let review: Review = row.ok_or(StoreError::NotFound)?.try_into()?;
            wake(tx, self, &review).await?;
            if linked.is_some() {
                execute!(tx, REVIEW_REPULL, self.id(), review.pair.uuid())?;
            }
            let due = connections::all_soon(tx, self, review.pair, now).await?;
            Ok((review, due))
        })
    }

    /// What was said about these records of a side; those about whom nothing was are left out.
    pub async fn reviews_of(
        &self,
        pair: PairId,
        side: Side,
        remotes: &[RemoteId],
    ) -> Result<Vec<Review>> {
        if remotes.is_empty() {
            return Ok(Vec::new());
        }
        let ids = distinct(remotes);
        let rows = transaction!(self.read_one(), tx => {
            fetch_listed!(tx, ReviewRow, REVIEWS_OF, [self.id(), pair.uuid(), side.as_str()], &ids)
        })?;
        rows.into_iter().map(Review::try_from).collect()
    }
}
