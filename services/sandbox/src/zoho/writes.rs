//! Changing contacts one at a time: insert, update, upsert, delete, restore, merge, tags; used by the API and by hand alike.
//! Whole requests (limits, order of answers, statuses) are in `http::records`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::errors::ItemError;
use super::fields::{Field, Kind};
use super::org::{Org, Unindexed};
use super::record::Record;
use super::render;
use super::table::{Tombstone, fold};
use super::tags::{TAGS_PER_MODULE, TAGS_PER_RECORD, Tag};
use super::values::{self, Checked, TagRef};

/// Who changes something, and when.
#[derive(Debug, Clone, Copy)]
pub struct Author {
    /// Id of the user.
    pub user: u64,
    /// Unix seconds.
    pub now: i64,
}

/// What a checked record will change.
type Change = Vec<(Arc<Field>, Checked)>;

/// Adds the record at `index` of `data[]`; answers its id.
pub fn insert(
    org: &mut Org,
    native: &Value,
    index: usize,
    author: Author,
) -> Result<u64, ItemError> {
    let change = checked(org, native, index, None)?;
    let id = org.fresh_id();
    let mut record = Record {
        id,
        created: author.now,
        modified: author.now,
        created_by: author.user,
        modified_by: author.user,
        owner: author.user,
        ..Record::default()
    };
    let fields: Vec<Arc<Field>> = org
        .fields
        .iter()
        .filter(|field| field.custom)
        .cloned()
        .collect();
    for field in fields {
        let value = match field.kind {
            Kind::AutoNumber => Some(json!(format!("C-{}", org.fresh_number()))),
            _ => field.default.clone(),
        };
        record.values.set(&field.api_name, value);
    }
    apply(org, &mut record, change, author)?;
    lag(org, id, None, author);
    org.table.put(record);
    Ok(id)
}

/// Changes the record `id` by the item at `index` of `data[]`.
pub fn update(
    org: &mut Org,
    id: u64,
    native: &Value,
    index: usize,
    author: Author,
) -> Result<(), ItemError> {
    let record = org
        .table
        .get(id)
        .ok_or_else(|| ItemError::unknown_id(index))?;
    if record.locked {
        return Err(locked(index));
    }
    let change = checked(org, native, index, Some(record))?;
    let before = record.clone();
    let mut record = before.clone();
    record.modified = author.now;
    record.modified_by = author.user;
    apply(org, &mut record, change, author)?;
    lag(org, id, Some(before), author);
    org.table.put(record);
    Ok(())
}

/// What an upsert did.
#[derive(Debug, PartialEq, Eq)]
pub struct Upserted {
    /// The record.
    pub id: u64,
    /// The field by which it was found; none when it is new.
    pub duplicate_field: Option<String>,
}

/// The fields by which an upsert looks for the record: those asked for, then every unique one.
pub fn duplicate_checks(org: &Org, asked: Option<&[String]>) -> Option<Vec<Arc<Field>>> {
    let standard = ["Email".to_owned()];
    let mut checks = Vec::new();
    for name in asked.unwrap_or(&standard) {
        let field = org
            .fields
            .get(name)
            .filter(|field| &*field.api_name == "Email" || field.unique)?;
        checks.push(Arc::clone(field));
    }
    for field in org.fields.iter().filter(|field| field.unique) {
        if !checks.iter().any(|known| known.api_name == field.api_name) {
            checks.push(Arc::clone(field));
        }
    }
    Some(checks)
}

/// The record which an upsert of this item would update, and the field that says so.
pub fn duplicate(org: &Org, native: &Value, checks: &[Arc<Field>]) -> Option<(u64, String)> {
    checks.iter().find_map(|field| {
        let value = native
            .get(&*field.api_name)
            .and_then(fold)
            .filter(|text| !text.is_empty())?;
        let oldest = org
            .table
            .holders(&field.api_name, &value)?
            .first()
            .copied()?;
        Some((oldest, field.api_name.to_string()))
    })
}

/// Updates the record which the checks find, or adds a new one.
pub fn upsert(
    org: &mut Org,
    native: &Value,
    index: usize,
    checks: &[Arc<Field>],
    author: Author,
) -> Result<Upserted, ItemError> {
    let found = values::id_of(native).map(|id| (id, None));
    let found =
        found.or_else(|| duplicate(org, native, checks).map(|(id, field)| (id, Some(field))));
    match found {
        Some((id, duplicate_field)) => {
            update(org, id, native, index, author)?;
            Ok(Upserted {
                id,
                duplicate_field,
            })
        }
        None => Ok(Upserted {
            id: insert(org, native, index, author)?,
            duplicate_field: None,
        }),
    }
}

