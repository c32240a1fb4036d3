//! One organisation with its calling user: users, fields, views, tags, companies, contacts, limits and knobs.
//! It holds and looks up; changing contacts is in `writes`, HTTP in `http`.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use chrono::FixedOffset;
use serde_json::{Value, json};

use super::fields::Catalogue;
use super::knobs::Knobs;
use super::others::Lead;
use super::record::Record;
use super::table::Table;
use super::tags::Tags;
use super::time;
use super::views::{self, View};

/// A user of the organisation.
#[derive(Debug, Clone)]
pub struct User {
    /// Zoho CRM id.
    pub id: u64,
    /// Id of the Zoho login.
    pub zuid: u64,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Address of the login.
    pub email: String,
    /// Inactive users own records still, but cannot be given any.
    pub active: bool,
}

impl User {
    /// An active user.
    pub fn new(
        id: u64,
        first_name: impl Into<String>,
        last_name: impl Into<String>,
        email: String,
    ) -> Self {
        Self {
            id,
            zuid: 60_000_000_000 + id % 1_000_000_000,
            first_name: first_name.into(),
            last_name: last_name.into(),
            email,
            active: true,
        }
    }

    /// First and last name.
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
            .trim()
            .to_owned()
    }
}

/// A workflow that is due on a record which was written through the API.
#[derive(Debug, Clone, Copy)]
pub struct DueWorkflow {
    /// Unix milliseconds when it runs.
    pub at: i64,
    /// The record.
    pub id: u64,
}

/// What `/search` still sees of a record which was written lately.
#[derive(Debug, Clone)]
pub struct Unindexed {
    /// Unix milliseconds when the index catches up.
    pub until: i64,
    /// The record as the index has it; `None` when it does not have it yet.
    pub seen: Option<Record>,
}

/// The names of the permissions a profile grants on Contacts. The last one is invented: the vendor documents no name for it.
pub const PERMISSIONS: &[&str] = &[
    "Crm_Implied_View_Contacts",
    "Crm_Implied_Create_Contacts",
    "Crm_Implied_Edit_Contacts",
    "Crm_Implied_Delete_Contacts",
    "Crm_Implied_Tags_Contacts",
    "Crm_Implied_Sync_Google_Contacts",
];

/// An organisation.
#[derive(Debug)]
pub struct Org {
    /// The sandbox's id of the account.
    pub account: String,
    /// Name of the company.
    pub company: String,
    /// `free`, `standard`, `professional`, `enterprise` or `ultimate`.
    pub edition: String,
    /// Name of the calling user's time zone.
    pub zone_name: String,
    /// Minutes of it east of Greenwich; daylight saving is not imitated.
    pub zone_minutes: i32,
    /// Unix seconds of its opening.
    pub opened: i64,
    /// Users; the first one is the calling user.
    pub users: Vec<User>,
    /// The calling user's profile.
    pub profile: (u64, String),
    /// The calling user's role.
    pub role: (u64, String),
    /// Zoho id of the organisation.
    pub id: u64,
    /// Zoho id of the module Contacts.
    pub module: u64,
    /// Zoho id of the layout of Contacts.
    pub layout: u64,
    /// Permissions of the profile, by name.
    pub permissions: BTreeMap<String, bool>,
    /// Fields of Contacts.
    pub fields: Catalogue,
    /// Views of Contacts.
    pub views: Vec<View>,
    /// Tags of Contacts.
    pub tags: Tags,
    /// Names of the accounts (companies), by id.
    pub companies: BTreeMap<u64, String>,
    /// Contacts.
    pub table: Table,
    /// Leads.
    pub leads: Vec<Lead>,
    /// Limits, delays and workflow, set by the administrator.
    pub knobs: Knobs,
    /// Credits spent: Unix milliseconds and amount.
    pub spent: VecDeque<(i64, u32)>,
    /// Calls being answered.
    pub in_flight: Arc<AtomicUsize>,
    /// Page tokens of an older generation are refused.
    pub token_generation: u64,
    /// Workflows that are due, by time.
    pub workflows: VecDeque<DueWorkflow>,
    /// Records which the search index has not caught up with.
    pub unindexed: BTreeMap<u64, Unindexed>,
    company_ids: HashMap<String, u64>,
    next_id: u64,
    auto_number: u64,
}

/// What opens an organisation.
#[derive(Debug, Clone)]
pub struct Opening<'a> {
    /// The sandbox's id of the account.
    pub account: &'a str,
    /// Address of the calling user.
    pub email: &'a str,
    /// Name of the calling user.
    pub name: &'a str,
    /// Edition.
    pub edition: &'a str,
    /// Name of the time zone and its minutes east of Greenwich.
    pub zone: (&'a str, i32),
    /// Place among the organisations: gives the ids their first digits.
    pub place: u64,
    /// Unix seconds.
    pub now: i64,
}

