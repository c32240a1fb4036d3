//! The contacts of one organisation with their indexes: by id, by creation, by change, and by the values of
//! duplicate-check fields; and the tombstones of those deleted. It knows nothing of HTTP, users or field kinds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use serde_json::Value;

use super::record::Record;

const DAY: i64 = 24 * 60 * 60;
/// How long a deleted record stays in the recycle bin.
pub const RECYCLE_SECONDS: i64 = 60 * DAY;
/// How long a permanent deletion is reported.
pub const PERMANENT_SECONDS: i64 = 120 * DAY;

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By id.
    Id,
    /// By the time of creation, then id.
    Created,
    /// By the time of the last change, then id.
    Modified,
}

/// A place in a sorted list: the sort key and the id of a record.
pub type Place = (i64, u64);

/// A deleted record.
#[derive(Debug, Clone)]
pub struct Tombstone {
    /// The record, while it can be restored.
    pub record: Option<Record>,
    /// Unix seconds of the deletion.
    pub deleted: i64,
    /// The user who deleted it.
    pub deleted_by: u64,
}

impl Tombstone {
    /// Whether it is still in the recycle bin.
    pub fn in_recycle_bin(&self, now: i64) -> bool {
        self.record.is_some() && now - self.deleted < RECYCLE_SECONDS
    }

    /// Whether `/deleted` still tells of it.
    pub fn reported(&self, now: i64) -> bool {
        now - self.deleted < PERMANENT_SECONDS
    }
}

/// Ids by the folded value of a field.
type ValueIndex = HashMap<String, BTreeSet<u64>>;

/// Records, tombstones and indexes.
#[derive(Debug, Default)]
pub struct Table {
    records: BTreeMap<u64, Record>,
    by_created: BTreeSet<Place>,
    by_modified: BTreeSet<Place>,
    by_value: HashMap<Arc<str>, ValueIndex>,
    tombstones: BTreeMap<u64, Tombstone>,
    by_deleted: BTreeSet<Place>,
}

impl Table {
    /// The record of this id.
    pub fn get(&self, id: u64) -> Option<&Record> {
        self.records.get(&id)
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// All records by ascending id.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.records.values()
    }

    /// Records with ids within these bounds, ascending.
    pub fn id_range(
        &self,
        from: Bound<u64>,
        to: Bound<u64>,
    ) -> Box<dyn DoubleEndedIterator<Item = &Record> + '_> {
        if crossed(&from, &to) {
            return Box::new(std::iter::empty());
        }
        Box::new(self.records.range((from, to)).map(|(_, record)| record))
    }

    /// Records changed at these Unix seconds (inclusive), by ascending change.
    pub fn modified_range(
        &self,
        from: i64,
        to: i64,
    ) -> Box<dyn DoubleEndedIterator<Item = &Record> + '_> {
        if from > to {
            return Box::new(std::iter::empty());
        }
        let places = self.by_modified.range((from, 0)..=(to, u64::MAX));
        Box::new(places.filter_map(|(_, id)| self.records.get(id)))
    }

    /// The Unix second of the latest change.
    pub fn last_change(&self) -> Option<i64> {
        self.by_modified.last().map(|place| place.0)
    }

    /// Walks the records in order, from behind `after`.
    pub fn walk(
        &self,
        order: Order,
        descending: bool,
        after: Option<Place>,
    ) -> Box<dyn Iterator<Item = &Record> + '_> {
        let Some(set) = self.set_of(order) else {
            let after = after.map(|place| place.1);
            return if descending {
                let to = after.map_or(Bound::Unbounded, Bound::Excluded);
                Box::new(self.id_range(Bound::Unbounded, to).rev())
            } else {
                let from = after.map_or(Bound::Unbounded, Bound::Excluded);
                self.id_range(from, Bound::Unbounded)
            };
        };
        let record = |place: &Place| self.records.get(&place.1);
        if descending {
            let to = after.map_or(Bound::Unbounded, Bound::Excluded);
            Box::new(set.range((Bound::Unbounded, to)).rev().filter_map(record))
        } else {
            let from = after.map_or(Bound::Unbounded, Bound::Excluded);
            Box::new(set.range((from, Bound::Unbounded)).filter_map(record))
        }
    }

    fn set_of(&self, order: Order) -> Option<&BTreeSet<Place>> {
        match order {
            Order::Id => None,
            Order::Created => Some(&self.by_created),
            Order::Modified => Some(&self.by_modified),
        }
    }

    /// Adds a record, or puts it in the place of the one with the same id.
    pub fn put(&mut self, record: Record) {
        if let Some(old) = self.records.remove(&record.id) {
            self.unindex(&old);
        }
        self.by_created.insert((record.created, record.id));
        self.by_modified.insert((record.modified, record.id));
        for (field, index) in &mut self.by_value {
            if let Some(key) = record.values.get(field).and_then(fold) {
                index.entry(key).or_default().insert(record.id);
            }
        }
        self.records.insert(record.id, record);
    }

    /// Takes a record away, without a tombstone.
    pub fn take(&mut self, id: u64) -> Option<Record> {
        let record = self.records.remove(&id)?;
        self.unindex(&record);
        Some(record)
    }

    fn unindex(&mut self, record: &Record) {
        self.by_created.remove(&(record.created, record.id));
        self.by_modified.remove(&(record.modified, record.id));
        for (field, index) in &mut self.by_value {
            let Some(key) = record.values.get(field).and_then(fold) else {
                continue;
            };
            let Some(ids) = index.get_mut(&key) else {
                continue;
            };
            ids.remove(&record.id);
            if ids.is_empty() {
                index.remove(&key);
            }
        }
    }

    /// Leaves a tombstone.
    pub fn bury(&mut self, id: u64, tombstone: Tombstone) {
        if let Some(old) = self.tombstones.get(&id) {
            self.by_deleted.remove(&(old.deleted, id));
        }
        self.by_deleted.insert((tombstone.deleted, id));
        self.tombstones.insert(id, tombstone);
    }

    /// The tombstone of this id.
    pub fn tombstone(&self, id: u64) -> Option<&Tombstone> {
        self.tombstones.get(&id)
    }

    /// Takes a tombstone away, when its record is restored.
    pub fn unbury(&mut self, id: u64) -> Option<Tombstone> {
        let tombstone = self.tombstones.remove(&id)?;
        self.by_deleted.remove(&(tombstone.deleted, id));
        Some(tombstone)
    }

    /// Tombstones, the latest first, with their ids.
    pub fn deleted(&self) -> impl Iterator<Item = (u64, &Tombstone)> {
        self.by_deleted
            .iter()
            .rev()
            .filter_map(|(_, id)| self.tombstones.get(id).map(|stone| (*id, stone)))
    }

    /// The ids behind `after`, ascending, of records and tombstones alike.
    pub fn ids_after(&self, after: u64, limit: usize) -> Vec<u64> {
        let behind = (Bound::Excluded(after), Bound::Unbounded);
        let live = self.records.range(behind).map(|(id, _)| *id).take(limit);
        let dead = self.tombstones.range(behind).map(|(id, _)| *id).take(limit);
        let ids: BTreeSet<u64> = live.chain(dead).collect();
        ids.into_iter().take(limit).collect()
    }

    /// Keeps an index over the values of a field from now on.
    pub fn index_by(&mut self, field: &Arc<str>) {
        let mut index = ValueIndex::new();
        for record in self.records.values() {
            if let Some(key) = record.values.get(field).and_then(fold) {
                index.entry(key).or_default().insert(record.id);
            }
        }
        self.by_value.insert(Arc::clone(field), index);
    }

    /// Ids of the records with this value in an indexed field; `None` when the field has no index.
    pub fn holders(&self, field: &str, value: &str) -> Option<Vec<u64>> {
        let index = self.by_value.get(field)?;
        let ids = index.get(&value.to_lowercase());
        Some(
            ids.map(|ids| ids.iter().copied().collect())
                .unwrap_or_default(),
        )
    }
}

