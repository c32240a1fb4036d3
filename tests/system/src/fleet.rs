//! The program as a fleet: gateways behind a proxy, workers and a scheduler, each a process of its own, on what they
//! share.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use futures::future::try_join_all;
use sqlx::Executor as _;
use uuid::Uuid;

use crate::http::until;
use crate::program::{self, Printed, Process};
use crate::proxy::Proxy;
use crate::shared::{Servers, Shared};

/// The roles of a usual fleet, one process each.
const ROLES: [&str; 6] = [
    "gateway",
    "gateway",
    "worker",
    "worker",
    "worker",
    "scheduler",
];
/// Longest time until a run whose worker was killed is another's, in seconds: its lease, and a while.
const TAKEN_UP: u64 = 120;

/// A fleet, killed when dropped.
pub struct Fleet {
    /// Where its API is, whichever processes serve it.
    pub base: String,
    proxy: Proxy,
    members: Vec<Member>,
    /// Where each has a folder for its log.
    folder: PathBuf,
    settings: Vec<(String, String)>,
    // Last: what processes share goes when they are gone.
    shared: Shared,
}

/// One process of a fleet, whether it runs or not.
struct Member {
    role: &'static str,
    folder: PathBuf,
    /// Where it finds the shared servers.
    servers: Servers,
    process: Option<Process>,
}

impl Fleet {
    /// Starts the usual one on an empty database of the servers that the environment names, with settings of the
    /// configuration over those that tell where all is.
    pub async fn start(folder: &Path, settings: &[(String, String)]) -> anyhow::Result<Self> {
        let servers = Servers::given()?;
        let members = ROLES.map(|role| (role, servers.clone()));
        Self::of(servers.clone(), members.into(), folder, settings).await
    }

