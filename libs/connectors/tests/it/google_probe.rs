//! A sandboxed Google account as the conformance suite's other way in.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};
use syncline_connector::conformance::{Probe, Trouble};
use syncline_model::{Address, FieldName, Fields, OperationId, PartialDate, RemoteId, Value};
use syncline_sandbox::core::provider::DumpRecord;

use super::bench::Bench;
use super::google_support::{Google, fields};

#[async_trait]
impl Probe for Google {
    fn collection(&self) -> String {
        self.collection.clone()
    }

    fn sample(&self, number: u32) -> Fields {
        let text = |word: &str| Value::text(format!("{word}{number}"));
        self.known_group(&format!("Group{number}"));
        let address = |city: &str| {
            Value::Address(Address {
                street: format!("{number} Main Street\nBack yard"),
                city: city.into(),
                region: "R".into(),
                postal_code: format!("{number:05}"),
                country: "Norway".into(),
            })
        };
        let mut sample = fields([
            ("names.givenName", text("Given")),
            ("names.familyName", text("Family")),
            ("names.middleName", text("Middle")),
            ("nicknames", text("Nick")),
            ("email.work", Value::text(format!("w{number}@mail.example"))),
            ("email.home", Value::text(format!("o{number}@mail.example"))),
            ("phone.mobile", Value::text(format!("+47 22 {number:06}"))),
            ("phone.work_fax", Value::text(format!("+47 23 {number:06}"))),
            ("address.work", address("Oslo")),
            ("address.other", address("Bergen")),
            ("organization.name", text("Company")),
            ("organization.title", text("Title")),
            (
                "birthday",
                Value::Date(PartialDate::new(None, 2, 1 + (number % 28) as u8).expect("a day")),
            ),
            ("note", text("Line\nLine ")),
            ("url", Value::text(format!("https://www{number}.example"))),
            ("groups", Value::List(vec![text("Group")])),
            ("starred", Value::Bool(number.is_multiple_of(2))),
        ]);
        if self.collection != "all" {
            // There a record has the collection's own group besides.
            sample.remove(&FieldName::new("groups"));
        }
        sample
    }

    fn operation(&self, number: u32) -> OperationId {
        OperationId::from_uuid(uuid::Uuid::from_u128(number.into()))
    }

    fn now(&self) -> DateTime<Utc> {
        self.sandbox.state().core.clock.now()
    }

    async fn settle(&self) {
        self.advance(1);
    }

    async fn add(&self, number: u32) -> RemoteId {
        let mut groups = vec!["contactGroups/myContacts"];
        groups.extend(self.collection.strip_prefix("group:"));
        let groups: Vec<Json> = groups
            .iter()
            .map(|group| json!({"contactGroupMembership": {"contactGroupResourceName": group}}))
            .collect();
        self.insert(
            &json!({"names": [{"givenName": format!("Person {number}")}], "memberships": groups}),
        )
    }

    async fn edit(&self, id: &RemoteId) {
        let edit = self.next_edit();
        self.patch(
            id,
            &json!({"names": [{"givenName": format!("Edit {edit}")}]}),
        );
    }

    async fn remove(&self, id: &RemoteId) {
        self.drop_contact(id);
    }

    async fn everything(&self) -> Option<Vec<RemoteId>> {
        let group = self.collection.strip_prefix("group:");
        let in_it = |native: &Json| {
            group.is_none_or(|group| native["memberships"].to_string().contains(group))
        };
        let all = self.all_contacts();
        let there = all
            .iter()
            .filter(|contact| !contact.deleted && in_it(&contact.native));
        let id = |contact: &DumpRecord| RemoteId::new(format!("people/{}", contact.id));
        Some(there.map(id).collect())
    }

    fn page_size(&self) -> Option<usize> {
        // A group has no pages of its own: it is what is left of those of all contacts.
        (self.collection == "all").then_some(1_000)
    }

    fn refused(&self) -> Option<Fields> {
        Some(Fields::new())
    }

    async fn add_rich(&self, number: u32) -> RemoteId {
        let id = self.add(number).await;
        self.patch(
            &id,
            &json!({
                "names": [{"givenName": "Rich", "familyName": "Ard", "phoneticGivenName": "r\u{26a}\u{2a7}", "honorificSuffix": "Jr."}],
                "emailAddresses": [
                    {"value": "w@mail.example", "type": "work"}, {"value": "h@mail.example", "type": "home"},
                    {"value": "s@mail.example", "type": "school", "displayName": "At school"},
                ],
                "phoneNumbers": [{"value": "0815  / 4711", "type": "pager"}],
                "relations": [{"person": "Bob", "type": "spouse"}],
                "userDefined": [{"key": "b", "value": " 1 "}, {"key": "a", "value": "2"}],
                "events": [{"date": {"month": 2, "day": 29}, "type": "anniversary"}],
                "imClients": [{"username": "rich", "protocol": "jabber"}],
                "occupations": [{"value": "Diver"}],
            }),
        );
        id
    }

    async fn rest(&self, id: &RemoteId) -> String {
        let native = self.native(id);
        let of_type = |member: &str, kind: &str| -> Vec<Json> {
            let items = native[member].as_array().into_iter().flatten();
            items
                .filter(|item| item["type"] == kind)
                .map(without_metadata)
                .collect()
        };
        let whole = |member: &str| -> Vec<Json> {
            let items = native[member].as_array().into_iter().flatten();
            items.map(without_metadata).collect()
        };
        let name = &native["names"][0];
        let known = [
            "relations",
            "userDefined",
            "events",
            "imClients",
            "occupations",
        ]
        .map(whole);
        let pager = native["phoneNumbers"].to_string().contains("0815  / 4711");
        json!([
            name["phoneticGivenName"],
            name["honorificSuffix"],
            of_type("emailAddresses", "school"),
            pager,
            known
        ])
        .to_string()
    }

    async fn strike(&self, trouble: Trouble) -> bool {
        if trouble == Trouble::OldCursors {
            let expired = self.admin().expire_sync_tokens(&self.account);
            return expired.is_ok();
        }
        Bench::strike(self, trouble, "POST *reateContact*")
    }

    async fn calm(&self) {
        Bench::calm(self);
    }
}

fn without_metadata(item: &Json) -> Json {
    let mut item = item.clone();
    if let Some(item) = item.as_object_mut() {
        item.remove("metadata");
    }
    item
}
