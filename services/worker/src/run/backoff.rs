//! How long records are left alone that their provider refused: an hour at first, twice as long with every further
//! refusal, a day at most. How often it was, the open problems say.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use syncline_engine::Settled;
use syncline_model::{ProblemReason, RemoteId, Side};

use super::context::RunContext;
use crate::Trouble;

/// How long a record is left alone that was refused for the first time.
const FIRST: TimeDelta = TimeDelta::hours(1);
/// The longest that it is left alone.
const LONGEST: TimeDelta = TimeDelta::hours(24);

/// How often records were refused before.
#[derive(Debug, Default)]
pub struct Refusals(HashMap<(Side, RemoteId, ProblemReason), i32>);

impl Refusals {
    /// Looks up the problems of these settlements.
    pub async fn of(context: &RunContext<'_>, refused: &[&Settled]) -> Result<Self, Trouble> {
        let mut known = HashMap::new();
        for side in Side::BOTH {
            let problems = refused.iter().flat_map(|settled| &settled.problems);
            let ids: Vec<RemoteId> = problems
                .filter(|problem| problem.side == side)
                .map(|problem| problem.remote.clone())
                .collect();
            let found = context
                .scope
                .problem_attempts(context.connection.id, side, &ids)
                .await?;
            known.extend(
                found
                    .into_iter()
                    .map(|((id, reason), attempts)| ((side, id, reason), attempts)),
            );
        }
        Ok(Self(known))
    }

    /// When to try again what was refused just now: as the problem says that was met most often.
    pub fn retry_at(&self, settled: &Settled, now: DateTime<Utc>) -> DateTime<Utc> {
        let before = settled.problems.iter().filter_map(|problem| {
            let key = (problem.side, problem.remote.clone(), problem.reason);
            self.0.get(&key).copied()
        });
        now + pause(before.max().unwrap_or(0))
    }
}

/// How long to wait after a refusal that follows `before` others.
fn pause(before: i32) -> TimeDelta {
    let doublings = u32::try_from(before).unwrap_or(0).min(10);
    LONGEST.min(FIRST * 2_i32.pow(doublings))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F-57: from an hour to a day.
    #[test]
    fn a_refused_record_is_left_alone_for_longer_each_time() {
        for (before, hours) in [
            (-1, 1),
            (0, 1),
            (1, 2),
            (2, 4),
            (4, 16),
            (5, 24),
            (6, 24),
            (i32::MAX, 24),
        ] {
            assert_eq!(pause(before), TimeDelta::hours(hours), "{before}");
        }
    }
}
