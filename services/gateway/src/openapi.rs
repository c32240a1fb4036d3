//! The OpenAPI 3.1 document, from the code. What every operation has in common (credentials, problems, headers) is added
//! here, once.

use std::collections::HashMap;

use actix_web::http::Method;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, Object, Ref, RefOr, Required, Response, ResponseBuilder, Type};
use utoipa::{Modify, OpenApi};

use crate::idempotency::EXEMPT;
use crate::problem::ProblemBody;
use crate::routes::{
    accounts, api_keys, audit, compatible_kinds, conflicts, connections, default_mapping, docs,
    health, history, hooks, invitations, members, oauth, plan, problems, providers, reviews, runs,
    sessions, tenants,
};

/// The document as indented JSON, ending in a line feed: what is committed at `openapi/openapi.json`.
pub fn openapi() -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(&Document::openapi())?;
    text.push('\n');
    Ok(text)
}

/// The name of every operation, by its method and its path as the document has it.
pub fn operations() -> HashMap<(Method, String), String> {
    let mut all = HashMap::new();
    for (path, item) in Document::openapi().paths.paths {
        let methods = [
            (Method::GET, item.get),
            (Method::POST, item.post),
            (Method::PUT, item.put),
            (Method::PATCH, item.patch),
            (Method::DELETE, item.delete),
        ];
        for (method, operation) in methods {
            if let Some(name) = operation.and_then(|operation| operation.operation_id) {
                all.insert((method, path.clone()), name);
            }
        }
    }
    all
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Syncline",
        version = "1.0.0",
        description = "Keeps contacts the same in the apps that a company uses.\n\nErrors are `application/problem+json` (RFC 9457) with a stable `code`. Lists page by cursor: send `next` as `after`. POST honours `Idempotency-Key`. What belongs to someone else is not found.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        tenants::create::handle,
        sessions::create::handle,
        sessions::refresh::handle,
        sessions::delete::handle,
        members::list::handle,
        members::change::handle,
        members::remove::handle,
        invitations::list::handle,
        invitations::create::handle,
        invitations::accept::handle,
        invitations::take_back::handle,
        api_keys::list::handle,
        api_keys::create::handle,
        api_keys::revoke::handle,
        plan::handle,
        providers::list::handle,
        providers::get::handle,
        accounts::list::handle,
        accounts::create::handle,
        accounts::get::handle,
        accounts::delete::handle,
        accounts::authorize::handle,
        accounts::login::handle,
        accounts::collections::handle,
        accounts::create_collection::handle,
        accounts::permissions::handle,
        accounts::fields::handle,
        oauth::callback::handle,
        oauth::agree::handle,
        audit::handle,
        default_mapping::handle,
        compatible_kinds::handle,
        connections::list::handle,
        connections::create::handle,
        connections::get::handle,
        connections::update::handle,
        connections::preview::handle,
        connections::delete::handle,
        connections::pause::handle,
        connections::resume::handle,
        connections::default_mapping::handle,
        connections::health::handle,
        connections::runs::handle,
        connections::run_now::handle,
        connections::links::handle,
        connections::records::handle,
        connections::problems::handle,
        connections::conflicts::handle,
        connections::reviews::handle,
        runs::get::handle,
        runs::events::handle,
        runs::changes::handle,
        runs::approve::handle,
        runs::cancel::handle,
        problems::handle,
        reviews::answer::handle,
        reviews::get::handle,
        reviews::take_back::handle,
        conflicts::handle,
        history::handle,
        hooks::probe::handle,
        hooks::hear::handle,
        health::alive,
        health::ready,
        health::metrics,
        docs::document,
    ),
    components(schemas(ProblemBody, runs::events::ProgressJson)),
    security(("bearer" = [])),
    modifiers(&Common),
    tags(
        (name = "sign-up and sessions", description = "Who calls"),
        (name = "members", description = "The people of a tenant, and what each may do"),
        (name = "API keys", description = "Programs that act for a tenant"),
        (name = "plans", description = "What a tenant may use"),
        (name = "providers", description = "What accounts can be opened at"),
        (name = "accounts", description = "Authorised access to logins at providers"),
        (name = "connections", description = "Two accounts' collections kept in step"),
        (name = "runs", description = "One sync of one connection"),
        (name = "records", description = "Links, problems, conflicts, history"),
        (name = "hooks", description = "Providers tell that something changed"),
        (name = "operations", description = "For those who watch over the process"),
    )
)]
struct Document;

/// What every operation has in common.
struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        if let Some(components) = document.components.as_mut() {
            components.add_security_scheme(
                "bearer",
                bearer("JWT or `sk_...`", "An access token, or an API key."),
            );
            let words = "A refresh token, for signing out.";
            components.add_security_scheme("refresh_token", bearer("`rt_...`", words));
        }
        for (path, item) in &mut document.paths.paths {
            let methods = [
                (&mut item.get, false),
                (&mut item.post, true),
                (&mut item.put, false),
                (&mut item.patch, false),
                (&mut item.delete, false),
            ];
            for (operation, is_post) in methods {
                if let Some(operation) = operation {
                    common(path, is_post, operation);
                }
            }
        }
    }
}

