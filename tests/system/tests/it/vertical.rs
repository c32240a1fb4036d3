//! A partner's white-label Zoho ("Vertical CRM"): a provider by configuration alone.

use serde_json::json;
use system_tests::world::ZOHO_LOGIN;
use system_tests::{GOOGLE, World, ZOHO};

use crate::people::{book, crm, email};

/// Its own host, portal, token URL, version and name; a token answer that sends elsewhere is not believed.
#[tokio::test]
async fn a_vertical_crm_by_configuration_syncs_with_google() -> anyhow::Result<()> {
    let mut world = World::start(0).await?;
    let portal = format!("{}/portal/10012345", world.sandbox.base());
    for (key, value) in [
        ("PROFILE_OF", "zoho_crm"),
        ("NAME", "Acme CRM"),
        ("API_BASE", &portal),
        ("API_PATH", "/crm/v6"),
        (
            "AUTH_URL",
            &format!("{portal}/clientoauth/v2/10012345/auth"),
        ),
        (
            "TOKEN_URL",
            &format!("{portal}/clientoauth/v2/10012345/token"),
        ),
        ("CLIENT_ID", "1000.SANDBOX"),
        ("CLIENT_SECRET", "sandbox-zoho-secret"),
        ("PAID_PLANS_ONLY", "true"),
    ] {
        world.set(&format!("SYNCLINE__PROVIDERS__ACME_CRM__{key}"), value);
    }
    world.stop().await?;
    world.start_again().await?;
    let shown = world.api.get("/v1/providers/acme_crm").await?;
    assert_eq!(
        (&shown["name"], &shown["paid_plans_only"]),
        (&json!("Acme CRM"), &json!(true))
    );
    let listed = world.api.get("/v1/providers").await?;
    assert!(listed.to_string().contains("acme_crm"), "{listed}");
    world.a = world.api.authorise("acme_crm", ZOHO_LOGIN).await?;
    world
        .sandbox
        .create(ZOHO, crm("Ada", json!({"Title": "Engineer"})))
        .await?;
    world.sandbox.create(GOOGLE, book("Bob", json!({}))).await?;
    let connection = world.connected(json!({})).await?;
    let ada = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    assert!(world.sandbox.find(ZOHO, &email("Bob")).await?.is_some());
    world.quiet(&connection).await?;
    world
        .sandbox
        .edit(
            GOOGLE,
            &ada.id,
            json!({"organizations": [{"title": "Countess"}]}),
        )
        .await?;
    world.api.sync(&connection).await?;
    let there = world.sandbox.get(ZOHO, &email("Ada")).await?;
    assert_eq!(there.native["Title"], "Countess");
    world.quiet(&connection).await?;
    Ok(())
}
