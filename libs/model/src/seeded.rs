//! Seeded bugs: deliberate faults of the core, by which the proof of the core is proved.
//!
//! A place where the code could go wrong asks whether it is to: `if seeded(Bug::SharedBase) { .. }`. In the product
//! the answer is a constant no and nothing of it is compiled; with the feature `seeded-bugs`, which only the simulation
//! turns on, one bug at a time can be switched on for the current thread. A bug that the suite does not find shows a
//! gap in the suite.

macro_rules! bugs {
    ($($(#[doc = $doc:literal])+ $bug:ident,)+) => {
        /// A deliberate fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Bug {
            $($(#[doc = $doc])+ $bug,)+
        }

        impl Bug {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$bug),+];
        }
    };
}

bugs! {
    /// One base for both sides: what was seen on each is not asked.
    SharedBase,
    /// A blank value overwrites a filled one.
    EmptyOverwrites,
    /// The loser of a conflict is not named.
    LoserUnnamed,
    /// The other side wins a conflict.
    PolicySwapped,
    /// An edit on its way counts for nothing against one that meets it.
    OnItsWayForgotten,
    /// What a person is to be asked is decided for a.
    AskedNobody,
    /// A record whose time is not later than the one known is taken for an echo.
    EchoByTimestamp,
    /// Scope is looked at on side a only.
    FilterOneSided,
    /// The rules are not asked when a record is created.
    FilterNotOnCreation,
    /// A deletion beats an edit made since.
    DeletionBeatsEdit,
    /// A guard trips one too late.
    GuardOffByOne,
    /// The deletions of the last day are not counted.
    GuardForgetsTheDay,
    /// A held deletion is carried over all the same.
    HeldGoesOn,
    /// A tombstone gives way to a stale listing.
    StaleResurrects,
    /// A frozen link forgets that its record left.
    LeftForgotten,
    /// Updates are sent without the version that they were decided on.
    BlindWrite,
    /// A call without an answer counts as done.
    LostAnswerIsDone,
    /// A staged row goes though its call was not made.
    RowGoesUndone,
    /// Sets are merged as if they were one value.
    SetsAsOne,
    /// Of several candidates one is taken.
    AmbiguityGuessed,
    /// Part of an address is written over the whole.
    PartOverWhole,
    /// The provider's own spelling is not remembered.
    SpellingForgotten,
    /// What was written while its row waits is not put into the row.
    RestageForgotten,
    /// Deletions are carried over though they are to be ignored.
    IgnoredDeletionCarried,
    /// What was read on one side is remembered for the other.
    SeenOnWrongSide,
    /// A value that does not fit stops nothing and is not named.
    UnfitUnnamed,
    /// Nothing is recorded before a provider is called.
    NoIntent,
    /// A side's cursor moves before its pages are staged.
    CursorEarly,
    /// A page's token is kept before the page is.
    TokenBeforePage,
    /// What a listing does not show is taken for deleted.
    AbsenceIsDeletion,
    /// Links and what was intended are settled in two transactions.
    TwoTransactions,
    /// Who lost a lease may go on writing.
    NoFencing,
    /// Recovery creates again without looking for what was created.
    CreatesAgain,
    /// Recovery creates again before the provider must show what was created.
    CreatesTooSoon,
    /// A write that may have been applied counts as not done.
    MaybeAppliedIsNot,
    /// A record of another version is not read again.
    StaleNotReread,
    /// Records are deleted as they were last seen, and not read once more.
    DeletesUnread,
    /// Other connections are not asked who a record is.
    KinForgotten,
    /// Other connections are not asked how a value came to stand there.
    OriginsForgotten,
    /// Guards are not looked at.
    GuardsSkipped,
    /// An approval covers whatever a guard holds later.
    ApprovalCoversAll,
}

/// Whether this bug is on. Never, in the product.
#[cfg(not(feature = "seeded-bugs"))]
pub const fn seeded(_: Bug) -> bool {
    false
}

#[cfg(feature = "seeded-bugs")]
mod switch {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static ON: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Whether this bug is on in the current thread.
    pub fn seeded(bug: Bug) -> bool {
        ON.get() == Some(bug)
    }

    /// Runs something with a bug switched on in the current thread, or with none.
    pub fn with<T>(bug: Option<Bug>, run: impl FnOnce() -> T) -> T {
        struct Back(Option<Bug>);
        impl Drop for Back {
            fn drop(&mut self) {
                ON.set(self.0);
            }
        }
        let _back = Back(ON.replace(bug));
        run()
    }
}

#[cfg(feature = "seeded-bugs")]
pub use switch::{seeded, with};
