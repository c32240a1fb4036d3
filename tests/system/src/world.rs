//! A sandbox, the program aimed at it, a customer with two authorised accounts, and what must hold whatever happens.
//!
//! The program is one process on SQLite; with SYNCLINE_TEST_FLEET=1 in the environment it is a fleet on PostgreSQL,
//! RabbitMQ and Redis. The tests are the same: what happens to "the server" happens to every process of the fleet.

use std::ffi::OsStr;
use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _};

use crate::audit::Audit;
use crate::customer::{Customer, succeeded};
use crate::fleet::Fleet;
use crate::http::number;
use crate::people::Sandbox;
use crate::program::{self, Printed, Process, Scratch};

/// The login of the CRM account that the sandbox opens by itself.
pub const ZOHO_LOGIN: &str = "sales@crm.example";
/// The e-mail address of the customer.
pub const OWNER: &str = "owner@test.example";
/// The login of the Google account that the sandbox opens by itself.
pub const GOOGLE_LOGIN: &str = "sam@mail.example";

/// The program that serves.
enum Server {
    /// Every role in one process.
    Alone(Process),
    /// Each role in processes of its own.
    Fleet(Fleet),
}

/// Everything that a test needs. Side a is the CRM, side b Google.
pub struct World {
    /// The people, and the sandbox's operator.
    pub sandbox: Sandbox,
    /// The customer.
    pub api: Customer,
    /// The customer's CRM account.
    pub a: String,
    /// The customer's Google account.
    pub b: String,
    /// The two apps before anything was synced.
    pub before: Audit,
    server: Server,
    tuning: Vec<(String, String)>,
    _sandbox_process: Process,
    scratch: Scratch,
}

impl World {
    /// Starts it all, with invented contacts on each side.
    pub async fn start(contacts: u64) -> anyhow::Result<Self> {
        Self::start_tuned(contacts, &[]).await
    }

    /// The same with more settings of the worker, such as `("BATCH", "10")`.
    pub async fn start_tuned(contacts: u64, tuning: &[(&str, &str)]) -> anyhow::Result<Self> {
        let tuning: Vec<(String, String)> = tuning
            .iter()
            .map(|(key, value)| (format!("SYNCLINE__WORKER__{key}"), (*value).to_owned()))
            .collect();
        let scratch = Scratch::new()?;
        let number = contacts.to_string();
        let args = ["--listen", "127.0.0.1:0", "--contacts", &number].map(OsStr::new);
        let process = Process::start("sandbox", &scratch.0, &args, &[]).await?;
        let sandbox = Sandbox::new(&process.base)?;
        let settings = settings(&process.base, &tuning);
        let server = if is_fleet() {
            Server::Fleet(Fleet::start(&scratch.0, &settings).await?)
        } else {
            Server::Alone(serve(&scratch, &settings).await?)
        };
        let api = Customer::sign_up(server.base(), OWNER).await?;
        let a = api.authorise("zoho_crm", ZOHO_LOGIN).await?;
        let b = api.authorise("google_contacts", GOOGLE_LOGIN).await?;
        Ok(Self {
            before: Audit::take(&sandbox).await?,
            sandbox,
            api,
            a,
            b,
            server,
            tuning,
            _sandbox_process: process,
            scratch,
        })
    }

    /// Connects the two accounts: as a customer does who changes nothing but `changes`, and syncs on demand.
    pub async fn connect(&self, changes: Value) -> anyhow::Result<String> {
        self.sandbox.mark().await?;
        self.api.connect(self.wish(&changes)?).await
    }

    /// Tries to connect them, and is refused. Gives the problem.
    pub async fn refused(&self, changes: Value) -> anyhow::Result<Value> {
        let path = "/v1/connections";
        let wish = self.wish(&changes)?;
        let answer = self.api.call(Method::POST, path, Some(&wish)).await?;
        ensure!(answer.status == 422, "{}: {}", answer.status, answer.body);
        Ok(answer.body)
    }

    /// What `connect` asks for.
    pub fn wish(&self, changes: &Value) -> anyhow::Result<Value> {
        let mut connection = json!({
            "name": "Contacts",
            "a": {"account": self.a}, "b": {"account": self.b},
            "schedule": {"every": "manual"},
        });
        let all = connection.as_object_mut().context("an object")?;
        all.extend(changes.as_object().cloned().unwrap_or_default());
        Ok(connection)
    }

