//! `POST /v1/accounts/{id}/collections`: makes a group, a tag or an address book at the provider.

use actix_web::HttpResponse;
use actix_web::web;
use serde::Deserialize;
use syncline_connector::{Error, Kind};
use syncline_model::AccountId;
use utoipa::ToSchema;

use crate::auth::CanWrite;
use crate::extract::{Body, Checked, Findings, Id, sentence};
use crate::live;
use crate::problem::{Code, Problem, ProblemBody};
use crate::schema;
use crate::state::State;

/// The longest name, in characters.
const LONGEST: usize = 200;

/// A collection to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCollection {
    /// What people are to call it. No control characters; space at its ends is taken off.
    #[schema(min_length = 1, max_length = 200, example = "Creatio")]
    name: String,
}

impl Checked for NewCollection {
    fn check(&self, findings: &mut Findings) {
        findings.text("/name", &self.name, 1, LONGEST);
    }
}

/// Make a collection in an account
///
/// A group, a tag or an address book, by what the provider has, where its `capabilities` have `create_collection`. One that
/// has exactly this name already is the answer instead, so that asking again makes no second one. A connection names it by
/// its `id`.
#[utoipa::path(post, path = "/v1/accounts/{id}/collections", operation_id = "create_account_collection", tag = "accounts",
    params(("id" = schema::AccountId, Path)), request_body = NewCollection,
    responses((status = 201, description = "Made", body = schema::Collection),
              (status = 200, description = "There was one of this name", body = schema::Collection),
              (status = 409, description = "`account_not_active`; `wrong_state`: collections are made at the provider's own pages", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    Id(id): Id<AccountId>,
    body: Result<Body<NewCollection>, Problem>,
) -> Result<HttpResponse, Problem> {
    let account = caller.rows.account_get(id).await?;
    let Body(body) = body?;
    let (connector, session) = live::open(&state, &caller, &account).await?;
    let definition = connector.definition();
    if !definition.capabilities.create_collection {
        let name = &definition.name;
        let message = format!(
            "Syncline cannot make collections in {name}: make it there, then name it by its id as `GET /v1/accounts/{{id}}/collections` lists it."
        );
        return Err(Problem::new(Code::WrongState, message));
    }
    let made = connector
        .create_collection(&session, body.name.trim())
        .await
        .map_err(refused)?;
    if !made.is_new {
        return Ok(HttpResponse::Ok().json(made.collection));
    }
    tracing::info!(tenant.id = %caller.tenant, account.id = %account.id, "a collection was made");
    Ok(HttpResponse::Created().json(made.collection))
}

/// Why a collection was not made: what the provider refuses, it refuses because of the name.
fn refused(error: Error) -> Problem {
    match error.kind {
        Kind::Rejected => Problem::invalid("/name", sentence(&error.message)),
        _ => error.into(),
    }
}
