//! The checks of reading: whole listings, their pages, and direct reads. What changed since a cursor is `changes.rs`.

use std::collections::BTreeSet;

use syncline_model::{Record, RemoteId};

use super::{Check, Failure, Proof, Subject, Trouble, Verdict};
use crate::{Change, Cursor, GoneWhy, Next, Pull};

/// Pages that one pull may have.
const PAGES: usize = 1000;
/// Numbers of records that are added only to fill pages.
const FILLERS: u32 = 100_000;

/// All pages of a pull.
pub(super) struct Pulled {
    /// What was found, in order.
    pub changes: Vec<Change>,
    /// How many pages it took.
    pub pages: usize,
    /// Where to go on.
    pub cursor: Cursor,
    /// Whether it says that it listed everything.
    pub complete: bool,
}

impl Pulled {
    /// The record, if it is among the changes.
    pub(super) fn present(&self, id: &RemoteId) -> Option<&Record> {
        self.records().into_iter().find(|record| record.id == *id)
    }

    /// The record as the changes say it last.
    fn last(&self, id: &RemoteId) -> Option<&Record> {
        self.changes.iter().rev().find_map(|change| match change {
            Change::Present { record, .. } if record.id == *id => Some(record),
            _ => None,
        })
    }

    /// Why a record is gone, if the changes say that it is.
    pub(super) fn gone(&self, id: &RemoteId) -> Option<GoneWhy> {
        self.changes.iter().find_map(|change| match change {
            Change::Gone { id: gone, why, .. } if gone == id => Some(*why),
            _ => None,
        })
    }

    /// The records, in the order of their ids.
    pub(super) fn records(&self) -> Vec<&Record> {
        let present = self.changes.iter().filter_map(|change| match change {
            Change::Present { record, .. } => Some(record),
            Change::Gone { .. } => None,
        });
        let mut records: Vec<&Record> = present.collect();
        records.sort_by(|a, b| a.id.cmp(&b.id));
        records
    }
}

/// Pulls every page of the collection to try.
pub(super) async fn pull(
    subject: Subject<'_>,
    check: Check,
    cursor: Option<&Cursor>,
) -> Result<Pulled, Failure> {
    let collection = subject.probe.collection();
    pull_while(subject, check, &collection, cursor, async |_| {}).await
}

/// Pulls every page of any collection, all of it.
pub(super) async fn pull_of(
    subject: Subject<'_>,
    check: Check,
    collection: &str,
) -> Result<Pulled, Failure> {
    pull_while(subject, check, collection, None, async |_| {}).await
}

