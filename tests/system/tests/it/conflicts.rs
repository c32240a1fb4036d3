//! Both sides change one field, differently.

use anyhow::ensure;
use serde_json::{Value, json};
use system_tests::customer::succeeded;
use system_tests::http::{text, until};
use system_tests::{Contact, GOOGLE, World, ZOHO};

use crate::people::{crm, email, title};

/// Ada, synced, and then given one title in the CRM and another at Google; `last` is where it was done later.
async fn clash(policy: &str, last: &str) -> anyhow::Result<(World, String)> {
    let world = World::start(0).await?;
    let ada = crm("Ada", json!({"Title": "Engineer"}));
    world.sandbox.create(ZOHO, ada).await?;
    let connection = world.connected(json!({"conflict": policy})).await?;
    let first = if last == ZOHO { GOOGLE } else { ZOHO };
    for side in [first, last] {
        world.sandbox.pass(900).await?;
        let record = world.sandbox.get(side, &email("Ada")).await?;
        let edit = if side == ZOHO {
            json!({"Title": "In the CRM"})
        } else {
            title("At Google")
        };
        world.sandbox.edit(side, &record.id, edit).await?;
    }
    world.api.sync(&connection).await?;
    Ok((world, connection))
}

async fn titles(world: &World) -> anyhow::Result<[String; 2]> {
    let (a, b) = (
        world.sandbox.get(ZOHO, &email("Ada")).await?,
        world.sandbox.get(GOOGLE, &email("Ada")).await?,
    );
    Ok([a, b].map(|record| Contact::read(&record.neutral).title))
}

async fn conflicts(world: &World, connection: &str) -> anyhow::Result<Vec<Value>> {
    let path = format!("/v1/connections/{connection}/conflicts");
    world.api.list(&path).await
}

