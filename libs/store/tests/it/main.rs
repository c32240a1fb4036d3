//! One suite over both databases. SQLite runs in a temporary file; PostgreSQL at `SYNCLINE_TEST_POSTGRES_URL`, where
//! each test makes a database of its own. Without that variable the PostgreSQL half fails: it is never skipped.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected has failed"
)]

/// Makes of each case two tests: one a database.
macro_rules! on_both {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $case() {
                super::$case($crate::harness::World::sqlite().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $case() {
                super::$case($crate::harness::World::postgres().await).await;
            })*
        }
    };
}

mod accounts;
mod audit;
mod census;
mod ending;
mod harness;
mod isolation;
mod keys;
mod links;
mod members;
mod over;
mod pairs;
mod people;
mod reviews;
mod runs;
mod sealed;
mod staging;
mod vitals;
mod watches;
