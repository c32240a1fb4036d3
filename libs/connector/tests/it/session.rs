//! What a session does with tokens, limits, broken connections and refusals.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use syncline_connector::{
    Access, AccessToken, Definition, Endpoints, Error, Gate, HttpClient, HttpLimits, Kind,
    OpenGate, Permit, Remedy, Request, Response, Session,
};
use syncline_model::AccountId;

use crate::server::{Server, Turn};

/// Tokens named after their generation.
#[derive(Default)]
struct Tokens {
    generation: AtomicU32,
    api_base: Option<String>,
}

impl Tokens {
    fn at(&self, generation: u32) -> AccessToken {
        AccessToken {
            secret: format!("token-{generation}").into(),
            api_base: self.api_base.clone(),
            generation: generation.into(),
        }
    }
}

#[async_trait]
impl Access for Tokens {
    async fn token(&self) -> Result<AccessToken, Error> {
        Ok(self.at(self.generation.load(Ordering::SeqCst)))
    }

    async fn renew(&self, _rejected: &AccessToken) -> Result<AccessToken, Error> {
        Ok(self.at(self.generation.fetch_add(1, Ordering::SeqCst) + 1))
    }
}

/// Lets a call through after so many refusals.
struct Strict(AtomicU32, Duration);

#[async_trait]
impl Gate for Strict {
    async fn take(&self, _bucket: &str, _tokens: u32) -> Result<(), Duration> {
        let refuse = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            })
            .is_ok();
        if refuse { Err(self.1) } else { Ok(()) }
    }
}

pub fn definition() -> Definition {
    Definition::parse(
        r#"
        id = "example"
        name = "Example"
        objects = ["contact"]
        api_base = "https://api.example"
        allowed_hosts = ["api.example", "accounts.example.eu", "api.example.eu"]
        auth = { kind = "oauth2", authorize_url = "https://accounts.example/auth", token_url = "https://accounts.example/token",
                 scopes = ["a.read", "b"], scope_separator = ",", header_prefix = "Example-token" }
        batch = { get = 1, create = 1, update = 1, delete = 1 }
        capabilities = { delta = true, tombstones = true, conditional_update = true, create = "search", settle_seconds = 1,
                         deletions = ["ignore"] }
        "#,
    )
    .expect("a definition")
}

pub fn http() -> HttpClient {
    let limits = HttpLimits {
        total: Duration::from_millis(500),
        backoff: Duration::from_millis(1),
        patience: Duration::from_millis(50),
        body: 1000,
        ..HttpLimits::default()
    };
    HttpClient::new(limits, Arc::new(|| 0.5)).expect("a client")
}

pub fn endpoints(base: &str) -> Endpoints {
    Endpoints {
        api_base: base.to_owned(),
        authorize_url: format!("{base}/auth"),
        token_url: format!("{base}/token"),
        revoke_url: Some(format!("{base}/revoke")),
        api_path: String::new(),
        api_base_pinned: false,
    }
}

fn session_with(base: &str, tokens: Tokens, gate: Arc<dyn Gate>) -> Session {
    let account = AccountId::from_uuid(uuid::Uuid::from_u128(1));
    Session::new(
        account,
        &definition(),
        endpoints(base),
        http(),
        Arc::new(tokens),
        gate,
    )
}

/// Sends one request to a server with these turns; answers what came of it and what the server was asked.
async fn send(turns: Vec<Turn>, request: Request) -> (Result<Response, Error>, Vec<String>) {
    let server = Server::start(turns).await;
    let session = session_with(&server.base, Tokens::default(), Arc::new(OpenGate));
    (session.send(request).await, server.asked())
}

fn get() -> Request {
    Request::get("/x").query("q", "a b&c").take("read", 1)
}

fn post() -> Request {
    Request::post("/x", json!({"a": 1}))
}

/// Holds for so many questions.
struct Holds(AtomicUsize);

impl Permit for Holds {
    fn holds(&self) -> bool {
        let left = self.0.load(Ordering::Relaxed);
        self.0.store(left.saturating_sub(1), Ordering::Relaxed);
        left > 0
    }
}

