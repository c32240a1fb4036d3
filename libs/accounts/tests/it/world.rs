//! A tenant with one account at the provider, a clock that is moved by hand, and a connector that only asks who it is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use secrecy::ExposeSecret as _;
use syncline_accounts::{Accounts, Browser, BrowserMark, Callback, Completed, Error};
use syncline_connector::{
    Connector, Create, Definition, Error as CallError, HttpClient, HttpLimits, Page, Pull,
    Registry, Request, Session, Update, Written,
};
use syncline_coordination::MemoryBuckets;
use syncline_model::{
    Account, AccountId, AccountStatus, Actor, Collection, FieldDescriptor, FieldName, Identity,
    MemberId, ProviderId, Record, RemoteId, TenantId,
};
use syncline_platform::config::Provider as Settings;
use syncline_platform::seal::KeyRing;
use syncline_platform::{Clock, Ids as _, ManualClock, SeededIds};
use syncline_store::{NewMember, NewTenant, Store};

use crate::provider::Provider;

pub const REDIRECT: &str = "http://127.0.0.1:8080/v1/oauth/callback";

const DEFINITION: &str = r#"
    id = "fake"
    name = "Fake"
    objects = ["contact"]
    api_base = "https://api.fake.example"
    allowed_hosts = ["accounts.fake.example"]
    [auth]
    kind = "oauth2"
    authorize_url = "https://accounts.fake.example/auth"
    token_url = "https://accounts.fake.example/token"
    revoke_url = "https://accounts.fake.example/revoke"
    scopes = ["contacts", "profile"]
    [batch]
    get = 1
    create = 1
    update = 1
    delete = 1
    [capabilities]
    delta = true
    tombstones = true
    conditional_update = true
    create = "search"
    settle_seconds = 60
    deletions = []
"#;

pub struct World {
    pub provider: Arc<Provider>,
    pub clock: Arc<ManualClock>,
    pub store: Store,
    pub accounts: Accounts,
    pub tenant: TenantId,
    pub account: AccountId,
    pub member: MemberId,
}

impl World {
    /// An account waiting for its owner.
    pub async fn new() -> Self {
        let provider = Provider::start().await;
        let clock = Arc::new(ManualClock::new(
            DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
        ));
        let store = Store::open("sqlite::memory:", KeyRing::generate())
            .await
            .unwrap();
        store.migrate().await.unwrap();
        let ids = SeededIds::new(1);
        let tenant = TenantId::from_uuid(ids.next());
        let account = AccountId::from_uuid(ids.next());
        let member = MemberId::from_uuid(ids.next());
        sign_up(&store, tenant, member, &clock).await;
        let row = Account {
            id: account,
            tenant,
            provider: ProviderId::parse("fake").unwrap(),
            identity: None,
            status: AccountStatus::Pending,
            created_at: clock.now(),
        };
        let scope = store.scope(tenant).await.unwrap();
        scope.account_create(&row).await.unwrap();
        let accounts = accounts(&store, &clock, &settings(&provider)).unwrap();
        Self {
            provider,
            clock,
            store,
            accounts,
            tenant,
            account,
            member,
        }
    }

    /// The same, authorised by Ann.
    pub async fn authorized() -> Self {
        let world = Self::new().await;
        world.authorize("ann").await.unwrap();
        world
    }

    /// Accounts as another process would have them: same store, nothing remembered.
    pub fn another_process(&self) -> Accounts {
        accounts(&self.store, &self.clock, &settings(&self.provider)).unwrap()
    }

    /// Goes to the consent page. Gives the query parameters there and what the browser keeps.
    pub async fn begin(&self) -> (BTreeMap<String, String>, BrowserMark) {
        let who = (self.tenant, Actor::Member(self.member));
        let begun = self
            .accounts
            .begin_authorization(who, self.account, REDIRECT)
            .await
            .unwrap();
        let url = url::Url::parse(&begun.url).unwrap();
        assert_eq!(url.path(), "/auth");
        (url.query_pairs().into_owned().collect(), begun.browser)
    }

    /// Goes to the consent page and comes back as a user.
    pub async fn authorize(&self, user: &str) -> Result<Completed, Error> {
        let (query, mark) = self.begin().await;
        self.complete(&callback(&query["state"], user), Some(&mark))
            .await
    }

    /// Comes back, with the cookie that the browser keeps or without one.
    pub async fn complete(
        &self,
        callback: &Callback,
        mark: Option<&BrowserMark>,
    ) -> Result<Completed, Error> {
        let sent = mark.map(|mark| mark.secret.expose_secret());
        self.accounts
            .complete_authorization(callback, Browser::Sent(sent))
            .await
    }

