//! The key ring's keys are changed under a server that runs: nobody notices, and what is wrong is refused in words.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, ensure};
use serde_json::json;
use system_tests::customer::succeeded;
use system_tests::program::Printed;
use system_tests::world::ZOHO_LOGIN;
use system_tests::{Customer, GOOGLE, Scratch, World, ZOHO};

use crate::people::{crm, email, title};

/// What the operator's command says; it must end well.
async fn said(world: &World, args: &[&str]) -> anyhow::Result<String> {
    let printed = world.operate(args).await?;
    ensure!(printed.success, "{args:?}: {}", printed.stderr);
    Ok(printed.stdout)
}

/// The error of a command that must be refused.
async fn refused(world: &World, args: &[&str]) -> anyhow::Result<String> {
    let Printed {
        success,
        stdout,
        stderr,
    } = world.operate(args).await?;
    ensure!(!success, "{args:?} went through: {stdout}");
    Ok(stderr)
}

/// The keys as they are listed: id, whether it wraps, tenants.
async fn keys(world: &World) -> anyhow::Result<Vec<(String, bool, u64)>> {
    let list = said(world, &["keys", "list"]).await?;
    let rows = list.lines().skip(1).map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let id = words.first().context("an id")?;
        let tenants = words.last().context("a number")?.parse()?;
        Ok(((*id).to_owned(), words.contains(&"wraps"), tenants))
    });
    rows.collect()
}

#[tokio::test]
async fn keys_rotate_under_a_server_that_syncs() -> anyhow::Result<()> {
    let mut world = World::start(20).await?;
    world.sandbox.create(ZOHO, crm("Ada", json!({}))).await?;
    let connection = world.connected(json!({})).await?;
    let first = keys(&world).await?;
    let [(old, true, 1)] = first.as_slice() else {
        anyhow::bail!("one key that wraps one tenant's: {first:?}");
    };
    said(&world, &["keys", "add"]).await?;
    let added = keys(&world).await?;
    assert!(added.contains(&(old.clone(), true, 1)), "{added:?}");
    let (new, ..) = added.iter().find(|key| key.0 != *old).context("a key")?;
    let wraps = refused(&world, &["keys", "retire", old]).await?;
    assert!(wraps.contains("is the key that wraps"), "{wraps}");

    // Edits and syncs go on all the while.
    let ada = world.sandbox.get(ZOHO, &email("Ada")).await?;
    let over = AtomicBool::new(false);
    let syncing = async {
        let mut edits = 0;
        while !over.load(Ordering::Relaxed) || edits < 3 {
            edits += 1;
            let edit = json!({"Title": format!("Title {edits}")});
            world.sandbox.edit(ZOHO, &ada.id, edit).await?;
            world.api.sync(&connection).await?;
        }
        anyhow::Ok(edits)
    };
    let rotating = async {
        let rotated = said(&world, &["keys", "rotate", new]).await;
        over.store(true, Ordering::Relaxed);
        rotated
    };
    let (edits, rotated) = tokio::join!(syncing, rotating);
    let (edits, rotated) = (edits?, rotated?);
    assert!(rotated.contains("anew: 1"), "{rotated}");
    assert!(
        said(&world, &["keys", "rotate", new])
            .await?
            .contains("anew: 0")
    );
    let ada = world.sandbox.get(GOOGLE, &email("Ada")).await?;
    let wanted = title(&format!("Title {edits}"))["organizations"][0]["title"].clone();
    assert_eq!(ada.native["organizations"][0]["title"], wanted);

    // The server read the ring before there was a second key, and takes it for a tenant that is new.
    let mut other = Customer::sign_up(&world.api.base, "other@test.example").await?;
    let mut expected = vec![(old.clone(), false, 0), (new.clone(), true, 2)];
    expected.sort();
    assert_eq!(keys(&world).await?, expected);
    said(&world, &["keys", "retire", old]).await?;
    assert_eq!(keys(&world).await?, [(new.clone(), true, 2)]);
    world.whole(&connection).await?;

    world.stop().await?;
    world.start_again().await?;
    world.sandbox.create(ZOHO, crm("Bob", json!({}))).await?;
    succeeded(world.api.sync(&connection).await?)?;
    world.sandbox.get(GOOGLE, &email("Bob")).await?;
    world.api.base.clone_into(&mut other.base);
    other.authorise("zoho_crm", ZOHO_LOGIN).await?;
    Ok(())
}

#[tokio::test]
async fn a_wrong_use_of_keys_is_refused() -> anyhow::Result<()> {
    let mut world = World::start(0).await?;
    let before = keys(&world).await?;
    for args in [["keys", "rotate", "k9"], ["keys", "retire", "k9"]] {
        let unknown = refused(&world, &args).await?;
        let (only, ..) = before.first().context("a key")?;
        assert!(unknown.contains("has no key `k9`"), "{unknown}");
        assert!(unknown.contains(only), "{unknown}");
    }
    assert_eq!(keys(&world).await?, before);
    // Another ring, as of another installation, neither takes this database over nor loses a key for it.
    let scratch = Scratch::new()?;
    let ring = scratch.0.join("keys.toml");
    let key = "A".repeat(43) + "=";
    std::fs::write(
        &ring,
        format!("active = \"k8\"\n[keys]\nk8 = \"{key}\"\nk9 = \"{key}\"\n"),
    )?;
    std::fs::set_permissions(&ring, Permissions::from_mode(0o600))?;
    let text = std::fs::read(&ring)?;
    world.set("SYNCLINE__KEYS__FILE", &ring.display().to_string());
    for args in [["keys", "rotate", "k9"], ["keys", "retire", "k9"]] {
        let stranger = refused(&world, &args).await?;
        assert!(
            stranger.contains("the key ring is another one"),
            "{stranger}"
        );
    }
    assert_eq!(std::fs::read(&ring)?, text);
    let nowhere = scratch.0.join("none.toml");
    world.set("SYNCLINE__KEYS__FILE", &nowhere.display().to_string());
    let nowhere = refused(&world, &["keys", "add"]).await?;
    assert!(nowhere.contains("there is no key ring at"), "{nowhere}");
    Ok(())
}