/// F-11: who may not write any more reads at most.
#[tokio::test]
async fn without_its_permit_nothing_is_written() {
    let turns = vec![Turn::json(200, "{}"), Turn::json(200, "{}")];
    let server = Server::start(turns).await;
    let permit = Arc::new(Holds(AtomicUsize::new(1)));
    let session = session_with(&server.base, Tokens::default(), Arc::new(OpenGate));
    let session = session.permitted_by(permit);
    session.send(post()).await.expect("a permitted call");
    let error = session.send(post()).await.expect_err("a refusal");
    assert_eq!(error.kind, Kind::Unavailable);
    assert!(!error.maybe_applied, "it was not sent");
    session.send(get()).await.expect("a call that reads");
    let asked = server.asked();
    let methods: Vec<_> = asked.iter().map(|asked| &asked[..4]).collect();
    assert_eq!(methods, ["POST", "GET "]);
}

#[tokio::test]
async fn a_call_carries_token_query_and_body() {
    let (answer, asked) = send(vec![Turn::json(200, "{\"n\":7}")], get()).await;
    assert_eq!(
        answer
            .expect("an answer")
            .json::<serde_json::Value>()
            .expect("json"),
        json!({"n": 7})
    );
    assert!(
        asked[0].starts_with("GET /x?q=a+b%26c HTTP/1.1"),
        "{}",
        asked[0]
    );
    assert!(
        asked[0].contains("authorization: Example-token token-0"),
        "{}",
        asked[0]
    );
    let (_, asked) = send(vec![Turn::json(200, "{}")], post()).await;
    assert!(asked[0].ends_with("{\"a\":1}"), "{}", asked[0]);
}

#[tokio::test]
async fn a_rejected_token_is_renewed_once() {
    let (answer, asked) = send(vec![Turn::json(401, "{}"), Turn::json(200, "{}")], post()).await;
    assert_eq!(answer.expect("an answer").status, 200);
    assert!(asked[1].contains("Example-token token-1"));
    let (answer, asked) = send(
        vec![
            Turn::json(401, "{}"),
            Turn::json(401, "{}"),
            Turn::json(200, "{}"),
        ],
        get(),
    )
    .await;
    assert_eq!(
        (answer.expect("an answer").kind(), asked.len()),
        (Kind::Unauthorized, 2)
    );
}

#[tokio::test]
async fn what_is_safe_is_repeated_and_what_is_not_is_not() {
    for broken in [
        Turn::json(503, "{}"),
        Turn::Hangup,
        Turn::Half,
        Turn::Silence,
    ] {
        let turns = vec![broken.clone(), broken.clone(), Turn::json(200, "{}")];
        let (answer, asked) = send(turns.clone(), get()).await;
        assert_eq!(
            (answer.expect("an answer").status, asked.len()),
            (200, 3),
            "{broken:?}"
        );
        let (answer, asked) = send(turns, post()).await;
        let error = answer.expect_err("no answer");
        assert_eq!(
            (error.kind, error.maybe_applied, asked.len()),
            (Kind::Unavailable, true, 1),
            "{broken:?}"
        );
    }
    let (answer, asked) = send(vec![], get()).await;
    let error = answer.expect_err("no answer");
    assert_eq!(
        (error.kind, error.status, error.maybe_applied, asked.len()),
        (Kind::Unavailable, Some(500), false, 4)
    );
    let (answer, asked) = send(
        vec![Turn::Hangup, Turn::json(200, "{}")],
        post().repeatable(),
    )
    .await;
    assert_eq!((answer.expect("an answer").status, asked.len()), (200, 2));
}

#[tokio::test]
async fn without_a_connection_nothing_was_applied() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port")
        .local_addr()
        .expect("an address");
    let session = session_with(
        &format!("http://{free}"),
        Tokens::default(),
        Arc::new(OpenGate),
    );
    let error = session.send(post()).await.expect_err("nobody there");
    assert_eq!(
        (error.kind, error.maybe_applied),
        (Kind::Unavailable, false)
    );
}

