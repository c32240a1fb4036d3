//! A sandbox with one Google account, and our connector with a session on that account.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};
use syncline_connector::conformance::Probe;
use syncline_connector::{
    Access, AccessToken, Change, Connector, Create, Cursor, Endpoints, Error, HttpClient,
    HttpLimits, Kind, Next, OpenGate, Pull, Session,
};
use syncline_connectors::google_contacts::GoogleContacts;
use syncline_model::{
    AccountId, Address, FieldName, Fields, OperationId, PartialDate, Record, RemoteId, Value,
};
use syncline_sandbox::core::State;
use syncline_sandbox::core::clock::Move;
use syncline_sandbox::core::faults::{Fault, Rule};
use syncline_sandbox::core::people::Seed;
use syncline_sandbox::core::provider::{NewAccount, Provider};
use syncline_sandbox::{RunningSandbox, Sandbox, SandboxConfig};

/// Tokens as the account's owner would give them.
struct Tokens {
    state: Arc<State>,
    account: String,
    current: std::sync::Mutex<AccessToken>,
}

fn issue(state: &State, account: &str, generation: i64) -> AccessToken {
    let issued = state
        .core
        .oauth
        .issue("google", account, &[])
        .expect("tokens");
    AccessToken {
        secret: issued.access_token.into(),
        api_base: None,
        generation,
    }
}

#[async_trait]
impl Access for Tokens {
    async fn token(&self) -> Result<AccessToken, Error> {
        Ok(self.current.lock().expect("the token").clone())
    }

    async fn renew(&self, rejected: &AccessToken) -> Result<AccessToken, Error> {
        let fresh = issue(&self.state, &self.account, rejected.generation + 1);
        *self.current.lock().expect("the token") = fresh.clone();
        Ok(fresh)
    }
}

/// A sandboxed account and our way to it.
pub struct Google {
    pub sandbox: RunningSandbox,
    pub account: String,
    pub connector: GoogleContacts,
    pub session: Session,
    /// The collection that the conformance suite tries.
    pub collection: String,
    told: AtomicUsize,
    edits: AtomicU32,
}

/// A whole pull, all pages.
#[derive(Debug)]
pub struct Pulled {
    pub present: Vec<Record>,
    pub gone: Vec<(String, syncline_connector::GoneWhy)>,
    pub cursor: Cursor,
    pub complete: bool,
}

impl Google {
    pub async fn start(contacts: u64) -> Self {
        let sandbox = Sandbox::start(SandboxConfig::default())
            .await
            .expect("a sandbox");
        let state = Arc::clone(sandbox.state());
        let new = NewAccount {
            email: "ada@mail.example".into(),
            name: "Ada Example".into(),
            seed: Some(Seed {
                contacts,
                ..Seed::default()
            }),
            ..NewAccount::default()
        };
        let account = state
            .provider("google")
            .expect("Google")
            .create_account(&new)
            .expect("an account")
            .id;
        let connector = GoogleContacts::new().expect("a connector");
        let base = sandbox.base_url().to_owned();
        let endpoints = Endpoints {
            api_base: base.clone(),
            authorize_url: format!("{base}/o/oauth2/v2/auth"),
            token_url: format!("{base}/token"),
            revoke_url: Some(format!("{base}/revoke")),
            api_base_pinned: true,
        };
        let current = std::sync::Mutex::new(issue(&state, &account, 1));
        let access = Tokens {
            state,
            account: account.clone(),
            current,
        };
        let limits = HttpLimits {
            backoff: Duration::from_millis(1),
            ..HttpLimits::default()
        };
        let http = HttpClient::new(limits, Arc::new(|| 0.5)).expect("a client");
        let id = AccountId::from_uuid(uuid::Uuid::from_u128(1));
        let session = Session::new(
            id,
            connector.definition(),
            endpoints,
            http,
            Arc::new(access),
            Arc::new(OpenGate),
        );
        Self {
            sandbox,
            account,
            connector,
            session,
            collection: "all".into(),
            told: AtomicUsize::new(0),
            edits: AtomicU32::new(0),
        }
    }

    fn admin(&self) -> &Arc<dyn Provider> {
        self.sandbox.state().provider("google").expect("Google")
    }

    /// A person makes a group; answers its resource name.
    pub fn group(&self, name: &str) -> String {
        let made = self
            .admin()
            .action(&self.account, "group", &json!({"name": name}))
            .expect("a group");
        made["resourceName"].as_str().expect("a name").to_owned()
    }

    /// A person deletes a group.
    pub fn remove_group(&self, resource: &str) {
        let id = resource.trim_start_matches("contactGroups/");
        self.admin()
            .action(&self.account, "group", &json!({"delete": true, "id": id}))
            .expect("deleted");
    }

    pub fn knobs(&self, knobs: &Json) {
        self.admin().set_knobs(&self.account, knobs).expect("knobs");
    }

    /// A person adds a contact.
    pub fn insert(&self, native: &Json) -> RemoteId {
        let made = self
            .admin()
            .create_contact(&self.account, native)
            .expect("a contact");
        RemoteId::new(format!("people/{}", made.id))
    }

