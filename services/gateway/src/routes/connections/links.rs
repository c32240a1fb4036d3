//! `GET /v1/connections/{id}/links`: which record is which.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use syncline_model::{ConnectionId, Link, LinkId, LinkState, RemoteId, Side};
use syncline_store::LinkWord;
use utoipa::IntoParams;

use super::excluded::Judge;
use crate::auth::CanRead;
use crate::extract::{Format, Id, Page, PageQuery, Query, list, page_limit};
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::wire::{ExcludedBy, LinkJson};

/// Which of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only those in this state; all when left out. Those that are `live` are in step; those that are `frozen` come with what
    /// keeps them from being so.
    #[param(value_type = Option<schema::LinkWord>)]
    state: Option<LinkWord>,
    /// Items on the page, 1 to 200; 50 when left out.
    #[param(minimum = 1, maximum = 200)]
    #[serde(default, deserialize_with = "page_limit")]
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
    /// As what, whatever `Accept` says.
    format: Option<Format>,
}

/// List a connection's links
///
/// With `Accept: text/csv` or `format=csv` all of them come as a table.
#[utoipa::path(get, path = "/v1/connections/{id}/links", operation_id = "list_links", tag = "records",
    params(("id" = schema::ConnectionId, Path), Which),
    responses((status = 200, description = "A page, or a table",
        content((Page<LinkJson> = "application/json"), (String = "text/csv")))))]
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
        Some(LinkWord::Frozen) => Some(Judge::new(&app, &caller, connection).await),
        _ => None,
    };
    let read = move |after: Option<LinkId>, limit| {
        let (rows, judge) = (caller.rows.clone(), judge.clone());
        async move {
            let links = rows.link_list(id, state, after, limit).await?;
            match judge {
                Some(judge) => judge.why(&rows, links, left).await,
                None => Ok(links.into_iter().map(|link| (link, None)).collect()),
            }
        }
    };
    let page = PageQuery { limit, after };
    let place = |(link, _): &(Link, Option<Vec<ExcludedBy>>)| link.id.to_string();
    list(&request, format, page, read, place, LinkJson::from).await
}

/// The record that left.
fn left(link: &Link) -> Option<(Side, RemoteId)> {
    match link.state {
        LinkState::Frozen { left } => Some((left, link.remote.get(left).clone())),
        _ => None,
    }
}
