//! The connector of a simulated provider: the trait over the world's data, with faults before and after each effect.

mod serving;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use syncline_connector::{
    Connector, Create, Definition, Error, Kind, Page, Pull, Session, Update, Written,
};
use syncline_model::{
    Collection, DeletionPolicy, FieldDescriptor, FieldName, Identity, Record, RemoteId,
};

use super::{Inner, World};
use crate::profile::Profile;
use crate::turns::Place;

/// The connector of one account's provider.
pub struct SimConnector {
    world: World,
    number: usize,
    definition: Definition,
}

impl SimConnector {
    /// The connector for the account of a number.
    pub fn of(world: &World, number: usize) -> Arc<dyn Connector> {
        let definition = world.lock().accounts[number].profile.definition(number);
        Arc::new(Self {
            world: world.clone(),
            number,
            definition,
        })
    }

    /// A call: a turn, perhaps a fault, the effect, perhaps a lost answer.
    async fn call<T>(
        &self,
        session: &Session,
        what: &'static str,
        writes: bool,
        effect: impl FnOnce(&mut Inner) -> Result<T, Error> + Send,
    ) -> Result<T, Error> {
        let number = self.number as u32;
        let turn = self.world.table.turn(Place { what, number }).await;
        let result = {
            let mut world = self.world.lock();
            self.world.clock.advance(Duration::from_millis(40));
            world.calls += 1;
            world.trace.note_text(what);
            world.trace.note(u64::from(number));
            if world.accounts[self.number].id != session.account() {
                world.break_law("I-13: a call with another account's session");
            }
            self.before(&mut world, writes).and_then(|()| {
                let lost = writes && self.strikes(&mut world, |weather| weather.lost);
                let result = effect(&mut world)?;
                if !lost {
                    return Ok(result);
                }
                world.struck.lost += 1;
                Err(self.lost())
            })
        };
        if let Err(error) = &result {
            let mut world = self.world.lock();
            world.trace.note_text(&error.message);
            world
                .trace
                .say(|| format!("  {what} at {number}: {:?} {}", error.kind, error.message));
        }
        drop(turn);
        result
    }

    fn strikes(&self, world: &mut Inner, of: fn(&super::Weather) -> u32) -> bool {
        let times = of(&world.weather);
        times > 0 && world.accounts[self.number].chance.permille(times)
    }

    fn before(&self, world: &mut Inner, writes: bool) -> Result<(), Error> {
        if self.strikes(world, |weather| weather.unauthorized) {
            world.accounts[self.number].authorized = false;
        }
        if !world.accounts[self.number].authorized {
            world.struck.unauthorized += 1;
            return Err(self.error(Kind::Unauthorized, "the access is not accepted"));
        }
        if self.strikes(world, |weather| weather.limited) {
            world.struck.limited += 1;
            let named = world.accounts[self.number].chance.percent(50);
            let retry_after = named.then(|| Duration::from_secs(20));
            return Err(self.error(Kind::RateLimited { retry_after }, "too many calls"));
        }
        if self.strikes(world, |weather| weather.unavailable) {
            world.struck.unavailable += 1;
            let mut error = self.error(Kind::Unavailable, "a server error");
            error.maybe_applied = writes;
            return Err(error);
        }
        if !writes && self.strikes(world, |weather| weather.malformed) {
            return Err(self.error(Kind::Malformed, "not what is documented"));
        }
        Ok(())
    }

    /// What becomes of an item of a batch before it is looked at: whether it is done, and an error instead of the
    /// answer.
    fn item(&self, world: &mut Inner) -> (bool, Option<Error>) {
        if self.strikes(world, |weather| weather.rejected) {
            world.struck.partial += 1;
            return (false, Some(self.error(Kind::Rejected, "refused")));
        }
        if self.strikes(world, |weather| weather.partial) {
            world.struck.partial += 1;
            let done = world.accounts[self.number].chance.percent(50);
            let mut error = self.error(Kind::Unavailable, "this item failed");
            error.maybe_applied = done || world.accounts[self.number].chance.percent(50);
            return (done, Some(error));
        }
        (true, None)
    }

    fn error(&self, kind: Kind, message: &str) -> Error {
        Error::new(self.definition.id.as_str(), kind, message)
    }

    fn lost(&self) -> Error {
        let mut error = self.error(Kind::Unavailable, "no answer came");
        error.maybe_applied = true;
        error
    }
}

#[async_trait]
impl Connector for SimConnector {
    fn definition(&self) -> &Definition {
        &self.definition
    }

