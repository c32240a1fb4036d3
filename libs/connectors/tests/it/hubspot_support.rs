//! A sandbox with one HubSpot account, a clock that stands still, and our connector with a session on that account. Also
//! that account as the conformance suite's other way in.

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};
use syncline_connector::conformance::{Probe, Trouble};
use syncline_connector::{Change, Connector, Create, Cursor, Next, Pull};
use syncline_connectors::hubspot::HubSpot as HubSpotConnector;
use syncline_model::{FieldName, Fields, OperationId, Record, RemoteId, Value};
use syncline_sandbox::core::clock::Move;
use syncline_sandbox::core::provider::NewAccount;

use super::bench::Bench;

const START: &str = "2026-03-01T00:00:00Z";
/// The call that creates.
pub const UPSERT: &str = "POST /crm/v3/objects/contacts/batch/upsert";
/// A creation beside its twin: two contacts cannot have one address.
const TWIN: u32 = 60;

/// A sandboxed account and our way to it.
pub struct HubSpot {
    bench: Bench,
    pub connector: HubSpotConnector,
    edits: AtomicU32,
}

impl Deref for HubSpot {
    type Target = Bench;

    fn deref(&self) -> &Bench {
        &self.bench
    }
}

/// A whole pull, all pages.
#[derive(Debug)]
pub struct Pulled {
    pub present: Vec<Record>,
    pub former: Vec<RemoteId>,
    pub gone: Vec<String>,
    pub cursor: Cursor,
    pub complete: bool,
}

impl HubSpot {
    pub async fn start() -> Self {
        let sandbox = Bench::sandbox().await;
        sandbox.state().core.clock.shift(&Move {
            set: Some(START.parse().expect("a time")),
            frozen: Some(true),
            ..Move::default()
        });
        let new = NewAccount {
            email: "kim@hub.example".into(),
            name: "Kim Lee".into(),
            ..NewAccount::default()
        };
        let connector = HubSpotConnector::new().expect("a connector");
        let oauth = connector.definition().auth.oauth2().expect("OAuth 2.0");
        let scopes = oauth.scopes.clone();
        let hubspot = Self {
            bench: Bench::open(sandbox, "hubspot", &new, &connector, scopes),
            connector,
            edits: AtomicU32::new(0),
        };
        for (name, kind, field_type, options) in [
            ("big", "number", "number", json!([])),
            ("since", "date", "date", json!([])),
            ("met_at", "datetime", "date", json!([])),
            ("active", "bool", "booleancheckbox", json!([])),
            (
                "colours",
                "enumeration",
                "checkbox",
                json!([
                    {"label": "Red", "value": "red"}, {"label": "Blue", "value": "blue"},
                ]),
            ),
            ("secret", "string", "text", json!([])),
        ] {
            let property = json!({
                "name": name, "label": name, "type": kind, "fieldType": field_type,
                "groupName": "contactinformation", "options": options,
            });
            hubspot.action("property", &property);
        }
        hubspot
    }

    pub fn action(&self, name: &str, body: &Json) -> Json {
        let done = self.admin().action(&self.account, name, body);
        done.expect("the action")
    }

    /// A person adds a contact; answers its id.
    pub fn make(&self, native: &Json) -> RemoteId {
        let made = self.admin().create_contact(&self.account, native);
        RemoteId::new(made.expect("a contact").id)
    }

    pub fn change(&self, id: &RemoteId, native: &Json) {
        let done = self
            .admin()
            .patch_contact(&self.account, id.as_str(), native);
        done.expect("edited");
    }

    pub fn archive(&self, id: &RemoteId) {
        let done = self.admin().delete_contact(&self.account, id.as_str());
        done.expect("archived");
    }

    pub fn knobs(&self, knobs: &Json) {
        self.admin().set_knobs(&self.account, knobs).expect("knobs");
    }

    /// The contact as a person sees it.
    pub fn native(&self, id: &RemoteId) -> Json {
        let contact = self.admin().contact(&self.account, id.as_str());
        contact.expect("a contact").native
    }

    /// How many contacts there are.
    pub fn live(&self) -> usize {
        let all = self.all_contacts();
        all.iter().filter(|contact| !contact.deleted).count()
    }

    pub async fn pull(&self, cursor: Option<&Cursor>) -> Pulled {
        let (mut present, mut gone, mut former) = (Vec::new(), Vec::new(), Vec::new());
        let mut pull = Pull {
            collection: "all".into(),
            cursor: cursor.cloned(),
            page: None,
            fields: Vec::new(),
        };
        loop {
            let read = self.connector.pull(&self.session, &pull).await;
            let read = read.expect("a page");
            for change in read.changes {
                match change {
                    Change::Present {
                        record,
                        former: ids,
                    } => {
                        present.push(record);
                        former.extend(ids);
                    }
                    Change::Gone { id, .. } => gone.push(id.to_string()),
                }
            }
            match read.next {
                Next::Page(next) => pull.page = Some(next),
                Next::End {
                    cursor,
                    complete_listing,
                } => {
                    return Pulled {
                        present,
                        former,
                        gone,
                        cursor,
                        complete: complete_listing,
                    };
                }
            }
        }
    }
}

