//! The checks of creating records, also when the answer is lost. Changing them is `updates.rs`.

use std::collections::BTreeSet;

use syncline_model::{Fields, Record, RemoteId};

use super::reads::get;
use super::{Check, Failure, Proof, Subject, Trouble, Verdict};
use crate::{Create, Idempotency, Kind, Written};

/// Whether a record has these values.
pub(super) fn has(record: &Record, fields: &Fields) -> bool {
    fields
        .iter()
        .all(|(name, value)| record.value(name) == value)
}

/// A creation of the sample of that number, intended now.
pub(super) fn item(subject: Subject<'_>, number: u32) -> Create {
    Create {
        operation: subject.probe.operation(number),
        intended_at: subject.probe.now(),
        fields: subject.probe.sample(number),
    }
}

/// Creates one record of that number.
pub(super) async fn make(
    subject: Subject<'_>,
    check: Check,
    number: u32,
) -> Result<RemoteId, Failure> {
    let collection = subject.probe.collection();
    let items = [item(subject, number)];
    let made = subject
        .connector
        .create(subject.session, &collection, &items);
    Ok(check.one(made.await)?.id)
}

/// The ids of what was made by these creations, where it is found.
async fn find(
    subject: Subject<'_>,
    check: Check,
    items: &[Create],
    known: &[RemoteId],
) -> Result<Vec<Option<RemoteId>>, Failure> {
    let collection = subject.probe.collection();
    let found = subject
        .connector
        .find_created(subject.session, &collection, items, known);
    let found = check.ok(found.await)?;
    check.that(found.len() == items.len(), || {
        format!("{} answers for {} creations", found.len(), items.len())
    })?;
    Ok(found
        .into_iter()
        .map(|one| one.map(|record| record.id))
        .collect())
}

/// What is created is there, once, and is found again by its operation.
pub(super) async fn creations(subject: Subject<'_>, check: Check) -> Proof {
    let (probe, connector, session) = (subject.probe, subject.connector, subject.session);
    let collection = probe.collection();
    check.that(
        connector.create(session, &collection, &[]).await.is_empty(),
        || "nothing has outcomes".into(),
    )?;
    let [first, second, third] = [20, 21, 22].map(|number| item(subject, number));
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
    let sought = [third, item(subject, 23), first];
    let found = find(subject, check, &sought, &[]).await?;
    let want = [ids.get(2).cloned(), None, ids.first().cloned()];
    check.that(found == want, || {
        format!("lost creations are not found again: {found:?} instead of {want:?}")
    })?;
    Ok(Verdict::Held)
}

/// Creations that were done although nobody said so are found, each once, even beside a record just like one of them.
pub(super) async fn lost_answers(subject: Subject<'_>, check: Check) -> Proof {
    let (probe, connector, session) = (subject.probe, subject.connector, subject.session);
    let twin = make(subject, check, if probe.has_key() { 64 } else { 60 }).await?;
    probe.settle().await;
    let mut items = [60, 61, 62].map(|number| item(subject, number));
    if let Some(first) = items.first_mut() {
        first.operation = probe.operation(63);
    }
    let known = [twin];
    let before = find(subject, check, &items, &known).await?;
    check.that(before.iter().all(Option::is_none), || {
        "what was not created yet is found".into()
    })?;
    if !probe.strike(Trouble::LostAnswer).await {
        return Ok(Verdict::Skipped("the probe cannot lose an answer"));
    }
    let outcomes = connector.create(session, &probe.collection(), &items).await;
    probe.calm().await;
    let doubtful = |outcome: &Result<Written, crate::Error>| {
        outcome.as_ref().is_err_and(|error| error.maybe_applied)
    };
    check.that(outcomes.len() == 3 && outcomes.iter().all(doubtful), || {
        format!("creations whose answer was lost give {outcomes:?}")
    })?;
    probe.settle().await;
    let found = find(subject, check, &items, &known).await?;
    let different: BTreeSet<_> = found.iter().flatten().collect();
    check.that(different.len() == items.len(), || {
        format!("of three creations {} are found", different.len())
    })?;
    let idempotent = matches!(
        connector.definition().capabilities.create,
        Idempotency::ClientId | Idempotency::Upsert
    );
    if idempotent {
        let again = connector.create(session, &probe.collection(), &items).await;
        for (outcome, found) in again.into_iter().zip(&found) {
            let again = check.ok(outcome)?.id;
            check.that(Some(&again) == found.as_ref(), || {
                "a repeated creation makes a second record".into()
            })?;
        }
    }
    Ok(Verdict::Held)
}

/// Creations that never arrived are not found, and can be made.
pub(super) async fn lost_calls(subject: Subject<'_>, check: Check) -> Proof {
    let (probe, connector, session) = (subject.probe, subject.connector, subject.session);
    if !probe.strike(Trouble::LostCall).await {
        return Ok(Verdict::Skipped("the probe cannot lose a call"));
    }
    let items = [item(subject, 65)];
    let lost = connector.create(session, &probe.collection(), &items).await;
    probe.calm().await;
    check.that(lost.iter().all(Result::is_err), || {
        "a creation that never arrived is called done".into()
    })?;
    let found = find(subject, check, &items, &[]).await?;
    check.that(found == [None], || {
        "a creation that never arrived is found".into()
    })?;
    let made = make(subject, check, 65).await?;
    let found = find(subject, check, &items, &[]).await?;
    check.that(found == [Some(made)], || {
        "the second attempt is not found".into()
    })?;
    Ok(Verdict::Held)
}

/// A record that the provider refuses takes no other with it.
pub(super) async fn partial_failure(subject: Subject<'_>, check: Check) -> Proof {
    let probe = subject.probe;
    let Some(refused) = probe.refused() else {
        return Ok(Verdict::Skipped("the provider refuses no record"));
    };
    let mut items = [66, 67, 68].map(|number| item(subject, number));
    if let Some(second) = items.get_mut(1) {
        second.fields = refused;
    }
    let outcomes = subject
        .connector
        .create(subject.session, &probe.collection(), &items)
        .await;
    let kinds: Vec<_> = outcomes
        .iter()
        .map(|outcome| outcome.as_ref().err().map(|error| error.kind.clone()))
        .collect();
    check.that(kinds == [None, Some(Kind::Rejected), None], || {
        format!("one bad creation of three gives {kinds:?}")
    })?;
    let ids: Vec<RemoteId> = outcomes
        .into_iter()
        .filter_map(|outcome| outcome.ok().map(|written| written.id))
        .collect();
    let made = get(subject, check, &ids).await?;
    let good = items.iter().step_by(2);
    let there = good
        .zip(made)
        .all(|(item, record)| record.is_some_and(|record| has(&record, &item.fields)));
    check.that(there, || "the good creations are not there".into())?;
    Ok(Verdict::Held)
}
