//! The book of edits: who wrote which value where and when, independent of anything that the engine remembers.
//!
//! Every value that a person writes is unique, so that any value can be traced to whom it is about.

use std::collections::{BTreeMap, BTreeSet};

use syncline_model::{RemoteId, Value};

/// A field of a record of an account.
pub type CellKey = (usize, RemoteId, &'static str);

/// What is known of a field of a record.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// What a person wrote there last, in its plain form; nothing if nobody did.
    pub edited: Option<String>,
    /// When.
    pub edited_at: u64,
    /// The record's version then.
    pub version: u64,
    /// When this field was last the same as in the other account, and what it was.
    pub agreed_at: u64,
    /// What it was then.
    pub agreed: String,
    /// When it was last the same as in each of the records that are about the same.
    pub meetings: BTreeMap<(usize, RemoteId), u64>,
    /// When anybody had last looked at the records, before it was edited.
    pub looked_at: u64,
}

impl Cell {
    /// When it was last the same as in another record.
    pub fn met(&self, partner: &(usize, RemoteId)) -> u64 {
        self.meetings.get(partner).copied().unwrap_or_default()
    }
}

/// Somebody whom records are about.
#[derive(Clone, Debug)]
pub struct Entity {
    /// Whose customer's.
    pub tenant: usize,
    /// In which accounts people made a record of it, how often.
    pub made: BTreeMap<usize, u32>,
    /// Accounts where a person deleted a record of it.
    pub deleted: BTreeSet<usize>,
    /// Accounts where a person took a record of it out of the collection, or changed what a filter looks at.
    pub moved: BTreeSet<usize>,
    /// Whether a person brought a deleted record back.
    pub restored: u32,
    /// Whether a person merged it with somebody else at the provider.
    pub merged: bool,
    /// Whether it ever passed the connection's filter.
    pub passed: bool,
    /// Whom it was found to be the same as.
    same: usize,
}

/// An item of a set.
#[derive(Clone, Debug)]
pub struct Item {
    /// Whose.
    pub entity: usize,
    /// Whether a person took it away anywhere.
    pub removed: bool,
}

/// An edit that is nowhere any more: both sides agreed on something else.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Where it was made.
    pub cell: CellKey,
    /// About whom.
    pub entity: usize,
    /// What was written.
    pub value: String,
    /// What is there instead.
    pub winner: String,
    /// Whether that was written since the two records last agreed, or since anybody looked.
    pub contested: bool,
}

/// The book.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// Counts events.
    pub now: u64,
    /// When records were last read from a provider.
    pub looked_at: u64,
    /// Counts values, so that each is written once.
    values: u64,
    /// For each value in its plain form, about whom it is.
    pub births: BTreeMap<String, usize>,
    /// When each value was last written by a person.
    pub written: BTreeMap<String, u64>,
    /// Everybody.
    pub entities: Vec<Entity>,
    /// Every field.
    pub cells: BTreeMap<CellKey, Cell>,
    /// Values that were overwritten where no provider could have prevented it.
    pub blind: BTreeSet<String>,
    /// Edits that are nowhere any more.
    pub losses: Vec<Loss>,
    /// Items of sets.
    pub items: BTreeMap<String, Item>,
    /// E-mail addresses that several people may have, and who had them first.
    pools: BTreeMap<(usize, String), usize>,
    /// Edits by people.
    pub edits: u64,
    /// Deletions by people.
    pub deletions: u64,
    /// Whether another tool copied anything.
    pub copied: bool,
}

impl Book {
    /// A number that no value had before.
    pub const fn value(&mut self) -> u64 {
        self.values += 1;
        self.values
    }

    /// Enters somebody new.
    pub fn entity(&mut self, tenant: usize) -> usize {
        let number = self.entities.len();
        self.entities.push(Entity {
            tenant,
            made: BTreeMap::new(),
            deleted: BTreeSet::new(),
            moved: BTreeSet::new(),
            restored: 0,
            merged: false,
            passed: false,
            same: number,
        });
        number
    }

    /// Whom somebody is, among all that were found or said to be the same.
    pub fn class(&self, mut entity: usize) -> usize {
        while self.entities[entity].same != entity {
            entity = self.entities[entity].same;
        }
        entity
    }

    /// Everybody of a class.
    pub fn members(&self, class: usize) -> impl Iterator<Item = &Entity> {
        (0..self.entities.len())
            .filter(move |number| self.class(*number) == class)
            .map(|number| &self.entities[number])
    }

    /// Two are the same from now on.
    pub fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.class(one), self.class(other));
        self.entities[one.max(other)].same = one.min(other);
    }

    /// Somebody has an address of the pool: whoever else has it may be the same.
    pub fn pool(&mut self, tenant: usize, address: &str, entity: usize) {
        let key = (tenant, address.to_owned());
        let first = *self.pools.entry(key).or_insert(entity);
        self.join(first, entity);
    }

    /// Enters an edit.
    pub fn edit(&mut self, key: CellKey, value: &str, version: u64, entity: usize) {
        self.now += 1;
        self.edits += 1;
        if !value.is_empty() {
            self.births.entry(value.to_owned()).or_insert(entity);
        }
        let now = self.now;
        self.written.insert(value.to_owned(), now);
        let cell = self.cells.entry(key).or_default();
        cell.edited = Some(value.to_owned());
        cell.edited_at = now;
        cell.looked_at = self.looked_at;
        cell.version = version;
    }
}

/// A value as people mean it: how a provider spells it makes no difference.
pub fn plain(field: &str, value: &Value) -> String {
    match value {
        Value::Text(text) => plain_text(field, text),
        Value::List(items) => {
            let mut items: Vec<String> = items.iter().map(|item| plain(field, item)).collect();
            items.retain(|item| !item.is_empty());
            items.sort();
            items.dedup();
            items.join("|")
        }
        _ => String::new(),
    }
}

fn plain_text(field: &str, text: &str) -> String {
    if field == "phone" {
        return text.chars().filter(char::is_ascii_digit).collect();
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}
