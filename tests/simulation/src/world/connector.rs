//! The connector of a simulated provider: the trait over the world's data, with faults before and after each effect.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use syncline_connector::{
    Change, Connector, Create, Cursor, Definition, Error, GoneWhy, Idempotency, Kind, Next, Page,
    Pull, Session, Update, Written,
};
use syncline_model::{
    Collection, DeletionPolicy, FieldDescriptor, FieldName, Fields, Identity, Record, RemoteId,
    Version,
};

use super::{Author, Inner, Rec, World};
use crate::profile::{FIELDS, GROUP, MAPPED, Profile};
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
}

/// A call's failure is every item's.
fn each<T>(results: Result<Vec<Result<T, Error>>, Error>, count: usize) -> Vec<Result<T, Error>> {
    results.unwrap_or_else(|error| (0..count).map(|_| Err(error.clone())).collect())
}

/// Where a pull goes on: which feed it began at, where it ends, and what it has given already.
struct Mark {
    epoch: u64,
    from: Option<usize>,
    upto: usize,
    offset: usize,
}

impl Mark {
    fn write(&self) -> String {
        let from = self.from.map_or(-1, |from| from as i64);
        format!("{}:{from}:{}:{}", self.epoch, self.upto, self.offset)
    }

    fn read(text: &str) -> Option<Self> {
        let mut numbers = text.split(':').map(str::parse::<i64>);
        let mut next = || numbers.next()?.ok();
        Some(Self {
            epoch: next()?.unsigned_abs(),
            from: usize::try_from(next()?).ok(),
            upto: usize::try_from(next()?).ok()?,
            offset: usize::try_from(next()?).ok()?,
        })
    }
}

impl SimConnector {
    /// The record as it is now, shown to the engine.
    fn serve(&self, world: &mut Inner, id: &RemoteId) -> Option<Record> {
        let account = &mut world.accounts[self.number];
        let rec = account.records.get(id)?.clone();
        // A record read by its id does not say whether it is in a collection.
        account.served(id, rec.version, rec.served_group);
        let record = rec.record(&account.profile);
        world.trace.note_text(id.as_str());
        world.trace.note(rec.version);
        Some(record)
    }

    fn page(&self, world: &mut Inner, pull: &Pull) -> Result<Page, Error> {
        let begun = pull.page.is_some() || pull.cursor.is_some();
        let expires = begun && self.strikes(world, |weather| weather.expired);
        let now = world.now();
        let account = &mut world.accounts[self.number];
        let shown = account.show(now);
        let asked = pull
            .page
            .clone()
            .or_else(|| pull.cursor.clone().map(|c| c.0));
        let mut place = match asked.as_deref().map(Mark::read) {
            None => Mark {
                epoch: account.epoch,
                from: None,
                upto: shown,
                offset: 0,
            },
            Some(Some(place)) if place.epoch == account.epoch && !expires => place,
            Some(_) => {
                world.struck.expired += 1;
                return Err(self.error(Kind::CursorExpired, "too old"));
            }
        };
        if pull.page.is_none() && pull.cursor.is_some() {
            // A cursor says where the last pull ended; this one goes on from there, or lists everything again.
            place.from = account.profile.delta.then_some(place.upto);
            place.upto = shown;
            place.offset = 0;
        }
        let ids = self.listed_ids(world, &place, &pull.collection);
        let account = &world.accounts[self.number];
        let (size, delta) = (account.profile.page, account.profile.delta);
        let mut slice: Vec<RemoteId> = ids.iter().skip(place.offset).take(size).cloned().collect();
        let mut more = ids.len() > place.offset + size;
        let mut whole = place.from.is_none();
        if whole && !delta && !ids.is_empty() {
            let honest = self.strikes(world, |weather| weather.truncated);
            if honest || self.strikes(world, |weather| weather.lying) {
                world.struck.truncated += 1;
                slice.truncate(slice.len() / 2);
                more = false;
                whole = !honest;
            }
        }
        let mut changes = Vec::new();
        for id in slice {
            changes.push(self.change(world, &id, &pull.collection));
        }
        place.offset += size;
        let next = if more {
            Next::Page(place.write())
        } else {
            place.offset = 0;
            Next::End {
                cursor: Cursor(place.write()),
                complete_listing: whole,
            }
        };
        world.trace.say(|| {
            let ids: Vec<String> = changes
                .iter()
                .map(|change| match change {
                    Change::Present { record, .. } => {
                        format!("{}@{}", record.id, record.version.as_str())
                    }
                    Change::Gone { id, why } => format!("{id} gone ({why:?})"),
                })
                .collect();
            format!("  pull at {}: {ids:?} then {next:?}", self.number)
        });
        Ok(Page { changes, next })
    }

