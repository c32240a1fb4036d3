//! Looking for contacts that a creation may have made although its answer was lost.
//!
//! Zoho has no idempotency key and its search index lags, so COQL, which reads what is committed, lists what was
//! created since, by name and e-mail; those that look alike are then read in full and compared field by field. Each
//! contact is found for at most one creation. What a customer's workflow changes right after a creation makes the
//! contact unlike: the caller's matching by keys is what is left then.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use syncline_connector::{Create, Error, Kind, Request, Session};
use syncline_model::{FieldName, Fields, Record, RemoteId, Value};

use super::answer::refused;
use super::fields::Shapes;
use super::map::{creation, instant, instant_text};
use super::read::get;
use super::wire::{Coql, List, Row};

/// How far Zoho's clock may be behind ours.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(2);
/// Rows that COQL answers.
const PAGE: usize = 200;
/// Rows that an offset reaches; what was created later is asked for by its time.
const OFFSET_REACH: usize = 10_000;
/// Contacts that may have been created meanwhile. More are not looked through.
const MAX_CREATED: usize = 100_000;
/// What tells contacts apart at first sight; columns that COQL has in every account.
const GLANCE: [&str; 3] = ["First_Name", "Last_Name", "Email"];

/// The contacts made by earlier creations, in their order.
pub(super) async fn find_created(
    session: &Session,
    items: &[Create],
    known: &[RemoteId],
) -> Result<Vec<Option<Record>>, Error> {
    let sent: Vec<Fields> = items.iter().map(|item| sendable(&item.fields)).collect();
    let Some(since) = items.iter().map(|item| item.intended_at).min() else {
        return Ok(Vec::new());
    };
    let glances: BTreeSet<Vec<String>> = sent
        .iter()
        .map(|fields| glance(|name| fields.get(&FieldName::new(name)).cloned()))
        .collect();
    let mut ids = created_since(session, since - CLOCKS_DIFFER, &glances).await?;
    ids.retain(|id| !known.contains(id));
    if ids.is_empty() {
        return Ok(vec![None; items.len()]);
    }
    let names: BTreeSet<FieldName> = sent
        .iter()
        .flat_map(|fields| fields.keys().cloned())
        .collect();
    let names: Vec<FieldName> = names.into_iter().collect();
    let found = get(session, &ids, &names).await?;
    Ok(assign(&sent, found.into_iter().flatten().collect()))
}

