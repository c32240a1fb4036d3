//! What people do at a provider.

use std::collections::BTreeMap;

use syncline_model::{FieldName, RemoteId, Value};

use super::{Author, Inner, Rec};
use crate::profile::{FIELDS, MAPPED};

/// Something that a person does. Records and fields are named by numbers that wrap around, so that an act still means
/// something when others before it are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Makes a record; `pool` gives it an address that others may have too.
    Create {
        /// Where.
        account: usize,
        /// Which address of the pool.
        pool: Option<u8>,
        /// Whether it passes the filter.
        passes: bool,
    },
    /// Writes a field.
    Edit {
        /// Where.
        account: usize,
        /// Whose record.
        who: u16,
        /// Which field.
        field: u8,
    },
    /// Empties a field.
    Clear {
        /// Where.
        account: usize,
        /// Whose record.
        who: u16,
        /// Which field.
        field: u8,
    },
    /// Adds an item to the tags, or takes one away.
    Tag {
        /// Where.
        account: usize,
        /// Whose record.
        who: u16,
        /// Takes away.
        away: bool,
    },
    /// Changes what the filter looks at.
    Pass {
        /// Where.
        account: usize,
        /// Whose record.
        who: u16,
    },
    /// Deletes a record.
    Delete {
        /// Where.
        account: usize,
        /// Whose record.
        who: u16,
    },
    /// Brings the last deleted record back.
    Restore {
        /// Where.
        account: usize,
    },
    /// Merges two records at the provider.
    Merge {
        /// Where.
        account: usize,
        /// Who stays.
        who: u16,
        /// Who goes.
        other: u16,
    },
    /// Puts a record into the group, or takes it out.
    Move {
        /// Where.
        account: usize,
        /// Whose record.
        who: u16,
    },
    /// Saves a record without changing anything.
    Touch {
        /// Where.
        account: usize,
        /// Whose record.
        who: u16,
    },
    /// The provider changes something of its own in a record: its version rises, and no feed of changes tells.
    Upkeep {
        /// Where.
        account: usize,
        /// Whose record.
        who: u16,
    },
    /// Empties the account.
    Empty {
        /// Where.
        account: usize,
    },
}

impl Act {
    /// Where it happens.
    pub const fn account(&self) -> usize {
        match self {
            Self::Create { account, .. }
            | Self::Edit { account, .. }
            | Self::Clear { account, .. }
            | Self::Tag { account, .. }
            | Self::Pass { account, .. }
            | Self::Delete { account, .. }
            | Self::Restore { account }
            | Self::Merge { account, .. }
            | Self::Move { account, .. }
            | Self::Touch { account, .. }
            | Self::Upkeep { account, .. }
            | Self::Empty { account } => *account,
        }
    }
}

impl Inner {
    /// Does what a person does.
    pub fn act(&mut self, act: &Act) {
        self.trace.say(|| format!("  person: {act:?}"));
        match *act {
            Act::Create {
                account,
                pool,
                passes,
            } => self.person_creates(account, pool, passes),
            Act::Edit {
                account,
                who,
                field,
            } => {
                let field = FIELDS[usize::from(field) % MAPPED];
                if field == "tags" {
                    self.person_tags(account, who, false);
                } else if let Some(id) = self.find(account, who) {
                    let value = self.fresh(field);
                    self.person_writes(account, &id, field, &value);
                }
            }
            Act::Clear {
                account,
                who,
                field,
            } => {
                let field = FIELDS[1 + usize::from(field) % (MAPPED - 2)];
                if let Some(id) = self.find(account, who)
                    && self.accounts[account].profile.required != Some(field)
                {
                    self.person_writes(account, &id, field, &Value::Empty);
                }
            }
            Act::Tag { account, who, away } => self.person_tags(account, who, away),
            Act::Pass { account, who } => {
                if let Some(id) = self.find(account, who) {
                    self.person_passes(account, &id);
                }
            }
            Act::Delete { account, who } => {
                if let Some(id) = self.find(account, who) {
                    self.person_deletes(account, &id);
                }
            }
            Act::Restore { account } => self.person_restores(account),
            Act::Merge {
                account,
                who,
                other,
            } => self.person_merges(account, who, other),
            Act::Move { account, who } => {
                if let Some(id) = self.find(account, who) {
                    let entity = self.accounts[account].records[&id].entity;
                    self.book.entities[entity].moved.insert(account);
                    self.change(account, &id, |rec| rec.group = !rec.group);
                }
            }
            Act::Touch { account, who } => {
                if let Some(id) = self.find(account, who) {
                    self.change(account, &id, |_| {});
                }
            }
            Act::Upkeep { account, who } => {
                let now = self.now();
                if let Some(id) = self.find(account, who) {
                    self.accounts[account].upkeep(&id, now);
                }
            }
            Act::Empty { account } => {
                let ids: Vec<RemoteId> = self.accounts[account].records.keys().cloned().collect();
                for id in ids {
                    self.person_deletes(account, &id);
                }
            }
        }
    }

