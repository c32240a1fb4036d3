//! `syncline keys`: the key ring's keys, changed while everything runs. Each command may be given again after it was
//! interrupted; what was done already is not done twice.

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use syncline_platform::Config;
use syncline_platform::seal::{KeyRing, KeyRingFile};
use syncline_store::{KeyUse, Store};

use crate::cli::ConfigArgs;
use crate::{out, wiring};

/// `keys`.
#[derive(Debug, Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
    #[command(flatten)]
    config: ConfigArgs,
    /// Where the key ring and the database are kept, as `serve` was told.
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<std::path::PathBuf>,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Lists the keys, which of them wraps tenants' keys, and how many each has wrapped.
    List,
    /// Adds a new key to the key ring's file, which wraps nothing yet. Needs no database.
    Add,
    /// Has a key of the ring wrap new tenants' keys from now on, and wraps all that exist anew with it.
    Rotate {
        /// The key.
        id: String,
    },
    /// Takes a key that has nothing wrapped any more out of the key ring's file.
    Retire {
        /// The key.
        id: String,
    },
}

/// Does what was asked.
pub async fn run(args: KeysArgs) -> anyhow::Result<()> {
    let mut config = args.config.load()?;
    if let Some(dir) = args.data_dir {
        config.data_dir = dir;
    }
    match args.command {
        KeysCommand::List => list(&config).await,
        KeysCommand::Add => add(&config),
        KeysCommand::Rotate { id } => rotate(&config, &id).await,
        KeysCommand::Retire { id } => retire(&config, &id).await,
    }
}

async fn list(config: &Config) -> anyhow::Result<()> {
    let ring = KeyRing::open(&config.keys_file())?;
    let store = wiring::open_migrated_store(config).await?;
    let usage = store.key_use().await?;
    store.close().await;
    Ok(out::print(&table(&ring, &usage))?)
}

/// A line a key, those too that the ring lacks.
fn table(ring: &KeyRing, usage: &KeyUse) -> String {
    let line = |id: &str, state: &str, tenants: &str| format!("{id:<20} {state:<16} {tenants}\n");
    let wrapping = usage.wrapping.clone().unwrap_or_else(|| ring.active());
    let has = ring.key_ids();
    let lacks = usage.tenants.keys().filter(|id| !has.contains(id));
    let rows = has.iter().chain(lacks).map(|id| {
        let state = match (has.contains(id), *id == wrapping) {
            (false, _) => "NOT IN THE RING",
            (true, true) => "wraps",
            (true, false) => "",
        };
        let tenants = usage.tenants.get(id).copied().unwrap_or_default();
        line(id, state, &tenants.to_string())
    });
    [line("key", "", "tenants")]
        .into_iter()
        .chain(rows)
        .collect()
}

fn add(config: &Config) -> anyhow::Result<()> {
    let id = KeyRingFile::hold(&config.keys_file())?.add()?;
    Ok(out::line(&format!(
        "added the key {id}, which wraps nothing yet\n\
         keep a copy of the key ring and give it to all processes, then: syncline keys rotate {id}"
    ))?)
}

async fn rotate(config: &Config, id: &str) -> anyhow::Result<()> {
    let mut file = KeyRingFile::hold(&config.keys_file())?;
    file.need(id)?;
    let store = fitting_store(config).await?;
    file.activate(id)?;
    store.wrapping_key_set(id).await?;
    // Others may go on with the file; who rotates to another key ends what follows.
    drop(file);
    let done = store.keys_rewrap(id).await;
    store.close().await;
    let done = done.with_context(|| {
        format!("{id} wraps new tenants' keys, but not all that exist: run this again")
    })?;
    out::line(&format!(
        "the key {id} wraps; keys of tenants wrapped anew: {}",
        done.wrapped
    ))?;
    ensure!(
        done.refused == 0,
        "the keys of {} tenants do not open with this key ring and stay as they are: `syncline keys list`",
        done.refused
    );
    Ok(())
}

async fn retire(config: &Config, id: &str) -> anyhow::Result<()> {
    let mut file = KeyRingFile::hold(&config.keys_file())?;
    file.need(id)?;
    let store = fitting_store(config).await?;
    let usage = store.key_use().await?;
    store.close().await;
    let Some(wrapping) = &usage.wrapping else {
        bail!("nothing was ever wrapped in this database: is it the right one?");
    };
    ensure!(
        id != wrapping,
        "{id} is the key that wraps: `syncline keys rotate` to another one first"
    );
    if let Some(tenants) = usage.tenants.get(id) {
        bail!(
            "{id} still wraps the keys of {tenants} tenants: run `syncline keys rotate {wrapping}` first"
        );
    }
    file.remove(id, wrapping)?;
    Ok(out::line(&format!(
        "{id} is out of the key ring; backups from before the rotation open only with a copy that has it"
    ))?)
}

/// The database, if the ring is the one that it was sealed with: with another one, either would be spoilt.
async fn fitting_store(config: &Config) -> anyhow::Result<Store> {
    let store = wiring::open_migrated_store(config).await?;
    wiring::need_fitting_keys(&store).await?;
    Ok(store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_shows_what_each_key_is_for() {
        let key = |id: &str| (id.to_owned(), [7; 32].into());
        let ring = KeyRing::from_keys("k1", [key("k1"), key("k2")]).unwrap();
        let usage = |wrapping: Option<&str>, tenants: &[(&str, u64)]| KeyUse {
            wrapping: wrapping.map(str::to_owned),
            tenants: tenants
                .iter()
                .map(|(id, n)| ((*id).to_owned(), *n))
                .collect(),
        };
        let check = |usage: &KeyUse, expect: &[&str]| {
            let shown = table(&ring, usage);
            let lines: Vec<String> = shown
                .lines()
                .skip(1)
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect();
            assert_eq!(lines, expect, "{shown}");
        };
        check(&usage(None, &[]), &["k1 wraps 0", "k2 0"]);
        check(
            &usage(Some("k2"), &[("k1", 3), ("k2", 1), ("k9", 2)]),
            &["k1 3", "k2 wraps 1", "k9 NOT IN THE RING 2"],
        );
    }
}
