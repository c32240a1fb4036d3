//! The Google Contacts connector against the sandbox.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret;
use serde_json::json;
use syncline_connector::conformance::Probe;
use syncline_connector::oauth::{self, App, Grant, Server};
use syncline_connector::{Connector, Cursor, Endpoints, GoneWhy, HttpClient, HttpLimits, Kind};
use syncline_model::Value;
use syncline_sandbox::core::faults::Fault;
use syncline_sandbox::core::oauth::Approval;

use super::bench::{kinds, status};
use super::google_support::{Google, named};

const LIST: &str = "GET /v1/people/me/connections";

#[tokio::test]
async fn a_first_pull_lists_everything_and_the_next_costs_one_call() {
    let google = Google::start(2_500).await;
    google.calls();
    let first = google.pull(None).await;
    assert_eq!((first.present.len(), first.complete), (2_500, true));
    assert_eq!(google.calls().len(), 3);
    let second = google.pull(Some(&first.cursor)).await;
    assert_eq!(
        (second.present.len(), second.gone.len(), second.complete),
        (0, 0, false)
    );
    assert_eq!(google.calls(), ["GET people/me/connections 200"]);
}

#[tokio::test]
async fn expired_and_foreign_tokens_ask_for_a_new_start() {
    let google = Google::start(3).await;
    let first = google.pull(None).await;
    google.advance(8 * 86_400);
    let expired = google
        .try_pull("all", Some(&first.cursor), &[])
        .await
        .expect_err("expired");
    assert_eq!(expired.kind, Kind::CursorExpired);
    let first = google.pull(None).await;
    google.fault(LIST, Fault::ExpireSyncTokens);
    let expired = google
        .try_pull("all", Some(&first.cursor), &[])
        .await
        .expect_err("expired");
    assert_eq!(expired.kind, Kind::CursorExpired);
    // A cursor of another mask, or of the time before one, is not even tried.
    let mut place: serde_json::Value = serde_json::from_str(&first.cursor.0).expect("json");
    place["mask"] = json!("0");
    assert!(google.pull(Some(&Cursor(place.to_string()))).await.complete);
}

#[tokio::test]
async fn a_cursor_of_an_old_listing_leads_to_a_new_one() {
    let google = Google::start(3).await;
    let first = google.pull(None).await;
    let mut place: serde_json::Value = serde_json::from_str(&first.cursor.0).expect("json");
    let full_at: DateTime<Utc> = place["full_at"]
        .as_str()
        .expect("a time")
        .parse()
        .expect("a time");
    place["full_at"] = json!(full_at - TimeDelta::days(6) - TimeDelta::minutes(1));
    let again = google.pull(Some(&Cursor(place.to_string()))).await;
    assert_eq!((again.present.len(), again.complete), (3, true));
}

#[tokio::test]
async fn a_cut_listing_is_read_again_and_never_taken_for_whole() {
    let google = Google::start(1_200).await;
    google.fault(LIST, Fault::TruncateListing);
    let mended = google.pull(None).await;
    assert_eq!((mended.present.len(), mended.complete), (1_200, true));
    google.faults(LIST, Some(2), Fault::TruncateListing);
    let cut = google.try_pull("all", None, &[]).await;
    assert!(
        cut.as_ref()
            .is_err_and(|error| error.kind == Kind::Malformed),
        "{:?}",
        cut.map(|cut| cut.complete)
    );
    google.fault(LIST, Fault::HtmlBody);
    assert_eq!(
        google
            .try_pull("all", None, &[])
            .await
            .expect_err("no JSON")
            .kind,
        Kind::Malformed
    );
    google.faults(LIST, Some(2), status(503));
    assert!(google.pull(None).await.complete);
    google.fault(LIST, status(429));
    let limited = google
        .try_pull("all", None, &[])
        .await
        .expect_err("too many");
    assert!(
        matches!(limited.kind, Kind::RateLimited { .. }),
        "{limited:?}"
    );
}

#[tokio::test]
async fn the_order_of_the_answer_changes_no_record() {
    let google = Google::start(200).await;
    let by_id = |mut records: Vec<syncline_model::Record>| {
        records.sort_by(|a, b| a.id.cmp(&b.id));
        records
    };
    let straight = by_id(google.pull(None).await.present);
    google.fault(LIST, Fault::Shuffle);
    assert_eq!(by_id(google.pull(None).await.present), straight);
}

#[tokio::test]
async fn a_dead_token_is_renewed_by_the_way() {
    let google = Google::start(1).await;
    google.fault(LIST, Fault::ExpireAccessTokens);
    assert!(google.pull(None).await.complete);
}

#[tokio::test]
async fn a_group_is_what_its_members_make_it() {
    let google = Google::start(5).await;
    let group = google.group("Sales");
    let collection = format!("group:{group}");
    let listed = google
        .connector
        .collections(&google.session)
        .await
        .expect("collections");
    assert!(
        listed
            .iter()
            .any(|one| one.id == collection && one.name == "Sales" && one.membership_writable)
    );
    let created = google
        .connector
        .create(
            &google.session,
            &collection,
            &[google.creation(1, named("In"))],
        )
        .await;
    let inside = created[0].as_ref().expect("created").id.clone();
    let first = google
        .try_pull(&collection, None, &["groups"])
        .await
        .expect("a pull");
    assert_eq!((first.present.len(), first.complete), (1, true));
    assert_eq!(
        first.present[0].value(&"groups".into()),
        &Value::List(vec!["Sales".into()])
    );
    // A change outside is no news of the group; leaving it is.
    let done = google
        .connector
        .leave(&google.session, &collection, std::slice::from_ref(&inside))
        .await;
    assert_eq!(kinds(&done), [None]);
    let news = google
        .try_pull(&collection, Some(&first.cursor), &[])
        .await
        .expect("a pull");
    assert_eq!(
        (news.present.len(), news.gone),
        (0, vec![(inside.to_string(), GoneWhy::Left)])
    );
    assert_eq!(
        google.one(&inside).await.value(&"groups".into()),
        &Value::Empty
    );
}

