//! The way every call takes before its handler: token, scopes, permission, limits; and after it: headers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;

use super::{Answer, Ask, Handler};
use crate::core::lock;
use crate::zoho::errors::Refusal;
use crate::zoho::org::Org;
use crate::zoho::params::Params;
use crate::zoho::{Zoho, limits, listing, workflow};

/// What a call needs to be let in.
#[derive(Debug, Clone, Copy)]
pub struct Need {
    /// Scopes in lower case without their verb, each with the verb.
    scopes: [Option<(&'static str, &'static str)>; 2],
    /// Permission of the user's profile.
    permission: Option<&'static str>,
    /// How credits are counted.
    price: Price,
}

/// Credits of a call.
#[derive(Debug, Clone, Copy)]
enum Price {
    /// 1, or 3 with a view.
    Read,
    /// 1 for every 10 records.
    Write,
    /// 1 for every 50 records.
    Tags,
}

const CONTACTS: &str = "zohocrm.modules.contacts";

impl Need {
    const fn new(verb: &'static str, permission: &'static str, price: Price) -> Self {
        Self {
            scopes: [Some((CONTACTS, verb)), None],
            permission: Some(permission),
            price,
        }
    }

    /// Reads contacts.
    pub const fn view() -> Self {
        Self::new("read", "Crm_Implied_View_Contacts", Price::Read)
    }

    /// Adds contacts.
    pub const fn create() -> Self {
        Self::new("create", "Crm_Implied_Create_Contacts", Price::Write)
    }

    /// Changes contacts.
    pub const fn edit() -> Self {
        Self::new("update", "Crm_Implied_Edit_Contacts", Price::Write)
    }

    /// Adds or changes contacts.
    pub const fn upsert() -> Self {
        Self {
            scopes: [Some((CONTACTS, "create")), Some((CONTACTS, "update"))],
            ..Self::edit()
        }
    }

    /// Deletes contacts.
    pub const fn delete() -> Self {
        Self::new("delete", "Crm_Implied_Delete_Contacts", Price::Read)
    }

    /// Searches contacts.
    pub const fn search() -> Self {
        Self {
            scopes: [
                Some((CONTACTS, "read")),
                Some(("zohosearch.securesearch", "read")),
            ],
            ..Self::view()
        }
    }

    /// Queries contacts.
    pub const fn coql() -> Self {
        Self {
            scopes: [Some((CONTACTS, "read")), Some(("zohocrm.coql", "read"))],
            ..Self::view()
        }
    }

    /// Tags contacts.
    pub const fn tag_records() -> Self {
        Self::new("update", "Crm_Implied_Tags_Contacts", Price::Tags)
    }

    /// Anything which needs one scope only.
    pub const fn setting(scope: &'static str, verb: &'static str) -> Self {
        Self {
            scopes: [Some((scope, verb)), None],
            permission: None,
            price: Price::Read,
        }
    }

    /// No scope at all means all: tokens handed out by the admin API without naming any.
    fn granted_by(&self, scopes: &[String]) -> bool {
        let mut needed = self.scopes.iter().flatten();
        scopes.is_empty()
            || needed.all(|(area, verb)| scopes.iter().any(|scope| grants(scope, area, verb)))
    }

    fn cost(&self, ask: &Ask, path: &str) -> u32 {
        let length = |name: &str| {
            let items = ask
                .body
                .as_ref()
                .and_then(|body| body.get(name))
                .and_then(Value::as_array);
            items.map_or(1, Vec::len)
        };
        let cost = match self.price {
            Price::Read if path.ends_with("/deleted") => 2,
            Price::Read if ask.params.get("cvid").is_some() => 3,
            Price::Read => 1,
            Price::Write => length("data").div_ceil(10),
            Price::Tags => length("ids").div_ceil(50),
        };
        u32::try_from(cost.max(1)).unwrap_or(u32::MAX)
    }
}

/// Whether a scope such as `ZohoCRM.modules.ALL` covers an area and verb.
fn grants(scope: &str, area: &str, verb: &str) -> bool {
    let scope = scope.to_lowercase();
    let Some((prefix, granted)) = scope.rsplit_once('.') else {
        return false;
    };
    let covers = area == prefix
        || area
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with('.'));
    let writes = granted == "write" && matches!(verb, "create" | "update" | "delete");
    covers && (granted == "all" || granted == verb || writes)
}

