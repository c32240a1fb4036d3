//! The way into a real Odoo for tests: our own, and other people's edits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};
use syncline_connector::conformance::{Probe, Trouble};
use syncline_connector::{
    Access, AccessToken, Change, Connector, Cursor, Endpoints, Error, GoneWhy, HttpClient,
    HttpLimits, Kind, Next, OpenGate, Pull, Session, Update, Written,
};
use syncline_connectors::odoo::OdooCrm;
use syncline_model::{AccountId, Address, FieldName, Fields, OperationId, Record, RemoteId, Value};
use tokio::sync::{Mutex, MutexGuard};

use super::odoo_server::OdooServer;

/// There is one Odoo, and each test counts what is in it.
static TURN: Mutex<()> = Mutex::const_new(());

/// A login, which nothing renews.
struct Typed {
    server: String,
    pair: String,
}

#[async_trait]
impl Access for Typed {
    async fn token(&self) -> Result<AccessToken, Error> {
        Ok(AccessToken {
            secret: self.pair.clone().into(),
            api_base: Some(self.server.clone()),
            generation: 1,
        })
    }

    async fn renew(&self, _: &AccessToken) -> Result<AccessToken, Error> {
        let message = "the key is not taken";
        Err(Error::new("odoo", Kind::Unauthorized, message))
    }
}

pub fn session(server: &str, database: &str, key: &str) -> Session {
    let limits = HttpLimits {
        backoff: Duration::from_millis(1),
        private_networks: vec!["127.0.0.0/8".parse().expect("a network")],
        ..HttpLimits::default()
    };
    let endpoints = Endpoints {
        api_base: String::new(),
        api_path: String::new(),
        authorize_url: String::new(),
        token_url: String::new(),
        revoke_url: None,
        api_base_pinned: false,
    };
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{database}:{key}"));
    let server = server.to_owned();
    Session::new(
        AccountId::from_uuid(uuid::Uuid::from_u128(1)),
        OdooCrm::new().expect("a connector").definition(),
        endpoints,
        HttpClient::new(limits, Arc::new(|| 0.5)).expect("a client"),
        Arc::new(Typed { server, pair }),
        Arc::new(OpenGate),
    )
}

/// An Odoo of which one collection is looked at.
pub struct Subjected {
    _turn: MutexGuard<'static, ()>,
    pub server: OdooServer,
    pub connector: OdooCrm,
    pub session: Session,
    /// The tag that is looked at, or all contacts.
    pub tag: Option<i64>,
    salt: u128,
    edits: AtomicU32,
}

pub struct Pulled {
    pub present: Vec<Record>,
    pub gone: Vec<(RemoteId, GoneWhy)>,
    pub cursor: Cursor,
    pub complete: bool,
}

impl Pulled {
    pub fn has(&self, id: i64) -> bool {
        let id = remote(id);
        self.present.iter().any(|record| record.id == id)
    }
}

impl Subjected {
    #[expect(
        clippy::disallowed_methods,
        reason = "what an Odoo has from another run must not be taken for this one's"
    )]
    pub async fn start() -> Self {
        let turn = TURN.lock().await;
        let server = OdooServer::find().await;
        let address = format!("http://{}/odoo/contacts", server.proxy);
        Self {
            _turn: turn,
            session: session(&address, &server.database, &server.key),
            server,
            connector: OdooCrm::new().expect("a connector"),
            tag: None,
            salt: uuid::Uuid::now_v7().as_u128() & !0xff_ffff,
            edits: AtomicU32::new(0),
        }
    }

    /// The same, of which the contacts with a new tag are looked at.
    pub async fn tagged() -> Self {
        let mut odoo = Self::start().await;
        let name = json!({"name": format!("Collection {}", odoo.salt)});
        odoo.tag = Some(odoo.server.make("res.partner.category", name).await);
        odoo
    }

    pub async fn pull(&self, cursor: Option<&Cursor>) -> Pulled {
        let mut pull = Pull {
            collection: self.collection(),
            cursor: cursor.cloned(),
            page: None,
            fields: Vec::new(),
        };
        let (mut present, mut gone) = (Vec::new(), Vec::new());
        loop {
            let page = self.connector.pull(&self.session, &pull).await;
            let page = page.expect("a page");
            for change in page.changes {
                match change {
                    Change::Present { record, .. } => present.push(record),
                    Change::Gone { id, why, .. } => gone.push((id, why)),
                }
            }
            match page.next {
                Next::Page(page) => pull.page = Some(page),
                Next::End {
                    cursor,
                    complete_listing: complete,
                } => {
                    return Pulled {
                        present,
                        gone,
                        cursor,
                        complete,
                    };
                }
            }
        }
    }

    pub async fn get(&self, id: i64) -> Option<Record> {
        let found = self.connector.get(&self.session, &[remote(id)], &[]).await;
        found.expect("an answer").remove(0)
    }

    pub async fn update(&self, id: i64, changes: Fields) -> Result<Written, Error> {
        let update = Update {
            id: remote(id),
            version: None,
            changes,
        };
        let outcomes = self.connector.update(&self.session, &[update]).await;
        outcomes.into_iter().next().expect("an outcome")
    }

    /// Somebody makes a contact.
    pub async fn person(&self, values: Json) -> i64 {
        let mut values = values;
        if let Some(tag) = self.tag {
            values["category_id"] = json!([[4, tag]]);
        }
        self.server.make("res.partner", values).await
    }
}

