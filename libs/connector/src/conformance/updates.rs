//! The checks of changing records: one, a stale one, many at once. Which values come back is `values.rs`.

use syncline_model::{Fields, RemoteId, Value, Version};

use super::reads::{get, get_one};
use super::writes::{has, make};
use super::{Check, Failure, Proof, Subject, Verdict};
use crate::{Error, Kind, Update, Written};

/// Changes one record; the outcome.
pub(super) async fn update(
    subject: Subject<'_>,
    check: Check,
    id: &RemoteId,
    version: Option<Version>,
    changes: Fields,
) -> Result<Result<Written, Error>, Failure> {
    let item = Update {
        id: id.clone(),
        version,
        changes,
    };
    let mut outcomes = subject.connector.update(subject.session, &[item]).await;
    let count = outcomes.len();
    outcomes
        .pop()
        .filter(|_| count == 1)
        .ok_or_else(|| Failure::Wrong {
            check: check.0,
            what: format!("{count} outcomes for one item"),
        })
}

/// An update changes what it says and nothing else.
pub(super) async fn updates(subject: Subject<'_>, check: Check) -> Proof {
    let probe = subject.probe;
    let id = make(subject, check, 30).await?;
    probe.settle().await;
    let mut want = probe.sample(30);
    for (name, value) in &probe.sample(31) {
        let record = get_one(subject, check, &id).await?;
        let version = record.map(|record| record.version);
        let one: Fields = [(name.clone(), value.clone())].into();
        let written = check.ok(update(subject, check, &id, version, one).await?)?;
        want.insert(name.clone(), value.clone());
        let record = get_one(subject, check, &id).await?;
        check.that(written.id == id, || "another record was written".into())?;
        let version = record.as_ref().map(|record| &record.version);
        check.that(
            written.version.is_none() || written.version.as_ref() == version,
            || "a write says another version than the record then has".into(),
        )?;
        check.that(record.is_some_and(|record| has(&record, &want)), || {
            format!("setting `{name}` did something else")
        })?;
        probe.settle().await;
    }
    probe.remove(&id).await;
    let gone = update(subject, check, &id, None, probe.sample(33)).await?;
    check.that(
        matches!(&gone, Err(error) if error.kind == Kind::NotFound),
        || format!("an update of a deleted record gives {gone:?}"),
    )?;
    // A field that nobody has is the record's trouble, not the run's, and never taken for written.
    let alive = probe.add(34).await;
    for company in [Fields::new(), probe.sample(34)] {
        let mut odd = company;
        odd.insert("no such field".into(), Value::text("x"));
        let odd = update(subject, check, &alive, None, odd).await?;
        check.that(
            matches!(&odd, Err(error) if error.kind == Kind::Rejected),
            || format!("an update of an unknown field gives {odd:?}"),
        )?;
    }
    Ok(Verdict::Held)
}

/// An update that was meant for an older version is refused and changes nothing.
pub(super) async fn stale(subject: Subject<'_>, check: Check) -> Proof {
    let probe = subject.probe;
    if !subject
        .connector
        .definition()
        .capabilities
        .conditional_update
    {
        return Ok(Verdict::Skipped("it claims no conditional update"));
    }
    let id = make(subject, check, 35).await?;
    probe.settle().await;
    let stale = get_one(subject, check, &id).await?;
    let stale = stale.map(|record| record.version);
    probe.edit(&id).await;
    probe.settle().await;
    let edited = get_one(subject, check, &id).await?;
    let refused = update(subject, check, &id, stale, probe.sample(32)).await?;
    check.that(
        matches!(&refused, Err(error) if error.kind == Kind::VersionMismatch),
        || format!("an update of an old version gives {refused:?}"),
    )?;
    let now = get_one(subject, check, &id).await?;
    check.that(edited == now, || {
        "a refused update changed something".into()
    })?;
    Ok(Verdict::Held)
}

/// Of many updates in one call, one of a deleted record and one of an old version fail, and no other.
pub(super) async fn batch(subject: Subject<'_>, check: Check) -> Proof {
    let probe = subject.probe;
    let capabilities = &subject.connector.definition().capabilities;
    let mut ids = Vec::new();
    for number in 70..78 {
        ids.push(make(subject, check, number).await?);
    }
    probe.settle().await;
    let before = get(subject, check, &ids).await?;
    let (gone, edited) = (2, 5);
    if let (Some(gone), Some(edited)) = (ids.get(gone), ids.get(edited)) {
        probe.remove(gone).await;
        probe.edit(edited).await;
    }
    probe.settle().await;
    let now = get(subject, check, &ids).await?;
    let items: Vec<Update> = (80..)
        .zip(ids.iter().zip(&before))
        .map(|(number, (id, record))| Update {
            id: id.clone(),
            version: record.as_ref().map(|record| record.version.clone()),
            changes: probe.sample(number),
        })
        .collect();
    let outcomes = subject.connector.update(subject.session, &items).await;
    check.that(outcomes.len() == items.len(), || {
        format!("{} outcomes for {} items", outcomes.len(), items.len())
    })?;
    let after = get(subject, check, &ids).await?;
    for (at, (outcome, item)) in outcomes.iter().zip(&items).enumerate() {
        let (now, after) = (
            now.get(at).cloned().flatten(),
            after.get(at).cloned().flatten(),
        );
        let kind = outcome.as_ref().err().map(|error| &error.kind);
        let right = if at == gone {
            // Whoever checks versions first may find that there is none.
            matches!(kind, Some(Kind::NotFound | Kind::VersionMismatch)) && after.is_none()
        } else if at == edited && capabilities.conditional_update {
            kind == Some(&Kind::VersionMismatch) && after == now
        } else {
            kind.is_none() && after.is_some_and(|record| has(&record, &item.changes))
        };
        check.that(right, || {
            format!("update {at} of a batch gives {outcome:?}")
        })?;
    }
    Ok(Verdict::Held)
}