    /// Connects and syncs for the first time.
    pub async fn connected(&self, changes: Value) -> anyhow::Result<String> {
        let connection = self.connect(changes).await?;
        succeeded(self.api.first_run(&connection).await?)?;
        Ok(connection)
    }

    /// Kills the server and starts it anew on the same data.
    pub async fn crash(&mut self) -> anyhow::Result<()> {
        match &mut self.server {
            Server::Alone(process) => process.kill().await?,
            Server::Fleet(fleet) => {
                fleet.set(&settings(self.sandbox.base(), &self.tuning));
                return fleet.crash().await;
            }
        }
        self.start_again().await
    }

    /// Has the database refuse every new run, or take them again.
    pub async fn refuse_runs(&self, refuse: bool) -> anyhow::Result<()> {
        match &self.server {
            Server::Alone(_) => {
                let file = self.scratch.0.join("data").join("syncline.db");
                let options = SqliteConnectOptions::new()
                    .filename(file)
                    .busy_timeout(Duration::from_mins(1));
                let statement = if refuse {
                    "create trigger no_runs before insert on runs begin select raise(abort, 'no runs'); end"
                } else {
                    "drop trigger no_runs"
                };
                options.connect().await?.execute(statement).await?;
                Ok(())
            }
            Server::Fleet(fleet) => {
                let statement = if refuse {
                    "alter table runs add constraint no_runs check (id is null) not valid"
                } else {
                    "alter table runs drop constraint no_runs"
                };
                fleet.change(statement).await
            }
        }
    }

    /// Asks the server to stop (SIGTERM) and waits until it has. Gives its log.
    pub async fn stop(&mut self) -> anyhow::Result<String> {
        match &mut self.server {
            Server::Alone(process) => process.stop().await,
            Server::Fleet(fleet) => fleet.stop().await,
        }
    }

    /// Has the server start, and its operator's commands run, with another value of a setting of the configuration from
    /// now on.
    pub fn set(&mut self, variable: &str, value: &str) {
        let setting = (variable.to_owned(), value.to_owned());
        if let Server::Fleet(fleet) = &mut self.server {
            fleet.set(std::slice::from_ref(&setting));
        }
        self.tuning.push(setting);
    }

    /// Has the server start with these plans from now on, in place of those that are built in.
    pub fn set_plans(&mut self, toml: &str) -> anyhow::Result<()> {
        let file = self.scratch.0.join("plans.toml");
        std::fs::write(&file, toml)?;
        self.set("SYNCLINE__PLANS__FILE", &file.display().to_string());
        Ok(())
    }

    /// Starts the server anew on the same data.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        let settings = settings(self.sandbox.base(), &self.tuning);
        match &mut self.server {
            Server::Alone(process) => *process = serve(&self.scratch, &settings).await?,
            Server::Fleet(fleet) => {
                fleet.set(&settings);
                fleet.start_all().await?;
            }
        }
        self.server.base().clone_into(&mut self.api.base);
        Ok(())
    }

    /// Runs a command on the server's data to its end, as its operator does.
    pub async fn operate(&self, args: &[&str]) -> anyhow::Result<Printed> {
        if let Server::Fleet(fleet) = &self.server {
            return fleet.operate(args).await;
        }
        let data = self.scratch.0.join("data");
        let mut all: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
        all.extend([OsStr::new("--data-dir"), data.as_os_str()]);
        program::run(&all, &self.tuning).await
    }

    /// A sync with nothing new writes nothing.
    pub async fn quiet(&self, connection: &str) -> anyhow::Result<Value> {
        self.sandbox.mark().await?;
        let run = self.api.sync(connection).await?;
        let writes = self.sandbox.writes().await?;
        ensure!(
            writes == 0,
            "a sync without news wrote {writes} times: {run}"
        );
        Ok(run)
    }

    /// Both sides have the same people, each once; nothing was deleted, and a further sync writes nothing.
    pub async fn whole(&self, connection: &str) -> anyhow::Result<()> {
        Audit::take(&self.sandbox).await?.whole(&self.before)?;
        self.quiet(connection).await?;
        Ok(())
    }
}

impl Server {
    fn base(&self) -> &str {
        match self {
            Self::Alone(process) => &process.base,
            Self::Fleet(fleet) => &fleet.base,
        }
    }
}

/// Whether the tests are to be about a fleet.
fn is_fleet() -> bool {
    std::env::var_os("SYNCLINE_TEST_FLEET").is_some_and(|value| value == "1")
}

