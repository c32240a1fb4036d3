//! Chance from a seed: the same numbers every time. Not for secrets.

/// A source of numbers.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// A source; neighbouring seeds give unrelated numbers.
    pub const fn new(seed: u64) -> Self {
        Self(seed ^ 0x5851_f42d_4c95_7f2d)
    }

    /// The next number (`splitmix64`).
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below a bound (0 when the bound is).
    pub const fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }

    /// A number from a range, both ends included.
    pub const fn from(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True so many times in a thousand.
    pub const fn permille(&mut self, times: u32) -> bool {
        self.below(1000) < times as u64
    }

    /// True so many times in a hundred.
    pub const fn percent(&mut self, times: u32) -> bool {
        self.below(100) < times as u64
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// Another source, whose numbers do not depend on how many are taken from this one later.
    pub const fn fork(&mut self) -> Self {
        Self(self.next())
    }
}
