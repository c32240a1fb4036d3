//! One account at a simulated provider: its records, and how late its listings show them.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use syncline_model::{
    AccountId, ConnectionId, DeletionPolicy, FieldName, Fields, OperationId, Record, RemoteId,
    Value, Version,
};

use super::Inner;
use crate::book::{CellKey, Loss, plain};
use crate::chance::Chance;
use crate::profile::{FIELDS, GROUP, Profile, Spelling};

/// Who made a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// A person.
    Person,
    /// Us.
    Engine,
    /// Another tool that syncs the same accounts.
    Foreign,
}

/// A record.
#[derive(Clone, Debug)]
pub struct Rec {
    /// Its id.
    pub id: RemoteId,
    /// Counts its changes.
    pub version: u64,
    /// When it was last changed.
    pub modified: DateTime<Utc>,
    /// When it was made.
    pub made: DateTime<Utc>,
    /// Its fields.
    pub fields: Fields,
    /// Whether it is in the group.
    pub group: bool,
    /// The creation that made it.
    pub marker: Option<OperationId>,
    /// Who made it.
    pub author: Author,
    /// About whom it is.
    pub entity: usize,
    /// Ids by which it went before.
    pub former: Vec<RemoteId>,
    /// Whether it is marked as trash.
    pub trashed: bool,
    /// The newest version that each connection was shown.
    pub served: BTreeMap<ConnectionId, u64>,
    /// Whether it was in the group when the engine was last shown it.
    pub served_group: bool,
    /// How many calls there had been when the engine last read it by its id.
    pub asked: u64,
}

impl Rec {
    /// A field's value.
    pub fn value(&self, field: &str) -> &Value {
        self.fields
            .get(&FieldName::new(field))
            .unwrap_or(&Value::Empty)
    }

    /// A field's value as people mean it.
    pub fn plain(&self, field: &str) -> String {
        plain(field, self.value(field))
    }

    /// Whether it belongs to a collection.
    pub fn inside(&self, collection: &str) -> bool {
        collection != GROUP || self.group
    }

    /// The newest version that a connection was shown.
    pub fn served_to(&self, connection: ConnectionId) -> u64 {
        self.served.get(&connection).copied().unwrap_or_default()
    }

    /// As a connector hands it over.
    pub fn record(&self, profile: &Profile) -> Record {
        Record {
            id: self.id.clone(),
            version: Version::new(format!("v{}", self.version)),
            modified_at: profile.dated.then_some(self.modified),
            fields: self.fields.clone(),
        }
    }
}

struct Shown {
    at: DateTime<Utc>,
    id: RemoteId,
    state: Option<Rec>,
    /// Listings show it, feeds of changes do not tell of it.
    quiet: bool,
}

/// One account.
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its number.
    pub number: usize,
    /// Its tenant's number.
    pub tenant: usize,
    /// Its provider.
    pub profile: Profile,
    /// What is there.
    pub records: BTreeMap<RemoteId, Rec>,
    /// What was deleted.
    pub bin: Vec<Rec>,
    /// What listings show.
    pub listed: BTreeMap<RemoteId, Rec>,
    /// Whether our access works.
    pub authorized: bool,
    /// Counts how often all cursors became invalid.
    pub epoch: u64,
    /// Decides about faults here.
    pub chance: Chance,
    /// Whether connections concern only the group.
    pub grouped: bool,
    /// Whether connections filter what comes here.
    pub filtered: bool,
    /// Whether what a filter looks at is mapped.
    pub judged: bool,
    /// What may become of records here whose partner was deleted.
    pub fates: Vec<DeletionPolicy>,
    /// Whether the partner of who leaves is taken out of the group here.
    pub leaves: bool,
    /// Which records we took away here, when, and how many there were.
    pub removals: Vec<(RemoteId, DateTime<Utc>, usize)>,
    feed: Vec<Shown>,
    upto: usize,
    made: u64,
}

impl Account {
    /// An empty account.
    pub const fn new(
        id: AccountId,
        number: usize,
        tenant: usize,
        profile: Profile,
        chance: Chance,
    ) -> Self {
        Self {
            id,
            number,
            tenant,
            profile,
            records: BTreeMap::new(),
            bin: Vec::new(),
            listed: BTreeMap::new(),
            authorized: true,
            epoch: 0,
            chance,
            grouped: false,
            filtered: false,
            judged: false,
            fates: Vec::new(),
            leaves: false,
            removals: Vec::new(),
            feed: Vec::new(),
            upto: 0,
            made: 0,
        }
    }

    /// An id for a new record.
    pub fn new_id(&mut self) -> RemoteId {
        self.made += 1;
        RemoteId::new(format!("{}r{:03}", self.number, self.made))
    }

    /// A record changed (or went): listings will show it.
    pub fn changed(&mut self, id: &RemoteId, now: DateTime<Utc>) {
        self.tell(id, now, false);
    }

    /// A record went by merging: how it is told is the provider's way.
    pub fn merged(&mut self, id: &RemoteId, now: DateTime<Utc>) {
        self.tell(id, now, self.profile.quiet_merges);
    }

    /// A record's version rises though nobody changed it.
    pub fn upkeep(&mut self, id: &RemoteId, now: DateTime<Utc>) {
        if let Some(rec) = self.records.get_mut(id) {
            rec.version += 1;
            self.tell(id, now, true);
        }
    }

