//! What a tenant's plan allows, as the API shows it. `null` is no limit.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use serde::Serialize;
use syncline_model::{Limits, ProviderId, Schedule, Tariff};
use utoipa::ToSchema;

use crate::schema;

/// What a plan allows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
pub struct PlanJson {
    /// Its name.
    #[schema(example = "standard")]
    pub name: String,
    /// The plan that the tenant is meant to be on, where the operator has taken it away: what new tenants get holds instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// Whether it counts as paid: apps with `paid_plans_only` may be synced.
    pub paid: bool,
    /// How many connections there may be.
    #[schema(required)]
    pub connections: Option<u32>,
    /// The shortest schedule that a connection may have.
    #[schema(value_type = Option<schema::Schedule>, required)]
    pub shortest_schedule: Option<Schedule>,
    /// Whether a connection may have a mapping of its own.
    pub custom_mapping: bool,
    /// Whether rules may have actions.
    pub actions: bool,
    /// How many records a run carries over; what is beyond waits for the next one.
    pub records_per_run: RecordsPerRun,
}

/// How many records a run creates and updates on one side.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordsPerRun {
    /// In the first run of a connection.
    #[schema(value_type = Option<u64>, required)]
    pub first: Option<NonZeroU64>,
    /// In every later one.
    #[schema(value_type = Option<u64>, required)]
    pub later: Option<NonZeroU64>,
    /// Where an account of this provider receives them, by its id.
    #[schema(value_type = BTreeMap<String, FirstAndLater>)]
    pub into: BTreeMap<ProviderId, FirstAndLater>,
}

/// How many records a run creates and updates at one provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct FirstAndLater {
    /// In the first run of a connection.
    #[schema(value_type = Option<u64>, required)]
    pub first: Option<NonZeroU64>,
    /// In every later one.
    #[schema(value_type = Option<u64>, required)]
    pub later: Option<NonZeroU64>,
}

impl PlanJson {
    /// Of a tenant that is meant to be on a plan.
    pub fn of(tariff: &Tariff, meant: String) -> Self {
        Self {
            name: tariff.name.clone(),
            missing: (meant != tariff.name).then_some(meant),
            paid: tariff.paid,
            connections: tariff.connections,
            shortest_schedule: tariff.shortest_schedule,
            custom_mapping: tariff.custom_mapping,
            actions: tariff.actions,
            records_per_run: (&tariff.limits).into(),
        }
    }
}

impl From<&Limits> for RecordsPerRun {
    fn from(limits: &Limits) -> Self {
        let into = limits.into.iter().map(|(provider, limit)| {
            let limit = FirstAndLater {
                first: limit.first.or(limits.first),
                later: limit.later.or(limits.later),
            };
            (provider.clone(), limit)
        });
        Self {
            first: limits.first,
            later: limits.later,
            into: into.collect(),
        }
    }
}
