//! `/v1/hooks`: what providers are answered that call, and others who try.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use sha2::Sha256;
use syncline_gateway::LimitSettings;
use syncline_model::{Account, AccountId, AccountStatus, ProviderId};
use syncline_platform::random::digest;
use syncline_platform::{Clock as _, SystemClock};
use syncline_store::{AgreedWatch, NewWatch};

use crate::world::{Answer, World, generous};

const SECRET: &str = "whsec-1";
const TOKEN: &str = "t0kent0kent0kent0kent0kent0kent0kent0ken-_0";
/// Says nothing that concerns us.
const BODY: &str = "type=campaign&data%5Blist_id%5D=1";

/// A world where Mailchimp watches an audience for Ann, with a token in the address.
async fn watched(limits: LimitSettings) -> World {
    let world = World::with(limits).await;
    world.sign_up("ann@example.com").await;
    let (member, _) = world
        .store
        .member_by_email("ann@example.com")
        .await
        .unwrap()
        .unwrap();
    let scope = world.store.scope(member.tenant).await.unwrap();
    let account = Account {
        id: AccountId::from_uuid(uuid::Uuid::from_u128(1)),
        tenant: member.tenant,
        provider: ProviderId::parse("mailchimp").unwrap(),
        identity: None,
        status: AccountStatus::Active,
        created_at: SystemClock.now(),
    };
    scope.account_create(&account).await.unwrap();
    let new = NewWatch {
        account: account.id,
        collection: "audience:1".into(),
        token_hash: digest(TOKEN),
        address: world.base.clone(),
        due_at: SystemClock.now(),
    };
    scope.watch_claim(&new, SystemClock.now()).await.unwrap();
    let agreed = AgreedWatch {
        remote_id: "1".into(),
        secret: Some(SECRET.into()),
        due_at: SystemClock.now(),
    };
    assert!(scope.watch_agree(&new, &agreed).await.unwrap());
    world
}

fn signature(at: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{at}.{body}").as_bytes());
    let digest = mac.finalize().into_bytes();
    let mut text = format!("t={at},v1=");
    for byte in digest {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

async fn call(world: &World, path: &str, signature: Option<String>, body: &str) -> Answer {
    let mut request = world
        .request(Method::POST, path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.to_owned());
    if let Some(signature) = signature {
        request = request.header("X-Mailchimp-Signature", signature);
    }
    world.send(request).await
}

#[actix_web::test]
async fn a_provider_is_heard_and_nobody_else() {
    let world = watched(generous()).await;
    let path = &format!("/v1/hooks/mailchimp/{TOKEN}");
    for method in [Method::GET, Method::HEAD] {
        let answer = world.send(world.request(method, path)).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    }
    let now = SystemClock.now().timestamp();
    let heard = call(&world, path, Some(signature(now, BODY)), BODY).await;
    assert_eq!((heard.status, heard.text.as_str()), (204, ""));
    for (signature, why) in [
        (None, "not signed"),
        (Some(signature(now, "type=cleaned")), "signature is wrong"),
        (Some(signature(now - 7_201, BODY)), "an old call"),
        (Some("t=,v1=".into()), "an old call"),
    ] {
        let refused = call(&world, path, signature, BODY).await;
        let problem = refused.problem(403, "forbidden");
        assert!(
            problem["detail"].as_str().unwrap().contains(why),
            "{problem}"
        );
    }
    // Another provider's name does not have it judged by that one's rules.
    let elsewhere = &format!("/v1/hooks/zoho_crm/{TOKEN}");
    let refused = call(&world, elsewhere, Some(signature(now, BODY)), BODY).await;
    refused.problem(404, "not_found");
    let large = "x".repeat(70_000);
    let refused = call(&world, path, Some(signature(now, &large)), &large).await;
    refused.problem(413, "body_too_large");
    // Nobody syncs that audience any more: it is said once somebody changes in it, and nobody is there from then on.
    let profile = "type=profile";
    let changed = call(&world, path, Some(signature(now, profile)), profile).await;
    changed.problem(410, "gone");
    let answer = world.send(world.request(Method::GET, path)).await;
    answer.problem(410, "gone");
    let gone = "/v1/hooks/mailchimp/another";
    call(&world, gone, None, BODY).await.problem(410, "gone");
    let answer = world.send(world.request(Method::GET, gone)).await;
    answer.problem(410, "gone");
    let answer = world.send(world.request(Method::PUT, path)).await;
    answer.problem(405, "method_not_allowed");
}

/// All calls of a provider come from a few addresses; only those who guess are told to wait.
#[actix_web::test]
async fn providers_may_call_as_often_as_they_like() {
    let limits = LimitSettings {
        anonymous: 5,
        ..generous()
    };
    let world = watched(limits).await;
    let now = SystemClock.now().timestamp();
    for _ in 0..20 {
        let path = &format!("/v1/hooks/mailchimp/{TOKEN}");
        let heard = call(&world, path, Some(signature(now, BODY)), BODY).await;
        assert_eq!(heard.status, 204);
    }
    let mut answers = Vec::new();
    for guess in 0..10 {
        let path = format!("/v1/hooks/mailchimp/{guess}");
        answers.push(call(&world, &path, None, BODY).await.status);
    }
    assert_eq!((answers[0], answers[9]), (410, 429), "{answers:?}");
}
