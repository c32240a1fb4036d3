//! What goes wrong, one after the other, and how soon everything works again.

use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection};
use system_tests::ground::Scripted;
use system_tests::http::until;
use system_tests::{Fleet, GOOGLE, Ground, Sandbox, ZOHO};
use tokio::time::{Instant, sleep};

use crate::chance::Chance;
use crate::editors::{Ledger, act, entitle};
use crate::town::Town;
use crate::wire::{Fault, Wire};

/// How long a fault lasts that does not end by itself.
const LASTS: Duration = Duration::from_secs(5);
/// Longest time until everything works again, in seconds.
const RECOVERY: u64 = 180;
/// Pairs in which something is done right before a blow, so that workers have work in hand.
const BUSY: usize = 12;

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    WorkerKilled,
    WorkerAsleep,
    WorkerStopped,
    GatewayKilled,
    SchedulerKilled,
    BrokerRestarted,
    BrokerKilled,
    ConfirmsLost,
    RedisEmptied,
    RedisGone,
    RedisUnreachable,
    DatabaseRestarted,
    DatabaseReadOnly,
    DatabaseUnreachable,
    CommitsCut,
    ProvidersFail,
}

const ALL: [(Blow, &str); 16] = [
    (Blow::WorkerKilled, "worker killed"),
    (Blow::RedisEmptied, "Redis emptied"),
    (
        Blow::WorkerAsleep,
        "worker stopped past its lease, then continued",
    ),
    (Blow::ConfirmsLost, "confirms of publishes lost"),
    (Blow::GatewayKilled, "gateway killed"),
    (Blow::BrokerRestarted, "RabbitMQ restarted"),
    (Blow::ProvidersFail, "providers answer 500"),
    (Blow::CommitsCut, "connections to PostgreSQL cut at COMMIT"),
    (
        Blow::WorkerStopped,
        "worker asked to end in the middle of its work",
    ),
    (Blow::RedisGone, "Redis killed and started"),
    (Blow::DatabaseRestarted, "PostgreSQL restarted"),
    (Blow::SchedulerKilled, "scheduler killed"),
    (Blow::RedisUnreachable, "worker cut off from Redis"),
    (Blow::BrokerKilled, "RabbitMQ killed"),
    (
        Blow::DatabaseUnreachable,
        "worker cut off from PostgreSQL past its lease",
    ),
    (Blow::DatabaseReadOnly, "PostgreSQL read-only"),
];

/// The wires of the first gateway, the first worker and the scheduler; all others are connected directly.
pub struct Wires {
    /// To PostgreSQL.
    pub postgres: Vec<Wire>,
    /// To RabbitMQ.
    pub rabbitmq: Vec<Wire>,
    /// To Redis.
    pub redis: Vec<Wire>,
}

/// Everything that blows can fall on.
pub struct Scene<'a> {
    /// The processes. First, so that the servers are there until they are gone.
    pub fleet: Fleet,
    /// Between the two.
    pub wires: Wires,
    /// The servers.
    pub ground: Ground,
    /// The providers.
    pub sandbox: Sandbox,
    /// The tenants.
    pub town: &'a Town,
    /// What people did.
    pub ledger: &'a Ledger,
    /// Which comes next.
    pub chance: Chance,
    /// How long a worker may be silent.
    pub lease: Duration,
}

/// A blow, and how soon after its cause was gone everything worked again.
#[derive(Serialize)]
pub struct Recovered {
    /// What it was.
    name: &'static str,
    /// In seconds, to the tenth.
    recovered_s: f64,
}

