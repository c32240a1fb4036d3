//! How the providers' clocks stand beside ours, measured by the answers to our calls: whose edit is the more recent one
//! is told by their clocks, which may be off by minutes.
//!
//! An answer's `Date` is read off somewhere between the call and the answer, and cut to whole seconds: that leaves a range
//! for how far the clock is ahead. All answers of a slice together leave what their ranges have in common. What was
//! measured last is kept with the account, for slices that decide before they have asked.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use syncline_connector::Witness;
use syncline_model::{AccountId, ClockSkew};
use syncline_platform::Clock;
use syncline_store::Scope;

use crate::Trouble;

/// What `Date` leaves out, in microseconds.
const SECOND: i64 = 1_000_000;
/// What is kept is written anew when it is wrong, or less exact, by more than this.
const WORTH_WRITING: i64 = SECOND / 4;

/// Watches a provider's clock.
pub struct ClockWatch {
    clock: Arc<dyn Clock>,
    /// As earlier slices measured it.
    kept: Option<ClockSkew>,
    range: Mutex<Option<Range>>,
}

/// By how many microseconds a clock is ahead, at least and at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    least: i64,
    most: i64,
}

impl ClockWatch {
    /// Watches the clock of an account's provider.
    pub async fn new(
        clock: &Arc<dyn Clock>,
        scope: &Scope,
        account: AccountId,
    ) -> Result<Self, Trouble> {
        Ok(Self {
            clock: Arc::clone(clock),
            kept: scope.account_clock(account).await?,
            range: Mutex::default(),
        })
    }

    /// How it stands, as far as is known.
    pub fn skew(&self) -> ClockSkew {
        self.measured().or(self.kept).unwrap_or_default()
    }

    /// Keeps what was measured, if that is news.
    pub async fn keep(&self, scope: &Scope, account: AccountId) -> Result<(), Trouble> {
        let news = self.measured().filter(|now| {
            self.kept.is_none_or(|kept| {
                (now.ahead - kept.ahead).abs() > WORTH_WRITING
                    || kept.doubt - now.doubt > WORTH_WRITING
            })
        });
        if let Some(now) = news {
            scope.account_clock_set(account, now).await?;
        }
        Ok(())
    }

    fn measured(&self) -> Option<ClockSkew> {
        let range = *self.range.lock().unwrap_or_else(PoisonError::into_inner);
        range.map(Range::skew)
    }
}

impl Witness for ClockWatch {
    fn answered(&self, date: DateTime<Utc>, took: Duration) {
        let seen = Range::seen(date, self.clock.now(), took);
        // Nothing that can panic happens under the lock.
        let mut range = self.range.lock().unwrap_or_else(PoisonError::into_inner);
        *range = Some(range.map_or(seen, |range| range.narrowed(seen)));
    }
}

impl Range {
    /// What an answer that came `now` says.
    fn seen(date: DateTime<Utc>, now: DateTime<Utc>, took: Duration) -> Self {
        let took = i64::try_from(took.as_micros()).unwrap_or(i64::MAX);
        let least = date.timestamp_micros() - now.timestamp_micros();
        Self {
            least,
            most: least.saturating_add(SECOND).saturating_add(took),
        }
    }

    /// What both leave; if they contradict each other a clock was set, and the newer one holds.
    fn narrowed(self, newer: Self) -> Self {
        let both = Self {
            least: self.least.max(newer.least),
            most: self.most.min(newer.most),
        };
        if both.least <= both.most { both } else { newer }
    }

    fn skew(self) -> ClockSkew {
        let doubt = (self.most - self.least) / 2;
        ClockSkew {
            ahead: self.least + doubt,
            doubt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(micros).expect("a time")
    }

    /// A clock that is ahead by `ahead` is asked again and again, by calls of any length.
    #[test]
    fn answers_leave_ever_less_doubt_and_never_lie() {
        for ahead in [-300 * SECOND, 0, 7 * SECOND / 2, 600 * SECOND] {
            let mut range: Option<Range> = None;
            let mut now = 1_000_000 * SECOND + 123_456;
            for (before, after) in [(90_000, 10_000), (5_000, 400_000), (20_000, 20_000)].repeat(9)
            {
                let there = now + before + ahead;
                let date = at(there - there.rem_euclid(SECOND));
                now += before + after;
                let took = Duration::from_micros((before + after).unsigned_abs());
                let seen = Range::seen(date, at(now), took);
                let next = range.map_or(seen, |range| range.narrowed(seen));
                assert!(
                    next.least <= ahead && ahead <= next.most,
                    "{next:?} {ahead}"
                );
                range = Some(next);
                now += 137_000;
            }
            let skew = range.expect("a range").skew();
            assert!(skew.doubt < SECOND / 5, "{skew:?}");
            assert!((skew.ahead - ahead).abs() <= skew.doubt, "{skew:?} {ahead}");
        }
    }

    #[test]
    fn a_clock_that_was_set_is_measured_anew() {
        let before = Range {
            least: 0,
            most: SECOND,
        };
        let after = Range {
            least: 60 * SECOND,
            most: 61 * SECOND,
        };
        assert_eq!(before.narrowed(after), after);
        let narrower = Range {
            least: SECOND / 2,
            most: 2 * SECOND,
        };
        let both = Range {
            least: SECOND / 2,
            most: SECOND,
        };
        assert_eq!(before.narrowed(narrower), both);
    }
}
