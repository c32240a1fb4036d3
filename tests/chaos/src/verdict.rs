//! What came of it, by the sandbox's own count.

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use sqlx::PgConnection;
use system_tests::customer::succeeded;
use system_tests::http::until;
use system_tests::{Audit, Fleet, GOOGLE, Sandbox, ZOHO};
use tokio::time::Instant;

use crate::blows::Recovered;
use crate::editors::{Deed, Ledger, lost};
use crate::town::{Pair, Town};

/// Pairs that are synced at the same time.
const AT_ONCE: usize = 16;
/// Longest time until a pair is synced in the end, in seconds.
const SYNC: u64 = 600;
/// Of each kind of trouble, how many are told.
const TOLD: usize = 5;

/// How much is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Deeds of people that did not come true on both sides.
    pub lost: usize,
    /// Contacts that stand twice.
    pub duplicates: usize,
    /// Pairs whose sides differ.
    pub unequal: usize,
    /// Intents not settled.
    pub outbox: i64,
    /// Requests that changed something in a last sync with nothing to do.
    pub restless: u64,
}

/// The last line: by its own count, how much is wrong, and how soon all worked again after each fault.
#[derive(Serialize)]
pub struct Report {
    lost: usize,
    duplicates: usize,
    unequal_connections: usize,
    outbox_left: i64,
    faults: Vec<Recovered>,
}

impl Verdict {
    /// The last line.
    pub const fn report(self, faults: Vec<Recovered>) -> Report {
        Report {
            lost: self.lost,
            duplicates: self.duplicates,
            unequal_connections: self.unequal,
            outbox_left: self.outbox,
            faults,
        }
    }

    /// Whether nothing is wrong.
    pub fn is_clean(self) -> bool {
        self == Self::default()
    }
}

/// Syncs every pair to its end, and looks at what is there.
pub async fn reach(
    fleet: &Fleet,
    town: &Town,
    ledger: &Ledger,
    sandbox: &Sandbox,
) -> anyhow::Result<Verdict> {
    let begun = Instant::now();
    // A run under way began before the last deed: the one after it does not.
    for _ in 0..2 {
        sync_all(town).await?;
    }
    println!(
        "every pair is synced after {:.0} s",
        begun.elapsed().as_secs_f64()
    );
    sandbox.mark().await?;
    sync_all(town).await?;
    let mut verdict = Verdict {
        restless: sandbox.writes().await?,
        ..Verdict::default()
    };
    println!("a last sync of all wrote {} times", verdict.restless);
    let mut rows = fleet.shared().look().await?;
    (verdict.outbox,) = sqlx::query_as("select count(*) from intents")
        .fetch_one(&mut rows)
        .await?;
    for (number, pair) in town.pairs.iter().enumerate() {
        look(&mut verdict, ledger, number, pair, &mut rows).await?;
    }
    Ok(verdict)
}

async fn sync_all(town: &Town) -> anyhow::Result<()> {
    let all = stream::iter(town.pairs.iter().map(sync));
    all.buffer_unordered(AT_ONCE).try_collect().await
}

/// Until it succeeds: a run may have been given up on while a provider failed.
async fn sync(pair: &Pair) -> anyhow::Result<()> {
    until("a sync that succeeds", SYNC, async || {
        let run = pair.api.begin(&pair.connection).await?;
        let ended = pair.api.ended(&run).await?;
        Ok(match succeeded(ended) {
            Ok(_) => Some(()),
            Err(error) => {
                println!("{}: {error}", pair.connection);
                None
            }
        })
    })
    .await
    .with_context(|| pair.connection.clone())
}

async fn look(
    verdict: &mut Verdict,
    ledger: &Ledger,
    number: usize,
    pair: &Pair,
    rows: &mut PgConnection,
) -> anyhow::Result<()> {
    let now = Audit::take(&pair.sandbox).await?;
    let tell = |what: &str, found: &[String], before: usize| {
        for one in found.iter().take(TOLD.saturating_sub(before)) {
            println!("{what} in {}: {one}", pair.connection);
        }
    };
    let sides = [now.live(ZOHO), now.live(GOOGLE)];
    let deeds = ledger.of(number);
    let mut missing = 0;
    for (deed, side) in lost(&deeds, &sides) {
        if is_unknowable(rows, deed).await? {
            println!("  {deed}: nobody knew yet that it had been made, and it was made again");
            continue;
        }
        println!("lost in {}: {deed}, not so at {side}", pair.connection);
        tell_story(rows, pair, deed).await?;
        missing += 1;
    }
    let doubled = now.duplicates(&pair.before);
    tell("double", &doubled, verdict.duplicates);
    let unequal = now.unequal();
    tell("unequal", &unequal, verdict.unequal);
    verdict.lost += missing;
    verdict.duplicates += doubled.len();
    verdict.unequal += usize::from(!unequal.is_empty());
    Ok(())
}

/// Whether somebody deleted a record whose creation had not been answered yet: who looks for it then finds nothing, as
/// if it had never been made.
async fn is_unknowable(rows: &mut PgConnection, deed: &Deed) -> anyhow::Result<bool> {
    let Deed::Deleted(_, place) = deed else {
        return Ok(false);
    };
    let known = "select exists (select 1 from history where remote_id = $1)";
    let known = sqlx::query_scalar::<_, bool>(known).bind(&place.id);
    Ok(place.copy && !known.fetch_one(rows).await?)
}

/// A write as history has it: when, what, on which side, to which record, by which run, for which link.
type Written = (String, String, String, String, String, String);

/// Prints what is known of the records that a deed concerned: those that stand there now, and every write to them.
async fn tell_story(rows: &mut PgConnection, pair: &Pair, deed: &Deed) -> anyhow::Result<()> {
    let mut ids = Vec::new();
    if let Deed::Deleted(_, place) = deed {
        ids.push(place.id.clone());
    }
    for provider in [ZOHO, GOOGLE] {
        if let Some(record) = pair.sandbox.find(provider, deed.email()).await? {
            println!("  at {provider}: {}", record.native);
            ids.push(record.id);
        }
    }
    // A record's link, and whatever stood at its other end.
    let written = "select to_char(at at time zone 'utc', 'HH24:MI:SS.MS'), kind, side, remote_id, run_id::text, link_id::text
        from history where link_id in (select link_id from history where remote_id = any($1)) order by seq";
    let written: Vec<Written> = sqlx::query_as(written)
        .bind(&ids)
        .fetch_all(&mut *rows)
        .await?;
    for (at, kind, side, remote, run, link) in written {
        println!("  {at} {kind} on {side}: {remote}, run {run}, link {link}");
    }
    Ok(())
}
