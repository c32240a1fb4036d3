//! One account's way to its provider: address, token, limits, retries. What an answer means is the connector's
//! business, except where every provider means the same: 401 once, 429 and 5xx.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{AGE, AUTHORIZATION, HeaderValue};
use secrecy::ExposeSecret;
use syncline_model::AccountId;
use tracing::Instrument;
use url::Url;

use crate::address::{Trusted, origin_of};
use crate::http::{Lost, Raw};
use crate::request::Body;
use crate::{
    Access, AccessToken, Auth, Definition, Endpoints, Error, Gate, HttpClient, Kind, Pass, Permit,
    Request, Response, Witness,
};

/// One account's way to its provider. Cloning is cheap.
#[derive(Clone)]
pub struct Session {
    account: AccountId,
    provider: String,
    header_prefix: String,
    /// Whether the account's owner typed the server's address, with credentials that are for it alone.
    typed: bool,
    trusted: Trusted,
    endpoints: Endpoints,
    http: HttpClient,
    access: Arc<dyn Access>,
    gate: Arc<dyn Gate>,
    permit: Option<Arc<dyn Permit>>,
    witness: Option<Arc<dyn Witness>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("account", &self.account)
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

/// Holds an account's turn to write until dropped.
#[derive(Debug)]
pub struct WriteTurn(
    #[expect(dead_code, reason = "held, not read")] tokio::sync::OwnedMutexGuard<()>,
);

impl Session {
    /// A session of an account with the provider of a definition.
    pub fn new(
        account: AccountId,
        definition: &Definition,
        endpoints: Endpoints,
        http: HttpClient,
        access: Arc<dyn Access>,
        gate: Arc<dyn Gate>,
    ) -> Self {
        Self {
            account,
            provider: definition.id.as_str().to_owned(),
            header_prefix: definition.auth.header_prefix().to_owned(),
            typed: matches!(definition.auth, Auth::Password(_)),
            trusted: Trusted::new(&definition.allowed_hosts, &endpoints.api_base),
            endpoints,
            http,
            access,
            gate,
            permit: None,
            witness: None,
        }
    }

    /// The same, which writes only while a permit holds.
    #[must_use]
    pub fn permitted_by(self, permit: Arc<dyn Permit>) -> Self {
        Self {
            permit: Some(permit),
            ..self
        }
    }

    /// The same, whose answers are told to a witness.
    #[must_use]
    pub fn witnessed_by(self, witness: Arc<dyn Witness>) -> Self {
        Self {
            witness: Some(witness),
            ..self
        }
    }

    /// The account.
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// The provider's id.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The address of the account's own server, as its owner typed it.
    pub async fn server(&self) -> Result<Url, Error> {
        let token = self.access.token().await?;
        let typed = token.api_base.filter(|_| self.typed);
        let typed = typed.and_then(|typed| Url::parse(&typed).ok());
        typed.ok_or_else(|| {
            let message = "the account has no server of its own";
            self.error(Kind::Unsupported, message)
        })
    }

    /// Waits for this account's turn to write, for providers that want one writer at a time: several calls that belong
    /// together. Turns are kept per process. Between processes the pair's lease keeps runs apart, and where an account
    /// is in several pairs the gate lets through one writing call at a time.
    pub async fn write_lock(&self) -> WriteTurn {
        WriteTurn(self.http.writers(self.account).lock_owned().await)
    }

    /// Makes a call. `Ok` is any answer below 500 but 429, so that the connector can read what a refusal says;
    /// `Err` is no answer, a server error or too many calls. A 401 renews the token and repeats the call once;
    /// repeatable calls are made again after broken connections and server errors.
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        let span = tracing::info_span!(
            "provider_call",
            provider = %self.provider,
            account.id = %self.account,
            method = %request.method,
            route = request.route,
            status = tracing::field::Empty,
            ms = tracing::field::Empty,
        );
        self.attempts(&request).instrument(span).await
    }

