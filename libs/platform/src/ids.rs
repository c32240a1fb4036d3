//! Ids as an argument: the one place that makes UUIDs, and a source that gives the same ones in every test.
//!
//! Bare UUIDs come out; `TenantId::from_uuid(ids.next())` says what one names. Ids are not secrets: tokens come from
//! `random`.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// Gives new ids. Later ones of one source sort after earlier ones.
pub trait Ids: Send + Sync + std::fmt::Debug {
    /// A new id.
    fn next(&self) -> Uuid;
}

/// Version 7: time-ordered, so that new rows lie together in an index.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemIds;

impl Ids for SystemIds {
    #[expect(clippy::disallowed_methods, reason = "the home of ids")]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// For tests: version 7 ids that depend on a seed and on how many were made before, on nothing else.
#[derive(Debug)]
pub struct SeededIds {
    seed: u64,
    made: AtomicU64,
}

impl SeededIds {
    /// A source; sources of different seeds give different ids.
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            made: AtomicU64::new(0),
        }
    }
}

impl Ids for SeededIds {
    fn next(&self) -> Uuid {
        let count = self.made.fetch_add(1, Ordering::Relaxed);
        let mut rest = [0; 10];
        let mixed = mix(self.seed ^ mix(count)).to_be_bytes();
        for (to, from) in rest.iter_mut().zip(mixed) {
            *to = from;
        }
        uuid::Builder::from_unix_timestamp_millis(count, &rest).into_uuid()
    }
}

/// The finalizer of `splitmix64`: spreads neighbouring numbers.
const fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ids: &dyn Ids) {
        let made: Vec<Uuid> = (0..1_000).map(|_| ids.next()).collect();
        assert!(made.is_sorted_by(|a, b| a < b), "{ids:?}");
        assert_eq!(made[0].get_version_num(), 7);
    }

    #[test]
    fn ids_sort_as_they_were_made() {
        check(&SystemIds);
        check(&SeededIds::new(1));
    }

    #[test]
    fn seeded_ids_repeat_per_seed() {
        let first = |seed| SeededIds::new(seed).next();
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
    }
}
