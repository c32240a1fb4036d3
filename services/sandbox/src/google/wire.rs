//! From a request to an answer: the table of methods, sign-in, scopes, quotas, and the query options all methods share.

use serde_json::Value;

use super::account::Account;
use super::quota::Cost;
use super::refusal::Refusal;
use super::{Google, groups, list, others, people, photos, search};
use crate::core::oauth::params::Params;
use crate::core::provider::{Call, Class};

/// A request, whatever carried it: plain HTTP, an overridden method, or a part of a batch.
#[derive(Debug, Default)]
pub struct Ask {
    /// The effective method.
    pub method: String,
    /// Path without query, percent-decoded.
    pub path: String,
    /// Query parameters.
    pub query: Params,
    /// JSON body or nothing.
    pub body: Vec<u8>,
    /// The access token.
    pub token: Option<String>,
}

/// An answer: status and JSON text.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// JSON.
    pub body: String,
    /// The scope a 403 asks for.
    pub wants_scope: Option<&'static str>,
}

/// What a method works with.
pub struct Turn<'a> {
    /// The provider.
    pub google: &'a Google,
    /// The caller's account, locked.
    pub account: &'a mut Account,
    /// The request.
    pub ask: &'a Ask,
    /// What stood for `{id}` in the path.
    pub id: &'a str,
}

impl Turn<'_> {
    /// The body as JSON; an empty body is an empty object.
    pub fn json(&self) -> Result<Value, Refusal> {
        if self.ask.body.is_empty() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        serde_json::from_slice(&self.ask.body).map_err(|e| {
            Refusal::invalid(format!(
                "Invalid JSON payload received. Unexpected token.\n{e}"
            ))
        })
    }

    /// A number of the query; absent, empty or 0 is `unset`.
    pub fn page_size(&self, unset: usize, most: usize) -> Result<usize, Refusal> {
        match self.ask.query.get("pageSize") {
            "" | "0" => Ok(unset),
            text => match text.parse::<usize>() {
                Ok(n) if n <= most => Ok(n),
                _ => Err(Refusal::bad_payload(
                    "pageSize",
                    &format!("Page size must be between 1 and {most}."),
                )),
            },
        }
    }
}

