//! From a request to its answer: who asks, whether they may, and which call it is.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::account::Account;
use super::properties::{Property, time};
use super::refusal::Refusal;
use super::{HubSpot, batch, objects, search};
use crate::core::lock;
use crate::core::oauth::TokenError;
use crate::core::oauth::params::Params;
use crate::core::provider::{Call, Class};

/// A request.
pub struct Ask {
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// Its query.
    pub query: Params,
    /// Its body as JSON; null when there is none.
    pub body: Value,
    /// The bearer token.
    pub token: Option<String>,
}

/// An answer.
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The body; null for none.
    pub body: Value,
    /// Calls left in the present window, and the most there can be; searches do not say.
    pub left: Option<(usize, usize)>,
}

/// A good answer or a refusal.
pub type Answer = Result<(u16, Value), Refusal>;

const CONTACTS: &str = "/crm/v3/objects/contacts";
const PROPERTIES: &str = "/crm/v3/properties/contacts";
const READ: &str = "crm.objects.contacts.read";
const WRITE: &str = "crm.objects.contacts.write";

/// Names a request.
pub fn classify(method: &str, path: &str) -> Call {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (route, class) = match parts.as_slice() {
        ["crm", "v3", "objects", "contacts", "batch", "read"]
        | ["crm", "v3", "objects", "contacts", "search"] => (path.to_owned(), Class::Read),
        ["crm", "v3", "objects", "contacts"] if method == "GET" => (path.to_owned(), Class::Read),
        ["crm", "v3", "objects", "contacts"]
        | ["crm", "v3", "objects", "contacts", "batch", _]
        | ["crm", "v3", "objects", "contacts", "merge" | "gdpr-delete"] => {
            (path.to_owned(), Class::Write)
        }
        ["crm", "v3", "objects", "contacts", _] => {
            let class = if method == "GET" {
                Class::Read
            } else {
                Class::Write
            };
            (format!("{CONTACTS}/{{id}}"), class)
        }
        ["crm", "v3", "properties", "contacts", _] => {
            (format!("{PROPERTIES}/{{name}}"), Class::Other)
        }
        _ => (path.to_owned(), Class::Other),
    };
    Call {
        route: format!("{method} {route}"),
        class,
    }
}

/// Answers a request.
pub fn answer(hubspot: &HubSpot, ask: &Ask) -> Reply {
    let now = hubspot.now();
    let is_search = ask.path == format!("{CONTACTS}/search");
    let mut left = None;
    let answer = (|| {
        let token = ask.token.as_deref().unwrap_or_default();
        let login = hubspot.core.oauth.authenticate("hubspot", token);
        let login =
            login.map_err(|error| Refusal::unauthorized(matches!(error, TokenError::Expired)))?;
        let account = hubspot.account(&login.account);
        let account = account.ok_or_else(|| Refusal::unauthorized(false))?;
        let mut account = lock(&account);
        let scope = scope(ask);
        // Tokens that the sandbox's operator made without scopes may do everything.
        if !login.scopes.is_empty() && scope.is_some_and(|scope| !login.has_scope(scope)) {
            return Err(Refusal::missing_scopes(scope.unwrap_or_default()));
        }
        let charged = account.charge(is_search, now);
        left = Some(account.left()).filter(|_| !is_search);
        charged?;
        route(&mut account, ask, now)
    })();
    let (status, body) = answer.unwrap_or_else(|refusal| (refusal.status, refusal.body));
    Reply { status, body, left }
}

/// The scope that a request needs.
fn scope(ask: &Ask) -> Option<&'static str> {
    let reads = ask.method == "GET" || ask.path.ends_with("/read") || ask.path.ends_with("/search");
    if ask.path.starts_with(CONTACTS) {
        return Some(if reads { READ } else { WRITE });
    }
    ask.path.starts_with(PROPERTIES).then_some(if reads {
        "crm.schemas.contacts.read"
    } else {
        "crm.schemas.contacts.write"
    })
}

/// A part of a path with its percent escapes undone.
fn decoded(part: &str) -> String {
    // A form's `+` is a blank, a path's is not.
    let part = part.replace('+', "%2B");
    let mut pairs = url::form_urlencoded::parse(part.as_bytes());
    pairs
        .next()
        .map(|(text, _)| text.into_owned())
        .unwrap_or_default()
}

