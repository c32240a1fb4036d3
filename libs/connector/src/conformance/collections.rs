//! The check of making collections.

use syncline_model::{Collection, RemoteId};

use super::reads::pull_of;
use super::{Check, Failure, Proof, Subject, Verdict};
use crate::{Create, Kind};

/// A collection is made once, listed as it was told, and takes records; what is not claimed is refused as such.
pub(super) async fn made(subject: Subject<'_>, check: Check) -> Proof {
    let (probe, connector, session) = (subject.probe, subject.connector, subject.session);
    let before = list(subject, check).await?;
    let mut names = (1..).map(|number| format!("Syncline's check ({number}) <\u{e9}>"));
    let is_free = |name: &String| before.iter().all(|one| one.name != *name);
    let name = names.find(is_free).unwrap_or_default();
    let first = connector.create_collection(session, &name).await;
    if !connector.definition().capabilities.create_collection {
        let refused = first.is_err_and(|error| error.kind == Kind::Unsupported);
        check.that(refused, || {
            "making a collection is not claimed and not refused as such".into()
        })?;
        let same = list(subject, check).await? == before;
        check.that(same, || "a refused collection is there".into())?;
        return Ok(Verdict::Held);
    }
    let first = check.ok(first)?;
    let again = check.ok(connector.create_collection(session, &name).await)?;
    check.that(first.is_new && !again.is_new, || {
        "a collection is new twice, or never".into()
    })?;
    check.that(first.collection == again.collection, || {
        "the same name has two collections".into()
    })?;
    // Which of several is the default may change.
    let told = |one: &Collection| (one.id.clone(), one.name.clone(), one.membership_writable);
    let mut expect: Vec<_> = before.iter().chain([&first.collection]).map(told).collect();
    expect.sort();
    let there = list(subject, check).await?;
    let there: Vec<_> = there.iter().map(told).collect();
    check.that(first.collection.name == name && there == expect, || {
        format!("{there:?} are listed and not {expect:?}")
    })?;
    let id = &first.collection.id;
    let item = Create {
        operation: probe.operation(60),
        intended_at: probe.now(),
        fields: probe.sample(60),
    };
    let written = check.one(connector.create(session, id, &[item]).await)?;
    probe.settle().await;
    let all = pull_of(subject, check, id).await?;
    let records = all.records().into_iter();
    let ids: Vec<&RemoteId> = records.map(|record| &record.id).collect();
    check.that(ids == [&written.id], || {
        format!("a new collection has {} records", ids.len())
    })?;
    Ok(Verdict::Held)
}

/// The collections, in the order of their ids.
async fn list(subject: Subject<'_>, check: Check) -> Result<Vec<Collection>, Failure> {
    let found = subject.connector.collections(subject.session).await;
    let mut all = check.ok(found)?;
    all.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(all)
}