type Handler = fn(&mut Turn<'_>) -> Result<String, Refusal>;

struct Method {
    verb: &'static str,
    path: &'static str,
    name: &'static str,
    class: Class,
    cost: Cost,
    run: Handler,
}

const fn cost(critical_reads: u64, critical_writes: u64, reads: u64, writes: u64) -> Cost {
    Cost {
        critical_reads,
        critical_writes,
        reads,
        writes,
        full_syncs: 0,
    }
}

const fn read(path: &'static str, name: &'static str, run: Handler, cost: Cost) -> Method {
    Method {
        verb: "GET",
        path,
        name,
        class: Class::Read,
        cost,
        run,
    }
}

const fn write(
    verb: &'static str,
    path: &'static str,
    name: &'static str,
    run: Handler,
    cost: Cost,
) -> Method {
    Method {
        verb,
        path,
        name,
        class: Class::Write,
        cost,
        run,
    }
}

const READ: Cost = cost(1, 0, 0, 0);
const WRITE: Cost = cost(1, 1, 0, 0);
const BATCH_WRITE: Cost = cost(6, 6, 0, 0);
const GROUP_READ: Cost = cost(0, 0, 1, 0);
const GROUP_WRITE: Cost = cost(0, 0, 0, 1);

/// All methods; `{id}` stands for one path segment up to a colon.
const METHODS: &[Method] = &[
    read(
        "/v1/people/me/connections",
        "people.connections.list",
        list::connections,
        READ,
    ),
    read(
        "/v1/people:batchGet",
        "people.getBatchGet",
        people::batch_get,
        READ,
    ),
    read(
        "/v1/people:searchContacts",
        "people.searchContacts",
        search::contacts,
        READ,
    ),
    read(
        "/v1/people:listDirectoryPeople",
        "people.listDirectoryPeople",
        people::no_directory,
        READ,
    ),
    read(
        "/v1/people:searchDirectoryPeople",
        "people.searchDirectoryPeople",
        people::no_directory,
        READ,
    ),
    write(
        "POST",
        "/v1/people:createContact",
        "people.createContact",
        people::create,
        WRITE,
    ),
    write(
        "POST",
        "/v1/people:batchCreateContacts",
        "people.batchCreateContacts",
        people::batch_create,
        BATCH_WRITE,
    ),
    write(
        "POST",
        "/v1/people:batchUpdateContacts",
        "people.batchUpdateContacts",
        people::batch_update,
        BATCH_WRITE,
    ),
    write(
        "POST",
        "/v1/people:batchDeleteContacts",
        "people.batchDeleteContacts",
        people::batch_delete,
        cost(0, 0, 0, 10),
    ),
    read("/v1/people/{id}", "people.get", people::get, READ),
    write(
        "PATCH",
        "/v1/people/{id}:updateContact",
        "people.updateContact",
        people::update,
        WRITE,
    ),
    write(
        "DELETE",
        "/v1/people/{id}:deleteContact",
        "people.deleteContact",
        people::delete,
        GROUP_WRITE,
    ),
    write(
        "PATCH",
        "/v1/people/{id}:updateContactPhoto",
        "people.updateContactPhoto",
        photos::update,
        WRITE,
    ),
    write(
        "DELETE",
        "/v1/people/{id}:deleteContactPhoto",
        "people.deleteContactPhoto",
        photos::delete,
        WRITE,
    ),
    read(
        "/v1/contactGroups",
        "contactGroups.list",
        groups::list,
        GROUP_READ,
    ),
    read(
        "/v1/contactGroups:batchGet",
        "contactGroups.batchGet",
        groups::batch_get,
        GROUP_READ,
    ),
    write(
        "POST",
        "/v1/contactGroups",
        "contactGroups.create",
        groups::create,
        GROUP_WRITE,
    ),
    read(
        "/v1/contactGroups/{id}",
        "contactGroups.get",
        groups::get,
        GROUP_READ,
    ),
    write(
        "PUT",
        "/v1/contactGroups/{id}",
        "contactGroups.update",
        groups::update,
        GROUP_WRITE,
    ),
    write(
        "DELETE",
        "/v1/contactGroups/{id}",
        "contactGroups.delete",
        groups::delete,
        GROUP_WRITE,
    ),
    write(
        "POST",
        "/v1/contactGroups/{id}/members:modify",
        "contactGroups.members.modify",
        groups::modify,
        GROUP_WRITE,
    ),
    read(
        "/v1/otherContacts",
        "otherContacts.list",
        others::list,
        READ,
    ),
    read(
        "/v1/otherContacts:search",
        "otherContacts.search",
        others::search,
        READ,
    ),
    write(
        "POST",
        "/v1/otherContacts/{id}:copyOtherContactToMyContactsGroup",
        "otherContacts.copyOtherContactToMyContactsGroup",
        others::copy,
        WRITE,
    ),
];

/// The method a request means, and what stands for `{id}`.
fn find<'p>(verb: &str, path: &'p str) -> Option<(&'static Method, &'p str)> {
    METHODS
        .iter()
        .filter(|m| m.verb == verb)
        .find_map(|m| matched(m.path, path).map(|id| (m, id)))
}

/// The text for `{id}` if the path fits the template.
fn matched<'p>(template: &str, path: &'p str) -> Option<&'p str> {
    let Some((before, after)) = template.split_once("{id}") else {
        return (template == path).then_some("");
    };
    let id = path.strip_prefix(before)?.strip_suffix(after)?;
    (!id.is_empty() && !id.contains(['/', ':'])).then_some(id)
}

/// Names a request for the log.
pub fn classify(verb: &str, path: &str) -> Call {
    match find(verb, path) {
        Some((method, _)) => Call {
            route: format!("{verb} {}", method.path),
            class: method.class,
        },
        None => Call {
            route: format!("{verb} (unknown)"),
            class: Class::Other,
        },
    }
}

/// Answers a request.
pub fn answer(google: &Google, ask: &Ask) -> Reply {
    match run(google, ask) {
        Ok(body) => Reply {
            status: 200,
            body: partial(body, ask.query.get("fields")),
            wants_scope: None,
        },
        Err((refusal, wants_scope)) => {
            let legacy = ask.query.get("$.xgafv") == "1";
            Reply {
                status: refusal.status,
                body: refusal.body(legacy).to_string(),
                wants_scope,
            }
        }
    }
}

