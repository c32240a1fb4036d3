//! COQL, Zoho's query language, over Contacts: `POST /coql`. No joins but the parts of lookups, no grouping, and of the
//! aggregates only `count`. Indexes on id, time of change and duplicate-check fields keep look-ups quick.

mod lexer;
mod parser;

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Bound;

use serde_json::{Map, Value, json};

use self::parser::Select;
use super::errors::Refusal;
use super::fields::Kind;
use super::filter::{Atom, Op, Path, Test};
use super::org::Org;
use super::record::Record;
use super::render;

/// Runs a query; `None` when nothing matches (204).
pub fn run(org: &Org, query: &str) -> Result<Option<Value>, Refusal> {
    let select = parser::parse(org, query)?;
    let matches = candidates(org, &select).filter(|record| select.filter.holds(org, record));
    if select.count {
        let info = json!({"count": 1, "more_records": false});
        return Ok(Some(
            json!({"data": [{"COUNT(id)": matches.count()}], "info": info}),
        ));
    }
    let mut found: Vec<&Record> = if in_order(&select) {
        matches.take(select.offset + select.limit + 1).collect()
    } else {
        let mut keyed: Vec<(Vec<Option<Atom>>, &Record)> = matches
            .map(|record| {
                let key = |(path, _): &(Path, bool)| path.atoms(org, record).into_iter().next();
                (select.order.iter().map(key).collect(), record)
            })
            .collect();
        keyed.sort_by(|a, b| compare(&select, &a.0, &b.0).then(a.1.id.cmp(&b.1.id)));
        keyed.into_iter().map(|(_, record)| record).collect()
    };
    let more = found.len() > select.offset + select.limit;
    found.truncate(select.offset + select.limit);
    let data: Vec<Value> = found
        .iter()
        .skip(select.offset)
        .map(|record| row(org, &select, record))
        .collect();
    if data.is_empty() {
        return Ok(None);
    }
    let info = json!({"count": data.len(), "more_records": more});
    Ok(Some(json!({"data": data, "info": info})))
}

/// Whether the candidates come in the order asked for, so that the rest need not be looked at.
fn in_order(select: &Select) -> bool {
    match select.order.as_slice() {
        [] | [(Path::Id, false)] => !by_change(select),
        [(path, false)] | [(path, false), (Path::Id, false)] => path.name() == "Modified_Time",
        _ => false,
    }
}

/// Whether the candidates are walked by the time of their change.
fn by_change(select: &Select) -> bool {
    select
        .order
        .first()
        .is_some_and(|(path, descending)| !descending && path.name() == "Modified_Time")
}

fn compare(select: &Select, a: &[Option<Atom>], b: &[Option<Atom>]) -> Ordering {
    for ((x, y), (_, descending)) in a.iter().zip(b).zip(&select.order) {
        let order = x.partial_cmp(y).unwrap_or(Ordering::Equal);
        let order = if *descending { order.reverse() } else { order };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// Records that may match, by ascending id, or by ascending change when that is the order asked for.
fn candidates<'a>(org: &'a Org, select: &Select) -> Box<dyn Iterator<Item = &'a Record> + 'a> {
    let required = select.filter.required();
    let changes = span(
        required
            .iter()
            .filter(|test| test.path.name() == "Modified_Time"),
    );
    if by_change(select) {
        return Box::new(org.table.modified_range(changes.0, changes.1));
    }
    if let Some(ids) = required.iter().find_map(|test| named(org, test)) {
        return Box::new(ids.into_iter().filter_map(|id| org.table.get(id)));
    }
    if changes != (i64::MIN, i64::MAX) {
        let mut found: Vec<&Record> = org.table.modified_range(changes.0, changes.1).collect();
        found.sort_by_key(|record| record.id);
        return Box::new(found.into_iter());
    }
    let from =
        required
            .iter()
            .filter_map(|test| match (&test.path, test.op, test.against.first()) {
                (Path::Id, Op::Greater | Op::AtLeast | Op::Between, Some(Atom::Id(id))) => {
                    Some(*id)
                }
                _ => None,
            });
    org_range(org, from.max())
}

fn org_range(org: &Org, from: Option<u64>) -> Box<dyn Iterator<Item = &Record> + '_> {
    org.table.id_range(
        from.map_or(Bound::Unbounded, Bound::Included),
        Bound::Unbounded,
    )
}

/// The ids a test allows, when it names ids or the values of an indexed field.
fn named(org: &Org, test: &Test) -> Option<BTreeSet<u64>> {
    if test.op != Op::In {
        return None;
    }
    let mut ids = BTreeSet::new();
    for want in &test.against {
        match (&test.path, want) {
            (Path::Id, Atom::Id(id)) => {
                ids.insert(*id);
            }
            (Path::Field(field), Atom::Text(text)) => {
                ids.extend(org.table.holders(&field.api_name, text)?);
            }
            _ => return None,
        }
    }
    Some(ids)
}

