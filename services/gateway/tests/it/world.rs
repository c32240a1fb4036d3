//! A gateway on a free port over a SQLite file, the sandbox as both providers, and a client that speaks JSON.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use syncline_accounts::Accounts;
use syncline_connector::{HttpClient, HttpLimits};
use syncline_coordination::{MemoryBuckets, MemoryProgress};
use syncline_gateway::{LimitSettings, Metrics, Parts, Settings, State, serve};
use syncline_platform::config::Provider;
use syncline_platform::seal::KeyRing;
use syncline_platform::{Clock, Shutdown, SystemClock, SystemIds, random_token};
use syncline_queue::{MemoryQueue, Queue};
use syncline_sandbox::core::people::Seed;
use syncline_sandbox::core::provider::NewAccount;
use syncline_sandbox::{RunningSandbox, Sandbox, SandboxConfig};
use syncline_store::Store;

pub const ADA: &str = "ada@mail.example";

pub struct World {
    pub base: String,
    pub http: reqwest::Client,
    pub store: Store,
    pub queue: Arc<dyn Queue>,
    pub progress: Arc<MemoryProgress>,
    _sandbox: RunningSandbox,
    shutdown: Shutdown,
    folder: PathBuf,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The cookie that the answer sets, as a browser sends it back.
    pub fn cookie(&self) -> &str {
        let set = self.header("set-cookie").unwrap_or_default();
        set.split(';').next().unwrap()
    }

    /// The body of a success.
    #[track_caller]
    pub fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// The body of a problem, which has the shape that all problems have.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{}",
            self.text
        );
        let body = self.json();
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["status"], status);
        assert_eq!(body["type"], format!("urn:syncline:problem:{code}"));
        assert!(body["title"].is_string() && body["detail"].is_string());
        body
    }
}

/// Someone who calls.
pub struct Client<'a> {
    pub world: &'a World,
    pub token: String,
}