type Refused = (Refusal, Option<&'static str>);

fn run(google: &Google, ask: &Ask) -> Result<String, Refused> {
    let plain = |r: Refusal| (r, None);
    let (method, id) = find(&ask.method, &ask.path).ok_or_else(|| plain(Refusal::no_method()))?;
    let token = ask
        .token
        .as_deref()
        .ok_or_else(|| plain(Refusal::unauthenticated(false)))?;
    let login = google
        .core
        .oauth
        .authenticate("google", token)
        .map_err(|_| plain(Refusal::unauthenticated(true)))?;
    if let Some(scope) = lacking(&login.scopes, method) {
        return Err((
            Refusal::scope(&format!("google.people.v1.{}", method.name)),
            Some(scope),
        ));
    }
    let account = google
        .account(&login.account)
        .ok_or_else(|| plain(Refusal::unauthenticated(true)))?;
    let mut account = crate::core::lock(&account);
    let account = &mut *account;
    let mut price = method.cost;
    if method.name == "people.connections.list"
        && ask.query.get("syncToken").is_empty()
        && ask.query.get("pageToken").is_empty()
    {
        price.full_syncs = 1;
    }
    account
        .quota
        .charge(price, &account.knobs, google.now())
        .map_err(plain)?;
    (method.run)(&mut Turn {
        google,
        account,
        ask,
        id,
    })
    .map_err(plain)
}

/// The scope a login needs and lacks; a login without any scope is one made by the admin API and may do all.
fn lacking(scopes: &[String], method: &Method) -> Option<&'static str> {
    const CONTACTS: &str = "https://www.googleapis.com/auth/contacts";
    const READONLY: &str = "https://www.googleapis.com/auth/contacts.readonly";
    const OTHER: &str = "https://www.googleapis.com/auth/contacts.other.readonly";
    let has = |scope: &str| scopes.is_empty() || scopes.iter().any(|s| s == scope);
    let other = method.name.starts_with("otherContacts");
    if other && !has(OTHER) {
        return Some(OTHER);
    }
    let reads = method.class == Class::Read;
    let enough = has(CONTACTS) || (reads && (other || has(READONLY)));
    (!enough).then_some(CONTACTS)
}

/// The partial response `fields` asks for, such as `nextPageToken,connections(resourceName,names/givenName)`.
fn partial(body: String, fields: &str) -> String {
    if fields.is_empty() || fields == "*" {
        return body;
    }
    match serde_json::from_str::<Value>(&body) {
        Ok(json) => select(&json, fields).to_string(),
        Err(_) => body,
    }
}

fn select(json: &Value, fields: &str) -> Value {
    match json {
        Value::Array(items) => items.iter().map(|i| select(i, fields)).collect(),
        Value::Object(members) => {
            let mut kept = serde_json::Map::new();
            for part in split_top(fields) {
                let end = part.find(['(', '/']).unwrap_or(part.len());
                let (name, rest) = part.split_at(end);
                let inner = rest
                    .strip_prefix('/')
                    .or_else(|| rest.strip_prefix('(')?.strip_suffix(')'))
                    .unwrap_or("*");
                for (key, value) in members.iter().filter(|(k, _)| name == "*" || *k == name) {
                    let value = if inner == "*" {
                        value.clone()
                    } else {
                        select(value, inner)
                    };
                    kept.insert(key.clone(), value);
                }
            }
            kept.into()
        }
        plain => plain.clone(),
    }
}

/// Splits at commas that are not inside parentheses.
fn split_top(fields: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    fields
        .split(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            c == ',' && depth == 0
        })
        .map(str::trim)
        .filter(|p| !p.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_named() {
        let check = |verb, path, expect: &str| assert_eq!(classify(verb, path).route, expect);
        check(
            "GET",
            "/v1/people/me/connections",
            "GET /v1/people/me/connections",
        );
        check("GET", "/v1/people/c12", "GET /v1/people/{id}");
        check(
            "PATCH",
            "/v1/people/c12:updateContact",
            "PATCH /v1/people/{id}:updateContact",
        );
        check("GET", "/v1/people:batchGet", "GET /v1/people:batchGet");
        check(
            "POST",
            "/v1/contactGroups/1f/members:modify",
            "POST /v1/contactGroups/{id}/members:modify",
        );
        check("POST", "/v1/people/c12:explode", "POST (unknown)");
    }

    #[test]
    fn partial_answers() {
        let json = serde_json::json!({"a": [{"b": 1, "c": {"d": 2, "e": 3}}], "f": 4, "g": 5});
        let check =
            |fields: &str, expect: Value| assert_eq!(select(&json, fields), expect, "{fields}");
        check("f", serde_json::json!({"f": 4}));
        check(
            "f,a(b,c/d)",
            serde_json::json!({"f": 4, "a": [{"b": 1, "c": {"d": 2}}]}),
        );
        check("a/c", serde_json::json!({"a": [{"c": {"d": 2, "e": 3}}]}));
        check("*", json.clone());
    }
}
