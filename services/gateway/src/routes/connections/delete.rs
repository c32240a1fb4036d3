//! `DELETE /v1/connections/{id}`: ends a connection; nothing is deleted at the providers.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use syncline_model::ConnectionId;
use syncline_store::Retirement;
use utoipa::IntoParams;

use crate::auth::{Caller, CanWrite};
use crate::extract::{Id, Query};
use crate::problem::Problem;
use crate::routes::accounts;
use crate::schema;
use crate::state::State;

/// What connection and accounts are stopped for, should the end be interrupted.
const ENDING: Retirement<'_> = Retirement {
    connection: "It is being deleted, and our access to its accounts with it: delete it once more.",
    account: "Our access was given back when its last connection was deleted: authorise it again, or delete it.",
};

/// What else ends.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Ending {
    /// Whether our access to its accounts is revoked at their providers and the accounts are deleted, but for those that
    /// another connection uses.
    #[serde(default)]
    revoke: bool,
}

/// Delete a connection
///
/// With `revoke=true` it is deactivated: the accounts that no other connection uses are deleted as well, and which record is
/// which is forgotten with them. A connection that somebody makes of one of them meanwhile is refused, or keeps the account.
/// Should it be interrupted, the connection is there still, paused: delete it once more.
///
/// Both sides keep their records. Which record is which stays known, so that making the connection again creates nothing
/// twice. A run that is going on is cancelled; whether its last writes were done is found out by the next run of any
/// connection of these two accounts.
#[utoipa::path(delete, path = "/v1/connections/{id}", operation_id = "delete_connection", tag = "connections",
    params(("id" = schema::ConnectionId, Path), Ending), responses((status = 204, description = "Deleted")))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    Id(id): Id<ConnectionId>,
    Query(Ending { revoke }): Query<Ending>,
) -> Result<HttpResponse, Problem> {
    if revoke {
        deactivate(&state, &caller, id).await?;
    } else {
        caller.rows.connection_get(id).await?;
        super::pause::stop_run(&state, &caller, id).await?;
        caller.rows.connection_delete(id).await?;
    }
    tracing::info!(tenant.id = %caller.tenant, connection.id = %id, "a connection was deleted");
    Ok(HttpResponse::NoContent().finish())
}

/// Has connection and accounts used by nobody first, then gives the access back, and then deletes them: whoever is
/// interrupted in between finds the connection paused, and can do so again.
async fn deactivate(state: &State, caller: &Caller, id: ConnectionId) -> Result<(), Problem> {
    let rows = &caller.rows;
    // From here on no run begins, and nobody connects these accounts.
    let retired = rows
        .connection_retire(id, &ENDING, state.clock.now())
        .await?;
    super::pause::stop_run(state, caller, id).await?;
    for account in &retired {
        accounts::delete::revoke(state, caller, *account).await;
    }
    for account in rows.connection_deactivate(id, &retired, &ENDING).await? {
        accounts::delete::end(state, caller, account).await?;
    }
    Ok(())
}
