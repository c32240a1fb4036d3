//! Keeps an account's access token fresh: once per expiry, however many tasks and processes ask.
//!
//! In a process, renewing is one task's turn; the others wait and take what it brought. Between processes the version
//! of the stored credentials decides: who saves first has won, the other adopts what it finds. A renewal that began
//! is carried through even if the task that asked for it is given up, since a provider may have exchanged the refresh
//! token already.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use syncline_connector::client_credentials;
use syncline_connector::oauth::Credentials;
use syncline_connector::{Access, AccessToken, Connector, Error, Kind, Scheme};
use syncline_model::{Account, AccountId, TenantId};
use syncline_platform::clock::later;
use syncline_store::StoreError;
use tracing::Instrument as _;

use crate::slot::{self, Held, Slot};
use crate::{Inner, read_credentials, write_credentials};

/// After a failed renewal, how long the same answer is given without asking the provider again.
const PAUSE: TimeDelta = TimeDelta::seconds(5);
/// The same when the provider says that there were too many and not for how long.
const PAUSE_WHEN_TOO_MANY: TimeDelta = TimeDelta::seconds(60);

/// The access of one account.
#[derive(Clone)]
pub(crate) struct Keeper {
    inner: Arc<Inner>,
    connector: Arc<dyn Connector>,
    tenant: TenantId,
    account: AccountId,
    slot: Arc<Slot>,
}

impl Keeper {
    pub(crate) fn new(inner: Arc<Inner>, connector: Arc<dyn Connector>, account: &Account) -> Self {
        let slot = slot::slot(&inner.slots, account.id);
        Self {
            inner,
            connector,
            tenant: account.tenant,
            account: account.id,
            slot,
        }
    }
}

#[async_trait]
impl Access for Keeper {
    async fn token(&self) -> Result<AccessToken, Error> {
        match self.slot.held() {
            Some(held) if held.is_fresh(self.inner.clock.now()) => Ok(held.token()),
            _ => self.in_turn(None).await,
        }
    }

    async fn renew(&self, rejected: &AccessToken) -> Result<AccessToken, Error> {
        self.in_turn(Some(rejected.generation)).await
    }
}

