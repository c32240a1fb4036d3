//! A sandbox with one Creatio site, a clock that stands still, and our connector with a session on that site. Also that
//! site as the conformance suite's other way in.

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};
use syncline_connector::conformance::{Probe, Trouble};
use syncline_connector::{Change, Connector, Create, Cursor, Kind, Next, Pull};
use syncline_connectors::creatio::Creatio as CreatioConnector;
use syncline_model::{Address, FieldName, Fields, OperationId, Record, RemoteId, Value};
use syncline_sandbox::core::clock::Move;
use syncline_sandbox::core::provider::NewAccount;

use super::bench::Bench;

const START: &str = "2026-03-01T00:00:00Z";
/// The call that writes.
pub const BATCH: &str = "POST /0/odata/$batch";
/// Kinds of communication.
pub const EMAIL: &str = "ee1c85c3-cfcb-df11-9b2a-001d60e938c6";
/// An address that is no field of ours by its type.
pub const SHIPPING: &str = "760bf68c-4b6e-df11-b988-001d60e938c6";
const SKYPE: &str = "09e4bda6-cfcb-df11-9b2a-001d60e938c6";

/// A sandboxed site and our way to it.
pub struct Creatio {
    bench: Bench,
    pub connector: CreatioConnector,
    pub collection: String,
    edits: AtomicU32,
}

impl Deref for Creatio {
    type Target = Bench;

    fn deref(&self) -> &Bench {
        &self.bench
    }
}

/// A whole pull, all pages.
#[derive(Debug)]
pub struct Pulled {
    pub present: Vec<Record>,
    pub cursor: Cursor,
    pub complete: bool,
}

impl Creatio {
    pub async fn start() -> Self {
        let sandbox = Bench::sandbox().await;
        sandbox.state().core.clock.shift(&Move {
            set: Some(START.parse().expect("a time")),
            frozen: Some(true),
            ..Move::default()
        });
        let new = NewAccount {
            email: "kim@site.example".into(),
            name: "Kim Lee".into(),
            ..NewAccount::default()
        };
        let connector = CreatioConnector::new().expect("a connector");
        let creatio = Self {
            bench: Bench::open(sandbox, "creatio", &new, &connector, Vec::new()),
            connector,
            collection: "all".into(),
            edits: AtomicU32::new(0),
        };
        for (entity, name) in [
            ("City", "Bergen"),
            ("City", "L'Aquila"),
            ("Region", "Vestland"),
            ("Country", "Norway"),
            ("UsrCategory", "Gold"),
            ("UsrCategory", "Silver"),
        ] {
            creatio.row(entity, &json!({ "Name": name }));
        }
        for (name, kind) in [
            ("UsrCode", "text"),
            ("UsrScore", "number"),
            ("UsrVip", "bool"),
            ("UsrSince", "time"),
        ] {
            creatio.column(name, kind);
        }
        creatio.action(
            "column",
            &json!({"name": "UsrTotal", "type": "number", "computed": true}),
        );
        creatio
    }

    pub fn action(&self, name: &str, body: &Json) -> Json {
        let done = self.admin().action(&self.account, name, body);
        done.expect("the action")
    }

    /// The site's owner adds a column.
    pub fn column(&self, name: &str, kind: &str) {
        self.action("column", &json!({"name": name, "type": kind}));
    }

    /// A person adds a row of any entity; answers its id.
    pub fn row(&self, entity: &str, row: &Json) -> String {
        let made = self.action("row", &json!({"entity": entity, "row": row}));
        made["id"].as_str().expect("an id").to_owned()
    }

    /// The rows of a contact.
    pub fn rows(&self, entity: &str, of: &RemoteId) -> Vec<Json> {
        let asked = json!({"entity": entity, "by": "Contact", "of": of.as_str()});
        let rows = self.action("rows", &asked);
        rows["rows"].as_array().expect("rows").clone()
    }

    /// Another number or address of a contact.
    pub fn communication(&self, of: &RemoteId, kind: &str, number: &str) -> String {
        let row = json!({"ContactId": of.as_str(), "CommunicationTypeId": kind, "Number": number});
        self.row("ContactCommunication", &row)
    }

    /// A private tag of the user's own.
    pub fn tag(&self, name: &str) -> String {
        let made = self.action("tag", &json!({ "name": name }));
        made["id"].as_str().expect("an id").to_owned()
    }

    pub fn give(&self, tag: &str, id: &RemoteId) {
        self.action("tag-contact", &json!({"tag": tag, "id": id.as_str()}));
    }