/// Lets a call in, has it handled and answers.
pub async fn enter(
    zoho: &Zoho,
    req: &HttpRequest,
    body: &[u8],
    id: Option<String>,
    need: Need,
    handler: Handler,
) -> HttpResponse {
    let org = match admit(zoho, req, &need) {
        Ok(org) => org,
        Err(refusal) => return refuse(&refusal),
    };
    let header = |name: &str| {
        req.headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let mut ask = Ask {
        params: Params::parse(req.query_string()),
        body: serde_json::from_slice(body).ok(),
        id,
        since: listing::instant(header("if-modified-since")),
        unmodified_since: listing::instant(header("if-unmodified-since")),
        now_ms: zoho.now_ms(),
    };
    let (in_flight, allowed, delay) = {
        let org = lock(&org);
        (
            Arc::clone(&org.in_flight),
            org.knobs.concurrency,
            org.knobs.answer_delay_ms,
        )
    };
    let under_way = UnderWay::begin(in_flight);
    if allowed.is_some_and(|allowed| under_way.count > allowed) {
        return refuse(&Refusal::too_many(
            "Too many requests fired in concurrency limit",
        ));
    }
    if delay > 0 {
        tokio::time::sleep(Duration::from_millis(delay)).await;
        ask.now_ms = zoho.now_ms();
    }
    let cost = need.cost(&ask, req.path());
    let (outcome, remaining) = {
        let mut org = lock(&org);
        workflow::settle(&mut org, ask.now_ms);
        match limits::charge(&mut org, cost, ask.now_ms) {
            Err(refusal) => (Err(refusal), None),
            Ok(remaining) => {
                let permitted = |name: &str| org.permissions.get(name).copied().unwrap_or(true);
                match need.permission.filter(|name| !permitted(name)) {
                    Some(name) => (Err(Refusal::no_permission(name)), remaining),
                    None => (handler(&mut org, &ask), remaining),
                }
            }
        }
    };
    let mut response = match outcome {
        Ok(answer) => show(&answer),
        Err(refusal) => refuse(&refusal),
    };
    if let Some(remaining) = remaining {
        let name = header::HeaderName::from_static("x-api-credits-remaining");
        response
            .headers_mut()
            .insert(name, header::HeaderValue::from(remaining));
    }
    response
}

/// Checks the token and its scopes; answers the organisation it opens.
fn admit(
    zoho: &Zoho,
    req: &HttpRequest,
    need: &Need,
) -> Result<Arc<std::sync::Mutex<Org>>, Refusal> {
    let value = req
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let (scheme, token) = value
        .and_then(|text| text.split_once(' '))
        .ok_or_else(Refusal::unauthenticated)?;
    if !["zoho-oauthtoken", "bearer"].contains(&scheme.to_lowercase().as_str()) {
        return Err(Refusal::unauthenticated());
    }
    let login = zoho
        .core
        .oauth
        .authenticate("zoho", token.trim())
        .map_err(|_| Refusal::invalid_token())?;
    let org = zoho
        .org(&login.account)
        .ok_or_else(Refusal::invalid_token)?;
    if need.granted_by(&login.scopes) {
        Ok(org)
    } else {
        Err(Refusal::scope_mismatch())
    }
}

/// Counts a call for as long as it lives, also when the client goes away.
struct UnderWay {
    counter: Arc<AtomicUsize>,
    count: usize,
}

impl UnderWay {
    fn begin(counter: Arc<AtomicUsize>) -> Self {
        let count = counter.fetch_add(1, Ordering::SeqCst) + 1;
        Self { counter, count }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.counter.fetch_sub(1, Ordering::SeqCst);
    }
}

fn show(answer: &Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    match &answer.body {
        Some(body) => response
            .content_type("application/json;charset=UTF-8")
            .body(body.to_string()),
        None => response.finish(),
    }
}

/// A refusal on the wire.
pub fn refuse(refusal: &Refusal) -> HttpResponse {
    show(&Answer {
        status: refusal.status,
        body: Some(refusal.body.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_cover_areas_and_verbs() {
        let check = |scope: &str, need: Need, expect: bool| {
            assert_eq!(
                need.granted_by(&[scope.to_owned()]),
                expect,
                "{scope} {need:?}"
            );
        };
        check("ZohoCRM.modules.ALL", Need::view(), true);
        check("ZohoCRM.modules.READ", Need::view(), true);
        check("ZohoCRM.modules.READ", Need::edit(), false);
        check("ZohoCRM.modules.Contacts.ALL", Need::upsert(), true);
        check("ZohoCRM.modules.contacts.WRITE", Need::delete(), true);
        check("ZohoCRM.modules.contacts.WRITE", Need::view(), false);
        check("ZohoCRM.modules.leads.ALL", Need::view(), false);
        check("ZohoCRM.modules.ALL", Need::search(), false);
        check(
            "ZohoCRM.settings.all",
            Need::setting("zohocrm.settings.fields", "read"),
            true,
        );
        check(
            "ZohoCRM.users.READ",
            Need::setting("zohocrm.users", "read"),
            true,
        );
    }
}
