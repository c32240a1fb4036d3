//! A sandboxed Zoho account as the conformance suite's other way in.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};
use syncline_connector::conformance::{Probe, Trouble};
use syncline_model::{FieldName, Fields, OperationId, RemoteId, Value};

use super::zoho_support::Zoho;

/// Custom fields, by name and Zoho's type.
const CUSTOM: [(&str, &str); 6] = [
    ("Big", "bigint"),
    ("Price", "currency"),
    ("Since", "date"),
    ("Met_At", "datetime"),
    ("Code", "text"),
    ("Active", "boolean"),
];
/// A custom field that is in no sample.
const SECRET: &str = "Secret";

/// An account and the collection to try in it.
pub struct ZohoProbe<'a> {
    zoho: &'a Zoho,
    collection: String,
    edits: AtomicU32,
}

impl<'a> ZohoProbe<'a> {
    /// Of all contacts, or of a list view that has all that the samples are.
    pub fn new(zoho: &'a Zoho, view: bool) -> Self {
        for (name, data_type) in CUSTOM.into_iter().chain([(SECRET, "text")]) {
            zoho.action(
                "add_field",
                &json!({"api_name": name, "data_type": data_type}),
            );
        }
        let colours = json!({"api_name": "Colours", "data_type": "multiselectpicklist", "options": ["Red", "Blue"]});
        zoho.action("add_field", &colours);
        let collection = if view {
            let criteria = json!({"comparator": "equal", "field": {"api_name": "Lead_Source"}, "value": "Chat"});
            let view = zoho.action("add_view", &json!({"name": "Chats", "criteria": criteria}));
            format!("view:{}", view["id"].as_str().expect("an id"))
        } else {
            "view:all".into()
        };
        Self {
            zoho,
            collection,
            edits: AtomicU32::new(0),
        }
    }

    fn is_view(&self) -> bool {
        self.collection != "view:all"
    }
}

#[async_trait]
impl Probe for ZohoProbe<'_> {
    fn collection(&self) -> String {
        self.collection.clone()
    }

    fn sample(&self, number: u32) -> Fields {
        let text = |word: &str| Value::text(format!("{word}{number}"));
        let day = format!("19{:02}-02-{:02}", number % 100, 1 + number % 28);
        let met: DateTime<Utc> = "2026-02-03T04:05:06Z".parse().expect("a time");
        let colour = if number.is_multiple_of(2) {
            "Red"
        } else {
            "Blue"
        };
        [
            ("First_Name", text("Given")),
            ("Last_Name", text("Family")),
            ("Email", Value::text(format!("w{number}@mail.example"))),
            (
                "Secondary_Email",
                Value::text(format!("o{number}@mail.example")),
            ),
            ("Phone", Value::text(format!("+47 22 {number:06}"))),
            ("Mobile", Value::text(format!("+47 23 {number:06}"))),
            ("Title", text("Title")),
            ("Department", text("Department")),
            ("Date_of_Birth", Value::Date(day.parse().expect("a day"))),
            ("Description", text("Line\nLine ")),
            (
                "Mailing_Street",
                Value::text(format!("{number} Main Street\nBack yard")),
            ),
            ("Mailing_City", text("City")),
            ("Other_Country", text("Country")),
            ("Lead_Source", "Chat".into()),
            ("Email_Opt_Out", Value::Bool(number.is_multiple_of(2))),
            ("Tag", Value::List(vec![text("Tag")])),
            (
                "Big",
                Value::Number((9_007_199_254_740_993_u64 + u64::from(number)).to_string()),
            ),
            ("Price", Value::Number(format!("{number}.5"))),
            ("Since", Value::Date(day.parse().expect("a day"))),
            (
                "Met_At",
                Value::Time(met - chrono::TimeDelta::days(i64::from(number))),
            ),
            ("Code", text("2001-02-0")),
            ("Active", Value::Bool(!number.is_multiple_of(2))),
            ("Colours", Value::List(vec![colour.into()])),
        ]
        .into_iter()
        .map(|(name, value)| (FieldName::new(name), value))
        .collect()
    }

    fn operation(&self, number: u32) -> OperationId {
        OperationId::from_uuid(uuid::Uuid::from_u128(number.into()))
    }

    fn now(&self) -> DateTime<Utc> {
        self.zoho.sandbox.state().core.clock.now()
    }

    async fn settle(&self) {
        self.zoho.advance(10);
    }

    async fn add(&self, number: u32) -> RemoteId {
        let name = format!("Person {number}");
        self.zoho
            .add(&json!({"Last_Name": name, "Lead_Source": "Chat"}))
    }

    async fn edit(&self, id: &RemoteId) {
        let edit = self.edits.fetch_add(1, Ordering::SeqCst);
        self.zoho
            .edit(id, &json!({"Last_Name": format!("Edit {edit}")}));
    }

    async fn remove(&self, id: &RemoteId) {
        self.zoho.remove(id);
    }

    async fn everything(&self) -> Option<Vec<RemoteId>> {
        let all = self.zoho.all_contacts();
        let there = all.iter().filter(|contact| {
            !contact.deleted && (!self.is_view() || contact.native["Lead_Source"] == "Chat")
        });
        Some(there.map(|contact| RemoteId::new(&contact.id)).collect())
    }

    fn page_size(&self) -> Option<usize> {
        Some(200)
    }

    fn refused(&self) -> Option<Fields> {
        Some([("First_Name".into(), "Nameless".into())].into())
    }

    async fn add_rich(&self, number: u32) -> RemoteId {
        self.zoho.add(&json!({
            "Last_Name": format!("Rich {number}"), "Salutation": "Dr.", "Skype_ID": " rich ", "Twitter": "rich",
            "Assistant": "Ann \u{26a}", "Asst_Phone": "+1 (650)  555-0100", "Fax": "1;2", "Mailing_Zip": "007",
            SECRET: "kept",
        }))
    }

    async fn rest(&self, id: &RemoteId) -> String {
        let mut native = self.zoho.native(id);
        let members: &mut serde_json::Map<String, Json> = native.as_object_mut().expect("a record");
        for name in self.sample(0).keys() {
            members.remove(name.as_str());
        }
        for name in [
            "Modified_Time",
            "Modified_By",
            "Last_Activity_Time",
            "Full_Name",
        ] {
            members.remove(name);
        }
        native.to_string()
    }

    async fn strike(&self, trouble: Trouble) -> bool {
        if trouble == Trouble::OldCursors {
            // Longer than Zoho remembers what was deleted.
            self.zoho.advance(61 * 86_400);
            return true;
        }
        self.zoho.strike(trouble, "POST /crm/v8/Contacts")
    }

    async fn calm(&self) {
        self.zoho.calm();
    }
}
