//! The checks of reading: whole pulls, changes, and direct reads.

use syncline_model::{Record, RemoteId};

use super::{Check, Failure, Subject};
use crate::{Change, Cursor, GoneWhy, Kind, Next, Pull};

/// Pages that one pull may have.
const PAGES: usize = 1000;

/// All pages of a pull.
struct Pulled {
    changes: Vec<Change>,
    cursor: Cursor,
    complete: bool,
}

impl Pulled {
    fn present(&self, id: &RemoteId) -> Option<&Record> {
        self.changes.iter().find_map(|change| match change {
            Change::Present { record, .. } if record.id == *id => Some(record),
            _ => None,
        })
    }

    fn gone(&self, id: &RemoteId) -> Option<GoneWhy> {
        self.changes.iter().find_map(|change| match change {
            Change::Gone { id: gone, why } if gone == id => Some(*why),
            _ => None,
        })
    }
}

async fn pull(
    subject: Subject<'_>,
    check: Check,
    cursor: Option<&Cursor>,
) -> Result<Pulled, Failure> {
    let mut request = Pull {
        collection: subject.probe.collection(),
        cursor: cursor.cloned(),
        page: None,
        fields: subject.probe.sample(0).into_keys().collect(),
    };
    let mut changes = Vec::new();
    for _ in 0..PAGES {
        let page = check.ok(subject.connector.pull(subject.session, &request).await)?;
        changes.extend(page.changes);
        match page.next {
            Next::Page(next) => request.page = Some(next),
            Next::End {
                cursor,
                complete_listing,
            } => {
                return Ok(Pulled {
                    changes,
                    cursor,
                    complete: complete_listing,
                });
            }
        }
    }
    Err(Failure::Wrong {
        check: check.0,
        what: "a pull does not end".into(),
    })
}

/// A full listing has everything, and what follows it has what changed and nothing else.
pub(super) async fn pulls(subject: Subject<'_>) -> Result<(), Failure> {
    let check = Check("pulls");
    let probe = subject.probe;
    let capabilities = &subject.connector.definition().capabilities;
    let (kept, edited, removed) = (probe.add(1).await, probe.add(2).await, probe.add(3).await);
    probe.settle().await;
    let all = pull(subject, check, None).await?;
    check.that(all.complete, || {
        "a full listing does not say that it is complete".into()
    })?;
    for id in [&kept, &edited, &removed] {
        check.that(all.present(id).is_some(), || {
            "a full listing lacks a record".into()
        })?;
    }
    if !capabilities.delta {
        return Ok(());
    }
    let quiet = pull(subject, check, Some(&all.cursor)).await?;
    check.that(!quiet.complete, || {
        "changes say that they are everything".into()
    })?;
    check.that(quiet.changes.is_empty(), || {
        format!("{} changes where nothing changed", quiet.changes.len())
    })?;
    probe.settle().await;
    probe.edit(&edited).await;
    probe.remove(&removed).await;
    let added = probe.add(4).await;
    probe.settle().await;
    let news = pull(subject, check, Some(&quiet.cursor)).await?;
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
    if capabilities.tombstones {
        check.that(news.gone(&removed) == Some(GoneWhy::Deleted), || {
            "a deletion is not reported".into()
        })?;
    }
    let unknown = pull(subject, check, Some(&Cursor("{\"not\": \"ours\"}".into()))).await;
    match unknown {
        Ok(pulled) => check.that(pulled.complete, || {
            "an unknown cursor is taken for a good one".into()
        }),
        Err(Failure::Call { source, .. }) => check.that(source.kind == Kind::CursorExpired, || {
            format!("an unknown cursor gives {:?}", source.kind)
        }),
        Err(other) => Err(other),
    }
}

pub(super) async fn get(
    subject: Subject<'_>,
    check: Check,
    ids: &[RemoteId],
) -> Result<Vec<Option<Record>>, Failure> {
    let fields: Vec<_> = subject.probe.sample(0).into_keys().collect();
    let found = check.ok(subject.connector.get(subject.session, ids, &fields).await)?;
    check.that(found.len() == ids.len(), || {
        format!("{} answers for {} ids", found.len(), ids.len())
    })?;
    Ok(found)
}

pub(super) async fn get_one(
    subject: Subject<'_>,
    check: Check,
    id: &RemoteId,
) -> Result<Option<Record>, Failure> {
    Ok(get(subject, check, std::slice::from_ref(id))
        .await?
        .into_iter()
        .next()
        .flatten())
}

/// Direct reads answer in order, and say so when there is nothing.
pub(super) async fn direct(subject: Subject<'_>) -> Result<(), Failure> {
    let check = Check("reads");
    let probe = subject.probe;
    let ids = [
        probe.add(10).await,
        probe.add(11).await,
        probe.add(12).await,
    ];
    let [first, second, third] = &ids;
    probe.remove(second).await;
    probe.settle().await;
    let asked = [third.clone(), second.clone(), first.clone()];
    let found: Vec<_> = get(subject, check, &asked)
        .await?
        .into_iter()
        .map(|one| one.map(|record| record.id))
        .collect();
    check.that(
        found == [Some(third.clone()), None, Some(first.clone())],
        || "answers are not those asked for".into(),
    )?;
    get(subject, check, &[]).await.map(drop)
}