    async fn attempts(&self, request: &Request) -> Result<Response, Error> {
        let limits = self.http.limits();
        let mut token = self.access.token().await?;
        let mut renewed = false;
        let mut attempt = 1;
        loop {
            let pass = self.pass_gate(request).await?;
            self.check_permit(request)?;
            let begun = Instant::now();
            let outcome = self.once(request, &token).await;
            drop(pass);
            self.count(&outcome, begun.elapsed());
            let error = match outcome {
                Ok(raw) if raw.status == 401 && !renewed => {
                    renewed = true;
                    token = self.access.renew(&token).await?;
                    continue;
                }
                Ok(raw) if raw.status == 429 => return Err(self.too_many(&raw)),
                Ok(raw) if raw.status >= 500 || raw.status == 408 => {
                    self.server_error(request, &raw)
                }
                Ok(raw) => return Ok(self.response(request, raw)),
                Err(error) => error,
            };
            let again =
                request.safe && error.kind == Kind::Unavailable && attempt < limits.attempts;
            if !again {
                return Err(error);
            }
            let wait = self.http.backoff(attempt);
            tracing::debug!(
                attempt,
                wait_ms = wait.as_millis() as u64,
                "the call will be repeated"
            );
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    /// Counts a call by what came of it.
    fn count(&self, outcome: &Result<Raw, Error>, took: Duration) {
        let outcome = match outcome {
            Err(_) => "unavailable",
            Ok(raw) => match raw.status {
                401 => "refused",
                429 => "rate_limited",
                408 | 500.. => "unavailable",
                400.. => "rejected",
                _ => "ok",
            },
        };
        let provider = self.provider.clone();
        metrics::counter!("syncline_provider_calls_total", "provider" => provider.clone(), "outcome" => outcome)
            .increment(1);
        metrics::histogram!("syncline_provider_call_seconds", "provider" => provider)
            .record(took.as_secs_f64());
    }

    async fn pass_gate(&self, request: &Request) -> Result<Pass, Error> {
        let begun = Instant::now();
        let passed = self.wait_at_gate(request, begun).await;
        let provider = self.provider.clone();
        metrics::histogram!("syncline_rate_limit_wait_seconds", "provider" => provider)
            .record(begun.elapsed().as_secs_f64());
        passed
    }

    /// Whoever slept through the end of his lease must not write when he wakes: another one has the work by now.
    fn check_permit(&self, request: &Request) -> Result<(), Error> {
        let permitted = self.permit.as_ref().is_none_or(|permit| permit.holds());
        if permitted || !request.writes() {
            return Ok(());
        }
        Err(self.error(
            Kind::Unavailable,
            "the right to write has run out: nothing was sent",
        ))
    }

    async fn wait_at_gate(&self, request: &Request, begun: Instant) -> Result<Pass, Error> {
        /// Short waits, for a place or a bucket that others keep emptying, may add up to this many long ones.
        const TURNS: u32 = 5;
        /// A writer's, who waits for another worker's calls to end.
        const TURNS_TO_WRITE: u32 = 15;
        let writes = request.writes();
        let turns = if writes { TURNS_TO_WRITE } else { TURNS };
        let patience = self.http.limits().patience;
        loop {
            let wait = match self.gate.enter(&request.buckets, writes).await {
                Ok(pass) => return Ok(pass),
                Err(wait) => wait,
            };
            if wait > patience || begun.elapsed() >= patience * turns {
                let kind = Kind::RateLimited {
                    retry_after: Some(wait.max(patience)),
                };
                return Err(self.error(kind, "the limit of calls to this provider is used up"));
            }
            tokio::time::sleep(wait.max(Duration::from_millis(1))).await;
        }
    }

    async fn once(&self, request: &Request, token: &AccessToken) -> Result<Raw, Error> {
        let url = self.address(request, token)?;
        let credential = format!("{} {}", self.header_prefix, token.secret.expose_secret());
        let mut credential = HeaderValue::from_str(&credential).map_err(|_| {
            self.error(
                Kind::Unauthorized,
                "the access token is not a text that HTTP can carry",
            )
        })?;
        credential.set_sensitive(true);
        let method = request.method.clone();
        let call = if self.typed {
            let call = self.http.request_typed(method, url);
            call.map_err(|lost| self.lost(request, lost))?
        } else {
            self.http.request(method, url)
        };
        let mut call = call.header(AUTHORIZATION, credential);
        if !request.headers.iter().any(|(name, _)| *name == "accept") {
            call = call.header("accept", "application/json");
        }
        for (name, value) in &request.headers {
            call = call.header(*name, value);
        }
        call = match &request.body {
            Some(Body::Json(json)) => call.json(json),
            Some(Body::Text(text)) => call.body(text.clone()),
            None => call,
        };
        let begun = Instant::now();
        let outcome = self.http.send(call).await;
        let span = tracing::Span::current();
        span.record("ms", begun.elapsed().as_millis() as u64);
        match outcome {
            Ok(raw) => {
                span.record("status", raw.status);
                self.bear_witness(&raw, begun.elapsed());
                tracing::debug!("the provider answered");
                Ok(raw)
            }
            Err(lost) => {
                tracing::debug!(error = %lost, "the provider did not answer");
                Err(self.lost(request, lost))
            }
        }
    }

    /// What an answer says of the provider's clock. One that lay in a cache says what that was long ago.
    fn bear_witness(&self, raw: &Raw, took: Duration) {
        let is_fresh = raw.headers.get(AGE).is_none_or(|age| age == "0");
        if let (Some(witness), Some(date), true) = (&self.witness, raw.date, is_fresh) {
            witness.answered(date, took);
        }
    }

    /// Where a call goes. Only the API's own origin ever sees the token.
    fn address(&self, request: &Request, token: &AccessToken) -> Result<Url, Error> {
        let named = token
            .api_base
            .as_deref()
            .filter(|_| !self.endpoints.api_base_pinned);
        let base = match named {
            Some(named) if self.typed || self.trusted.admits(named) => named,
            Some(_) => {
                return Err(self.error(
                    Kind::Forbidden,
                    "the provider sends us to a host that it is not known to have",
                ));
            }
            None => &self.endpoints.api_base,
        };
        let whole = request.target.starts_with("http://") || request.target.starts_with("https://");
        let text = if whole {
            request.target.clone()
        } else {
            let path = &self.endpoints.api_path;
            format!("{}{path}{}", base.trim_end_matches('/'), request.target)
        };
        let mut url = Url::parse(&text)
            .map_err(|_| self.error(Kind::Malformed, "the address of the call is not a URL"))?;
        if origin_of(&text) != origin_of(base) {
            return Err(self.error(
                Kind::Malformed,
                "the provider names an address outside its API",
            ));
        }
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        Ok(url)
    }

    fn response(&self, request: &Request, raw: Raw) -> Response {
        Response {
            status: raw.status,
            headers: raw.headers,
            date: raw.date,
            body: raw.body,
            provider: self.provider.clone(),
            safe: request.safe,
        }
    }

    fn lost(&self, request: &Request, lost: Lost) -> Error {
        let (kind, sent) = match lost {
            Lost::NotSent(_) => (Kind::Unavailable, false),
            Lost::Private(_) => (Kind::Forbidden, false),
            Lost::Broken(_) => (Kind::Unavailable, true),
            Lost::TooLarge(_) => (Kind::Malformed, true),
        };
        let mut error = self.error(kind, lost.to_string());
        error.maybe_applied = sent && !request.safe;
        error.source = Some(Arc::new(lost));
        error
    }

    fn server_error(&self, request: &Request, raw: &Raw) -> Error {
        // A server that names a long wait means it: the caller schedules, instead of knocking on.
        let kind = match raw.retry_after() {
            Some(wait) if wait > self.http.limits().patience => Kind::RateLimited {
                retry_after: Some(wait),
            },
            _ => Kind::Unavailable,
        };
        let mut error = self.error(
            kind,
            format!("the provider answered with a server error ({})", raw.status),
        );
        error.status = Some(raw.status);
        error.maybe_applied = !request.safe;
        error
    }

    fn too_many(&self, raw: &Raw) -> Error {
        let retry_after = raw.retry_after();
        let mut error = self.error(
            Kind::RateLimited { retry_after },
            "the provider says that there were too many calls",
        );
        error.status = Some(raw.status);
        error
    }

    /// An error of this session's provider.
    pub fn error(&self, kind: Kind, message: impl Into<String>) -> Error {
        Error::new(self.provider.clone(), kind, message)
    }
}