/// Pulls every page; after the first, with what was in it, something happens.
async fn pull_while(
    subject: Subject<'_>,
    check: Check,
    collection: &str,
    cursor: Option<&Cursor>,
    meanwhile: impl AsyncFn(&[Change]),
) -> Result<Pulled, Failure> {
    let mut request = Pull {
        collection: collection.to_owned(),
        cursor: cursor.cloned(),
        page: None,
        fields: subject.probe.sample(0).into_keys().collect(),
    };
    let mut changes = Vec::new();
    for pages in 1..=PAGES {
        let page = check.ok(subject.connector.pull(subject.session, &request).await)?;
        if pages == 1 {
            meanwhile(&page.changes).await;
        }
        changes.extend(page.changes);
        match page.next {
            Next::Page(next) => request.page = Some(next),
            Next::End {
                cursor,
                complete_listing,
            } => {
                return Ok(Pulled {
                    changes,
                    pages,
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

/// A full listing has what is there and nothing else, and says the same twice.
pub(super) async fn full(subject: Subject<'_>, check: Check) -> Proof {
    let probe = subject.probe;
    let (kept, removed) = (probe.add(1).await, probe.add(2).await);
    probe.remove(&removed).await;
    probe.settle().await;
    let all = pull(subject, check, None).await?;
    check.that(all.complete, || {
        "a full listing does not say that it is complete".into()
    })?;
    check.that(all.present(&kept).is_some(), || {
        "a full listing lacks a record".into()
    })?;
    check.that(all.present(&removed).is_none(), || {
        "a full listing has a deleted record".into()
    })?;
    if let Some(there) = probe.everything().await {
        let there: BTreeSet<&RemoteId> = there.iter().collect();
        let listed: BTreeSet<&RemoteId> = all.records().iter().map(|record| &record.id).collect();
        check.that(there == listed, || {
            format!("{} of {} records are listed", listed.len(), there.len())
        })?;
    }
    let again = pull(subject, check, None).await?;
    check.that(all.records() == again.records(), || {
        "two full listings differ".into()
    })?;
    let ids: Vec<RemoteId> = vec![kept];
    let read = get(subject, check, &ids).await?;
    let listed = ids.iter().map(|id| all.present(id).cloned());
    check.that(read.into_iter().eq(listed), || {
        "a listing and a direct read differ".into()
    })?;
    Ok(Verdict::Held)
}

/// A listing of a page less one record, of a whole page, and of a page and one record more: each record once.
pub(super) async fn pages(subject: Subject<'_>, check: Check) -> Proof {
    let probe = subject.probe;
    let Some(size) = probe.page_size() else {
        return Ok(Verdict::Skipped("paging is not to be tried"));
    };
    let mut there = pull(subject, check, None).await?.records().len();
    let whole = (there + 1).div_ceil(size) * size;
    let mut number = FILLERS;
    for (count, least, most) in [
        (whole - 1, whole / size, whole / size),
        (whole, whole / size, whole / size + 1),
        (whole + 1, whole / size + 1, whole / size + 1),
    ] {
        while there < count {
            probe.add(number).await;
            number += 1;
            there += 1;
        }
        probe.settle().await;
        let all = pull(subject, check, None).await?;
        let records = all.records();
        let different: BTreeSet<&RemoteId> = records.iter().map(|record| &record.id).collect();
        let right = different.len() == count && records.len() == count;
        check.that(right && all.complete, || {
            let (listed, different) = (records.len(), different.len());
            format!("of {count} records {listed} are listed, {different} different ones")
        })?;
        check.that((least..=most).contains(&all.pages), || {
            format!("{count} records come in {} pages of {size}", all.pages)
        })?;
    }
    Ok(Verdict::Held)
}

/// Whoever is edited while the pages of a listing are read is told as they are then, at the latest by the next pull, and
/// their moving behind the reader, or before it, keeps nobody else out.
pub(super) async fn edits_meanwhile(subject: Subject<'_>, check: Check) -> Proof {
    let probe = subject.probe;
    let Some(size) = probe.page_size() else {
        return Ok(Verdict::Skipped("paging is not to be tried"));
    };
    let before = pull(subject, check, None).await?;
    let all: BTreeSet<RemoteId> = before.records().iter().map(|one| one.id.clone()).collect();
    check.that(before.pages > 1, || {
        format!("{} records are one page of {size}", all.len())
    })?;
    let edited = std::cell::RefCell::new(Vec::new());
    let collection = probe.collection();
    let listed = pull_while(subject, check, &collection, None, async |first| {
        let ids = first.iter().filter_map(|change| match change {
            Change::Present { record, .. } => Some(record.id.clone()),
            Change::Gone { .. } => None,
        });
        let read: Vec<RemoteId> = ids.collect();
        let unread = all.iter().find(|id| !read.contains(id)).cloned();
        probe.settle().await;
        for id in read.into_iter().take(3).chain(unread) {
            probe.edit(&id).await;
            edited.borrow_mut().push(id);
        }
        probe.settle().await;
    })
    .await?;
    let next = pull(subject, check, Some(&listed.cursor)).await?;
    let told: BTreeSet<RemoteId> = [&listed, &next]
        .iter()
        .flat_map(|pulled| pulled.records())
        .map(|record| record.id.clone())
        .collect();
    check.that(told.is_superset(&all), || {
        let lost = all.difference(&told).count();
        format!("{lost} records are in neither of two pulls, because others were edited")
    })?;
    for id in edited.into_inner() {
        let now = get_one(subject, check, &id).await?;
        let last = next.present(&id).or_else(|| listed.last(&id));
        let (last, now) = (
            last.map(|told| &told.fields),
            now.as_ref().map(|now| &now.fields),
        );
        check.that(now.is_some() && last == now, || {
            "an edit while pages are read is not told".into()
        })?;
    }
    Ok(Verdict::Held)
}

/// A listing of which a part did not arrive does not say that it is complete, where the provider says how much there is.
pub(super) async fn cut(subject: Subject<'_>, check: Check) -> Proof {
    let probe = subject.probe;
    for number in [70, 71] {
        probe.add(number).await;
    }
    probe.settle().await;
    let all = pull(subject, check, None).await?;
    if !probe.strike(Trouble::CutListing).await {
        return Ok(Verdict::Skipped("nothing says how much there is"));
    }
    let listed = pull(subject, check, None).await;
    probe.calm().await;
    // An error is as good.
    if let Ok(listed) = listed {
        let lacks = listed.records().len() < all.records().len();
        check.that(lacks, || "a listing was not cut".into())?;
        check.that(!listed.complete, || {
            "a listing that was cut short says that it is complete".into()
        })?;
    }
    let again = pull(subject, check, None).await?;
    check.that(all.records() == again.records(), || {
        "after a listing that was cut short, another is not whole".into()
    })?;
    Ok(Verdict::Held)
}

/// Reads directly, with the fields of the samples.
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

/// Reads one record directly.
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
pub(super) async fn direct(subject: Subject<'_>, check: Check) -> Proof {
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
    get(subject, check, &[]).await?;
    Ok(Verdict::Held)
}
