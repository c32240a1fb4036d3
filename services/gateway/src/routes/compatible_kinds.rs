//! `GET /v1/compatible-kinds`: which kinds of fields can be mapped to one another, how, and which way.

use actix_web::http::Method;
use actix_web::web::{self, Json};
use serde::Serialize;
use syncline_engine::{Compatibility, compatibility};
use syncline_model::{Flow, Kind};
use utoipa::ToSchema;

use crate::auth::CanRead;
use crate::extract::Page;
use crate::problem::Problem;
use crate::schema;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at(
        "/v1/compatible-kinds",
        [(Method::GET, web::to(handle))],
    ));
}

/// Two kinds that go together.
#[derive(Debug, Serialize, ToSchema)]
pub struct CompatibleKinds {
    /// The kind on side a.
    #[schema(value_type = schema::Kind)]
    a: Kind,
    /// The kind on side b.
    #[schema(value_type = schema::Kind)]
    b: Kind,
    /// What a mapping entry must say.
    by: By,
    /// For `as`: what it must say there.
    #[schema(value_type = Option<schema::Kind>, nullable = false)]
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    meaning: Option<Kind>,
    /// Which way values can flow.
    #[schema(value_type = schema::Flow)]
    flow: Flow,
}

/// What a mapping entry of two kinds must say beside its fields.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Nothing.
    Nothing,
    /// `as`.
    As,
    /// `values`.
    Values,
}

/// List which kinds of fields can be mapped to one another
///
/// Of fields that hold one value. Sets go with sets of the same kind or of texts, and a set of texts is written out into a
/// text or long text, one way, `"as": "text"`. Always one page.
#[utoipa::path(get, path = "/v1/compatible-kinds", operation_id = "list_compatible_kinds", tag = "connections",
    responses((status = 200, description = "All pairs", body = Page<CompatibleKinds>)))]
pub async fn handle(_caller: CanRead) -> Result<Json<Page<CompatibleKinds>>, Problem> {
    let pairs = Kind::ALL
        .into_iter()
        .flat_map(|a| Kind::ALL.into_iter().filter_map(move |b| together(a, b)));
    Ok(Json(Page {
        data: pairs.collect(),
        next: None,
    }))
}

fn together(a: Kind, b: Kind) -> Option<CompatibleKinds> {
    let (by, meaning, flow) = match compatibility(a, b) {
        Compatibility::AsTheyAre => (By::Nothing, None, Flow::Both),
        Compatibility::Converted { meaning, flow } => (By::As, Some(meaning), flow),
        Compatibility::ByValues => (By::Values, None, Flow::Both),
        Compatibility::No => return None,
    };
    Some(CompatibleKinds {
        a,
        b,
        by,
        meaning,
        flow,
    })
}
