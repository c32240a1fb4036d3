//! `syncline sandbox`: the provider sandbox alone, with an account at each provider to begin with.

use std::net::SocketAddr;

use clap::Args;
use syncline_platform::Shutdown;
use syncline_sandbox::core::people::Seed;
use syncline_sandbox::core::provider::NewAccount;
use syncline_sandbox::{RunningSandbox, Sandbox, SandboxConfig};

use crate::out;

/// `sandbox`.
#[derive(Debug, Clone, Args)]
pub struct SandboxArgs {
    /// Address and port; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,
    /// Invented contacts in each account, of which the two providers share a part.
    #[arg(long, default_value_t = 0)]
    pub contacts: u64,
    /// Seed of all that is invented.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Percentage of people that both accounts know.
const OVERLAP: u8 = 20;

/// Starts a sandbox with one account at each provider.
pub async fn start(listen: SocketAddr, contacts: u64, seed: u64) -> anyhow::Result<RunningSandbox> {
    let account = |email: &str, name: &str| NewAccount {
        email: email.into(),
        name: name.into(),
        seed: (contacts > 0).then(|| Seed {
            contacts,
            seed,
            overlap: OVERLAP,
            salt: String::new(),
        }),
        ..NewAccount::default()
    };
    let config = SandboxConfig {
        listen,
        seed,
        accounts: vec![
            ("zoho".into(), account("sales@crm.example", "Sam Sales")),
            ("google".into(), account("sam@mail.example", "Sam Sales")),
        ],
        ..SandboxConfig::default()
    };
    Ok(Sandbox::start(config).await?)
}

/// Runs a sandbox until it is asked to stop.
pub async fn run(args: SandboxArgs) -> anyhow::Result<()> {
    let running = start(args.listen, args.contacts, args.seed).await?;
    let base = running.base_url().to_owned();
    let shutdown = Shutdown::new();
    shutdown.listen_to_signals()?;
    out::line(&format!(
        "sandbox listening on {base}\n\
         people: open {base}/_sandbox in a browser\n\
         programs: see docs/sandbox.md for the addresses and OAuth clients"
    ))?;
    shutdown.triggered().await;
    running.stop().await;
    Ok(())
}
