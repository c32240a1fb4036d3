//! The checks of calls that go wrong: each kind of trouble is told apart, and nothing is taken for done.

use syncline_model::{DeletionPolicy, FieldName, Fields, RemoteId};

use super::changes::refused;
use super::reads::{get_one, pull};
use super::updates::update;
use super::{Check, Failure, Proof, Subject, Trouble, Verdict};
use crate::{Error, Kind, Pull};

/// Trouble that strikes every call.
const TROUBLES: [Trouble; 5] = [
    Trouble::TooManyCalls,
    Trouble::BadCredentials,
    Trouble::NotAllowed,
    Trouble::ServerError,
    Trouble::WebPage,
];

/// Whether that is what such trouble must be called.
fn is_called(trouble: Trouble, kind: &Kind) -> bool {
    match trouble {
        Trouble::TooManyCalls => matches!(kind, Kind::RateLimited { .. }),
        Trouble::BadCredentials => *kind == Kind::Unauthorized,
        Trouble::NotAllowed => *kind == Kind::Forbidden,
        Trouble::ServerError | Trouble::LostAnswer | Trouble::LostCall => {
            *kind == Kind::Unavailable
        }
        Trouble::WebPage | Trouble::CutListing => *kind == Kind::Malformed,
        Trouble::OldCursors => *kind == Kind::CursorExpired,
    }
}

/// Every call says what went wrong, and a write that failed so did nothing.
pub(super) async fn errors(subject: Subject<'_>, check: Check) -> Proof {
    let probe = subject.probe;
    let id = probe.add(96).await;
    probe.settle().await;
    let before = get_one(subject, check, &id).await?;
    let mut tried = false;
    for trouble in TROUBLES {
        if !probe.strike(trouble).await {
            continue;
        }
        tried = true;
        let results = every_call(subject, check, &id).await;
        probe.calm().await;
        for (call, result) in results? {
            check.that(
                result
                    .as_ref()
                    .err()
                    .is_some_and(|error| is_called(trouble, &error.kind)),
                || format!("`{call}` under {trouble:?} gives {result:?}"),
            )?;
        }
    }
    let after = get_one(subject, check, &id).await?;
    check.that(before == after, || {
        "a failed write changed something".into()
    })?;
    Ok(if tried {
        Verdict::Held
    } else {
        Verdict::Skipped("the probe cannot make calls fail")
    })
}

type Called = Vec<(&'static str, Result<(), Error>)>;

/// Makes one call of each method.
async fn every_call(subject: Subject<'_>, check: Check, id: &RemoteId) -> Result<Called, Failure> {
    let (probe, connector, session) = (subject.probe, subject.connector, subject.session);
    let (ids, fields) = (std::slice::from_ref(id), probe.sample(97));
    let names: Vec<FieldName> = fields.keys().cloned().collect();
    let request = Pull {
        collection: probe.collection(),
        cursor: None,
        page: None,
        fields: names.clone(),
    };
    let first = |results: Vec<Result<(), Error>>| results.into_iter().next().unwrap_or(Ok(()));
    let one: Fields = fields.into_iter().take(1).collect();
    let mut called = vec![
        ("identity", connector.identity(session).await.map(drop)),
        (
            "collections",
            connector.collections(session).await.map(drop),
        ),
        ("pull", connector.pull(session, &request).await.map(drop)),
        ("get", connector.get(session, ids, &names).await.map(drop)),
        (
            "update",
            update(subject, check, id, None, one).await?.map(drop),
        ),
    ];
    let claims = &connector.definition().capabilities.deletions;
    if claims.contains(&DeletionPolicy::Delete) {
        called.push(("delete", first(connector.delete(session, ids).await)));
    }
    if claims.contains(&DeletionPolicy::Mark) {
        called.push(("mark", first(connector.mark(session, ids).await)));
    }
    Ok(called)
}

/// A cursor that the provider no longer knows is called expired, or everything is read.
pub(super) async fn expired(subject: Subject<'_>, check: Check) -> Proof {
    let cursor = pull(subject, check, None).await?.cursor;
    if !subject.probe.strike(Trouble::OldCursors).await {
        return Ok(Verdict::Skipped("the probe cannot make cursors old"));
    }
    refused(subject, check, &cursor).await?;
    subject.probe.calm().await;
    let all = pull(subject, check, None).await?;
    check.that(all.complete, || {
        "after that, a full listing is not complete".into()
    })?;
    Ok(Verdict::Held)
}
