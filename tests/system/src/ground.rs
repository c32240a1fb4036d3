//! Servers of one's own: a PostgreSQL, a RabbitMQ and a Redis that may be stopped, killed, emptied and started again.
//! The scripts that start them for `./test` do so here.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, ensure};
use tokio::process::{Child, Command};

use crate::http::until;
use crate::program::workspace;
use crate::shared::Servers;

/// Longest time until a server answers, in seconds.
const START: u64 = 60;

/// The servers, gone when dropped.
pub struct Ground {
    /// Where they are.
    pub servers: Servers,
    redis: Redis,
    // Last: what is started by scripts, by the folder.
    home: Home,
}

/// A folder that the users postgres and rabbitmq may walk to, with a server of each in it.
struct Home(PathBuf);

/// The servers that scripts start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scripted {
    /// PostgreSQL.
    Postgres,
    /// RabbitMQ.
    RabbitMq,
}

impl Ground {
    /// Starts all three.
    pub async fn start() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("syncline-ground-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        let home = Home(path);
        let (postgres, rabbitmq, redis) = tokio::try_join!(
            home.run(Scripted::Postgres, "start"),
            home.run(Scripted::RabbitMq, "start"),
            Redis::start(&home.0),
        )?;
        let servers = Servers {
            postgres,
            rabbitmq,
            redis: redis.url(),
        };
        Ok(Self {
            servers,
            redis,
            home,
        })
    }

    /// Stops a server, in order; its data stay.
    pub async fn stop(&self, server: Scripted) -> anyhow::Result<()> {
        self.home.run(server, "stop").await.map(drop)
    }

    /// Ends a server without warning; its data stay.
    pub async fn kill(&self, server: Scripted) -> anyhow::Result<()> {
        self.home.run(server, "kill").await.map(drop)
    }

    /// Starts it again where it was.
    pub async fn start_again(&self, server: Scripted) -> anyhow::Result<()> {
        self.home.run(server, "start").await.map(drop)
    }

    /// The Redis.
    pub const fn redis(&mut self) -> &mut Redis {
        &mut self.redis
    }
}

impl Home {
    /// Has a server's script do something. Gives what it prints: the URL, when started.
    async fn run(&self, server: Scripted, verb: &str) -> anyhow::Result<String> {
        let done = Command::from(self.script(server, verb)).output().await?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "{server:?}, {verb}: {said}");
        Ok(String::from_utf8(done.stdout)?.trim().to_owned())
    }

    fn script(&self, server: Scripted, verb: &str) -> std::process::Command {
        let (script, folder) = match server {
            Scripted::Postgres => ("libs/store/tests/postgres", "postgres"),
            Scripted::RabbitMq => ("libs/queue/tests/rabbitmq", "rabbitmq"),
        };
        let mut command = std::process::Command::new(workspace().join(script));
        command.arg(verb).arg(self.0.join(folder));
        command
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        for server in [Scripted::Postgres, Scripted::RabbitMq] {
            let removed = self.script(server, "remove").output();
            if !removed.is_ok_and(|done| done.status.success()) {
                eprintln!("{server:?} in {} is left", self.0.display());
            }
        }
        std::fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}

/// A Redis without persistence: what it holds ends with its process.
pub struct Redis {
    port: u16,
    process: Child,
}

impl Redis {
    async fn start(folder: &Path) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let process = spawn(port, Some(folder))?;
        let redis = Self { port, process };
        redis.answers().await?;
        Ok(redis)
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Ends its process; all that it held is lost.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.process.kill().await?)
    }

    /// Starts it again, empty.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        self.process = spawn(self.port, None)?;
        self.answers().await
    }

    /// Empties it.
    pub async fn flush(&self) -> anyhow::Result<()> {
        let said = self.ask("flushall").await?;
        ensure!(said.starts_with("OK"), "flushall: {said}");
        Ok(())
    }

    async fn answers(&self) -> anyhow::Result<()> {
        until("Redis answers", START, async || {
            let said = self.ask("ping").await?;
            Ok(said.starts_with("PONG").then_some(()))
        })
        .await
    }

    async fn ask(&self, command: &str) -> anyhow::Result<String> {
        let port = self.port.to_string();
        let said = Command::new("redis-cli")
            .args(["-p", &port, command])
            .output();
        let said = said.await.context("redis-cli")?;
        Ok(String::from_utf8_lossy(&said.stdout).into_owned())
    }
}

fn spawn(port: u16, folder: Option<&Path>) -> anyhow::Result<Child> {
    let mut command = Command::new("redis-server");
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .args(["--maxmemory-policy", "noeviction"]);
    if let Some(folder) = folder {
        command.arg("--dir").arg(folder);
    }
    let spawned = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    spawned.context("redis-server")
}
