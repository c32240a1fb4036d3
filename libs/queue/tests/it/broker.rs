//! The RabbitMQ of the tests: the shared one, private ones that may be broken at will, and a proxy that cuts wires.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeleteOptions};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use syncline_queue::{RabbitQueue, RabbitSettings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Longer than anything here takes; a test that waits for so long has failed.
pub const LONG: Duration = Duration::from_mins(1);

static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Where every test may have queues of its own.
#[expect(clippy::disallowed_methods, reason = "where the tests' RabbitMQ is")]
pub fn shared_url() -> String {
    std::env::var("SYNCLINE_TEST_RABBITMQ_URL").unwrap_or_else(|_| {
        panic!(
            "SYNCLINE_TEST_RABBITMQ_URL is not set: this test needs a RabbitMQ. \
             Run the suite with ./test, which starts one."
        )
    })
}

/// A prefix that no other test has, of this process or another.
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no other source of ids"
)]
pub fn prefix() -> String {
    let nth = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("test-{}-{nth}", uuid::Uuid::now_v7().simple())
}

/// A queue as one process would have it.
pub fn queue(url: &str, prefix: &str) -> RabbitQueue {
    let settings = RabbitSettings {
        url: url.into(),
        prefix: prefix.to_owned(),
        ca: None,
    };
    RabbitQueue::new(&settings).unwrap()
}

/// A channel for what no queue of ours does.
pub async fn channel(url: &str) -> (Connection, Channel) {
    let connection = Connection::connect(url, ConnectionProperties::default())
        .await
        .unwrap();
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}

/// Deletes a queue, as an operator's mistake would.
pub async fn delete(url: &str, queue: &str) {
    let (_connection, channel) = channel(url).await;
    channel
        .queue_delete(queue.into(), QueueDeleteOptions::default())
        .await
        .unwrap();
}

/// Publishes what our queue would not.
pub async fn publish_raw(url: &str, queue: &str, message: &[u8]) {
    let (_connection, channel) = channel(url).await;
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await
        .unwrap();
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let confirm = channel
        .basic_publish("".into(), queue.into(), options, message, properties)
        .await
        .unwrap();
    assert!(confirm.await.unwrap().is_ack());
}

/// A node of its own, removed when dropped.
pub struct Node {
    home: PathBuf,
    pub url: String,
}

impl Node {
    /// Starts one; `arguments` go to its Erlang.
    pub async fn start(arguments: &str) -> Self {
        let mut node = Self {
            home: std::env::temp_dir().join(format!("syncline-rabbit-{}", prefix())),
            url: String::new(),
        };
        node.url = node.script("start", &[], arguments).await;
        node
    }

    /// Ends it without warning and starts it again.
    pub async fn crash_and_restart(&self) {
        self.script("kill", &[], "").await;
        assert_eq!(self.script("start", &[], "").await, self.url);
    }

    /// rabbitmqctl.
    pub async fn ctl(&self, arguments: &[&str]) {
        self.script("ctl", arguments, "").await;
    }

    async fn script(&self, verb: &str, arguments: &[&str], erlang: &str) -> String {
        let mut command = tokio::process::Command::from(self.command(verb));
        let output = command
            .args(arguments)
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", erlang)
            .output()
            .await
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{verb}: {error}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rabbitmq"));
        command.arg(verb).arg(&self.home);
        command
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let removed = self.command("kill").status();
        drop(removed);
        drop(std::fs::remove_dir_all(&self.home));
    }
}

/// Stands between a client and the broker.
pub struct Proxy {
    pub url: String,
    cut: Arc<AtomicBool>,
    cuts: Arc<AtomicUsize>,
}

impl Proxy {
    /// A proxy for the broker at `url`.
    pub async fn start(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let broker = address(url);
        let own = listener.local_addr().unwrap().to_string();
        let proxy = Self {
            url: url.replace(&broker, &own),
            cut: Arc::default(),
            cuts: Arc::default(),
        };
        let (cut, cuts) = (Arc::clone(&proxy.cut), Arc::clone(&proxy.cuts));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&broker).await else {
                    continue;
                };
                tokio::spawn(carry(client, server, Arc::clone(&cut), Arc::clone(&cuts)));
            }
        });
        proxy
    }

    /// What the broker says next reaches nobody, and the connection that it says it on is cut.
    pub fn cut_the_next_answer(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }

    /// How many connections were cut.
    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

/// Host and port of a URL.
pub fn address(url: &str) -> String {
    let host = url.rsplit_once('@').map_or(url, |(_, host)| host);
    host.split('/').next().unwrap_or(host).to_owned()
}

async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    cut: Arc<AtomicBool>,
    cuts: Arc<AtomicUsize>,
) {
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => match read {
                Ok(bytes @ 1..) => if server.write_all(&up[..bytes]).await.is_err() { return },
                _ => return,
            },
            read = server.read(&mut down) => match read {
                Ok(bytes @ 1..) => {
                    if cut.swap(false, Ordering::SeqCst) {
                        cuts.fetch_add(1, Ordering::SeqCst);
                        return;
                    }
                    if client.write_all(&down[..bytes]).await.is_err() { return }
                }
                _ => return,
            },
        }
    }
}
