//! Roles as processes of their own, on PostgreSQL, RabbitMQ and Redis: a whole sync through them, what they tell those who
//! watch, one trace from the API's call to the provider's, and a clean end.
//!
//! Needs SYNCLINE_TEST_POSTGRES_URL, SYNCLINE_TEST_RABBITMQ_URL and SYNCLINE_TEST_REDIS_URL.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use system_tests::customer::succeeded;
use system_tests::http::{client, text, until};
use system_tests::program::{Process, Scratch, binary};
use system_tests::world::{GOOGLE_LOGIN, ZOHO_LOGIN, providers};
use system_tests::{Customer, Sandbox, Servers, Shared};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The trace that a caller says it is in.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
/// What a customer's contact is called here; nobody who watches may read it.
const CANARY: &str = "Kanarienvogel";

#[tokio::test]
async fn roles_sync_together_and_tell_what_they_do() -> anyhow::Result<()> {
    let scratch = Scratch::new()?;
    let args = ["--listen", "127.0.0.1:0", "--contacts", "5"].map(OsStr::new);
    let sandbox_process = Process::start("sandbox", &scratch.0, &args, &[]).await?;
    let sandbox = Sandbox::new(&sandbox_process.base)?;
    let receiver = Receiver::start().await?;
    let shared = Shared::make(Servers::given()?).await?;
    let environment = environment(&shared, &receiver, &scratch, sandbox.base())?;
    let migrated = tokio::process::Command::new(binary()?)
        .arg("migrate")
        .envs(environment.iter().cloned())
        .status()
        .await?;
    ensure!(migrated.success(), "migrate");
    let mut roles = Vec::new();
    for role in ["gateway", "worker", "scheduler"] {
        roles.push(Process::start(role, &scratch.0, &[], &environment).await?);
    }

    let gateway = roles.first().context("a gateway")?.base.clone();
    let api = Customer::sign_up(&gateway, "owner@test.example").await?;
    let a = api.authorise("zoho_crm", ZOHO_LOGIN).await?;
    let b = api.authorise("google_contacts", GOOGLE_LOGIN).await?;
    let native = json!({"Last_Name": CANARY, "Email": format!("{CANARY}@mail.example")});
    sandbox.create("zoho", native).await?;
    // A rule on age, since looks at all records again are counted.
    let recent = json!({"from": "a", "if": [{"field": "Created_Time", "within_days": 3650}]});
    let connection = api
        .connect(
            json!({"name": "Contacts", "a": {"account": a}, "b": {"account": b},
            "schedule": {"every": "manual"}, "rules": [recent]}),
        )
        .await?;
    succeeded(api.first_run(&connection).await?)?;
    let run = asked_in_a_trace(&api, &connection).await?;
    succeeded(api.ended(&run).await?)?;
    let address = format!("{CANARY}@mail.example");
    let synced = sandbox.find("google", &address);
    ensure!(synced.await?.is_some(), "the contact did not arrive");

    for role in &roles {
        let ready = call(&format!("{}/readyz", role.base)).await?;
        assert_eq!(ready["status"], "ok", "{ready}");
        assert_eq!(ready["parts"].as_array().map(Vec::len), Some(4));
    }
    let numbers = told(&roles).await?;
    let mut logs = String::new();
    for role in &mut roles {
        logs += &role.stop().await?;
    }
    assert!(logs.contains(TRACE), "lines carry the trace's id");
    let sent = receiver.bodies();
    let spans = spans_of(&sent, TRACE)?;
    for (role, span) in [
        ("gateway", "request"),
        ("worker", "run"),
        ("worker", "provider_call"),
    ] {
        assert!(
            spans.contains(&(role.to_owned(), span.to_owned())),
            "{role} {span}: {spans:?}"
        );
    }
    let mut watched = logs.into_bytes();
    watched.extend(numbers.into_bytes());
    watched.extend(sent.concat());
    for secret in [
        CANARY,
        api.token(),
        "correct horse",
        "sandbox-google-secret",
    ] {
        assert!(!holds(&watched, secret), "{secret} is told to who watches");
    }
    Ok(())
}

/// What a role refuses says what to do.
#[tokio::test]
async fn a_role_without_what_processes_share_does_not_start() -> anyhow::Result<()> {
    let scratch = Scratch::new()?;
    let refused = tokio::process::Command::new(binary()?)
        .arg("worker")
        .env("SYNCLINE__DATA_DIR", scratch.0.join("data"))
        .output()
        .await?;
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        said.contains("a worker of its own needs PostgreSQL"),
        "{said}"
    );
    let shared = Shared::make(Servers::given()?).await?;
    let receiver = Receiver::start().await?;
    let environment = environment(&shared, &receiver, &scratch, "http://127.0.0.1:9")?;
    let refused = tokio::process::Command::new(binary()?)
        .arg("scheduler")
        .envs(environment)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("there is no key ring at"), "{said}");
    Ok(())
}

/// Asks for a run as a caller who is in a trace.
async fn asked_in_a_trace(api: &Customer, connection: &str) -> anyhow::Result<String> {
    let answer = client()?
        .post(format!("{}/v1/connections/{connection}/runs", api.base))
        .bearer_auth(api.token())
        .header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01"))
        .json(&json!({}))
        .send()
        .await?
        .error_for_status()?;
    text(&serde_json::from_str(&answer.text().await?)?, "/id")
}

