//! `GET /v1/connections/{id}/health`: how a connection is doing, from what is stored; no provider is asked.

use actix_web::web::Json;
use chrono::{DateTime, Utc};
use serde::Serialize;
use syncline_model::{
    AccountStatus, ConflictStatus, ConnectionId, ConnectionStatus, PausedEntry, ProblemStatus,
    RunState, Sides,
};
use utoipa::ToSchema;

use crate::auth::CanRead;
use crate::extract::Id;
use crate::problem::Problem;
use crate::schema;
use crate::wire::RunJson;

/// Most problems and conflicts counted.
const MOST: u32 = 1000;

/// A connection in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthWord {
    /// It runs and nothing waits for a person.
    Healthy,
    /// It runs, and something waits for a person.
    NeedsAttention,
    /// It does not run.
    Stopped,
}

/// How a connection is doing.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// In one word.
    #[serde(rename = "health")]
    in_a_word: HealthWord,
    /// Whether it runs.
    #[schema(value_type = schema::ConnectionStatus)]
    status: ConnectionStatus,
    /// The two accounts.
    accounts: AccountsHealth,
    /// Pairs of records that are kept in step.
    links: u64,
    /// Records that could not be synced; counted up to 1000.
    open_problems: usize,
    /// Conflicts that wait for a person; counted up to 1000.
    open_conflicts: usize,
    /// Records that a guard holds.
    held: u64,
    /// Mapping entries that rest because their fields are gone at the provider, or changed. The rest goes on; they do too once
    /// the fields are as they were, or the mapping is changed.
    #[schema(value_type = Vec<schema::PausedEntry>)]
    paused_mapping: Vec<PausedEntry>,
    /// The newest run.
    #[schema(required)]
    last_run: Option<RunJson>,
    /// When the next run is due; null when only on demand.
    #[schema(required)]
    next_run_at: Option<DateTime<Utc>>,
}

/// Whether each account can be used.
#[derive(Serialize, ToSchema)]
pub struct AccountsHealth {
    /// Side a.
    #[schema(value_type = schema::AccountStatus)]
    a: AccountStatus,
    /// Side b.
    #[schema(value_type = schema::AccountStatus)]
    b: AccountStatus,
}

/// Get a connection's health
#[utoipa::path(get, path = "/v1/connections/{id}/health", operation_id = "get_connection_health", tag = "connections",
    params(("id" = schema::ConnectionId, Path)),
    responses((status = 200, description = "How it is doing", body = Health)))]
pub async fn handle(
    CanRead(caller): CanRead,
    Id(id): Id<ConnectionId>,
) -> Result<Json<Health>, Problem> {
    let rows = &caller.rows;
    let connection = rows.connection_get(id).await?;
    let Sides { a, b } = &connection.sides;
    let accounts = AccountsHealth {
        a: rows.account_get(a.account).await?.status,
        b: rows.account_get(b.account).await?.status,
    };
    let problems = rows.problem_list(id, Some(ProblemStatus::Open), None, MOST);
    let conflicts = rows.conflict_list(id, Some(ConflictStatus::Open), None, MOST);
    let last_run = rows.run_list(id, None, 1).await?.into_iter().next();
    let mut health = Health {
        in_a_word: HealthWord::Healthy,
        links: rows.link_count(id).await?,
        open_problems: problems.await?.len(),
        open_conflicts: conflicts.await?.len(),
        held: rows.staged_counts(id).await?.held,
        paused_mapping: rows.connection_paused_entries(id).await?,
        next_run_at: rows.connection_next_run_at(id).await?,
        last_run: last_run.map(RunJson::from),
        status: connection.status,
        accounts,
    };
    health.in_a_word = health.word();
    Ok(Json(health))
}

impl Health {
    fn word(&self) -> HealthWord {
        let active = |account: &AccountStatus| *account == AccountStatus::Active;
        let runs = self.status == ConnectionStatus::Active
            && active(&self.accounts.a)
            && active(&self.accounts.b);
        let failed = self
            .last_run
            .as_ref()
            .is_some_and(|run| matches!(run.state, RunState::Failed | RunState::Parked));
        if !runs {
            HealthWord::Stopped
        } else if failed
            || self.open_problems > 0
            || self.open_conflicts > 0
            || self.held > 0
            || !self.paused_mapping.is_empty()
        {
            HealthWord::NeedsAttention
        } else {
            HealthWord::Healthy
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_for_each_case() {
        let check = |change: &dyn Fn(&mut Health), want: HealthWord| {
            let mut health = Health {
                in_a_word: HealthWord::Healthy,
                status: ConnectionStatus::Active,
                accounts: AccountsHealth {
                    a: AccountStatus::Active,
                    b: AccountStatus::Active,
                },
                links: 3,
                open_problems: 0,
                open_conflicts: 0,
                held: 0,
                paused_mapping: Vec::new(),
                last_run: None,
                next_run_at: None,
            };
            change(&mut health);
            assert_eq!(health.word(), want);
        };
        check(&|_| {}, HealthWord::Healthy);
        check(&|h| h.open_problems = 1, HealthWord::NeedsAttention);
        check(&|h| h.open_conflicts = 1, HealthWord::NeedsAttention);
        check(&|h| h.held = 1, HealthWord::NeedsAttention);
        check(
            &|h| h.accounts.b = AccountStatus::Pending,
            HealthWord::Stopped,
        );
        let paused = ConnectionStatus::Paused { reason: "x".into() };
        check(&|h| h.status = paused.clone(), HealthWord::Stopped);
    }
}
