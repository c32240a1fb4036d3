//! Whether the tenant's plan allows a connection.

use syncline_model::{Connection, NotAllowed, Tariff};

use crate::auth::Caller;
use crate::problem::Problem;
use crate::state::State;

/// What the tenant's plan allows.
pub async fn tariff<'s>(state: &'s State, caller: &Caller) -> Result<&'s Tariff, Problem> {
    let plan = caller.rows.tenant_plan().await?;
    if !state.tariffs.has(&plan) {
        tracing::warn!(tenant.id = %caller.tenant, plan, "the tenant's plan is not there: what new tenants get holds");
    }
    Ok(state.tariffs.of(&plan))
}

/// Refuses a connection that is to be made or resumed.
pub async fn check(
    state: &State,
    caller: &Caller,
    tariff: &Tariff,
    connection: &Connection,
) -> Result<(), Problem> {
    let mut refusals = tariff.refusals(connection);
    for side in [&connection.sides.a, &connection.sides.b] {
        let account = caller.rows.account_get(side.account).await?;
        let connector = state.registry.get(&account.provider);
        let app = connector.map(|connector| connector.definition());
        refusals.extend(app.and_then(|app| tariff.refuses_app(&app.name, app.paid_plans_only)));
    }
    refuse(&refusals)
}

/// Refuses an edit that asks for more than the connection has: a tenant whose plan was changed may go on editing it.
pub fn check_edit(
    tariff: &Tariff,
    before: &Connection,
    wanted: &Connection,
) -> Result<(), Problem> {
    let mut refusals = tariff.refusals(wanted);
    let known = tariff.refusals(before);
    refusals.retain(|one| one.is_more_than(&known));
    refuse(&refusals)
}

fn refuse(refusals: &[NotAllowed]) -> Result<(), Problem> {
    if refusals.is_empty() {
        Ok(())
    } else {
        Err(Problem::plan_limit(refusals))
    }
}