/// Under a policy the named side wins, and both values are kept.
async fn settled(policy: &str, last: &str, winner: &str, wins: &str) -> anyhow::Result<()> {
    let (world, connection) = clash(policy, last).await?;
    assert_eq!(titles(&world).await?, [wins, wins]);
    let met = conflicts(&world, &connection).await?;
    assert_eq!(met.len(), 1, "{met:?}");
    assert_eq!(met[0]["winner"], winner);
    assert_eq!(
        met[0]["values"],
        json!({"a": "In the CRM", "b": "At Google"})
    );
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn a_wins() -> anyhow::Result<()> {
    settled("a_wins", GOOGLE, "a", "In the CRM").await
}

#[tokio::test]
async fn b_wins() -> anyhow::Result<()> {
    settled("b_wins", ZOHO, "b", "At Google").await
}

#[tokio::test]
async fn the_most_recent_wins_in_the_crm() -> anyhow::Result<()> {
    settled("most_recent", ZOHO, "a", "In the CRM").await
}

#[tokio::test]
async fn the_most_recent_wins_at_google() -> anyhow::Result<()> {
    settled("most_recent", GOOGLE, "b", "At Google").await
}

/// F-47: the CRM's clock is off, and two people edit, so many seconds apart: who is later truly wins, whatever the clocks
/// show; inside the doubt the side does that the policy names.
async fn by_clocks_that_differ(
    policy: &str,
    ahead: i64,
    edits: [(&str, u64); 2],
    wins: &str,
) -> anyhow::Result<()> {
    let world = World::start(0).await?;
    world.sandbox.ahead(ZOHO, ahead).await?;
    let ada = crm("Ada", json!({"Title": "Engineer"}));
    world.sandbox.create(ZOHO, ada).await?;
    let connection = world.connected(json!({"conflict": policy})).await?;
    for (side, wait) in edits {
        world.sandbox.pass(wait).await?;
        let record = world.sandbox.get(side, &email("Ada")).await?;
        let edit = if side == ZOHO {
            json!({"Title": "In the CRM"})
        } else {
            title("At Google")
        };
        world.sandbox.edit(side, &record.id, edit).await?;
    }
    let run = world.api.sync(&connection).await?;
    assert_eq!(titles(&world).await?, [wins, wins], "{ahead} {run}");
    let met = conflicts(&world, &connection).await?;
    assert_eq!(met.len(), 1, "{met:?}");
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn the_most_recent_wins_though_a_clock_is_ahead() -> anyhow::Result<()> {
    let (ahead, later) = (420, [(ZOHO, 900), (GOOGLE, 60)]);
    by_clocks_that_differ("most_recent", ahead, later, "At Google").await
}

#[tokio::test]
async fn the_most_recent_wins_though_a_clock_is_behind() -> anyhow::Result<()> {
    let (behind, later) = (-420, [(GOOGLE, 900), (ZOHO, 60)]);
    by_clocks_that_differ("most_recent", behind, later, "In the CRM").await?;
    by_clocks_that_differ("most_recent_or_b", behind, later, "In the CRM").await
}

#[tokio::test]
async fn inside_the_doubt_about_clocks_side_a_wins() -> anyhow::Result<()> {
    let (behind, at_once) = (-420, [(GOOGLE, 900), (ZOHO, 0)]);
    by_clocks_that_differ("most_recent", behind, at_once, "In the CRM").await
}

#[tokio::test]
async fn inside_the_doubt_about_clocks_side_b_wins_where_the_customer_says_so() -> anyhow::Result<()>
{
    let (ahead, at_once) = (420, [(GOOGLE, 900), (ZOHO, 0)]);
    by_clocks_that_differ("most_recent_or_b", ahead, at_once, "At Google").await
}

/// F-04, F-54: an edit that no pull has shown is found by our write of the other side's edit, which is refused for its
/// stale version. Neither person knew of the other: the policy decides, as if both had been read.
async fn found_by_a_refused_write(late: &str, policy: &str, wins: &str) -> anyhow::Result<()> {
    let world = World::start(0).await?;
    let ada = crm("Ada", json!({"Title": "Engineer"}));
    world.sandbox.create(ZOHO, ada).await?;
    let connection = world.connected(json!({"conflict": policy})).await?;
    world.sandbox.pass(600).await?;
    let edit = async |side: &str| -> anyhow::Result<()> {
        let record = world.sandbox.get(side, &email("Ada")).await?;
        let edit = if side == ZOHO {
            json!({"Title": "In the CRM"})
        } else {
            title("At Google")
        };
        world.sandbox.edit(side, &record.id, edit).await
    };
    let (early, route) = if late == GOOGLE {
        (ZOHO, "*pdateContact*")
    } else {
        (GOOGLE, "PUT /crm/v8/Contacts*")
    };
    let slow = json!({"provider": late, "route": route, "times": 1, "fault": {"kind": "delay_ms", "ms": 1500}});
    let fault = world.sandbox.fault(slow).await?;
    edit(early).await?;
    let run = world.api.begin(&connection).await?;
    until("our write", 20, async || {
        Ok((world.sandbox.struck(&fault).await? > 0).then_some(()))
    })
    .await?;
    world.sandbox.pass(60).await?;
    edit(late).await?;
    let now = world.api.run(&run).await?;
    ensure!(now["finished_at"].is_null(), "over before the edit: {now}");
    let run = succeeded(world.api.ended(&run).await?)?;
    assert_eq!(titles(&world).await?, [wins, wins], "{run}");
    let met = conflicts(&world, &connection).await?;
    assert_eq!(met.len(), 1, "{met:?}");
    assert_eq!(
        format!("{}_wins", met[0]["winner"].as_str().unwrap_or("")),
        policy
    );
    let values = json!({"a": "In the CRM", "b": "At Google"});
    assert_eq!(met[0]["values"], values);
    world.quiet(&connection).await?;
    Ok(())
}

#[tokio::test]
async fn an_edit_at_google_found_by_a_refused_write() -> anyhow::Result<()> {
    found_by_a_refused_write(GOOGLE, "a_wins", "In the CRM").await?;
    found_by_a_refused_write(GOOGLE, "b_wins", "At Google").await
}

#[tokio::test]
async fn an_edit_in_the_crm_found_by_a_refused_write() -> anyhow::Result<()> {
    found_by_a_refused_write(ZOHO, "a_wins", "In the CRM").await?;
    found_by_a_refused_write(ZOHO, "b_wins", "At Google").await
}

/// A conflict that is asked about stays open, other edits go on, and the answer makes both sides equal.
#[tokio::test]
async fn asked_and_answered() -> anyhow::Result<()> {
    let (world, connection) = clash("ask", GOOGLE).await?;
    assert_eq!(titles(&world).await?, ["In the CRM", "At Google"]);
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    let edit = json!({"Mobile": "+44 20 7946 0958"});
    world.sandbox.edit(ZOHO, &ada.id, edit).await?;
    world.api.sync(&connection).await?;
    let there = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    assert!(
        Contact::read(&there.neutral)
            .phones
            .contains("442079460958")
    );
    assert_eq!(titles(&world).await?, ["In the CRM", "At Google"]);
    let open = conflicts(&world, &connection).await?;
    let open: Vec<&Value> = open.iter().filter(|one| one["status"] == "open").collect();
    assert_eq!(open.len(), 1, "{open:?}");
    let path = format!("/v1/conflicts/{}/resolve", text(open[0], "/id")?);
    let resolved = world.api.post(&path, json!({"winner": "b"})).await?;
    // Carried out at once, though nobody asks for a sync.
    let run = text(&resolved, "/runs/0")?;
    succeeded(world.api.ended(&run).await?)?;
    assert_eq!(titles(&world).await?, ["At Google", "At Google"]);
    world.quiet(&connection).await?;
    let open = conflicts(&world, &connection).await?;
    assert!(open.iter().all(|one| one["status"] != "open"), "{open:?}");
    Ok(())
}
