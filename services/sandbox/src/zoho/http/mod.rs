//! The wire: which path and method mean what, and the way every call takes. One table serves dispatch and request log.

mod door;
mod records;
mod settings;
mod tags;
mod users;

use std::sync::Arc;

use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use self::door::Need;
use super::Zoho;
use super::errors::Refusal;
use super::listing::Listing;
use super::org::Org;
use super::params::Params;
use super::writes::Author;
use crate::core::provider::{Call, Class};

/// Everything a handler may look at.
pub struct Ask {
    /// The query string.
    pub params: Params,
    /// The body, if it is JSON.
    pub body: Option<Value>,
    /// The id in the path.
    pub id: Option<String>,
    /// `If-Modified-Since`, Unix seconds.
    pub since: Option<i64>,
    /// `If-Unmodified-Since`, Unix seconds.
    pub unmodified_since: Option<i64>,
    /// Unix milliseconds.
    pub now_ms: i64,
}

impl Ask {
    /// Unix seconds.
    pub fn now(&self) -> i64 {
        self.now_ms.div_euclid(1000)
    }

    /// The calling user, now.
    pub fn author(&self, org: &Org) -> Author {
        Author {
            user: org.me(),
            now: self.now(),
        }
    }

    /// The body as a JSON object.
    pub fn object(&self) -> Result<&Value, Refusal> {
        self.body
            .as_ref()
            .filter(|body| body.is_object())
            .ok_or_else(Refusal::bad_body)
    }

    /// An array of the body.
    pub fn array(&self, name: &str) -> Result<&Vec<Value>, Refusal> {
        match self.object()?.get(name) {
            None => Err(Refusal::missing_key(name)),
            Some(Value::Array(items)) if items.is_empty() => Err(Refusal::missing_key(name)),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(Refusal::bad_key(name, "jsonarray")),
        }
    }

    /// The id in the path as a number; refused when it is none.
    pub fn path_id(&self) -> Result<u64, Refusal> {
        let id = self.id.as_deref().and_then(|id| id.parse().ok());
        let details = json!({"resource_path_index": 1});
        id.ok_or_else(|| {
            Refusal::new(
                400,
                "INVALID_DATA",
                "the id given seems to be invalid",
                details,
            )
        })
    }
}

/// What a handler answers.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// JSON, or no body at all.
    pub body: Option<Value>,
}

impl Answer {
    /// 200 with JSON.
    pub fn ok(body: Value) -> Self {
        Self {
            status: 200,
            body: Some(body),
        }
    }

    /// 204.
    pub fn nothing() -> Self {
        Self {
            status: 204,
            body: None,
        }
    }

    /// The outcomes of a list: `good` when all went well, 207 when some did, `bad` when none did.
    pub fn outcomes(key: &str, items: Vec<Value>, good: u16, bad: u16) -> Self {
        let fine = items
            .iter()
            .filter(|item| item.get("status") == Some(&json!("success")))
            .count();
        let status = match fine {
            _ if fine == items.len() => good,
            0 => bad,
            _ => 207,
        };
        Self {
            status,
            body: Some(Value::from_iter([(key.to_owned(), Value::Array(items))])),
        }
    }
}

impl From<Listing> for Answer {
    fn from(listing: Listing) -> Self {
        match listing {
            Listing::Page(page) => Self::ok(page),
            Listing::Empty => Self::nothing(),
            Listing::Unchanged => Self {
                status: 304,
                body: None,
            },
        }
    }
}

type Handler = fn(&mut Org, &Ask) -> Result<Answer, Refusal>;

/// A row of the table: method, path below `/crm/v8` (`{id}` stands for one segment), class, what it needs, who answers.
type Row = (&'static str, &'static str, Class, Need, Handler);

const READ: Class = Class::Read;
const WRITE: Class = Class::Write;
const OTHER: Class = Class::Other;

const LEADS: Need = Need::setting("zohocrm.modules.leads", "read");
const ACCOUNTS: Need = Need::setting("zohocrm.modules.accounts", "read");