fn crossed(from: &Bound<u64>, to: &Bound<u64>) -> bool {
    match (from, to) {
        (Bound::Included(a), Bound::Included(b)) => a > b,
        (Bound::Included(a) | Bound::Excluded(a), Bound::Excluded(b))
        | (Bound::Excluded(a), Bound::Included(b)) => a >= b,
        _ => false,
    }
}

/// The key of a value in an index: text without regard to case, numbers as written.
pub fn fold(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_lowercase()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(id: u64, modified: i64, email: &str) -> Record {
        let mut record = Record {
            id,
            created: 1,
            modified,
            ..Record::default()
        };
        record.values.set(&"Email".into(), Some(json!(email)));
        record
    }

    fn table() -> Table {
        let mut table = Table::default();
        table.index_by(&"Email".into());
        for (id, modified) in [(1, 30), (2, 10), (3, 20)] {
            table.put(record(id, modified, &format!("P{id}@X.example")));
        }
        table
    }

    #[test]
    fn walks_resume_behind_a_place() {
        let check = |order: Order, descending: bool, after: Option<Place>, expect: &[u64]| {
            let table = table();
            let ids: Vec<u64> = table.walk(order, descending, after).map(|r| r.id).collect();
            assert_eq!(ids, expect, "{order:?} {descending} {after:?}");
        };
        check(Order::Id, false, None, &[1, 2, 3]);
        check(Order::Id, true, Some((0, 3)), &[2, 1]);
        check(Order::Modified, false, None, &[2, 3, 1]);
        check(Order::Modified, false, Some((10, 2)), &[3, 1]);
        check(Order::Modified, true, Some((20, 3)), &[2]);
        check(Order::Created, true, None, &[3, 2, 1]);
    }

    #[test]
    fn indexes_follow_changes() {
        let mut table = table();
        assert_eq!(table.holders("Email", "p1@x.EXAMPLE"), Some(vec![1]));
        table.put(record(1, 40, "new@x.example"));
        assert_eq!(table.holders("Email", "p1@x.example"), Some(vec![]));
        assert_eq!(table.holders("Email", "new@x.example"), Some(vec![1]));
        assert_eq!(
            table
                .modified_range(25, 50)
                .map(|r| r.id)
                .collect::<Vec<_>>(),
            [1]
        );
        table.take(1);
        assert_eq!(table.holders("Email", "new@x.example"), Some(vec![]));
        assert_eq!(table.holders("Phone", "1"), None);
    }

    #[test]
    fn tombstones_age() {
        let stone = Tombstone {
            record: Some(record(1, 1, "a@b.c")),
            deleted: 0,
            deleted_by: 1,
        };
        let check = |now: i64, expect: (bool, bool)| {
            assert_eq!(
                (stone.in_recycle_bin(now), stone.reported(now)),
                expect,
                "{now}"
            );
        };
        check(RECYCLE_SECONDS - 1, (true, true));
        check(RECYCLE_SECONDS, (false, true));
        check(PERMANENT_SECONDS, (false, false));
    }
}