fn route(account: &mut Account, ask: &Ask, now: DateTime<Utc>) -> Answer {
    let parts: Vec<String> = ask.path.trim_matches('/').split('/').map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match (ask.method.as_str(), parts.as_slice()) {
        ("GET", ["crm", "v3", "objects", "contacts"]) => objects::list(account, &ask.query, now),
        ("POST", ["crm", "v3", "objects", "contacts"]) => objects::create(account, &ask.body, now),
        ("POST", ["crm", "v3", "objects", "contacts", "search"]) => {
            search::answer(account, &ask.body, now)
        }
        ("POST", ["crm", "v3", "objects", "contacts", "merge"]) => {
            objects::merge(account, &ask.body, now)
        }
        ("POST", ["crm", "v3", "objects", "contacts", "gdpr-delete"]) => {
            objects::forget(account, &ask.body)
        }
        ("POST", ["crm", "v3", "objects", "contacts", "batch", what]) => {
            batch::answer(account, what, &ask.body, now)
        }
        ("GET", ["crm", "v3", "objects", "contacts", id]) => {
            objects::read(account, id, &ask.query, now)
        }
        ("PATCH", ["crm", "v3", "objects", "contacts", id]) => {
            objects::update(account, id, &ask.query, &ask.body, now)
        }
        ("DELETE", ["crm", "v3", "objects", "contacts", id]) => {
            if let Some(id) = objects::number(id) {
                account.archive(id, true, now);
            }
            Ok((204, Value::Null))
        }
        (_, ["crm", "v3", "properties", "contacts", rest @ ..]) => {
            property(account, &ask.method, rest, &ask.body)
        }
        ("GET", ["crm", "v3", "owners"]) => Ok((200, owners(account))),
        ("GET", ["account-info", "v3", "details"]) => Ok((
            200,
            json!({
                "portalId": account.id.parse::<u64>().unwrap_or_default(), "accountType": "STANDARD",
                "timeZone": "UTC", "companyCurrency": "USD", "additionalCurrencies": [],
                "utcOffset": "+00:00", "utcOffsetMilliseconds": 0, "uiDomain": "app.hubspot.com",
                "dataHostingLocation": "na1",
            }),
        )),
        _ => Err(Refusal::not_found(&ask.path)),
    }
}

fn property(account: &mut Account, method: &str, rest: &[&str], body: &Value) -> Answer {
    let unknown = |name: &str| {
        Refusal::new(
            404,
            "OBJECT_NOT_FOUND",
            format!("Property {name} does not exist"),
        )
    };
    match (method, rest) {
        ("GET", []) => {
            let all: Vec<Value> = account.properties.values().map(Property::render).collect();
            Ok((200, json!({ "results": all })))
        }
        ("POST", []) => {
            let property = Property::read(body)
                .ok_or_else(|| Refusal::validation("Invalid input JSON: a member is missing"))?;
            if account.properties.contains_key(&property.name) {
                let message = format!("A property named '{}' already exists.", property.name);
                return Err(Refusal::new(409, "CONFLICT", message));
            }
            let shown = property.render();
            account.properties.insert(property.name.clone(), property);
            Ok((201, shown))
        }
        ("GET", [name]) => account
            .properties
            .get(*name)
            .map(|property| (200, property.render()))
            .ok_or_else(|| unknown(name)),
        ("DELETE", [name]) => {
            account
                .properties
                .remove(*name)
                .filter(|property| property.custom)
                .ok_or_else(|| unknown(name))?;
            Ok((204, Value::Null))
        }
        _ => Err(Refusal::not_found("properties")),
    }
}

fn owners(account: &Account) -> Value {
    let (first, last) = account.name.split_once(' ').unwrap_or((&account.name, ""));
    let at = time(DateTime::UNIX_EPOCH);
    json!({"results": [{
        "id": "1", "email": account.email, "type": "PERSON", "firstName": first, "lastName": last,
        "userId": 1, "createdAt": at, "updatedAt": at, "archived": false,
    }]})
}
