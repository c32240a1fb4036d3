//! The server is killed again and again in the middle of its work, while the sandbox goes on.

use std::time::Duration;

use system_tests::customer::succeeded;
use system_tests::http::number;
use system_tests::world::did;
use system_tests::{Audit, World};

/// Times that the server is killed.
const KILLS: u64 = 10;

/// F-01, F-02, F-03, F-04, F-06: killed at ten moments of a first sync, nothing is twice and nothing is missing.
///
/// `SYNCLINE_KILL_CONTACTS` sets the contacts a side (300 when absent), `SYNCLINE_KILL_SEED` the moments, and
/// `SYNCLINE_KILL_WITHIN` how many milliseconds at most pass before the next one (1000 when absent).
#[tokio::test]
async fn a_first_sync_survives_ten_kills() -> anyhow::Result<()> {
    let contacts = setting("SYNCLINE_KILL_CONTACTS", 300);
    let mut chance = setting("SYNCLINE_KILL_SEED", 20_261_122);
    println!("SYNCLINE_KILL_CONTACTS={contacts} SYNCLINE_KILL_SEED={chance}");
    // A fleet's runs are taken up when the leases of the dead are over.
    let mut world = World::start_tuned(contacts, &[("LEASE", "10s")]).await?;
    // With many contacts its end is asked for longer than a customer may.
    world.set("SYNCLINE__SERVER__LIMITS__TENANT", "100000");
    // Slow providers: the work lasts long enough for every kill to strike it.
    for provider in ["zoho", "google"] {
        let slow =
            serde_json::json!({"provider": provider, "fault": {"kind": "delay_ms", "ms": 120}});
        world.sandbox.fault(slow).await?;
    }
    let connection = world.connect(serde_json::json!({})).await?;
    let first = world.api.begin(&connection).await?;
    let within = setting("SYNCLINE_KILL_WITHIN", 1000).max(101);
    let mut unfinished = 0;
    for _ in 0..KILLS {
        let moment = Duration::from_millis(100 + next(&mut chance) % (within - 100));
        tokio::time::sleep(moment).await;
        let run = world.api.run(&first).await?;
        let (pulled, created) = (&run["counters"]["pulled"], did(&run, "created"));
        println!("killed after {moment:?}: {pulled} pulled, {created} created");
        unfinished += u64::from(run["finished_at"].is_null());
        world.crash().await?;
    }
    assert!(
        unfinished >= KILLS / 2,
        "only {unfinished} kills struck the run"
    );
    world.sandbox.mend().await?;
    succeeded(world.api.ended(&first).await?)?;
    let audit = Audit::take(&world.sandbox).await?;
    audit.whole(&world.before)?;
    let run = world.quiet(&connection).await?;
    assert_eq!(number(&run, "/counters/a_to_b/created"), 0);
    assert_eq!(number(&run, "/counters/b_to_a/created"), 0);
    Ok(())
}

fn setting(name: &str, default: u64) -> u64 {
    let text = std::env::var_os(name).and_then(|text| text.into_string().ok());
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// `SplitMix64`: the same seed gives the same moments.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
