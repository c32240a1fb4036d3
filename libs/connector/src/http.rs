//! The HTTP client that all calls to providers share: time-outs, limits, no redirects. It knows nothing of
//! providers, tokens or retries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use ipnet::IpNet;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use syncline_model::AccountId;
use url::{Host, Url};

use crate::reach::{Private, Reach};

/// A source of chance: each call gives a number from 0 up to, not including, 1.
pub type Chance = Arc<dyn Fn() -> f64 + Send + Sync>;

/// The limits of every call. The defaults are what production uses.
#[derive(Clone, Debug)]
pub struct HttpLimits {
    /// Longest time to a connection.
    pub connect: Duration,
    /// Longest time of a call, body included.
    pub total: Duration,
    /// Largest answer, unpacked, in bytes.
    pub body: usize,
    /// How often a repeatable call is made at most, the first time included.
    pub attempts: u32,
    /// The first wait between attempts; it doubles each time, and half of it is left to chance.
    pub backoff: Duration,
    /// The longest wait that a call sits out itself; anything longer is the caller's to schedule.
    pub patience: Duration,
    /// Private networks in which servers that customers typed may be. Public addresses need no mention.
    pub private_networks: Vec<IpNet>,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Duration::from_mins(1),
            body: 32 * 1024 * 1024,
            attempts: 4,
            backoff: Duration::from_millis(400),
            patience: Duration::from_secs(2),
            private_networks: Vec::new(),
        }
    }
}

/// The client could not be built (no certificates on this machine, for instance).
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be built")]
pub struct ClientError(#[from] reqwest::Error);

/// What all sessions of a process share: connections, limits, chance and the writers' queues. Cloning is cheap.
#[derive(Clone)]
pub struct HttpClient {
    inner: Arc<Inner>,
}

struct Inner {
    /// Goes through the proxy that the environment names, if any.
    outside: reqwest::Client,
    /// Never goes through a proxy.
    loopback: reqwest::Client,
    /// Goes only where a customer may send us, and never through a proxy, which would resolve names by itself.
    typed: reqwest::Client,
    reach: Reach,
    limits: HttpLimits,
    chance: Chance,
    writers: Mutex<HashMap<AccountId, Weak<tokio::sync::Mutex<()>>>>,
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpClient")
            .field("limits", &self.inner.limits)
            .finish_non_exhaustive()
    }
}

/// An answer, or the lack of one, without any judgement.
pub(crate) struct Raw {
    pub status: u16,
    pub headers: HeaderMap,
    pub date: Option<DateTime<Utc>>,
    pub body: Bytes,
}

/// No usable answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    /// No connection: nothing was sent.
    #[error("no connection to the provider")]
    NotSent(#[source] reqwest::Error),
    /// It broke off after something may have been sent.
    #[error("the provider did not answer, or its answer broke off")]
    Broken(#[source] reqwest::Error),
    /// Not called: a customer typed an address that is none of the public internet.
    #[error(transparent)]
    Private(Private),
    /// The answer is larger than the limit.
    #[error("the provider's answer is larger than {0} bytes")]
    TooLarge(usize),
}

impl HttpClient {
    /// A client with these limits, drawing its chance from outside.
    pub fn new(limits: HttpLimits, chance: Chance) -> Result<Self, ClientError> {
        // A second call finds the provider installed already, which is just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let build = |builder: reqwest::ClientBuilder| {
            builder
                .connect_timeout(limits.connect)
                .timeout(limits.total)
                .redirect(reqwest::redirect::Policy::none())
                .user_agent(concat!("syncline/", env!("CARGO_PKG_VERSION"), " (gzip)"))
                .pool_idle_timeout(Duration::from_secs(30))
                .build()
        };
        let reach = Reach::new(&limits.private_networks);
        let typed = reqwest::Client::builder()
            .no_proxy()
            .dns_resolver(reach.clone());
        Ok(Self {
            inner: Arc::new(Inner {
                outside: build(reqwest::Client::builder())?,
                loopback: build(reqwest::Client::builder().no_proxy())?,
                typed: build(typed)?,
                reach,
                limits,
                chance,
                writers: Mutex::default(),
            }),
        })
    }

    pub(crate) fn limits(&self) -> &HttpLimits {
        &self.inner.limits
    }

    /// The wait before an attempt (1 is the second one): equal jitter, half fixed and half chance.
    pub(crate) fn backoff(&self, attempt: u32) -> Duration {
        let whole = self
            .inner
            .limits
            .backoff
            .saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1).min(8)));
        let half = whole / 2;
        half + half.mul_f64((self.inner.chance)().clamp(0.0, 1.0))
    }

    /// The queue of an account's writers in this process.
    pub(crate) fn writers(&self, account: AccountId) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self
            .inner
            .writers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = all.get(&account).and_then(Weak::upgrade) {
            return queue;
        }
        all.retain(|_, queue| queue.strong_count() > 0);
        let queue = Arc::default();
        all.insert(account, Arc::downgrade(&queue));
        queue
    }

    /// Starts a request at an address.
    pub(crate) fn request(&self, method: reqwest::Method, url: Url) -> reqwest::RequestBuilder {
        let client = if is_loopback(&url) {
            &self.inner.loopback
        } else {
            &self.inner.outside
        };
        client.request(method, url)
    }

    /// Starts a request at an address that a customer typed.
    pub(crate) fn request_typed(
        &self,
        method: reqwest::Method,
        url: Url,
    ) -> Result<reqwest::RequestBuilder, Lost> {
        if self.inner.reach.admits_url(&url) {
            Ok(self.inner.typed.request(method, url))
        } else {
            Err(Lost::Private(Private))
        }
    }

    /// Whether a password may go to this server: nobody can listen in, or the operator says that nobody does.
    pub(crate) fn keeps_secrets(&self, server: &Url) -> bool {
        server.scheme() == "https"
            || server.scheme() == "http" && self.inner.reach.is_opened(server)
    }

    /// Sends it and reads the whole answer, within the limits.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Result<Raw, Lost> {
        let mut response = request.send().await.map_err(|error| {
            // The address is taken out: it may carry tokens and values in its query.
            let error = error.without_url();
            if is_private(&error) {
                Lost::Private(Private)
            } else if error.is_connect() || error.is_builder() {
                Lost::NotSent(error)
            } else {
                Lost::Broken(error)
            }
        })?;
        let limit = self.inner.limits.body;
        let mut body = BytesMut::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| Lost::Broken(error.without_url()))?
        {
            if body.len() + chunk.len() > limit {
                return Err(Lost::TooLarge(limit));
            }
            body.extend_from_slice(&chunk);
        }
        let headers = std::mem::take(response.headers_mut());
        Ok(Raw {
            status: response.status().as_u16(),
            date: headers
                .get("date")
                .and_then(|date| http_date(date.to_str().ok()?)),
            headers,
            body: body.freeze(),
        })
    }
}

