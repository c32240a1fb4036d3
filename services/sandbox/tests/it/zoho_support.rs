//! A sandbox with one Zoho account, a frozen clock and a client that carries its token.

use std::sync::{Arc, Mutex};

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use syncline_sandbox::core::clock::Move;
use syncline_sandbox::core::provider::{NewAccount, Provider};
use syncline_sandbox::{RunningSandbox, Sandbox, SandboxConfig};

pub const START: &str = "2026-03-01T00:00:00Z";
pub const ALL_SCOPES: &[&str] = &[
    "ZohoCRM.modules.ALL",
    "ZohoCRM.settings.ALL",
    "ZohoCRM.users.READ",
    "ZohoCRM.org.READ",
    "ZohoCRM.coql.READ",
    "ZohoSearch.securesearch.READ",
];

pub struct Zoho {
    pub sandbox: RunningSandbox,
    pub account: String,
    client: Client,
    token: Mutex<String>,
}

/// Status and body of an answer; `null` for none.
pub type Answer = (u16, Value);

impl Zoho {
    pub async fn start() -> Self {
        Self::with_scopes(ALL_SCOPES).await
    }

    pub async fn with_scopes(scopes: &[&str]) -> Self {
        // Another test of this process may have installed it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sandbox = Sandbox::start(SandboxConfig::default()).await.unwrap();
        let start = START.parse().unwrap();
        sandbox.state().core.clock.shift(&Move {
            set: Some(start),
            frozen: Some(true),
            ..Move::default()
        });
        let new = NewAccount {
            email: "kim@zylker.example".into(),
            name: "Kim Lee".into(),
            ..NewAccount::default()
        };
        let account = sandbox
            .state()
            .provider("zoho")
            .unwrap()
            .create_account(&new)
            .unwrap()
            .id;
        let client = Client::builder().build().unwrap();
        let token = Mutex::default();
        let zoho = Self {
            sandbox,
            account,
            client,
            token,
        };
        zoho.log_in(scopes);
        zoho
    }

    /// A new token: after an hour the old one is dead.
    pub fn log_in(&self, scopes: &[&str]) {
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let oauth = &self.sandbox.state().core.oauth;
        let issued = oauth.issue("zoho", &self.account, &scopes).unwrap();
        *self.token.lock().unwrap() = issued.access_token;
    }

    pub fn admin(&self) -> &Arc<dyn Provider> {
        self.sandbox.state().provider("zoho").unwrap()
    }

    #[expect(clippy::needless_pass_by_value, reason = "a literal at every call")]
    pub fn action(&self, name: &str, body: Value) -> Value {
        self.admin().action(&self.account, name, &body).unwrap()
    }

    #[expect(clippy::needless_pass_by_value, reason = "a literal at every call")]
    pub fn knobs(&self, knobs: Value) {
        self.admin().set_knobs(&self.account, &knobs).unwrap();
    }

    pub fn advance(&self, seconds: i64) {
        self.sandbox.state().core.clock.shift(&Move {
            advance_secs: Some(seconds),
            ..Move::default()
        });
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/crm/v8/{path}", self.sandbox.base_url());
        self.client.request(method, url).header(
            "Authorization",
            format!("Zoho-oauthtoken {}", self.token.lock().unwrap()),
        )
    }

    pub async fn get(&self, path: &str) -> Answer {
        read(self.request(Method::GET, path)).await
    }

    pub async fn get_since(&self, path: &str, since: &str) -> Answer {
        read(
            self.request(Method::GET, path)
                .header("If-Modified-Since", since),
        )
        .await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        read(self.request(Method::POST, path).body(body.to_string())).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        read(self.request(Method::PUT, path).body(body.to_string())).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        read(self.request(Method::DELETE, path)).await
    }

    /// Adds one contact through the API and answers its id.
    pub async fn add(&self, native: Value) -> String {
        let (status, body) = self.post("Contacts", json!({"data": [native]})).await;
        assert_eq!(status, 201, "{body}");
        body["data"][0]["details"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub async fn coql(&self, query: &str) -> Answer {
        self.post("coql", json!({"select_query": query})).await
    }
}

pub async fn read(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    if text.is_empty() {
        return (status, Value::Null);
    }
    (status, serde_json::from_str(&text).unwrap())
}

/// The codes of the items of an answer.
pub fn codes(answer: &Answer) -> Vec<&str> {
    answer.1["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["code"].as_str().unwrap())
        .collect()
}

/// The ids of the records of an answer.
pub fn ids(answer: &Answer) -> Vec<String> {
    let items = answer.1["data"].as_array().cloned().unwrap_or_default();
    items
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}
