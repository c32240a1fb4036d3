//! `POST /v1/hooks/{provider}/{token}`: a provider says that something changed.

use std::time::Duration;

use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use syncline_connector::watch::{Heard, Knock};
use syncline_model::{ConnectionStatus, Side};
use syncline_store::{FoundWatch, Hintable, Scope};

use super::{gone, watch_of};
use crate::problem::{Code, Problem, ProblemBody};
use crate::state::State;

/// How long a run waits for more of the same: changes come in swarms, and each is a call.
const GATHER: TimeDelta = TimeDelta::seconds(10);
/// A run that is as far away as this comes late enough for what was just changed to be in the provider's lists.
const ENOUGH: TimeDelta = TimeDelta::seconds(5);
/// Most bytes of a call.
const LONGEST: usize = 64 * 1024;
/// How long a call may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Say that something changed
///
/// For providers. The connections that sync the collection run soon; what the call says of records is not believed, and
/// one that is missed is made up for by the schedule.
#[utoipa::path(post, path = "/v1/hooks/{provider}/{token}", operation_id = "hear_hook", tag = "hooks", security(()),
    params(("provider" = String, Path, description = "The provider's id"),
           ("token" = String, Path, description = "What only the provider and we know")),
    request_body(content = String, content_type = "*/*", description = "What the provider says, in its own words"),
    responses((status = 204, description = "Heard"),
              (status = 403, description = "`forbidden`: the call is not signed as the provider signs, or is an old one", body = ProblemBody, content_type = "application/problem+json"),
              (status = 410, description = "`gone`: nobody waits for calls here, or not any more", body = ProblemBody, content_type = "application/problem+json"),
              (status = 413, description = "`body_too_large`: 64 KiB at most, within 10 seconds", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: Payload,
) -> Result<HttpResponse, Problem> {
    let (provider, token) = path.into_inner();
    let watch = watch_of(&state, &request, &token).await?;
    let rows = state.store.scope(watch.tenant).await?;
    let account = rows.account_get(watch.account).await?;
    let connector = state.registry.get(&account.provider);
    let connector = connector.filter(|_| account.provider.as_str() == provider);
    let connector = connector.ok_or_else(Problem::not_found)?;
    // Only of somebody who knows the token.
    let body = read(body).await?;
    let header = |name: &str| request.headers().get(name)?.to_str().ok();
    let now = state.clock.now();
    let heard = connector.hear(&Knock {
        header: &header,
        body: &body,
        secret: watch.secret.as_ref(),
        now,
    });
    let outcome = match heard {
        Ok(Heard::Changed) => "changed",
        Ok(Heard::Nothing) => "nothing",
        Err(_) => "forged",
    };
    metrics::counter!("syncline_hints_total", "provider" => provider, "outcome" => outcome)
        .increment(1);
    let heard = heard.map_err(|forged| Problem::new(Code::Forbidden, forged.to_string()))?;
    if heard == Heard::Changed {
        hasten(&state, &rows, &watch, now).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}

async fn read(body: Payload) -> Result<Bytes, Problem> {
    match tokio::time::timeout(PATIENCE, body.to_bytes_limited(LONGEST)).await {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
        _ => Err(Problem::new(
            Code::BodyTooLarge,
            "A call has at most 64 KiB, and arrives within 10 seconds.",
        )),
    }
}

/// Has the connections run soon that read the collection by themselves. Where nobody has it any more, the provider is to
/// stop calling.
async fn hasten(
    state: &State,
    rows: &Scope,
    watch: &FoundWatch,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let (account, collection) = (watch.account, watch.collection.as_str());
    let all = rows.connections_hintable(account, collection).await?;
    if all.is_empty() {
        rows.watch_forget(account, collection).await?;
        return Err(gone());
    }
    let plan = rows.tenant_plan().await?;
    let rest = TimeDelta::seconds(state.tariffs.of(&plan).rest_seconds().into());
    for one in all {
        if let Some(at) = due(&one, watch, now, rest) {
            rows.connection_hint(one.connection.id, at).await?;
            tracing::debug!(connection.id = %one.connection.id, %at, "something changed");
        }
    }
    Ok(())
}

/// When a connection is to run because of a call; `None` where it is not, or does then anyway.
fn due(
    one: &Hintable,
    watch: &FoundWatch,
    now: DateTime<Utc>,
    rest: TimeDelta,
) -> Option<DateTime<Utc>> {
    let connection = &one.connection;
    let reads = Side::BOTH.into_iter().any(|side| {
        connection.sides.get(side).account == watch.account && connection.direction.from_side(side)
    });
    let is_known = one.hinted_for.is_some_and(|at| at >= now + ENOUGH);
    if connection.status != ConnectionStatus::Active || !reads || is_known {
        return None;
    }
    one.next_run_at?;
    let rested = one.last_run_at.map(|at| at + rest);
    Some((now + GATHER).max(rested.unwrap_or(now)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncline_model::{
        AccountId, Connection, ConnectionId, Direction, ObjectType, PairId, SideConfig, Sides,
        TenantId,
    };
    use uuid::Uuid;

    /// The beginning, and then so many seconds.
    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn account(number: u128) -> AccountId {
        AccountId::from_uuid(Uuid::from_u128(number))
    }

    fn hintable() -> Hintable {
        let side = |number| SideConfig {
            account: account(number),
            collection: None,
        };
        Hintable {
            connection: Connection {
                id: ConnectionId::from_uuid(Uuid::from_u128(1)),
                tenant: TenantId::from_uuid(Uuid::from_u128(2)),
                pair: PairId::from_uuid(Uuid::from_u128(3)),
                name: "Contacts".into(),
                object: ObjectType::Contact,
                sides: Sides {
                    a: side(1),
                    b: side(2),
                },
                direction: Direction::TwoWay,
                conflict: syncline_model::ConflictPolicy::AWins,
                schedule: syncline_model::Schedule::default(),
                rules: Vec::new(),
                mapping: syncline_model::MappingChoice::Default,
                deletions: syncline_model::Deletions::default(),
                on_leave: syncline_model::OnLeave::Freeze,
                matching: Vec::new(),
                guards: syncline_model::Guards::default(),
                status: ConnectionStatus::Active,
                revision: 1,
                created_at: at(0),
                updated_at: at(0),
            },
            next_run_at: Some(at(900)),
            hinted_for: None,
            last_run_at: None,
        }
    }

    #[test]
    fn a_hint_makes_due_what_reads_the_collection_by_itself_and_has_rested() {
        let check = |change: fn(&mut Hintable), expect: Option<i64>| {
            let mut one = hintable();
            change(&mut one);
            let watch = FoundWatch {
                tenant: one.connection.tenant,
                account: account(1),
                collection: "all".into(),
                secret: None,
            };
            let due = due(&one, &watch, at(100), TimeDelta::seconds(60));
            assert_eq!(due, expect.map(at));
        };
        check(|_| {}, Some(110));
        check(|one| one.last_run_at = Some(at(30)), Some(110));
        check(|one| one.last_run_at = Some(at(95)), Some(155));
        check(|one| one.hinted_for = Some(at(105)), None);
        check(|one| one.hinted_for = Some(at(104)), Some(110));
        check(|one| one.next_run_at = None, None);
        check(|one| one.connection.direction = Direction::AToB, Some(110));
        check(|one| one.connection.direction = Direction::BToA, None);
        let pause = |one: &mut Hintable| {
            one.connection.status = ConnectionStatus::Paused {
                reason: "by hand".into(),
            };
        };
        check(pause, None);
    }
}