const ROUTES: &[Row] = &[
    ("GET", "Contacts", READ, Need::view(), records::list),
    ("POST", "Contacts", WRITE, Need::create(), records::insert),
    ("PUT", "Contacts", WRITE, Need::edit(), records::update),
    ("DELETE", "Contacts", WRITE, Need::delete(), records::delete),
    (
        "POST",
        "Contacts/upsert",
        WRITE,
        Need::upsert(),
        records::upsert,
    ),
    (
        "GET",
        "Contacts/deleted",
        READ,
        Need::view(),
        records::deleted,
    ),
    (
        "GET",
        "Contacts/search",
        READ,
        Need::search(),
        records::search,
    ),
    (
        "GET",
        "Contacts/actions/count",
        READ,
        Need::search(),
        records::count,
    ),
    (
        "POST",
        "Contacts/actions/add_tags",
        WRITE,
        Need::tag_records(),
        tags::add_many,
    ),
    (
        "POST",
        "Contacts/actions/remove_tags",
        WRITE,
        Need::tag_records(),
        tags::remove_many,
    ),
    ("GET", "Contacts/{id}", READ, Need::view(), records::one),
    (
        "PUT",
        "Contacts/{id}",
        WRITE,
        Need::edit(),
        records::update_one,
    ),
    (
        "DELETE",
        "Contacts/{id}",
        WRITE,
        Need::delete(),
        records::delete,
    ),
    (
        "POST",
        "Contacts/{id}/actions/add_tags",
        WRITE,
        Need::tag_records(),
        tags::add_one,
    ),
    (
        "POST",
        "Contacts/{id}/actions/remove_tags",
        WRITE,
        Need::tag_records(),
        tags::remove_one,
    ),
    ("POST", "coql", READ, Need::coql(), records::coql),
    ("GET", "Leads", READ, LEADS, records::leads),
    ("GET", "Leads/{id}", READ, LEADS, records::lead),
    ("GET", "Accounts", READ, ACCOUNTS, records::accounts),
    ("GET", "Accounts/{id}", READ, ACCOUNTS, records::account),
    (
        "GET",
        "settings/tags",
        OTHER,
        Need::setting("zohocrm.settings.tags", "read"),
        tags::list,
    ),
    (
        "POST",
        "settings/tags",
        OTHER,
        Need::setting("zohocrm.settings.tags", "create"),
        tags::create,
    ),
    (
        "PUT",
        "settings/tags",
        OTHER,
        Need::setting("zohocrm.settings.tags", "update"),
        tags::update,
    ),
    (
        "PUT",
        "settings/tags/{id}",
        OTHER,
        Need::setting("zohocrm.settings.tags", "update"),
        tags::update,
    ),
    (
        "DELETE",
        "settings/tags/{id}",
        OTHER,
        Need::setting("zohocrm.settings.tags", "delete"),
        tags::delete,
    ),
    (
        "GET",
        "settings/custom_views",
        OTHER,
        Need::setting("zohocrm.settings.custom_views", "read"),
        settings::views,
    ),
    (
        "GET",
        "settings/custom_views/{id}",
        OTHER,
        Need::setting("zohocrm.settings.custom_views", "read"),
        settings::view,
    ),
    (
        "GET",
        "settings/fields",
        OTHER,
        Need::setting("zohocrm.settings.fields", "read"),
        settings::fields,
    ),
    (
        "GET",
        "settings/fields/{id}",
        OTHER,
        Need::setting("zohocrm.settings.fields", "read"),
        settings::field,
    ),
    (
        "GET",
        "settings/modules",
        OTHER,
        Need::setting("zohocrm.settings.modules", "read"),
        settings::modules,
    ),
    (
        "GET",
        "settings/modules/{id}",
        OTHER,
        Need::setting("zohocrm.settings.modules", "read"),
        settings::module,
    ),
    (
        "GET",
        "settings/related_lists",
        OTHER,
        Need::setting("zohocrm.settings.related_lists", "read"),
        settings::none,
    ),
    (
        "GET",
        "settings/layouts",
        OTHER,
        Need::setting("zohocrm.settings.layouts", "read"),
        settings::layouts,
    ),
    (
        "GET",
        "settings/layouts/{id}",
        OTHER,
        Need::setting("zohocrm.settings.layouts", "read"),
        settings::layouts,
    ),
    (
        "GET",
        "settings/profiles",
        OTHER,
        Need::setting("zohocrm.settings.profiles", "read"),
        users::profiles,
    ),
    (
        "GET",
        "settings/profiles/{id}",
        OTHER,
        Need::setting("zohocrm.settings.profiles", "read"),
        users::profile,
    ),
    (
        "GET",
        "users",
        OTHER,
        Need::setting("zohocrm.users", "read"),
        users::users,
    ),
    (
        "GET",
        "users/{id}",
        OTHER,
        Need::setting("zohocrm.users", "read"),
        users::user,
    ),
    (
        "GET",
        "org",
        OTHER,
        Need::setting("zohocrm.org", "read"),
        users::org,
    ),
];

const BASE: &str = "/crm/v8/";

/// The newest version that a partner's portal has.
const PORTAL_BASE: &str = "/crm/v6/";