/// Moves a record into the recycle bin, or deletes it for good; false when there is none.
pub fn delete(org: &mut Org, id: u64, permanent: bool, author: Author) -> bool {
    let Some(record) = org.table.take(id) else {
        return false;
    };
    lag(org, id, Some(record.clone()), author);
    let record = (!permanent).then_some(record);
    org.table.bury(
        id,
        Tombstone {
            record,
            deleted: author.now,
            deleted_by: author.user,
        },
    );
    true
}

/// Takes a record out of the recycle bin; false when it is not there.
pub fn restore(org: &mut Org, id: u64, author: Author) -> bool {
    if !org
        .table
        .tombstone(id)
        .is_some_and(|stone| stone.in_recycle_bin(author.now))
    {
        return false;
    }
    let Some(mut record) = org.table.unbury(id).and_then(|stone| stone.record) else {
        return false;
    };
    record.modified = author.now;
    record.modified_by = author.user;
    org.table.put(record);
    true
}

/// Merges `loser` into `winner`: empty fields are filled, tags joined, the loser is gone for good. False when either is missing.
pub fn merge(org: &mut Org, winner: u64, loser: u64, author: Author) -> bool {
    if winner == loser || org.table.get(loser).is_none() {
        return false;
    }
    let Some(mut kept) = org.table.get(winner).cloned() else {
        return false;
    };
    let Some(lost) = org.table.take(loser) else {
        return false;
    };
    for (name, value) in lost.values.iter() {
        if kept.values.get(name).is_none() {
            kept.values.set(name, Some(value.clone()));
        }
    }
    for tag in &lost.tags {
        if kept.tags.len() < TAGS_PER_RECORD && !kept.tags.contains(tag) {
            kept.tags.push(*tag);
        }
    }
    kept.modified = author.now;
    kept.modified_by = author.user;
    org.table.put(kept);
    org.table.bury(
        loser,
        Tombstone {
            record: None,
            deleted: author.now,
            deleted_by: author.user,
        },
    );
    true
}

/// How the tags of a record change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagChange {
    /// Added to those it has.
    Add,
    /// In the place of those it has.
    Replace,
    /// Taken away.
    Remove,
}

/// Changes the tags of one record; an error when there is no such record or there would be too many.
pub fn change_tags(
    org: &mut Org,
    id: u64,
    tags: &[TagRef],
    how: TagChange,
    author: Author,
) -> Result<(), ItemError> {
    let details = json!({"id": id.to_string()});
    let Some(mut record) = org.table.get(id).cloned() else {
        return Err(ItemError::new(
            "INVALID_DATA",
            "the id given seems to be invalid",
            details,
        ));
    };
    if how == TagChange::Remove {
        let gone = |id: &u64| tags.contains(&TagRef::Known(*id));
        record.tags.retain(|id| !gone(id));
    } else {
        let ids = tag_ids(org, tags, author)?;
        if how == TagChange::Replace {
            record.tags.clear();
        }
        for id in ids {
            if !record.tags.contains(&id) {
                record.tags.push(id);
            }
        }
        if record.tags.len() > TAGS_PER_RECORD {
            return Err(too_many_tags(TAGS_PER_RECORD));
        }
    }
    record.modified = author.now;
    record.modified_by = author.user;
    org.table.put(record);
    Ok(())
}

/// The ids of these tags; new names become tags.
fn tag_ids(org: &mut Org, tags: &[TagRef], author: Author) -> Result<Vec<u64>, ItemError> {
    let mut ids = Vec::with_capacity(tags.len());
    for tag in tags {
        ids.push(match tag {
            TagRef::Known(id) => *id,
            TagRef::New(name) => create_tag(org, name, None, author)?,
        });
    }
    Ok(ids)
}

/// Adds a tag to the module; answers its id.
pub fn create_tag(
    org: &mut Org,
    name: &str,
    colour: Option<String>,
    author: Author,
) -> Result<u64, ItemError> {
    if org.tags.len() >= TAGS_PER_MODULE {
        return Err(too_many_tags(TAGS_PER_MODULE));
    }
    let id = org.fresh_id();
    let Author { user, now } = author;
    let name = name.to_owned();
    org.tags.push(Tag {
        id,
        name,
        colour,
        created: now,
        modified: now,
        created_by: user,
        modified_by: user,
    });
    Ok(id)
}

fn too_many_tags(limit: usize) -> ItemError {
    ItemError::new(
        "LIMIT_EXCEEDED",
        "the maximum number of tags is exceeded",
        json!({"limit": limit, "api_name": "Tag"}),
    )
}

