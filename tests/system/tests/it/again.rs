//! A connection is deleted and made again.

use reqwest::Method;
use serde_json::json;
use system_tests::world::did;
use system_tests::{GOOGLE, World, ZOHO};

/// Which record is which stays known: nothing is created twice, not even contacts that nothing tells apart.
#[tokio::test]
async fn making_a_connection_again_creates_nothing() -> anyhow::Result<()> {
    let world = World::start(40).await?;
    let nameless = json!({"names": [{"givenName": "No", "familyName": "Address"}]});
    world.sandbox.create(GOOGLE, nameless).await?;
    let without = json!({"First_Name": "Without", "Last_Name": "Address"});
    world.sandbox.create(ZOHO, without).await?;
    let connection = world.connected(json!({})).await?;
    let count = world.sandbox.live(ZOHO).await?.len();
    let path = format!("/v1/connections/{connection}");
    world.api.call(Method::DELETE, &path, None).await?.ok()?;
    let connection = world.connect(json!({})).await?;
    let run = world.api.first_run(&connection).await?;
    assert_eq!(run["state"], "succeeded", "{run}");
    assert_eq!(did(&run, "created"), 0, "{run}");
    assert_eq!(world.sandbox.writes().await?, 0, "{run}");
    assert_eq!(world.sandbox.live(ZOHO).await?.len(), count);
    assert_eq!(world.sandbox.live(GOOGLE).await?.len(), count);
    world.quiet(&connection).await?;
    Ok(())
}
