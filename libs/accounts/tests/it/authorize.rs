//! To the consent page and back.

use std::collections::BTreeMap;
use std::time::Duration;

use syncline_accounts::{Browser, BrowserMark, Callback, Error};
use syncline_connector::oauth::challenge;
use syncline_model::{AccountId, AccountStatus, Actor, ApiKeyId, ProviderId, TenantId};
use syncline_platform::Clock as _;
use syncline_platform::config::Provider as Settings;
use syncline_store::NewApiKey;
use uuid::Uuid;

use crate::world::{REDIRECT, World, accounts, callback, me, settings};

#[tokio::test]
async fn an_authorised_account_is_active_and_knows_who_it_is() {
    let world = World::new().await;
    let (query, mark) = world.begin().await;
    assert_eq!(query["response_type"], "code");
    assert_eq!(query["client_id"], "client");
    assert_eq!(query["redirect_uri"], REDIRECT);
    assert_eq!(query["scope"], "contacts profile");
    assert_eq!(query["code_challenge_method"], "S256");
    assert_eq!(query["state"].len(), 43, "256 bits");
    let callback = callback(&query["state"], "ann");
    let done = world.complete(&callback, Some(&mark)).await.unwrap();
    assert_eq!((done.tenant, done.account), (world.tenant, world.account));
    assert_eq!(done.begun_by, Some(Actor::Member(world.member)));
    let verifier = world.provider.state().verifier.clone();
    assert_eq!(challenge(&verifier.into()), query["code_challenge"]);
    let account = world.account().await;
    assert_eq!(account.status, AccountStatus::Active);
    assert_eq!(account.identity.unwrap().label, "ann@example.com");
    let session = world.session(&world.accounts).await;
    assert_eq!(me(&session).await.unwrap(), "ann");
    assert_eq!(world.provider.state().refreshes, 0);
}

/// S-11: a code and a state that were used, or seen by somebody, are worth nothing.
#[tokio::test]
async fn a_state_is_good_once_for_ten_minutes_and_only_if_we_made_it() {
    let world = World::new().await;
    let complete = async |callback: Callback, mark: Option<&BrowserMark>| {
        let outcome = world.complete(&callback, mark).await;
        outcome.map_err(|error| error.to_string())
    };
    let spent = Err(Error::StateSpent.to_string());
    assert_eq!(complete(callback("made up", "ann"), None).await, spent);
    assert_eq!(complete(Callback::default(), None).await, spent);
    let (query, mark) = world.begin().await;
    let back = callback(&query["state"], "ann");
    assert!(complete(back.clone(), Some(&mark)).await.is_ok());
    assert_eq!(complete(back, Some(&mark)).await, spent);
    let (query, mark) = world.begin().await;
    let back = callback(&query["state"], "ann");
    world.clock.advance(Duration::from_secs(601));
    assert_eq!(complete(back, Some(&mark)).await, spent);
    assert_eq!(world.provider.state().exchanges, 1);
}

/// S-11: whoever was lured to the consent page is told who asks before anything happens; the cookie of another
/// authorisation, also one of the same person's, does not stand in for its own.
#[tokio::test]
async fn another_browser_is_asked_before_anything_happens() {
    let world = World::new().await;
    let ((query, mark), (_, other)) = (world.begin().await, world.begin().await);
    let back = callback(&query["state"], "victim");
    for sent in [None, Some(&other)] {
        let error = world.complete(&back, sent).await.unwrap_err();
        assert!(matches!(error, Error::OtherBrowser { .. }), "{error}");
        let told = error.to_string();
        for part in ["owner@example.com of Example", "Fake account"] {
            assert!(told.contains(part), "{told}");
        }
        assert_eq!(world.provider.state().exchanges, 0);
        assert_eq!(world.account().await.status, AccountStatus::Pending);
    }
    assert_ne!(mark.name, other.name, "one browser can keep both");
    let agreed = world
        .accounts
        .complete_authorization(&back, Browser::Agreed);
    assert!(agreed.await.is_ok(), "nothing was spent by asking");
    let again = world.complete(&back, Some(&mark)).await;
    assert!(matches!(again, Err(Error::StateSpent)));
}

/// S-11: an authorisation ends with the rights of whoever began it.
#[tokio::test]
async fn a_revoked_key_completes_nothing() {
    let world = World::new().await;
    let scope = world.store.scope(world.tenant).await.unwrap();
    let key = NewApiKey {
        id: ApiKeyId::from_uuid(Uuid::from_u128(7)),
        name: "robot".into(),
        hash: b"hash".to_vec(),
        scopes: vec!["write".into()],
        created_at: world.clock.now(),
    };
    scope.api_key_create(&key).await.unwrap();
    let who = (world.tenant, Actor::ApiKey(key.id));
    let begin = world
        .accounts
        .begin_authorization(who, world.account, REDIRECT);
    let begun = begin.await.unwrap();
    let url = url::Url::parse(&begun.url).unwrap();
    let state = url.query_pairs().find(|(key, _)| key == "state").unwrap();
    let back = callback(&state.1, "ann");
    let asked = world.complete(&back, None).await.unwrap_err().to_string();
    assert!(asked.ends_with("by robot of Example"), "{asked}");
    scope
        .api_key_revoke(key.id, world.clock.now())
        .await
        .unwrap();
    let done = world.complete(&back, Some(&begun.browser)).await;
    assert!(matches!(done, Err(Error::StateSpent)), "{done:?}");
    assert_eq!(world.provider.state().exchanges, 0);
}

