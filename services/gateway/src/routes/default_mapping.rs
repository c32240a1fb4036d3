//! `GET /v1/default-mapping`: what `"mapping": "default"` stands for between two accounts, before there is a connection.

use actix_web::http::Method;
use actix_web::web::{self, Json};
use serde::Deserialize;
use syncline_model::{AccountId, Direction, MappingEntry, SideConfig, Sides};
use utoipa::IntoParams;

use crate::auth::CanRead;
use crate::extract::{Page, Query};
use crate::live;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at(
        "/v1/default-mapping",
        [(Method::GET, web::to(handle))],
    ));
}

/// Which accounts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Between {
    /// The account of side a.
    #[param(value_type = schema::AccountId)]
    a: AccountId,
    /// The account of side b.
    #[param(value_type = schema::AccountId)]
    b: AccountId,
}

/// Get the default mapping between two accounts
///
/// From the fields that the two accounts have now, for both directions; always one page.
#[utoipa::path(get, path = "/v1/default-mapping", operation_id = "get_default_mapping", tag = "connections",
    params(Between),
    responses((status = 200, description = "Its entries", body = Page<schema::MappingEntry>)))]
pub async fn handle(
    state: web::Data<State>,
    CanRead(caller): CanRead,
    Query(between): Query<Between>,
) -> Result<Json<Page<MappingEntry>>, Problem> {
    for account in [between.a, between.b] {
        caller.rows.account_get(account).await?;
    }
    let side = |account| SideConfig {
        account,
        collection: None,
    };
    let sides = Sides {
        a: side(between.a),
        b: side(between.b),
    };
    let live = live::look(&state, &caller, &sides).await?;
    Ok(Json(Page {
        data: live.default_mapping(Direction::TwoWay).entries,
        next: None,
    }))
}
