//! Both providers' OAuth servers, from the consent page to the dead token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use syncline_sandbox::core::provider::NewAccount;
use url::Url;

use crate::support::Bench;

const BACK: &str = "http://127.0.0.1:9/callback";
const GOOGLE: [(&str, &str); 2] = [
    ("client_id", "sandbox.apps.googleusercontent.com"),
    ("client_secret", "sandbox-google-secret"),
];
const ZOHO: [(&str, &str); 2] = [
    ("client_id", "1000.SANDBOX"),
    ("client_secret", "sandbox-zoho-secret"),
];

async fn form(bench: &Bench, path: &str, fields: &[(&str, &str)]) -> (u16, Value, Option<Url>) {
    let response = bench
        .http
        .post(bench.url(path))
        .form(fields)
        .send()
        .await
        .unwrap();
    let location = response
        .headers()
        .get("location")
        .map(|l| Url::parse(l.to_str().unwrap()).unwrap());
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (
        status,
        serde_json::from_str(&text).unwrap_or(Value::String(text)),
        location,
    )
}

fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find(|(k, _)| k == name)
        .map(|(_, v)| v.into_owned())
}

/// Approves and answers the code.
async fn approve(bench: &Bench, path: &str, client: &str, more: &[(&str, &str)]) -> Url {
    let mut fields = vec![
        ("client_id", client),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("state", "s 1"),
        ("access_type", "offline"),
        ("account", "ada@mail.example"),
        ("decision", "allow"),
    ];
    fields.extend_from_slice(more);
    let (status, body, location) = form(bench, path, &fields).await;
    assert_eq!(status, 302, "{body}");
    location.unwrap()
}

#[tokio::test]
async fn the_google_flow_with_pkce() {
    let bench = Bench::with(1).await;
    let page = format!(
        "/o/oauth2/v2/auth?client_id={}&redirect_uri={BACK}&response_type=code&scope=a+b&state=%22%3E%3Cscript%3E",
        GOOGLE[0].1
    );
    let (status, html) = bench.get(&page).await;
    let html = html.as_str().unwrap();
    assert_eq!(status, 200);
    assert!(
        html.contains("ada@mail.example") && html.contains("Allow") && !html.contains("<script>")
    );

    let verifier = "v".repeat(64);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    let pkce = [
        ("scope", "a b"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let redeem = async |code: &str, verifier: &str, back: &str| {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", verifier),
            ("redirect_uri", back),
        ];
        fields.extend(GOOGLE);
        form(&bench, "/token", &fields).await
    };
    for (verifier, back) in [
        ("wrong", BACK),
        (verifier.as_str(), "http://127.0.0.1:9/other"),
    ] {
        let location = approve(&bench, "/o/oauth2/v2/auth", GOOGLE[0].1, &pkce).await;
        assert_eq!(query(&location, "state").as_deref(), Some("s 1"));
        assert_eq!(
            redeem(&query(&location, "code").unwrap(), verifier, back)
                .await
                .0,
            400
        );
    }
    let location = approve(&bench, "/o/oauth2/v2/auth", GOOGLE[0].1, &pkce).await;
    let code = query(&location, "code").unwrap();
    let (status, tokens, _) = redeem(&code, &verifier, BACK).await;
    assert_eq!(
        (
            status,
            tokens["expires_in"].as_u64(),
            tokens["scope"].as_str()
        ),
        (200, Some(3599), Some("a b"))
    );
    assert_eq!(tokens.get("id_token"), None);
    let (status, again, _) = redeem(&code, &verifier, BACK).await;
    assert_eq!(
        (status, again["error"].as_str()),
        (400, Some("invalid_grant"))
    );

    let refresh = tokens["refresh_token"].as_str().unwrap();
    let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", refresh)];
    fields.extend(GOOGLE);
    let (status, fresh, _) = form(&bench, "/token", &fields).await;
    assert_eq!((status, fresh.get("refresh_token")), (200, None));
    assert_eq!(form(&bench, "/revoke", &[("token", refresh)]).await.0, 200);
    let (status, dead, _) = form(&bench, "/token", &fields).await;
    assert_eq!(
        (status, dead["error_description"].as_str()),
        (400, Some("Token has been expired or revoked."))
    );
}

#[tokio::test]
async fn a_second_consent_gives_a_refresh_token_only_when_prompted() {
    let bench = Bench::with(0).await;
    let tokens = async |more: &[(&str, &str)]| {
        let code = query(
            &approve(&bench, "/o/oauth2/auth", GOOGLE[0].1, more).await,
            "code",
        )
        .unwrap();
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", BACK),
        ];
        fields.extend(GOOGLE);
        form(&bench, "/token", &fields).await.1
    };
    assert!(tokens(&[]).await["refresh_token"].is_string());
    assert!(tokens(&[]).await["refresh_token"].is_null());
    assert!(tokens(&[("prompt", "consent")]).await["refresh_token"].is_string());
}