/// Starts a server on the scratch folder's data.
async fn serve(scratch: &Scratch, settings: &[(String, String)]) -> anyhow::Result<Process> {
    let data = scratch.0.join("data");
    let args = [
        OsStr::new("--listen"),
        OsStr::new("127.0.0.1:0"),
        OsStr::new("--data-dir"),
        data.as_os_str(),
    ];
    Process::start("serve", &scratch.0, &args, settings).await
}

/// The configuration: defaults, but for addresses, for how long a lost answer is waited for, and what a test sets.
fn settings(sandbox: &str, tuning: &[(String, String)]) -> Vec<(String, String)> {
    let mut all = vec![
        ("SYNCLINE__WORKER__TICK".to_owned(), "100ms".to_owned()),
        (
            "SYNCLINE__LOG__LEVEL".to_owned(),
            "info,syncline_worker=debug".to_owned(),
        ),
    ];
    all.extend(providers(sandbox));
    all.extend(tuning.iter().cloned());
    all
}

/// The configuration of the providers: the sandbox in their place.
pub fn providers(sandbox: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let google = [
        ("AUTH_URL", format!("{sandbox}/o/oauth2/v2/auth")),
        ("TOKEN_URL", format!("{sandbox}/token")),
        ("REVOKE_URL", format!("{sandbox}/revoke")),
        ("CLIENT_ID", "sandbox.apps.googleusercontent.com".to_owned()),
        ("CLIENT_SECRET", "sandbox-google-secret".to_owned()),
    ];
    let zoho = [
        ("AUTH_URL", format!("{sandbox}/oauth/v2/auth")),
        ("TOKEN_URL", format!("{sandbox}/oauth/v2/token")),
        ("REVOKE_URL", format!("{sandbox}/oauth/v2/token/revoke")),
        ("CLIENT_ID", "1000.SANDBOX".to_owned()),
        ("CLIENT_SECRET", "sandbox-zoho-secret".to_owned()),
    ];
    let hubspot = [
        ("AUTH_URL", format!("{sandbox}/oauth/authorize")),
        ("TOKEN_URL", format!("{sandbox}/oauth/v1/token")),
        ("CLIENT_ID", "sandbox-hubspot".to_owned()),
        ("CLIENT_SECRET", "sandbox-hubspot-secret".to_owned()),
    ];
    let mailchimp = [
        ("AUTH_URL", format!("{sandbox}/oauth2/authorize")),
        ("TOKEN_URL", format!("{sandbox}/oauth2/token")),
        ("CLIENT_ID", "100000000001".to_owned()),
        ("CLIENT_SECRET", "sandbox-mailchimp-secret".to_owned()),
    ];
    for (provider, keys) in [
        ("GOOGLE_CONTACTS", &google[..]),
        ("ZOHO_CRM", &zoho),
        ("HUBSPOT", &hubspot),
        ("MAILCHIMP", &mailchimp),
    ] {
        let own = [
            ("API_BASE", sandbox.to_owned()),
            ("SETTLE", "1s".to_owned()),
        ];
        all.extend(
            own.into_iter()
                .chain(keys.iter().cloned())
                .map(|(key, value)| (format!("SYNCLINE__PROVIDERS__{provider}__{key}"), value)),
        );
    }
    let settle = "SYNCLINE__PROVIDERS__CREATIO__SETTLE";
    all.push((settle.to_owned(), "1s".to_owned()));
    // The sandbox has no quotas of its own: it is not to be spared like the real ones. A Redis that has never heard of
    // an account lets its tokens flow in from the first on.
    for bucket in [
        "GOOGLE_CONTACTS__LIMITS__READ",
        "GOOGLE_CONTACTS__LIMITS__WRITE",
        "GOOGLE_CONTACTS__LIMITS__GROUP_READ",
        "GOOGLE_CONTACTS__LIMITS__GROUP_WRITE",
        "ZOHO_CRM__LIMITS__CREDITS",
        "HUBSPOT__LIMITS__CALLS",
        "HUBSPOT__LIMITS__SEARCHES",
        "CREATIO__LIMITS__CALLS",
    ] {
        for size in ["CAPACITY", "PER_MINUTE"] {
            let key = format!("SYNCLINE__PROVIDERS__{bucket}__{size}");
            all.push((key, "1000000".to_owned()));
        }
    }
    all
}

/// What a run did in both directions together: `created`, `updated`, `deleted`, `linked`.
pub fn did(run: &Value, what: &str) -> u64 {
    number(run, &format!("/counters/a_to_b/{what}"))
        + number(run, &format!("/counters/b_to_a/{what}"))
}
