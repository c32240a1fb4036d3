//! One Google account's contacts and groups, indexed by id and by order of change. Knows no HTTP.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::etag;
use super::fields::Fields;
use super::quota::Quota;
use super::search::Index;
use crate::core::ids::mix;

/// The group every normal contact is in.
pub const MY_CONTACTS: &str = "myContacts";
/// System groups: id and label.
pub const SYSTEM_GROUPS: &[(&str, &str)] = &[
    (MY_CONTACTS, "My Contacts"),
    ("starred", "Starred"),
    ("friends", "Friends"),
    ("family", "Family"),
    ("coworkers", "Coworkers"),
    ("blocked", "Blocked"),
    ("chatBuddies", "Chat contacts"),
    ("all", "All Contacts"),
];

/// What can be set per account through the admin API; times are in the unit of their name, absent quotas do not bind.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Knobs {
    /// How late a write shows in `connections.list`; until then a full listing has the version before it.
    pub propagation_delay_ms: u64,
    /// Life of a sync token after its full sync.
    pub sync_token_secs: i64,
    /// `status` of the expired-token error: `FAILED_PRECONDITION` or `INVALID_ARGUMENT`; sources disagree.
    pub expired_token_status: String,
    /// Whether `searchContacts` sees only what was there at the last empty query.
    pub search_needs_warm_up: bool,
    /// Most contacts the account holds.
    pub contact_limit: Option<u64>,
    /// Critical reads per minute (documented: 90).
    pub critical_reads: Option<u64>,
    /// Critical writes per minute (documented: 90).
    pub critical_writes: Option<u64>,
    /// Group reads per minute (documented: 120).
    pub reads: Option<u64>,
    /// Group writes and deletions per minute (documented: 90).
    pub writes: Option<u64>,
    /// First pages of full syncs per minute (documented to exist, number unpublished).
    pub full_syncs: Option<u64>,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            propagation_delay_ms: 0,
            sync_token_secs: 7 * 24 * 3_600,
            expired_token_status: "FAILED_PRECONDITION".into(),
            search_needs_warm_up: true,
            contact_limit: None,
            critical_reads: None,
            critical_writes: None,
            reads: None,
            writes: None,
            full_syncs: None,
        }
    }
}

/// One version of a contact.
#[derive(Debug, Clone)]
pub struct Face {
    /// Stored fields.
    pub fields: Fields,
    /// Ids of its groups, sorted.
    pub groups: Vec<String>,
    /// URL of its own photo.
    pub photo: Option<String>,
    /// Counts up with every change in the account.
    pub version: u64,
    /// When it was made.
    pub updated: DateTime<Utc>,
}

/// A contact, live or deleted.
#[derive(Debug, Clone)]
pub struct Contact {
    /// The number in its resource name.
    pub id: u64,
    /// The present version.
    pub face: Face,
    /// Its place in the order of changes.
    pub seq: u64,
    /// In the bin.
    pub deleted: bool,
    /// The version before the writes that do not show yet.
    pub before: Option<Box<Face>>,
}

impl Contact {
    /// The CONTACT source's etag without its `#`.
    pub fn source_etag(&self) -> String {
        etag::source_etag(self.id, self.face.version)
    }
}

/// A contact group.
#[derive(Debug, Clone)]
pub struct Group {
    /// The id in its resource name.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The label shown.
    pub formatted: String,
    /// Made by Google.
    pub system: bool,
    /// Live members.
    pub members: u64,
    /// Client data as sent.
    pub client_data: Vec<serde_json::Value>,
    /// Last change.
    pub updated: DateTime<Utc>,
    /// Its place in the order of changes.
    pub seq: u64,
    /// Deleted; kept for sync.
    pub deleted: bool,
}

/// An automatically saved contact that is in no group.
#[derive(Debug, Clone)]
pub struct Other {
    /// The number in its resource name.
    pub id: u64,
    /// Names, addresses and phones only.
    pub face: Face,
}

/// The account.
pub struct Account {
    /// `sub`: the stable id of the login.
    pub id: String,
    /// Its address.
    pub email: String,
    /// The person's name.
    pub name: String,
    /// All contacts by id.
    pub contacts: BTreeMap<u64, Contact>,
    /// Contact ids by place in the order of changes.
    pub changes: BTreeMap<u64, u64>,
    /// Groups by id.
    pub groups: BTreeMap<String, Group>,
    /// Other contacts.
    pub others: Vec<Other>,
    /// Live contacts.
    pub live: u64,
    /// The last place given in the order of changes.
    pub seq: u64,
    /// Sync tokens of an older generation are expired.
    pub generation: u64,
    /// Settings.
    pub knobs: Knobs,
    /// What was used this minute.
    pub quota: Quota,
    /// What `searchContacts` sees.
    pub search: Option<Index>,
    /// Contacts by name, when a listing asked for it: the state it was made at, and the order.
    pub by_name: Option<(u64, &'static str, Vec<u64>)>,
    seed: u64,
}

impl Account {
    /// An empty account with the system groups.
    pub fn new(id: String, email: String, name: String, seed: u64, now: DateTime<Utc>) -> Self {
        let groups = SYSTEM_GROUPS.iter().map(|(id, label)| {
            let group = Group {
                id: (*id).to_owned(),
                name: (*id).to_owned(),
                formatted: (*label).to_owned(),
                system: true,
                members: 0,
                client_data: Vec::new(),
                updated: now,
                seq: 0,
                deleted: false,
            };
            ((*id).to_owned(), group)
        });
        Self {
            groups: groups.collect(),
            id,
            email,
            name,
            contacts: BTreeMap::new(),
            changes: BTreeMap::new(),
            others: Vec::new(),
            live: 0,
            seq: 0,
            generation: 0,
            knobs: Knobs::default(),
            quota: Quota::default(),
            search: None,
            by_name: None,
            seed,
        }
    }

