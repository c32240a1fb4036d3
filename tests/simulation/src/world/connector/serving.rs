//! What a simulated provider does with a call, its data at hand. Turns, faults and lost answers are the connector's.

use std::collections::BTreeMap;

use syncline_connector::{
    Change, Create, Cursor, Error, GoneWhy, Idempotency, Kind, Next, Page, Pull, Update, Written,
};
use syncline_model::{DeletionPolicy, FieldName, Fields, Record, RemoteId, Version};

use super::SimConnector;
use crate::profile::{FIELDS, GROUP, MAPPED};
use crate::world::{Author, Inner, Rec};

/// Where a pull goes on: which feed it began at, where it ends, and what it has given already.
struct Mark {
    epoch: u64,
    from: Option<usize>,
    upto: usize,
    offset: usize,
    /// The record that ended the page before, of a listing in which nothing moves.
    after: Option<RemoteId>,
}

impl Mark {
    fn write(&self) -> String {
        let from = self.from.map_or(-1, |from| from as i64);
        let after = self.after.as_ref().map_or("", RemoteId::as_str);
        format!(
            "{}:{from}:{}:{}:{after}",
            self.epoch, self.upto, self.offset
        )
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let mut next = || parts.next()?.parse::<i64>().ok();
        Some(Self {
            epoch: next()?.unsigned_abs(),
            from: usize::try_from(next()?).ok(),
            upto: usize::try_from(next()?).ok()?,
            offset: usize::try_from(next()?).ok()?,
            after: parts
                .next()
                .filter(|after| !after.is_empty())
                .map(RemoteId::new),
        })
    }
}

impl SimConnector {
    /// The record as it is now, shown to the engine.
    pub(super) fn serve(&self, world: &mut Inner, id: &RemoteId) -> Option<Record> {
        let to = world.runs;
        let account = &mut world.accounts[self.number];
        let rec = account.records.get(id)?.clone();
        // A record read by its id does not say whether it is in a collection.
        account.served(to, id, rec.version, rec.served_group);
        if let Some(rec) = account.records.get_mut(id) {
            rec.asked = world.calls;
        }
        let record = rec.record(&account.profile);
        world.trace.note_text(id.as_str());
        world.trace.note(rec.version);
        Some(record)
    }

