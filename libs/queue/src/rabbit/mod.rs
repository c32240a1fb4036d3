//! The queue on RabbitMQ: durable quorum queues, one for each priority, and one for what was set aside.
//!
//! One connection publishes, another receives. Both are made when they are needed and again when they are lost, so a
//! process starts without its broker and outlives its restarts. Attempts at a run are counted in its row, not here.

mod link;
mod publisher;
mod receiver;
mod seeker;
mod topology;

use std::sync::Arc;

use async_trait::async_trait;
use lapin::uri::AMQPUri;
use secrecy::{ExposeSecret as _, SecretString};
use syncline_model::Job;

use self::link::Link;
use self::publisher::Publisher;
use self::receiver::Receiver;
use self::topology::Topology;
use crate::{Delivery, Priority, Queue, QueueDepths, QueueError};

/// Where the broker is and how its queues are named.
#[derive(Clone, Debug)]
pub struct RabbitSettings {
    /// `amqp://user:password@host:5672/vhost`, or `amqps:` for TLS. The default vhost is `/%2f`.
    pub url: SecretString,
    /// What the names of the queues begin with: installations with different ones share a broker undisturbed.
    pub prefix: String,
    /// Certificates, as PEM, of authorities to trust besides the public ones.
    pub ca: Option<String>,
}

impl RabbitSettings {
    fn uri(&self) -> Result<AMQPUri, QueueError> {
        // What is wrong is said without the URL: it holds a password.
        self.url
            .expose_secret()
            .parse()
            .map_err(|_| QueueError::Settings("its URL is not one of `amqp:` or `amqps:`".into()))
    }
}

/// The queue on RabbitMQ. Share it behind an `Arc`; dropped, it gives back what is not acknowledged.
#[derive(Debug)]
pub struct RabbitQueue {
    publisher: Publisher,
    receiver: Receiver,
}

impl RabbitQueue {
    /// A queue that connects when it is first used. Fails only for settings that can never work.
    pub fn new(settings: &RabbitSettings) -> Result<Self, QueueError> {
        let topology = Topology::new(&settings.prefix);
        let publishing = Link::new(settings, "publisher")?;
        let receiving = Link::new(settings, "receiver")?;
        Ok(Self {
            publisher: Publisher::new(publishing, topology.clone()),
            receiver: Receiver::new(Arc::new(receiving), topology),
        })
    }
}

#[async_trait]
impl Queue for RabbitQueue {
    async fn publish(&self, job: &Job, priority: Priority) -> Result<(), QueueError> {
        self.publisher.publish(job, priority).await
    }

    async fn receive(&self) -> Result<Delivery, QueueError> {
        Ok(self.receiver.receive().await)
    }

    async fn depths(&self) -> Result<QueueDepths, QueueError> {
        self.publisher.depths().await
    }
}