    async fn identity(&self, _: &Session) -> Result<Identity, Error> {
        Ok(Identity {
            subject: self.number.to_string(),
            label: self.number.to_string(),
        })
    }

    async fn collections(&self, session: &Session) -> Result<Vec<Collection>, Error> {
        self.call(
            session,
            "collections",
            false,
            |_| Ok(Profile::collections()),
        )
        .await
    }

    async fn fields(&self, session: &Session) -> Result<Vec<FieldDescriptor>, Error> {
        let number = self.number;
        self.call(session, "fields", false, move |world| {
            Ok(world.accounts[number].profile.fields())
        })
        .await
    }

    async fn pull(&self, session: &Session, pull: &Pull) -> Result<Page, Error> {
        let asked = pull.clone();
        self.call(session, "pull", false, move |world| {
            world.book.looked_at = world.book.now;
            self.page(world, &asked)
        })
        .await
    }

    async fn get(
        &self,
        session: &Session,
        ids: &[RemoteId],
        _: &[FieldName],
    ) -> Result<Vec<Option<Record>>, Error> {
        let ids = ids.to_vec();
        self.call(session, "get", false, move |world| {
            let found = ids.iter().map(|id| self.serve(world, id)).collect();
            Ok(found)
        })
        .await
    }

    async fn create(
        &self,
        session: &Session,
        collection: &str,
        items: &[Create],
    ) -> Vec<Result<Written, Error>> {
        let call = self.call(session, "create", true, |world| {
            let done = items.iter().map(|item| {
                let (done, error) = self.item(world);
                let result = if done {
                    self.create_one(world, collection, item)
                } else {
                    Err(self.error(Kind::Unavailable, "not done"))
                };
                error.map_or(result, Err)
            });
            Ok(done.collect())
        });
        each(call.await, items.len())
    }

    async fn find_created(
        &self,
        session: &Session,
        _: &str,
        items: &[Create],
        known: &[RemoteId],
    ) -> Result<Vec<Option<Record>>, Error> {
        self.call(session, "find_created", false, |world| {
            let now = world.now();
            world.accounts[self.number].show(now);
            let mut taken: Vec<RemoteId> = known.to_vec();
            let mut found = Vec::new();
            for item in items {
                let one = self.find_one(world, item, &taken);
                taken.extend(one.clone());
                world.struck.found += u64::from(one.is_some());
                found.push(one.and_then(|id| self.serve(world, &id)));
            }
            Ok(found)
        })
        .await
    }

    async fn update(&self, session: &Session, items: &[Update]) -> Vec<Result<Written, Error>> {
        let call = self.call(session, "update", true, |world| {
            let done = items.iter().map(|item| {
                let (done, error) = self.item(world);
                let result = if done {
                    self.update_one(world, item)
                } else {
                    Err(self.error(Kind::Unavailable, "not done"))
                };
                error.map_or(result, Err)
            });
            Ok(done.collect())
        });
        each(call.await, items.len())
    }

    async fn delete(&self, session: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
        let call = self.call(session, "delete", true, |world| {
            Ok(self.for_each(world, ids, DeletionPolicy::Delete))
        });
        each(call.await, ids.len())
    }

    async fn mark(&self, session: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
        let call = self.call(session, "mark", true, |world| {
            Ok(self.for_each(world, ids, DeletionPolicy::Mark))
        });
        each(call.await, ids.len())
    }

    async fn leave(&self, session: &Session, _: &str, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
        let call = self.call(session, "leave", true, |world| {
            Ok(self.for_each(world, ids, DeletionPolicy::Unlink))
        });
        each(call.await, ids.len())
    }

    async fn join(&self, session: &Session, _: &str, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
        let call = self.call(session, "join", true, |world| {
            let done = ids.iter().map(|id| {
                let (done, error) = self.item(world);
                let there = world.record(self.number, id).is_some();
                if done && there {
                    self.put_back(world, id);
                }
                let gone = || self.error(Kind::NotFound, "no such record");
                let result = if there { Ok(()) } else { Err(gone()) };
                error.map_or(result, Err)
            });
            Ok(done.collect())
        });
        each(call.await, ids.len())
    }
}

/// A call's failure is every item's.
fn each<T>(results: Result<Vec<Result<T, Error>>, Error>, count: usize) -> Vec<Result<T, Error>> {
    results.unwrap_or_else(|error| (0..count).map(|_| Err(error.clone())).collect())
}
