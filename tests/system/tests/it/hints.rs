//! Providers that tell of changes: nobody waits for the schedule.

use serde_json::json;
use system_tests::http::{number, until};
use system_tests::proxy::Proxy;
use system_tests::{World, ZOHO};

use crate::people::{crm, email};

const MAILCHIMP: &str = "mailchimp";
const LOGIN: &str = "news@mail.example";

/// Somebody changes at Mailchimp, whose sync is due tomorrow, and is changed in the CRM within seconds. When we are reached
/// at another address, the next run says so to Mailchimp.
#[tokio::test]
async fn a_change_that_is_told_of_goes_over_at_once() -> anyhow::Result<()> {
    let mut world = World::start(0).await?;
    world.sandbox.open_account(MAILCHIMP, LOGIN, 0, 1).await?;
    world.b = world.api.authorise(MAILCHIMP, LOGIN).await?;
    let first = Proxy::start().await?;
    reached_at(&mut world, &first).await?;
    world.sandbox.create(ZOHO, crm("Ada", json!({}))).await?;
    let daily = json!({"schedule": {"every": "24h"}});
    let connection = world.connected(daily).await?;
    let ada = world.sandbox.get(MAILCHIMP, &email("Ada")).await?;
    rename(&world, &ada.id, "Augusta").await?;

    // A run by itself some time later finds that we moved.
    let second = Proxy::start().await?;
    reached_at(&mut world, &second).await?;
    world.api.sync(&connection).await?;
    rename(&world, &ada.id, "Byron").await?;
    drop(first);
    rename(&world, &ada.id, "Lovelace").await?;
    let runs = world
        .api
        .list(&format!("/v1/connections/{connection}/runs"))
        .await?;
    for run in runs {
        let written = number(&run, "/counters/a_to_b/updated");
        assert_eq!(written, 0, "{run}");
    }
    Ok(())
}

/// Has the server start again, with the outside reaching it through a proxy.
async fn reached_at(world: &mut World, proxy: &Proxy) -> anyhow::Result<()> {
    let address = format!("http://{}", proxy.address);
    world.set("SYNCLINE__SERVER__PUBLIC_URL", &address);
    world.set("SYNCLINE__SERVER__HOOKS", "true");
    world.stop().await?;
    world.start_again().await?;
    let base = world.api.base.trim_start_matches("http://").parse()?;
    proxy.lead_to(vec![base]);
    Ok(())
}

/// A person gives a contact at Mailchimp another family name, and the CRM has it soon.
async fn rename(world: &World, contact: &str, name: &str) -> anyhow::Result<()> {
    let named = json!({"merge_fields": {"FNAME": "Ada", "LNAME": name}});
    world.sandbox.edit(MAILCHIMP, contact, named).await?;
    until(&format!("{name} in the CRM"), 180, async || {
        let there = world.sandbox.get(ZOHO, &email("Ada")).await?;
        Ok((there.native["Last_Name"] == name).then_some(()))
    })
    .await
}