/// The fields of a creation that were sent.
fn sendable(fields: &Fields) -> Fields {
    let sent = creation(fields, &Shapes::new()).row;
    fields
        .iter()
        .filter(|(name, _)| sent.contains_key(name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Gives each creation the first contact that has all of its fields and that no earlier one was given.
fn assign(sent: &[Fields], found: Vec<Record>) -> Vec<Option<Record>> {
    let mut found: Vec<Option<Record>> = found.into_iter().map(Some).collect();
    sent.iter()
        .map(|fields| {
            let alike = |record: &Record| {
                fields.iter().all(|(name, value)| {
                    normal(name.as_str(), value) == normal(name.as_str(), record.value(name))
                })
            };
            found
                .iter_mut()
                .find(|record| record.as_ref().is_some_and(alike))?
                .take()
        })
        .collect()
}

fn glance(value: impl Fn(&'static str) -> Option<Value>) -> Vec<String> {
    GLANCE
        .iter()
        .map(|name| normal(name, &value(name).unwrap_or_default()))
        .collect()
}

/// The ids of contacts created since that look like one of these, oldest first. Read until Zoho has no more rows, not
/// only until it says so: an answer that was cut off must not make a contact look as if it had not been created.
async fn created_since(
    session: &Session,
    mut since: DateTime<Utc>,
    glances: &BTreeSet<Vec<String>>,
) -> Result<Vec<RemoteId>, Error> {
    let mut alike = BTreeSet::new();
    let mut offset = 0;
    let mut read = 0;
    loop {
        let Some(list) = query(session, since, offset).await? else {
            break;
        };
        let mut last = None;
        for row in &list.data {
            let (created, id) = place(row).ok_or_else(|| {
                session.error(
                    Kind::Malformed,
                    "a row of Zoho CRM's answer has no id or no creation time",
                )
            })?;
            last = Some(created);
            let look = glance(|name| {
                row.get(name)
                    .and_then(|json| json.as_str())
                    .map(Value::text)
            });
            if glances.contains(&look) {
                alike.insert((created, id.to_owned()));
            }
        }
        read += list.data.len();
        offset += list.data.len();
        if list.data.is_empty() {
            break;
        }
        if read >= MAX_CREATED {
            return Err(session.error(
                Kind::Unsupported,
                "too many contacts were created in Zoho CRM meanwhile to look through",
            ));
        }
        if offset + PAGE > OFFSET_REACH
            && let Some(last) = last.filter(|last| *last > since)
        {
            since = last;
            offset = 0;
        }
    }
    Ok(alike.into_iter().map(|(_, id)| RemoteId::new(id)).collect())
}

fn place(row: &Row) -> Option<(DateTime<Utc>, &str)> {
    Some((
        instant(row.get("Created_Time")?.as_str()?)?,
        row.get("id")?.as_str()?,
    ))
}

async fn query(
    session: &Session,
    since: DateTime<Utc>,
    offset: usize,
) -> Result<Option<List>, Error> {
    let select_query = format!(
        "select {}, Created_Time from Contacts where Created_Time >= '{}' order by Created_Time asc, id asc limit {offset}, {PAGE}",
        GLANCE.join(", "),
        instant_text(since),
    );
    let body = serde_json::to_value(Coql { select_query }).unwrap_or_default();
    let request = Request::post("/coql", body)
        .route("POST /coql")
        .take("credits", 1)
        .repeatable();
    let response = session.send(request).await?;
    match response.status {
        200 => {
            let list: List = response.json()?;
            if list.info.miscounts(list.data.len()) {
                return Err(response.error(
                    Kind::Malformed,
                    "Zoho CRM's answer has fewer rows than it says",
                ));
            }
            Ok(Some(list))
        }
        204 => Ok(None),
        _ => Err(refused(&response)),
    }
}

/// What two values that Zoho may word differently have in common.
fn normal(name: &str, value: &Value) -> String {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    match value {
        Value::Text(text) if name.contains("Email") => text.trim().to_lowercase(),
        Value::Text(text) if is_phone(name) => {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            if digits.is_empty() {
                words(text)
            } else {
                digits
            }
        }
        Value::Text(text) => words(text),
        Value::Number(text) => text
            .trim()
            .parse::<f64>()
            .map_or_else(|_| words(text), |number| number.to_string()),
        Value::Time(time) => instant_text(*time),
        Value::List(items) => {
            let items: BTreeSet<String> = items
                .iter()
                .map(|item| normal(name, item).to_lowercase())
                .collect();
            items.into_iter().collect::<Vec<_>>().join("\n")
        }
        Value::Empty | Value::Address(_) => String::new(),
        Value::Bool(_) | Value::Date(_) => value.to_json().to_string(),
    }
}

fn is_phone(name: &str) -> bool {
    name.ends_with("Phone") || matches!(name, "Mobile" | "Fax")
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncline_model::Version;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs
            .iter()
            .map(|(name, text)| (FieldName::new(*name), Value::text(*text)))
            .collect()
    }

    fn record(id: &str, pairs: &[(&str, &str)]) -> Record {
        Record {
            id: RemoteId::new(id),
            version: Version::new("v"),
            modified_at: None,
            fields: fields(pairs),
        }
    }

    #[test]
    fn equal_creations_find_a_contact_each() {
        let check = |sent: &[&[(&str, &str)]],
                     found: &[(&str, &[(&str, &str)])],
                     expect: &[Option<&str>]| {
            let sent: Vec<Fields> = sent.iter().map(|pairs| fields(pairs)).collect();
            let found = found.iter().map(|(id, pairs)| record(id, pairs)).collect();
            let ids: Vec<Option<String>> = assign(&sent, found)
                .into_iter()
                .map(|found| found.map(|record| record.id.to_string()))
                .collect();
            assert_eq!(
                ids,
                expect
                    .iter()
                    .map(|id| id.map(str::to_owned))
                    .collect::<Vec<_>>(),
                "{sent:?}"
            );
        };
        let ann: &[(&str, &str)] = &[("Last_Name", "Ann"), ("Phone", "+1 650 555-0100")];
        let ann_there: &[(&str, &str)] = &[
            ("Last_Name", " Ann"),
            ("Phone", "+16505550100"),
            ("Title", "CEO"),
        ];
        let bob: &[(&str, &str)] = &[("Last_Name", "Bob"), ("Email", "Bob@X.example")];
        let bob_there: &[(&str, &str)] = &[("Last_Name", "Bob"), ("Email", "bob@x.example")];
        check(
            &[ann, bob],
            &[("1", bob_there), ("2", ann_there)],
            &[Some("2"), Some("1")],
        );
        check(&[ann, ann], &[("1", ann_there)], &[Some("1"), None]);
        check(
            &[ann, ann, ann],
            &[("1", ann_there), ("2", ann_there)],
            &[Some("1"), Some("2"), None],
        );
        check(&[bob], &[("1", ann_there)], &[None]);
        check(
            &[ann],
            &[("1", &[("Last_Name", "Ann"), ("Phone", "+1 650 555-0199")])],
            &[None],
        );
        check(&[ann], &[("1", &[("Last_Name", "Ann")])], &[None]);
    }
}
