//! What a tenant's plan allows: how many records a run carries over, and what may be used at all. Data, from `plans.toml`.
//!
//! Customers call it a plan. In the code it is a tariff, since a plan is what a run is to do.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::{Connection, MappingChoice, ProviderId, Schedule};

/// All plans, and the editions of apps that have limits of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tariffs {
    all: TariffsFile,
    usual: Tariff,
}

/// What a `plans.toml` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TariffsFile {
    plans: BTreeMap<String, Tariff>,
    #[serde(default)]
    editions: BTreeMap<String, Edition>,
}

/// What one plan allows. What is left out is not limited.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tariff {
    /// Its name.
    #[serde(skip)]
    pub name: String,
    /// Whether it is paid for: some apps may be synced on such plans only.
    pub paid: bool,
    /// How many connections there may be.
    #[serde(default)]
    pub connections: Option<u32>,
    /// The shortest schedule.
    #[serde(default)]
    pub shortest_schedule: Option<Schedule>,
    /// Whether a connection may have a mapping of its own.
    #[serde(default = "yes")]
    pub custom_mapping: bool,
    /// Whether rules may have actions.
    #[serde(default = "yes")]
    pub actions: bool,
    /// How many records a run carries over.
    #[serde(default)]
    pub limits: Limits,
}

/// An app that is sold in an edition with limits of its own, whatever the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edition {
    /// Whether only tenants on a paid plan may sync it.
    #[serde(default)]
    pub paid_plans_only: bool,
    /// How many records a run carries over.
    #[serde(default)]
    pub limits: Limits,
}

/// How many records a run creates and updates on one side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// In the first run of a connection.
    #[serde(default)]
    pub first: Option<NonZeroU64>,
    /// In every later one.
    #[serde(default)]
    pub later: Option<NonZeroU64>,
    /// Where the side that receives is an account of this provider, instead of the above.
    #[serde(default)]
    pub into: BTreeMap<ProviderId, Limit>,
}

/// How many records a run creates and updates at one provider; what is left out is as for the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// In the first run of a connection.
    #[serde(default)]
    pub first: Option<NonZeroU64>,
    /// In every later one.
    #[serde(default)]
    pub later: Option<NonZeroU64>,
}

/// Something that a plan does not allow, in words for a customer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The plan `{plan}` {what}")]
pub struct NotAllowed {
    plan: String,
    limit: Limited,
    what: String,
}

/// What a plan may not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Limited {
    /// A schedule as short as so many seconds.
    Schedule(u32),
    /// A mapping of one's own.
    Mapping,
    /// Actions.
    Actions,
    /// An app.
    App(String),
    /// Another connection.
    Connections,
}

impl NotAllowed {
    /// Whether what is not allowed goes beyond what was not allowed before.
    pub fn is_more_than(&self, before: &[Self]) -> bool {
        let covers = |one: &Self| match (&one.limit, &self.limit) {
            (Limited::Schedule(before), Limited::Schedule(now)) => before <= now,
            (before, now) => before == now,
        };
        !before.iter().any(covers)
    }
}

/// Plans that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TariffError {
    /// There is no such plan.
    #[error("there is no plan `{name}`; there are: {known}")]
    Unknown {
        /// Its name.
        name: String,
        /// What there is.
        known: String,
    },
    /// There is no such edition.
    #[error("there is no edition `{name}`; there are: {known}")]
    UnknownEdition {
        /// Its name.
        name: String,
        /// What there is.
        known: String,
    },
}

const fn yes() -> bool {
    true
}

impl Tariffs {
    /// As a file says it, where new tenants get the plan of a name.
    pub fn new(mut all: TariffsFile, usual: &str) -> Result<Self, TariffError> {
        for (name, plan) in &mut all.plans {
            plan.name.clone_from(name);
        }
        let usual = all.get(usual)?.clone();
        Ok(Self { all, usual })
    }

    /// One plan, `enterprise`, that limits nothing.
    pub fn unlimited() -> Self {
        let usual = Tariff {
            name: "enterprise".to_owned(),
            paid: true,
            connections: None,
            shortest_schedule: None,
            custom_mapping: true,
            actions: true,
            limits: Limits::default(),
        };
        let all = TariffsFile {
            plans: BTreeMap::from([(usual.name.clone(), usual.clone())]),
            editions: BTreeMap::new(),
        };
        Self { all, usual }
    }

