//! Which call is which: from method and path to what is done.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::account::Account;
use super::members::Manner;
use super::refusal::Refusal;
use super::{hooks, list, members, settings};
use crate::core::oauth::params::Params;
use crate::core::provider::{Call, Class};

/// A request.
pub struct Ask<'a> {
    /// The method.
    pub method: &'a str,
    /// The parts of the path below `/3.0`, decoded.
    pub path: Vec<String>,
    /// The query.
    pub query: Params,
    /// The body; null when there was none.
    pub body: Value,
}

/// The parts of a path below `/3.0`, decoded.
pub fn parts(path: &str) -> Vec<String> {
    let below = path.strip_prefix("/3.0").unwrap_or(path);
    let parts = below.split('/').filter(|part| !part.is_empty());
    parts.map(decoded).collect()
}

fn decoded(part: &str) -> String {
    // The form's encoding, but for the `+`, which stands for itself in a path.
    let form = format!("x={}", part.replace('+', "%2B").replace('&', "%26"));
    let pair = url::form_urlencoded::parse(form.as_bytes()).next();
    pair.map_or_else(|| part.to_owned(), |(_, value)| value.into_owned())
}

/// Names a request.
pub fn classify(method: &str, path: &str) -> Call {
    let below = path.strip_prefix("/3.0").unwrap_or(path);
    let mut route = String::from("/3.0");
    let mut before = "";
    for part in below.split('/').filter(|part| !part.is_empty()) {
        route.push('/');
        route.push_str(match before {
            "lists" | "members" | "webhooks" => "{id}",
            _ => part,
        });
        before = part;
    }
    let class = match method {
        "GET" => Class::Read,
        _ => Class::Write,
    };
    Call {
        route: format!("{method} {route}"),
        class,
    }
}

/// Does what is asked; nothing to say is 204.
pub fn answer(
    account: &mut Account,
    ask: &Ask<'_>,
    now: DateTime<Utc>,
) -> Result<Option<Value>, Refusal> {
    let path: Vec<&str> = ask.path.iter().map(String::as_str).collect();
    match (ask.method, path.as_slice()) {
        ("GET", []) => Ok(Some(settings::root(account))),
        ("GET", ["ping"]) => Ok(Some(json!({"health_status": "Everything's Chimpy!"}))),
        ("GET", ["lists"]) => settings::lists(account, &ask.query).map(Some),
        (_, ["lists", id, rest @ ..]) => {
            if account.audience(id).is_none() {
                return Err(Refusal::not_found());
            }
            below_list(account, id, rest, ask, now)
        }
        (_, [] | ["ping" | "lists"]) => Err(Refusal::method()),
        _ => Err(Refusal::not_found()),
    }
}

fn below_list(
    account: &mut Account,
    id: &str,
    rest: &[&str],
    ask: &Ask<'_>,
    now: DateTime<Utc>,
) -> Result<Option<Value>, Refusal> {
    let (query, body) = (&ask.query, &ask.body);
    let manner = Manner {
        lenient: query.get("skip_merge_validation") == "true",
        sync_tags: body.get("sync_tags").and_then(Value::as_bool) == Some(true),
    };
    match (ask.method, rest) {
        ("POST", []) => return members::batch(account, id, body, manner, now).map(Some),
        ("POST", ["members"]) => return members::add(account, id, body, manner, now).map(Some),
        ("PUT", ["members", name]) => {
            return members::put(account, id, name, body, manner, now).map(Some);
        }
        ("POST", ["members", name, "tags"]) => {
            return members::tag(account, id, name, body, now).map(|()| None);
        }
        ("POST", ["webhooks"]) => return hooks::add(account, id, body).map(Some),
        _ => {}
    }
    let audience = account.audience(id).ok_or_else(Refusal::not_found)?;
    let member = |name: &str| {
        let at = audience.position(name).ok_or_else(Refusal::not_found)?;
        audience.members.get(at).ok_or_else(Refusal::not_found)
    };
    match (ask.method, rest) {
        ("GET", []) => Ok(Some(audience.show())),
        ("GET", ["members"]) => list::members(audience, query).map(Some),
        ("GET", ["members", name]) => Ok(Some(audience.render(member(name)?))),
        ("GET", ["members", name, "tags"]) => {
            settings::tags_of(audience, member(name)?, query).map(Some)
        }
        ("PATCH", ["members", name]) => members::patch(audience, name, body, manner, now).map(Some),
        ("DELETE", ["members", name]) => members::archive(audience, name, now).map(|()| None),
        ("POST", ["members", name, "actions", "delete-permanent"]) => {
            members::forget(audience, name).map(|()| None)
        }
        ("GET", ["merge-fields"]) => settings::merge_fields(audience, query).map(Some),
        ("POST", ["merge-fields"]) => settings::add_merge_field(audience, body).map(Some),
        ("GET", ["tag-search"]) => Ok(Some(settings::tag_search(audience, query))),
        ("GET", ["webhooks"]) => settings::webhooks(audience, query).map(Some),
        (method, ["webhooks", hook]) => hooks::one(audience, method, hook, body),
        (
            _,
            []
            | ["members" | "merge-fields" | "tag-search"]
            | ["members", _]
            | ["members", _, "tags"],
        ) => Err(Refusal::method()),
        _ => Err(Refusal::not_found()),
    }
}
