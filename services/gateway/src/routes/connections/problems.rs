//! `GET /v1/connections/{id}/problems`: records that could not be synced.

use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use syncline_model::{
    ConnectionId, Problem as RecordProblem, ProblemId, ProblemReason, ProblemStatus,
};
use utoipa::IntoParams;

use crate::auth::CanRead;
use crate::extract::{Format, Id, Page, PageQuery, Query, list, page_limit};
use crate::problem::Problem;
use crate::schema;
use crate::wire::RecordProblemJson;

/// Which of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only those with this status; all when left out.
    #[param(value_type = Option<schema::ProblemStatus>)]
    status: Option<ProblemStatus>,
    /// Only those with this reason; all when left out.
    #[param(value_type = Option<schema::ProblemReason>)]
    reason: Option<ProblemReason>,
    /// Items on the page, 1 to 200; 50 when left out.
    #[param(minimum = 1, maximum = 200)]
    #[serde(default, deserialize_with = "page_limit")]
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
    /// As what, whatever `Accept` says.
    format: Option<Format>,
}

/// List records that could not be synced
///
/// With `Accept: text/csv` or `format=csv` all of them come as a table; what a spreadsheet would take for a formula, at
/// the beginning of a cell or after a semicolon, tab or line break in it, has an apostrophe before it.
#[utoipa::path(get, path = "/v1/connections/{id}/problems", operation_id = "list_problems", tag = "records",
    params(("id" = schema::ConnectionId, Path), Which),
    responses((status = 200, description = "A page, or a table",
        content((Page<RecordProblemJson> = "application/json"), (String = "text/csv")))))]
pub async fn handle(
    CanRead(caller): CanRead,
    Id(id): Id<ConnectionId>,
    Query(which): Query<Which>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    caller.rows.connection_get(id).await?;
    let Which {
        status,
        reason,
        limit,
        after,
        format,
    } = which;
    let read = move |after: Option<ProblemId>, limit| {
        let rows = caller.rows.clone();
        async move { rows.problem_list(id, status, reason, after, limit).await }
    };
    let page = PageQuery { limit, after };
    let place = |problem: &RecordProblem| problem.id.to_string();
    list(&request, format, page, read, place, RecordProblemJson::from).await
}
