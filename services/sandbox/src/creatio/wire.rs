//! From a call of the OData service to its answer; a part of a batch is a call like any other.

use serde_json::{Value, json};

use super::ROOT;
use super::query::{self, Options};
use super::refusal::Refusal;
use super::schema;
use super::site::Site;
use crate::core::oauth::params::Params;
use crate::core::provider::{Call, Class};

/// A call.
pub struct Ask {
    /// Its method.
    pub method: String,
    /// What stands after `/odata/`, without the query.
    pub path: String,
    /// The query.
    pub query: Params,
    /// The body as JSON; null when there is none.
    pub body: Value,
    /// Where the service is, for links.
    pub base: String,
}

/// An answer.
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The body; null for none.
    pub body: Value,
    /// Where a new record is.
    pub location: Option<String>,
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        Self {
            status: refusal.status,
            body: refusal.body,
            location: None,
        }
    }
}

/// Names a request.
pub fn classify(method: &str, path: &str) -> Call {
    let rest = path
        .strip_prefix(ROOT)
        .and_then(|rest| rest.split_once('/'));
    let rest = rest.map_or("", |(_, rest)| rest);
    let odata = rest
        .strip_prefix("0/odata/")
        .or_else(|| rest.strip_prefix("odata/"));
    let Some(target) = odata else {
        let class = if rest.starts_with("connect/")
            || rest.contains(".well-known/")
            || rest.contains("Login")
        {
            Class::Auth
        } else {
            Class::Other
        };
        return Call {
            route: format!("{method} /{rest}"),
            class,
        };
    };
    let (name, id) = target
        .split_once(['(', '/'])
        .map_or((target, ""), |(name, _)| (name, "({id})"));
    let class = match (name, method) {
        ("Contact" | "ContactCommunication" | "ContactAddress" | "ContactInTag", "GET") => {
            Class::Read
        }
        ("Contact" | "ContactCommunication" | "ContactAddress" | "ContactInTag" | "$batch", _) => {
            Class::Write
        }
        _ => Class::Other,
    };
    Call {
        route: format!("{method} /0/odata/{name}{id}"),
        class,
    }
}

/// The collection and the id that a path names.
fn target(path: &str) -> (&str, Option<String>) {
    let id = |text: &str| text.trim_matches(['(', ')', '/']).to_lowercase();
    match path.split_once(['(', '/']) {
        Some((name, rest)) => (name, Some(id(rest)).filter(|id| !id.is_empty())),
        None => (path, None),
    }
}

/// Answers a call.
pub fn answer(site: &mut Site, ask: &Ask) -> Reply {
    done(site, ask).unwrap_or_else(Reply::from)
}

fn ok(status: u16, body: Value) -> Reply {
    Reply {
        status,
        body,
        location: None,
    }
}

fn done(site: &mut Site, ask: &Ask) -> Result<Reply, Refusal> {
    let (name, id) = target(&ask.path);
    let counts = id.as_deref() == Some("$count");
    let known = schema::entity(name).filter(|_| !site.knobs.rebuilding);
    if name.is_empty() {
        let all = schema::ENTITIES
            .iter()
            .map(|(name, _)| json!({"name": name, "kind": "EntitySet", "url": name}));
        return Ok(ok(
            200,
            json!({"@odata.context": format!("{}$metadata", ask.base), "value": all.collect::<Vec<_>>()}),
        ));
    }
    let entity =
        known.ok_or_else(|| Refusal::no_controller(&format!("{}{}", ask.base, ask.path), name))?;
    let options = Options::read(site, entity, ask.query.iter())?;
    match (ask.method.as_str(), id) {
        ("GET", Some(_)) if counts => {
            let (_, all) = query::list(site, entity, &Options::default())?;
            Ok(ok(200, json!(all)))
        }
        ("GET", None) => {
            let (rows, all) = query::list(site, entity, &options)?;
            let mut body = json!({"@odata.context": format!("{}$metadata#{entity}", ask.base)});
            if let Some(members) = body.as_object_mut() {
                if options.count {
                    members.insert("@odata.count".into(), json!(all));
                }
                members.insert("value".into(), rows.into());
            }
            Ok(ok(200, body))
        }
        ("GET", Some(id)) => {
            let row = site.row(entity, &id).ok_or_else(Refusal::no_record)?;
            let shown = query::render(site, entity, row, &options, false);
            Ok(ok(200, with_context(shown, ask, entity)))
        }
        ("POST", None) => insert(site, ask, entity),
        ("PATCH", Some(id)) => {
            let body = ask
                .body
                .as_object()
                .ok_or_else(|| Refusal::bad("The body is no entity."))?;
            match site.update(entity, &id, body) {
                // Nothing is said of a record that is not there.
                Err(refusal) if refusal.status != 404 => Err(refusal),
                _ => Ok(ok(204, Value::Null)),
            }
        }
        ("DELETE", Some(id)) => {
            if site.delete(entity, &id) {
                Ok(ok(204, Value::Null))
            } else {
                Err(Refusal::no_record())
            }
        }
        _ => Err(Refusal::odata(
            405,
            "The requested resource does not support http method.",
        )),
    }
}

fn insert(site: &mut Site, ask: &Ask, entity: &'static str) -> Result<Reply, Refusal> {
    let body = ask
        .body
        .as_object()
        .ok_or_else(|| Refusal::bad("The body is no entity."))?;
    let id = site.insert(entity, body, schema::ME)?;
    if entity == "Contact" && site.knobs.failing_inserts > 0 {
        // A handler of the configuration fails after the row was written.
        site.knobs.failing_inserts -= 1;
        return Err(Refusal::exception(
            "NullOrEmptyException",
            "Value for argument \"entity\" must be specified.",
        ));
    }
    let row = site.row(entity, &id).ok_or_else(Refusal::no_record)?;
    let mut shown = query::render(site, entity, row, &Options::default(), true);
    if !site.knobs.inserts_tell_who
        && let Some(columns) = shown.as_object_mut()
    {
        columns.remove("CreatedById");
    }
    Ok(Reply {
        status: 201,
        body: with_context(shown, ask, entity),
        location: Some(format!("{}{entity}({id})", ask.base)),
    })
}

fn with_context(shown: Value, ask: &Ask, entity: &str) -> Value {
    let mut shown = shown;
    if let Some(members) = shown.as_object_mut() {
        let context = format!("{}$metadata#{entity}/$entity", ask.base);
        members.insert("@odata.context".into(), json!(context));
    }
    shown
}