    /// Every plan, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Tariff> {
        self.all.plans.values()
    }

    /// The plan that new tenants get.
    pub const fn usual(&self) -> &Tariff {
        &self.usual
    }

    /// The plan of a name.
    pub fn get(&self, name: &str) -> Result<&Tariff, TariffError> {
        self.all.get(name)
    }

    /// What a tenant may do whose plan is stored under a name: where the operator has taken that plan away, what new
    /// tenants may.
    pub fn of(&self, name: &str) -> &Tariff {
        self.all.plans.get(name).unwrap_or(&self.usual)
    }

    /// Whether there is a plan of a name.
    pub fn has(&self, name: &str) -> bool {
        self.all.plans.contains_key(name)
    }

    /// The edition of a name.
    pub fn edition(&self, name: &str) -> Result<&Edition, TariffError> {
        let edition = self.all.editions.get(name);
        edition.ok_or_else(|| TariffError::UnknownEdition {
            name: name.to_owned(),
            known: listed(self.all.editions.keys()),
        })
    }

    /// How many records a run creates and updates where `into` is the provider that receives: the least that the plan and
    /// the editions of the two apps say. `None`: any number.
    pub fn limit<'a>(
        &self,
        tariff: &Tariff,
        editions: impl IntoIterator<Item = &'a str>,
        into: &ProviderId,
        first: bool,
    ) -> Option<u64> {
        let editions = editions.into_iter();
        let editions = editions.filter_map(|name| self.all.editions.get(name));
        let all = std::iter::once(&tariff.limits).chain(editions.map(|one| &one.limits));
        all.filter_map(|limits| limits.limit(into, first)).min()
    }
}