    pub fn take(&self, tag: &str, id: &RemoteId) {
        self.action("untag-contact", &json!({"tag": tag, "id": id.as_str()}));
    }

    /// Who has a tag.
    pub fn tagged(&self, tag: &str) -> Vec<String> {
        let told = self.action("tagged", &json!({ "tag": tag }));
        let ids = told["contacts"].as_array().expect("ids").iter();
        ids.filter_map(Json::as_str).map(str::to_owned).collect()
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

    pub fn drop_contact(&self, id: &RemoteId) {
        let done = self.admin().delete_contact(&self.account, id.as_str());
        done.expect("deleted");
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

    pub async fn pull(&self, cursor: Option<&Cursor>) -> Result<Pulled, Kind> {
        let mut present = Vec::new();
        let mut pull = Pull {
            collection: self.collection.clone(),
            cursor: cursor.cloned(),
            page: None,
            fields: Vec::new(),
        };
        loop {
            let read = self.connector.pull(&self.session, &pull).await;
            let read = read.map_err(|error| error.kind)?;
            for change in read.changes {
                match change {
                    Change::Present { record, .. } => present.push(record),
                    Change::Gone { .. } => return Err(Kind::Malformed),
                }
            }
            match read.next {
                Next::Page(next) => pull.page = Some(next),
                Next::End {
                    cursor,
                    complete_listing,
                } => {
                    return Ok(Pulled {
                        present,
                        cursor,
                        complete: complete_listing,
                    });
                }
            }
        }
    }

    /// One record, read directly.
    pub async fn get(&self, id: &RemoteId) -> Option<Record> {
        let ids = std::slice::from_ref(id);
        let found = self.connector.get(&self.session, ids, &[]).await;
        found.expect("an answer").pop().flatten()
    }
}

/// A creation intended when the sandbox's clock started.
pub fn create(number: u128, fields: Fields) -> Create {
    Create {
        operation: OperationId::from_uuid(uuid::Uuid::from_u128(number)),
        intended_at: START.parse().expect("a time"),
        fields,
    }
}

pub fn fields(pairs: &[(&str, &str)]) -> Fields {
    let pairs = pairs.iter();
    pairs
        .map(|(name, text)| (FieldName::new(*name), Value::text(*text)))
        .collect()
}

pub fn text<'a>(record: &'a Record, field: &str) -> &'a str {
    let value = record.value(&FieldName::new(field));
    value.as_text().unwrap_or_default()
}

pub fn address(street: &str, city: &str) -> Value {
    Value::Address(Address {
        street: street.into(),
        city: city.into(),
        region: "Vestland".into(),
        postal_code: "5003".into(),
        country: "Norway".into(),
    })
}

#[async_trait]
impl Probe for Creatio {
    fn collection(&self) -> String {
        self.collection.clone()
    }

    fn sample(&self, number: u32) -> Fields {
        let text = |word: &str| Value::text(format!("{word}{number}"));
        let phone = |prefix: u32| Value::text(format!("+47 {prefix} {number:06}"));
        let day = format!("19{:02}-02-{:02}", number % 100, 1 + number % 28);
        let city = if number.is_multiple_of(2) {
            "Bergen"
        } else {
            "L'Aquila"
        };
        let tier = if number.is_multiple_of(2) {
            "Gold"
        } else {
            "Silver"
        };
        let yes = Value::Bool(!number.is_multiple_of(2));
        let since = format!("2020-01-02T03:{:02}:05Z", number % 60);
        let pairs = [
            ("GivenName", text("Given")),
            ("MiddleName", text("Middle")),
            ("Surname", text("Family")),
            ("JobTitle", text("Title")),
            ("BirthDate", Value::Date(day.parse().expect("a day"))),
            ("Notes", text("Line\nLine ")),
            ("DoNotUseEmail", yes.clone()),
            ("DoNotUseCall", yes.clone()),
            ("text.UsrCode", text("Code")),
            ("number.UsrScore", Value::Number(format!("{number}.5"))),
            ("flag.UsrVip", yes),
            ("time.UsrSince", Value::Time(since.parse().expect("a time"))),
            ("email.work", Value::text(format!("w{number}@mail.example"))),
            ("email.home", Value::text(format!("h{number}@mail.example"))),
            ("phone.work", phone(21)),
            ("phone.mobile", phone(22)),
            ("phone.home", phone(23)),
            ("phone.other", phone(24)),
            ("phone.fax", phone(25)),
            (
                "website",
                Value::text(format!("https://www{number}.example")),
            ),
            ("choice.UsrCategory.UsrTier", Value::text(tier)),
            ("address", address(&format!("Street {number}\nYard"), city)),
            ("address.other", address(&format!("Lane {number}"), city)),
        ];
        let pairs = pairs.into_iter();
        pairs
            .map(|(name, value)| (FieldName::new(name), value))
            .collect()
    }

