//! The checks of what a pull from a cursor says: changes, deletions, and cursors that are not good.

use syncline_model::{DeletionPolicy, Record};

use super::reads::{Pulled, pull};
use super::{Check, Failure, Proof, Subject, Verdict};
use crate::{Cursor, GoneWhy, Kind};

/// Why checks of changes do not apply.
const NO_DELTA: &str = "it claims no delta";
/// A collection of which the provider tells no changes, whatever it does for others.
const ALWAYS_FULL: &str = "this collection is listed in full each time";

/// After a full listing nothing is new, however often it is asked; then what changed is, and nothing else.
pub(super) async fn changes(subject: Subject<'_>, check: Check) -> Proof {
    let probe = subject.probe;
    if !subject.connector.definition().capabilities.delta {
        return Ok(Verdict::Skipped(NO_DELTA));
    }
    let (kept, edited) = (probe.add(5).await, probe.add(6).await);
    probe.settle().await;
    let all = pull(subject, check, None).await?;
    let quiet = pull(subject, check, Some(&all.cursor)).await?;
    if quiet.complete {
        check.that(all.records() == quiet.records(), || {
            "a listing from a cursor differs from a full one".into()
        })?;
        return Ok(Verdict::Skipped(ALWAYS_FULL));
    }
    let quieter = pull(subject, check, Some(&quiet.cursor)).await?;
    for silent in [&quiet, &quieter] {
        check.that(silent.changes.is_empty(), || {
            format!("{} changes where nothing changed", silent.changes.len())
        })?;
    }
    probe.settle().await;
    probe.edit(&edited).await;
    let added = probe.add(7).await;
    probe.settle().await;
    let news = pull(subject, check, Some(&quieter.cursor)).await?;
    let (before, after) = (all.present(&edited), news.present(&edited));
    check.that(after.is_some(), || "an edit is not reported".into())?;
    check.that(
        before.map(|record| &record.version) != after.map(|record| &record.version),
        || "an edit leaves the version as it was".into(),
    )?;
    check.that(
        before.map(|record| &record.fields) != after.map(|record| &record.fields),
        || "an edit is reported with the old values".into(),
    )?;
    check.that(news.present(&added).is_some(), || {
        "a new record is not reported".into()
    })?;
    check.that(news.present(&kept).is_none(), || {
        "an unchanged record is reported".into()
    })?;
    let again = pull(subject, check, Some(&quieter.cursor)).await?;
    check.that(news.records() == again.records(), || {
        "the same cursor gives something else the second time".into()
    })?;
    Ok(Verdict::Held)
}

/// What was deleted is reported as such, whoever deleted it.
pub(super) async fn tombstones(subject: Subject<'_>, check: Check) -> Proof {
    let (probe, connector) = (subject.probe, subject.connector);
    let capabilities = &connector.definition().capabilities;
    if !capabilities.tombstones {
        return Ok(Verdict::Skipped("it claims no tombstones"));
    }
    let (theirs, ours, kept) = (probe.add(8).await, probe.add(9).await, probe.add(13).await);
    probe.settle().await;
    let all = pull(subject, check, None).await?;
    probe.settle().await;
    probe.remove(&theirs).await;
    let mut gone = vec![theirs];
    if capabilities.deletions.contains(&DeletionPolicy::Delete) {
        let ids = std::slice::from_ref(&ours);
        check.one(connector.delete(subject.session, ids).await)?;
        gone.push(ours);
    }
    probe.settle().await;
    let news: Pulled = pull(subject, check, Some(&all.cursor)).await?;
    for id in &gone {
        check.that(news.gone(id) == Some(GoneWhy::Deleted), || {
            "a deletion is not reported".into()
        })?;
    }
    let still = all.present(&kept).map(|record: &Record| &record.id);
    check.that(still.is_some() && news.gone(&kept).is_none(), || {
        "what is there is reported as deleted".into()
    })?;
    Ok(Verdict::Held)
}

/// A cursor that is not the connector's is refused, or everything is read.
pub(super) async fn unknown(subject: Subject<'_>, check: Check) -> Proof {
    for text in ["", "x", "{\"not\": \"ours\"}"] {
        refused(subject, check, &Cursor(text.into())).await?;
    }
    Ok(Verdict::Held)
}

/// A pull from this cursor says that it expired, or reads everything.
pub(super) async fn refused(
    subject: Subject<'_>,
    check: Check,
    cursor: &Cursor,
) -> Result<(), Failure> {
    match pull(subject, check, Some(cursor)).await {
        Ok(pulled) => check.that(pulled.complete, || {
            "a cursor that is not good is taken for a good one".into()
        }),
        Err(Failure::Call { source, .. }) => check.that(source.kind == Kind::CursorExpired, || {
            format!("a cursor that is not good gives {:?}", source.kind)
        }),
        Err(other) => Err(other),
    }
}
