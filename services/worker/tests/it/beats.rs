//! The heartbeat of a slice and the slice's own end want the same rows.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use syncline_platform::Clock;
use syncline_worker::execute;
use tokio::time::timeout;

use crate::office::{Bell, start, tools};

/// Nobody sleeps long on it: the lease is prolonged without a pause, and so whenever a slice ends.
#[derive(Debug)]
struct Restless;

#[async_trait]
impl Clock for Restless {
    fn now(&self) -> DateTime<Utc> {
        start()
    }

    async fn sleep(&self, _duration: Duration) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_slice_ends_while_its_lease_is_being_prolonged() {
    let tools = tools(&Arc::new(Bell::default()), Arc::new(Restless)).await;
    let due = tools.store.runs_due(start(), None, 1).await.expect("runs");
    assert!(due.is_empty(), "the scheduler makes them");
    syncline_worker::Scheduler::new(tools.clone())
        .tick()
        .await
        .expect("a tick");
    let due = tools
        .store
        .runs_due(start(), None, 100)
        .await
        .expect("runs");
    assert_eq!(due.len(), 100);
    for one in due {
        let slice = timeout(Duration::from_secs(5), execute(&tools, one.tenant, one.run));
        slice.await.expect("its end").expect("a slice");
    }
}