fn common(path: &str, is_post: bool, operation: &mut Operation) {
    let api = path.starts_with("/v1/");
    let public = operation.security == Some(vec![SecurityRequirement::default()]);
    let has_body = operation.request_body.is_some();
    if api && !public {
        problem(operation, 401, "`unauthenticated`");
        if path != "/v1/sessions" {
            problem(
                operation,
                403,
                "`forbidden`: the member's role, or the API key, lacks the scope",
            );
        }
    }
    if path.contains('{') || path == "/v1/default-mapping" {
        problem(
            operation,
            404,
            "`not_found`, also for what belongs to someone else",
        );
    }
    if has_body {
        problem(operation, 400, "`malformed_json`");
        problem(operation, 413, "`body_too_large`: more than 1 MiB");
        problem(operation, 415, "`unsupported_media_type`");
        problem(
            operation,
            422,
            "`validation_failed`: `errors` names each place",
        );
    } else if operation.parameters.as_ref().is_some_and(|all| {
        all.iter()
            .any(|one| matches!(one, RefOr::T(one) if one.parameter_in == ParameterIn::Query))
    }) {
        problem(operation, 400, "`invalid_parameter`");
    }
    if api {
        problem(
            operation,
            429,
            "`too_many_requests`: `Retry-After` says when to come back",
        );
    }
    problem_named(operation, "default", "Any other problem");
    if api && is_post && !public && !EXEMPT.contains(&path) {
        let all = operation.parameters.get_or_insert_default();
        all.push(RefOr::T(idempotency_key()));
        problem(
            operation,
            409,
            "`request_in_progress`: the same `Idempotency-Key` is being worked on",
        );
        problem(operation, 422, "`idempotency_key_reused`");
    }
}

fn problem(operation: &mut Operation, status: u16, words: &str) {
    problem_named(operation, &status.to_string(), words);
}

/// Adds a problem answer, unless the operation has a better word for it.
fn problem_named(operation: &mut Operation, status: &str, words: &str) {
    let answers = &mut operation.responses.responses;
    if !answers.contains_key(status) {
        answers.insert(status.to_owned(), RefOr::T(problem_answer(words)));
    }
}

fn problem_answer(words: &str) -> Response {
    ResponseBuilder::new()
        .description(words)
        .content(
            "application/problem+json",
            Content::new(Some(Ref::from_schema_name("Problem"))),
        )
        .build()
}

fn idempotency_key() -> Parameter {
    let mut text = Object::with_type(Type::String);
    text.min_length = Some(1);
    text.max_length = Some(255);
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("A request that is repeated with the same key gets the first one's answer and is not done again."))
        .schema(Some(text))
        .build()
}

fn bearer(format: &str, words: &str) -> SecurityScheme {
    let mut scheme = Http::new(HttpAuthScheme::Bearer);
    scheme.bearer_format = Some(format.to_owned());
    scheme.description = Some(words.to_owned());
    SecurityScheme::Http(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The committed document is the code's. After a change: `cargo run -p syncline-gateway --example openapi > openapi/openapi.json`.
    #[test]
    fn the_committed_document_is_up_to_date() {
        let committed = include_str!("../../../openapi/openapi.json");
        assert!(
            openapi().expect("the document") == committed,
            "openapi/openapi.json is stale"
        );
    }

    /// What a handler says of itself is in the document, and the audit has its name.
    #[test]
    fn every_handler_is_described() {
        let described = operations();
        let mut folders = vec![concat!(env!("CARGO_MANIFEST_DIR"), "/src/routes").into()];
        let mut handlers = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir::<std::path::PathBuf>(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).expect("source");
                for named in text.split("operation_id = \"").skip(1) {
                    let name = named.split('"').next().unwrap_or_default();
                    assert!(described.values().any(|known| known == name), "{name}");
                    handlers += 1;
                }
            }
        }
        assert_eq!(handlers, described.len());
    }

    /// S-17: what a request may hold is all named; what goes wrong is told alike everywhere.
    #[test]
    fn requests_are_closed_and_failures_are_problems() {
        let document = serde_json::to_value(Document::openapi()).expect("json");
        let mut bodies = 0;
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("an item") {
                let answer = &operation["responses"]["default"]["content"];
                assert!(
                    answer.get("application/problem+json").is_some(),
                    "{method} {path}"
                );
                let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
                let Some(name) = schema["$ref"].as_str() else {
                    // What providers say is in their own words.
                    let has_body = operation.get("requestBody").is_some();
                    assert!(
                        !has_body || path.starts_with(hooks::BELOW),
                        "{method} {path}"
                    );
                    continue;
                };
                let name = name.trim_start_matches("#/components/schemas/");
                let closed = &document["components"]["schemas"][name]["additionalProperties"];
                assert_eq!(*closed, false, "{name}");
                bodies += 1;
            }
        }
        assert!(bodies >= 8, "{bodies}");
    }
}