async fn call(url: &str) -> anyhow::Result<Value> {
    let answer = system_tests::http::call(&client()?, Method::GET, url, None, None).await?;
    answer.ok()
}

/// The numbers of all roles, once they have every metric that is documented; they may have no other.
async fn told(roles: &[Process]) -> anyhow::Result<String> {
    let documented = documented()?;
    // A provider's call, at an address that is nobody's.
    for role in roles {
        let url = format!("{}/v1/hooks/mailchimp/nobody", role.base);
        client()?.post(url).send().await?;
    }
    until("every documented metric", 20, async || {
        let mut all = String::new();
        for role in roles {
            let answer = client()?
                .get(format!("{}/metrics", role.base))
                .send()
                .await?;
            all += &answer.error_for_status()?.text().await?;
        }
        let told: BTreeSet<&str> = all
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
            .collect();
        let unknown: Vec<_> = told
            .iter()
            .filter(|name| !documented.contains(**name))
            .collect();
        ensure!(unknown.is_empty(), "not documented: {unknown:?}");
        Ok((told.len() == documented.len()).then_some(all.clone()))
    })
    .await
}

/// Names of the metrics in docs/operations.md.
fn documented() -> anyhow::Result<BTreeSet<String>> {
    let path = system_tests::program::workspace().join("docs/operations.md");
    let page = std::fs::read_to_string(path)?;
    let rows = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `syncline_"));
    let name = |row: &str| {
        let end = row.find(['`', '{'])?;
        Some(format!("syncline_{}", row.get(..end)?))
    };
    Ok(rows.filter_map(name).collect())
}

fn environment(
    shared: &Shared,
    receiver: &Receiver,
    scratch: &Scratch,
    sandbox: &str,
) -> anyhow::Result<Vec<(String, String)>> {
    let mut all = providers(sandbox);
    all.extend(shared.configuration(&Servers::given()?)?);
    let data = scratch.0.join("data");
    std::fs::create_dir_all(&data)?;
    for (key, value) in [
        ("DATA_DIR", data.display().to_string()),
        ("SERVER__LISTEN", "127.0.0.1:0".to_owned()),
        ("TELEMETRY__OTLP_ENDPOINT", receiver.base.clone()),
        ("WORKER__TICK", "200ms".to_owned()),
        ("WORKER__RELOOK", "1ms".to_owned()),
        ("LOG__LEVEL", "trace".to_owned()),
        ("LOG__FORMAT", "json".to_owned()),
    ] {
        all.push((format!("SYNCLINE__{key}"), value));
    }
    Ok(all)
}

/// Takes what is sent by OTLP over HTTP.
struct Receiver {
    base: String,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Receiver {
    async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let bodies: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let kept = Arc::clone(&bodies);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                tokio::spawn(async move {
                    if let Ok(body) = received(stream).await {
                        kept.lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(body);
                    }
                });
            }
        });
        Ok(Self { base, bodies })
    }

    fn bodies(&self) -> Vec<Vec<u8>> {
        self.bodies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// One request's body, answered with an empty 200.
async fn received(mut stream: TcpStream) -> anyhow::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    ensure!(head.starts_with("post /v1/traces "), "{head}");
    ensure!(head.contains("application/x-protobuf"), "{head}");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.context("a length")?.trim().parse()?];
    stream.read_exact(&mut body).await?;
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    stream.write_all(answer).await?;
    Ok(body)
}

/// The spans of a trace: whose role's, and named how.
fn spans_of(bodies: &[Vec<u8>], trace: &str) -> anyhow::Result<BTreeSet<(String, String)>> {
    let mut found = BTreeSet::new();
    for body in bodies {
        // ExportTraceServiceRequest { 1: ResourceSpans { 1: Resource, 2: ScopeSpans { 2: Span { 1: trace, 5: name } } } }
        for resource_spans in fields(body)?.remove(&1).unwrap_or_default() {
            let mut parts = fields(resource_spans)?;
            let resource = parts.remove(&1).unwrap_or_default().concat();
            let role = ["gateway", "worker", "scheduler"]
                .into_iter()
                .find(|role| holds(&resource, role))
                .context("a role")?;
            for scope in parts.remove(&2).unwrap_or_default() {
                for span in fields(scope)?.remove(&2).unwrap_or_default() {
                    let span = fields(span)?;
                    let first = |field| span.get(&field).and_then(|all| all.first()).copied();
                    let id = first(1)
                        .unwrap_or_default()
                        .iter()
                        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
                    if id == trace {
                        let name = String::from_utf8_lossy(first(5).unwrap_or_default());
                        found.insert((role.to_owned(), name.into_owned()));
                    }
                }
            }
        }
    }
    Ok(found)
}

/// The members of a protobuf message that have a length, by number.
fn fields(mut message: &[u8]) -> anyhow::Result<BTreeMap<u64, Vec<&[u8]>>> {
    let mut all: BTreeMap<u64, Vec<&[u8]>> = BTreeMap::new();
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let length = match key & 7 {
            0 => {
                varint(&mut message)?;
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut message)?)?,
            5 => 4,
            other => bail!("a member of kind {other}"),
        };
        let (value, rest) = message.split_at_checked(length).context("cut off")?;
        message = rest;
        if key & 7 == 2 {
            all.entry(key >> 3).or_default().push(value);
        }
    }
    Ok(all)
}

fn varint(message: &mut &[u8]) -> anyhow::Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = message.split_first().context("cut off")?;
        *message = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Ok(value);
        }
    }
    bail!("a number without end")
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
