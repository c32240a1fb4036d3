//! The checks of deleting records, and of what is gentler than that.

use syncline_model::DeletionPolicy;

use super::reads::{get, get_one};
use super::{Check, Failure, Proof, Subject, Verdict};
use crate::{Error, Kind};

/// Deleting deletes, and again changes nothing.
pub(super) async fn deletions(subject: Subject<'_>, check: Check) -> Proof {
    let (probe, connector, session) = (subject.probe, subject.connector, subject.session);
    if !connector
        .definition()
        .capabilities
        .deletions
        .contains(&DeletionPolicy::Delete)
    {
        return Ok(Verdict::Skipped("it claims no deletion"));
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
    })?;
    Ok(Verdict::Held)
}

/// Marking, leaving and joining keep the record; what is not claimed is refused as such.
pub(super) async fn softer(subject: Subject<'_>, check: Check) -> Proof {
    let (probe, connector, session) = (subject.probe, subject.connector, subject.session);
    let capabilities = &connector.definition().capabilities;
    let claims = &capabilities.deletions;
    for policy in DeletionPolicy::ALL {
        let said = capabilities.impossible.contains_key(&policy);
        check.that(said != claims.contains(&policy), || {
            format!("{policy:?} is neither claimed nor said to be impossible, or both")
        })?;
    }
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
    for _ in 0..2 {
        let joined = connector
            .join(session, &probe.collection(), std::slice::from_ref(&id))
            .await;
        softly(check, writable, joined)?;
    }
    let there = probe.everything().await.filter(|_| writable);
    check.that(there.is_none_or(|there| there.contains(&id)), || {
        "the record that joined is not in the collection".into()
    })?;
    probe.settle().await;
    check.that(get_one(subject, check, &id).await?.is_some(), || {
        "the record is gone".into()
    })?;
    Ok(Verdict::Held)
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
