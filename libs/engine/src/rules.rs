//! IF and THEN: which records take part in a direction, and what is set on the other side.

use serde_json::Value as Json;
use syncline_model::{Cardinality, Condition, Fields, Kind, Side, Test, Value, When};

use crate::{Policy, equal, lens, normal};

/// Whether a record of a side takes part in the direction that starts there. Without rules from that side, all do.
pub fn takes_part(policy: &Policy, side: Side, fields: &Fields) -> bool {
    let mut rules = policy
        .rules
        .iter()
        .filter(|rule| rule.from == side)
        .peekable();
    rules.peek().is_none() || rules.any(|rule| passes(policy, side, &rule.conditions, fields))
}

/// What the rules that a record passes set on the other side.
pub fn actions(policy: &Policy, from: Side, fields: &Fields, creating: bool) -> Fields {
    let mut out = Fields::new();
    for rule in policy.rules.iter().filter(|rule| rule.from == from) {
        if !passes(policy, from, &rule.conditions, fields) {
            continue;
        }
        for action in &rule.actions {
            if !creating && action.when == When::Create {
                continue;
            }
            let kind = policy
                .kinds
                .get(from.other())
                .get(&action.set.field)
                .map_or(Kind::Text, |(kind, _)| *kind);
            if let Ok(value) = constant(kind, &action.to) {
                out.insert(action.set.field.clone(), value);
            }
        }
    }
    out
}

/// A constant as a value of a kind.
pub fn constant(kind: Kind, json: &Json) -> Result<Value, String> {
    let wrong = || {
        Err(format!(
            "{json} is not a value for a field of kind {kind:?}"
        ))
    };
    match (kind, json) {
        (_, Json::Null) => Ok(Value::Empty),
        (Kind::Bool, Json::Bool(yes)) => Ok(Value::Bool(*yes)),
        (Kind::Number, Json::Number(number)) => Ok(Value::Number(number.to_string())),
        (Kind::Bool | Kind::Number | Kind::Address, _) => wrong(),
        (Kind::Date, Json::String(text)) => text
            .parse()
            .map(Value::Date)
            .map_err(|()| format!("`{text}` is not a date such as 2001-02-03")),
        (Kind::DateTime, Json::String(text)) => chrono::DateTime::parse_from_rfc3339(text)
            .map(|time| Value::Time(time.to_utc()))
            .map_err(|_| format!("`{text}` is not a time such as 2001-02-03T04:05:06Z")),
        (_, Json::String(text)) => Ok(Value::text(text.clone())),
        _ => wrong(),
    }
}

fn passes(policy: &Policy, side: Side, conditions: &[Condition], fields: &Fields) -> bool {
    conditions
        .iter()
        .all(|condition| holds(policy, side, condition, fields))
}

fn holds(policy: &Policy, side: Side, condition: &Condition, fields: &Fields) -> bool {
    let value = lens::get(fields, &condition.field, None);
    let kind = match condition.field.part {
        Some(_) => Kind::Text,
        None => policy
            .kinds
            .get(side)
            .get(&condition.field.field)
            .map_or(Kind::Text, |(kind, _)| *kind),
    };
    let items: &[Value] = match &value {
        Value::List(items) => items,
        one => std::slice::from_ref(one),
    };
    let is = |json: &Json| {
        let wanted = comparable(kind, json);
        items
            .iter()
            .any(|item| equal(kind, Cardinality::One, item, &wanted))
    };
    let text = |test: &dyn Fn(&str) -> bool| {
        items.iter().any(|item| {
            item.as_text()
                .is_some_and(|text| test(&text.to_lowercase()))
        })
    };
    match &condition.test {
        Test::Is(json) => is(json),
        Test::IsNot(json) => !is(json),
        Test::In(list) => list.iter().any(is),
        Test::Contains(part) => text(&|value| value.contains(&part.to_lowercase())),
        Test::StartsWith(part) => {
            text(&|value| value.trim_start().starts_with(&part.to_lowercase()))
        }
        Test::Empty(yes) => normal(kind, Cardinality::One, &value).is_empty() == *yes,
    }
}

/// A condition's constant, leniently: a kind's normal form reads `"true"` and `"2001-02-03"` itself.
fn comparable(kind: Kind, json: &Json) -> Value {
    constant(kind, json).unwrap_or_else(|_| match json {
        Json::String(text) => Value::text(text.clone()),
        Json::Bool(yes) => Value::Bool(*yes),
        Json::Number(number) => Value::Number(number.to_string()),
        _ => Value::Empty,
    })
}
