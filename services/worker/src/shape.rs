//! What an account looks like (its fields and collections), remembered for a while, so that a run without news costs
//! no request for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use syncline_connector::{Connector, Error, Session};
use syncline_model::{AccountId, Collection, FieldDescriptor};

/// How long an account's shape is believed.
const BELIEVED: TimeDelta = TimeDelta::hours(1);
/// Most accounts remembered.
const MOST: usize = 10_000;

/// Fields and collections of an account.
#[derive(Debug)]
pub struct Shape {
    /// Its fields.
    pub fields: Vec<FieldDescriptor>,
    /// Its collections.
    pub collections: Vec<Collection>,
}

/// Remembered shapes.
#[derive(Debug, Default)]
pub struct Shapes(Mutex<Remembered>);

/// When each account was looked at, and what was seen.
type Remembered = HashMap<AccountId, (DateTime<Utc>, Arc<Shape>)>;

impl Shapes {
    /// The account's shape, read from the provider when it is not remembered.
    pub async fn of(
        &self,
        connector: &dyn Connector,
        session: &Session,
        now: DateTime<Utc>,
    ) -> Result<Arc<Shape>, Error> {
        let account = session.account();
        if let Some((at, shape)) = self.lock().get(&account)
            && now - *at < BELIEVED
        {
            return Ok(Arc::clone(shape));
        }
        let shape = Arc::new(Shape {
            fields: connector.fields(session).await?,
            collections: connector.collections(session).await?,
        });
        let mut shapes = self.lock();
        if shapes.len() >= MOST {
            shapes.clear();
        }
        shapes.insert(account, (now, Arc::clone(&shape)));
        Ok(shape)
    }

    /// Forgets an account's shape, since what it said turned out wrong.
    pub fn forget(&self, account: AccountId) {
        self.lock().remove(&account);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
