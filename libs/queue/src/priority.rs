//! How urgent a job is, and in which order queues are asked so that the urgent comes first and nothing starves.

/// How urgent a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// A person waits for it.
    Interactive,
    /// A connection's time has come.
    Scheduled,
    /// The first sync of a connection, which may be long.
    FirstSync,
}

/// Every so many jobs, what is scheduled is asked for first.
const SCHEDULED_TURN: usize = 4;
/// Every so many jobs, first syncs are asked for first.
const FIRST_SYNC_TURN: usize = 8;

impl Priority {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Interactive, Self::Scheduled, Self::FirstSync];

    /// Its name in names of queues, metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Scheduled => "scheduled",
            Self::FirstSync => "first-sync",
        }
    }

    /// Of a run that is going on after its first slice: whoever waited has seen it begin, and others wait too.
    pub const fn continued(self) -> Self {
        match self {
            Self::Interactive | Self::Scheduled => Self::Scheduled,
            Self::FirstSync => Self::FirstSync,
        }
    }

    /// The order in which queues are asked for the nth job.
    pub(crate) const fn order(nth: usize) -> [Self; 3] {
        if nth % FIRST_SYNC_TURN == FIRST_SYNC_TURN - 1 {
            [Self::FirstSync, Self::Interactive, Self::Scheduled]
        } else if nth % SCHEDULED_TURN == SCHEDULED_TURN - 1 {
            [Self::Scheduled, Self::Interactive, Self::FirstSync]
        } else {
            Self::ALL
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_eight_jobs_one_is_a_first_sync_and_one_is_scheduled_however_many_are_urgent() {
        let check = |first: Priority, expect: usize| {
            let turns = (0..8).filter(|nth| Priority::order(*nth)[0] == first);
            assert_eq!(turns.count(), expect, "{first:?}");
        };
        check(Priority::Interactive, 6);
        check(Priority::Scheduled, 1);
        check(Priority::FirstSync, 1);
    }

    #[test]
    fn every_queue_is_asked_for_every_job() {
        for nth in 0..16 {
            let mut order = Priority::order(nth);
            order.sort();
            assert_eq!(order, Priority::ALL);
        }
    }
}
