//! Tokens that expire in mid-run, and access that is withdrawn.

use std::time::Duration;

use serde_json::{Value, json};
use system_tests::http::{number, stays};
use system_tests::world::GOOGLE_LOGIN;
use system_tests::{GOOGLE, World, ZOHO};

/// F-61: an access token dies in the middle of a run; it is renewed once, whoever notices first.
async fn renewed_once(provider: &str, write: &str, token: &str) -> anyhow::Result<()> {
    // Enough contacts for several writes at the same time where the provider allows that.
    let world = World::start(260).await?;
    let rule = json!({"provider": provider, "route": write, "times": 1, "fault": {"kind": "expire_access_tokens"}});
    let fault = world.sandbox.fault(rule).await?;
    let connection = world.connected(json!({})).await?;
    assert_eq!(world.sandbox.struck(&fault).await?, 1);
    assert_eq!(world.sandbox.asked(provider, token).await?, 1);
    let run = world.quiet(&connection).await?;
    assert_eq!(number(&run, "/attempts"), 0);
    assert_eq!(world.sandbox.asked(provider, token).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_token_of_google_dies_in_mid_run() -> anyhow::Result<()> {
    renewed_once(GOOGLE, "POST /v1/people:batchCreateContacts", "POST /token").await
}

#[tokio::test]
async fn a_token_of_the_crm_dies_in_mid_run() -> anyhow::Result<()> {
    renewed_once(ZOHO, "POST /crm/v8/Contacts", "POST /oauth/v2/token").await
}

/// F-65: the owner withdraws consent. The account says so, the connection pauses with a reason, and the provider is
/// left in peace; authorised again, all goes on.
#[tokio::test]
async fn withdrawn_consent_pauses_the_connection() -> anyhow::Result<()> {
    let world = World::start(20).await?;
    let connection = world.connected(json!({})).await?;
    world.sandbox.revoke(GOOGLE).await?;
    world.sandbox.mark().await?;
    let run = world.api.begin(&connection).await?;
    let run = world.api.ended(&run).await?;
    assert_eq!(run["state"], "failed", "{run}");
    let account = world.api.get(&format!("/v1/accounts/{}", world.b)).await?;
    assert_eq!(
        account["status"]["is"], "needs_reauthorization",
        "{account}"
    );
    let path = format!("/v1/connections/{connection}");
    let now = world.api.get(&path).await?;
    assert_eq!(now["status"]["is"], "paused", "{now}");
    let reason = now["status"]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("uthori"), "{reason}");
    let asked = async || {
        Ok(number(
            &world.sandbox.requests(Some(GOOGLE)).await?,
            "/total",
        ))
    };
    // Many ticks of the scheduler.
    let total = stays("requests to Google", Duration::from_secs(2), asked).await?;
    assert!(total <= 3, "{total} requests after consent was withdrawn");
    let refused = world.api.post(&format!("{path}/runs"), Value::Null).await;
    assert!(refused.is_err(), "a paused connection took a run");
    world.api.authorise_again(&world.b, GOOGLE_LOGIN).await?;
    world
        .api
        .post(&format!("{path}/resume"), Value::Null)
        .await?;
    world.api.sync(&connection).await?;
    world.whole(&connection).await
}
