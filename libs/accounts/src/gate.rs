//! An account's limits over all workers together: the definition's token buckets, and how many calls may be under way.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use syncline_connector::{Definition, Gate, LimitScope, Pass};
use syncline_coordination::{BucketSpec, Buckets, Seat, Take, Want};
use syncline_model::AccountId;
use syncline_platform::config::Provider;
use syncline_platform::random_token;

/// A call that lasts longer than this loses its place; the HTTP client gives it up before.
const HOLD: Duration = Duration::from_secs(90);

/// The limits of one account and of its provider.
pub(crate) struct AccountGate {
    buckets: Arc<dyn Buckets>,
    limits: Vec<(String, Want)>,
    /// Among the account's calls.
    seats: Vec<Seat>,
    /// The one who writes, where the provider wants one at a time; and among the account's calls.
    writing: Vec<Seat>,
}

/// A place among an account's calls, given up when dropped.
struct Place {
    buckets: Arc<dyn Buckets>,
    seats: Vec<Seat>,
    holder: String,
}

impl AccountGate {
    pub(crate) fn new(
        buckets: Arc<dyn Buckets>,
        definition: &Definition,
        configured: Option<&Provider>,
        account: AccountId,
    ) -> Self {
        let limits = definition
            .limits
            .iter()
            .map(|limit| {
                let key = match limit.scope {
                    LimitScope::Account => format!("rate:{account}:{}", limit.name),
                    LimitScope::Provider => format!("rate:{}:{}", definition.id, limit.name),
                };
                let own = configured.and_then(|provider| provider.limits.get(&limit.name));
                let want = Want {
                    key,
                    spec: BucketSpec {
                        capacity: own.map_or(limit.capacity, |own| own.capacity),
                        per_minute: own.map_or(limit.per_minute, |own| own.per_minute),
                    },
                    tokens: 0,
                };
                (limit.name.clone(), want)
            })
            .collect();
        let calls = definition.concurrent_calls.map(|seats| Seat {
            key: format!("calls:{account}"),
            seats,
            hold: HOLD,
        });
        let writer = definition.capabilities.sequential_writes.then(|| Seat {
            key: format!("writer:{account}"),
            seats: 1,
            hold: HOLD,
        });
        Self {
            buckets,
            limits,
            seats: calls.iter().cloned().collect(),
            writing: writer.into_iter().chain(calls).collect(),
        }
    }

    /// What a call draws from the limits of these names, the account's and the provider's.
    fn wants(&self, buckets: &[(&str, u32)]) -> Vec<Want> {
        let of_name = |name: &str| -> u32 {
            let named = buckets.iter().filter(|(bucket, _)| *bucket == name);
            named.map(|(_, tokens)| *tokens).sum()
        };
        self.limits
            .iter()
            .filter(|(name, _)| buckets.iter().any(|(bucket, _)| bucket == name))
            .map(|(name, want)| Want {
                tokens: of_name(name),
                ..want.clone()
            })
            .collect()
    }

    async fn pass(&self, wants: &[Want], seats: &[Seat], holder: &str) -> Result<(), Duration> {
        if wants.is_empty() && seats.is_empty() {
            return Ok(());
        }
        match self.buckets.enter(wants, seats, holder).await {
            Ok(Take::Taken { .. }) => Ok(()),
            Ok(Take::Wait(wait)) => Err(wait),
            Err(error) => {
                // Without the buckets the provider's own limit is what holds: a short burst, then its 429.
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "calls go unmetered"
                );
                Ok(())
            }
        }
    }
}

#[async_trait]
impl Gate for AccountGate {
    async fn take(&self, bucket: &str, tokens: u32) -> Result<(), Duration> {
        self.pass(&self.wants(&[(bucket, tokens)]), &[], "").await
    }

