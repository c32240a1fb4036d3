//! `/v1/connections`: two accounts' collections kept in step.

mod allowed;
pub mod conflicts;
pub mod create;
pub mod default_mapping;
pub mod delete;
mod edit;
mod excluded;
pub mod get;
pub mod health;
pub mod links;
pub mod list;
pub mod pause;
pub mod preview;
pub mod problems;
pub mod records;
pub mod resume;
pub mod reviews;
pub mod run_now;
pub mod runs;
pub mod update;

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpResponse, web};
use syncline_model::{Connection, ConnectionId};

use crate::auth::Caller;
use crate::extract::IfMatch;
use crate::problem::Problem;
use crate::wire::ConnectionJson;

/// Connections looked through at a time.
const BATCH: u32 = 200;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    let one = |path: &str| format!("/v1/connections/{{id}}{path}");
    app.service(super::at(
        "/v1/connections",
        [
            (Method::GET, web::to(list::handle)),
            (Method::POST, web::to(create::handle)),
        ],
    ))
    .service(super::at(
        &one(""),
        [
            (Method::GET, web::to(get::handle)),
            (Method::PATCH, web::to(update::handle)),
            (Method::DELETE, web::to(delete::handle)),
        ],
    ))
    .service(super::at(
        &one("/runs"),
        [
            (Method::GET, web::to(runs::handle)),
            (Method::POST, web::to(run_now::handle)),
        ],
    ));
    for (path, method, route) in [
        ("/pause", Method::POST, web::to(pause::handle)),
        ("/preview", Method::POST, web::to(preview::handle)),
        ("/resume", Method::POST, web::to(resume::handle)),
        (
            "/default-mapping",
            Method::GET,
            web::to(default_mapping::handle),
        ),
        ("/health", Method::GET, web::to(health::handle)),
        ("/links", Method::GET, web::to(links::handle)),
        ("/records", Method::GET, web::to(records::handle)),
        ("/problems", Method::GET, web::to(problems::handle)),
        ("/reviews", Method::GET, web::to(reviews::handle)),
        ("/conflicts", Method::GET, web::to(conflicts::handle)),
    ] {
        app.service(super::at(&one(path), [(method, route)]));
    }
}

/// A connection with its version.
fn answer(status: StatusCode, connection: Connection) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::ETAG, IfMatch::tag(connection.revision)))
        .json(ConnectionJson::from(connection))
}

/// The first connection of the caller's that is so, if any.
async fn any(
    caller: &Caller,
    is_so: impl Fn(&Connection) -> bool,
) -> Result<Option<Connection>, Problem> {
    let mut after: Option<ConnectionId> = None;
    loop {
        let page = caller.rows.connection_list(after, BATCH).await?;
        after = page.last().map(|connection| connection.id);
        let full = page.len() >= BATCH as usize;
        let found = page.into_iter().find(&is_so);
        if found.is_some() || !full {
            return Ok(found);
        }
    }
}
