//! `GET /v1/connections/{id}/records`: the records that are not in step, behind the numbers of the health.

use std::str::FromStr;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use syncline_model::{ConnectionId, RemoteId, Side};
use syncline_store::{RecordAside, RecordState};
use utoipa::IntoParams;

use super::excluded::Judge;
use crate::auth::CanRead;
use crate::extract::{Format, Id, Page, PageQuery, Query, list, page_limit};
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::wire::{ExcludedBy, RecordJson};

/// Which of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Those that are so.
    #[param(value_type = schema::RecordState)]
    state: RecordState,
    /// Items on the page, 1 to 200; 50 when left out.
    #[param(minimum = 1, maximum = 200)]
    #[serde(default, deserialize_with = "page_limit")]
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
    /// As what, whatever `Accept` says.
    format: Option<Format>,
}

/// A place in the list: a side and a record of it.
struct Place(Side, RemoteId);

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let side = Side::BOTH.into_iter().find_map(|side| {
            let rest = text.strip_prefix(side.as_str())?.strip_prefix(':')?;
            Some(Self(side, RemoteId::new(rest)))
        });
        side.ok_or(())
    }
}

/// List records that are not in step
///
/// Records with problems, and links, have lists of their own. Those that are `excluded` come with the conditions that they do
/// not meet. With `Accept: text/csv` or `format=csv` all of them come as a
/// table; what a spreadsheet would take for a formula, at the beginning of a cell or after a semicolon, tab or line break in
/// it, has an apostrophe before it.
#[utoipa::path(get, path = "/v1/connections/{id}/records", operation_id = "list_records", tag = "records",
    params(("id" = schema::ConnectionId, Path), Which),
    responses((status = 200, description = "A page, or a table",
        content((Page<RecordJson> = "application/json"), (String = "text/csv")))))]
pub async fn handle(
    app: web::Data<State>,
    CanRead(caller): CanRead,
    Id(id): Id<ConnectionId>,
    Query(which): Query<Which>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let connection = caller.rows.connection_get(id).await?;
    let Which {
        state,
        limit,
        after,
        format,
    } = which;
    let judge = match state {
        RecordState::Excluded => Some(Judge::new(&app, &caller, connection).await),
        _ => None,
    };
    let read = move |after: Option<Place>, limit| {
        let (rows, judge) = (caller.rows.clone(), judge.clone());
        async move {
            let after = after.map(|Place(side, remote)| (side, remote));
            let records = rows.record_list(id, state, after.as_ref(), limit).await?;
            match judge {
                Some(judge) => {
                    let named = |record: &RecordAside| Some((record.side, record.remote.clone()));
                    judge.why(&rows, records, named).await
                }
                None => Ok(records.into_iter().map(|record| (record, None)).collect()),
            }
        }
    };
    let place = |(record, _): &(RecordAside, Option<Vec<ExcludedBy>>)| {
        format!("{}:{}", record.side, record.remote.as_str())
    };
    let page = PageQuery { limit, after };
    list(&request, format, page, read, place, RecordJson::of(state)).await
}
