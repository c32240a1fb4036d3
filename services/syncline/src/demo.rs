//! `syncline demo`: the main job with nothing installed. It starts a sandbox and a server, and then does only what a
//! customer would do over REST and what people would do in the two apps. What it reports at the end is counted from
//! the sandbox's own records and request log, not from the program's opinion of itself.

mod api;
mod audit;
mod edits;
mod report;
mod say;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use clap::Args;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde_json::json;
use syncline_platform::telemetry::LogFormat;
use syncline_platform::{Config, Shutdown, telemetry};
use syncline_sandbox::RunningSandbox;

use crate::import::Loaded;
use crate::serve::Serving;
use crate::{import, out, sandbox};
use api::Api;
use audit::{Audit, Census};
use report::{Report, RunReport};
use say::Say;

/// `demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Contacts in each of the two accounts to begin with; the two share a part of them.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(0..=200_000))]
    contacts: u64,
    /// Ends after the report instead of staying up.
    #[arg(long)]
    once: bool,
    /// Prints one JSON object and nothing else; implies `--once`.
    #[arg(long)]
    json: bool,
    /// Loads an export of your own (vCard or Google Contacts CSV) into the CRM account instead of invented contacts.
    #[arg(long, value_name = "FILE")]
    import_a: Option<PathBuf>,
    /// Loads an export of your own (vCard or Google Contacts CSV) into the Google account instead of invented contacts.
    #[arg(long, value_name = "FILE")]
    import_b: Option<PathBuf>,
    /// What the server logs to standard error while the demo runs.
    #[arg(long, default_value = "warn", value_name = "LEVEL")]
    log: String,
}

const ZOHO: &str = "zoho";
const GOOGLE: &str = "google";

/// Runs the demo.
pub async fn run(args: DemoArgs) -> anyhow::Result<()> {
    telemetry::init(LogFormat::Text, &args.log, &SdkTracerProvider::default())?;
    let mut say = Say::new(args.json);
    let files = import::read_all(args.import_a.as_deref(), args.import_b.as_deref())?;
    let invented = files.is_empty();
    let contacts = if invented { args.contacts } else { 0 };
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let sandbox = sandbox::start(loopback, contacts, 1).await?;
    say.line(&format!(
        "sandbox   {}/_sandbox  (two providers: Zoho CRM and Google Contacts)",
        sandbox.base_url()
    ));
    let imported = files.load(&sandbox)?;
    for loaded in &imported {
        say.line(&loaded.to_string());
    }
    let dir = Scratch::new()?;
    let serving = Serving::start(config(&dir.0, loopback, sandbox.base_url())?).await?;
    let base = format!("http://{}", serving.address);
    say.line(&format!(
        "syncline  {base}/docs  (SQLite, in-process queue and coordination)"
    ));
    let mut demo = Demo {
        api: Api::new(&base)?,
        audit: Audit::new(&sandbox)?,
        sandbox: &sandbox,
        say,
        census: Census::default(),
        report: Report::default(),
        connection: String::new(),
    };
    let shutdown = Shutdown::new();
    shutdown.listen_to_signals()?;
    let mut shown = tokio::select! {
        shown = demo.show(invented && contacts >= edits::FEWEST, &imported, args.json) => shown,
        () = shutdown.triggered() => Err(anyhow!("stopped before the report")),
    };
    if shown.is_ok() && !args.once && !args.json {
        shown = stay_up(&demo, &base, &shutdown).await;
    }
    // Whatever came of it, nothing stays behind.
    serving.stop().await?;
    sandbox.stop().await;
    shown
}

struct Demo<'a> {
    api: Api,
    audit: Audit,
    sandbox: &'a RunningSandbox,
    say: Say<std::io::Stdout>,
    census: Census,
    report: Report,
    connection: String,
}