    /// Whose record in an account: of the person of that number, or else just any.
    fn find(&self, account: usize, who: u16) -> Option<RemoteId> {
        let records = &self.accounts.get(account)?.records;
        let who = usize::from(who);
        let people = self.book.entities.len().max(1);
        let of = |rec: &&Rec| rec.entity == who % people;
        let any = || records.values().nth(who % records.len().max(1));
        records
            .values()
            .find(of)
            .or_else(any)
            .map(|rec| rec.id.clone())
    }

    fn fresh(&mut self, field: &str) -> Value {
        let n = self.book.value();
        Value::text(match field {
            "email" => format!("P{n}@Sim{}.example", n % 3),
            "phone" => format!("+49 30 {}", 2_000_000 + n),
            _ if n.is_multiple_of(4) => format!(" {field} No  {n} "),
            _ => format!("{field} No {n}"),
        })
    }

    fn person_creates(&mut self, account: usize, pool: Option<u8>, passes: bool) {
        let tenant = self.accounts[account].tenant;
        let entity = self.book.entity(tenant);
        *self.book.entities[entity].made.entry(account).or_default() += 1;
        self.book.entities[entity].passed = passes;
        let id = self.accounts[account].new_id();
        let now = self.now();
        let rec = Rec {
            id: id.clone(),
            version: 1,
            modified: now,
            made: now,
            fields: syncline_model::Fields::new(),
            group: true,
            marker: None,
            author: Author::Person,
            entity,
            former: Vec::new(),
            trashed: false,
            served: BTreeMap::new(),
            asked: 0,
            served_group: true,
        };
        self.accounts[account].records.insert(id.clone(), rec);
        for field in ["email", "first", "last", "phone", "title", "owner"] {
            let value = match pool {
                Some(pool) if field == "email" => {
                    let address = format!("pool{pool}.t{tenant}@sim.example");
                    self.book.pool(tenant, &address, entity);
                    Value::text(address)
                }
                // Somebody without a phone leaves a blank to fill.
                _ if field == "phone" && self.book.value().is_multiple_of(3) => continue,
                _ => self.fresh(field),
            };
            self.set(account, &id, field, &value);
        }
        let region = if passes { "in" } else { "out" };
        self.set(account, &id, "region", &Value::text(region));
        self.accounts[account].changed(&id, now);
        self.agree(account, &id);
    }

    /// Writes a field without a change of version, and enters it.
    fn set(&mut self, account: usize, id: &RemoteId, field: &'static str, value: &Value) {
        let value = self.accounts[account].spell(field, value);
        let Some(rec) = self.accounts[account].records.get_mut(id) else {
            return;
        };
        if value.is_empty() {
            rec.fields.remove(&FieldName::new(field));
        } else {
            rec.fields.insert(FieldName::new(field), value);
        }
        let (text, version, entity) = (rec.plain(field), rec.version, rec.entity);
        let key = (account, id.clone(), field);
        self.book.edit(key, &text, version, entity);
    }

    fn person_writes(&mut self, account: usize, id: &RemoteId, field: &'static str, value: &Value) {
        if let Some(rec) = self.accounts[account].records.get_mut(id) {
            rec.version += 1;
            rec.modified = self.clock.now_utc();
        }
        self.set(account, id, field, value);
        let now = self.now();
        self.accounts[account].changed(id, now);
        self.agree(account, id);
    }