impl Raw {
    /// How long the provider asks us to wait: seconds, or a date compared with the provider's own clock.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?;
        retry_after(text, self.date)
    }
}

fn retry_after(text: &str, now: Option<DateTime<Utc>>) -> Option<Duration> {
    /// The longest wait that is believed: a broken header must not stop an account for good.
    const LONGEST: Duration = Duration::from_hours(24);
    let wait = match text.trim().parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => (http_date(text)? - now?).to_std().unwrap_or_default(),
    };
    Some(wait.min(LONGEST))
}

/// A date as HTTP writes it (`Sun, 06 Nov 1994 08:49:37 GMT`).
fn http_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text.trim())
        .ok()
        .map(|date| date.with_timezone(&Utc))
}

/// Whether it was the resolver that refused.
fn is_private(error: &reqwest::Error) -> bool {
    type Any = dyn std::error::Error + 'static;
    let first: &Any = error;
    std::iter::successors(Some(first), |error| error.source()).any(Any::is::<Private>)
}

/// Whether an address is this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = http_date("Sun, 06 Nov 1994 08:49:37 GMT");
        assert!(now.is_some());
        let check = |text: &str, want: Option<u64>| {
            assert_eq!(
                retry_after(text, now),
                want.map(Duration::from_secs),
                "{text}"
            );
        };
        check("7", Some(7));
        check(" 0 ", Some(0));
        check("Sun, 06 Nov 1994 08:50:37 GMT", Some(60));
        check("Sun, 06 Nov 1994 08:00:00 GMT", Some(0));
        check("99999999999", Some(86_400));
        check("-3", None);
        check("soon", None);
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:37 GMT", None), None);
    }

    #[test]
    fn waits_double_and_half_of_them_is_chance() {
        let client = |chance: f64| {
            HttpClient::new(HttpLimits::default(), Arc::new(move || chance)).expect("client")
        };
        assert_eq!(client(0.0).backoff(1), Duration::from_millis(200));
        assert_eq!(client(1.0).backoff(1), Duration::from_millis(400));
        assert_eq!(client(0.5).backoff(2), Duration::from_millis(600));
        assert_eq!(client(1.0).backoff(3), Duration::from_millis(1600));
    }

    #[test]
    fn loopback_is_told_apart() {
        let check = |text: &str, want: bool| {
            assert_eq!(is_loopback(&Url::parse(text).expect("url")), want, "{text}");
        };
        check("http://127.0.0.1:8080/x", true);
        check("http://[::1]/", true);
        check("http://localhost:1/", true);
        check("https://people.googleapis.com/", false);
        check("https://localhost.example.com/", false);
    }

    #[tokio::test]
    async fn writers_of_one_account_queue_and_others_do_not() {
        let http = HttpClient::new(HttpLimits::default(), Arc::new(|| 0.0)).expect("client");
        let account = |n| AccountId::from_uuid(format!("{n:032x}").parse().expect("uuid"));
        let first = http.writers(account(1));
        let held = first.lock().await;
        assert!(http.writers(account(1)).try_lock().is_err());
        assert!(http.writers(account(2)).try_lock().is_ok());
        drop(held);
        assert!(http.writers(account(1)).try_lock().is_ok());
    }
}
