//! One Mailchimp account: its audiences, their members and what members are kept with. Knows no HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use chrono::{DateTime, SubsecRound, Utc};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::hooks::{Hook, News, news};
use super::merge::MergeField;
use crate::core::ids::mix;

/// What can be set per account through the admin API.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Knobs {
    /// How long every call takes.
    pub latency_ms: u64,
    /// Calls that may be under way at the same time (documented: 10).
    pub connections: u32,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            latency_ms: 0,
            connections: 10,
        }
    }
}

/// A contact of an audience.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its id, which stays when the address changes.
    pub contact_id: String,
    /// The address's id over all audiences of the account.
    pub unique_email_id: String,
    /// Its number in the web application.
    pub web_id: u64,
    /// The address.
    pub email: String,
    /// `subscribed`, `unsubscribed`, `cleaned`, `pending`, `transactional` or `archived`.
    pub status: String,
    /// What it was before it was archived.
    pub before: Option<String>,
    /// Values by tag.
    pub merge: Map<String, Value>,
    /// Names of its tags.
    pub tags: BTreeSet<String>,
    /// Language, VIP and other members that clients may set and nothing here reads.
    pub more: Map<String, Value>,
    /// When it was added.
    pub created: DateTime<Utc>,
    /// Last change.
    pub changed: DateTime<Utc>,
}

impl Member {
    /// The id in addresses: the MD5 of the address in lower case.
    pub fn hash(&self) -> String {
        hash(&self.email)
    }

    /// Whether a name in an address means this member: hash, address or contact id.
    pub fn is(&self, name: &str) -> bool {
        let is_hash = name.len() == 32 && !name.contains('@');
        self.contact_id == name
            || self.email.eq_ignore_ascii_case(name)
            || is_hash && self.hash() == name
    }

    /// Whether only the person can subscribe it again.
    pub fn is_in_compliance_state(&self) -> bool {
        let status = self.before.as_deref().unwrap_or(&self.status);
        matches!(status, "unsubscribed" | "cleaned")
    }

    /// A change happened.
    pub fn touch(&mut self, now: DateTime<Utc>) {
        self.changed = now.trunc_subsecs(0);
    }
}

/// The MD5 of an address in lower case, in hexadecimal.
pub fn hash(email: &str) -> String {
    let digest = Md5::digest(email.to_lowercase().as_bytes());
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// An audience ("list").
#[derive(Debug, Clone)]
pub struct Audience {
    /// Its id.
    pub id: String,
    /// Its number in the web application.
    pub web_id: u64,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// Whether people confirm by mail; not binding for writes through the API.
    pub double_optin: bool,
    /// Merge fields, in the order of their numbers.
    pub fields: Vec<MergeField>,
    /// Members, in the order in which they came.
    pub members: Vec<Member>,
    /// Tags: numbers by name.
    pub tags: BTreeMap<String, u64>,
    /// Webhooks.
    pub hooks: Vec<Hook>,
    /// What happened and is still to be told to them.
    pub news: Vec<News>,
    /// Addresses deleted for good, in lower case.
    pub forgotten: BTreeSet<String>,
}

impl Audience {
    /// Where a member is.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.members.iter().position(|member| member.is(name))
    }

    /// A tag's number; made if it is new.
    pub fn tag(&mut self, name: &str, fresh: u64) -> u64 {
        *self.tags.entry(name.to_owned()).or_insert(fresh)
    }

    /// Notes what happened to a member, if anybody wants to know.
    pub fn note(&mut self, before: Option<&Member>, now: &Member) {
        if !self.hooks.is_empty() {
            self.news.extend(news(&self.id, before, now));
        }
    }

    /// Members that are not archived.
    pub fn live(&self) -> impl Iterator<Item = &Member> {
        self.members
            .iter()
            .filter(|member| member.status != "archived")
    }

    /// A merge field by its tag.
    pub fn add_field(&mut self, tag: &str, name: &str, kind: &str) -> &mut MergeField {
        let id = self.fields.last().map_or(1, |field| field.id + 1);
        self.fields.push(MergeField::new(id, tag, name, kind));
        let last = self.fields.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "it was just pushed")]
        &mut self.fields[last]
    }

    /// A member as the API shows it.
    pub fn render(&self, member: &Member) -> Value {
        let values: Map<String, Value> = self
            .fields
            .iter()
            .map(|field| {
                let value = member.merge.get(&field.tag).cloned();
                (field.tag.clone(), value.unwrap_or_else(|| "".into()))
            })
            .collect();
        let name = |tag: &str| values.get(tag).and_then(Value::as_str).unwrap_or("");
        let full = format!("{} {}", name("FNAME"), name("LNAME"));
        let tags: Vec<Value> = member
            .tags
            .iter()
            .map(|tag| json!({"id": self.tags.get(tag), "name": tag}))
            .collect();
        let mut shown = json!({
            "id": member.hash(), "email_address": member.email, "unique_email_id": member.unique_email_id,
            "contact_id": member.contact_id, "full_name": full.trim(), "web_id": member.web_id,
            "email_type": "html", "status": member.status, "merge_fields": values, "interests": {},
            "stats": {"avg_open_rate": 0, "avg_click_rate": 0}, "ip_signup": "", "timestamp_signup": "",
            "ip_opt": "", "timestamp_opt": time(member.created), "member_rating": 2,
            "last_changed": time(member.changed), "language": "", "vip": false, "email_client": "",
            "location": {"latitude": 0, "longitude": 0, "gmtoff": 0, "dstoff": 0, "country_code": "", "timezone": ""},
            "source": "API - Generic", "tags_count": tags.len(), "tags": tags, "list_id": self.id, "_links": [],
        });
        if let Some(shown) = shown.as_object_mut() {
            shown.extend(member.more.clone());
            if member.status == "unsubscribed" {
                shown.insert(
                    "unsubscribe_reason".into(),
                    "N/A (Unsubscribed by admin)".into(),
                );
            }
        }
        shown
    }

    /// The audience as the API shows it.
    pub fn show(&self) -> Value {
        let count = |status: &str| {
            self.members
                .iter()
                .filter(|one| one.status == status)
                .count()
        };
        json!({
            "id": self.id, "web_id": self.web_id, "name": self.name, "date_created": time(self.created),
            "permission_reminder": "You signed up.", "use_archive_bar": true, "email_type_option": false,
            "visibility": "prv", "double_optin": self.double_optin, "marketing_permissions": false,
            "has_welcome": false, "list_rating": 0, "modules": [],
            "contact": {"company": "", "address1": "", "address2": "", "city": "", "state": "", "zip": "", "country": "", "phone": ""},
            "campaign_defaults": {"from_name": "", "from_email": "", "subject": "", "language": "en"},
            "stats": {
                "member_count": count("subscribed"), "unsubscribe_count": count("unsubscribed"),
                "cleaned_count": count("cleaned"), "merge_field_count": self.fields.len(),
            },
            "_links": [],
        })
    }
}

