//! A sandbox with one Zoho account, a clock that stands still, and our connector with a session on that account.

use std::ops::Deref;

use serde_json::{Value as Json, json};
use syncline_connector::{Change, Connector, Create, Cursor, Error, Next, Pull};
use syncline_connectors::zoho_crm::ZohoCrm;
use syncline_model::{FieldName, Fields, OperationId, Record, RemoteId, Value};
use syncline_sandbox::core::clock::Move;
use syncline_sandbox::core::people::Seed;
use syncline_sandbox::core::provider::NewAccount;

use super::bench::Bench;

const START: &str = "2026-03-01T00:00:00Z";

/// A sandboxed account and our way to it.
pub struct Zoho {
    bench: Bench,
    pub connector: ZohoCrm,
}

impl Deref for Zoho {
    type Target = Bench;

    fn deref(&self) -> &Bench {
        &self.bench
    }
}

/// A whole pull, all pages.
#[derive(Debug)]
pub struct Pulled {
    pub present: Vec<Record>,
    pub gone: Vec<String>,
    pub cursor: Cursor,
    pub complete: bool,
}

impl Zoho {
    pub async fn start() -> Self {
        let connector = ZohoCrm::new().expect("a connector");
        let oauth = connector.definition().auth.oauth2().expect("OAuth 2.0");
        Self::with_scopes(oauth.scopes.clone()).await
    }

    pub async fn with_scopes(scopes: Vec<String>) -> Self {
        let sandbox = Bench::sandbox().await;
        sandbox.state().core.clock.shift(&Move {
            set: Some(START.parse().expect("a time")),
            frozen: Some(true),
            ..Move::default()
        });
        let new = NewAccount {
            email: "kim@zylker.example".into(),
            name: "Kim Lee".into(),
            time_zone: Some("Europe/Berlin".into()),
            ..NewAccount::default()
        };
        let connector = ZohoCrm::new().expect("a connector");
        Self {
            bench: Bench::open(sandbox, "zoho", &new, &connector, scopes),
            connector,
        }
    }

    pub fn action(&self, name: &str, body: &Json) -> Json {
        self.admin()
            .action(&self.account, name, body)
            .expect("the action")
    }

    pub fn seed(&self, contacts: u64) {
        self.admin()
            .seed(
                &self.account,
                &Seed {
                    contacts,
                    ..Seed::default()
                },
            )
            .expect("seeded");
    }

    /// A person adds a contact; answers its id.
    pub fn add(&self, native: &Json) -> RemoteId {
        RemoteId::new(
            self.admin()
                .create_contact(&self.account, native)
                .expect("a contact")
                .id,
        )
    }

    pub fn edit(&self, id: &RemoteId, native: &Json) {
        self.admin()
            .patch_contact(&self.account, id.as_str(), native)
            .expect("edited");
    }

    pub fn remove(&self, id: &RemoteId) {
        self.admin()
            .delete_contact(&self.account, id.as_str())
            .expect("deleted");
    }

    /// The contact as a person sees it.
    pub fn native(&self, id: &RemoteId) -> Json {
        self.admin()
            .contact(&self.account, id.as_str())
            .expect("a contact")
            .native
    }

    /// How many contacts there are.
    pub fn live(&self) -> usize {
        let all = self.all_contacts();
        all.iter().filter(|contact| !contact.deleted).count()
    }

    /// Lets the clock run, at the real time.
    pub fn run_clock(&self) {
        self.sandbox.state().core.clock.shift(&Move {
            reset: true,
            ..Move::default()
        });
    }

    pub fn expire_page_tokens(&self) {
        self.admin()
            .expire_sync_tokens(&self.account)
            .expect("expired");
    }

    pub async fn pull_page(
        &self,
        collection: &str,
        cursor: Option<&Cursor>,
        page: Option<String>,
        fields: &[&str],
    ) -> Result<syncline_connector::Page, Error> {
        let pull = Pull {
            collection: collection.into(),
            cursor: cursor.cloned(),
            page,
            fields: names(fields),
        };
        self.connector.pull(&self.session, &pull).await
    }

    pub async fn try_pull(
        &self,
        collection: &str,
        cursor: Option<&Cursor>,
        fields: &[&str],
    ) -> Result<Pulled, Error> {
        let (mut present, mut gone, mut page) = (Vec::new(), Vec::new(), None);
        loop {
            let read = self.pull_page(collection, cursor, page, fields).await?;
            for change in read.changes {
                match change {
                    Change::Present { record, .. } => present.push(record),
                    Change::Gone { id, .. } => gone.push(id.to_string()),
                }
            }
            match read.next {
                Next::Page(next) => page = Some(next),
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
        self.try_pull("view:all", cursor, FIELDS)
            .await
            .expect("a pull")
    }
}

/// The fields that most tests read.
pub const FIELDS: &[&str] = &["First_Name", "Last_Name", "Email", "Phone", "Owner", "Tag"];

pub fn names(names: &[&str]) -> Vec<FieldName> {
    names.iter().map(|name| FieldName::new(*name)).collect()
}

pub fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs
        .iter()
        .map(|(name, text)| (FieldName::new(*name), Value::text(*text)))
        .collect()
}

/// A creation intended when the sandbox's clock started.
pub fn create(number: u128, pairs: &[(&str, &str)]) -> Create {
    Create {
        operation: OperationId::from_uuid(uuid::Uuid::from_u128(number)),
        intended_at: START.parse().expect("a time"),
        fields: fields(pairs),
    }
}

pub fn text<'a>(record: &'a Record, field: &str) -> &'a str {
    record
        .value(&FieldName::new(field))
        .as_text()
        .unwrap_or_default()
}

/// The field metadata of `count` custom text fields, named `Extra_0` and on.
pub fn add_extra_fields(zoho: &Zoho, count: usize) -> Vec<String> {
    let all: Vec<String> = (0..count).map(|n| format!("Extra_{n}")).collect();
    for name in &all {
        zoho.action("add_field", &json!({"api_name": name, "data_type": "text"}));
    }
    all
}
