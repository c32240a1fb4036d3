//! Records that keep moving while they are written: each becomes a problem and waits for the next run, so that the
//! rest of this one does not wait for it.

use std::collections::HashMap;

use syncline_model::{Counters, Problem, ProblemId, ProblemReason, ProblemStatus, RemoteId, Side};
use syncline_store::{Phase, Settlement, StagedPhase};

use super::context::RunContext;
use crate::Trouble;

/// Passes in which a record may move under our hands before it is left to the next run.
pub const MAX_MOVES: usize = 4;

/// How often records moved in this slice.
#[derive(Default)]
pub struct Moves(HashMap<(Side, RemoteId), usize>);

impl Moves {
    /// Counts those that moved in a pass. Gives those that did so too often.
    pub fn too_often(&mut self, moved: &[(Side, RemoteId)]) -> Vec<(Side, RemoteId)> {
        let mut over = Vec::new();
        for key in moved {
            let times = self.0.entry(key.clone()).or_default();
            *times += 1;
            if *times >= MAX_MOVES {
                over.push(key.clone());
            }
        }
        over
    }
}

/// Leaves records, and what they are linked to, to the next run.
pub async fn give_up(
    context: &RunContext<'_>,
    records: &[(Side, RemoteId)],
) -> Result<(), Trouble> {
    if records.is_empty() {
        return Ok(());
    }
    let now = context.tools.clock.now();
    let mut settlement = Settlement {
        now,
        ..Settlement::default()
    };
    let mut wait = |side, remote| {
        settlement.staged_phases.push(StagedPhase {
            side,
            remote,
            phase: Phase::Waiting,
            retry_at: Some(now),
        });
    };
    for side in Side::BOTH {
        let mine = records.iter().filter(|(at, _)| *at == side);
        let ids: Vec<RemoteId> = mine.map(|(_, id)| id.clone()).collect();
        let links = context
            .scope
            .links_by_remote(context.connection.id, context.connection.pair, side, &ids)
            .await?;
        for seen in links {
            wait(side.other(), seen.link.remote.get(side.other()).clone());
        }
        for id in ids {
            wait(side, id);
        }
    }
    let mut counters = Counters::default();
    for (side, remote) in records {
        counters.from_side(side.other()).failed += 1;
        settlement.problems.push(Problem {
            id: ProblemId::from_uuid(context.tools.ids.next()),
            connection: context.connection.id,
            run: context.run.id,
            side: *side,
            remote: remote.clone(),
            reason: ProblemReason::Contended,
            message: "The record kept changing while it was written. The next run tries again."
                .to_owned(),
            candidates: Vec::new(),
            status: ProblemStatus::Open,
            attempts: 1,
            retry_at: Some(now),
            created_at: now,
            updated_at: now,
        });
    }
    settlement.counters = counters;
    tracing::warn!(
        records = records.len(),
        "records keep changing while they are written"
    );
    context.settle(&settlement).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_record_has_its_own_count() {
        let key = |id: &str| (Side::A, RemoteId::new(id));
        let mut moves = Moves::default();
        for pass in 1..MAX_MOVES {
            assert_eq!(moves.too_often(&[key("x")]), [], "pass {pass}");
        }
        assert_eq!(moves.too_often(&[key("x"), key("y")]), [key("x")]);
    }
}