/// The account.
pub struct Account {
    /// Its id.
    pub id: String,
    /// The login's address.
    pub email: String,
    /// The person's name.
    pub name: String,
    /// Audiences, the oldest first.
    pub audiences: Vec<Audience>,
    /// Settings.
    pub knobs: Knobs,
    seed: u64,
    drawn: u64,
}

impl Account {
    /// An account with one empty audience.
    pub fn new(id: String, email: String, name: String, seed: u64, now: DateTime<Utc>) -> Self {
        let mut account = Self {
            id,
            email,
            name,
            audiences: Vec::new(),
            knobs: Knobs::default(),
            seed,
            drawn: 0,
        };
        account.open("Customers", false, now);
        account
    }

    /// A number that no other thing of this account has.
    pub fn fresh(&mut self) -> u64 {
        self.drawn += 1;
        mix(self.seed ^ mix(self.drawn))
    }

    /// Opens an audience with the merge fields that each begins with; answers its id.
    pub fn open(&mut self, name: &str, double_optin: bool, now: DateTime<Utc>) -> String {
        let id = format!("{:010x}", self.fresh() >> 24);
        let mut audience = Audience {
            id: id.clone(),
            web_id: self.fresh() >> 40,
            name: name.to_owned(),
            created: now,
            double_optin,
            fields: Vec::new(),
            members: Vec::new(),
            tags: BTreeMap::new(),
            hooks: Vec::new(),
            news: Vec::new(),
            forgotten: BTreeSet::new(),
        };
        for (tag, name, kind) in [
            ("FNAME", "First Name", "text"),
            ("LNAME", "Last Name", "text"),
            ("ADDRESS", "Address", "address"),
            ("PHONE", "Phone Number", "phone"),
            ("BIRTHDAY", "Birthday", "birthday"),
        ] {
            audience.add_field(tag, name, kind);
        }
        self.audiences.push(audience);
        id
    }

    /// An audience.
    pub fn audience(&mut self, id: &str) -> Option<&mut Audience> {
        self.audiences.iter_mut().find(|audience| audience.id == id)
    }

    /// A member that has nothing but its address.
    pub fn newcomer(&mut self, email: &str, now: DateTime<Utc>) -> Member {
        let now = now.trunc_subsecs(0);
        Member {
            contact_id: format!("{:016x}{:016x}", self.fresh(), self.fresh()),
            unique_email_id: format!("{:010x}", self.fresh() >> 24),
            web_id: self.fresh() >> 32,
            email: email.to_owned(),
            status: String::new(),
            before: None,
            merge: Map::new(),
            tags: BTreeSet::new(),
            more: Map::new(),
            created: now,
            changed: now,
        }
    }
}

/// A time as the API shows it: whole seconds, with an offset.
pub fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}
