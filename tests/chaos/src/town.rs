//! Tenants with connected accounts, and the contacts that people have in them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use system_tests::{Audit, Contact, Customer, GOOGLE, Record, Sandbox, ZOHO};

use crate::Args;
use crate::chance::Chance;

/// Tenants that sign up at the same time.
const AT_ONCE: usize = 8;

/// A connection, its two accounts, and who pays for it.
pub struct Pair {
    /// Its tenant.
    pub api: Customer,
    /// Its id.
    pub connection: String,
    /// The people of its two accounts.
    pub sandbox: Sandbox,
    /// The two accounts before anything was synced.
    pub before: Audit,
    /// Contacts that stand on one side only and that nothing was done to yet.
    untouched: Mutex<Vec<Known>>,
}

/// A contact, known by its address.
#[derive(Clone, Debug)]
pub struct Known {
    /// Where it stood at first.
    pub provider: &'static str,
    /// Its id there.
    pub id: String,
    /// Its address.
    pub email: String,
}

/// All tenants' pairs. The first one is small, and is watched: how soon does an edit arrive there?
pub struct Town {
    /// The pair that is watched.
    pub watched: Pair,
    /// All others.
    pub pairs: Vec<Pair>,
}

impl Town {
    /// Signs all up, and authorises and connects all accounts, with their contacts spread evenly.
    pub async fn build(args: &Args, base: &str, sandbox: &Sandbox) -> anyhow::Result<Self> {
        let per_side = args.contacts / args.connections.max(1) / 2;
        let per_tenant = args.connections.div_ceil(args.tenants.max(1));
        let watched = build_one(args, base, sandbox, 0, 5);
        let watched = watched.await?.into_iter().next().context("a pair")?;
        let tenants = (0..args.connections).step_by(usize::try_from(per_tenant)?);
        let pairs = stream::iter(tenants.map(|first| {
            let numbers = first + 1..(first + per_tenant).min(args.connections) + 1;
            build_tenant(args, base, sandbox, numbers, per_side)
        }));
        let pairs: Vec<Vec<Pair>> = pairs.buffered(AT_ONCE).try_collect().await?;
        Ok(Self {
            watched,
            pairs: pairs.into_iter().flatten().collect(),
        })
    }
}

async fn build_one(
    args: &Args,
    base: &str,
    sandbox: &Sandbox,
    number: u64,
    per_side: u64,
) -> anyhow::Result<Vec<Pair>> {
    build_tenant(args, base, sandbox, number..number + 1, per_side).await
}

/// A tenant with the connections of these numbers.
async fn build_tenant(
    args: &Args,
    base: &str,
    sandbox: &Sandbox,
    numbers: std::ops::Range<u64>,
    per_side: u64,
) -> anyhow::Result<Vec<Pair>> {
    let api = Customer::sign_up(base, &format!("owner-{}@town.example", numbers.start)).await?;
    let mut pairs = Vec::new();
    for number in numbers {
        let seed = args.seed.wrapping_mul(1_000_003) + number;
        let (logins, sandbox) = sandbox.open_accounts(number, per_side, seed).await?;
        let before = Audit::take(&sandbox).await?;
        let untouched = Mutex::new(alone(&sandbox).await?);
        let changes = json!({
            "schedule": {"every": args.every},
            "deletions": {"a_to_b": "delete", "b_to_a": "delete"},
        });
        let connection = api.connect_logins(&logins, changes).await?;
        pairs.push(Pair {
            api: api.clone(),
            connection,
            sandbox,
            before,
            untouched,
        });
    }
    Ok(pairs)
}

/// Named contacts whose only address nobody else has, on either side: by it they are told from all others.
async fn alone(sandbox: &Sandbox) -> anyhow::Result<Vec<Known>> {
    let side = async |provider| -> anyhow::Result<Vec<(&'static str, String, Contact)>> {
        let live = sandbox.live(provider).await?.into_iter();
        let read = |record: Record| (provider, record.id, Contact::read(&record.neutral));
        Ok(live.map(read).collect())
    };
    let all = [side(ZOHO).await?, side(GOOGLE).await?].concat();
    let mut bearers = BTreeMap::<String, usize>::new();
    for email in all.iter().flat_map(|(_, _, contact)| &contact.emails) {
        *bearers.entry(email.clone()).or_default() += 1;
    }
    let all = all.into_iter().filter(|(_, _, contact)| {
        let own = contact
            .emails
            .iter()
            .all(|email| bearers.get(email) == Some(&1));
        !contact.name.is_empty() && contact.emails.len() == 1 && own
    });
    Ok(all
        .filter_map(|(provider, id, contact)| {
            let email = contact.emails.into_iter().next()?;
            Some(Known {
                provider,
                id,
                email,
            })
        })
        .collect())
}

impl Pair {
    /// A contact that nothing was done to yet, which is then done to.
    pub fn touch(&self, chance: &mut Chance) -> Option<Known> {
        let mut untouched = self
            .untouched
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if untouched.is_empty() {
            return None;
        }
        let nth = chance.below(untouched.len());
        Some(untouched.swap_remove(nth))
    }
}