    fn tell(&mut self, id: &RemoteId, now: DateTime<Utc>, quiet: bool) {
        let lag = self.profile.lag.as_millis() as u64;
        let late = Duration::from_millis(self.chance.below(lag + 1));
        let at = now + TimeDelta::from_std(late).unwrap_or_default();
        let at = self.feed.last().map_or(at, |last| last.at.max(at));
        let state = self.records.get(id).cloned();
        self.feed.push(Shown {
            at,
            id: id.clone(),
            state,
            quiet,
        });
    }

    /// Lets listings show what is old enough. Gives how much they show.
    pub fn show(&mut self, now: DateTime<Utc>) -> usize {
        while let Some(shown) = self.feed.get(self.upto).filter(|shown| shown.at <= now) {
            match &shown.state {
                Some(rec) => self.listed.insert(shown.id.clone(), rec.clone()),
                None => self.listed.remove(&shown.id),
            };
            self.upto += 1;
        }
        self.upto
    }

    /// Whether listings show everything.
    pub fn shows_all(&self) -> bool {
        self.upto == self.feed.len()
    }

    /// The ids changed between two places of the feed, in order.
    pub fn changed_between(&self, from: usize, to: usize) -> Vec<RemoteId> {
        let range = from.min(self.feed.len())..to.min(self.feed.len());
        let mut ids: Vec<RemoteId> = self.feed[range.start.min(range.end)..range.end]
            .iter()
            .filter(|shown| !shown.quiet)
            .map(|shown| shown.id.clone())
            .collect();
        ids.sort();
        ids.dedup();
        ids
    }

    /// Notes that a connection was shown a record in a version.
    pub fn served(&mut self, to: ConnectionId, id: &RemoteId, version: u64, group: bool) {
        if let Some(rec) = self.records.get_mut(id)
            && version >= rec.served_to(to)
        {
            rec.served.insert(to, version);
            rec.served_group = group;
        }
    }

    /// A value as this provider writes it down.
    pub fn spell(&self, field: &str, value: &Value) -> Value {
        let one = |text: &str| {
            let text = match self.profile.spelling {
                Spelling::Exact => return text.to_owned(),
                _ if field == "phone" => text.chars().filter(|c| !c.is_whitespace()).collect(),
                _ => text.trim().to_owned(),
            };
            match self.profile.spelling {
                Spelling::Lowers => text.to_lowercase(),
                _ => text,
            }
        };
        match value {
            Value::Text(text) => Value::text(one(text)),
            Value::List(items) if items.is_empty() => Value::Empty,
            Value::List(items) => {
                Value::List(items.iter().map(|item| self.spell(field, item)).collect())
            }
            other => other.clone(),
        }
    }
}

/// A field of a record that says the same as that of a record elsewhere.
struct Meeting {
    cell: CellKey,
    entity: usize,
    partner: (usize, RemoteId),
    value: String,
}

impl Inner {
    /// Compares a record's fields with those of the same person elsewhere, and notes where they agree.
    pub fn agree(&mut self, account: usize, id: &RemoteId) {
        let Some(rec) = self.record(account, id).cloned() else {
            return;
        };
        self.book.now += 1;
        let now = self.book.now;
        let class = self.book.class(rec.entity);
        let tenant = self.accounts[account].tenant;
        let mut met: Vec<Meeting> = Vec::new();
        for other in 0..self.accounts.len() {
            if other == account || self.accounts[other].tenant != tenant {
                continue;
            }
            for partner in self.accounts[other].records.values() {
                if self.book.class(partner.entity) != class {
                    continue;
                }
                for field in FIELDS {
                    let value = rec.plain(field);
                    if value != partner.plain(field) {
                        continue;
                    }
                    let ends = [
                        (account, id.clone(), rec.entity),
                        (other, partner.id.clone(), partner.entity),
                    ];
                    for (own, met_by) in [(0, 1), (1, 0)] {
                        let (account, id, entity) = ends[own].clone();
                        let (other, partner, _) = ends[met_by].clone();
                        met.push(Meeting {
                            cell: (account, id, field),
                            entity,
                            partner: (other, partner),
                            value: value.clone(),
                        });
                    }
                }
            }
        }
        for meeting in &met {
            self.lose(meeting);
        }
        for meeting in met {
            let cell = self.book.cells.entry(meeting.cell).or_default();
            cell.agreed_at = now;
            cell.agreed = meeting.value;
            cell.meetings.insert(meeting.partner, now);
        }
    }

    /// Two accounts agree on a value: if something else was written here since they last did, it is lost.
    fn lose(&mut self, meeting: &Meeting) {
        let value = &meeting.value;
        let Some(cell) = self.book.cells.get(&meeting.cell) else {
            return;
        };
        let Some(edited) = cell.edited.clone() else {
            return;
        };
        if cell.edited_at <= cell.agreed_at || edited == *value {
            return;
        }
        // With this very partner: others may be about the same, and agree by chance.
        let since = cell.met(&meeting.partner).min(cell.looked_at);
        let written = self.book.written.get(value);
        let contested = written.is_some_and(|written| *written > since);
        self.book.losses.push(Loss {
            cell: meeting.cell.clone(),
            entity: meeting.entity,
            value: edited,
            winner: value.clone(),
            contested,
        });
    }
}