    pub async fn account(&self) -> Account {
        let scope = self.store.scope(self.tenant).await.unwrap();
        scope.account_get(self.account).await.unwrap()
    }

    pub async fn session(&self, accounts: &Accounts) -> Session {
        accounts.open(self.tenant, self.account).await.unwrap().1
    }

    /// The stored credentials as text, and their version.
    pub async fn stored(&self) -> (String, i64) {
        let scope = self.store.scope(self.tenant).await.unwrap();
        let (plain, version) = scope.credentials_get(self.account).await.unwrap().unwrap();
        (String::from_utf8(plain).unwrap(), version)
    }

    /// Lets minutes pass. A token lives for an hour.
    pub fn minutes(&self, minutes: u64) {
        self.clock.advance(Duration::from_mins(minutes));
    }
}

/// Asks the provider who the session's account is.
pub async fn me(session: &Session) -> Result<String, CallError> {
    let response = session.send(Request::get("/me")).await?;
    if response.status == 401 {
        return Err(session.error(syncline_connector::Kind::Unauthorized, "no"));
    }
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    Ok(body["sub"].as_str().unwrap().to_owned())
}

pub fn callback(state: &str, user: &str) -> Callback {
    Callback {
        state: Some(state.to_owned()),
        code: Some(format!("code of {user}").into()),
        ..Callback::default()
    }
}

pub fn settings(provider: &Provider) -> BTreeMap<String, Settings> {
    let at = |path: &str| Some(format!("{}{path}", provider.base));
    let settings = Settings {
        api_base: at(""),
        auth_url: at("/auth"),
        token_url: at("/token"),
        revoke_url: at("/revoke"),
        client_id: Some("client".into()),
        client_secret: Some("client secret".into()),
        ..Settings::default()
    };
    BTreeMap::from([("fake".to_owned(), settings)])
}

pub fn accounts(
    store: &Store,
    clock: &Arc<ManualClock>,
    settings: &BTreeMap<String, Settings>,
) -> Result<Accounts, Error> {
    let connector: Arc<dyn Connector> = Arc::new(Fake(Definition::parse(DEFINITION).unwrap()));
    let http = HttpClient::new(HttpLimits::default(), Arc::new(|| 0.0)).unwrap();
    Accounts::new(
        store.clone(),
        Registry::new([connector]).unwrap(),
        http,
        Arc::new(MemoryBuckets::new(clock.clone())),
        clock.clone(),
        settings,
    )
}

async fn sign_up(store: &Store, tenant: TenantId, member: MemberId, clock: &ManualClock) {
    let tenant = NewTenant {
        plan: "enterprise".into(),
        id: tenant,
        name: "Example".into(),
        created_at: clock.now(),
    };
    let member = NewMember {
        id: member,
        email: "owner@example.com".into(),
        password_hash: "x".into(),
        role: syncline_model::Role::Owner,
    };
    store.signup(&tenant, &member).await.unwrap();
}

/// A connector that knows who the account is and nothing else.
struct Fake(Definition);

#[async_trait]
impl Connector for Fake {
    fn definition(&self) -> &Definition {
        &self.0
    }

    async fn identity(&self, session: &Session) -> Result<Identity, CallError> {
        let subject = me(session).await?;
        Ok(Identity {
            label: format!("{subject}@example.com"),
            subject,
        })
    }

    async fn collections(&self, _: &Session) -> Result<Vec<Collection>, CallError> {
        Err(self.unsupported("this"))
    }

    async fn fields(&self, _: &Session) -> Result<Vec<FieldDescriptor>, CallError> {
        Err(self.unsupported("this"))
    }

    async fn pull(&self, _: &Session, _: &Pull) -> Result<Page, CallError> {
        Err(self.unsupported("this"))
    }

    async fn get(
        &self,
        _: &Session,
        _: &[RemoteId],
        _: &[FieldName],
    ) -> Result<Vec<Option<Record>>, CallError> {
        Err(self.unsupported("this"))
    }

    async fn create(&self, _: &Session, _: &str, _: &[Create]) -> Vec<Result<Written, CallError>> {
        vec![]
    }

    async fn find_created(
        &self,
        _: &Session,
        _: &str,
        _: &[Create],
        _: &[RemoteId],
    ) -> Result<Vec<Option<Record>>, CallError> {
        Err(self.unsupported("this"))
    }

    async fn update(&self, _: &Session, _: &[Update]) -> Vec<Result<Written, CallError>> {
        vec![]
    }

    async fn delete(&self, _: &Session, _: &[RemoteId]) -> Vec<Result<(), CallError>> {
        vec![]
    }
}