impl Keeper {
    /// Waits for the turn and finds or makes a token that is not the rejected one. In a task of its own, so that it
    /// ends well although its caller may be given up.
    async fn in_turn(&self, rejected: Option<i64>) -> Result<AccessToken, Error> {
        let keeper = self.clone();
        let work = async move {
            let _turn = keeper.slot.turn.lock().await;
            let held = keeper.find_or_renew(rejected).await?;
            keeper.slot.hold(&held);
            Ok(held.token())
        };
        match tokio::spawn(work.in_current_span()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.error(Kind::Unavailable, "renewing the access was interrupted")),
        }
    }

    async fn find_or_renew(&self, rejected: Option<i64>) -> Result<Held, Error> {
        let good = |held: &Held, now| rejected != Some(held.version) && held.is_fresh(now);
        // Somebody in this process may have been faster, or somebody in another.
        if let Some(held) = self.slot.held()
            && good(&held, self.inner.clock.now())
        {
            return Ok(held);
        }
        let held = self.load().await?;
        let now = self.inner.clock.now();
        if good(&held, now) {
            return Ok(held);
        }
        let renewed = match self.slot.failure(held.version, now) {
            Some(error) => Err(error),
            None => self.renew_stored(&held).await,
        };
        match renewed {
            // The token endpoint does not work, but the old token still does.
            Err(error)
                if error.kind != Kind::Unauthorized
                    && rejected != Some(held.version)
                    && held.is_usable(now) =>
            {
                tracing::warn!(
                    account.id = %self.account,
                    error = &error as &dyn std::error::Error,
                    "the access could not be renewed yet"
                );
                Ok(held)
            }
            other => other,
        }
    }

    async fn renew_stored(&self, held: &Held) -> Result<Held, Error> {
        let now = self.inner.clock.now();
        let definition = self.connector.definition();
        let outcome = match definition.auth.password() {
            Some(typed) if typed.scheme == Scheme::ClientCredentials => {
                client_credentials::renew(&self.inner.http, definition, &held.credentials, now)
                    .await
            }
            Some(typed) => {
                let message = format!(
                    "the server does not take the {} and {} any more: enter them again",
                    typed.user, typed.password
                );
                Err(self.error(Kind::Unauthorized, &message))
            }
            None => self.refresh(held, now).await,
        };
        match outcome {
            Ok(credentials) => self.save(credentials, held.version, now).await,
            Err(error) if error.kind == Kind::Unauthorized => self.refused(held, error).await,
            Err(error) => {
                let pause = match error.kind {
                    Kind::RateLimited {
                        retry_after: Some(wait),
                    } => TimeDelta::from_std(wait).unwrap_or(PAUSE_WHEN_TOO_MANY),
                    Kind::RateLimited { retry_after: None } => PAUSE_WHEN_TOO_MANY,
                    _ => PAUSE,
                };
                let until = later(now, pause.to_std().unwrap_or_default());
                self.slot.fail(held.version, Some(until), &error);
                Err(error)
            }
        }
    }

    async fn refresh(&self, held: &Held, now: DateTime<Utc>) -> Result<Credentials, Error> {
        let app = self.inner.app(&self.connector);
        let app = app.map_err(|error| error.in_session(self.provider()))?;
        let endpoints = self.inner.endpoints(&self.connector);
        let server = self.inner.server(&self.connector, &endpoints, &app);
        server.refresh(&held.credentials, now).await
    }

    /// Saves renewed credentials, unless somebody saved others meanwhile: then those are the ones.
    async fn save(
        &self,
        credentials: Credentials,
        expected: i64,
        now: DateTime<Utc>,
    ) -> Result<Held, Error> {
        let plain = write_credentials(&credentials).map_err(|error| self.told(error))?;
        let scope = self.scope().await?;
        let put = scope.credentials_put(self.account, &plain, Some(expected));
        match put.await {
            Ok(version) => {
                tracing::debug!(account.id = %self.account, "access renewed");
                Ok(Held::renewed(credentials, version, now))
            }
            Err(StoreError::Conflict { .. }) => {
                let other = self.load().await?;
                if other.is_usable(now) {
                    return Ok(other);
                }
                Err(self.error(
                    Kind::Unavailable,
                    "the access was replaced while it was renewed",
                ))
            }
            Err(error) => Err(self.told(error.into())),
        }
    }

    /// The provider no longer knows the refresh token. If somebody replaced it meanwhile, theirs is good; otherwise
    /// the account's owner must authorise again.
    async fn refused(&self, held: &Held, error: Error) -> Result<Held, Error> {
        if let Some(other) = self.replaced(held).await? {
            return Ok(other);
        }
        let provider = self.provider().to_owned();
        metrics::counter!("syncline_provider_calls_total", "provider" => provider, "outcome" => "refused")
            .increment(1);
        let now = self.inner.clock.now();
        let scope = self.scope().await?;
        let paused = scope.account_refused(self.account, &error.message, now);
        let paused = paused.await.map_err(|error| self.told(error.into()))?;
        // An authorisation that completed just then has its status overwritten: give it back.
        if let Some(other) = self.replaced(held).await? {
            let given_back = scope.account_authorized(self.account, now).await;
            given_back.map_err(|error| self.told(error.into()))?;
            return Ok(other);
        }
        tracing::warn!(account.id = %self.account, paused, "the account must be authorised again");
        self.slot.fail(held.version, None, &error);
        Err(error)
    }

    async fn replaced(&self, held: &Held) -> Result<Option<Held>, Error> {
        let stored = self.load().await?;
        let now = self.inner.clock.now();
        Ok((stored.version != held.version && stored.is_usable(now)).then_some(stored))
    }

    async fn load(&self) -> Result<Held, Error> {
        let stored = self.scope().await?.credentials_get(self.account).await;
        match stored {
            Ok(Some((plain, version))) => read_credentials(plain)
                .map(|credentials| Held::stored(credentials, version))
                .map_err(|error| self.told(error)),
            Ok(None) => Err(self.told(crate::Error::NotAuthorized)),
            Err(error) => Err(self.told(error.into())),
        }
    }

    async fn scope(&self) -> Result<syncline_store::Scope, Error> {
        let scope = self.inner.store.scope(self.tenant).await;
        scope.map_err(|error| self.told(error.into()))
    }

    fn told(&self, error: crate::Error) -> Error {
        error.in_session(self.provider())
    }

    fn error(&self, kind: Kind, message: &str) -> Error {
        Error::new(self.provider(), kind, message)
    }

    fn provider(&self) -> &str {
        self.connector.definition().id.as_str()
    }
}
