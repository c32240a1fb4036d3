//! `GET /v1/connections/{id}/health`: how a connection is doing, from what is stored; no provider is asked.

use std::collections::BTreeMap;

use actix_web::web::{self, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;
use syncline_model::{
    AccountStatus, ConnectionId, ConnectionStatus, PausedEntry, RunState, Sides, Tariffs,
};
use utoipa::ToSchema;

use crate::auth::CanRead;
use crate::extract::{Id, cell};
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::wire::RunJson;

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
    /// Pairs of records that are kept in step. They are listed by `/links?state=live`.
    links: u64,
    /// Pairs of which a record has left the collection or the rules: both stay as they are. `/links?state=frozen`.
    frozen: u64,
    /// Pairs of which a record was deleted, or merged into another one, and nothing was to happen to its partner: that one stays
    /// as it is. `/links?state=severed`.
    severed: u64,
    /// Records that take no part: outside the rules, or nothing is carried over from their side.
    /// `/records?state=excluded`.
    excluded: BySide,
    /// Problems that stand: records, or fields of them, that could not be synced. `/problems?status=open`.
    open_problems: u64,
    /// The same by reason. `/problems?status=open&reason=...`.
    problems: BTreeMap<String, u64>,
    /// Conflicts that wait for a person. `/conflicts?status=open`.
    open_conflicts: u64,
    /// Records that a guard holds. `/records?state=held`.
    held: u64,
    /// Records that are carried over later, by themselves.
    waiting: Waiting,
    /// What is wrong with the tenant's plan, in words; null as long as nothing is.
    #[schema(required)]
    plan_trouble: Option<String>,
    /// Mapping entries that rest because their fields are gone at the provider, or changed. The rest goes on; they do too once
    /// the fields are as they were, or the mapping is changed.
    #[schema(value_type = Vec<schema::PausedEntry>)]
    paused_mapping: Vec<PausedEntry>,
    /// The newest run.
    #[schema(required)]
    last_run: Option<RunJson>,
    /// When the last run ended that did all it could; null while there is none.
    #[schema(required)]
    last_sync_at: Option<DateTime<Utc>>,
    /// When the next run is due; null when only on demand.
    #[schema(required)]
    next_run_at: Option<DateTime<Utc>>,
}

/// Records that are carried over later, by themselves.
#[derive(Serialize, ToSchema)]
pub struct Waiting {
    /// By the next run, since the last one had carried over as many as the plan allows. `/records?state=waiting_for_limit`.
    limit: u64,
    /// After a pause, since the provider refused them. `/records?state=waiting_for_retry`.
    retry: u64,
}

/// A number for each side.
#[derive(Serialize, ToSchema)]
pub struct BySide {
    /// Of side a.
    a: u64,
    /// Of side b.
    b: u64,
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
///
/// How many records are in step, and how many are not and why, each number with the list behind it.
#[utoipa::path(get, path = "/v1/connections/{id}/health", operation_id = "get_connection_health", tag = "connections",
    params(("id" = schema::ConnectionId, Path)),
    responses((status = 200, description = "How it is doing", body = Health)))]
pub async fn handle(
    state: web::Data<State>,
    CanRead(caller): CanRead,
    Id(id): Id<ConnectionId>,
) -> Result<Json<Health>, Problem> {
    let rows = &caller.rows;
    let plan = rows.tenant_plan().await?;
    let connection = rows.connection_get(id).await?;
    let Sides { a, b } = &connection.sides;
    let accounts = AccountsHealth {
        a: rows.account_get(a.account).await?.status,
        b: rows.account_get(b.account).await?.status,
    };
    let counts = rows.record_counts(id).await?;
    let problems = counts.problems.iter();
    let problems = problems.map(|(reason, count)| (cell(reason), *count));
    let last_run = rows.run_list(id, None, 1).await?.into_iter().next();
    let mut health = Health {
        in_a_word: HealthWord::Healthy,
        links: counts.live,
        frozen: counts.frozen,
        severed: counts.severed,
        excluded: BySide {
            a: counts.excluded.a,
            b: counts.excluded.b,
        },
        open_problems: counts.problems.values().sum(),
        problems: problems.collect(),
        open_conflicts: counts.conflicts,
        held: counts.held,
        waiting: Waiting {
            limit: counts.over.a + counts.over.b,
            retry: counts.retrying,
        },
        plan_trouble: plan_trouble(&state.tariffs, &plan),
        paused_mapping: rows.connection_paused_entries(id).await?,
        last_sync_at: rows.run_last_sync(id).await?,
        next_run_at: rows.connection_next_run_at(id).await?,
        last_run: last_run.map(RunJson::from),
        status: connection.status,
        accounts,
    };
    health.in_a_word = health.word();
    Ok(Json(health))
}

fn plan_trouble(tariffs: &Tariffs, plan: &str) -> Option<String> {
    (!tariffs.has(plan)).then(|| {
        format!(
            "Your plan `{plan}` is not there any more: what `{}` allows holds in its place. Ask whoever runs Syncline for you \
             to put you on another plan.",
            tariffs.of(plan).name
        )
    })
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
            || self.plan_trouble.is_some()
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
                frozen: 9,
                severed: 9,
                excluded: BySide { a: 9, b: 9 },
                problems: BTreeMap::new(),
                last_sync_at: None,
                open_problems: 0,
                open_conflicts: 0,
                held: 0,
                waiting: Waiting { limit: 9, retry: 9 },
                plan_trouble: None,
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
            &|h| h.plan_trouble = Some("x".into()),
            HealthWord::NeedsAttention,
        );
        check(
            &|h| h.accounts.b = AccountStatus::Pending,
            HealthWord::Stopped,
        );
        let paused = ConnectionStatus::Paused { reason: "x".into() };
        check(&|h| h.status = paused.clone(), HealthWord::Stopped);
    }
}
