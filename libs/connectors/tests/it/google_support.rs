//! A sandbox with one Google account, and our connector with a session on that account.

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value as Json, json};
use syncline_connector::{Change, Connector, Create, Cursor, Error, Next, Pull};
use syncline_connectors::google_contacts::GoogleContacts;
use syncline_model::{FieldName, Fields, OperationId, Record, RemoteId, Value};
use syncline_sandbox::core::people::Seed;
use syncline_sandbox::core::provider::NewAccount;

use super::bench::Bench;

/// A sandboxed account and our way to it.
pub struct Google {
    bench: Bench,
    pub connector: GoogleContacts,
    /// The collection that the conformance suite tries.
    pub collection: String,
    edits: AtomicU32,
}

impl Deref for Google {
    type Target = Bench;

    fn deref(&self) -> &Bench {
        &self.bench
    }
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
        let new = NewAccount {
            email: "ada@mail.example".into(),
            name: "Ada Example".into(),
            seed: Some(Seed {
                contacts,
                ..Seed::default()
            }),
            ..NewAccount::default()
        };
        let connector = GoogleContacts::new().expect("a connector");
        let sandbox = Bench::sandbox().await;
        Self {
            bench: Bench::open(sandbox, "google", &new, &connector, Vec::new()),
            connector,
            collection: "all".into(),
            edits: AtomicU32::new(0),
        }
    }

    /// A number for the next edit.
    pub fn next_edit(&self) -> u32 {
        self.edits.fetch_add(1, Ordering::SeqCst)
    }

    /// A person makes a group; answers its resource name.
    pub fn group(&self, name: &str) -> String {
        let made = self
            .admin()
            .action(&self.account, "group", &json!({"name": name}))
            .expect("a group");
        made["resourceName"].as_str().expect("a name").to_owned()
    }

    /// A person makes a group, unless there is one by that name.
    pub fn known_group(&self, name: &str) {
        let made = self
            .admin()
            .action(&self.account, "group", &json!({"name": name}));
        drop(made);
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
                    Change::Gone { id, why, .. } => gone.push((id.to_string(), why)),
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
            .get(&self.session, ids, &[FieldName::new("groups")])
            .await
            .expect("an answer");
        found.into_iter().next().flatten().expect("a record")
    }

    /// A creation intended now.
    pub fn creation(&self, number: u128, fields: Fields) -> Create {
        Create {
            operation: OperationId::from_uuid(uuid::Uuid::from_u128(number)),
            intended_at: self.sandbox.state().core.clock.now(),
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

/// Fields with just a first name.
pub fn named(name: &str) -> Fields {
    fields([("names.givenName", name.into())])
}
