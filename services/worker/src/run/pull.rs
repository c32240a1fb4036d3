//! Pulling one side's changes into staged rows, page by page.
//!
//! While a page is committed the next one is already asked for; the token moves on in the same transaction as the
//! page, so that a crash repeats a page and never skips one.

use syncline_connector::{Change, Cursor, GoneWhy, Kind, Next, Page, Pull};
use syncline_coordination::Phase as ProgressPhase;
use syncline_engine::match_keys;
use syncline_model::seeded::{Bug, seeded};
use syncline_model::{RunState, Side};
use syncline_store::{Phase, Staged, StagedState};

use super::context::RunContext;
use super::notes::PullNotes;
use crate::Trouble;

/// Pages of one pull; beyond this the provider goes round in circles.
const MAX_PAGES: usize = 100_000;

/// Pulls what is left of both sides' changes, at the same time. Gives `false` when the slice ended before the pulls did.
pub async fn pull(context: &RunContext<'_>) -> Result<bool, Trouble> {
    let notes = context.notes.lock().await.pull.clone();
    if notes.a.is_over() && notes.b.is_over() {
        return Ok(true);
    }
    let cursors = context.scope.cursors_get(context.connection.id).await?;
    let (a, b) = tokio::join!(
        pull_side(context, Side::A, notes.a, cursors.a),
        pull_side(context, Side::B, notes.b, cursors.b)
    );
    Ok(a? & b?)
}

async fn pull_side(
    context: &RunContext<'_>,
    side: Side,
    mut notes: PullNotes,
    cursor: Option<String>,
) -> Result<bool, Trouble> {
    if notes.is_over() {
        return Ok(true);
    }
    if !notes.begun {
        notes.begun = true;
        // Whether this is a listing of everything is known only at its end.
        notes.listing = Some(context.tools.clock.now().timestamp_micros());
    }
    let cursor = cursor.map(Cursor);
    let mut page = fetch(context, side, cursor.clone(), notes.page.clone()).await?;
    for _ in 0..MAX_PAGES {
        let more = match &page.next {
            Next::Page(token) => Some(token.clone()),
            Next::End { .. } => None,
        };
        advance(&mut notes, &page.next);
        let staged = stage(context, side, &page, &notes);
        let Some(token) = more else {
            staged.await?;
            context.tell(RunState::Running, ProgressPhase::Pull).await;
            return Ok(true);
        };
        if context.border().await? {
            staged.await?;
            return Ok(false);
        }
        let (staged, next) =
            tokio::join!(staged, fetch(context, side, cursor.clone(), Some(token)));
        staged?;
        page = next?;
        context.tell(RunState::Running, ProgressPhase::Pull).await;
    }
    Err(Trouble::Provider {
        side,
        error: syncline_connector::Error::new(
            context.sides.get(side).session.provider(),
            Kind::Malformed,
            format!("the listing does not end after {MAX_PAGES} pages"),
        ),
    })
}

fn advance(notes: &mut PullNotes, next: &Next) {
    match next {
        Next::Page(token) => notes.page = Some(token.clone()),
        Next::End {
            cursor,
            complete_listing,
        } => {
            notes.page = None;
            notes.cursor = Some(cursor.0.clone());
            notes.complete = *complete_listing;
        }
    }
}

async fn fetch(
    context: &RunContext<'_>,
    side: Side,
    cursor: Option<Cursor>,
    page: Option<String>,
) -> Result<Page, Trouble> {
    let open = context.sides.get(side);
    let pull = Pull {
        collection: open.collection.clone(),
        cursor,
        page,
        fields: open.fields.clone(),
    };
    open.connector
        .pull(&open.session, &pull)
        .await
        .map_err(|error| Trouble::Provider { side, error })
}

async fn stage(
    context: &RunContext<'_>,
    side: Side,
    page: &Page,
    notes: &PullNotes,
) -> Result<(), Trouble> {
    let items: Vec<Staged> = page
        .changes
        .iter()
        .map(|change| staged(context, side, change))
        .collect();
    let mut all = context.notes.lock().await;
    let mut next = all.clone();
    *next.pull.get_mut(side) = notes.clone();
    let (scope, lease, written) = (&context.scope, &context.lease, next.write());
    if seeded(Bug::TokenBeforePage) {
        scope.run_note(lease, &written).await?;
    }
    if seeded(Bug::CursorEarly) {
        let cursor = notes.cursor.as_deref();
        scope
            .pull_end(lease, side, None, cursor, &all.write())
            .await?;
    }
    context.stage(notes.listing, &items, &written).await?;
    *all = next;
    context.mark_moved();
    Ok(())
}

/// A change as a row to be planned.
pub fn staged(context: &RunContext<'_>, side: Side, change: &Change) -> Staged {
    match change {
        Change::Present { record, former } => Staged {
            side,
            remote: record.id.clone(),
            version: Some(record.version.clone()),
            modified_at: record.modified_at,
            keys: match_keys(&context.policy, side, record),
            state: StagedState::Present {
                fields: record.fields.clone(),
            },
            former: former.clone(),
            phase: Phase::Pending,
            retry_at: None,
        },
        Change::Gone { id, why, former } => Staged {
            side,
            remote: id.clone(),
            version: None,
            modified_at: None,
            keys: Vec::new(),
            state: StagedState::Gone {
                why: match why {
                    GoneWhy::Deleted => syncline_store::GoneWhy::Deleted,
                    GoneWhy::Left => syncline_store::GoneWhy::Left,
                },
            },
            former: former.clone(),
            phase: Phase::Pending,
            retry_at: None,
        },
    }
}
