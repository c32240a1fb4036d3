//! `POST /v1/connections`: makes a connection, checked against the two accounts as they are.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use syncline_model::{
    Connection, ConnectionId, ConnectionStatus, PairId, ProviderId, SideConfig, Sides,
};
use syncline_store::StoreError;

use super::{BATCH, allowed, any};
use crate::audit;
use crate::auth::{Caller, CanWrite};
use crate::extract::{Body, IfMatch};
use crate::live;
use crate::problem::{Code, Problem, ProblemBody};
use crate::state::State;
use crate::wire::{MadeConnection, NewConnection};

/// Make a connection
///
/// Accounts, collections, fields and deletion policies are checked with the providers first; each place that is wrong is
/// in `errors`. Its first run is due at once.
///
/// Two accounts are paired in one order: which is a and which is b stays so for all their connections. Several connections
/// may pair the same accounts; what to mind then is in `warnings`. They run one at a time.
#[utoipa::path(post, path = "/v1/connections", operation_id = "create_connection", tag = "connections",
    request_body = NewConnection,
    responses((status = 201, description = "Made", body = MadeConnection, headers(("ETag" = String, description = "Its version"))),
              (status = 403, description = "`forbidden`; `plan_limit`: the plan allows no such connection, or no more of them", body = ProblemBody, content_type = "application/problem+json"),
              (status = 409, description = "`connection_exists`, `sides_swapped`; `account_not_active`: an account ended meanwhile", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    request: HttpRequest,
    Body(body): Body<NewConnection>,
) -> Result<HttpResponse, Problem> {
    let sides = Sides {
        a: body.a.clone(),
        b: body.b.clone(),
    };
    let live = live::look(&state, &caller, &sides).await?;
    // The default collection is pinned: what is synced never changes behind its owner's back.
    let pinned = |side| {
        let config: &SideConfig = sides.get(side);
        live.collection(side, config).map(|found| SideConfig {
            account: config.account,
            collection: Some(found.id.clone()),
        })
    };
    let sides = Sides {
        a: pinned(syncline_model::Side::A)?,
        b: pinned(syncline_model::Side::B)?,
    };
    let now = state.clock.now();
    let mut connection = Connection {
        id: ConnectionId::from_uuid(state.ids.next()),
        tenant: caller.tenant,
        pair: PairId::from_uuid(state.ids.next()),
        name: body.name.trim().to_owned(),
        object: body.object,
        sides,
        direction: body.direction,
        conflict: body.conflict,
        schedule: body.schedule,
        rules: body.rules,
        mapping: body.mapping,
        deletions: body.deletions,
        on_leave: body.on_leave,
        matching: body.r#match,
        guards: body.guards,
        status: ConnectionStatus::Active,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    live.check(&connection)?;
    let tariff = allowed::tariff(&state, &caller).await?;
    allowed::check(&state, &caller, tariff, &connection).await?;
    if let Some(other) = any(&caller, |other| same_sides(other, &connection)).await? {
        return Err(Problem::new(
            Code::ConnectionExists,
            format!(
                "`{}` ({}) keeps these two collections in step already.",
                other.name, other.id
            ),
        ));
    }
    let Sides { a, b } = &connection.sides;
    refuse_swapped(&caller, &connection).await?;
    let mut warnings = warnings(&caller, &connection).await?;
    warnings.extend(live.warnings(&connection)?);
    let pair = caller
        .rows
        .pair_for(a.account, b.account, connection.object, connection.pair);
    connection.pair = match pair.await {
        Err(StoreError::Conflict { .. }) => return Err(account_gone()),
        other => other?,
    };
    let kept = caller
        .rows
        .connection_create(&connection, Some(now), tariff.connections);
    match kept.await {
        Err(StoreError::Conflict {
            what: "connections",
        }) => return Err(Problem::plan_limit(&[tariff.refuses_another()])),
        Err(StoreError::Conflict { what: "account" }) => return Err(account_gone()),
        kept => kept?,
    }
    tracing::info!(tenant.id = %caller.tenant, connection.id = %connection.id, "a connection was made");
    audit::made(&request, &connection.id);
    let made = caller.rows.connection_get(connection.id).await?;
    Ok(HttpResponse::Created()
        .insert_header((header::ETAG, IfMatch::tag(made.revision)))
        .json(MadeConnection {
            connection: made.into(),
            warnings,
        }))
}

/// It was there, and active, a moment ago.
fn account_gone() -> Problem {
    Problem::new(
        Code::AccountNotActive,
        "One of the accounts was deleted, or its access ended, while the connection was made: look at `GET /v1/accounts`, authorise it again and repeat.",
    )
}

/// A link knows its records by side: in the other order none of them would be found.
async fn refuse_swapped(caller: &Caller, connection: &Connection) -> Result<(), Problem> {
    let Sides { a, b } = &connection.sides;
    let swapped = caller
        .rows
        .pair_swapped(a.account, b.account, connection.object);
    if !swapped.await? {
        return Ok(());
    }
    let provider = async |side: &SideConfig| -> Result<ProviderId, Problem> {
        Ok(caller.rows.account_get(side.account).await?.provider)
    };
    Err(Problem::new(
        Code::SidesSwapped,
        format!(
            "These accounts are paired as a = {} ({}), b = {} ({}). Make the connection in that order; its direction \
             says which way it syncs.",
            provider(b).await?,
            b.account,
            provider(a).await?,
            a.account,
        ),
    ))
}

/// What to mind about other connections of the same two accounts.
async fn warnings(caller: &Caller, connection: &Connection) -> Result<Vec<String>, Problem> {
    let of = |c: &Connection| (c.object, c.sides.a.account, c.sides.b.account);
    let mut warnings = Vec::new();
    let mut after: Option<ConnectionId> = None;
    loop {
        let page = caller.rows.connection_list(after, BATCH).await?;
        after = page.last().map(|other| other.id);
        let others = page.iter().filter(|other| of(other) == of(connection));
        warnings.extend(others.map(|other| {
            format!(
                "`{}` ({}) syncs these two accounts as well. A record that is in the collections of both is synced by \
                 both: let their directions, conflict policies and deletion policies agree.",
                other.name, other.id
            )
        }));
        if page.len() < BATCH as usize {
            return Ok(warnings);
        }
    }
}

/// Whether two connections join the same two collections, whichever way round.
fn same_sides(one: &Connection, two: &Connection) -> bool {
    let (x, y) = (&one.sides, &two.sides);
    one.object == two.object && ((x.a == y.a && x.b == y.b) || (x.a == y.b && x.b == y.a))
}
