//! `syncline demo`: the main job with nothing installed. It starts a sandbox and a server, and then does only what a
//! customer would do over REST and what people would do in the two apps. What it reports at the end is counted from
//! the sandbox's own records and request log, not from the program's opinion of itself.

mod api;
mod audit;
mod edits;
mod report;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde_json::json;
use syncline_platform::telemetry::LogFormat;
use syncline_platform::{Config, Shutdown, telemetry};
use syncline_sandbox::RunningSandbox;

use crate::serve::Serving;
use crate::{import, sandbox};
use api::Api;
use audit::{Audit, Census};
use report::{Report, RunReport};

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
    let say = Say(!args.json);
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
    demo.connect().await?;
    demo.sync("first sync").await?;
    if invented && contacts >= edits::FEWEST {
        let edits = edits::make(&sandbox, &demo.audit)?;
        for line in &edits {
            demo.say.line(&format!("  edit    {line}"));
        }
        demo.report.edits = edits;
        demo.sync("after people's edits").await?;
    }
    demo.sync("nothing changed").await?;
    demo.report.problems = demo.api.problems(&demo.connection).await?;
    demo.conclude(imported.iter().map(ToString::to_string).collect())?;
    if args.json {
        println!("{}", serde_json::to_string(&demo.report.to_json())?);
    } else {
        println!("\n{}", demo.report);
    }
    if !args.once && !args.json {
        stay_up(&demo, &base).await?;
    }
    serving.stop().await?;
    sandbox.stop().await;
    Ok(())
}

struct Demo<'a> {
    api: Api,
    audit: Audit,
    sandbox: &'a RunningSandbox,
    say: Say,
    census: Census,
    report: Report,
    connection: String,
}

impl Demo<'_> {
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
            self.say.progress(name, &state);
            if state.is_final() {
                break state;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        let seconds = begun.elapsed().as_secs_f64();
        self.say.end_progress();
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

async fn stay_up(demo: &Demo<'_>, base: &str) -> anyhow::Result<()> {
    println!("Both stay up until you press Ctrl-C. To play with them:");
    println!(
        "  edit contacts as a person   {}/_sandbox",
        demo.sandbox.base_url()
    );
    println!("  the REST API, documented    {base}/docs");
    println!("  a token for it (15 minutes) {}", demo.api.token());
    println!(
        "  sync again                  curl -X POST -H 'authorization: Bearer TOKEN' {base}/v1/connections/{}/runs",
        demo.connection
    );
    let shutdown = Shutdown::new();
    shutdown.listen_to_signals()?;
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

/// Talks to the person at the terminal, or not.
struct Say(bool);

impl Say {
    fn line(&self, text: &str) {
        if self.0 {
            println!("{text}");
        }
    }

    fn progress(&self, name: &str, run: &api::Run) {
        use std::io::Write as _;
        if self.0 {
            let c = &run.counters;
            print!(
                "\r  {name}: {} read, created {} + {}, updated {} + {}, linked {}   ",
                c.pulled,
                c.a_to_b.created,
                c.b_to_a.created,
                c.a_to_b.updated,
                c.b_to_a.updated,
                c.a_to_b.linked + c.b_to_a.linked
            );
            // A terminal that is gone is no reason to stop syncing.
            std::io::stdout().flush().unwrap_or_default();
        }
    }

    fn end_progress(&self) {
        self.line("");
    }
}
