//! HubSpot's contacts on the wire: what its own client does not show (tests/contract).

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use syncline_sandbox::core::clock::Move;
use syncline_sandbox::core::provider::NewAccount;
use syncline_sandbox::{RunningSandbox, Sandbox, SandboxConfig};

const CONTACTS: &str = "/crm/v3/objects/contacts";

struct Hub {
    sandbox: RunningSandbox,
    http: reqwest::Client,
    account: String,
    token: String,
}

impl Hub {
    async fn with_scopes(scopes: &[&str]) -> Self {
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sandbox = Sandbox::start(SandboxConfig::default()).await.unwrap();
        sandbox.state().core.clock.shift(&Move {
            set: Some("2026-03-01T10:00:00Z".parse().unwrap()),
            frozen: Some(true),
            ..Move::default()
        });
        let new = NewAccount {
            email: "ada@hub.example".into(),
            ..NewAccount::default()
        };
        let hubspot = sandbox.state().provider("hubspot").unwrap();
        let account = hubspot.create_account(&new).unwrap().id;
        let scopes: Vec<String> = scopes.iter().map(|one| (*one).to_owned()).collect();
        let issued = sandbox
            .state()
            .core
            .oauth
            .issue("hubspot", &account, &scopes);
        Self {
            token: issued.unwrap().access_token,
            sandbox,
            account,
            http: reqwest::Client::builder().build().unwrap(),
        }
    }

    async fn start() -> Self {
        Self::with_scopes(&[]).await
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let url = format!("{}{path}", self.sandbox.base_url());
        let call = self.http.request(method, url).bearer_auth(&self.token);
        let answer = call.json(&body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.call(Method::POST, &format!("{CONTACTS}{path}"), body)
            .await
    }

    async fn add(&self, properties: Value) -> String {
        let (status, made) = self.post("", json!({ "properties": properties })).await;
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    /// Tokens do not live for months.
    fn sign_in_again(&mut self) {
        let oauth = &self.sandbox.state().core.oauth;
        let issued = oauth.issue("hubspot", &self.account, &[]);
        self.token = issued.unwrap().access_token;
    }

    fn advance(&self, seconds: i64) {
        self.sandbox.state().core.clock.shift(&Move {
            advance_secs: Some(seconds),
            ..Move::default()
        });
    }
}

#[tokio::test]
async fn no_two_changes_have_the_same_time() {
    let hub = Hub::start().await;
    let ann = hub.add(json!({"lastname": "Ann"})).await;
    let mut times = Vec::new();
    for city in ["A", "B", "C"] {
        let path = format!("{CONTACTS}/{ann}");
        let body = json!({"properties": {"city": city}});
        let (_, now) = hub.call(Method::PATCH, &path, body).await;
        times.push(now["updatedAt"].as_str().unwrap().to_owned());
    }
    times.dedup();
    assert_eq!(times.len(), 3);
}

#[tokio::test]
async fn archived_contacts_are_forgotten_after_ninety_days() {
    let mut hub = Hub::start().await;
    let ann = hub.add(json!({"email": "ann@x.example"})).await;
    hub.call(Method::DELETE, &format!("{CONTACTS}/{ann}"), Value::Null)
        .await;
    let archived = format!("{CONTACTS}?archived=true");
    let (_, page) = hub.call(Method::GET, &archived, Value::Null).await;
    assert_eq!(page["results"][0]["id"], ann.as_str());
    // The address is free again.
    assert_ne!(hub.add(json!({"email": "ann@x.example"})).await, ann);
    hub.advance(91 * 86_400);
    hub.sign_in_again();
    let (_, page) = hub.call(Method::GET, &archived, Value::Null).await;
    assert_eq!(page["results"], json!([]));
}

#[tokio::test]
async fn batches_have_limits() {
    let hub = Hub::start().await;
    let many =
        |count: usize| -> Vec<Value> { (0..count).map(|n| json!({"id": n.to_string()})).collect() };
    for (inputs, want) in [
        (many(101), 400),
        (vec![json!({"id": "1"}); 2], 400),
        (many(100), 207),
    ] {
        let (status, body) = hub.post("/batch/read", json!({ "inputs": inputs })).await;
        assert_eq!(status, want, "{body}");
    }
}

#[tokio::test]
async fn an_additional_address_finds_the_contact_too() {
    let hub = Hub::start().await;
    let ann = hub.add(json!({"email": "ann@x.example"})).await;
    let twin = hub.add(json!({"email": "ann@home.example"})).await;
    let merge = json!({"primaryObjectId": ann, "objectIdToMerge": twin});
    assert_eq!(hub.post("/merge", merge).await.0, 200);
    let path =
        format!("{CONTACTS}/ann@home.example?idProperty=email&properties=hs_additional_emails");
    let (_, found) = hub.call(Method::GET, &path, Value::Null).await;
    assert_eq!(found["id"], ann.as_str());
    assert_eq!(
        found["properties"]["hs_additional_emails"],
        "ann@home.example"
    );
    let again = json!({"properties": {"email": "ann@home.example"}});
    assert_eq!(hub.post("", again).await.0, 409);
}

#[tokio::test]
async fn scopes_and_limits_are_held() {
    let hub = Hub::with_scopes(&["crm.objects.contacts.read"]).await;
    let (status, body) = hub
        .post("", json!({"properties": {"lastname": "Ann"}}))
        .await;
    assert_eq!(
        (status.as_u16(), &body["category"]),
        (403, &json!("MISSING_SCOPES"))
    );
    let hubspot = hub.sandbox.state().provider("hubspot").unwrap();
    let knobs = json!({"calls_per_ten_seconds": 5});
    hubspot.set_knobs(&hub.account, &knobs).unwrap();
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let (status, _) = hub.call(Method::GET, CONTACTS, Value::Null).await;
        statuses.push(status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429]);
    hub.advance(10);
    let (status, _) = hub.call(Method::GET, CONTACTS, Value::Null).await;
    assert_eq!(status, 200);
}
