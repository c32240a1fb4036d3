//! A sandbox with one Mailchimp account, a clock that stands still, and our connector with a session on that account;
//! and that account as the conformance suite's other way in.

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};
use syncline_connector::conformance::{Probe, Trouble};
use syncline_connectors::mailchimp::Mailchimp;
use syncline_model::{Address, Fields, OperationId, PartialDate, RemoteId, Value};
use syncline_sandbox::core::clock::Move;
use syncline_sandbox::core::provider::NewAccount;

use super::bench::Bench;

const START: &str = "2026-03-01T00:00:00Z";

/// A sandboxed account and our way to it.
pub struct Audience {
    bench: Bench,
    pub connector: Mailchimp,
    pub list: String,
    edits: AtomicU32,
}

impl Deref for Audience {
    type Target = Bench;

    fn deref(&self) -> &Bench {
        &self.bench
    }
}

impl Audience {
    pub async fn start() -> Self {
        let sandbox = Bench::sandbox().await;
        sandbox.state().core.clock.shift(&Move {
            set: Some(START.parse().expect("a time")),
            frozen: Some(true),
            ..Move::default()
        });
        let new = NewAccount {
            email: "kim@freddie.example".into(),
            name: "Kim Lee".into(),
            ..NewAccount::default()
        };
        let connector = Mailchimp::new().expect("a connector");
        let bench = Bench::open(sandbox, "mailchimp", &new, &connector, Vec::new());
        let colours = json!({"tag": "COLOUR", "name": "Colour", "type": "dropdown", "options": {"choices": ["Red", "Blue"]}});
        for field in [
            colours,
            json!({"tag": "SCORE", "name": "Score", "type": "number"}),
            json!({"tag": "SINCE", "name": "Since", "type": "date"}),
            json!({"tag": "SECRET", "name": "Secret", "type": "text"}),
        ] {
            let made = bench.admin().action(&bench.account, "merge-field", &field);
            made.expect("a field");
        }
        let mut audience = Self {
            bench,
            connector,
            list: String::new(),
            edits: AtomicU32::new(0),
        };
        let first = audience.person("first@mail.example");
        let (list, _) = first.as_str().split_once(':').expect("an id");
        list.clone_into(&mut audience.list);
        audience
    }

    pub fn collection(&self) -> String {
        format!("audience:{}", self.list)
    }

    /// A person adds a contact.
    pub fn person(&self, email: &str) -> RemoteId {
        self.put(&json!({"email_address": email}))
    }

    pub fn put(&self, native: &Json) -> RemoteId {
        let made = self.admin().create_contact(&self.account, native);
        RemoteId::new(made.expect("a contact").id)
    }

    pub fn change(&self, id: &RemoteId, native: &Json) {
        let done = self
            .admin()
            .patch_contact(&self.account, id.as_str(), native);
        done.expect("edited");
    }

    pub fn act(&self, name: &str, id: &RemoteId) {
        let body = json!({"contact": id.as_str()});
        let done = self.admin().action(&self.account, name, &body);
        done.expect("done");
    }

    pub fn native(&self, id: &RemoteId) -> Json {
        let found = self.admin().contact(&self.account, id.as_str());
        found.expect("a contact").native
    }
}

#[async_trait]
impl Probe for Audience {
    fn collection(&self) -> String {
        self.collection()
    }

    fn sample(&self, number: u32) -> Fields {
        let text = |word: &str| Value::text(format!("{word}{number}"));
        let (month, day) = (1 + number % 12, 1 + number % 28);
        let day = |year| {
            let day = PartialDate::new(year, month as u8, day as u8);
            Value::Date(day.expect("a day"))
        };
        let colour = if number.is_multiple_of(2) {
            "Red"
        } else {
            "Blue"
        };
        let address = Address {
            street: format!("{number} Main Street\nBack yard"),
            city: "City".into(),
            region: "Region".into(),
            postal_code: format!("{number}"),
            country: "NO".into(),
        };
        [
            (
                "email_address",
                Value::text(format!("p{number}@mail.example")),
            ),
            ("FNAME", text("Given")),
            ("LNAME", text("Family")),
            ("PHONE", Value::text(format!("+47 22 {number:06}"))),
            ("ADDRESS", Value::Address(address)),
            ("BIRTHDAY", day(None)),
            ("SINCE", day(Some(2001))),
            ("SCORE", Value::Number(format!("{number}.5"))),
            ("COLOUR", colour.into()),
            ("tags", Value::List(vec![text("Tag")])),
        ]
        .into_iter()
        .map(|(name, value)| (name.into(), value))
        .collect()
    }

    fn operation(&self, number: u32) -> OperationId {
        OperationId::from_uuid(uuid::Uuid::from_u128(number.into()))
    }

    fn now(&self) -> DateTime<Utc> {
        self.sandbox.state().core.clock.now()
    }

    async fn settle(&self) {
        self.advance(20);
    }

    async fn add(&self, number: u32) -> RemoteId {
        self.put(&json!({
            "email_address": format!("a{number}@mail.example"), "merge_fields": {"FNAME": format!("Person {number}")},
        }))
    }

    async fn edit(&self, id: &RemoteId) {
        let edit = self.edits.fetch_add(1, Ordering::SeqCst);
        self.change(
            id,
            &json!({"merge_fields": {"FNAME": format!("Edit {edit}")}}),
        );
    }

    async fn remove(&self, id: &RemoteId) {
        let done = self.admin().delete_contact(&self.account, id.as_str());
        done.expect("archived");
    }

    async fn everything(&self) -> Option<Vec<RemoteId>> {
        let all = self.all_contacts();
        let there = all.iter().filter(|contact| !contact.deleted);
        Some(there.map(|contact| RemoteId::new(&contact.id)).collect())
    }

    fn page_size(&self) -> Option<usize> {
        Some(500)
    }

    fn counts_bytes(&self) -> bool {
        true
    }

    fn has_key(&self) -> bool {
        true
    }

    fn refused(&self) -> Option<Fields> {
        Some([("email_address".into(), "nobody@example.com".into())].into())
    }

    async fn add_rich(&self, number: u32) -> RemoteId {
        self.put(&json!({
            "email_address": format!("r{number}@mail.example"), "language": "nb", "vip": true, "email_type": "text",
            "merge_fields": {"SECRET": "kept"}, "interests": {"9143cf3bd1": true},
        }))
    }

    async fn rest(&self, id: &RemoteId) -> String {
        let mut native = self.native(id);
        let members = native.as_object_mut().expect("a member");
        let sample = self.sample(0);
        let known = [
            "id",
            "full_name",
            "email_address",
            "last_changed",
            "tags",
            "tags_count",
        ];
        members.retain(|name, _| !known.contains(&name.as_str()));
        let merge = members["merge_fields"].as_object_mut().expect("fields");
        merge.retain(|name, _| !sample.contains_key(&name.as_str().into()));
        native.to_string()
    }

    async fn strike(&self, trouble: Trouble) -> bool {
        if trouble == Trouble::OldCursors {
            // A full listing is due.
            self.advance(2 * 86_400);
            return true;
        }
        self.bench.strike(trouble, "POST /3.0/lists/{id}")
    }

    async fn calm(&self) {
        self.bench.calm();
    }
}
