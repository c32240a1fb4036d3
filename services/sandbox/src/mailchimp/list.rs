//! Listings: filters, order, pages, and which members of the answer are wanted.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::account::{Audience, Member};
use super::refusal::Refusal;
use crate::core::oauth::params::Params;

/// How many of a listing come when not said.
const COUNT: usize = 10;
/// Most of a listing that come in one answer.
const MOST: usize = 1_000;

/// The part of a listing that is asked for: the first one's place, and how many.
pub fn window(query: &Params) -> Result<(usize, usize), Refusal> {
    let number = |name: &str, default: usize| match query.find(name) {
        Some(text) => text
            .parse::<usize>()
            .map_err(|_| Refusal::field(name, "This value should be of type integer.")),
        None => Ok(default),
    };
    let count = number("count", COUNT)?;
    if count > MOST {
        return Err(Refusal::field(
            "count",
            "This value should be 1000 or less.",
        ));
    }
    Ok((number("offset", 0)?, count))
}

fn instant(query: &Params, name: &str) -> Result<Option<DateTime<Utc>>, Refusal> {
    let Some(text) = query.find(name) else {
        return Ok(None);
    };
    // Whoever leaves the `+` of the offset as it is sends a blank.
    let parsed = DateTime::parse_from_rfc3339(&text.replace(' ', "+"));
    parsed
        .map(|at| Some(at.to_utc()))
        .map_err(|_| Refusal::field(name, "This value is not a valid datetime."))
}

/// `GET /lists/{id}/members`. Archived members come only when they are asked for.
pub fn members(audience: &Audience, query: &Params) -> Result<Value, Refusal> {
    let (offset, count) = window(query)?;
    let since = instant(query, "since_last_changed")?;
    let before = instant(query, "before_last_changed")?;
    let status = query.find("status");
    let unique = query.find("unique_email_id");
    let wanted = |member: &&Member| {
        status.map_or(member.status != "archived", |status| {
            member.status == status
        }) && since.is_none_or(|since| member.changed >= since)
            && before.is_none_or(|before| member.changed < before)
            && unique.is_none_or(|unique| member.unique_email_id == unique)
    };
    let mut found: Vec<&Member> = audience.members.iter().filter(wanted).collect();
    match query.find("sort_field") {
        None => {}
        Some("last_changed") => found.sort_by_key(|member| member.changed),
        Some("timestamp_opt" | "timestamp_signup") => found.sort_by_key(|member| member.created),
        Some(_) => {
            return Err(Refusal::field(
                "sort_field",
                "Value must be one of: timestamp_opt, timestamp_signup, last_changed",
            ));
        }
    }
    if query.find("sort_dir") == Some("DESC") {
        found.reverse();
    }
    let page = found.iter().skip(offset).take(count);
    let page: Vec<Value> = page
        .map(|member| {
            let mut shown = audience.render(member);
            // A listing shows the first fifty tags only.
            if let Some(tags) = shown.get_mut("tags").and_then(Value::as_array_mut) {
                tags.truncate(50);
            }
            shown
        })
        .collect();
    Ok(json!({"members": page, "list_id": audience.id, "total_items": found.len(), "_links": []}))
}

/// Leaves in an answer what `fields` names, or takes out what `exclude_fields` names.
pub fn project(answer: Value, query: &Params) -> Value {
    let paths = |name: &str| {
        let text = query.find(name)?;
        Some(text.split(',').map(str::to_owned).collect::<Vec<_>>())
    };
    match (paths("fields"), paths("exclude_fields")) {
        (Some(paths), _) => filtered(answer, "", &|path| {
            paths
                .iter()
                .map(|wanted| reach(path, wanted))
                .max()
                .unwrap_or(Reach::Out)
        }),
        (None, Some(paths)) => filtered(answer, "", &|path| {
            if paths.iter().any(|wanted| wanted == path) {
                Reach::Out
            } else {
                Reach::Above
            }
        }),
        (None, None) => answer,
    }
}

/// How a place in an answer stands to a path that is wanted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Out,
    Above,
    In,
}

fn reach(path: &str, wanted: &str) -> Reach {
    let below = |long: &str, short: &str| {
        long.strip_prefix(short)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    match path.len().cmp(&wanted.len()) {
        Ordering::Equal if path == wanted => Reach::In,
        Ordering::Greater if below(path, wanted) => Reach::In,
        Ordering::Less if below(wanted, path) => Reach::Above,
        _ => Reach::Out,
    }
}

fn filtered(value: Value, at: &str, reach: &dyn Fn(&str) -> Reach) -> Value {
    match value {
        Value::Object(members) => {
            let mut kept = Map::new();
            for (name, value) in members {
                let path = if at.is_empty() {
                    name.clone()
                } else {
                    format!("{at}.{name}")
                };
                match reach(&path) {
                    Reach::Out => {}
                    Reach::In => {
                        kept.insert(name, value);
                    }
                    Reach::Above => {
                        kept.insert(name, filtered(value, &path, reach));
                    }
                }
            }
            Value::Object(kept)
        }
        Value::Array(items) => items
            .into_iter()
            .map(|item| filtered(item, at, reach))
            .collect(),
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wanted_is_left() {
        let answer = json!({"members": [{"id": 1, "merge_fields": {"A": 1}, "_links": []}], "total_items": 1, "_links": []});
        let check = |query: &str, expect: Value| {
            assert_eq!(
                project(answer.clone(), &Params::read(query, "", b"")),
                expect,
                "{query}"
            );
        };
        check(
            "fields=members.id,total_items",
            json!({"members": [{"id": 1}], "total_items": 1}),
        );
        check(
            "exclude_fields=_links,members._links",
            json!({"members": [{"id": 1, "merge_fields": {"A": 1}}], "total_items": 1}),
        );
        check("", answer.clone());
    }
}