    /// What a pull goes through, in its order.
    fn listed_ids(&self, world: &Inner, place: &Mark, collection: &str) -> Vec<RemoteId> {
        let account = &world.accounts[self.number];
        if let Some(from) = place.from {
            return account.changed_between(from, place.upto);
        }
        let mut listed: Vec<&Rec> = account
            .listed
            .values()
            .filter(|rec| rec.inside(collection))
            .collect();
        if account.profile.shifts {
            listed.sort_by_key(|rec| (std::cmp::Reverse(rec.modified), rec.id.clone()));
        }
        listed.into_iter().map(|rec| rec.id.clone()).collect()
    }

    /// What a listing says of a record.
    fn change(&self, world: &mut Inner, id: &RemoteId, collection: &str) -> Change {
        let account = &mut world.accounts[self.number];
        let Some(rec) = account.listed.get(id).cloned() else {
            return Change::Gone {
                id: id.clone(),
                why: GoneWhy::Deleted,
            };
        };
        account.served(id, rec.version, rec.group);
        let record = rec.record(&account.profile);
        world.trace.note_text(id.as_str());
        world.trace.note(rec.version);
        if rec.inside(collection) {
            Change::Present {
                record,
                former: rec.former,
            }
        } else {
            Change::Gone {
                id: id.clone(),
                why: GoneWhy::Left,
            }
        }
    }

