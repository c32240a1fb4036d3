//! Tokens for a client that a customer typed: where the secret goes, and where it does not.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret;
use syncline_connector::oauth::Credentials;
use syncline_connector::{
    Definition, Error, HttpClient, HttpLimits, Kind, Login, client_credentials,
};

use crate::server::{Server, Turn};

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn definition() -> Definition {
    let text = r#"
        id = "fake"
        name = "Fake"
        objects = ["contact"]
        [auth]
        kind = "password"
        scheme = "client_credentials"
        [auth.identity]
        domain = "cloud.example"
        suffix = "-is"
        discovery = ["/.well-known/openid-configuration", "/0/.well-known/openid-configuration"]
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
    Definition::parse(text).expect("a definition")
}

fn http() -> HttpClient {
    let limits = HttpLimits {
        private_networks: vec!["127.0.0.0/8".parse().expect("a network")],
        ..HttpLimits::default()
    };
    HttpClient::new(limits, Arc::new(|| 0.5)).expect("a client")
}

async fn obtain(server: &Server) -> Result<Credentials, Error> {
    let http = http();
    let login = Login {
        server: format!("{}/site", server.base),
        user: "the id".into(),
        password: "s&cret".into(),
    };
    let typed = login.credentials(&http).expect("a login");
    client_credentials::obtain(&http, &definition(), typed, NOW).await
}

/// A server whose OpenID configuration is at the second place and names a token endpoint of its own.
async fn site(turns: Vec<Turn>) -> Server {
    let found = Turn::json(200, r#"{"token_endpoint": "http://here/connect/token"}"#);
    let mut all = vec![Turn::json(404, "{}"), found];
    all.extend(turns);
    Server::start(all).await
}

#[tokio::test]
async fn a_token_is_got_and_got_again() {
    let token = |word: &str| {
        Turn::json(
            200,
            &format!("{{\"access_token\": \"{word}\", \"expires_in\": 60}}"),
        )
    };
    let server = site(vec![token("one"), token("two")]).await;
    let first = obtain(&server).await.expect("a token");
    assert_eq!(first.access_token.expose_secret(), "one");
    assert_eq!(first.expires_at, Some(NOW + TimeDelta::seconds(60)));
    assert_eq!(first.api_base, Some(format!("{}/site", server.base)));
    let again = client_credentials::renew(&http(), &definition(), &first, NOW).await;
    let again = again.expect("a token");
    assert_eq!(again.access_token.expose_secret(), "two");
    let asked = server.asked();
    let lines: Vec<&str> = asked.iter().filter_map(|one| one.lines().next()).collect();
    assert_eq!(
        lines,
        [
            "GET /site/.well-known/openid-configuration HTTP/1.1",
            "GET /site/0/.well-known/openid-configuration HTTP/1.1",
            "POST /connect/token HTTP/1.1",
            "POST /connect/token HTTP/1.1",
        ]
    );
    let form = "grant_type=client_credentials&client_id=the+id&client_secret=s%26cret";
    assert!(
        asked[2].ends_with(form) && asked[3].ends_with(form),
        "{asked:?}"
    );
}

#[tokio::test]
async fn the_secret_goes_nowhere_else() {
    let elsewhere = Server::start(Vec::new()).await;
    let endpoint = format!(
        "{{\"token_endpoint\": \"{}/connect/token\"}}",
        elsewhere.base
    );
    let server = Server::start(vec![Turn::json(200, &endpoint)]).await;
    let error = obtain(&server).await.expect_err("a refusal");
    assert_eq!(error.kind, Kind::Forbidden);
    assert_eq!((server.asked().len(), elsewhere.asked().len()), (1, 0));
}

#[tokio::test]
async fn refusals_say_what_is_wrong() {
    for (status, body, want) in [
        (400, "{\"error\": \"invalid_client\"}", Kind::Unauthorized),
        (401, "", Kind::Unauthorized),
        (403, "<html>", Kind::Unavailable),
        (503, "", Kind::Unavailable),
        (429, "", Kind::RateLimited { retry_after: None }),
        (302, "", Kind::Malformed),
        (200, "<html>", Kind::Malformed),
    ] {
        let server = site(vec![Turn::json(status, body)]).await;
        let error = obtain(&server).await.expect_err("a refusal");
        assert_eq!(error.kind, want, "{status}");
    }
    let server = Server::start(vec![Turn::json(404, ""), Turn::json(200, "<html>")]).await;
    let error = obtain(&server).await.expect_err("a refusal");
    assert_eq!(error.kind, Kind::NotFound, "{error}");
}