/// The first and last second of change which these tests allow.
fn span<'a>(tests: impl Iterator<Item = &'a &'a Test>) -> (i64, i64) {
    let mut span = (i64::MIN, i64::MAX);
    for test in tests {
        let times: Vec<i64> = test
            .against
            .iter()
            .filter_map(|atom| {
                if let Atom::Time(seconds) = atom {
                    Some(*seconds)
                } else {
                    None
                }
            })
            .collect();
        match (test.op, times.as_slice()) {
            (Op::Greater | Op::AtLeast, [from]) => span.0 = span.0.max(*from),
            (Op::Less | Op::AtMost, [to]) => span.1 = span.1.min(*to),
            (Op::In, [at]) => span = (span.0.max(*at), span.1.min(*at)),
            (Op::Between, [from, to]) => span = (span.0.max(*from), span.1.min(*to)),
            _ => {}
        }
    }
    span
}

/// A row: lookups as `{"id"}` alone, their parts under the name as written.
fn row(org: &Org, select: &Select, record: &Record) -> Value {
    let mut map = Map::new();
    for (name, path) in &select.columns {
        let value = match path {
            Path::Id => continue,
            Path::Field(field) => {
                let value = render::value(org, record, field);
                match field.kind {
                    Kind::Owner | Kind::User | Kind::AccountLookup | Kind::ContactLookup => {
                        value.get("id").map_or(Value::Null, |id| json!({"id": id}))
                    }
                    _ => value,
                }
            }
            Path::Part(field, part) => part_value(org, record, field, part),
        };
        map.insert(name.clone(), value);
    }
    map.insert("id".into(), json!(record.id.to_string()));
    Value::Object(map)
}

fn part_value(org: &Org, record: &Record, field: &super::fields::Field, part: &str) -> Value {
    let value = render::value(org, record, field);
    if let Some(tags) = value.as_array() {
        return tags
            .iter()
            .filter_map(|tag| tag.get(part).cloned())
            .collect();
    }
    let Some(id) = super::values::id_of(&value) else {
        return Value::Null;
    };
    match part {
        "id" => json!(id.to_string()),
        _ => super::filter::part_text(org, field, part, id).map_or(Value::Null, Value::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoho::testing::{START, add, org};
    use crate::zoho::writes::{Author, update};

    #[test]
    fn queries_answer_rows() {
        let mut org = org();
        let a = add(
            &mut org,
            json!({"Last_Name": "A", "Email": "a@x.example", "Lead_Source": "Chat"}),
        );
        let b = add(&mut org, json!({"Last_Name": "B", "Email": "b@x.example"}));
        let c = add(
            &mut org,
            json!({"Last_Name": "C", "Email": "C@x.example", "Tag": [{"name": "T"}]}),
        );
        let author = Author {
            user: org.me(),
            now: START + 5,
        };
        update(&mut org, a, &json!({"Title": "t"}), 0, author).unwrap();
        let check = |tail: &str, expect: &[u64]| {
            let answer = run(
                &org,
                &format!("select Last_Name from Contacts where {tail}"),
            )
            .unwrap();
            let ids: Vec<u64> = answer.map_or_else(Vec::new, |answer| {
                answer["data"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|r| r["id"].as_str().unwrap().parse().unwrap())
                    .collect()
            });
            assert_eq!(ids, expect, "{tail}");
        };
        check("id is not null", &[a, b, c]);
        check("id is not null order by Modified_Time asc", &[b, c, a]);
        check("id is not null order by Modified_Time desc", &[a, b, c]);
        check("id is not null order by Last_Name desc limit 1, 1", &[b]);
        check("Email = 'c@X.example'", &[c]);
        check(
            "Email in ('a@x.example', 'b@x.example') order by Email desc",
            &[b, a],
        );
        check("Lead_Source is null", &[b, c]);
        check("Lead_Source != 'Chat'", &[b, c]);
        check("Modified_Time > '2026-01-01T05:30:00+05:30'", &[a]);
        check("Modified_Time >= '2026-01-01T00:00:00Z'", &[a, b, c]);
        check(
            "Modified_Time between '2025-12-31T00:00:00Z' and '2026-01-01T00:00:04Z'",
            &[b, c],
        );
        check(&format!("id > {a} order by id asc limit 1"), &[b]);
        check("Tag.name = 'T'", &[c]);
        check("Last_Name like '%a%' or Last_Name = 'b'", &[a, b]);
        check("Owner.last_name = 'Lee' and Email_Opt_Out = true", &[]);
    }

    #[test]
    fn lookups_are_ids_and_more_is_told() {
        let mut org = org();
        add(&mut org, json!({"Last_Name": "A"}));
        add(&mut org, json!({"Last_Name": "B"}));
        let query = "select Owner, Owner.first_name from Contacts where id is not null limit 1";
        let answer = run(&org, query).unwrap().unwrap();
        assert_eq!(
            answer["data"][0]["Owner"],
            json!({"id": org.me().to_string()})
        );
        assert_eq!(answer["data"][0]["Owner.first_name"], json!("Kim"));
        assert_eq!(answer["info"], json!({"count": 1, "more_records": true}));
        let answer = run(&org, "select count(id) from Contacts where id is not null")
            .unwrap()
            .unwrap();
        assert_eq!(answer["data"][0]["COUNT(id)"], json!(2));
    }
}
