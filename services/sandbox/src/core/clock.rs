//! The sandbox's clock: real time plus an offset, or frozen. Not a timer: delays are real. Each provider's own clock may
//! go before or after it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use chrono::{DateTime, Duration, SubsecRound, Utc};
use serde::{Deserialize, Serialize};

use super::lock;

/// Tells the time to every part of the sandbox; moved through the admin API.
#[derive(Default)]
pub struct Clock(Mutex<Hand>);

#[derive(Default)]
struct Hand {
    offset: Duration,
    frozen: Option<DateTime<Utc>>,
    ahead: BTreeMap<String, i64>,
}

/// How to move the clock; `frozen: true` is applied before the moves, `frozen: false` after them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// Back to real time, before anything else.
    #[serde(default)]
    pub reset: bool,
    /// Jump to this instant.
    pub set: Option<DateTime<Utc>>,
    /// Move by so many seconds; negative goes back.
    pub advance_secs: Option<i64>,
    /// Stop (`true`) or let run again (`false`).
    pub frozen: Option<bool>,
    /// By how many seconds a provider's own clock is ahead, from now on, by the provider's name; negative is behind.
    #[serde(default)]
    pub ahead_secs: BTreeMap<String, i64>,
}

impl Clock {
    /// The sandbox's present, in microseconds.
    pub fn now(&self) -> DateTime<Utc> {
        lock(&self.0).now().trunc_subsecs(6)
    }

    /// The present as a provider's own clock shows it.
    pub fn now_at(&self, provider: &str) -> DateTime<Utc> {
        let ahead = lock(&self.0).ahead.get(provider).copied();
        let now = self.now();
        ahead
            .and_then(|seconds| now.checked_add_signed(Duration::try_seconds(seconds)?))
            .unwrap_or(now)
    }

    /// Whether time stands still.
    pub fn is_frozen(&self) -> bool {
        lock(&self.0).frozen.is_some()
    }

    /// Moves the clock and tells the new time. A jump out of the calendar's range is ignored.
    pub fn shift(&self, step: &Move) -> DateTime<Utc> {
        let mut hand = lock(&self.0);
        if step.reset {
            *hand = Hand::default();
        }
        // Frozen first, so that a jump to an instant stands exactly there.
        if step.frozen == Some(true) {
            hand.frozen = Some(hand.now());
        }
        if let Some(to) = step.set {
            hand.jump(to);
        }
        if let Some(to) = step
            .advance_secs
            .and_then(|s| hand.now().checked_add_signed(Duration::try_seconds(s)?))
        {
            hand.jump(to);
        }
        let ahead = step.ahead_secs.iter();
        hand.ahead
            .extend(ahead.map(|(name, seconds)| (name.clone(), *seconds)));
        if step.frozen == Some(false) {
            let now = hand.now();
            hand.frozen = None;
            hand.jump(now);
        }
        hand.now()
    }
}

impl Hand {
    fn now(&self) -> DateTime<Utc> {
        self.frozen.unwrap_or_else(|| {
            real_now()
                .checked_add_signed(self.offset)
                .unwrap_or_else(real_now)
        })
    }

    fn jump(&mut self, to: DateTime<Utc>) {
        if self.frozen.is_some() {
            self.frozen = Some(to);
        } else {
            self.offset = to - real_now();
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox imports nothing of ours; this is its one home of real time"
)]
fn real_now() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frozen_time_moves_only_by_hand() {
        let clock = Clock::default();
        let start = "2026-01-01T00:00:00Z".parse().unwrap();
        clock.shift(&Move {
            set: Some(start),
            frozen: Some(true),
            ..Move::default()
        });
        let frozen = clock.now();
        assert_eq!(clock.now(), frozen);
        clock.shift(&Move {
            advance_secs: Some(90),
            ..Move::default()
        });
        assert_eq!(clock.now() - frozen, Duration::seconds(90));
        clock.shift(&Move {
            frozen: Some(false),
            ..Move::default()
        });
        assert!(!clock.is_frozen());
        assert!(clock.now() >= frozen);
        clock.shift(&Move {
            ahead_secs: [("zoho".to_owned(), -300)].into(),
            frozen: Some(true),
            ..Move::default()
        });
        assert_eq!(clock.now_at("google"), clock.now());
        assert_eq!(clock.now_at("zoho"), clock.now() - Duration::seconds(300));
        clock.shift(&Move {
            reset: true,
            ..Move::default()
        });
        assert!(clock.now_at("zoho") >= clock.now() - Duration::seconds(5));
        assert!((clock.now() - real_now()).num_seconds().abs() < 5);
    }
}