#[tokio::test]
async fn a_deleted_group_is_an_error_and_not_an_exodus() {
    let google = Google::start(2).await;
    let group = google.group("Sales");
    let collection = format!("group:{group}");
    let items = [
        google.creation(1, named("A")),
        google.creation(2, named("B")),
    ];
    assert_eq!(
        kinds(
            &google
                .connector
                .create(&google.session, &collection, &items)
                .await
        ),
        [None, None]
    );
    let first = google
        .try_pull(&collection, None, &[])
        .await
        .expect("a pull");
    assert_eq!(first.present.len(), 2);
    google.remove_group(&group);
    for cursor in [Some(&first.cursor), None] {
        let error = google
            .try_pull(&collection, cursor, &[])
            .await
            .expect_err("no group");
        assert_eq!(error.kind, Kind::NotFound);
    }
    let unknown = google
        .try_pull("view:7", None, &[])
        .await
        .expect_err("no collection");
    assert_eq!(unknown.kind, Kind::NotFound);
}

#[tokio::test]
async fn the_whole_consent_flow() {
    let google = Google::start(0).await;
    let base = google.sandbox.base_url();
    let endpoints = Endpoints {
        api_base: base.to_owned(),
        authorize_url: format!("{base}/o/oauth2/v2/auth"),
        token_url: format!("{base}/token"),
        revoke_url: Some(format!("{base}/revoke")),
        api_path: String::new(),
        api_base_pinned: true,
    };
    let definition = google.connector.definition();
    let back = "http://127.0.0.1:9/back";
    let verifier = oauth::verifier(&[7; 32]);
    let page = oauth::authorize_url(
        definition,
        &endpoints,
        "sandbox.apps.googleusercontent.com",
        back,
        "state",
        &oauth::challenge(&verifier),
    )
    .expect("an address");
    // What the consent page does when its person agrees.
    let asked: BTreeMap<_, _> = page.query_pairs().into_owned().collect();
    let approval = Approval {
        client_id: asked["client_id"].clone(),
        redirect_uri: asked["redirect_uri"].clone(),
        account: google.account.clone(),
        scopes: asked["scope"].split(' ').map(str::to_owned).collect(),
        offline: asked["access_type"] == "offline",
        prompt_consent: asked["prompt"] == "consent",
        by_hand: false,
        challenge: Some((
            asked["code_challenge"].clone(),
            asked["code_challenge_method"].clone(),
        )),
    };
    let code = google
        .sandbox
        .state()
        .core
        .oauth
        .approve("google", approval)
        .expect("a code");
    let app = App {
        client_id: "sandbox.apps.googleusercontent.com".into(),
        client_secret: "sandbox-google-secret".to_owned().into(),
    };
    let http =
        HttpClient::new(HttpLimits::default(), std::sync::Arc::new(|| 0.5)).expect("a client");
    let server = Server {
        http: &http,
        definition,
        endpoints: &endpoints,
        app: &app,
    };
    let grant = Grant {
        code: &code,
        redirect_uri: back,
        verifier: &verifier,
        accounts_server: None,
    };
    let now = google.now();
    let first = server.exchange(grant, now).await.expect("credentials");
    assert!(
        first.missing_scopes(definition).is_empty(),
        "{:?}",
        first.scopes
    );
    assert!(first.refresh_token.is_some() && first.expires_at.is_some_and(|end| end > now));
    assert_eq!(
        server.exchange(grant, now).await.expect_err("used up").kind,
        Kind::Unauthorized
    );
    let second = server.refresh(&first, now).await.expect("credentials");
    assert_ne!(
        second.access_token.expose_secret(),
        first.access_token.expose_secret()
    );
    server.revoke(&second).await.expect("given back");
    server.revoke(&second).await.expect("given back already");
    assert_eq!(
        server
            .refresh(&second, now)
            .await
            .expect_err("revoked")
            .kind,
        Kind::Unauthorized
    );
}

#[tokio::test]
async fn a_write_that_shows_late_is_not_lost() {
    let google = Google::start(3).await;
    let first = google.pull(None).await;
    google.knobs(&json!({"propagation_delay_ms": 120_000}));
    let made = google
        .connector
        .create(&google.session, "all", &[google.creation(1, named("Late"))])
        .await;
    let made = made[0].as_ref().expect("created").id.clone();
    let early = google.pull(Some(&first.cursor)).await;
    assert!(early.present.is_empty());
    assert_eq!(
        google.one(&made).await.id,
        made,
        "a direct read sees it at once"
    );
    google.advance(121);
    let late = google.pull(Some(&early.cursor)).await;
    assert_eq!(
        late.present
            .iter()
            .map(|record| &record.id)
            .collect::<Vec<_>>(),
        [&made]
    );
}