pub fn remote(id: i64) -> RemoteId {
    RemoteId::new(id.to_string())
}

pub fn local(id: &RemoteId) -> i64 {
    id.as_str().parse().expect("an id")
}

pub fn fields<const N: usize>(fields: [(&str, Value); N]) -> Fields {
    let fields = fields.into_iter();
    fields
        .map(|(name, value)| (FieldName::new(name), value))
        .collect()
}

pub fn address(street: &str, region: &str, country: &str) -> Value {
    Value::Address(Address {
        street: street.into(),
        city: "Springfield".into(),
        region: region.into(),
        postal_code: "12345".into(),
        country: country.into(),
    })
}

#[async_trait]
impl Probe for Subjected {
    fn collection(&self) -> String {
        self.tag
            .map_or_else(|| "contacts".into(), |tag| format!("tag:{tag}"))
    }

    fn sample(&self, number: u32) -> Fields {
        let text = |word: &str| Value::text(format!("{word} {number}"));
        let state = ["California", "Texas"][number as usize % 2];
        let street = format!("{number} Main Street\nBack yard");
        let mut sample = fields([
            ("name", text("Given Family")),
            ("email", Value::text(format!("p{number}@mail.example"))),
            ("phone", Value::text(format!("+47 22 {number:06}"))),
            ("company_name", text("Company; Sons & <Daughters>")),
            ("function", text("Title")),
            (
                "website",
                Value::text(format!("https://www{number}.example")),
            ),
            ("comment", Value::text(format!("Line <&>\n  Line {number}"))),
            ("address", address(&street, state, "United States")),
            ("ref", text("Ref")),
        ]);
        if self.tag.is_none() {
            let tag = Value::List(vec![text("Tag")]);
            sample.insert(FieldName::new("category_id"), tag);
        }
        sample
    }

    fn operation(&self, number: u32) -> OperationId {
        OperationId::from_uuid(uuid::Uuid::from_u128(self.salt + u128::from(number)))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the server's clock is the machine's"
    )]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    /// A version tells edits of one second apart.
    async fn settle(&self) {}

    async fn add(&self, number: u32) -> RemoteId {
        let name = json!({"name": format!("Person {number}")});
        remote(self.person(name).await)
    }

    async fn edit(&self, id: &RemoteId) {
        let edit = self.edits.fetch_add(1, Ordering::SeqCst);
        let values = json!({"function": format!("Edit {edit}")});
        self.server.write(local(id), values).await;
    }

    async fn remove(&self, id: &RemoteId) {
        let ids = json!({"ids": [local(id)]});
        self.server.call("res.partner/unlink", ids).await;
    }

    async fn everything(&self) -> Option<Vec<RemoteId>> {
        let mut domain = vec![
            json!(["is_company", "=", false]),
            json!(["type", "=", "contact"]),
        ];
        domain.extend(self.tag.map(|tag| json!(["category_id", "=", tag])));
        let found = self
            .server
            .call("res.partner/search", json!({"domain": domain}))
            .await;
        let ids = found.as_array().expect("ids").iter();
        Some(ids.filter_map(Json::as_i64).map(remote).collect())
    }

    fn page_size(&self) -> Option<usize> {
        // Among all contacts are archived ones of Odoo's own, which make pages too.
        self.tag.map(|_| 200)
    }

    fn refused(&self) -> Option<Fields> {
        Some(fields([("name", "Nul\0".into())]))
    }

    async fn add_rich(&self, number: u32) -> RemoteId {
        let values = json!({
            "name": format!("Rich {number}"),
            "color": 5,
            "tz": "Europe/Oslo",
            "vat": "NO123",
            "partner_latitude": 59.9,
            "image_1920": PIXEL,
            "child_ids": [[0, 0, {"name": "Second address", "type": "delivery", "city": "Bergen"}]],
        });
        remote(self.person(values).await)
    }

    async fn rest(&self, id: &RemoteId) -> String {
        let rest = [
            "color",
            "tz",
            "vat",
            "lang",
            "partner_latitude",
            "image_128",
            "child_ids",
            "user_id",
            "active",
        ];
        let mine = self.server.read(local(id), &rest).await;
        let child = mine["child_ids"][0].as_i64().expect("a child");
        let theirs = self.server.read(child, &["city", "street", "name"]).await;
        format!("{mine} {theirs}")
    }

    async fn strike(&self, trouble: Trouble) -> bool {
        if trouble == Trouble::OldCursors {
            return false;
        }
        self.server.strike(Some(trouble));
        true
    }

    async fn calm(&self) {
        self.server.strike(None);
    }
}

/// A picture of one pixel.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