    async fn enter(&self, buckets: &[(&'static str, u32)], writes: bool) -> Result<Pass, Duration> {
        let wants = self.wants(buckets);
        let seats = if writes { &self.writing } else { &self.seats };
        if seats.is_empty() {
            self.pass(&wants, &[], "").await?;
            return Ok(Pass::default());
        }
        let place = Place {
            buckets: Arc::clone(&self.buckets),
            seats: seats.clone(),
            holder: random_token(12),
        };
        // Should this be given up half-way, the place is given up too, whether it was had or not.
        self.pass(&wants, seats, &place.holder).await?;
        Ok(Pass::holding(place))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            // The process ends; the place runs out.
            return;
        };
        let (buckets, seats) = (Arc::clone(&self.buckets), std::mem::take(&mut self.seats));
        let holder = std::mem::take(&mut self.holder);
        runtime.spawn(async move {
            if let Err(error) = buckets.leave(&seats, &holder).await {
                tracing::debug!(%error, "a place is not given back, it runs out");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use syncline_coordination::MemoryBuckets;
    use syncline_platform::ManualClock;
    use uuid::Uuid;

    use super::*;

    const DEFINITION: &str = r#"
        id = "p"
        name = "P"
        objects = ["contact"]
        api_base = "https://p.example"
        auth = { kind = "oauth2", authorize_url = "", token_url = "", scopes = [] }
        batch = { get = 1, create = 1, update = 1, delete = 1 }
        capabilities = { delta = true, tombstones = true, conditional_update = true, create = "search", settle_seconds = 1, deletions = [] }
        limits = [
            { name = "read", scope = "account", capacity = 2, per_minute = 60 },
            { name = "read", scope = "provider", capacity = 3, per_minute = 60 },
        ]
    "#;

    #[tokio::test]
    async fn accounts_have_their_own_limits_and_share_the_providers() {
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let buckets: Arc<dyn Buckets> = Arc::new(MemoryBuckets::new(clock));
        let definition = Definition::parse(DEFINITION).unwrap();
        let gate = |number| {
            let account = AccountId::from_uuid(Uuid::from_u128(number));
            AccountGate::new(Arc::clone(&buckets), &definition, None, account)
        };
        let (one, two) = (gate(1), gate(2));
        let second = Duration::from_secs(1);
        assert_eq!(one.take("read", 2).await, Ok(()));
        assert_eq!(one.take("read", 1).await, Err(second), "the account's");
        assert_eq!(two.take("read", 1).await, Ok(()));
        assert_eq!(two.take("read", 1).await, Err(second), "the provider's");
        assert_eq!(two.take("other", 1_000).await, Ok(()), "unknown");
    }

    #[tokio::test]
    async fn a_call_has_all_its_tokens_and_its_place_or_nothing() {
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let buckets: Arc<dyn Buckets> = Arc::new(MemoryBuckets::new(clock));
        let text = format!("concurrent_calls = 2\n{DEFINITION}");
        let definition = Definition::parse(&text).unwrap();
        let account = AccountId::from_uuid(Uuid::from_u128(1));
        let gate = AccountGate::new(buckets, &definition, None, account);
        let one = gate.enter(&[], false).await;
        let two = gate.enter(&[], false).await;
        assert!(one.is_ok() && two.is_ok());
        let wait = gate.enter(&[("read", 1)], false).await.err();
        assert_eq!(wait, Some(Duration::from_millis(100)), "two are under way");
        assert_eq!(gate.take("read", 2).await, Ok(()), "no token was taken");
        drop(one);
        // The place is given back by a task of its own, which runs when this one waits.
        let begun = std::time::Instant::now();
        while gate.enter(&[], false).await.is_err() {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "never given back"
            );
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn one_call_writes_at_a_time_whichever_process_makes_it() {
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let buckets: Arc<dyn Buckets> = Arc::new(MemoryBuckets::new(clock.clone()));
        let text = DEFINITION.replace(
            "conditional_update",
            "sequential_writes = true, conditional_update",
        );
        let definition = Definition::parse(&text).unwrap();
        // Two workers' gates share nothing but the buckets.
        let gate = |number| {
            let account = AccountId::from_uuid(Uuid::from_u128(number));
            AccountGate::new(Arc::clone(&buckets), &definition, None, account)
        };
        let (here, there, other) = (gate(1), gate(1), gate(2));
        let writing = here.enter(&[], true).await;
        assert!(writing.is_ok());
        let wait = there.enter(&[("read", 1)], true).await.err();
        assert_eq!(wait, Some(Duration::from_millis(100)), "someone writes");
        assert!(there.enter(&[], false).await.is_ok(), "reading is free");
        assert!(other.enter(&[], true).await.is_ok(), "another account");
        // A worker that died in the middle of a call blocks nobody for good.
        clock.advance(HOLD);
        assert!(there.enter(&[], true).await.is_ok(), "its place ran out");
        drop(writing);
    }
}
