//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use syncline_platform::Config;

use crate::otlp::Traces;
use crate::roles::Role;
use crate::{demo, keys, out, plans, providers, roles, sandbox, serve};

/// Keeps contacts the same in the apps a company uses.
#[derive(Debug, Parser)]
#[command(name = "syncline", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows the main job with nothing installed: a sandbox, two accounts, a connection, three runs and a report.
    Demo(demo::DemoArgs),
    /// Runs every role in one process on the embedded default: a SQLite file, in-process queue and coordination.
    Serve(ServeArgs),
    /// Runs the API alone: one of many processes on PostgreSQL, RabbitMQ and Redis.
    Gateway(ServeArgs),
    /// Executes runs: one of many processes on PostgreSQL, RabbitMQ and Redis.
    Worker(ServeArgs),
    /// Makes runs of what is due: one of many processes on PostgreSQL, RabbitMQ and Redis.
    Scheduler(ServeArgs),
    /// Runs the provider sandbox alone.
    Sandbox(sandbox::SandboxArgs),
    /// Lists every connector: id, name, objects, kind of authorisation, capabilities.
    Providers {
        /// The configuration, for the profiles in it.
        #[command(flatten)]
        config: ConfigArgs,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Brings the database up to date and ends.
    Migrate(ConfigArgs),
    /// Changes the keys that wrap tenants' keys, while everything runs: add, rotate, retire.
    Keys(keys::KeysArgs),
    /// What tenants' plans allow, and which plan a tenant is on, while everything runs.
    Plans(plans::PlansArgs),
    /// Prints the OpenAPI document of the REST API.
    Openapi,
    /// Prints the configuration in force, without its secrets.
    Config(ConfigArgs),
}

/// Where configuration comes from.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgs {
    /// A TOML file that goes over the built-in defaults; the environment goes over both.
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
}

/// `serve`, and the roles by themselves.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Where the database, the key ring and secrets are kept.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address and port of the API, or of the role's health and metrics, such as `127.0.0.1:8080`; port 0 takes a
    /// free one.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
}

impl ConfigArgs {
    /// Reads the configuration.
    pub fn load(&self) -> anyhow::Result<Config> {
        Ok(Config::load(self.config.as_deref())?)
    }
}

impl ServeArgs {
    /// Reads the configuration and puts the arguments over it.
    pub fn load(&self) -> anyhow::Result<Config> {
        let mut config = self.config.load()?;
        if let Some(dir) = &self.data_dir {
            config.data_dir.clone_from(dir);
        }
        if let Some(listen) = self.listen {
            config.server.listen = listen;
        }
        Ok(config)
    }
}

impl Cli {
    /// Does what was asked.
    pub async fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Demo(args) => demo::run(args).await,
            Command::Serve(args) => {
                let config = args.load()?;
                let traces = Traces::open(&config, "serve")?;
                let ended = serve::run(config).await;
                traces.close().await;
                ended
            }
            Command::Gateway(args) => Box::pin(roles::run(Role::Gateway, args.load()?)).await,
            Command::Worker(args) => Box::pin(roles::run(Role::Worker, args.load()?)).await,
            Command::Scheduler(args) => Box::pin(roles::run(Role::Scheduler, args.load()?)).await,
            Command::Sandbox(args) => sandbox::run(args).await,
            Command::Providers { config, json } => providers::print(&config.load()?, json),
            Command::Migrate(args) => serve::migrate(args.load()?).await,
            Command::Keys(args) => Box::pin(keys::run(args)).await,
            Command::Plans(args) => Box::pin(plans::run(args)).await,
            Command::Openapi => Ok(out::print(&syncline_gateway::openapi()?)?),
            Command::Config(args) => Ok(out::line(&args.load()?.to_toml()?)?),
        }
    }
}