    /// Starts one of these roles, each with the way to the servers that it takes.
    pub async fn of(
        servers: Servers,
        members: Vec<(&'static str, Servers)>,
        folder: &Path,
        settings: &[(String, String)],
    ) -> anyhow::Result<Self> {
        let shared = Shared::make(servers).await?;
        let proxy = Proxy::start().await?;
        let base = format!("http://{}", proxy.address);
        let data = folder.join("data");
        std::fs::create_dir_all(&data)?;
        let mut all = Vec::new();
        for (key, value) in [
            ("SYNCLINE__DATA_DIR", data.display().to_string()),
            ("SYNCLINE__SERVER__LISTEN", "127.0.0.1:0".to_owned()),
            ("SYNCLINE__SERVER__PUBLIC_URL", base.clone()),
            // There are many processes and few cores.
            ("TOKIO_WORKER_THREADS", "2".to_owned()),
        ] {
            all.push((key.to_owned(), value));
        }
        all.extend(settings.iter().cloned());
        let member = |(nth, (role, servers)): (usize, (&'static str, Servers))| Member {
            role,
            // Each logs into a folder of its own.
            folder: folder.join(format!("{nth}-{role}")),
            servers,
            process: None,
        };
        let mut fleet = Self {
            base,
            proxy,
            members: members.into_iter().enumerate().map(member).collect(),
            folder: folder.to_owned(),
            settings: all,
            shared,
        };
        let migrated = fleet.operate(&["migrate"]).await?;
        ensure!(migrated.success, "migrate: {}", migrated.stderr);
        fleet.start_all().await?;
        Ok(fleet)
    }

    /// Has processes start with other values of settings from now on.
    pub fn set(&mut self, settings: &[(String, String)]) {
        self.settings.extend(settings.iter().cloned());
    }

    /// What its processes share.
    pub const fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Its processes of a role, by number.
    pub fn members(&self, role: &str) -> Vec<usize> {
        let all = self.members.iter().enumerate();
        all.filter(|(_, member)| member.role == role)
            .map(|(nth, _)| nth)
            .collect()
    }

    /// Runs a command to its end, as who operates the fleet does.
    pub async fn operate(&self, args: &[&str]) -> anyhow::Result<Printed> {
        let mut environment = self.shared.configuration(self.shared.servers())?;
        environment.extend(self.settings.iter().cloned());
        let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
        program::run(&args, &environment).await
    }

    /// Starts every process anew.
    pub async fn start_all(&mut self) -> anyhow::Result<()> {
        let (shared, settings) = (&self.shared, &self.settings);
        let all = self.members.iter_mut();
        try_join_all(all.map(|member| member.start(shared, settings))).await?;
        self.open_gateways()
    }

    /// Starts one process anew.
    pub async fn start_one(&mut self, nth: usize) -> anyhow::Result<()> {
        let member = self.members.get_mut(nth).context("a member")?;
        member.start(&self.shared, &self.settings).await?;
        self.open_gateways()
    }

    fn open_gateways(&self) -> anyhow::Result<()> {
        let gateways = self
            .members
            .iter()
            .filter(|member| member.role == "gateway");
        let addresses: anyhow::Result<Vec<SocketAddr>> = gateways
            .filter_map(|gateway| gateway.process.as_ref())
            .map(|process| {
                let address = process.base.strip_prefix("http://");
                Ok(address.context("an address")?.parse()?)
            })
            .collect();
        self.proxy.lead_to(addresses?);
        Ok(())
    }

    /// Has one more process join, of a role that reaches the servers as all do.
    pub async fn join(&mut self, role: &'static str) -> anyhow::Result<()> {
        let nth = self.members.len();
        self.members.push(Member {
            role,
            folder: self.folder.join(format!("{nth}-{role}")),
            servers: self.shared.servers().clone(),
            process: None,
        });
        self.start_one(nth).await
    }

    /// A process that runs.
    pub fn process(&mut self, nth: usize) -> anyhow::Result<&mut Process> {
        let member = self.members.get_mut(nth);
        member
            .and_then(|member| member.process.as_mut())
            .context("a process that runs")
    }

    fn running(&mut self) -> impl Iterator<Item = &mut Process> {
        self.members
            .iter_mut()
            .filter_map(|member| member.process.as_mut())
    }

    /// Kills every process and starts all again. Comes back once the runs that the dead were at work on are others':
    /// when their leases are over.
    pub async fn crash(&mut self) -> anyhow::Result<()> {
        try_join_all(self.running().map(Process::kill)).await?;
        let of_the_dead = self.leases().await?;
        self.start_all().await?;
        until("runs of the dead taken up", TAKEN_UP, async || {
            Ok(self.moved_on(&of_the_dead).await?.then_some(()))
        })
        .await
    }

    /// The leases of runs that somebody is at work on, or was until it died: whoever lives prolongs his, and a dead
    /// one's run is another's some time.
    pub async fn leases(&self) -> anyhow::Result<Vec<(Uuid, i64, String)>> {
        let mut rows = self.shared.look().await?;
        let leases = "select id, epoch, lease_until::text from runs where state = 'running'";
        Ok(sqlx::query_as(leases).fetch_all(&mut rows).await?)
    }

    /// Whether none of these leases stands as it did.
    pub async fn moved_on(&self, leases: &[(Uuid, i64, String)]) -> anyhow::Result<bool> {
        let now = self.leases().await?;
        Ok(!now.iter().any(|lease| leases.contains(lease)))
    }

    /// Changes something of the database.
    pub async fn change(&self, statement: &'static str) -> anyhow::Result<()> {
        let mut rows = self.shared.look().await?;
        rows.execute(statement).await?;
        Ok(())
    }

    /// Asks every process to end (SIGTERM) and waits until all have. Gives their logs.
    pub async fn stop(&mut self) -> anyhow::Result<String> {
        Ok(try_join_all(self.running().map(Process::stop))
            .await?
            .concat())
    }
}

impl Member {
    async fn start(
        &mut self,
        shared: &Shared,
        settings: &[(String, String)],
    ) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let mut environment = shared.configuration(&self.servers)?;
        environment.extend(settings.iter().cloned());
        // What ran before is gone before another one starts.
        self.process = None;
        self.process = Some(Process::start(self.role, &self.folder, &[], &environment).await?);
        Ok(())
    }
}
