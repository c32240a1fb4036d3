//! `GET /v1/connections/{id}/conflicts`: fields that both sides changed.

use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use syncline_model::{Conflict, ConflictId, ConflictStatus, ConnectionId};
use utoipa::IntoParams;

use crate::auth::CanRead;
use crate::extract::{Format, Id, Page, PageQuery, Query, list, page_limit};
use crate::problem::Problem;
use crate::schema;
use crate::wire::ConflictJson;

/// Which of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only those with this status; all when left out.
    #[param(value_type = Option<schema::ConflictStatus>)]
    status: Option<ConflictStatus>,
    /// Items on the page, 1 to 200; 50 when left out.
    #[param(minimum = 1, maximum = 200)]
    #[serde(default, deserialize_with = "page_limit")]
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
    /// As what, whatever `Accept` says.
    format: Option<Format>,
}

/// List fields that both sides changed, differently
///
/// With `Accept: text/csv` or `format=csv` all of them come as a table; what a spreadsheet would take for a formula, at
/// the beginning of a cell or after a semicolon, tab or line break in it, has an apostrophe before it.
#[utoipa::path(get, path = "/v1/connections/{id}/conflicts", operation_id = "list_conflicts", tag = "records",
    params(("id" = schema::ConnectionId, Path), Which),
    responses((status = 200, description = "A page, or a table",
        content((Page<ConflictJson> = "application/json"), (String = "text/csv")))))]
pub async fn handle(
    CanRead(caller): CanRead,
    Id(id): Id<ConnectionId>,
    Query(which): Query<Which>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    caller.rows.connection_get(id).await?;
    let Which {
        status,
        limit,
        after,
        format,
    } = which;
    let read = move |after: Option<ConflictId>, limit| {
        let rows = caller.rows.clone();
        async move { rows.conflict_list(id, status, after, limit).await }
    };
    let page = PageQuery { limit, after };
    let place = |conflict: &Conflict| conflict.id.to_string();
    list(&request, format, page, read, place, ConflictJson::from).await
}