    pub(super) fn page(&self, world: &mut Inner, pull: &Pull) -> Result<Page, Error> {
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
                after: None,
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
            place.after = None;
        }
        let ids = self.listed_ids(world, &place, &pull.collection);
        let account = &world.accounts[self.number];
        let (size, delta) = (account.profile.page, account.profile.delta);
        let moves = place.from.is_some() || account.profile.shifts;
        // Most page tokens say after which record a page begins; others only how many came before it.
        let begin = match &place.after {
            Some(after) => ids.iter().take_while(|id| *id <= after).count(),
            None => place.offset,
        };
        let mut slice: Vec<RemoteId> = ids.iter().skip(begin).take(size).cloned().collect();
        let mut more = ids.len() > begin + size;
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
        let last = slice.last().filter(|_| !moves).cloned();
        let mut changes = Vec::new();
        for id in slice {
            changes.push(self.change(world, &id, &pull.collection));
        }
        place.offset += size;
        place.after = last.filter(|_| more);
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
                    Change::Gone { id, why, .. } => format!("{id} gone ({why:?})"),
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
        let to = world.runs;
        let account = &mut world.accounts[self.number];
        let Some(rec) = account.listed.get(id).cloned() else {
            return Change::Gone {
                id: id.clone(),
                why: GoneWhy::Deleted,
                former: Vec::new(),
            };
        };
        account.served(to, id, rec.version, rec.group);
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
                former: rec.former,
            }
        }
    }

    pub(super) fn create_one(
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
            served: BTreeMap::from([(world.runs, 1)]),
            asked: 0,
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

    pub(super) fn find_one(
        &self,
        world: &Inner,
        item: &Create,
        taken: &[RemoteId],
    ) -> Option<RemoteId> {
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

    pub(super) fn update_one(&self, world: &mut Inner, item: &Update) -> Result<Written, Error> {
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
        if profile.shows || rec.served_to(world.runs) + 1 == version {
            let to = world.runs;
            world.accounts[self.number].served(to, &item.id, version, group);
        }
        world.agree(self.number, &item.id);
        Ok(self.written(world, &item.id))
    }

    pub(super) fn for_each(
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
        let class = world.book.class(rec.entity);
        // People move records, what they wrote elsewhere moves them, and a listing that leaves some out (it is cut short, or
        // its pages shift) and says that it is whole makes them seem to have moved.
        let outside = |rec: &Rec| !rec.group || rec.plain("region") != "in";
        let moved = world.book.members(class).any(|one| !one.moved.is_empty())
            || world.accounts.iter().any(|account| {
                let mut records = account.records.values();
                records.any(|rec| world.book.class(rec.entity) == class && outside(rec))
            });
        let shifts = world.accounts.iter().any(|account| account.profile.shifts);
        let parts = how == DeletionPolicy::Unlink
            && world.accounts[self.number].leaves
            && (moved || world.struck.truncated > 0 || shifts);
        if parts {
            self.take_out(world, id);
            return;
        }
        self.check_scope(world, &rec, "a deletion");
        // In a ring a deletion comes round, and may end a record that another connection had made again for an edit.
        let ring = world.accounts.len() > 2 && world.accounts[self.number].fates.len() > 1;
        let elsewhere = |account: &usize| *account != self.number || ring;
        let meant = world
            .book
            .members(class)
            .any(|entity| entity.deleted.iter().any(elsewhere));
        if !meant {
            world.break_law("I-12: a record was deleted though nobody deleted its partner");
        }
        // Between this look and the deletion an edit can still come, since no provider deletes a version.
        let looked = rec.asked > world.before_slice;
        if rec.version > rec.served_to(world.runs) && !looked {
            world.break_law("I-12: a record was deleted in a version that nobody had looked at");
        }
        if !world.accounts[self.number].fates.contains(&how) {
            world.break_law("I-12: a deletion was carried over in a way that was not asked for");
        }
        let now = world.now();
        world.writes += 1;
        let account = &mut world.accounts[self.number];
        account
            .removals
            .push((id.clone(), now, account.records.len()));
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

    /// The partner of a record that left leaves the group. It counts among what is taken away.
    fn take_out(&self, world: &mut Inner, id: &RemoteId) {
        let now = world.now();
        world.writes += 1;
        world.struck.parted += 1;
        let account = &mut world.accounts[self.number];
        account
            .removals
            .push((id.clone(), now, account.records.len()));
        world.trace.note(0xd1);
        world
            .trace
            .say(|| format!("  out at {}: {id}", self.number));
        world.change(self.number, id, |rec| rec.group = false);
    }

    /// It is back in the group, since its partner is back.
    pub(super) fn put_back(&self, world: &mut Inner, id: &RemoteId) {
        if !world.accounts[self.number].leaves {
            world.break_law("I-7: a record was put into a collection out of which nobody is taken");
        }
        world.writes += 1;
        world.struck.joined += 1;
        world.trace.note(0xd2);
        world.trace.say(|| format!("  in at {}: {id}", self.number));
        world.change(self.number, id, |rec| rec.group = true);
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
        let twins = world.twins.iter();
        let read = twins.map(|twin| rec.served_to(*twin)).max();
        let unread = cell.version > read.unwrap_or_default();
        let unseen = cell.version > rec.served_to(world.runs);
        if let Some(edited) = cell.edited.clone().filter(|_| unseen)
            && edited == rec.plain(field)
        {
            if unread && conditional && world.accounts[self.number].profile.etag {
                world.break_law("I-4: an edit that was never read was overwritten");
            }
            for item in edited.split('|') {
                world.book.blind.insert(item.to_owned());
            }
        }
    }
}
