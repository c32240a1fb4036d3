//! Tokens that expire in mid-run, and access that is withdrawn.

use std::time::Duration;

use serde_json::{Value, json};
use system_tests::http::{number, stays, text};
use system_tests::world::GOOGLE_LOGIN;
use system_tests::{Audit, Contact, GOOGLE, World, ZOHO};

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
/// left in peace; authorised again, all goes on by itself, from where it was: what nobody touched is not read again.
#[tokio::test]
async fn withdrawn_consent_pauses_the_connection() -> anyhow::Result<()> {
    let world = World::start(20).await?;
    let connection = world.connected(json!({})).await?;
    // The CRM is read with some overlap: until that is over, what was written comes once more.
    world.sandbox.pass(600).await?;
    for _ in 0..2 {
        world.quiet(&connection).await?;
    }
    let other = json!({"name": "Another", "b": {"account": world.b, "collection": group(&world, "Others").await?}});
    let other = world.connected(other).await?;
    let (path, by_hand) = (
        format!("/v1/connections/{connection}"),
        format!("/v1/connections/{other}"),
    );
    world
        .api
        .post(&format!("{by_hand}/pause"), Value::Null)
        .await?;
    // And one more, that runs neither by itself nor now.
    let third = json!({"name": "Third", "b": {"account": world.b, "collection": group(&world, "Third").await?}});
    let third = world.connected(third).await?;
    let third = format!("/v1/connections/{third}");
    world.sandbox.revoke(GOOGLE).await?;
    world.sandbox.mark().await?;
    let run = world.api.begin(&connection).await?;
    let run = world.api.ended(&run).await?;
    assert_eq!(run["state"], "failed", "{run}");
    let account = async || world.api.get(&format!("/v1/accounts/{}", world.b)).await;
    let now = account().await?;
    assert_eq!(now["status"]["is"], "needs_reauthorization", "{now}");
    let now = world.api.get(&path).await?;
    assert_eq!(now["status"]["is"], "paused", "{now}");
    let reason = now["status"]["reason"].as_str().unwrap_or_default();
    assert!(
        reason.contains("Authorise the account again: the connection goes on by itself"),
        "{reason}"
    );
    let too = world.api.get(&third).await?;
    assert_eq!(too["status"]["is"], "paused", "{too}");
    let reason = too["status"]["reason"].as_str().unwrap_or_default();
    assert!(
        reason.contains("Authorise the account again: the connection goes on by itself"),
        "{reason}"
    );
    let health = world.api.get(&format!("{path}/health")).await?;
    assert_eq!(health["health"], "stopped", "{health}");
    assert_eq!(health["status"], now["status"], "{health}");
    assert_eq!(
        health["accounts"]["b"]["is"], "needs_reauthorization",
        "{health}"
    );
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

    // Meanwhile people work on.
    let one = world.sandbox.live(ZOHO).await?.swap_remove(0);
    let edit = json!({"Department": "Meanwhile"});
    world.sandbox.edit(ZOHO, &one.id, edit).await?;
    world.api.authorise_again(&world.b, GOOGLE_LOGIN).await?;
    assert_eq!(account().await?["status"]["is"], "active");
    let now = world.api.get(&path).await?;
    assert_eq!(now["status"]["is"], "active", "{now}");
    let now = world.api.get(&third).await?;
    assert_eq!(now["status"]["is"], "active", "{now}");
    let now = world.api.get(&by_hand).await?;
    assert_eq!(now["status"]["reason"], "Paused by a person.", "{now}");
    world.sandbox.mark().await?;
    let run = world.api.sync(&connection).await?;
    let there = world.sandbox.live(GOOGLE).await?;
    let mut there = there
        .iter()
        .map(|one| Contact::read(&one.neutral).department);
    assert!(there.any(|department| department == "Meanwhile"));
    assert_eq!(world.sandbox.writes().await?, 1, "{run}");
    assert_eq!(number(&run, "/counters/pulled"), 1, "{run}");
    world.quiet(&connection).await?;
    Audit::take(&world.sandbox).await?.whole(&world.before)
}

/// A group at Google that nobody is in, as a collection.
async fn group(world: &World, name: &str) -> anyhow::Result<String> {
    let group = json!({"name": name});
    let made = world.sandbox.act(GOOGLE, "actions/group", group).await?;
    Ok(format!("group:{}", text(&made, "/resourceName")?))
}
