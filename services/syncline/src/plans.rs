//! `syncline plans`, and what tenants' plans allow: as built in, or as the operator's file says.

use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use syncline_model::{Tariff, Tariffs, TariffsFile, TenantId};
use syncline_platform::Config;
use syncline_store::Store;

use crate::cli::ConfigArgs;
use crate::{out, wiring};

/// The plans unless the configuration names others.
const BUILT_IN: &str = include_str!("plans.toml");

/// What tenants' plans allow.
pub fn load(config: &Config) -> anyhow::Result<Arc<Tariffs>> {
    let plans = &config.plans;
    let (name, text) = match &plans.file {
        Some(file) => {
            let name = file.display().to_string();
            let text = std::fs::read_to_string(file);
            let text = text.with_context(|| format!("plans.file: `{name}` cannot be read"))?;
            (name, text)
        }
        None => ("plans.toml".to_owned(), BUILT_IN.to_owned()),
    };
    let file: TariffsFile =
        toml::from_str(&text).with_context(|| format!("`{name}` is not a file of plans"))?;
    let tariffs = Tariffs::new(file, &plans.default).context("plans.default")?;
    Ok(Arc::new(tariffs))
}

/// `plans`.
#[derive(Debug, Args)]
pub struct PlansArgs {
    #[command(subcommand)]
    command: PlansCommand,
    #[command(flatten)]
    config: ConfigArgs,
    /// Where the key ring and the database are kept, as `serve` was told.
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<std::path::PathBuf>,
}

#[derive(Debug, Subcommand)]
enum PlansCommand {
    /// Lists the plans and what each allows. Needs no database.
    List,
    /// Prints the plan of a tenant.
    Get {
        /// The tenant's id, or the e-mail address of one of its members.
        tenant: String,
    },
    /// Puts a tenant on another plan, from its next runs and requests on.
    Set {
        /// The tenant's id, or the e-mail address of one of its members.
        tenant: String,
        /// The plan.
        plan: String,
    },
}

/// Does what was asked.
pub async fn run(args: PlansArgs) -> anyhow::Result<()> {
    let mut config = args.config.load()?;
    if let Some(dir) = args.data_dir {
        config.data_dir = dir;
    }
    let tariffs = load(&config)?;
    match args.command {
        PlansCommand::List => Ok(out::print(&table(&tariffs))?),
        PlansCommand::Get { tenant } => {
            let store = wiring::open_migrated_store(&config).await?;
            let tenant = find(&store, &tenant).await?;
            let plan = store.scope(tenant).await?.tenant_plan().await?;
            store.close().await;
            Ok(out::line(&plan)?)
        }
        PlansCommand::Set { tenant, plan } => {
            let plan = &tariffs.get(&plan)?.name;
            let store = wiring::open_migrated_store(&config).await?;
            let tenant = find(&store, &tenant).await?;
            store.tenant_plan_set(tenant, plan).await?;
            store.close().await;
            Ok(out::line(&format!("{tenant} is on the plan {plan}"))?)
        }
    }
}

/// The tenant of an id, or of a member's address.
async fn find(store: &Store, text: &str) -> anyhow::Result<TenantId> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    match store.member_by_email(text).await? {
        Some((member, _)) => Ok(member.tenant),
        None => bail!("`{text}` is neither the id of a tenant nor the e-mail address of a member"),
    }
}

/// A line a plan.
fn table(tariffs: &Tariffs) -> String {
    let usual = &tariffs.usual().name;
    let rows = tariffs
        .iter()
        .map(|plan| described(plan, plan.name == *usual));
    rows.collect()
}

fn described(plan: &Tariff, usual: bool) -> String {
    let number = |number: Option<u64>| number.map_or_else(|| "any".to_owned(), |n| n.to_string());
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    let schedule = plan.shortest_schedule.unwrap_or_default();
    let schedule = plan
        .shortest_schedule
        .map_or_else(|| "any".to_owned(), |_| schedule.to_string());
    let limits = &plan.limits;
    let into = limits.into.iter().map(|(provider, limit)| {
        let (first, later) = (limit.first.or(limits.first), limit.later.or(limits.later));
        let (first, later) = (first.map(Into::into), later.map(Into::into));
        format!(", into {provider} {} then {}", number(first), number(later))
    });
    format!(
        "{:<14}{}{}\n  connections {}, shortest schedule {schedule}, custom mapping {}, actions {}\n  \
         records a run: {} then {}{}\n",
        plan.name,
        if plan.paid { "paid" } else { "not paid" },
        if usual { ", for new tenants" } else { "" },
        number(plan.connections.map(u64::from)),
        yes(plan.custom_mapping),
        yes(plan.actions),
        number(limits.first.map(Into::into)),
        number(limits.later.map(Into::into)),
        into.collect::<String>(),
    )
}

#[cfg(test)]
mod tests {
    use syncline_model::ProviderId;

    use super::*;

    fn config(settings: &[(&str, &str)]) -> Config {
        let settings = settings.iter();
        let settings = settings.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Config::load_with(None, settings.collect()).expect("a configuration")
    }

    #[test]
    fn what_is_built_in_is_as_zoho_says_and_leaves_new_tenants_free() {
        let tariffs = load(&config(&[])).expect("plans");
        let google = ProviderId::parse("google_contacts").expect("an id");
        let zoho = ProviderId::parse("zoho_crm").expect("an id");
        let names: Vec<&str> = tariffs.iter().map(|plan| plan.name.as_str()).collect();
        assert_eq!(names, ["enterprise", "free", "professional", "standard"]);
        for plan in ["free", "standard", "professional"].map(|name| tariffs.of(name)) {
            let limit = |into, first| tariffs.limit(plan, [], into, first);
            assert_eq!(
                (limit(&zoho, true), limit(&google, true)),
                (Some(25_000), Some(25_000))
            );
            assert_eq!(
                (limit(&zoho, false), limit(&google, false)),
                (Some(5_000), Some(1_000))
            );
            let limit = |into, first| tariffs.limit(plan, ["vertical"], into, first);
            assert_eq!(
                (limit(&zoho, true), limit(&google, false)),
                (Some(10_000), Some(500))
            );
        }
        let usual = tariffs.usual();
        assert_eq!(usual.name, "enterprise");
        assert_eq!(tariffs.limit(usual, [], &google, false), None);
        assert!(
            tariffs
                .edition("vertical")
                .expect("an edition")
                .paid_plans_only
        );
        let free = table(&tariffs);
        let expect = "free          not paid\n  connections 1, shortest schedule 1d, custom mapping no, actions no\n  \
            records a run: 25000 then 5000, into google_contacts 25000 then 1000\n";
        assert!(free.contains(expect), "{free}");
    }

    #[test]
    fn a_plan_that_is_not_there_is_no_default() {
        let error =
            load(&config(&[("SYNCLINE__PLANS__DEFAULT", "gold")])).expect_err("no such plan");
        let error = format!("{error:#}");
        assert_eq!(
            error,
            "plans.default: there is no plan `gold`; there are: enterprise, free, professional, standard"
        );
    }
}