#[tokio::test]
async fn what_does_not_end_well_leaves_the_account_pending() {
    let world = World::new().await;
    let check = async |change: &dyn Fn(&mut Callback), expect: &str, exchanges: usize| {
        let (query, mark) = world.begin().await;
        let mut callback = callback(&query["state"], "ann");
        change(&mut callback);
        let error = world.complete(&callback, Some(&mark)).await.unwrap_err();
        assert!(error.to_string().contains(expect), "{error}");
        assert_eq!(world.provider.state().exchanges, exchanges, "{expect}");
        assert_eq!(world.account().await.status, AccountStatus::Pending);
    };
    check(
        &|c| c.error = Some("access_denied".into()),
        "not granted",
        0,
    )
    .await;
    check(
        &|c| c.error = Some("<b>odd_word</b>".into()),
        "(bodd_wordb)",
        0,
    )
    .await;
    check(&|c| c.code = None, "no_code", 0).await;
    check(
        &|c| c.accounts_server = Some("https://evil.example".into()),
        "not known to have",
        0,
    )
    .await;
    check(&|c| c.code = Some("stale".into()), "authorised again", 1).await;
    world.provider.state().scope = "profile".into();
    check(&|_| (), "missing: contacts", 2).await;
    let open = world.accounts.open(world.tenant, world.account).await;
    assert!(matches!(open, Err(Error::NotAuthorized)));
}

#[tokio::test]
async fn another_login_does_not_take_an_account_over() {
    let world = World::authorized().await;
    let before = world.stored().await;
    let error = world.authorize("bob").await.unwrap_err();
    let told = error.to_string();
    assert!(
        told.contains("ann@example.com") && told.contains("bob@example.com"),
        "{told}"
    );
    assert_eq!(world.stored().await, before);
    let session = world.session(&world.accounts).await;
    assert_eq!(me(&session).await.unwrap(), "ann");
}

#[tokio::test]
async fn authorising_again_without_a_new_refresh_token_keeps_the_old() {
    let world = World::authorized().await;
    world.provider.state().first_consent_only = true;
    world.authorize("ann").await.unwrap();
    let (stored, _) = world.stored().await;
    assert!(stored.contains("access-2"), "{stored}");
    assert!(stored.contains("refresh-1"), "{stored}");
}

#[tokio::test]
async fn access_is_given_back() {
    let world = World::new().await;
    world
        .accounts
        .revoke(world.tenant, world.account)
        .await
        .unwrap();
    assert!(world.provider.state().revoked.is_empty(), "none yet");
    world.authorize("ann").await.unwrap();
    world
        .accounts
        .revoke(world.tenant, world.account)
        .await
        .unwrap();
    assert_eq!(world.provider.state().revoked, ["refresh-1"]);
}

#[tokio::test]
async fn other_tenants_find_no_account() {
    let world = World::authorized().await;
    let other = TenantId::from_uuid(Uuid::from_u128(99));
    let unknown = AccountId::from_uuid(Uuid::from_u128(99));
    for (tenant, account) in [(other, world.account), (world.tenant, unknown)] {
        let open = world.accounts.open(tenant, account).await;
        assert!(matches!(open, Err(Error::UnknownAccount)));
        let who = (tenant, Actor::Member(world.member));
        let begin = world.accounts.begin_authorization(who, account, REDIRECT);
        assert!(matches!(begin.await, Err(Error::UnknownAccount)));
    }
}

#[tokio::test]
async fn configuration_goes_over_the_definition() {
    let world = World::new().await;
    let fake = ProviderId::parse("fake").unwrap();
    let configured = world.accounts.endpoints(&fake).unwrap();
    assert_eq!(configured.api_base, world.provider.base);
    assert!(configured.api_base_pinned);
    assert!(world.accounts.is_configured(&fake));
    assert_eq!(world.accounts.settle(&fake).unwrap().as_secs(), 60);

    let plain = accounts(&world.store, &world.clock, &BTreeMap::new()).unwrap();
    let usual = plain.endpoints(&fake).unwrap();
    assert_eq!(usual.api_base, "https://api.fake.example");
    assert!(!usual.api_base_pinned);
    assert!(!plain.is_configured(&fake));
    let who = (world.tenant, Actor::Member(world.member));
    let begun = plain.begin_authorization(who, world.account, REDIRECT);
    let error = begun.await.unwrap_err().to_string();
    assert!(error.contains("providers.fake.client_id"), "{error}");

    let mut short = settings(&world.provider);
    short.get_mut("fake").unwrap().settle = Some(Duration::from_secs(2));
    let short = accounts(&world.store, &world.clock, &short).unwrap();
    assert_eq!(short.settle(&fake).unwrap().as_secs(), 2);
    let misspelt = BTreeMap::from([("faik".to_owned(), Settings::default())]);
    let error = accounts(&world.store, &world.clock, &misspelt).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`providers.faik`: there is no such provider; there are fake"
    );
}
