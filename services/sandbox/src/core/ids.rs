//! Seeded chance and ids: the same seed and the same order of calls give the same sandbox.
//! Not cryptography: tokens made here protect nothing but invented data.

use std::sync::atomic::{AtomicU64, Ordering};

/// A small deterministic generator (SplitMix64).
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// A generator that always tells the same story for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number below `n`; 0 when `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next_u64().checked_rem(n).unwrap_or(0)
    }

    /// True in `percent` of a hundred cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of the words; empty for an empty list.
    pub fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let at = self.below(words.len() as u64) as usize;
        words.get(at).copied().unwrap_or("")
    }

    /// Reorders in place.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end as u64 + 1) as usize);
        }
    }
}

/// Mixes 64 bits so that near inputs give far outputs.
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A stable 64-bit digest of text (FNV-1a, mixed).
pub fn digest(text: &str) -> u64 {
    let fnv = text.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x100_0000_01B3)
    });
    mix(fnv)
}

/// The sandbox's source of fresh ids.
pub struct Ids {
    seed: u64,
    counter: AtomicU64,
}

const URL_SAFE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const HEX: &[u8] = b"0123456789abcdef";
const DIGITS: &[u8] = b"0123456789";

impl Ids {
    /// Ids that follow `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            counter: AtomicU64::new(0),
        }
    }

    /// The seed the sandbox was started with.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A generator for one purpose, independent of how many ids were drawn before.
    pub fn rng_for(&self, purpose: &str) -> Rng {
        Rng::new(self.seed ^ digest(purpose))
    }

    /// A fresh generator; differs at every call.
    pub fn rng(&self) -> Rng {
        let n = self.counter.fetch_add(1, Ordering::Relaxed);
        Rng::new(mix(self.seed.wrapping_add(mix(n))))
    }

    /// A fresh number.
    pub fn number(&self) -> u64 {
        self.rng().next_u64()
    }

    /// A fresh word of URL-safe characters.
    pub fn token(&self, len: usize) -> String {
        self.word(URL_SAFE, len)
    }

    /// A fresh word of lower-case hexadecimal digits.
    pub fn hex(&self, len: usize) -> String {
        self.word(HEX, len)
    }

    /// A fresh word of decimal digits which does not begin with 0.
    pub fn digits(&self, len: usize) -> String {
        let word = self.word(DIGITS, len);
        match word.strip_prefix('0') {
            Some(rest) => format!("1{rest}"),
            None => word,
        }
    }

    fn word(&self, alphabet: &[u8], len: usize) -> String {
        let mut rng = self.rng();
        (0..len)
            .filter_map(|_| {
                alphabet
                    .get(rng.below(alphabet.len() as u64) as usize)
                    .map(|b| char::from(*b))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_tells_the_same_story() {
        let draw = |seed| {
            let ids = Ids::new(seed);
            (ids.token(20), ids.digits(18), ids.number())
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let ids = Ids::new(1);
        assert_ne!(ids.token(20), ids.token(20));
        assert!((0..200).all(|_| !ids.digits(5).starts_with('0')));
    }
}
