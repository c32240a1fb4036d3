//! IF: which records take part in a direction. What then happens to the other record is `actions.rs`.

use std::cmp::Ordering;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde_json::Value as Json;
use syncline_model::{
    Cardinality, Condition, Fields, Kind, Moment, Part, PartialDate, Side, Test, Value,
};

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

/// The conditions that keep a record of a side from taking part: of every rule from there those that do not hold, as the
/// rule's index and the condition's. None if it takes part.
pub fn unmet_conditions(policy: &Policy, side: Side, fields: &Fields) -> Vec<(usize, usize)> {
    let mut unmet = Vec::new();
    for (index, rule) in policy.rules.iter().enumerate() {
        if rule.from != side {
            continue;
        }
        let conditions = rule.conditions.iter().enumerate();
        let before = unmet.len();
        unmet.extend(
            conditions
                .filter(|(_, condition)| !holds(policy, side, condition, fields))
                .map(|(at, _)| (index, at)),
        );
        if unmet.len() == before {
            return Vec::new();
        }
    }
    unmet
}

/// A constant as a value of a kind.
pub fn constant(kind: Kind, json: &Json) -> Result<Value, String> {
    let wrong = || {
        Err(format!(
            "{json} is not a value for a field of kind `{}`{}",
            kind.as_str(),
            if kind.is_flag() {
                ": `true` or `false`"
            } else {
                ""
            }
        ))
    };
    match (kind, json) {
        (_, Json::Null) => Ok(Value::Empty),
        (Kind::Bool | Kind::OptOut, Json::Bool(yes)) => Ok(Value::Bool(*yes)),
        (Kind::Number, Json::Number(number)) => Ok(Value::Number(number.to_string())),
        (Kind::Bool | Kind::OptOut | Kind::Number | Kind::Address, _) => wrong(),
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

/// Whether a record passes all of a rule's conditions.
pub fn passes(policy: &Policy, side: Side, conditions: &[Condition], fields: &Fields) -> bool {
    conditions
        .iter()
        .all(|condition| holds(policy, side, condition, fields))
}

fn holds(policy: &Policy, side: Side, condition: &Condition, fields: &Fields) -> bool {
    let value = lens::get(fields, &condition.field, None);
    let kind = match &condition.field.part {
        Some(Part::Has(_)) => Kind::Bool,
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
        Test::Before(moment) => beside(items, *moment, Ordering::Less),
        Test::After(moment) => beside(items, *moment, Ordering::Greater),
        Test::WithinDays(days) => items.iter().any(|item| is_within(item, *days, policy.now)),
        Test::Greater(number) => compares(items, &number.to_string(), Ordering::Greater),
        Test::Less(number) => compares(items, &number.to_string(), Ordering::Less),
    }
}

/// Whether a value is on that side of a moment. A day is before an instant if all of it is; a day without its year is
/// nowhere.
fn beside(items: &[Value], moment: Moment, side: Ordering) -> bool {
    let limit = match (moment, side) {
        (Moment::Instant(instant), _) => Some(instant),
        (Moment::Day(day), Ordering::Less) => Some(midnight(day)),
        (Moment::Day(day), _) => next_midnight(day),
    };
    let Some(limit) = limit else {
        return false;
    };
    items
        .iter()
        .filter_map(span)
        .any(|(begins, ends)| match side {
            Ordering::Less => begins < limit && ends <= limit,
            _ if matches!(moment, Moment::Day(_)) => begins >= limit,
            _ => begins > limit,
        })
}

/// Whether a value lies in the last days up to now, today among them.
fn is_within(value: &Value, days: u16, now: DateTime<Utc>) -> bool {
    match value {
        Value::Time(time) => *time <= now && now - *time <= TimeDelta::days(days.into()),
        Value::Date(date) => full(*date).is_some_and(|day| {
            let today = now.date_naive();
            let since = today.checked_sub_days(Days::new(days.into()));
            day <= today && since.is_none_or(|since| day > since)
        }),
        _ => false,
    }
}

/// When a day or an instant begins and ends.
fn span(value: &Value) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    match value {
        Value::Time(time) => Some((*time, *time)),
        Value::Date(date) => {
            let day = full(*date)?;
            Some((midnight(day), next_midnight(day)?))
        }
        _ => None,
    }
}

fn full(date: PartialDate) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(date.year?, date.month.into(), date.day.into())
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

fn next_midnight(day: NaiveDate) -> Option<DateTime<Utc>> {
    Some(midnight(day.succ_opt()?))
}

/// Whether a number compares so with another one. Numbers are decimal texts of any length: nothing is rounded.
fn compares(items: &[Value], other: &str, as_: Ordering) -> bool {
    let number = |text: &str| match normal(
        Kind::Number,
        Cardinality::One,
        &Value::Number(text.to_owned()),
    ) {
        Value::Number(number) => Some(number),
        _ => None,
    };
    let Some(other) = number(other) else {
        return false;
    };
    items.iter().any(|item| match item {
        Value::Number(text) | Value::Text(text) => {
            number(text).is_some_and(|number| decimal(&number, &other) == as_)
        }
        _ => false,
    })
}

/// Compares two decimal numbers in normal form.
fn decimal(one: &str, other: &str) -> Ordering {
    let parts = |number: &str| {
        let (negative, digits) = match number.strip_prefix('-') {
            Some(digits) => (true, digits.to_owned()),
            None => (false, number.to_owned()),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) => (whole.to_owned(), fraction.to_owned()),
            None => (digits, String::new()),
        };
        (negative, (whole.len(), whole, fraction))
    };
    let ((below, one), (other_below, other)) = (parts(one), parts(other));
    match (below, other_below) {
        (false, false) => one.cmp(&other),
        (true, true) => other.cmp(&one),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

/// A condition's constant, leniently: a kind's normal form reads `"true"` and `"2001-02-03"` itself.
pub fn comparable(kind: Kind, json: &Json) -> Value {
    constant(kind, json).unwrap_or_else(|_| match json {
        Json::String(text) => Value::text(text.clone()),
        Json::Bool(yes) => Value::Bool(*yes),
        Json::Number(number) => Value::Number(number.to_string()),
        _ => Value::Empty,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_length_are_compared_exactly() {
        let check = |one: &str, other: &str, expect: Ordering| {
            assert_eq!(decimal(one, other), expect, "{one} {other}");
            assert_eq!(decimal(other, one), expect.reverse(), "{other} {one}");
        };
        check("9", "10", Ordering::Less);
        check("-9", "-10", Ordering::Greater);
        check("-1", "0", Ordering::Less);
        check("1.25", "1.3", Ordering::Less);
        check("1", "1.001", Ordering::Less);
        check(
            "12345678901234567890",
            "12345678901234567891",
            Ordering::Less,
        );
        check("2.5", "2.5", Ordering::Equal);
    }

    #[test]
    fn days_and_instants_are_before_after_and_within() {
        let day = |text: &str| Value::Date(text.parse().expect("a date"));
        let time = |text: &str| {
            let time: DateTime<Utc> = text.parse().expect("a time");
            Value::Time(time)
        };
        let check = |value: &Value, limit: &str, before: bool, after: bool| {
            let items = std::slice::from_ref(value);
            let limit = limit.parse().expect("a moment");
            let found = (
                beside(items, limit, Ordering::Less),
                beside(items, limit, Ordering::Greater),
            );
            assert_eq!(found, (before, after), "{value:?} {limit}");
        };
        check(&day("2026-01-30"), "2026-01-31", true, false);
        check(&day("2026-01-31"), "2026-01-31", false, false);
        check(&day("2026-02-01"), "2026-01-31", false, true);
        check(&day("--01-30"), "2026-01-31", false, false);
        check(&time("2026-01-31T12:00:00Z"), "2026-01-31", false, false);
        check(&time("2026-02-01T00:00:00Z"), "2026-01-31", false, true);
        check(
            &time("2026-01-31T09:00:00Z"),
            "2026-01-31T10:00:00Z",
            true,
            false,
        );
        check(
            &time("2026-01-31T11:00:00Z"),
            "2026-01-31T10:00:00Z",
            false,
            true,
        );
        check(&day("2026-01-31"), "2026-01-31T10:00:00Z", false, false);
        check(&Value::text("2026"), "2026-01-31", false, false);
        let now = "2026-01-31T12:00:00Z".parse().expect("a time");
        let within = |value: &Value, expect: bool| {
            assert_eq!(is_within(value, 7, now), expect, "{value:?}");
        };
        within(&day("2026-01-31"), true);
        within(&day("2026-01-25"), true);
        within(&day("2026-01-24"), false);
        within(&day("2026-02-01"), false);
        within(&time("2026-01-24T12:00:00Z"), true);
        within(&time("2026-01-24T11:59:59Z"), false);
        within(&time("2026-01-31T12:00:01Z"), false);
    }
}
