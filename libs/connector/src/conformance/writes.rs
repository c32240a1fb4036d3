//! The checks of writing: creations, updates, deletions and what is gentler than those.

use syncline_model::{DeletionPolicy, Fields, Record, RemoteId, Value, Version};

use super::reads::{get, get_one};
use super::{Check, Failure, Subject};
use crate::{Create, Error, Kind, Update, Written};

/// What is created is there, once, and is found again by its operation.
pub(super) async fn creations(subject: Subject<'_>) -> Result<(), Failure> {
    let check = Check("creations");
    let (probe, connector, session) = (subject.probe, subject.connector, subject.session);
    let collection = probe.collection();
    check.that(
        connector.create(session, &collection, &[]).await.is_empty(),
        || "nothing has outcomes".into(),
    )?;
    let item = |number: u32| Create {
        operation: probe.operation(number),
        intended_at: probe.now(),
        fields: probe.sample(number),
    };
    let [first, second, third] = [item(20), item(21), item(22)];
    let items = [first.clone(), second, third.clone()];
    let outcomes = connector.create(session, &collection, &items).await;
    check.that(outcomes.len() == items.len(), || {
        format!("{} outcomes for {} items", outcomes.len(), items.len())
    })?;
    let mut made: Vec<Written> = Vec::new();
    for outcome in outcomes {
        made.push(check.ok(outcome)?);
    }
    let ids: Vec<_> = made.iter().map(|written| written.id.clone()).collect();
    for (item, record) in items.iter().zip(get(subject, check, &ids).await?) {
        check.that(
            record.is_some_and(|record| has(&record, &item.fields)),
            || "a created record is not there with its values, in the order of the items".into(),
        )?;
    }
    let sought = [third, item(23), first];
    let found = check.ok(connector
        .find_created(session, &collection, &sought, &[])
        .await)?;
    let found: Vec<_> = found
        .into_iter()
        .map(|one| one.map(|record| record.id))
        .collect();
    let want = [ids.get(2).cloned(), None, ids.first().cloned()];
    check.that(found == want, || {
        format!("lost creations are not found again: {found:?} instead of {want:?}")
    })
}

async fn update(
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

/// An update changes what it says and nothing else, and only the version that it was meant for.
pub(super) async fn updates(subject: Subject<'_>) -> Result<(), Failure> {
    let check = Check("updates");
    let (probe, connector, session) = (subject.probe, subject.connector, subject.session);
    let create = Create {
        operation: probe.operation(30),
        intended_at: probe.now(),
        fields: probe.sample(30),
    };
    let made = check.one(
        connector
            .create(session, &probe.collection(), &[create])
            .await,
    )?;
    probe.settle().await;
    let mut want = probe.sample(30);
    let other = probe.sample(31);
    for (name, value) in &other {
        let record = get_one(subject, check, &made.id).await?;
        let version = record.map(|record| record.version);
        let one: Fields = [(name.clone(), value.clone())].into();
        check.ok(update(subject, check, &made.id, version, one).await?)?;
        want.insert(name.clone(), value.clone());
        probe.settle().await;
        let record = get_one(subject, check, &made.id).await?;
        check.that(record.is_some_and(|record| has(&record, &want)), || {
            format!("setting `{name}` did something else")
        })?;
    }
    let stale = get_one(subject, check, &made.id)
        .await?
        .map(|record| record.version);
    probe.edit(&made.id).await;
    probe.settle().await;
    if connector.definition().capabilities.conditional_update {
        let edited = get_one(subject, check, &made.id).await?;
        let refused = update(subject, check, &made.id, stale, probe.sample(32)).await?;
        check.that(
            matches!(&refused, Err(error) if error.kind == Kind::VersionMismatch),
            || format!("an update of an old version gives {refused:?}"),
        )?;
        let now = get_one(subject, check, &made.id).await?;
        check.that(edited == now, || {
            "a refused update changed something".into()
        })?;
    }
    probe.remove(&made.id).await;
    let gone = update(subject, check, &made.id, None, probe.sample(33)).await?;
    check.that(
        matches!(&gone, Err(error) if error.kind == Kind::NotFound),
        || format!("an update of a deleted record gives {gone:?}"),
    )?;
    // A field that nobody has is the record's trouble, not the run's.
    let alive = probe.add(34).await;
    let odd: Fields = [("no such field".into(), Value::text("x"))].into();
    let odd = update(subject, check, &alive, None, odd).await?;
    check.that(
        matches!(&odd, Err(error) if error.kind == Kind::Rejected),
        || format!("an update of an unknown field gives {odd:?}"),
    )
}

/// Deleting deletes, and again changes nothing.
pub(super) async fn deletions(subject: Subject<'_>) -> Result<(), Failure> {
    let check = Check("deletions");
    let (probe, connector, session) = (subject.probe, subject.connector, subject.session);
    if !connector
        .definition()
        .capabilities
        .deletions
        .contains(&DeletionPolicy::Delete)
    {
        return Ok(());
    }
    let (first, second, bystander) = (
        probe.add(40).await,
        probe.add(41).await,
        probe.add(42).await,
    );
    probe.remove(&first).await;
    for ids in [vec![second.clone()], vec![first.clone(), second.clone()]] {
        let outcomes = connector.delete(session, &ids).await;
        check.that(outcomes.len() == ids.len(), || {
            format!("{} outcomes for {} ids", outcomes.len(), ids.len())
        })?;
        for outcome in outcomes {
            check.ok(outcome)?;
        }
    }
    let left: Vec<_> = get(subject, check, &[first, second, bystander])
        .await?
        .iter()
        .map(Option::is_some)
        .collect();
    check.that(left == [false, false, true], || {
        format!("what is left is {left:?}")
    })
}

/// Marking and leaving keep the record; what is not claimed is refused as such.
pub(super) async fn softer_deletions(subject: Subject<'_>) -> Result<(), Failure> {
    let check = Check("marking and leaving");
    let (probe, connector, session) = (subject.probe, subject.connector, subject.session);
    let claims = &connector.definition().capabilities.deletions;
    let id = probe.add(50).await;
    let marked = connector.mark(session, std::slice::from_ref(&id)).await;
    let claimed = claims.contains(&DeletionPolicy::Mark);
    softly(check, claimed, marked)?;
    let again = connector.mark(session, std::slice::from_ref(&id)).await;
    softly(check, claimed, again)?;
    let left = connector
        .leave(session, &probe.collection(), std::slice::from_ref(&id))
        .await;
    let collections = check.ok(connector.collections(session).await)?;
    let writable = collections
        .iter()
        .any(|one| one.id == probe.collection() && one.membership_writable);
    let claimed = writable && claims.contains(&DeletionPolicy::Unlink);
    softly(check, claimed, left)?;
    probe.settle().await;
    check.that(get_one(subject, check, &id).await?.is_some(), || {
        "the record is gone".into()
    })
}

fn softly(check: Check, claimed: bool, outcomes: Vec<Result<(), Error>>) -> Result<(), Failure> {
    match check.one(outcomes) {
        Err(Failure::Call { source, .. }) if !claimed && source.kind == Kind::Unsupported => Ok(()),
        Ok(()) if !claimed => Err(Failure::Wrong {
            check: check.0,
            what: "something works that is not claimed".into(),
        }),
        other => other,
    }
}

fn has(record: &Record, fields: &Fields) -> bool {
    fields
        .iter()
        .all(|(name, value)| record.value(name) == value)
}
