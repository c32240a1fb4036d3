//! The token endpoint's client: what it sends, what it keeps, what it believes.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use syncline_connector::oauth::{self, App, Credentials, Grant, Server as TokenServer};
use syncline_connector::{Auth, Definition, Endpoints, Error, HttpClient, Kind};

use crate::server::{Server, Turn};
use crate::session::{definition, endpoints, http};

struct Bench {
    server: Server,
    definition: Definition,
    endpoints: Endpoints,
    http: HttpClient,
    app: App,
}

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

impl Bench {
    async fn new(turns: Vec<Turn>) -> Self {
        let server = Server::start(turns).await;
        let app = App {
            client_id: "id".into(),
            client_secret: "s&cret".to_owned().into(),
        };
        Self {
            definition: definition(),
            endpoints: endpoints(&server.base),
            http: http(),
            app,
            server,
        }
    }

    fn client(&self) -> TokenServer<'_> {
        TokenServer {
            http: &self.http,
            definition: &self.definition,
            endpoints: &self.endpoints,
            app: &self.app,
        }
    }

    async fn exchange(&self, accounts_server: Option<&str>) -> Result<Credentials, Error> {
        let verifier = SecretString::from("v".repeat(43));
        let grant = Grant {
            code: "the code",
            redirect_uri: "http://127.0.0.1/back",
            verifier: &verifier,
            accounts_server,
        };
        self.client().exchange(grant, NOW).await
    }
}

fn old(base: &str) -> Credentials {
    Credentials {
        access_token: "old".to_owned().into(),
        refresh_token: Some("keep".to_owned().into()),
        expires_at: Some(NOW),
        scopes: vec!["b".into()],
        api_base: Some("https://api.example.eu".into()),
        token_url: format!("{base}/token"),
    }
}

#[test]
fn the_consent_page_is_asked_as_the_definition_says() {
    let mut definition = definition();
    let Auth::Oauth2(oauth) = &mut definition.auth else {
        panic!("it is authorised otherwise");
    };
    let offline = ("access_type".into(), "offline".into());
    oauth.authorize_params.extend([offline]);
    let url = oauth::authorize_url(
        &definition,
        &endpoints("http://127.0.0.1:1"),
        "id",
        "http://127.0.0.1/back",
        "s t",
        "c",
    )
    .expect("an address");
    assert_eq!(
        url.as_str(),
        "http://127.0.0.1:1/auth?response_type=code&client_id=id&redirect_uri=http%3A%2F%2F127.0.0.1%2Fback\
         &scope=a.read%2Cb&state=s+t&code_challenge=c&code_challenge_method=S256&access_type=offline"
    );
}

#[tokio::test]
async fn an_exchange_keeps_what_was_granted() {
    let answer = r#"{"access_token":"a","refresh_token":"r","expires_in":60,"scope":"A.READ","api_domain":"https://api.example.eu"}"#;
    let bench = Bench::new(vec![Turn::json(200, answer)]).await;
    let got = bench.exchange(None).await.expect("credentials");
    assert_eq!(got.access_token.expose_secret(), "a");
    assert_eq!(got.expires_at, Some(NOW + TimeDelta::seconds(60)));
    assert_eq!(got.api_base.as_deref(), Some("https://api.example.eu"));
    assert_eq!(got.missing_scopes(&bench.definition), ["b"]);
    let asked = bench.server.asked().remove(0);
    assert!(asked.starts_with("POST /token "), "{asked}");
    for part in [
        "grant_type=authorization_code",
        "code=the+code",
        "client_id=id",
        "client_secret=s%26cret",
        "code_verifier=vvv",
    ] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
}

#[tokio::test]
async fn hosts_are_believed_only_if_known() {
    let answer = |host: &str| {
        Turn::json(
            200,
            &format!(r#"{{"access_token":"a","api_domain":"{host}"}}"#),
        )
    };
    let bench = Bench::new(vec![answer("https://evil.example")]).await;
    assert_eq!(
        bench.exchange(None).await.expect_err("unknown").kind,
        Kind::Forbidden
    );
    let mut pinned = Bench::new(vec![answer("https://evil.example")]).await;
    pinned.endpoints.api_base_pinned = true;
    assert_eq!(
        pinned.exchange(None).await.expect("credentials").api_base,
        None
    );
    assert_eq!(
        bench
            .exchange(Some("https://evil.example"))
            .await
            .expect_err("unknown")
            .kind,
        Kind::Forbidden
    );
    assert_eq!(
        bench.server.asked().len(),
        1,
        "the code is not shown to a stranger"
    );
}

#[tokio::test]
async fn a_refresh_keeps_the_refresh_token_and_the_place() {
    let bench = Bench::new(vec![Turn::json(
        200,
        r#"{"access_token":"new","expires_in":3600}"#,
    )])
    .await;
    let got = bench
        .client()
        .refresh(&old(&bench.server.base), NOW)
        .await
        .expect("credentials");
    assert_eq!(got.access_token.expose_secret(), "new");
    assert_eq!(got.refresh_token.expect("a token").expose_secret(), "keep");
    assert_eq!(
        (got.scopes, got.api_base.as_deref()),
        (vec!["b".to_owned()], Some("https://api.example.eu"))
    );
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let check = async |turn: Turn, want: Kind| {
        let bench = Bench::new(vec![turn.clone()]).await;
        let error = bench
            .client()
            .refresh(&old(&bench.server.base), NOW)
            .await
            .expect_err("a refusal");
        assert_eq!(error.kind, want, "{turn:?}");
    };
    check(
        Turn::json(
            400,
            r#"{"error":"invalid_grant","error_description":"Bad Request"}"#,
        ),
        Kind::Unauthorized,
    )
    .await;
    check(
        Turn::json(200, r#"{"error":"invalid_code"}"#),
        Kind::Unauthorized,
    )
    .await;
    check(
        Turn::json(200, r#"{"error_description":"You have made too many requests","error":"Access Denied","status":"failure"}"#),
        Kind::RateLimited { retry_after: None },
    )
    .await;
    check(
        Turn::json(401, r#"{"error":"invalid_client"}"#),
        Kind::Forbidden,
    )
    .await;
    check(Turn::json(503, "<html>"), Kind::Unavailable).await;
    check(Turn::json(200, "<html>"), Kind::Malformed).await;
    check(Turn::json(200, "{}"), Kind::Malformed).await;
    check(Turn::Hangup, Kind::Unavailable).await;
    let bench = Bench::new(vec![]).await;
    let without = Credentials {
        refresh_token: None,
        ..old(&bench.server.base)
    };
    assert_eq!(
        bench
            .client()
            .refresh(&without, NOW)
            .await
            .expect_err("no token")
            .kind,
        Kind::Unauthorized
    );
}

#[tokio::test]
async fn access_is_given_back_where_it_was_got() {
    let home = Bench::new(vec![
        Turn::json(200, "{}"),
        Turn::json(400, "{}"),
        Turn::json(500, "{}"),
    ])
    .await;
    let credentials = old(&home.server.base);
    home.client()
        .revoke(&credentials)
        .await
        .expect("given back");
    home.client()
        .revoke(&credentials)
        .await
        .expect("dead already");
    assert_eq!(
        home.client()
            .revoke(&credentials)
            .await
            .expect_err("no answer")
            .kind,
        Kind::Unavailable
    );
    assert!(home.server.asked()[0].contains("token=keep"));
    let elsewhere = Server::start(vec![Turn::json(200, "{}")]).await;
    home.client()
        .revoke(&old(&elsewhere.base))
        .await
        .expect("given back");
    assert!(elsewhere.asked()[0].starts_with("POST /revoke "));
}
