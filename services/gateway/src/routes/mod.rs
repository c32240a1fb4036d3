//! The routes, by resource. One endpoint is one file: doc, request, response, handler.

pub mod accounts;
pub mod api_keys;
pub mod audit;
pub mod compatible_kinds;
pub mod conflicts;
pub mod connections;
pub mod default_mapping;
pub mod docs;
pub mod health;
pub mod history;
pub mod hooks;
pub mod invitations;
pub mod members;
pub mod oauth;
pub mod plan;
pub mod problems;
pub mod providers;
pub mod reviews;
pub mod runs;
pub mod sessions;
pub mod tenants;

use actix_web::http::Method;
use actix_web::{HttpResponse, Resource, Route, guard, web};

use crate::problem::Problem;

/// Adds every route.
pub fn configure(app: &mut web::ServiceConfig) {
    app.configure(tenants::configure)
        .configure(sessions::configure)
        .configure(members::configure)
        .configure(invitations::configure)
        .configure(api_keys::configure)
        .configure(plan::configure)
        .configure(providers::configure)
        .configure(accounts::configure)
        .configure(oauth::configure)
        .configure(audit::configure)
        .configure(default_mapping::configure)
        .configure(compatible_kinds::configure)
        .configure(connections::configure)
        .configure(runs::configure)
        .configure(problems::configure)
        .configure(reviews::configure)
        .configure(conflicts::configure)
        .configure(history::configure)
        .configure(hooks::configure)
        .configure(health::configure)
        .configure(docs::configure);
}

/// Adds what a process without an API serves.
pub fn operations(app: &mut web::ServiceConfig) {
    health::configure(app);
}

/// A resource with its methods; any other method is told which there are. What answers GET answers HEAD as well: of that
/// answer the server sends the head alone.
fn at(path: &str, routes: impl IntoIterator<Item = (Method, Route)>) -> Resource {
    let mut allow: Vec<String> = Vec::new();
    let mut resource = web::resource(path);
    for (method, route) in routes {
        allow.push(method.to_string());
        let route = if method == Method::GET {
            allow.push(Method::HEAD.to_string());
            route.guard(guard::Any(guard::Get()).or(guard::Head()))
        } else {
            route.method(method)
        };
        resource = resource.route(route);
    }
    let allow = allow.join(", ");
    resource.default_service(web::to(move || {
        let problem = Problem::method_not_allowed(allow.clone());
        async move { Err::<HttpResponse, _>(problem) }
    }))
}
