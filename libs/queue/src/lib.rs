//! Publish, receive, ack: how jobs reach workers.
