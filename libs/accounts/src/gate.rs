//! An account's token buckets: the definition's limits, over all workers together.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use syncline_connector::{Definition, Gate, LimitScope};
use syncline_coordination::{BucketSpec, Buckets, Take, Want};
use syncline_model::AccountId;
use syncline_platform::config::Provider;

/// The buckets of one account and of its provider.
pub(crate) struct AccountGate {
    buckets: Arc<dyn Buckets>,
    limits: Vec<(String, Want)>,
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
        Self { buckets, limits }
    }
}

#[async_trait]
impl Gate for AccountGate {
    /// Takes from every limit of that name, the account's and the provider's, or from none.
    async fn take(&self, bucket: &str, tokens: u32) -> Result<(), Duration> {
        let wants: Vec<Want> = self
            .limits
            .iter()
            .filter(|(name, _)| name == bucket)
            .map(|(_, want)| Want {
                tokens,
                ..want.clone()
            })
            .collect();
        if wants.is_empty() {
            return Ok(());
        }
        match self.buckets.take(&wants).await {
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
}
