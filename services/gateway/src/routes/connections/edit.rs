//! An edit of a connection before it is stored: what the connection would be, whether it can be, and what follows.

use syncline_model::Connection;
use syncline_store::EditEffects;

use super::allowed;
use crate::auth::Caller;
use crate::live::{self, Live};
use crate::problem::Problem;
use crate::state::State;
use crate::wire::ConnectionPatch;

/// An edit that can be made.
pub struct Edit {
    /// The connection as it would be.
    pub wanted: Connection,
    /// What would be different, by the names of a connection's fields.
    pub changed: Vec<&'static str>,
    /// What has to happen when it is stored.
    pub effects: EditEffects,
    /// What the accounts have, where the edit is for their providers to say.
    pub live: Option<Live>,
}

impl Edit {
    /// Makes the changes and checks them: against the plan, and with the providers where it is for them to say.
    pub async fn of(
        state: &State,
        caller: &Caller,
        before: &Connection,
        patch: ConnectionPatch,
    ) -> Result<Self, Problem> {
        let now = state.clock.now();
        let reschedule = patch.schedule.is_some_and(|new| new != before.schedule);
        let wanted = patch.apply(before.clone(), now);
        allowed::check_edit(allowed::tariff(state, caller).await?, before, &wanted)?;
        let rejudge = wanted.rules != before.rules || wanted.direction != before.direction;
        let remap = wanted.mapping != before.mapping || wanted.matching != before.matching;
        let leaving = wanted.on_leave != before.on_leave;
        let mut seen = None;
        if rejudge || remap || leaving || wanted.deletions != before.deletions {
            let live = live::look(state, caller, &wanted.sides).await?;
            live.check(&wanted)?;
            seen = Some(live);
        }
        // Who leaves is known only of those who were seen inside.
        let replan = rejudge || remap || leaving;
        let effects = EditEffects {
            replan,
            reguard: wanted.conflict != before.conflict,
            next_run_at: (replan || reschedule).then(|| wanted.schedule.every_seconds.map(|_| now)),
        };
        Ok(Self {
            changed: changed(before, &wanted),
            wanted,
            effects,
            live: seen,
        })
    }
}

fn changed(before: &Connection, after: &Connection) -> Vec<&'static str> {
    [
        ("name", before.name != after.name),
        ("direction", before.direction != after.direction),
        ("conflict", before.conflict != after.conflict),
        ("schedule", before.schedule != after.schedule),
        ("rules", before.rules != after.rules),
        ("mapping", before.mapping != after.mapping),
        ("deletions", before.deletions != after.deletions),
        ("on_leave", before.on_leave != after.on_leave),
        ("match", before.matching != after.matching),
        ("guards", before.guards != after.guards),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}
