//! What the processes of a fleet share: a database of their own on PostgreSQL, queues of their own on RabbitMQ, keys of
//! their own in Redis. The servers are there already: SYNCLINE_TEST_POSTGRES_URL, SYNCLINE_TEST_RABBITMQ_URL and
//! SYNCLINE_TEST_REDIS_URL say where.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use lapin::options::QueueDeleteOptions;
use sqlx::{Connection as _, Executor as _, PgConnection};

/// Counts databases.
static NEXT: AtomicU32 = AtomicU32::new(0);
/// Whom row-level security binds: no superuser.
const ROLE: &str = "syncline_system_test";
/// The queues of an installation, after its prefix.
const QUEUES: [&str; 4] = [
    "jobs.interactive",
    "jobs.scheduled",
    "jobs.first-sync",
    "set-aside",
];

/// Servers that are there already.
#[derive(Clone, Debug)]
pub struct Servers {
    /// PostgreSQL, as a superuser.
    pub postgres: String,
    /// RabbitMQ.
    pub rabbitmq: String,
    /// Redis.
    pub redis: String,
}

impl Servers {
    /// As the environment says.
    pub fn given() -> anyhow::Result<Self> {
        Ok(Self {
            postgres: setting("SYNCLINE_TEST_POSTGRES_URL")?,
            rabbitmq: setting("SYNCLINE_TEST_RABBITMQ_URL")?,
            redis: setting("SYNCLINE_TEST_REDIS_URL")?,
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "where the tests' servers are")]
fn setting(name: &str) -> anyhow::Result<String> {
    std::env::var(name).with_context(|| {
        format!(
            "{name} is not set: this test needs it. Run the suite with ./test, which starts all"
        )
    })
}

/// A part of the servers that nobody else uses. Taken away when dropped.
pub struct Shared {
    servers: Servers,
    /// Its name: of the database, and before queues and keys.
    pub name: String,
}

impl Shared {
    /// Makes an empty one.
    pub async fn make(servers: Servers) -> anyhow::Result<Self> {
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("syncline_system_{}_{nth}", std::process::id());
        let mut connection = PgConnection::connect(&servers.postgres).await?;
        for statement in [
            format!(
                "do $$ begin create role {ROLE}; exception
                 when duplicate_object or unique_violation then null; end $$"
            ),
            format!("drop database if exists {name} with (force)"),
            format!("create database {name} owner {ROLE}"),
        ] {
            connection.execute(sqlx::AssertSqlSafe(statement)).await?;
        }
        Ok(Self { servers, name })
    }

    /// The part of the configuration that says where all this is, to a process that reaches the servers so.
    pub fn configuration(&self, servers: &Servers) -> anyhow::Result<Vec<(String, String)>> {
        let url = self.database(&servers.postgres)?;
        let all = [
            ("DATABASE__URL", format!("{url}?options[role]={ROLE}")),
            ("QUEUE__URL", servers.rabbitmq.clone()),
            ("QUEUE__PREFIX", self.name.clone()),
            ("COORDINATION__URL", servers.redis.clone()),
            ("COORDINATION__PREFIX", self.name.clone()),
            (
                "AUTH__JWT_SECRET",
                "one secret that all the gateways have".to_owned(),
            ),
        ];
        Ok(all
            .map(|(key, value)| (format!("SYNCLINE__{key}"), value))
            .into())
    }

    /// The servers that it is a part of.
    pub const fn servers(&self) -> &Servers {
        &self.servers
    }

    /// A connection to the database that sees every tenant's rows.
    pub async fn look(&self) -> anyhow::Result<PgConnection> {
        Ok(PgConnection::connect(&self.database(&self.servers.postgres)?).await?)
    }

    fn database(&self, server: &str) -> anyhow::Result<String> {
        let base = server.rsplit_once('/').context("a database in the URL")?.0;
        Ok(format!("{base}/{}", self.name))
    }

    async fn take_away(servers: &Servers, name: &str) -> anyhow::Result<()> {
        let mut connection = PgConnection::connect(&servers.postgres).await?;
        let statement = format!("drop database {name} with (force)");
        connection.execute(sqlx::AssertSqlSafe(statement)).await?;
        let properties = lapin::ConnectionProperties::default();
        let connection = lapin::Connection::connect(&servers.rabbitmq, properties).await?;
        let channel = connection.create_channel().await?;
        for queue in QUEUES {
            let queue = format!("{name}.{queue}").into();
            channel
                .queue_delete(queue, QueueDeleteOptions::default())
                .await?;
        }
        connection.close(200, "done".into()).await?;
        Ok(())
    }
}

impl Drop for Shared {
    /// Waits until it is gone, so that no process of a test leaves anything behind.
    fn drop(&mut self) {
        let (servers, name) = (self.servers.clone(), self.name.clone());
        let gone = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(Self::take_away(&servers, &name))
        });
        match gone.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => eprintln!("{} is left on the servers: {error:#}", self.name),
            Err(_) => eprintln!("{} is left on the servers", self.name),
        }
    }
}