#[tokio::test]
async fn denial_and_strangers() {
    let bench = Bench::with(0).await;
    let base = [
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("state", "x"),
        ("decision", "deny"),
    ];
    let mut fields = base.to_vec();
    fields.push(("client_id", GOOGLE[0].1));
    let (status, _, location) = form(&bench, "/o/oauth2/v2/auth", &fields).await;
    assert_eq!(
        (status, query(&location.unwrap(), "error").as_deref()),
        (302, Some("access_denied"))
    );
    let mut fields = base.to_vec();
    fields.push(("client_id", "stranger"));
    assert_eq!(form(&bench, "/o/oauth2/v2/auth", &fields).await.0, 401);
    let away = format!(
        "/o/oauth2/v2/auth?client_id={}&redirect_uri=https://evil.example/&response_type=code",
        GOOGLE[0].1
    );
    assert_eq!(bench.get(&away).await.0, 400);
    let (status, error, _) = form(
        &bench,
        "/token",
        &[
            ("grant_type", "refresh_token"),
            ("client_id", GOOGLE[0].1),
            ("client_secret", "no"),
        ],
    )
    .await;
    assert_eq!(
        (status, error["error"].as_str()),
        (401, Some("invalid_client"))
    );
}

#[tokio::test]
async fn the_zoho_flow_and_its_limits() {
    let bench = Bench::with(0).await;
    let account = NewAccount {
        email: "ada@mail.example".into(),
        ..NewAccount::default()
    };
    bench
        .sandbox
        .state()
        .provider("zoho")
        .unwrap()
        .create_account(&account)
        .unwrap();
    let location = approve(
        &bench,
        "/oauth/v2/auth",
        ZOHO[0].1,
        &[("scope", "ZohoCRM.modules.ALL,ZohoCRM.users.READ")],
    )
    .await;
    assert_eq!(
        query(&location, "accounts-server").as_deref(),
        Some(bench.sandbox.base_url())
    );
    assert_eq!(query(&location, "location").as_deref(), Some("us"));
    let redeem = async |code: &str| {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", BACK),
        ];
        fields.extend(ZOHO);
        form(&bench, "/oauth/v2/token", &fields).await
    };
    let late = query(
        &approve(
            &bench,
            "/oauth/v2/auth",
            ZOHO[0].1,
            &[("prompt", "consent")],
        )
        .await,
        "code",
    )
    .unwrap();
    let (_, tokens, _) = redeem(&query(&location, "code").unwrap()).await;
    assert_eq!(tokens["api_domain"], bench.sandbox.base_url());
    assert_eq!(tokens["scope"], "ZohoCRM.modules.ALL ZohoCRM.users.READ");
    bench.advance(181);
    let (status, error, _) = redeem(&late).await;
    assert_eq!(
        (status, error["error"].as_str()),
        (200, Some("invalid_code"))
    );

    let refresh = tokens["refresh_token"].as_str().unwrap();
    let path = format!(
        "/oauth/v2/token?grant_type=refresh_token&refresh_token={refresh}&client_id={}&client_secret={}",
        ZOHO[0].1, ZOHO[1].1
    );
    let (oauth, first) = (
        &bench.sandbox.state().core.oauth,
        tokens["access_token"].as_str().unwrap(),
    );
    for window in 0..2 {
        for n in 0..10 {
            let (status, answer) = bench.call(reqwest::Method::POST, &path, None).await;
            assert!(
                status == 200 && answer["access_token"].is_string(),
                "{window} {n} {answer}"
            );
            // The sixteenth token pushes the first one out.
            let live = window * 10 + n + 2 <= 15;
            assert_eq!(
                oauth.authenticate("zoho", first).is_ok(),
                live,
                "{window} {n}"
            );
        }
        let (_, refused) = bench.call(reqwest::Method::POST, &path, None).await;
        assert_eq!(refused["error"], "Access Denied");
        bench.advance(600);
    }
    assert_eq!(
        form(&bench, "/oauth/v2/token/revoke", &[("token", refresh)])
            .await
            .0,
        200
    );
    assert_eq!(
        form(&bench, "/oauth/v2/token/revoke", &[("token", refresh)])
            .await
            .0,
        400
    );
}
