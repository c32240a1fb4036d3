//! A fleet with a sandbox of its own, and tenants with one connection each.

use std::ffi::OsStr;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use system_tests::program::{Process, Scratch};
use system_tests::world::providers;
use system_tests::{Customer, Fleet, GOOGLE, Sandbox, Servers, ZOHO};

/// Tenants that sign up at the same time.
const AT_ONCE: u64 = 8;

/// Where tenants live. In order: processes first, then their logs.
pub struct Street {
    /// The processes; gateways only, until more join.
    pub fleet: Fleet,
    sandbox: Sandbox,
    sandbox_process: Process,
    _scratch: Scratch,
}

impl Street {
    /// Starts a gateway and a sandbox, without limits that would bound what is measured.
    pub async fn open(servers: &Servers, settings: &[(&str, String)]) -> anyhow::Result<Self> {
        let scratch = Scratch::new()?;
        let args = ["--listen", "127.0.0.1:0"].map(OsStr::new);
        let sandbox_process = Process::start("sandbox", &scratch.0, &args, &[]).await?;
        let sandbox = Sandbox::new(&sandbox_process.base)?;
        let mut all = providers(sandbox.base());
        let own = [
            ("AUTH__ACCESS_TOKEN_TTL", "12h".to_owned()),
            ("SERVER__LIMITS__TENANT", "100000".to_owned()),
            ("SERVER__LIMITS__ANONYMOUS", "100000".to_owned()),
            ("SERVER__LIMITS__SIGN_UP_NETWORK", "100000".to_owned()),
            ("LOG__LEVEL", "warn".to_owned()),
        ];
        for (key, value) in own.iter().chain(settings) {
            all.push((format!("SYNCLINE__{key}"), value.clone()));
        }
        let members = vec![("gateway", servers.clone())];
        let fleet = Fleet::of(servers.clone(), members, &scratch.0, &all).await?;
        Ok(Self {
            fleet,
            sandbox,
            sandbox_process,
            _scratch: scratch,
        })
    }

    /// Has more processes of a role join.
    pub async fn join(&mut self, role: &'static str, number: usize) -> anyhow::Result<()> {
        for _ in 0..number {
            self.fleet.join(role).await?;
        }
        Ok(())
    }

    /// Tenants of these numbers sign up, each with two accounts, of so many contacts each, and a connection between them.
    pub async fn settle(
        &self,
        numbers: std::ops::Range<u64>,
        contacts: u64,
        every: &str,
    ) -> anyhow::Result<()> {
        let tenants = numbers.map(|number| self.tenant(number, contacts, every));
        stream::iter(tenants)
            .buffered(AT_ONCE as usize)
            .try_collect()
            .await
    }

    async fn tenant(&self, number: u64, contacts: u64, every: &str) -> anyhow::Result<()> {
        let owner = format!("owner-{number}@street.example");
        let api = Customer::sign_up(&self.fleet.base, &owner).await?;
        let (logins, _) = self
            .sandbox
            .open_accounts(number, contacts, number + 1)
            .await?;
        let changes = json!({"schedule": {"every": every}});
        api.connect_logins(&logins, changes).await?;
        Ok(())
    }

    /// Has the providers take their time for each answer.
    pub async fn slow_down(&self, ms: u64) -> anyhow::Result<()> {
        for provider in [ZOHO, GOOGLE] {
            let slow = json!({"kind": "delay_ms", "ms": ms});
            let rule = json!({"provider": provider, "fault": slow});
            self.sandbox.fault(rule).await?;
        }
        Ok(())
    }

    /// The processes of a role, by id.
    pub fn processes(&mut self, role: &str) -> anyhow::Result<Vec<u32>> {
        let members = self.fleet.members(role);
        members
            .into_iter()
            .map(|nth| self.fleet.process(nth)?.id())
            .collect()
    }

    /// The sandbox's process, by id.
    pub fn sandbox_process(&self) -> anyhow::Result<u32> {
        self.sandbox_process.id()
    }

    /// Stops all, in order.
    pub async fn close(mut self) -> anyhow::Result<()> {
        self.fleet.stop().await?;
        self.sandbox_process.stop().await?;
        Ok(())
    }
}