impl Org {
    /// A new organisation with its standard fields and views, three active users, one who has left, and no contacts.
    pub fn open(opening: &Opening<'_>) -> Self {
        // Zoho ids: an organisation's seven digits, then a counter; 19 digits, below 2^63.
        let mut next_id = (4_150_868 + opening.place * 7) * 1_000_000_000_000 + 225_013;
        let mut fresh = || {
            next_id += 1;
            next_id
        };
        let (id, module, layout) = (fresh(), fresh(), fresh());
        let (profile, role) = (
            (fresh(), "Administrator".to_owned()),
            (fresh(), "CEO".to_owned()),
        );
        let (first, last) = opening.name.rsplit_once(' ').unwrap_or(("", opening.name));
        let users: Vec<User> = [
            (first, last, opening.email.to_owned()),
            ("Patricia", "Boyle", String::new()),
            ("Ravi", "Menon", String::new()),
        ]
        .into_iter()
        .map(|(first, last, email)| {
            let id = fresh();
            let email = if email.is_empty() {
                colleague(first, opening.email)
            } else {
                email
            };
            User::new(id, first, last, email)
        })
        .collect();
        let fields = Catalogue::standard(&mut fresh);
        let views = views::standard(&fields, &mut fresh);
        let gone = User {
            active: false,
            ..User::new(fresh(), "Nina", "Ortiz", colleague("Nina", opening.email))
        };
        let users = users.into_iter().chain([gone]).collect();
        let mut table = Table::default();
        table.index_by(&"Email".into());
        Self {
            account: opening.account.to_owned(),
            company: opening
                .email
                .split_once('@')
                .map_or("Zylker", |(_, domain)| domain)
                .to_owned(),
            edition: opening.edition.to_owned(),
            zone_name: opening.zone.0.to_owned(),
            zone_minutes: opening.zone.1,
            opened: opening.now,
            users,
            profile,
            role,
            id,
            module,
            layout,
            permissions: PERMISSIONS
                .iter()
                .map(|name| ((*name).to_owned(), true))
                .collect(),
            fields,
            views,
            tags: Tags::default(),
            companies: BTreeMap::new(),
            table,
            leads: Vec::new(),
            knobs: Knobs::default(),
            spent: VecDeque::new(),
            in_flight: Arc::default(),
            token_generation: 0,
            workflows: VecDeque::new(),
            unindexed: BTreeMap::new(),
            company_ids: HashMap::new(),
            next_id,
            auto_number: 0,
        }
    }

    /// A fresh Zoho id; later ids are greater.
    pub fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// The next value of auto-number fields.
    pub fn fresh_number(&mut self) -> u64 {
        self.auto_number += 1;
        self.auto_number
    }

    /// The calling user's id.
    pub fn me(&self) -> u64 {
        self.users.first().map_or(0, |user| user.id)
    }

    /// The user who edits by hand in the sandbox: another one than the calling user.
    pub fn person(&self) -> u64 {
        self.users.get(1).map_or_else(|| self.me(), |user| user.id)
    }

    /// The user of this id.
    pub fn user(&self, id: u64) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// The calling user's zone.
    pub fn zone(&self) -> FixedOffset {
        time::zone(self.zone_minutes)
    }

    /// An instant as the calling user sees it.
    pub fn show(&self, seconds: i64) -> String {
        time::show(seconds, self.zone())
    }

    /// `{name, id}` of a user, as `Created_By` has it.
    pub fn user_ref(&self, id: u64) -> Value {
        self.user(id).map_or(
            Value::Null,
            |user| json!({"name": user.full_name(), "id": id.to_string()}),
        )
    }

    /// `{name, id, email}` of a user, as `Owner` has it.
    pub fn owner_ref(&self, id: u64) -> Value {
        let owner = |user: &User| json!({"name": user.full_name(), "id": id.to_string(), "email": user.email});
        self.user(id).map_or(Value::Null, owner)
    }

    /// The id of the company of this name, which is added if need be.
    pub fn company(&mut self, name: &str) -> u64 {
        if let Some(id) = self.company_ids.get(name) {
            return *id;
        }
        let id = self.fresh_id();
        self.company_ids.insert(name.to_owned(), id);
        self.companies.insert(id, name.to_owned());
        id
    }

    /// What the search index has of a record.
    pub fn indexed(&self, id: u64, now_ms: i64) -> Option<&Record> {
        match self.unindexed.get(&id) {
            Some(lag) if now_ms < lag.until => lag.seen.as_ref(),
            _ => self.table.get(id),
        }
    }
}

fn colleague(first: &str, email: &str) -> String {
    let domain = email
        .split_once('@')
        .map_or("zylker.example", |(_, domain)| domain);
    format!("{}@{domain}", first.to_lowercase())
}
