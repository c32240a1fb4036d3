//! Records that a complete listing did not show. Absence alone is no evidence: each is read directly first. Asked about
//! are records that this connection follows; what another connection of the same pair follows is its own affair.

use syncline_connector::{Change, GoneWhy};
use syncline_model::seeded::{Bug, seeded};
use syncline_model::{RemoteId, Side};

use super::context::RunContext;
use super::pull::staged;
use crate::Trouble;

/// Looks into what a complete listing did not show, then moves the side's cursor.
pub async fn look_for(context: &RunContext<'_>, side: Side) -> Result<(), Trouble> {
    let notes = context.notes.lock().await.pull.get(side).clone();
    if notes.done {
        return Ok(());
    }
    let listing = notes.listing.filter(|_| notes.complete);
    if let Some(listing) = listing {
        confirm(context, side, listing, notes.absent_after).await?;
    }
    let mut all = context.notes.lock().await;
    all.pull.get_mut(side).done = true;
    let (lease, cursor) = (&context.lease, notes.cursor.as_deref());
    context
        .scope
        .pull_end(lease, side, listing, cursor, &all.write())
        .await?;
    Ok(())
}

async fn confirm(
    context: &RunContext<'_>,
    side: Side,
    listing: i64,
    mut after: Option<RemoteId>,
) -> Result<(), Trouble> {
    let open = context.sides.get(side);
    let size = open.connector.definition().batch.get.clamp(1, 1000);
    loop {
        let missing = context
            .scope
            .staged_absent(
                context.connection.id,
                side,
                listing,
                open.everything,
                after.as_ref(),
                size as u32,
            )
            .await?;
        let Some(last) = missing.last().cloned() else {
            return Ok(());
        };
        let found = open
            .connector
            .get(&open.session, &missing, &open.fields)
            .await
            .map_err(|error| Trouble::Provider { side, error })?;
        let found = found
            .into_iter()
            .map(|found| found.filter(|_| !seeded(Bug::AbsenceIsDeletion)));
        let items: Vec<_> = missing
            .iter()
            .zip(found)
            .map(|(id, found)| match found {
                // It exists and the collection is all there is: the listing was wrong.
                Some(record) if open.everything => Change::Present {
                    record,
                    former: Vec::new(),
                },
                Some(_) => Change::Gone {
                    id: id.clone(),
                    why: GoneWhy::Left,
                    former: Vec::new(),
                },
                None => Change::Gone {
                    id: id.clone(),
                    why: GoneWhy::Deleted,
                    former: Vec::new(),
                },
            })
            .map(|change| staged(context, side, &change))
            .collect();
        let mut all = context.notes.lock().await;
        all.pull.get_mut(side).absent_after = Some(last.clone());
        let notes = all.write();
        context.stage(Some(listing), &items, &notes).await?;
        context.mark_moved();
        after = Some(last);
    }
}
