//! JSON over HTTP, and waiting for something to come true. Knows neither the program's API nor the sandbox's.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Client, Method, redirect};
use serde_json::Value;
use tokio::time::Instant;

/// How often something is looked at while it is waited for.
const LOOK: Duration = Duration::from_millis(50);

/// A client that follows no redirect. Each call is a connection of its own, so that calls to a fleet go to its gateways
/// in turn.
pub fn client() -> anyhow::Result<Client> {
    // TLS is set up all the same: the client will not be made without it. Another test may have done so already.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        rustls::crypto::ring::default_provider()
            .install_default()
            .unwrap_or_default();
    }
    Ok(Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(0)
        .timeout(Duration::from_mins(1))
        .build()?)
}

/// An answer: its status, and its body as JSON (null when it is none).
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: Value,
    /// The cookie that came with it.
    pub cookie: Option<String>,
}

impl Answer {
    /// The body of a success.
    pub fn ok(self) -> anyhow::Result<Value> {
        if (200..300).contains(&self.status) {
            Ok(self.body)
        } else {
            bail!("status {}: {}", self.status, self.body)
        }
    }
}

/// Makes a call.
pub async fn call(
    client: &Client,
    method: Method,
    url: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> anyhow::Result<Answer> {
    let mut call = client.request(method, url);
    if let Some(token) = token {
        call = call.bearer_auth(token);
    }
    if let Some(body) = body {
        call = call.json(body);
    }
    let answer = call.send().await.with_context(|| url.to_owned())?;
    let status = answer.status().as_u16();
    let cookie = answer.headers().get("set-cookie");
    let cookie = cookie.and_then(|cookie| cookie.to_str().ok()?.split(';').next());
    let cookie = cookie.map(str::to_owned);
    let text = answer.text().await?;
    Ok(Answer {
        status,
        cookie,
        body: serde_json::from_str(&text).unwrap_or_default(),
    })
}

/// The text at a JSON pointer.
pub fn text(json: &Value, pointer: &str) -> anyhow::Result<String> {
    json.pointer(pointer)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .with_context(|| format!("no text at {pointer} in {json}"))
}

/// The number at a JSON pointer; zero when there is none.
pub fn number(json: &Value, pointer: &str) -> u64 {
    json.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// Looks again and again until there is something to see. Fails after `seconds`.
pub async fn until<T, F>(what: &str, seconds: u64, mut look: F) -> anyhow::Result<T>
where
    F: AsyncFnMut() -> anyhow::Result<Option<T>>,
{
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            bail!("waited {seconds} s in vain: {what}");
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Looks again and again for a while, and fails as soon as what is seen differs from what was seen first.
pub async fn stays<T, F>(what: &str, time: Duration, mut look: F) -> anyhow::Result<T>
where
    T: PartialEq + std::fmt::Debug,
    F: AsyncFnMut() -> anyhow::Result<T>,
{
    let first = look().await?;
    let deadline = Instant::now() + time;
    while Instant::now() < deadline {
        tokio::time::sleep(LOOK).await;
        let now = look().await?;
        if now != first {
            bail!("{what}: {first:?} became {now:?}");
        }
    }
    Ok(first)
}
