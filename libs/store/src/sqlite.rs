//! SQLite's connections: opened once, each lent to one transaction at a time.
//!
//! Not a pool as a server needs one: what this process alone has open neither goes away nor comes back, so nothing is
//! asked whether it still lives before it is lent or after.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};

use crate::Result;
use crate::db::PATIENCE;

/// What SQLite says to a `rollback` outside of a transaction.
const NO_TRANSACTION: &str = "1";

/// Connections to one database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct SqliteConnections {
    /// Each with its place, which is empty once it is closed.
    places: Arc<[Arc<Mutex<Option<Held>>>]>,
    /// At which place to wait when all are lent.
    next: Arc<AtomicUsize>,
}

/// A connection.
struct Held {
    connection: SqliteConnection,
    /// A transaction began, and nobody heard of its end.
    begun: bool,
}

/// A connection that is lent. Dropped inside a transaction, it rolls it back before it is lent again.
pub(crate) struct Loan {
    held: OwnedMappedMutexGuard<Option<Held>, Held>,
    /// Statements left, for a loan that is no transaction.
    left: u32,
}

impl SqliteConnections {
    /// Opens so many.
    pub(crate) async fn open(options: &SqliteConnectOptions, number: usize) -> Result<Self> {
        let mut places = Vec::with_capacity(number);
        for _ in 0..number {
            let held = Held {
                connection: options.connect().await?,
                begun: false,
            };
            places.push(Arc::new(Mutex::new(Some(held))));
        }
        Ok(Self {
            places: places.into(),
            next: Arc::default(),
        })
    }

    /// Lends one, when one is free.
    pub(crate) async fn lend(&self) -> Result<Loan> {
        let free = self.places.iter().find_map(|place| {
            let place = Arc::clone(place);
            place.try_lock_owned().ok()
        });
        let place = match free {
            Some(place) => place,
            None => self.wait().await?,
        };
        let held = OwnedMutexGuard::try_map(place, Option::as_mut);
        let mut loan = Loan {
            held: held.map_err(|_| sqlx::Error::PoolClosed)?,
            left: u32::MAX,
        };
        loan.roll_back().await?;
        Ok(loan)
    }

    /// Waits in one of the lines, in turn.
    async fn wait(&self) -> Result<OwnedMutexGuard<Option<Held>>> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let place = self.places.iter().cycle().nth(turn % self.places.len());
        let place = place.map(Arc::clone).ok_or(sqlx::Error::PoolClosed)?;
        let locked = tokio::time::timeout(PATIENCE, place.lock_owned()).await;
        Ok(locked.map_err(|_| sqlx::Error::PoolTimedOut)?)
    }

    /// How many there are, and how many of them are free.
    pub(crate) fn count(&self) -> (usize, usize) {
        let free = |place: &&Arc<Mutex<_>>| place.try_lock().is_ok();
        (self.places.len(), self.places.iter().filter(free).count())
    }

    /// Closes all of them, each when it comes back.
    pub(crate) async fn close(&self) {
        for place in &*self.places {
            let held = place.lock().await.take();
            if let Some(held) = held
                && let Err(error) = held.connection.close().await
            {
                tracing::debug!(%error, "a connection was not closed well");
            }
        }
    }
}

impl Loan {
    /// Makes it a loan for one statement, which is a transaction by itself.
    pub(crate) fn for_one(mut self) -> Self {
        self.left = 1;
        self
    }

    /// Begins a transaction.
    pub(crate) async fn begin(&mut self, how: &'static str) -> Result<()> {
        self.held.begun = true;
        let begun = sqlx::query(how).execute(&mut **self).await;
        self.held.begun = begun.is_ok();
        begun?;
        Ok(())
    }

    /// Commits what was begun, if anything was.
    pub(crate) async fn commit(mut self) -> Result<()> {
        if self.held.begun {
            sqlx::query("commit").execute(&mut *self).await?;
            self.held.begun = false;
        }
        Ok(())
    }

    /// Rolls back what was left open.
    async fn roll_back(&mut self) -> Result<()> {
        if !self.held.begun {
            return Ok(());
        }
        match sqlx::query("rollback").execute(&mut **self).await {
            Ok(_) => {}
            // It never began, or it did end: nobody waited for the answer.
            Err(sqlx::Error::Database(error))
                if error.code().as_deref() == Some(NO_TRANSACTION) => {}
            Err(error) => return Err(error.into()),
        }
        self.held.begun = false;
        Ok(())
    }
}

impl Deref for Loan {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.held.connection
    }
}

impl DerefMut for Loan {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        debug_assert!(
            self.left > 0,
            "a second statement, and no transaction around the two"
        );
        self.left = self.left.saturating_sub(1);
        &mut self.held.connection
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoreError;

    async fn connections() -> SqliteConnections {
        let options = SqliteConnectOptions::new().in_memory(true);
        SqliteConnections::open(&options, 1).await.unwrap()
    }

    async fn run(loan: &mut Loan, sql: &'static str) -> u64 {
        let done = sqlx::query(sql).execute(&mut **loan).await;
        done.unwrap().rows_affected()
    }

    #[tokio::test]
    async fn what_is_dropped_inside_a_transaction_is_rolled_back() {
        let connections = connections().await;
        let mut loan = connections.lend().await.unwrap();
        run(&mut loan, "create table t (x integer)").await;
        loan.begin("begin immediate").await.unwrap();
        run(&mut loan, "insert into t values (1)").await;
        loan.commit().await.unwrap();
        let mut loan = connections.lend().await.unwrap();
        loan.begin("begin immediate").await.unwrap();
        assert_eq!(run(&mut loan, "delete from t").await, 1);
        drop(loan);
        // Given up while the answer is under way: begun or not, nothing of it is left.
        let mut loan = connections.lend().await.unwrap();
        tokio::select! {
            biased;
            _ = loan.begin("begin immediate") => {}
            () = std::future::ready(()) => {}
        }
        drop(loan);
        let mut loan = connections.lend().await.unwrap().for_one();
        assert_eq!(run(&mut loan, "update t set x = 2").await, 1);
    }

    #[tokio::test]
    async fn who_finds_none_free_waits_and_who_comes_after_the_end_is_told() {
        let connections = connections().await;
        let held = connections.lend().await.unwrap();
        assert_eq!(connections.count(), (1, 0));
        let again = connections.clone();
        let waits = tokio::spawn(async move { again.lend().await.map(drop) });
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        drop(held);
        waits.await.unwrap().unwrap();
        assert_eq!(connections.count(), (1, 1));
        connections.close().await;
        let late = connections.lend().await.map(drop);
        assert!(
            matches!(late, Err(StoreError::Unavailable(sqlx::Error::PoolClosed))),
            "{late:?}"
        );
    }

    #[tokio::test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "a second statement")]
    async fn a_loan_for_one_statement_is_for_one() {
        let mut loan = connections().await.lend().await.unwrap().for_one();
        run(&mut loan, "select 1").await;
        run(&mut loan, "select 2").await;
    }
}
