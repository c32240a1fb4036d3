//! A pair of accounts.

use syncline_model::{AccountId, PairId, Sides};

/// Two accounts that connections may join, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Its id.
    pub id: PairId,
    /// The account on each side.
    pub accounts: Sides<AccountId>,
}