/// Limits that no test meets by chance.
pub fn generous() -> LimitSettings {
    LimitSettings {
        tenant: 100_000,
        api_key: 100_000,
        anonymous: 100_000,
        sign_in_address: 1000,
        sign_in_network: 1000,
        sign_up_network: 1000,
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(generous()).await
    }

    pub async fn with(limits: LimitSettings) -> Self {
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sandbox = Sandbox::start(SandboxConfig {
            workers: 1,
            accounts: ["google", "zoho"].map(|id| (id.to_owned(), ada())).into(),
            ..SandboxConfig::default()
        })
        .await
        .unwrap();
        let folder = std::env::temp_dir().join(format!("syncline-gateway-{}", random_token(9)));
        std::fs::create_dir(&folder).unwrap();
        let url = format!("sqlite:{}", folder.join("syncline.db").display());
        let store = Store::open(&url, KeyRing::generate()).await.unwrap();
        store.migrate().await.unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let buckets = Arc::new(MemoryBuckets::new(Arc::clone(&clock)));
        let registry = syncline_connectors::registry().unwrap();
        let client = HttpClient::new(HttpLimits::default(), Arc::new(|| 0.5)).unwrap();
        let accounts = Accounts::new(
            store.clone(),
            registry.clone(),
            client,
            buckets.clone(),
            Arc::clone(&clock),
            &providers(sandbox.base_url()),
        )
        .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let queue: Arc<dyn Queue> = Arc::new(MemoryQueue::new());
        let progress = Arc::new(MemoryProgress::default());
        let shutdown = Shutdown::new();
        let state = State::new(Parts {
            store: store.clone(),
            accounts,
            registry,
            queue: Arc::clone(&queue),
            buckets,
            progress: progress.clone(),
            clock,
            ids: Arc::new(SystemIds),
            shutdown: shutdown.clone(),
            tariffs: Arc::new(syncline_model::Tariffs::unlimited()),
            metrics: Metrics(Arc::new(|| "syncline_ready 1\n".to_owned())),
            settings: Settings {
                public_url: base.clone(),
                jwt_secret: "a secret for tests, of some length".into(),
                access_token_ttl: Duration::from_mins(15),
                refresh_token_ttl: Duration::from_hours(24),
                limits,
            },
        })
        .unwrap();
        let server = serve(web::Data::new(state), listener, shutdown.clone());
        actix_web::rt::spawn(async move { server.await.unwrap() });
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            base,
            http,
            store,
            queue,
            progress,
            _sandbox: sandbox,
            shutdown,
            folder,
        }
    }

    /// Any request at all.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// A request of nobody.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Signs an organisation up.
    pub async fn sign_up(&self, email: &str) -> Client<'_> {
        let body = json!({"organisation": "Acme", "email": email, "password": "correct horse"});
        let session = self.post("/v1/tenants", &body).await.ok(201);
        Client {
            world: self,
            token: session["access_token"].as_str().unwrap().to_owned(),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.trigger();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Client<'_> {
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.world.request(method, path).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.world.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path).json(body);
        self.world.send(request).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.world.send(self.request(Method::DELETE, path)).await
    }

    pub async fn patch(&self, path: &str, tag: &str, body: &Value) -> Answer {
        let request = self
            .request(Method::PATCH, path)
            .header("if-match", tag)
            .json(body);
        self.world.send(request).await
    }

    /// Opens an account through the whole OAuth flow, as Ada; answers its id.
    pub async fn account(&self, provider: &str) -> String {
        let made = self
            .post("/v1/accounts", &json!({ "provider": provider }))
            .await;
        let page = self.consent(&made, "allow").await;
        assert!(page.text.contains("Account connected"), "{}", page.text);
        let made = made.ok(201);
        made["account"]["id"].as_str().unwrap().to_owned()
    }

    /// Decides as Ada on the consent page that an answer names, and comes back in the browser that the answer knows.
    pub async fn consent(&self, begun: &Answer, decision: &str) -> Answer {
        let cookie = begun.cookie();
        let back = self.decide(begun, decision).await;
        let request = self.world.http.get(back).header("cookie", cookie);
        self.world.send(request).await
    }

    /// Decides as Ada on the consent page that an answer names. Gives where the provider sends the browser.
    pub async fn decide(&self, begun: &Answer, decision: &str) -> String {
        let begun: Value = serde_json::from_str(&begun.text).unwrap();
        let authorize_url = begun["authorize_url"].as_str().unwrap();
        let url = reqwest::Url::parse(authorize_url).unwrap();
        let mut fields: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        fields.push(("account".into(), ADA.into()));
        fields.push(("decision".into(), decision.into()));
        let mut bare = url.clone();
        bare.set_query(None);
        let response = self
            .world
            .http
            .post(bare)
            .form(&fields)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::FOUND);
        let back = response.headers()["location"].to_str().unwrap().to_owned();
        assert!(back.starts_with(&self.world.base), "{back}");
        back
    }

    /// A connection between fresh accounts at both providers; answers it.
    pub async fn connection(&self) -> Value {
        let (a, b) = (
            self.account("zoho_crm").await,
            self.account("google_contacts").await,
        );
        let body = json!({"name": "Sales", "a": {"account": a}, "b": {"account": b}});
        let mut made = self.post("/v1/connections", &body).await.ok(201);
        let warnings = made.as_object_mut().unwrap().remove("warnings");
        assert_eq!(warnings, Some(json!([])), "alone between its accounts");
        made
    }
}

fn ada() -> NewAccount {
    NewAccount {
        email: ADA.into(),
        name: "Ada Example".into(),
        seed: Some(Seed {
            contacts: 3,
            ..Seed::default()
        }),
        ..NewAccount::default()
    }
}

fn providers(sandbox: &str) -> BTreeMap<String, Provider> {
    let provider = |auth: &str, token: &str, revoke: &str, id: &str, secret: &str| Provider {
        api_base: Some(sandbox.to_owned()),
        auth_url: Some(format!("{sandbox}{auth}")),
        token_url: Some(format!("{sandbox}{token}")),
        revoke_url: Some(format!("{sandbox}{revoke}")),
        client_id: Some(id.to_owned()),
        client_secret: Some(secret.into()),
        ..Provider::default()
    };
    [
        (
            "google_contacts".to_owned(),
            provider(
                "/o/oauth2/v2/auth",
                "/token",
                "/revoke",
                "sandbox.apps.googleusercontent.com",
                "sandbox-google-secret",
            ),
        ),
        (
            "zoho_crm".to_owned(),
            provider(
                "/oauth/v2/auth",
                "/oauth/v2/token",
                "/oauth/v2/token/revoke",
                "1000.SANDBOX",
                "sandbox-zoho-secret",
            ),
        ),
    ]
    .into()
}
