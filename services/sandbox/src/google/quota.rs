//! Requests per minute and user (providers/google.md 2.9). A bucket binds only when its knob is set.

use chrono::{DateTime, Utc};

use super::account::Knobs;
use super::refusal::Refusal;

/// What one call costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Critical reads.
    pub critical_reads: u64,
    /// Critical writes.
    pub critical_writes: u64,
    /// Group reads.
    pub reads: u64,
    /// Group writes and deletions.
    pub writes: u64,
    /// First pages of full syncs.
    pub full_syncs: u64,
}

/// Used, price, limit; then title, limit and metric as the refusal words them.
type Bucket<'a> = (
    &'a mut u64,
    u64,
    Option<u64>,
    &'static str,
    &'static str,
    &'static str,
);

/// What was used in the present minute.
#[derive(Debug, Default)]
pub struct Quota {
    minute: i64,
    used: Cost,
}

impl Quota {
    /// Charges a call, or refuses it and charges nothing.
    pub fn charge(&mut self, cost: Cost, knobs: &Knobs, now: DateTime<Utc>) -> Result<(), Refusal> {
        let minute = now.timestamp().div_euclid(60);
        if minute != self.minute {
            *self = Self {
                minute,
                used: Cost::default(),
            };
        }
        let u = &mut self.used;
        let buckets: [Bucket<'_>; 5] = [
            (
                &mut u.critical_reads,
                cost.critical_reads,
                knobs.critical_reads,
                "Critical read requests (Contact and Profile Reads)",
                "CriticalReadsPerMinutePerProjectPerUser",
                "critical_read_requests",
            ),
            (
                &mut u.critical_writes,
                cost.critical_writes,
                knobs.critical_writes,
                "Critical write requests (Contact and Profile Writes)",
                "CriticalWritesPerMinutePerProjectPerUser",
                "critical_write_requests",
            ),
            (
                &mut u.reads,
                cost.reads,
                knobs.reads,
                "Read requests",
                "ReadsPerMinutePerProjectPerUser",
                "read_requests",
            ),
            (
                &mut u.writes,
                cost.writes,
                knobs.writes,
                "Write requests",
                "WritesPerMinutePerProjectPerUser",
                "write_requests",
            ),
            (
                &mut u.full_syncs,
                cost.full_syncs,
                knobs.full_syncs,
                "Full contact sync requests",
                "FullSyncsPerMinutePerProjectPerUser",
                "full_sync_requests",
            ),
        ];
        for (used, price, limit, title, name, metric) in &buckets {
            if limit.is_some_and(|limit| *price > 0 && **used + *price > limit) {
                return Err(Refusal::quota(title, name, metric));
            }
        }
        for (used, price, ..) in buckets {
            *used += price;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_fills_and_empties_by_the_minute() {
        let knobs = Knobs {
            critical_reads: Some(2),
            ..Knobs::default()
        };
        let at = |secs| DateTime::from_timestamp(secs, 0).unwrap();
        let read = Cost {
            critical_reads: 1,
            ..Cost::default()
        };
        let write = Cost {
            critical_writes: 1,
            critical_reads: 1,
            ..Cost::default()
        };
        let mut quota = Quota::default();
        let mut charge = |cost, secs| quota.charge(cost, &knobs, at(secs)).is_ok();
        assert!(charge(read, 0) && charge(write, 1));
        assert!(!charge(read, 59));
        assert!(charge(read, 60));
    }
}