impl TariffsFile {
    fn get(&self, name: &str) -> Result<&Tariff, TariffError> {
        self.plans.get(name).ok_or_else(|| TariffError::Unknown {
            name: name.to_owned(),
            known: listed(self.plans.keys()),
        })
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

impl Limits {
    fn limit(&self, into: &ProviderId, first: bool) -> Option<u64> {
        let own = self.into.get(into).copied().unwrap_or_default();
        let number = if first {
            own.first.or(self.first)
        } else {
            own.later.or(self.later)
        };
        number.map(NonZeroU64::get)
    }
}

impl Tariff {
    /// How long a connection rests at least after a run, before another one begins because a provider told of a change.
    pub fn rest_seconds(&self) -> u32 {
        /// However short its schedule may be.
        const LEAST: u32 = 60;
        let shortest = self.shortest_schedule.and_then(|one| one.every_seconds);
        shortest.unwrap_or(0).max(LEAST)
    }

    /// What of a connection it does not allow.
    pub fn refusals(&self, connection: &Connection) -> Vec<NotAllowed> {
        let mut all = Vec::new();
        if let (Some(shortest), Some(every)) = (
            self.shortest_schedule.and_then(|one| one.every_seconds),
            connection.schedule.every_seconds,
        ) && every < shortest
        {
            let shortest = self.shortest_schedule.unwrap_or_default();
            all.push(self.not_allowed(Limited::Schedule(every), format!(
                "allows no shorter schedule than `{shortest}`, and this one is `{}`: choose a longer one or `manual`, or change to another plan.",
                connection.schedule
            )));
        }
        if !self.custom_mapping && connection.mapping != MappingChoice::Default {
            all.push(self.not_allowed(
                Limited::Mapping,
                "allows no mapping of your own: choose `default`, or change to another plan.",
            ));
        }
        if !self.actions && connection.rules.iter().any(|rule| !rule.actions.is_empty()) {
            all.push(self.not_allowed(
                Limited::Actions,
                "allows no actions: take `then` out of the rules, or change to another plan.",
            ));
        }
        all
    }

    /// Whether an app may be synced that is for paid plans only.
    pub fn refuses_app(&self, name: &str, paid_plans_only: bool) -> Option<NotAllowed> {
        (paid_plans_only && !self.paid).then(|| {
            self.not_allowed(
                Limited::App(name.to_owned()),
                format!("does not allow to sync {name}: change to a paid plan."),
            )
        })
    }

    /// That there are as many connections as there may be.
    pub fn refuses_another(&self) -> NotAllowed {
        let most = self.connections.unwrap_or_default();
        let noun = if most == 1 {
            "connection"
        } else {
            "connections"
        };
        self.not_allowed(
            Limited::Connections,
            format!("allows {most} {noun}: delete one, or change to another plan."),
        )
    }

    fn not_allowed(&self, limit: Limited, what: impl Into<String>) -> NotAllowed {
        NotAllowed {
            plan: self.name.clone(),
            limit,
            what: what.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tariffs(json: serde_json::Value) -> Tariffs {
        let file: TariffsFile = serde_json::from_value(json).expect("a file");
        Tariffs::new(file, "small").expect("the plan is there")
    }

    #[test]
    fn a_connection_rests_as_long_as_its_shortest_schedule() {
        for (every_seconds, rest) in [(None, 60), (Some(60), 60), (Some(300), 300)] {
            let tariff = Tariff {
                shortest_schedule: Some(Schedule { every_seconds }),
                ..Tariffs::unlimited().of("").clone()
            };
            assert_eq!(tariff.rest_seconds(), rest, "{every_seconds:?}");
        }
    }

    #[test]
    fn the_least_of_plan_and_editions_counts_by_who_receives() {
        let all = tariffs(serde_json::json!({
            "plans": {
                "small": {"paid": false, "limits": {"first": 100, "later": 20,
                    "into": {"book": {"later": 5}}}},
                "large": {"paid": true},
            },
            "editions": {"own": {"limits": {"first": 50, "later": 10}}},
        }));
        let id = |id: &str| ProviderId::parse(id).expect("an id");
        let check = |plan: &str, editions: &[&str], into: &str, first, expect: Option<u64>| {
            let editions = editions.iter().copied();
            let found = all.limit(all.of(plan), editions, &id(into), first);
            assert_eq!(found, expect, "{plan} {into} {first}");
        };
        check("small", &[], "crm", true, Some(100));
        check("small", &[], "crm", false, Some(20));
        check("small", &[], "book", true, Some(100));
        check("small", &[], "book", false, Some(5));
        check("small", &["own"], "crm", true, Some(50));
        check("small", &["own"], "book", false, Some(5));
        check("large", &[], "crm", true, None);
        check("large", &["own"], "crm", false, Some(10));
        // A plan that was taken away: as new tenants.
        check("gone", &[], "crm", true, Some(100));
    }

    #[test]
    fn what_is_not_allowed_is_compared_by_what_it_is() {
        let plan = Tariffs::unlimited().usual().clone();
        let not = |limit| plan.not_allowed(limit, "x");
        let every = |seconds| not(Limited::Schedule(seconds));
        let app = |name: &str| not(Limited::App(name.to_owned()));
        assert!(every(60).is_more_than(&[]));
        assert!(every(60).is_more_than(&[every(120), not(Limited::Mapping)]));
        assert!(!every(120).is_more_than(&[every(60)]));
        assert!(!every(60).is_more_than(&[every(60)]));
        assert!(!not(Limited::Mapping).is_more_than(&[not(Limited::Mapping)]));
        assert!(not(Limited::Actions).is_more_than(&[not(Limited::Mapping)]));
        assert!(app("x").is_more_than(&[app("y")]));
    }

    #[test]
    fn what_there_is_not_is_answered_with_what_there_is() {
        let file = serde_json::json!({"plans": {"small": {"paid": false}}});
        let file: TariffsFile = serde_json::from_value(file).expect("a file");
        let error = Tariffs::new(file.clone(), "big").expect_err("no such plan");
        assert_eq!(
            error.to_string(),
            "there is no plan `big`; there are: small"
        );
        let all = Tariffs::new(file, "small").expect("a plan");
        let error = all.edition("own").expect_err("no such edition");
        assert_eq!(
            error.to_string(),
            "there is no edition `own`; there are: none"
        );
        // A run that may carry over nothing would never end what waits.
        let never =
            serde_json::json!({"plans": {"small": {"paid": false, "limits": {"later": 0}}}});
        assert!(serde_json::from_value::<TariffsFile>(never).is_err());
    }
}