/// The path below the version; of a portal, below its own. A portal knows no newer one.
fn below(path: &str) -> Result<&str, Refusal> {
    let Some(portal) = path.strip_prefix("/portal/") else {
        return path.strip_prefix(BASE).ok_or_else(Refusal::unknown_url);
    };
    let (_, rest) = portal.split_once('/').ok_or_else(Refusal::unknown_url)?;
    match rest.strip_prefix(PORTAL_BASE.trim_start_matches('/')) {
        Some(below) => Ok(below),
        None => Err(Refusal::invalid_host()),
    }
}

/// The row of a call and the id in its path; or why there is none.
fn find(method: &str, path: &str) -> Result<(&'static Row, Option<String>), Refusal> {
    let below = below(path)?.trim_end_matches('/');
    let segments: Vec<&str> = below.split('/').collect();
    let mut known_path = false;
    for row in ROUTES {
        let Some(id) = fits(row.1, &segments) else {
            continue;
        };
        known_path = true;
        if row.0 == method {
            return Ok((row, id.map(str::to_owned)));
        }
    }
    if known_path {
        return Err(Refusal::bad_method());
    }
    match segments.first() {
        Some(&("settings" | "Contacts" | "Leads" | "Accounts" | "users" | "org" | "coql" | ""))
        | None => Err(Refusal::unknown_url()),
        Some(_) => Err(Refusal::invalid_module(json!({"resource_path_index": 0}))),
    }
}

/// The id among the segments when they fit the pattern; outer `None` when they do not.
#[expect(
    clippy::option_option,
    reason = "whether it fits and whether it has an id are two questions"
)]
fn fits<'a>(pattern: &str, segments: &[&'a str]) -> Option<Option<&'a str>> {
    let mut id = None;
    let mut rest = segments.iter();
    for part in pattern.split('/') {
        let segment = rest.next()?;
        if part == "{id}" {
            id = Some(*segment);
        } else if !part.eq_ignore_ascii_case(segment) {
            return None;
        }
    }
    rest.next().is_none().then_some(id)
}

/// Names a call for the request log.
pub fn classify(method: &str, path: &str) -> Call {
    match find(method, path) {
        Ok((row, _)) => Call {
            route: format!("{method} {BASE}{}", row.1),
            class: row.2,
        },
        Err(_) => Call {
            route: format!("{method} {path}"),
            class: Class::Other,
        },
    }
}

/// Registers the routes.
pub fn routes(zoho: &Arc<Zoho>, cfg: &mut ServiceConfig) {
    cfg.app_data(web::Data::from(Arc::clone(zoho)));
    cfg.service(web::resource("/crm/{tail:.*}").to(answer));
    cfg.service(web::resource("/portal/{portal}/crm/{tail:.*}").to(answer));
}

async fn answer(zoho: web::Data<Zoho>, req: HttpRequest, body: Bytes) -> HttpResponse {
    match find(req.method().as_str(), req.path()) {
        Ok((row, id)) => door::enter(&zoho, &req, &body, id, row.3, row.4).await,
        Err(refusal) => door::refuse(&refusal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_named_by_route() {
        let check = |method: &str, path: &str, expect: &str| {
            let got = match find(method, path) {
                Ok(_) => classify(method, path).route,
                Err(refusal) => refusal.body["code"].as_str().unwrap().to_owned(),
            };
            assert_eq!(got, expect, "{method} {path}");
        };
        check("GET", "/crm/v8/Contacts", "GET /crm/v8/Contacts");
        check("GET", "/crm/v8/contacts/12", "GET /crm/v8/Contacts/{id}");
        check(
            "GET",
            "/crm/v8/Contacts/deleted",
            "GET /crm/v8/Contacts/deleted",
        );
        check(
            "POST",
            "/crm/v8/Contacts/12/actions/add_tags",
            "POST /crm/v8/Contacts/{id}/actions/add_tags",
        );
        check("PATCH", "/crm/v8/Contacts", "INVALID_REQUEST_METHOD");
        check("GET", "/crm/v8/Leads", "GET /crm/v8/Leads");
        check("PUT", "/crm/v8/Leads/1", "INVALID_REQUEST_METHOD");
        check("GET", "/crm/v8/Accounts/1", "GET /crm/v8/Accounts/{id}");
        check("GET", "/crm/v8/Deals", "INVALID_MODULE");
        check("GET", "/crm/v8/Events/1", "INVALID_MODULE");
        check("GET", "/crm/v8/settings/nope", "INVALID_URL_PATTERN");
        check("GET", "/crm/v2/Contacts", "INVALID_URL_PATTERN");
    }
}