impl Scene<'_> {
    /// All blows whose names contain a text, in turn.
    pub async fn all(&mut self, only: &str) -> anyhow::Result<Vec<Recovered>> {
        let mut recovered = Vec::new();
        for (blow, name) in ALL {
            if name.contains(only) {
                let seconds = self.one(blow, name).await.context(name)?;
                println!("{name}: recovered after {seconds:.1} s");
                let recovered_s = (seconds * 10.0).round() / 10.0;
                recovered.push(Recovered { name, recovered_s });
            }
        }
        Ok(recovered)
    }

    async fn one(&mut self, blow: Blow, name: &str) -> anyhow::Result<f64> {
        self.make_busy().await?;
        let (provider, title) = (
            if self.chance.below(2) == 0 {
                ZOHO
            } else {
                GOOGLE
            },
            format!("Watched {}", self.chance.below(1_000_000_000)),
        );
        let leases = self.fleet.leases().await?;
        println!("{name}: now, with {} runs in hand", leases.len());
        self.edit_watched(provider, &title).await?;
        self.strike(blow).await?;
        let over = Instant::now();
        self.arrived(provider, &title).await?;
        if matches!(
            blow,
            Blow::WorkerKilled
                | Blow::WorkerAsleep
                | Blow::WorkerStopped
                | Blow::DatabaseUnreachable
        ) {
            until("runs of the dead taken up", RECOVERY, async || {
                Ok(self.fleet.moved_on(&leases).await?.then_some(()))
            })
            .await?;
        }
        if blow == Blow::SchedulerKilled {
            until("nothing is overdue", RECOVERY, async || {
                self.nothing_overdue().await
            })
            .await?;
        }
        Ok(over.elapsed().as_secs_f64())
    }

    /// People do something in some pairs, and ask for runs there.
    async fn make_busy(&mut self) -> anyhow::Result<()> {
        for _ in 0..BUSY {
            let number = self.chance.below(self.town.pairs.len());
            let pair = self.town.pairs.get(number).context("a pair")?;
            act(self.ledger, number, pair, &mut self.chance).await?;
            pair.api.begin(&pair.connection).await?;
        }
        // Some way into their runs.
        let moment = 100 + self.chance.below(700) as u64;
        sleep(Duration::from_millis(moment)).await;
        Ok(())
    }

    async fn edit_watched(&self, provider: &str, title: &str) -> anyhow::Result<()> {
        let people = &self.town.watched.sandbox;
        let first = people.live(provider).await?.into_iter().next();
        entitle(people, provider, &first.context("a contact")?.id, title).await
    }

    /// Waits until the watched edit is on the other side; asks for runs as a person would who waits for it.
    async fn arrived(&self, provider: &str, title: &str) -> anyhow::Result<()> {
        let watched = &self.town.watched;
        let other = if provider == ZOHO { GOOGLE } else { ZOHO };
        until("the watched edit arrived", RECOVERY, async || {
            // Nobody may answer yet.
            watched.api.begin(&watched.connection).await.ok();
            sleep(Duration::from_millis(250)).await;
            let there = watched.sandbox.live(other).await?;
            let mut titles = there
                .iter()
                .filter_map(|record| record.neutral.pointer("/job_title"));
            Ok(titles.any(|found| found == title).then_some(()))
        })
        .await
    }

    async fn nothing_overdue(&self) -> anyhow::Result<Option<()>> {
        let overdue = "select count(*) from connections
            where status = 'active' and next_run_at < now() - interval '2 seconds'";
        let mut rows = self.fleet.shared().look().await?;
        let (overdue,): (i64,) = sqlx::query_as(overdue).fetch_one(&mut rows).await?;
        Ok((overdue == 0).then_some(()))
    }

    /// Does it, and comes back when its cause is gone.
    async fn strike(&mut self, blow: Blow) -> anyhow::Result<()> {
        let past_lease = self.lease + Duration::from_secs(3);
        match blow {
            Blow::WorkerKilled => self.kill("worker", true).await,
            Blow::GatewayKilled => self.kill("gateway", true).await,
            Blow::SchedulerKilled => self.kill("scheduler", false).await,
            Blow::WorkerStopped => {
                let worker = self.last("worker")?;
                self.fleet.process(worker)?.stop().await?;
                self.fleet.start_one(worker).await
            }
            Blow::WorkerAsleep => {
                let worker = self.last("worker")?;
                let worker = self.fleet.process(worker)?;
                worker.signal("STOP").await?;
                sleep(past_lease).await;
                worker.signal("CONT").await
            }
            Blow::BrokerRestarted => {
                self.ground.stop(Scripted::RabbitMq).await?;
                self.ground.start_again(Scripted::RabbitMq).await
            }
            Blow::BrokerKilled => {
                self.ground.kill(Scripted::RabbitMq).await?;
                self.ground.start_again(Scripted::RabbitMq).await
            }
            Blow::ConfirmsLost => {
                self.fault(&self.wires.rabbitmq, Fault::NoConfirms, LASTS)
                    .await;
                Ok(())
            }
            Blow::RedisEmptied => self.ground.redis().flush().await,
            Blow::RedisGone => {
                self.ground.redis().kill().await?;
                sleep(LASTS).await;
                self.ground.redis().start_again().await
            }
            Blow::RedisUnreachable => {
                self.fault(&self.wires.redis, Fault::Dead, LASTS).await;
                Ok(())
            }
            Blow::DatabaseRestarted => {
                self.ground.stop(Scripted::Postgres).await?;
                self.ground.start_again(Scripted::Postgres).await
            }
            Blow::DatabaseReadOnly => self.read_only().await,
            Blow::DatabaseUnreachable => {
                self.fault(&self.wires.postgres, Fault::Dead, past_lease)
                    .await;
                Ok(())
            }
            Blow::CommitsCut => {
                self.fault(&self.wires.postgres, Fault::CutAtCommit, LASTS)
                    .await;
                Ok(())
            }
            Blow::ProvidersFail => self.providers_fail().await,
        }
    }

    /// The last process of a role: one without wires, where there are several.
    fn last(&self, role: &str) -> anyhow::Result<usize> {
        self.fleet.members(role).pop().context("a process")
    }

    /// Kills a process and starts another: at once, or after a while.
    async fn kill(&mut self, role: &str, at_once: bool) -> anyhow::Result<()> {
        let nth = self.last(role)?;
        self.fleet.process(nth)?.kill().await?;
        if !at_once {
            sleep(LASTS).await;
        }
        self.fleet.start_one(nth).await
    }

    async fn fault(&self, wires: &[Wire], fault: Fault, lasts: Duration) {
        let struck = || wires.iter().map(Wire::struck).sum::<u64>();
        let before = struck();
        for wire in wires {
            wire.set(fault);
        }
        sleep(lasts).await;
        for wire in wires {
            wire.set(Fault::None);
        }
        println!("  struck {} times", struck() - before);
    }

    /// As when a database fails over, and the one that is left has not been told yet that it may be written to.
    async fn read_only(&self) -> anyhow::Result<()> {
        for (value, lasts) in [("on", LASTS), ("off", Duration::ZERO)] {
            let mut admin = PgConnection::connect(&self.ground.servers.postgres).await?;
            for statement in [
                "set default_transaction_read_only = off".to_owned(),
                format!("alter system set default_transaction_read_only = {value}"),
                "select pg_reload_conf()".to_owned(),
            ] {
                admin.execute(sqlx::AssertSqlSafe(statement)).await?;
            }
            sleep(lasts).await;
        }
        Ok(())
    }

    async fn providers_fail(&self) -> anyhow::Result<()> {
        let mut faults = Vec::new();
        for provider in [ZOHO, GOOGLE] {
            let rule = json!({"provider": provider, "fault": {"kind": "status", "status": 500}});
            faults.push(self.sandbox.fault(rule).await?);
        }
        sleep(LASTS).await;
        for fault in faults {
            println!("  struck {} times", self.sandbox.struck(&fault).await?);
            self.sandbox.mend_one(&fault).await?;
        }
        Ok(())
    }
}