#[tokio::test]
async fn waits_that_the_provider_asks_for_are_passed_on() {
    let check = async |turn: Turn, want: Option<u64>| {
        let (answer, asked) = send(vec![turn.clone(), Turn::json(200, "{}")], get()).await;
        let retry_after = want.map(Duration::from_secs);
        assert_eq!(
            answer.expect_err("too many").kind,
            Kind::RateLimited { retry_after },
            "{turn:?}"
        );
        assert_eq!(asked.len(), 1);
    };
    check(Turn::json(429, "{}"), None).await;
    check(
        Turn::Answer(429, "Retry-After: 30\r\n", String::new()),
        Some(30),
    )
    .await;
    check(
        Turn::Answer(
            429,
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:49:47 GMT\r\n",
            String::new(),
        ),
        Some(10),
    )
    .await;
    check(
        Turn::Answer(503, "Retry-After: 30\r\n", String::new()),
        Some(30),
    )
    .await;
}

#[tokio::test]
async fn what_is_no_json_is_malformed() {
    for body in ["<html>", "", "{\"half\":", "[1]"] {
        let (answer, _) = send(vec![Turn::json(200, body)], post()).await;
        let error = answer
            .expect("an answer")
            .json::<std::collections::BTreeMap<String, u8>>()
            .expect_err(body);
        assert_eq!(
            (error.kind, error.maybe_applied),
            (Kind::Malformed, true),
            "{body}"
        );
    }
    let (answer, _) = send(vec![Turn::json(400, "secret value")], get()).await;
    let error = answer
        .expect("an answer")
        .json::<u8>()
        .expect_err("no json");
    assert!(
        !error.maybe_applied && !format!("{error:?}").contains("secret"),
        "{error:?}"
    );
    let (answer, asked) = send(vec![Turn::json(200, &"x".repeat(1001))], get()).await;
    assert_eq!(
        (answer.expect_err("too large").kind, asked.len()),
        (Kind::Malformed, 1)
    );
}

#[tokio::test]
async fn tokens_go_nowhere_else() {
    let server = Server::start(vec![
        Turn::Answer(302, "Location: http://127.0.0.1:1/\r\n", String::new()),
        Turn::json(200, "{}"),
    ])
    .await;
    let session = session_with(&server.base, Tokens::default(), Arc::new(OpenGate));
    let redirect = session.send(get()).await.expect("an answer");
    assert_eq!((redirect.status, redirect.kind()), (302, Kind::Malformed));
    let refused = session
        .send(Request::get("http://127.0.0.1:1/x"))
        .await
        .expect_err("another origin");
    assert_eq!(refused.kind, Kind::Malformed);
    let own = session
        .send(Request::get(format!("{}/next", server.base)))
        .await
        .expect("an answer");
    assert_eq!(own.status, 200);
    assert_eq!(server.asked().len(), 2);
    let tokens = Tokens {
        api_base: Some("https://evil.example".into()),
        ..Tokens::default()
    };
    let session = session_with(&server.base, tokens, Arc::new(OpenGate));
    assert_eq!(
        session.send(get()).await.expect_err("an unknown host").kind,
        Kind::Forbidden
    );
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn the_gate_is_waited_for_shortly() {
    let server = Server::start(vec![Turn::json(200, "{}")]).await;
    let gate = Strict(AtomicU32::new(2), Duration::from_millis(1));
    let session = session_with(&server.base, Tokens::default(), Arc::new(gate));
    assert_eq!(session.send(get()).await.expect("an answer").status, 200);
    let gate = Strict(AtomicU32::new(1), Duration::from_secs(7));
    let session = session_with(&server.base, Tokens::default(), Arc::new(gate));
    let error = session.send(get()).await.expect_err("a long wait");
    assert_eq!(error.remedy(), Remedy::RetryAfter(Duration::from_secs(7)));
    assert_eq!(server.asked().len(), 1);
}