    fn operation(&self, number: u32) -> OperationId {
        OperationId::from_uuid(uuid::Uuid::from_u128(number.into()))
    }

    fn now(&self) -> DateTime<Utc> {
        self.sandbox.state().core.clock.now()
    }

    /// Longer than a pull looks back.
    async fn settle(&self) {
        self.advance(90);
    }

    async fn add(&self, number: u32) -> RemoteId {
        let id = self.make(&json!({"Name": format!("Person {number}")}));
        if let Some(tag) = self.collection.strip_prefix("tag:") {
            self.give(tag, &id);
        }
        id
    }

    async fn edit(&self, id: &RemoteId) {
        let edit = self.edits.fetch_add(1, Ordering::SeqCst);
        self.change(id, &json!({"Surname": format!("Edit {edit}")}));
    }

    async fn remove(&self, id: &RemoteId) {
        self.drop_contact(id);
    }

    async fn everything(&self) -> Option<Vec<RemoteId>> {
        if let Some(tag) = self.collection.strip_prefix("tag:") {
            return Some(self.tagged(tag).into_iter().map(RemoteId::new).collect());
        }
        let all = self.all_contacts();
        let there = all.iter().filter(|contact| !contact.deleted);
        Some(there.map(|contact| RemoteId::new(&contact.id)).collect())
    }

    fn page_size(&self) -> Option<usize> {
        Some(100)
    }

    fn refused(&self) -> Option<Fields> {
        Some(fields(&[("JobTitle", "Nobody")]))
    }

    async fn add_rich(&self, number: u32) -> RemoteId {
        let id = self.add(number).await;
        self.change(
            &id,
            &json!({
                "Dear": "Dr. Rich", "Zip": " 007", "UsrBadge": "kept \u{26a}", "DoNotUseSms": true,
                "OwnerId": "98dae6f4-70ae-4f4b-9db5-e4fcb659ef19",
                "AccountId": "e308b781-3c5b-4ecb-89ef-5c1ed4da488e",
            }),
        );
        self.communication(&id, SKYPE, " rich.skype ");
        for number in ["1@x.example", "2@x.example", "3@x.example"] {
            self.advance(1);
            self.communication(&id, EMAIL, number);
        }
        let address = json!({"ContactId": id.as_str(), "Address": "First", "Primary": true});
        self.row("ContactAddress", &address);
        for street in ["Second", " Third "] {
            self.advance(1);
            let address = json!({
                "ContactId": id.as_str(), "Address": street, "Zip": "1", "AddressTypeId": SHIPPING,
            });
            self.row("ContactAddress", &address);
        }
        id
    }

    async fn rest(&self, id: &RemoteId) -> String {
        let mut native = self.native(id);
        let members = native.as_object_mut().expect("columns");
        let written = self.sample(0);
        let mirrored = [
            "Name",
            "Email",
            "Phone",
            "MobilePhone",
            "HomePhone",
            "ModifiedOn",
        ];
        for name in written.keys().map(FieldName::as_str).chain(mirrored) {
            let column = name.rsplit('.').next().unwrap_or(name);
            members.remove(column);
            // What leads to another row is told by its id.
            members.remove(&format!("{column}Id"));
        }
        let kept = |rows: Vec<Json>, what: &str, keep: &[&str]| -> Vec<String> {
            let texts = rows.iter().filter_map(|row| row[what].as_str());
            let mine = texts.filter(|text| keep.contains(text));
            mine.map(str::to_owned).collect()
        };
        let skype = kept(
            self.rows("ContactCommunication", id),
            "Number",
            &[" rich.skype ", "3@x.example"],
        );
        let mut third = self.rows("ContactAddress", id);
        third.retain(|row| row["Address"] == " Third ");
        json!([native, skype, third]).to_string()
    }

    async fn strike(&self, trouble: Trouble) -> bool {
        if trouble == Trouble::OldCursors {
            // Longer than all contacts are not listed anew.
            self.advance(2 * 86_400);
            return self.collection == "all";
        }
        Bench::strike(self, trouble, BATCH)
    }

    async fn calm(&self) {
        Bench::calm(self);
    }
}
