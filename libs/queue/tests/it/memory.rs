//! The queue in this process, and what it promises beyond the suite.

use std::sync::Arc;

use syncline_queue::{MemoryQueue, Priority, Queue, QueueError};

use crate::conformance::job;

async fn fresh() -> Arc<dyn Queue> {
    Arc::new(MemoryQueue::new())
}

crate::conformance!(fresh);

#[tokio::test]
async fn a_full_queue_says_so_and_equal_jobs_take_no_room() {
    let queue = MemoryQueue::with_limit(2);
    for number in [1, 2, 2, 1] {
        queue
            .publish(&job(number), Priority::Scheduled)
            .await
            .unwrap();
    }
    let error = queue
        .publish(&job(3), Priority::Scheduled)
        .await
        .unwrap_err();
    assert!(matches!(error, QueueError::Full { limit: 2 }), "{error}");
    assert_eq!(queue.receive().await.unwrap().job, job(1));
    queue.publish(&job(3), Priority::Scheduled).await.unwrap();
    assert_eq!(queue.receive().await.unwrap().job, job(2));
    assert_eq!(queue.receive().await.unwrap().job, job(3));
}