    pub fn patch(&self, id: &RemoteId, native: &Json) {
        self.admin()
            .patch_contact(&self.account, bare(id), native)
            .expect("edited");
    }

    pub fn drop_contact(&self, id: &RemoteId) {
        self.admin()
            .delete_contact(&self.account, bare(id))
            .expect("deleted");
    }

    /// The contact as a person sees it.
    pub fn native(&self, id: &RemoteId) -> Json {
        self.admin()
            .contact(&self.account, bare(id))
            .expect("a contact")
            .native
    }

    /// How many contacts there are.
    pub fn live(&self) -> u64 {
        self.admin()
            .accounts()
            .iter()
            .find(|one| one.id == self.account)
            .expect("the account")
            .contacts
    }

    pub fn advance(&self, seconds: i64) {
        self.sandbox.state().core.clock.shift(&Move {
            advance_secs: Some(seconds),
            ..Move::default()
        });
    }

    /// The next call of a route goes wrong.
    pub fn fault(&self, route: &str, fault: Fault) {
        self.faults(route, 1, fault);
    }

    /// The next so many calls of a route go wrong.
    pub fn faults(&self, route: &str, times: u64, fault: Fault) {
        let rule = Rule {
            route: Some(route.into()),
            times: Some(times),
            ..Rule::always(fault)
        };
        self.sandbox.state().core.faults.add(rule);
    }

    /// Calls since the last time this was asked, as `route status`.
    pub fn calls(&self) -> Vec<String> {
        let entries = self.sandbox.state().core.log.recent(usize::MAX);
        let told = self.told.swap(entries.len(), Ordering::SeqCst);
        entries
            .iter()
            .skip(told)
            .map(|entry| format!("{} {}", entry.route.replace("/v1/", ""), entry.status))
            .collect()
    }

    pub async fn try_pull(
        &self,
        collection: &str,
        cursor: Option<&Cursor>,
        fields: &[&str],
    ) -> Result<Pulled, Error> {
        let mut pull = Pull {
            collection: collection.into(),
            cursor: cursor.cloned(),
            page: None,
            fields: fields.iter().map(|name| FieldName::new(*name)).collect(),
        };
        let (mut present, mut gone) = (Vec::new(), Vec::new());
        loop {
            let page = self.connector.pull(&self.session, &pull).await?;
            for change in page.changes {
                match change {
                    Change::Present { record, .. } => present.push(record),
                    Change::Gone { id, why } => gone.push((id.to_string(), why)),
                }
            }
            match page.next {
                Next::Page(next) => pull.page = Some(next),
                Next::End {
                    cursor,
                    complete_listing,
                } => {
                    return Ok(Pulled {
                        present,
                        gone,
                        cursor,
                        complete: complete_listing,
                    });
                }
            }
        }
    }

    pub async fn pull(&self, cursor: Option<&Cursor>) -> Pulled {
        self.try_pull("all", cursor, &[]).await.expect("a pull")
    }

    pub async fn one(&self, id: &RemoteId) -> Record {
        let ids = std::slice::from_ref(id);
        let found = self
            .connector
            .get(&self.session, ids, &[FieldName::new("labels")])
            .await
            .expect("an answer");
        found.into_iter().next().flatten().expect("a record")
    }

    /// A creation intended now.
    pub fn creation(&self, number: u128, fields: Fields) -> Create {
        Create {
            operation: OperationId::from_uuid(uuid::Uuid::from_u128(number)),
            intended_at: self.now(),
            fields,
        }
    }
}

fn bare(id: &RemoteId) -> &str {
    id.as_str().trim_start_matches("people/")
}

pub fn fields<const N: usize>(pairs: [(&str, Value); N]) -> Fields {
    pairs
        .into_iter()
        .map(|(name, value)| (FieldName::new(name), value))
        .collect()
}

/// Why each of some outcomes failed, if it did.
pub fn kinds<T>(results: &[Result<T, Error>]) -> Vec<Option<Kind>> {
    results
        .iter()
        .map(|result| result.as_ref().err().map(|error| error.kind.clone()))
        .collect()
}

/// Fields with just a first name.
pub fn named(name: &str) -> Fields {
    fields([("names.givenName", name.into())])
}

/// An answer of just a status.
pub fn status(status: u16) -> Fault {
    Fault::Status {
        status,
        body: None,
        headers: std::collections::BTreeMap::new(),
    }
}

#[async_trait]
impl Probe for Google {
    fn collection(&self) -> String {
        self.collection.clone()
    }

    fn sample(&self, number: u32) -> Fields {
        let text = |word: &str| Value::text(format!("{word}{number}"));
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
            ("labels", Value::List(vec![text("Label")])),
            ("starred", Value::Bool(number.is_multiple_of(2))),
        ]);
        if self.collection != "all" {
            // There a record has the collection's own label besides.
            sample.remove(&FieldName::new("labels"));
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
        let edit = self.edits.fetch_add(1, Ordering::SeqCst);
        self.patch(
            id,
            &json!({"names": [{"givenName": format!("Edit {edit}")}]}),
        );
    }

    async fn remove(&self, id: &RemoteId) {
        self.drop_contact(id);
    }
}