impl HubSpot {
    /// What is wrong with a pull of everything.
    pub async fn pull_error(&self) -> syncline_connector::Kind {
        let pull = Pull {
            collection: "all".into(),
            cursor: None,
            page: None,
            fields: Vec::new(),
        };
        let page = self.connector.pull(&self.session, &pull).await;
        page.expect_err("a refusal").kind
    }
}

/// A creation intended when the sandbox's clock started.
pub fn create(number: u128, pairs: &[(&str, &str)]) -> Create {
    Create {
        operation: OperationId::from_uuid(uuid::Uuid::from_u128(number)),
        intended_at: START.parse().expect("a time"),
        fields: fields(pairs),
    }
}

pub fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs
        .iter()
        .map(|(name, text)| (FieldName::new(*name), Value::text(*text)))
        .collect()
}

pub fn text<'a>(record: &'a Record, field: &str) -> &'a str {
    let value = record.value(&FieldName::new(field));
    value.as_text().unwrap_or_default()
}

#[async_trait]
impl Probe for HubSpot {
    fn collection(&self) -> String {
        "all".into()
    }

    fn sample(&self, number: u32) -> Fields {
        let text = |word: &str| Value::text(format!("{word}{number}"));
        let day = format!("19{:02}-02-{:02}", number % 100, 1 + number % 28);
        let met: DateTime<Utc> = "2026-02-03T04:05:06Z".parse().expect("a time");
        let met = met - chrono::TimeDelta::days(i64::from(number));
        let colour = if number.is_multiple_of(2) {
            "red"
        } else {
            "blue"
        };
        let mut sample: Fields = [
            ("firstname", text("Given")),
            ("lastname", text("Family")),
            ("email", Value::text(format!("w{number}@mail.example"))),
            ("phone", Value::text(format!("+47 22 {number:06}"))),
            ("company", text("Company")),
            ("message", text("Line\nLine ")),
            (
                "address",
                Value::text(format!("{number} Main Street\nBack yard")),
            ),
            ("city", text("City")),
            ("lifecyclestage", "lead".into()),
            ("big", Value::Number(format!("{number}.5"))),
            ("since", Value::Date(day.parse().expect("a day"))),
            ("met_at", Value::Time(met)),
            ("active", Value::Bool(!number.is_multiple_of(2))),
            ("colours", Value::List(vec![colour.into()])),
        ]
        .into_iter()
        .map(|(name, value)| (FieldName::new(name), value))
        .collect();
        if number == TWIN {
            sample.remove(&FieldName::new("email"));
        }
        sample
    }

    fn operation(&self, number: u32) -> OperationId {
        OperationId::from_uuid(uuid::Uuid::from_u128(number.into()))
    }

    fn now(&self) -> DateTime<Utc> {
        self.sandbox.state().core.clock.now()
    }

    /// Longer than a pull looks back.
    async fn settle(&self) {
        self.advance(180);
    }

    async fn add(&self, number: u32) -> RemoteId {
        self.make(&json!({"lastname": format!("Person {number}")}))
    }

    async fn edit(&self, id: &RemoteId) {
        let edit = self.edits.fetch_add(1, Ordering::SeqCst);
        self.change(id, &json!({"lastname": format!("Edit {edit}")}));
    }

    async fn remove(&self, id: &RemoteId) {
        self.archive(id);
    }

    async fn everything(&self) -> Option<Vec<RemoteId>> {
        let all = self.all_contacts();
        let there = all.iter().filter(|contact| !contact.deleted);
        Some(there.map(|contact| RemoteId::new(&contact.id)).collect())
    }

    fn page_size(&self) -> Option<usize> {
        Some(100)
    }

    fn has_key(&self) -> bool {
        true
    }

    fn refused(&self) -> Option<Fields> {
        Some(fields(&[("email", "no address")]))
    }

    async fn add_rich(&self, number: u32) -> RemoteId {
        self.make(&json!({
            "lastname": format!("Rich {number}"), "salutation": "Dr.", "website": " https://x.example ",
            "zip": "007", "hs_lead_status": "NEW", "secret": "kept \u{26a}", "fax": "1;2",
        }))
    }

    async fn rest(&self, id: &RemoteId) -> String {
        let mut native = self.native(id);
        let members = native.as_object_mut().expect("properties");
        for name in self.sample(0).keys() {
            members.remove(name.as_str());
        }
        for name in ["lastmodifieddate", "syncline_creation"] {
            members.remove(name);
        }
        native.to_string()
    }

    async fn strike(&self, trouble: Trouble) -> bool {
        if trouble == Trouble::OldCursors {
            // Longer than HubSpot shows archived contacts.
            self.advance(91 * 86_400);
            return true;
        }
        Bench::strike(self, trouble, UPSERT)
    }

    async fn calm(&self) {
        Bench::calm(self);
    }
}