impl Demo<'_> {
    /// Does all of it and prints the report.
    async fn show(&mut self, edited: bool, imported: &[Loaded], json: bool) -> anyhow::Result<()> {
        self.connect().await?;
        self.sync("first sync").await?;
        if edited {
            let edits = edits::make(self.sandbox, &self.audit)?;
            for line in &edits {
                self.say.line(&format!("  edit    {line}"));
            }
            self.report.edits = edits;
            self.sync("after people's edits").await?;
        }
        self.sync("nothing changed").await?;
        self.report.problems = self.api.problems(&self.connection).await?;
        self.conclude(imported.iter().map(ToString::to_string).collect())?;
        if json {
            out::line(&serde_json::to_string(&self.report.to_json())?)?;
        } else {
            out::line(&format!("\n{}", self.report))?;
        }
        Ok(())
    }

    /// Signs up, authorises both accounts and connects them.
    async fn connect(&mut self) -> anyhow::Result<()> {
        self.api.sign_up("Demo Ltd", "owner@demo.example").await?;
        self.say.line("signed up as Demo Ltd");
        let a = self.api.authorise("zoho_crm", "sales@crm.example").await?;
        self.say.line(&format!(
            "authorised Zoho CRM (account {a}): consent page, code, PKCE, token"
        ));
        let b = self
            .api
            .authorise("google_contacts", "sam@mail.example")
            .await?;
        self.say.line(&format!(
            "authorised Google Contacts (account {b}): consent page, code, PKCE, token"
        ));
        let connection = json!({
            "name": "Demo", "object": "contact",
            "a": {"account": a}, "b": {"account": b},
            "direction": "two_way", "conflict": "a_wins", "schedule": {"every": "manual"},
            "deletions": {"a_to_b": "delete", "b_to_a": "mark"},
        });
        // The server begins the first run by itself; what it asks the providers belongs to that run's count.
        audit::mark(self.sandbox);
        self.connection = self.api.connect(&connection).await?;
        self.say.line(&format!(
            "connected them, two-way (connection {})",
            self.connection
        ));
        Ok(())
    }

    /// Syncs once, showing how it goes.
    async fn sync(&mut self, name: &str) -> anyhow::Result<()> {
        self.census.keep_most(&self.audit.census(self.sandbox)?);
        if !self.report.runs.is_empty() {
            audit::mark(self.sandbox);
        }
        let begun = Instant::now();
        let run = self.api.run_now(&self.connection).await?;
        let run = loop {
            let state = self.api.run(&run).await?;
            if state.is_final() {
                break state;
            }
            self.say.progress(name, &state, Instant::now());
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        let seconds = begun.elapsed().as_secs_f64();
        self.say.end(name, &run);
        ensure!(
            run.state == "succeeded",
            "the run ended {}: {}",
            run.state,
            run.error.unwrap_or_default()
        );
        let requests = audit::requests(self.sandbox);
        let conflicts = self.api.conflicts(&self.connection).await?;
        self.report.runs.push(RunReport {
            name: name.to_owned(),
            counters: run.counters,
            requests,
            seconds,
            conflicts: conflicts
                .into_iter()
                .filter(|conflict| conflict.run == run.id)
                .collect(),
        });
        Ok(())
    }

    /// Counts what came of it from the sandbox's own records.
    fn conclude(&mut self, imported: Vec<String>) -> anyhow::Result<()> {
        let last = self.report.runs.last().context("no run")?;
        self.report.quiescent = last.requests.writes == 0;
        let verdict = self.audit.compare(self.sandbox)?;
        self.report.records = verdict.records;
        self.report.unequal = verdict.unequal;
        self.report.examples = verdict.examples;
        self.report.duplicates = self.audit.census(self.sandbox)?.more_than(&self.census);
        self.report.imported = imported;
        Ok(())
    }
}

async fn stay_up(demo: &Demo<'_>, base: &str, shutdown: &Shutdown) -> anyhow::Result<()> {
    out::line(&format!(
        "Both stay up until you press Ctrl-C. To play with them:\n\
         \x20 edit contacts as a person   {}/_sandbox\n\
         \x20 the REST API, documented    {base}/docs\n\
         \x20 a token for it (15 minutes) {}\n\
         \x20 sync again                  curl -X POST -H 'authorization: Bearer TOKEN' {base}/v1/connections/{}/runs",
        demo.sandbox.base_url(),
        demo.api.token(),
        demo.connection
    ))?;
    shutdown.triggered().await;
    Ok(())
}

/// The configuration of the demo's server: defaults, but for addresses.
fn config(dir: &std::path::Path, listen: SocketAddr, sandbox: &str) -> anyhow::Result<Config> {
    let mut config = Config::load_with(None, std::collections::HashMap::new())?;
    dir.clone_into(&mut config.data_dir);
    config.server.listen = listen;
    // The sandbox has no quotas unless it is given some: no need to be paced by those of the real providers.
    let unhurried = json!({"capacity": 1_000_000, "per_minute": 1_000_000});
    config.providers = serde_json::from_value(json!({
        "zoho_crm": {
            "api_base": sandbox,
            "auth_url": format!("{sandbox}/oauth/v2/auth"),
            "token_url": format!("{sandbox}/oauth/v2/token"),
            "revoke_url": format!("{sandbox}/oauth/v2/token/revoke"),
            "client_id": "1000.SANDBOX",
            "client_secret": "sandbox-zoho-secret",
            "limits": {"credits": unhurried},
        },
        "google_contacts": {
            "api_base": sandbox,
            "auth_url": format!("{sandbox}/o/oauth2/v2/auth"),
            "token_url": format!("{sandbox}/token"),
            "revoke_url": format!("{sandbox}/revoke"),
            "client_id": "sandbox.apps.googleusercontent.com",
            "client_secret": "sandbox-google-secret",
            "limits": {"read": unhurried, "write": unhurried, "group_read": unhurried, "group_write": unhurried},
        },
    }))?;
    Ok(config)
}

/// A temporary directory, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> anyhow::Result<Self> {
        let name = format!("syncline-demo-{}", syncline_platform::random_token(9));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "the temporary directory stays behind");
        }
    }
}