    /// A number no other entity of this account has.
    pub fn fresh_id(&mut self) -> u64 {
        self.seq += 1;
        // 62 bits, never short: as long as Google's own.
        mix(self.seed ^ mix(self.seq)) >> 2 | 1 << 60
    }

    /// A live contact.
    pub fn live(&self, id: u64) -> Option<&Contact> {
        self.contacts.get(&id).filter(|c| !c.deleted)
    }

    /// Adds a contact under an id from [`Account::fresh_id`].
    pub fn insert(&mut self, id: u64, fields: Fields, groups: Vec<String>, now: DateTime<Utc>) {
        self.seq += 1;
        let face = Face {
            fields,
            groups,
            photo: None,
            version: self.seq,
            updated: now,
        };
        self.count_groups(&face.groups, true);
        self.contacts.insert(
            id,
            Contact {
                id,
                face,
                seq: self.seq,
                deleted: false,
                before: None,
            },
        );
        self.changes.insert(self.seq, id);
        self.live += 1;
    }

    /// Changes a contact; false when there is none.
    pub fn change(&mut self, id: u64, now: DateTime<Utc>, edit: impl FnOnce(&mut Face)) -> bool {
        let Some(mut contact) = self.contacts.remove(&id) else {
            return false;
        };
        self.remember(&mut contact, now);
        if !contact.deleted {
            self.count_groups(&contact.face.groups, false);
        }
        edit(&mut contact.face);
        if !contact.deleted {
            self.count_groups(&contact.face.groups, true);
        }
        self.touch(contact, now);
        true
    }

    /// Edits a contact without any sign of it: no new etag, no new time.
    pub fn change_silently(&mut self, id: u64, edit: impl FnOnce(&mut Face)) {
        if let Some(contact) = self.contacts.get_mut(&id) {
            edit(&mut contact.face);
        }
    }

    /// Puts a contact into the bin or takes it out; false when it is there already or unknown.
    pub fn set_deleted(&mut self, id: u64, deleted: bool, now: DateTime<Utc>) -> bool {
        if self.contacts.get(&id).is_none_or(|c| c.deleted == deleted) {
            return false;
        }
        let Some(mut contact) = self.contacts.remove(&id) else {
            return false;
        };
        self.remember(&mut contact, now);
        contact.deleted = deleted;
        self.count_groups(&contact.face.groups, !deleted);
        self.live = if deleted {
            self.live.saturating_sub(1)
        } else {
            self.live + 1
        };
        self.touch(contact, now);
        true
    }

    /// Whether a contact's last change shows in listings already.
    pub fn shows(&self, face: &Face, now: DateTime<Utc>) -> bool {
        let delay = Duration::milliseconds(
            i64::try_from(self.knobs.propagation_delay_ms).unwrap_or(i64::MAX / 2),
        );
        self.knobs.propagation_delay_ms == 0
            || face
                .updated
                .checked_add_signed(delay)
                .is_some_and(|at| at <= now)
    }

    /// Live contacts in a group, in id order.
    pub fn members<'a>(&'a self, group: &'a str) -> impl Iterator<Item = u64> + 'a {
        self.contacts
            .values()
            .filter(move |c| !c.deleted && c.face.groups.iter().any(|g| g == group))
            .map(|c| c.id)
    }

    /// Keeps what listings show while the coming change does not.
    fn remember(&self, contact: &mut Contact, now: DateTime<Utc>) {
        if self.knobs.propagation_delay_ms == 0 {
            contact.before = None;
        } else if self.shows(&contact.face, now) {
            contact.before = (!contact.deleted).then(|| Box::new(contact.face.clone()));
        }
    }

    fn touch(&mut self, mut contact: Contact, now: DateTime<Utc>) {
        self.changes.remove(&contact.seq);
        self.seq += 1;
        contact.seq = self.seq;
        contact.face.version = self.seq;
        contact.face.updated = now;
        self.changes.insert(contact.seq, contact.id);
        self.contacts.insert(contact.id, contact);
    }

    fn count_groups(&mut self, ids: &[String], more: bool) {
        for id in ids {
            if let Some(group) = self.groups.get_mut(id) {
                group.members = if more {
                    group.members + 1
                } else {
                    group.members.saturating_sub(1)
                };
            }
        }
    }
}
