//! Tests of the OAuth2 words and shapes; the flows themselves are tried against the sandbox in `libs/connectors`.

use super::*;

#[test]
fn pkce_is_the_example_of_rfc_7636() {
    let verifier = SecretString::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_eq!(
        challenge(&verifier),
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
    assert_eq!(super::verifier(&[255; 32]).expose_secret().len(), 43);
}

#[test]
fn words_of_token_errors() {
    let check = |status: u16, words: &str, want: Kind| {
        assert_eq!(classify(status, words, None), want, "{status} {words}");
    };
    check(
        400,
        "invalid_grant Token has been expired or revoked.",
        Kind::Unauthorized,
    );
    check(200, "invalid_code ", Kind::Unauthorized);
    check(200, "access_denied ", Kind::Unauthorized);
    check(
        200,
        "Access Denied You have made too many requests continuously.",
        Kind::RateLimited { retry_after: None },
    );
    check(429, "", Kind::RateLimited { retry_after: None });
    check(
        401,
        "invalid_client The OAuth client was not found.",
        Kind::Forbidden,
    );
    check(200, "invalid_client_secret ", Kind::Forbidden);
    check(400, "internal_failure ", Kind::Unavailable);
    check(503, "", Kind::Unavailable);
}

#[test]
fn credentials_seal_whole_and_print_nothing() {
    let credentials = Credentials {
        access_token: "first-secret".to_owned().into(),
        refresh_token: Some("second-secret".to_owned().into()),
        expires_at: Some(DateTime::UNIX_EPOCH),
        scopes: vec!["a".into()],
        api_base: None,
        token_url: "https://accounts.example/token".into(),
    };
    let printed = format!("{credentials:?}");
    assert!(
        !printed.contains("first-secret") && !printed.contains("second-secret"),
        "{printed}"
    );
    let json = serde_json::to_string(&credentials).expect("json");
    let again: Credentials = serde_json::from_str(&json).expect("credentials");
    assert_eq!(again.access_token.expose_secret(), "first-secret");
    assert_eq!(
        again.refresh_token.expect("token").expose_secret(),
        "second-secret"
    );
}
