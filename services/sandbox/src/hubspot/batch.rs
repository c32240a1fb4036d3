//! `POST /crm/v3/objects/contacts/batch/{what}`: up to a hundred contacts a call (providers/hubspot.md 2).
//!
//! An input with an `objectWriteTraceId` of its own has an outcome of its own (207); without, one bad input fails the call.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::account::Account;
use super::objects::{find, number, refused, render, values, wanted};
use super::properties::time;
use super::refusal::Refusal;
use super::wire::Answer;

/// Inputs a call.
const MOST: usize = 100;

/// Does a batch.
pub fn answer(account: &mut Account, what: &str, body: &Value, now: DateTime<Utc>) -> Answer {
    let inputs = body.get("inputs").and_then(Value::as_array);
    let inputs = inputs.ok_or_else(|| Refusal::validation("Invalid input JSON: no inputs"))?;
    if inputs.len() > MOST {
        let message = "The maximum number of inputs supported in a batch request is 100.";
        return Err(Refusal::validation(message));
    }
    unrepeated(inputs)?;
    match what {
        "read" => read(account, inputs, body, now),
        "archive" => {
            for id in inputs.iter().filter_map(id_of).filter_map(number) {
                account.archive(id, true, now);
            }
            Ok((204, Value::Null))
        }
        "create" | "update" | "upsert" => write(account, what, inputs, now),
        _ => Err(Refusal::not_found(what)),
    }
}

fn id_of(input: &Value) -> Option<&str> {
    input.get("id").and_then(Value::as_str)
}

fn unrepeated(inputs: &[Value]) -> Result<(), Refusal> {
    let ids: Vec<&str> = inputs.iter().filter_map(id_of).collect();
    let different: BTreeSet<&str> = ids.iter().copied().collect();
    if different.len() == ids.len() {
        Ok(())
    } else {
        Err(Refusal::validation("Duplicate IDs found in batch input"))
    }
}

fn read(account: &Account, inputs: &[Value], body: &Value, now: DateTime<Utc>) -> Answer {
    let property = body.get("idProperty").and_then(Value::as_str);
    let wanted = wanted(body.get("properties").unwrap_or(&Value::Null));
    let (mut results, mut missing) = (Vec::new(), Vec::new());
    for id in inputs.iter().filter_map(id_of) {
        match find(account, id, property)? {
            Some(contact) => results.push(render(account, contact, &wanted)),
            None => missing.push(id),
        }
    }
    let mut errors = Vec::new();
    if !missing.is_empty() {
        errors.push(json!({
            "status": "error", "category": "OBJECT_NOT_FOUND",
            "message": "Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid.",
            "context": {"ids": missing},
        }));
    }
    Ok(outcome(200, &results, &errors, now))
}

fn write(account: &mut Account, what: &str, inputs: &[Value], now: DateTime<Utc>) -> Answer {
    let traced = inputs.iter().all(|input| {
        input
            .get("objectWriteTraceId")
            .is_some_and(Value::is_string)
    });
    // All or nothing: what was done before a bad input is undone.
    let before = (!traced).then(|| account.clone());
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in inputs {
        let trace = input.get("objectWriteTraceId").cloned();
        match one(account, what, input, now) {
            Ok(mut result) => {
                if let (Some(trace), Some(result)) = (trace, result.as_object_mut()) {
                    result.insert("objectWriteTraceId".into(), trace);
                }
                results.push(result);
            }
            Err(refusal) if traced => {
                let mut error = refusal.body;
                if let Some(error) = error.as_object_mut() {
                    error.remove("correlationId");
                    error.insert("context".into(), json!({"objectWriteTraceId": [trace]}));
                }
                errors.push(error);
            }
            Err(refusal) => {
                if let Some(before) = before {
                    *account = before;
                }
                return Err(refusal);
            }
        }
    }
    let good = if what == "create" { 201 } else { 200 };
    Ok(outcome(good, &results, &errors, now))
}

fn one(
    account: &mut Account,
    what: &str,
    input: &Value,
    now: DateTime<Utc>,
) -> Result<Value, Refusal> {
    let mut values = values(input)?;
    let property = input.get("idProperty").and_then(Value::as_str);
    let id = id_of(input).unwrap_or_default();
    let there = match what {
        "create" => None,
        _ => find(account, id, property)?.map(|contact| contact.id),
    };
    let (id, new) = match there {
        Some(found) => {
            account.change(found, &values, now).map_err(refused)?;
            (found, false)
        }
        None if what == "update" => return Err(Refusal::not_found(id)),
        None => {
            if let (Some(property), "upsert") = (property, what) {
                values.insert(property.to_owned(), id.to_owned());
            }
            (account.create(&values, now).map_err(refused)?, true)
        }
    };
    let contact = account.live(id);
    let contact = contact.ok_or_else(|| Refusal::not_found(&id.to_string()))?;
    let names: Vec<String> = values.into_keys().collect();
    let mut shown = render(account, contact, &names);
    if let ("upsert", Some(shown)) = (what, shown.as_object_mut()) {
        shown.insert("new".into(), new.into());
    }
    Ok(shown)
}

fn outcome(good: u16, results: &[Value], errors: &[Value], now: DateTime<Utc>) -> (u16, Value) {
    let mut body = json!({
        "status": "COMPLETE", "results": results, "startedAt": time(now), "completedAt": time(now),
    });
    if errors.is_empty() {
        return (good, body);
    }
    if let Some(body) = body.as_object_mut() {
        body.insert("numErrors".into(), errors.len().into());
        body.insert("errors".into(), json!(errors));
    }
    (207, body)
}
