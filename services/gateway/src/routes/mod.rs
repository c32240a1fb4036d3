//! The routes, by resource. One endpoint is one file: doc, request, response, handler.

pub mod accounts;
pub mod api_keys;
pub mod audit;
pub mod conflicts;
pub mod connections;
pub mod default_mapping;
pub mod docs;
pub mod health;
pub mod history;
pub mod oauth;
pub mod problems;
pub mod providers;
pub mod reviews;
pub mod runs;
pub mod sessions;
pub mod tenants;

use actix_web::http::Method;
use actix_web::{HttpResponse, Resource, Route, web};

use crate::problem::Problem;

/// Adds every route.
pub fn configure(app: &mut web::ServiceConfig) {
    app.configure(tenants::configure)
        .configure(sessions::configure)
        .configure(api_keys::configure)
        .configure(providers::configure)
        .configure(accounts::configure)
        .configure(oauth::configure)
        .configure(audit::configure)
        .configure(default_mapping::configure)
        .configure(connections::configure)
        .configure(runs::configure)
        .configure(problems::configure)
        .configure(reviews::configure)
        .configure(conflicts::configure)
        .configure(history::configure)
        .configure(health::configure)
        .configure(docs::configure);
}

/// Adds what a process without an API serves.
pub fn operations(app: &mut web::ServiceConfig) {
    health::configure(app);
}

/// A resource with its methods; any other method is told which there are.
fn at(path: &str, routes: impl IntoIterator<Item = (Method, Route)>) -> Resource {
    let mut allow: Vec<String> = Vec::new();
    let mut resource = web::resource(path);
    for (method, route) in routes {
        allow.push(method.to_string());
        resource = resource.route(route.method(method));
    }
    let allow = allow.join(", ");
    resource.default_service(web::to(move || {
        let problem = Problem::method_not_allowed(allow.clone());
        async move { Err::<HttpResponse, _>(problem) }
    }))
}
