//! A sandbox with one Google account at a frozen time, and a client for it.

use reqwest::Method;
use serde_json::{Value, json};
use syncline_sandbox::core::clock::Move;
use syncline_sandbox::core::people::Seed;
use syncline_sandbox::core::provider::NewAccount;
use syncline_sandbox::{RunningSandbox, Sandbox, SandboxConfig};

pub const ALL: &str = "personFields=names,emailAddresses,phoneNumbers,memberships,metadata&sources=READ_SOURCE_TYPE_CONTACT";

pub struct Bench {
    pub sandbox: RunningSandbox,
    pub http: reqwest::Client,
    pub account: String,
    pub token: String,
}

impl Bench {
    /// An account with invented contacts.
    pub async fn with(contacts: u64) -> Self {
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let seed = Seed {
            contacts,
            ..Seed::default()
        };
        let config = SandboxConfig {
            workers: 1,
            ..SandboxConfig::default()
        };
        let sandbox = Sandbox::start(config).await.unwrap();
        let start = "2026-03-01T10:00:00Z".parse().unwrap();
        sandbox.state().core.clock.shift(&Move {
            set: Some(start),
            frozen: Some(true),
            ..Move::default()
        });
        let account = NewAccount {
            email: "ada@mail.example".into(),
            name: "Ada Example".into(),
            seed: Some(seed),
            ..NewAccount::default()
        };
        let google = sandbox.state().provider("google").unwrap();
        let account = google.create_account(&account).unwrap().id;
        let token = sandbox
            .state()
            .core
            .oauth
            .issue("google", &account, &[])
            .unwrap()
            .access_token;
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            sandbox,
            http,
            account,
            token,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.base_url())
    }

    pub fn advance(&self, secs: i64) {
        self.sandbox.state().core.clock.shift(&Move {
            advance_secs: Some(secs),
            ..Move::default()
        });
    }

    /// A request with the account's token.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self
            .http
            .request(method, self.url(path))
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, Some(body)).await
    }

    /// 200 or the test fails.
    pub async fn ok(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// A new contact named so.
    pub async fn create(&self, given: &str) -> Value {
        let (status, person) = self
            .post(
                "/v1/people:createContact",
                json!({"names": [{"givenName": given}]}),
            )
            .await;
        assert_eq!(status, 200, "{person}");
        person
    }

    /// All pages of a listing: people and the last answer.
    pub async fn list(&self, query: &str) -> (Vec<Value>, Value) {
        let mut people = Vec::new();
        let mut token = String::new();
        loop {
            let page = if token.is_empty() {
                String::new()
            } else {
                format!("&pageToken={token}")
            };
            let answer = self
                .ok(&format!("/v1/people/me/connections?{query}{page}"))
                .await;
            people.extend(
                answer["connections"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default(),
            );
            match answer["nextPageToken"].as_str() {
                Some(next) => next.clone_into(&mut token),
                None => return (people, answer),
            }
        }
    }

    /// Path of the account in the admin API.
    pub fn admin(&self, rest: &str) -> String {
        format!("/_sandbox/google/accounts/{}{rest}", self.account)
    }
}

/// The resource name without `people/`.
pub fn id_of(person: &Value) -> &str {
    person["resourceName"]
        .as_str()
        .unwrap()
        .strip_prefix("people/")
        .unwrap()
}
