//! What a simulated provider can do, and how it behaves.

use std::time::Duration;

use syncline_connector::{Auth, Batch, Capabilities, Definition, Idempotency, Oauth2};
use syncline_model::{
    Cardinality, Collection, DeletionPolicy, FieldDescriptor, Kind, ObjectType, ProviderId,
};

use crate::chance::Chance;

/// The collection that holds every record.
pub const ALL: &str = "all";
/// The collection that holds some.
pub const GROUP: &str = "group:1";

/// The fields of every record, with their kinds: mapped ones first, the last two belong to the filter and to nobody.
pub const FIELDS: [&str; 8] = [
    "email", "first", "last", "phone", "title", "tags", "region", "owner",
];
/// How many of them a connection may map.
pub const MAPPED: usize = 6;

/// How a provider writes down what it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As it comes.
    Exact,
    /// Trimmed, phones without spaces.
    Trims,
    /// That, and all in lower case.
    Lowers,
}

/// A simulated provider.
#[derive(Clone, Debug)]
pub struct Profile {
    /// How creations are made safe to retry.
    pub create: Idempotency,
    /// Whether changes since a cursor can be read; else everything is listed.
    pub delta: bool,
    /// Whether updates can be conditional.
    pub etag: bool,
    /// Whether records carry the time of their last change.
    pub dated: bool,
    /// Longest time after which a listing shows a change.
    pub lag: Duration,
    /// How values are written down.
    pub spelling: Spelling,
    /// Whether the answer to a write shows the record.
    pub shows: bool,
    /// Records a page.
    pub page: usize,
    /// Whether records move between the pages of a listing that is under way.
    pub shifts: bool,
    /// Records a call of any other kind.
    pub batch: usize,
    /// One writer at a time.
    pub sequential: bool,
    /// A field that cannot be missing.
    pub required: Option<&'static str>,
    /// A field that cannot be written.
    pub read_only: Option<&'static str>,
    /// The longest title.
    pub title: Option<usize>,
    /// Whether a merge is told by the record that stays alone.
    pub quiet_merges: bool,
    /// Whether no two records may have the same e-mail address.
    pub unique: bool,
}

impl Profile {
    /// A plain provider: nothing that is in the way.
    pub const fn plain() -> Self {
        Self {
            create: Idempotency::Marker,
            delta: true,
            etag: true,
            dated: true,
            lag: Duration::ZERO,
            spelling: Spelling::Exact,
            shows: true,
            page: 3,
            shifts: false,
            batch: 2,
            sequential: false,
            required: None,
            read_only: None,
            title: None,
            quiet_merges: false,
            unique: false,
        }
    }

    /// Some provider.
    pub fn random(chance: &mut Chance) -> Self {
        let create = *chance.pick(&[
            Idempotency::Marker,
            Idempotency::Marker,
            Idempotency::ClientId,
            Idempotency::Upsert,
            Idempotency::Search,
        ]);
        let lag = if chance.percent(35) {
            Duration::from_secs(chance.from(1, 50))
        } else {
            Duration::ZERO
        };
        let spelling = *chance.pick(&[
            Spelling::Exact,
            Spelling::Exact,
            Spelling::Trims,
            Spelling::Lowers,
        ]);
        Self {
            create,
            delta: chance.percent(65),
            etag: chance.percent(60),
            dated: chance.percent(80),
            lag,
            spelling,
            // Who changes more than white space says so: otherwise nobody could tell it from an edit.
            shows: spelling == Spelling::Lowers || chance.percent(70),
            page: chance.from(1, 5) as usize,
            shifts: chance.percent(25),
            batch: chance.from(1, 4) as usize,
            sequential: chance.percent(40),
            required: chance.percent(15).then_some("last"),
            read_only: chance.percent(10).then_some("title"),
            title: chance.percent(10).then_some(8),
            quiet_merges: chance.percent(50),
            unique: false,
        }
    }

    /// The provider as data.
    pub fn definition(&self, index: usize) -> Definition {
        let id = format!("sim_{index}");
        Definition {
            id: ProviderId::parse(&id).expect("a provider's id"),
            name: format!("Simulated {index}"),
            objects: vec![ObjectType::Contact],
            auth: Auth::Oauth2(Oauth2 {
                authorize_url: "https://sim.example/authorize".into(),
                token_url: "https://sim.example/token".into(),
                revoke_url: None,
                metadata_url: None,
                tokens_expire: true,
                scopes: Vec::new(),
                scope_separator: " ".into(),
                authorize_params: std::collections::BTreeMap::new(),
                header_prefix: "Bearer".into(),
            }),
            api_base: "https://sim.example".into(),
            api_path: String::new(),
            paid_plans_only: false,
            edition: None,
            allowed_hosts: Vec::new(),
            concurrent_calls: None,
            batch: Batch {
                get: self.batch + 1,
                create: self.batch,
                update: self.batch,
                delete: self.batch,
            },
            capabilities: Capabilities {
                delta: self.delta,
                tombstones: self.delta,
                conditional_update: self.etag,
                sequential_writes: self.sequential,
                create_collection: false,
                watch: false,
                create: self.create,
                settle_seconds: 60,
                deletions: vec![
                    DeletionPolicy::Ignore,
                    DeletionPolicy::Unlink,
                    DeletionPolicy::Mark,
                    DeletionPolicy::Delete,
                ],
                impossible: std::collections::BTreeMap::new(),
            },
            limits: Vec::new(),
        }
    }

    /// The fields that it says it has.
    pub fn fields(&self) -> Vec<FieldDescriptor> {
        let field = |name: &str| {
            let (kind, standard) = match name {
                "email" => (Kind::Email, Some("email.work")),
                "first" => (Kind::Text, Some("given_name")),
                "last" => (Kind::Text, Some("family_name")),
                "phone" => (Kind::Phone, Some("phone.work")),
                "title" => (Kind::Text, Some("job_title")),
                _ => (Kind::Text, None),
            };
            let mut field = FieldDescriptor::new(name, name, kind);
            field.standard = standard.map(str::to_owned);
            field.required = self.required == Some(name);
            field.writable = self.read_only != Some(name);
            if name == "tags" {
                field.cardinality = Cardinality::Many;
            }
            if name == "title" {
                field.max_length = self.title;
            }
            field
        };
        FIELDS.iter().map(|name| field(name)).collect()
    }

    /// The collections that it says it has.
    pub fn collections() -> Vec<Collection> {
        let collection = |id: &str, default| Collection {
            id: id.to_owned(),
            name: id.to_owned(),
            default,
            membership_writable: !default,
        };
        vec![collection(ALL, true), collection(GROUP, false)]
    }
}