fn locked(index: usize) -> ItemError {
    let path = format!("$.data[{index}].id");
    let details = json!({"api_name": "id", "json_path": path, "action": "record_locking"});
    ItemError::new("RECORD_LOCKED", "the record is locked", details)
}

/// Checks every field of an item; `old` is the record it changes, none for a new one.
fn checked(
    org: &Org,
    native: &Value,
    index: usize,
    old: Option<&Record>,
) -> Result<Change, ItemError> {
    let Some(map) = native.as_object() else {
        let details =
            json!({"expected_data_type": "jsonobject", "json_path": format!("$.data[{index}]")});
        return Err(ItemError::invalid(details));
    };
    let (mut change, mut errors) = (Change::new(), Vec::new());
    for field in org.fields.iter().filter(|field| field.writable()) {
        let Some(value) = map.get(&*field.api_name) else {
            if field.mandatory && old.is_none() {
                let path = format!("$.data[{index}].{}", field.api_name);
                let details = json!({"api_name": &*field.api_name, "json_path": path});
                errors.push(ItemError::new(
                    "MANDATORY_NOT_FOUND",
                    "required field not found",
                    details,
                ));
            }
            continue;
        };
        match values::check(org, field, value, index) {
            Ok(Checked::Tags(tags)) if tags.len() > TAGS_PER_RECORD => {
                errors.push(too_many_tags(TAGS_PER_RECORD));
            }
            Ok(checked) => change.push((Arc::clone(field), appended(native, field, checked, old))),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        errors.extend(change.iter().filter_map(|(field, checked)| {
            let Checked::Value(value) = checked else {
                return None;
            };
            taken(org, field, value, old.map(|record| record.id), index)
        }));
    }
    ItemError::join(errors).map_or(Ok(change), Err)
}

/// `"$append_values": {"Field": true}` adds to a multi-select instead of replacing it.
fn appended(native: &Value, field: &Field, checked: Checked, old: Option<&Record>) -> Checked {
    let append = native
        .get("$append_values")
        .and_then(|map| map.get(&*field.api_name))
        .and_then(Value::as_bool);
    let (Some(true), Checked::Value(Value::Array(new)), Some(old)) = (append, &checked, old) else {
        return checked;
    };
    let mut all = old
        .values
        .get(&field.api_name)
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    for item in new {
        if !all.contains(item) {
            all.push(item.clone());
        }
    }
    Checked::Value(Value::Array(all))
}

/// `DUPLICATE_DATA` when another record holds this value of a unique field.
fn taken(
    org: &Org,
    field: &Field,
    value: &Value,
    own: Option<u64>,
    index: usize,
) -> Option<ItemError> {
    if !field.unique {
        return None;
    }
    let holders = org.table.holders(&field.api_name, &fold(value)?)?;
    let other = org
        .table
        .get(holders.into_iter().find(|id| Some(*id) != own)?)?;
    let owner = org.user(other.owner)?;
    let details = json!({
        "api_name": &*field.api_name,
        "duplicate_record": {
            "Owner": {"name": owner.full_name(), "id": owner.id.to_string(), "zuid": owner.zuid.to_string()},
            "module": {"api_name": "Contacts", "id": org.module.to_string()},
            "id": other.id.to_string()
        },
        "json_path": format!("$.data[{index}].{}", field.api_name),
        "id": other.id.to_string(), "more_records": false
    });
    Some(ItemError::new("DUPLICATE_DATA", "duplicate data", details))
}

fn apply(
    org: &mut Org,
    record: &mut Record,
    change: Change,
    author: Author,
) -> Result<(), ItemError> {
    for (field, checked) in change {
        match checked {
            Checked::Clear => record.values.set(&field.api_name, None),
            Checked::Value(value) => record.values.set(&field.api_name, Some(value)),
            Checked::Owner(user) => record.owner = user,
            Checked::Tags(tags) => record.tags = tag_ids(org, &tags, author)?,
        }
    }
    Ok(())
}

/// Lets the search index fall behind, if the administrator said so.
fn lag(org: &mut Org, id: u64, seen: Option<Record>, author: Author) {
    let delay = i64::try_from(org.knobs.search_delay_ms).unwrap_or(0);
    if delay == 0 {
        return;
    }
    let now = author.now * 1000;
    org.unindexed.retain(|_, lag| lag.until > now);
    let until = now + delay;
    org.unindexed
        .entry(id)
        .or_insert(Unindexed { until, seen })
        .until = until;
}

/// The success of a write, as an item of `data[]`.
pub fn success(org: &Org, id: u64, message: &str) -> Value {
    let mut details = org
        .table
        .get(id)
        .map(|record| render::write_details(org, record))
        .unwrap_or_default();
    if let Some(map) = details.as_object_mut() {
        map.insert("$approval_state".into(), json!("approved"));
    }
    json!({"code": "SUCCESS", "details": details, "message": message, "status": "success"})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoho::testing::{START, add, org};

    fn later(org: &Org) -> Author {
        Author {
            user: org.person(),
            now: START + 60,
        }
    }

    #[test]
    fn errors_of_a_record() {
        let check = |native: Value, expect: &str| {
            let mut org = org();
            let author = Author {
                user: org.me(),
                now: START,
            };
            assert_eq!(
                insert(&mut org, &native, 3, author)
                    .map_err(|e| e.code)
                    .err(),
                Some(expect),
                "{native}"
            );
            assert_eq!(org.table.len(), 0);
        };
        check(json!({}), "MANDATORY_NOT_FOUND");
        check(json!("x"), "INVALID_DATA");
        check(json!({"Last_Name": "A", "Email": "x"}), "INVALID_DATA");
        check(json!({"Email": "x"}), "MULTIPLE_OR_MULTI_ERRORS");
    }

    #[test]
    fn unique_fields_refuse_duplicates_and_lead_upserts() {
        let mut org = org();
        let mut email = (**org.fields.get("Email").unwrap()).clone();
        let first = add(&mut org, json!({"Last_Name": "A", "Email": "a@x.example"}));
        let checks = duplicate_checks(&org, None).unwrap();
        let author = later(&org);
        let again = json!({"Last_Name": "B", "Email": "A@x.example"});
        let upserted = upsert(&mut org, &again, 0, &checks, author).unwrap();
        assert_eq!(
            upserted,
            Upserted {
                id: first,
                duplicate_field: Some("Email".into())
            }
        );
        assert_eq!(org.table.get(first).unwrap().modified, START + 60);
        email.unique = true;
        org.fields.put(email);
        assert_eq!(
            insert(&mut org, &again, 0, author).unwrap_err().code,
            "DUPLICATE_DATA"
        );
        update(&mut org, first, &again, 0, author).unwrap();
        assert!(duplicate_checks(&org, Some(&["Phone".into()])).is_none());
    }

    #[test]
    fn deleted_records_come_back_from_the_bin_only() {
        let mut org = org();
        let (kept, gone) = (
            add(&mut org, json!({"Last_Name": "A"})),
            add(&mut org, json!({"Last_Name": "B"})),
        );
        let author = later(&org);
        assert!(delete(&mut org, kept, false, author));
        assert!(delete(&mut org, gone, true, author));
        assert!(!delete(&mut org, gone, true, author));
        assert!(restore(&mut org, kept, author));
        assert!(!restore(&mut org, gone, author));
        assert_eq!(org.table.len(), 1);
    }

    #[test]
    fn merging_fills_the_winner_and_loses_the_loser() {
        let mut org = org();
        let winner = add(&mut org, json!({"Last_Name": "A", "Tag": [{"name": "x"}]}));
        let loser = add(
            &mut org,
            json!({"Last_Name": "B", "Phone": "1", "Tag": [{"name": "y"}]}),
        );
        let author = later(&org);
        assert!(merge(&mut org, winner, loser, author));
        let record = org.table.get(winner).unwrap();
        assert_eq!(
            (record.values.text("Last_Name"), record.values.text("Phone")),
            (Some("A"), Some("1"))
        );
        assert_eq!(record.tags.len(), 2);
        assert!(
            org.table
                .tombstone(loser)
                .is_some_and(|stone| stone.record.is_none())
        );
        assert!(!merge(&mut org, winner, loser, author));
    }

    #[test]
    fn multi_selects_can_be_appended_to() {
        let mut org = org();
        let mut field = (**org.fields.get("Lead_Source").unwrap()).clone();
        (field.api_name, field.kind, field.custom) = ("Topics".into(), Kind::MultiPicklist, true);
        org.fields.put(field);
        let id = add(&mut org, json!({"Last_Name": "A", "Topics": ["a"]}));
        let author = later(&org);
        let change = json!({"Topics": ["b", "a"], "$append_values": {"Topics": true}});
        update(&mut org, id, &change, 0, author).unwrap();
        assert_eq!(
            org.table.get(id).unwrap().values.get("Topics"),
            Some(&json!(["a", "b"]))
        );
        update(&mut org, id, &json!({"Topics": ["c"]}), 0, author).unwrap();
        assert_eq!(
            org.table.get(id).unwrap().values.get("Topics"),
            Some(&json!(["c"]))
        );
    }
}