    fn create_one(
        &self,
        world: &mut Inner,
        collection: &str,
        item: &Create,
    ) -> Result<Written, Error> {
        let profile = world.accounts[self.number].profile.clone();
        let named = matches!(profile.create, Idempotency::ClientId | Idempotency::Upsert);
        if named
            && let Some(rec) = world.accounts[self.number]
                .records
                .values()
                .find(|rec| rec.marker == Some(item.operation))
        {
            let id = rec.id.clone();
            return Ok(self.written(world, &id));
        }
        self.fits(world, &item.fields, true)?;
        let now = world.now();
        if item.fields.contains_key(&FieldName::new("owner")) {
            world.break_law("I-7: a field that is not mapped was written");
        }
        let entity = self.about(world, &item.fields);
        let id = world.accounts[self.number].new_id();
        let account = &mut world.accounts[self.number];
        let fields: Fields = item
            .fields
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.clone(), account.spell(name.as_str(), value)))
            .collect();
        let marker = (profile.create != Idempotency::Search).then_some(item.operation);
        let rec = Rec {
            id: id.clone(),
            version: 1,
            modified: now,
            made: now,
            fields,
            group: collection == GROUP,
            marker,
            author: Author::Engine,
            entity,
            former: Vec::new(),
            trashed: false,
            served: 1,
            served_group: collection == GROUP,
        };
        account.records.insert(id.clone(), rec);
        account.changed(&id, now);
        world.writes += 1;
        world.trace.note(0xc0);
        world
            .trace
            .say(|| format!("  create at {}: {id} {:?}", self.number, item.fields));
        world.agree(self.number, &id);
        Ok(self.written(world, &id))
    }

    /// The answer to a write.
    fn written(&self, world: &Inner, id: &RemoteId) -> Written {
        let account = &world.accounts[self.number];
        let rec = &account.records[id];
        Written {
            id: id.clone(),
            version: Some(Version::new(format!("v{}", rec.version))),
            modified_at: account.profile.dated.then_some(rec.modified),
            fields: account.profile.shows.then(|| rec.fields.clone()),
        }
    }

    fn find_one(&self, world: &Inner, item: &Create, taken: &[RemoteId]) -> Option<RemoteId> {
        let account = &world.accounts[self.number];
        // Neither marks nor searches are quicker than listings.
        let visible = |rec: &&Rec| account.listed.contains_key(&rec.id) && !taken.contains(&rec.id);
        let mut records = account.records.values().filter(visible);
        if account.profile.create != Idempotency::Search {
            return records
                .find(|rec| rec.marker == Some(item.operation))
                .map(|rec| rec.id.clone());
        }
        let same = |rec: &Rec| {
            item.fields.iter().all(|(name, value)| {
                rec.plain(name.as_str()) == crate::book::plain(name.as_str(), value)
            })
        };
        records
            .find(|rec| rec.made >= item.intended_at && same(rec))
            .map(|rec| rec.id.clone())
    }

    fn update_one(&self, world: &mut Inner, item: &Update) -> Result<Written, Error> {
        let profile = world.accounts[self.number].profile.clone();
        let Some(rec) = world.record(self.number, &item.id).cloned() else {
            return Err(self.error(Kind::NotFound, "no such record"));
        };
        let current = format!("v{}", rec.version);
        if profile.etag
            && let Some(version) = &item.version
            && version.as_str() != current
        {
            world.struck.stale += 1;
            return Err(self.error(Kind::VersionMismatch, "changed meanwhile"));
        }
        self.fits(world, &item.changes, false)?;
        self.check_scope(world, &rec, "an update");
        for (name, value) in &item.changes {
            self.check_write(world, &rec, name.as_str(), value, item.version.is_some());
        }
        let account = &mut world.accounts[self.number];
        let spelt: Vec<_> = item
            .changes
            .iter()
            .map(|(name, value)| (name.clone(), account.spell(name.as_str(), value)))
            .collect();
        world.writes += 1;
        world.trace.note(0xa0);
        world.trace.say(|| {
            format!(
                "  update at {}: {} {:?}",
                self.number, item.id, item.changes
            )
        });
        world.change(self.number, &item.id, |rec| {
            for (name, value) in spelt {
                if value.is_empty() {
                    rec.fields.remove(&name);
                } else {
                    rec.fields.insert(name, value);
                }
            }
        });
        let rec = &world.accounts[self.number].records[&item.id];
        let (version, group) = (rec.version, rec.served_group);
        // What else stands in the record was shown only if the answer shows it.
        if profile.shows || rec.served + 1 == version {
            world.accounts[self.number].served(&item.id, version, group);
        }
        world.agree(self.number, &item.id);
        Ok(self.written(world, &item.id))
    }

    fn for_each(
        &self,
        world: &mut Inner,
        ids: &[RemoteId],
        how: DeletionPolicy,
    ) -> Vec<Result<(), Error>> {
        let done = ids.iter().map(|id| {
            let (done, error) = self.item(world);
            if done {
                self.remove_one(world, id, how);
            }
            error.map_or(Ok(()), Err)
        });
        done.collect()
    }

    fn remove_one(&self, world: &mut Inner, id: &RemoteId, how: DeletionPolicy) {
        let Some(rec) = world.record(self.number, id).cloned() else {
            return;
        };
        self.check_scope(world, &rec, "a deletion");
        let class = world.book.class(rec.entity);
        let elsewhere = |account: &usize| *account != self.number;
        let meant = world
            .book
            .members(class)
            .any(|entity| entity.deleted.iter().any(elsewhere));
        if !meant {
            world.break_law("I-12: a record was deleted though nobody deleted its partner");
        }
        if !world.accounts[self.number].fates.contains(&how) {
            world.break_law("I-12: a deletion was carried over in a way that was not asked for");
        }
        let now = world.now();
        world.writes += 1;
        world.accounts[self.number].removals.push(now);
        world.trace.note(0xd0);
        world
            .trace
            .say(|| format!("  {how:?} at {}: {id}", self.number));
        match how {
            DeletionPolicy::Delete => {
                let account = &mut world.accounts[self.number];
                account.bin.extend(account.records.remove(id));
                account.changed(id, now);
                for former in &rec.former {
                    account.changed(former, now);
                }
            }
            DeletionPolicy::Mark => world.change(self.number, id, |rec| rec.trashed = true),
            _ => world.change(self.number, id, |rec| rec.group = false),
        }
    }

    /// Whether the provider takes these fields.
    fn fits(&self, world: &Inner, fields: &Fields, whole: bool) -> Result<(), Error> {
        let profile = &world.accounts[self.number].profile;
        let refused = |why: &str| Err(self.error(Kind::Rejected, why));
        if let Some(required) = profile.required {
            let given = fields.get(&FieldName::new(required));
            let missing = given.map_or(whole, syncline_model::Value::is_empty);
            if missing {
                return refused("a required field is missing");
            }
        }
        if profile
            .read_only
            .is_some_and(|name| fields.contains_key(&FieldName::new(name)))
        {
            return refused("a field cannot be written");
        }
        let title = fields
            .get(&FieldName::new("title"))
            .and_then(|value| value.as_text());
        if let (Some(title), Some(most)) = (title, profile.title)
            && title.trim().chars().count() > most
        {
            return refused("the title is too long");
        }
        Ok(())
    }

    /// About whom a record to be made is, by the values that it carries.
    fn about(&self, world: &mut Inner, fields: &Fields) -> usize {
        let mut about = None;
        for name in FIELDS.iter().take(MAPPED).cycle().skip(1).take(MAPPED) {
            let Some(value) = fields.get(&FieldName::new(*name)) else {
                continue;
            };
            let plain = crate::book::plain(name, value);
            let known = world.book.births.get(&plain).copied().or_else(|| {
                let item = plain
                    .split('|')
                    .next()
                    .and_then(|item| world.book.items.get(item));
                item.map(|item| item.entity)
            });
            if about.is_none() {
                about = known;
            }
        }
        let tenant = world.accounts[self.number].tenant;
        let Some(entity) = about else {
            world.break_law("I-5: a record was made of values that nobody wrote");
            return world.book.entity(tenant);
        };
        if world.book.entities[entity].tenant != tenant {
            world.break_law("I-13: a record of one tenant was made in another's account");
        }
        if !self.filtered_ok(world, entity) {
            world.break_law("I-7: a record was made that the filter never let through");
        }
        entity
    }

    fn filtered_ok(&self, world: &Inner, entity: usize) -> bool {
        let class = world.book.class(entity);
        !world.accounts[self.number].filtered
            || world.book.members(class).any(|entity| entity.passed)
    }

    fn check_scope(&self, world: &mut Inner, rec: &Rec, what: &str) {
        let account = &world.accounts[self.number];
        let outside = account.grouped && !rec.group && !rec.served_group;
        if outside {
            world.break_law(&format!("I-7: {what} outside the collection"));
        }
    }

    fn check_write(
        &self,
        world: &mut Inner,
        rec: &Rec,
        field: &str,
        value: &syncline_model::Value,
        conditional: bool,
    ) {
        let mapped = MAPPED + usize::from(world.accounts[self.number].judged);
        let Some(field) = FIELDS.iter().take(mapped).find(|name| **name == field) else {
            world.break_law("I-7: a field that is not mapped was written");
            return;
        };
        let plain = crate::book::plain(field, value);
        let known = plain.is_empty()
            || world.book.births.contains_key(&plain)
            || plain
                .split('|')
                .all(|item| world.book.items.contains_key(item));
        if !known {
            world.break_law("I-5: a value was written that nobody wrote");
        }
        let key = (self.number, rec.id.clone(), *field);
        let Some(cell) = world.book.cells.get(&key) else {
            return;
        };
        let unseen = cell.version > rec.served;
        if let Some(edited) = cell.edited.clone().filter(|_| unseen)
            && edited == rec.plain(field)
        {
            if conditional && world.accounts[self.number].profile.etag {
                world.break_law("I-4: an edit that was never read was overwritten");
            }
            for item in edited.split('|') {
                world.book.blind.insert(item.to_owned());
            }
        }
    }
}