    fn person_tags(&mut self, account: usize, who: u16, away: bool) {
        let Some(id) = self.find(account, who) else {
            return;
        };
        let rec = &self.accounts[account].records[&id];
        let entity = rec.entity;
        let mut items = match rec.value("tags") {
            Value::List(items) => items.clone(),
            _ => Vec::new(),
        };
        if away {
            let Some(item) = items.pop() else { return };
            let text = crate::book::plain("tags", &item);
            if let Some(item) = self.book.items.get_mut(&text) {
                item.removed = true;
            }
        } else {
            let text = format!("tag{}", self.book.value());
            let item = crate::book::Item {
                entity,
                removed: false,
            };
            self.book.items.insert(text.clone(), item);
            items.push(Value::text(text));
        }
        let value = if items.is_empty() {
            Value::Empty
        } else {
            Value::List(items)
        };
        self.person_writes(account, &id, "tags", &value);
    }

    fn person_passes(&mut self, account: usize, id: &RemoteId) {
        let rec = &self.accounts[account].records[id];
        let entity = rec.entity;
        let was = rec.plain("region") == "in";
        self.book.entities[entity].moved.insert(account);
        self.book.entities[entity].passed |= !was;
        let region = if was { "out" } else { "in" };
        self.person_writes(account, id, "region", &Value::text(region));
    }

    fn person_deletes(&mut self, account: usize, id: &RemoteId) {
        let Some(rec) = self.accounts[account].records.remove(id) else {
            return;
        };
        self.book.deletions += 1;
        self.book.entities[rec.entity].deleted.insert(account);
        let tags: Vec<String> = rec.plain("tags").split('|').map(str::to_owned).collect();
        for tag in tags {
            if let Some(item) = self.book.items.get_mut(&tag) {
                item.removed = true;
            }
        }
        let now = self.now();
        self.accounts[account].changed(id, now);
        // Nobody is left to tell of those that were merged into it.
        for former in &rec.former {
            self.accounts[account].changed(former, now);
        }
        self.accounts[account].bin.push(rec);
    }

    fn person_restores(&mut self, account: usize) {
        let now = self.now();
        let Some(mut rec) = self.accounts[account].bin.pop() else {
            return;
        };
        rec.version += 1;
        rec.modified = now;
        self.book.entities[rec.entity].restored += 1;
        let id = rec.id.clone();
        self.accounts[account].records.insert(id.clone(), rec);
        self.accounts[account].changed(&id, now);
        self.agree(account, &id);
    }

    fn person_merges(&mut self, account: usize, who: u16, other: u16) {
        let (Some(stays), Some(goes)) = (self.find(account, who), self.find(account, other)) else {
            return;
        };
        if stays == goes {
            return;
        }
        let now = self.now();
        let Some(gone) = self.accounts[account].records.remove(&goes) else {
            return;
        };
        let stayed = self.accounts[account].records[&stays].entity;
        self.book.join(stayed, gone.entity);
        for entity in [stayed, gone.entity] {
            self.book.entities[entity].merged = true;
            self.book.entities[entity].deleted.insert(account);
        }
        if let Some(rec) = self.accounts[account].records.get_mut(&stays) {
            rec.former.push(goes.clone());
            rec.former.extend(gone.former);
        }
        self.accounts[account].merged(&goes, now);
        self.change(account, &stays, |_| {});
    }

    /// Another tool copies a field between two records of the same person.
    pub fn foreign(&mut self, chance: &mut crate::chance::Chance) {
        let from = chance.below(2) as usize;
        let field = FIELDS[chance.from(1, 4) as usize];
        let copies: Vec<(RemoteId, Value)> = self.accounts[1 - from]
            .records
            .values()
            .filter_map(|rec| {
                let source = self.accounts[from]
                    .records
                    .values()
                    .find(|other| self.book.class(other.entity) == self.book.class(rec.entity))?;
                let differs = source.plain(field) != rec.plain(field);
                differs.then(|| (rec.id.clone(), source.value(field).clone()))
            })
            .collect();
        for (id, value) in copies {
            if !value.is_empty() {
                self.book.copied = true;
                self.person_writes(1 - from, &id, field, &value);
            }
        }
    }

    /// Changes a record and lets listings know.
    pub(super) fn change(&mut self, account: usize, id: &RemoteId, change: impl FnOnce(&mut Rec)) {
        let now = self.now();
        if let Some(rec) = self.accounts[account].records.get_mut(id) {
            change(rec);
            rec.version += 1;
            rec.modified = now;
        }
        self.accounts[account].changed(id, now);
    }

    /// The time.
    pub fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.clock.now_utc()
    }
}
