//! Watches: before a run reads what its provider can tell of, the provider is asked to tell, unless it was. Whatever
//! goes wrong is no trouble of the run's: what is not told of is found by the schedule.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use syncline_connector::watch::{Watch, Watched};
use syncline_model::Side;
use syncline_platform::clock::later;
use syncline_platform::random::{digest, random_token};
use syncline_store::{AgreedWatch, NewWatch};

use super::context::{OpenSide, RunContext};
use crate::Trouble;

/// How long a run waits to be promised something.
const PATIENCE: Duration = Duration::from_secs(30);
/// When a provider is asked again that did not agree.
const RETRY: TimeDelta = TimeDelta::hours(1);
/// How long a watch is left alone that does not end by itself: somebody may have ended it at the provider.
const UNENDING: TimeDelta = TimeDelta::days(30);

/// Sees to it that both providers tell of changes, as far as they can and the connection would read them by itself.
pub async fn keep(context: &RunContext<'_>) {
    let connection = &context.connection;
    if connection.schedule.every_seconds.is_none() {
        return;
    }
    for side in Side::BOTH {
        let is_read = connection.direction.from_side(side);
        let open = context.sides.get(side);
        if !is_read || !open.connector.definition().capabilities.watch {
            continue;
        }
        match tokio::time::timeout(PATIENCE, keep_one(context, side, open)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%side, %error, "the provider does not tell of changes");
            }
            Err(_) => {
                tracing::warn!(%side, "the provider does not say whether it tells of changes");
            }
        }
    }
}

async fn keep_one(context: &RunContext<'_>, side: Side, open: &OpenSide) -> Result<(), Trouble> {
    let Some(hooks) = &context.tools.hooks else {
        return Ok(());
    };
    let failed = |error| Trouble::Provider { side, error };
    let now = context.tools.clock.now();
    let provider = open.connector.definition().id.as_str();
    let token = random_token(32);
    let new = NewWatch {
        account: context.connection.sides.get(side).account,
        collection: open.collection.clone(),
        token_hash: digest(&token),
        address: hooks.to_string(),
        due_at: now + RETRY,
    };
    // Before the provider is asked: it may call at once.
    let Some(earlier) = context.scope.watch_claim(&new, now).await? else {
        return Ok(());
    };
    let mut url = hooks.as_ref().clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend([provider, &token]);
    }
    let watch = Watch {
        collection: open.collection.clone(),
        url,
    };
    let asked = open.connector.watch(&open.session, &watch).await;
    let watched = asked.map_err(failed)?;
    let agreed = AgreedWatch {
        due_at: renewal(&watched, now),
        remote_id: watched.id,
        secret: watched.secret,
    };
    let stands = context.scope.watch_agree(&new, &agreed).await?;
    let over = if stands {
        tracing::info!(%side, due_at = %agreed.due_at, "the provider tells of changes");
        earlier
    } else {
        // Somebody else asked meanwhile, to be called at another address.
        Some(agreed.remote_id)
    };
    if let Some(over) = over {
        let ended = open
            .connector
            .unwatch(&open.session, &open.collection, &over);
        ended.await.map_err(failed)?;
    }
    Ok(())
}

/// With a quarter of its life left, so that a provider which does not answer can be asked again.
fn renewal(watched: &Watched, now: DateTime<Utc>) -> DateTime<Utc> {
    let life = watched.until.map(|until| (until - now) * 3 / 4);
    let life = life.unwrap_or(UNENDING).to_std().unwrap_or_default();
    later(now, life)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_is_renewed_before_it_ends() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let check = |until: Option<TimeDelta>, expect: TimeDelta| {
            let watched = Watched {
                id: String::new(),
                secret: None,
                until: until.map(|life| now + life),
            };
            assert_eq!(renewal(&watched, now) - now, expect, "{until:?}");
        };
        check(None, TimeDelta::days(30));
        check(Some(TimeDelta::days(8)), TimeDelta::days(6));
        check(Some(TimeDelta::hours(1)), TimeDelta::minutes(45));
        check(Some(TimeDelta::seconds(-5)), TimeDelta::zero());
    }
}
