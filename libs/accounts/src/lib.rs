//! Opens accounts: from a tenant's account to a connector and a session that it can call its provider with.
//!
//! Here meet what others keep apart: the store's sealed credentials, the connectors' OAuth2, the shared token buckets
//! and the configuration. Gateway and workers use the same code, so that there is one place where access is granted,
//! kept fresh and given back. What is then read or written through a session is not known here.

mod access;
mod adopt;
mod authorize;
mod browser;
mod error;
mod gate;
mod login;
mod slot;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use syncline_connector::oauth::{App, Credentials, Server};
use syncline_connector::{Connector, Endpoints, HttpClient, Registry, Session};
use syncline_coordination::Buckets;
use syncline_model::{Account, AccountId, AccountStatus, ProviderId, TenantId};
use syncline_platform::Clock;
use syncline_platform::config::Provider;
use syncline_store::Store;

use access::Keeper;
use gate::AccountGate;
use slot::Slots;

pub use authorize::{Begun, Callback, Completed};
pub use browser::{Browser, BrowserMark};
pub use error::Error;
pub use login::Entered;

/// Opens accounts. Cloning is cheap; one per process, since what it remembers keeps refreshes from repeating.
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    registry: Registry,
    http: HttpClient,
    buckets: Arc<dyn Buckets>,
    pub(crate) clock: Arc<dyn Clock>,
    settings: BTreeMap<ProviderId, Provider>,
    slots: Slots,
}

impl Accounts {
    /// `settings` is the section `providers` of the configuration; a provider there that the registry does not have
    /// is an error, since it is a misspelt one.
    pub fn new(
        store: Store,
        registry: Registry,
        http: HttpClient,
        buckets: Arc<dyn Buckets>,
        clock: Arc<dyn Clock>,
        settings: &BTreeMap<String, Provider>,
    ) -> Result<Self, Error> {
        let settings = settings
            .iter()
            .map(|(id, settings)| {
                let known = ProviderId::parse(id).filter(|id| registry.get(id).is_some());
                let id = known.ok_or_else(|| Error::UnknownSettings {
                    id: id.clone(),
                    known: provider_ids(&registry),
                })?;
                check_limits(&registry, &id, settings)?;
                Ok((id, settings.clone()))
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self(Arc::new(Inner {
            store,
            registry,
            http,
            buckets,
            clock,
            settings,
            slots: Mutex::new(HashMap::new()),
        })))
    }

    /// The connector of an account and a session of it. The session's token is fetched and renewed as calls need it.
    /// Fails when the account was not authorised, or must be again.
    pub async fn open(
        &self,
        tenant: TenantId,
        account: AccountId,
    ) -> Result<(Arc<dyn Connector>, Session), Error> {
        let account = self.account(tenant, account).await?;
        match &account.status {
            AccountStatus::Active => {}
            AccountStatus::Pending => return Err(Error::NotAuthorized),
            AccountStatus::NeedsReauthorization { reason } => {
                return Err(Error::NeedsReauthorization {
                    reason: reason.clone(),
                });
            }
        }
        let connector = self.0.connector(&account.provider)?;
        let keeper = Keeper::new(Arc::clone(&self.0), Arc::clone(&connector), &account);
        let session = self.0.session(&connector, &account, Arc::new(keeper));
        Ok((connector, session))
    }

    /// Gives the access back to the provider, if there is any; the rows stay. Who deletes an account goes on when
    /// this fails: a provider that is gone must not keep a row alive.
    pub async fn revoke(&self, tenant: TenantId, account: AccountId) -> Result<(), Error> {
        let account = self.account(tenant, account).await?;
        let scope = self.0.store.scope(tenant).await?;
        let Some((sealed, _)) = scope.credentials_get(account.id).await? else {
            return Ok(());
        };
        slot::forget(&self.0.slots, account.id);
        let credentials = read_credentials(sealed)?;
        let connector = self.0.connector(&account.provider)?;
        if connector.definition().auth.oauth2().is_none() {
            // A password can be changed by whoever owns it alone.
            return Ok(());
        }
        let (endpoints, app) = (self.0.endpoints(&connector), self.0.app(&connector)?);
        let server = self.0.server(&connector, &endpoints, &app);
        Ok(server.revoke(&credentials).await?)
    }

    /// Where a provider is reached: its definition's addresses, or the configuration's.
    pub fn endpoints(&self, provider: &ProviderId) -> Result<Endpoints, Error> {
        Ok(self.0.endpoints(&self.0.connector(provider)?))
    }

    /// For how long the absence of a record whose creation got no answer proves nothing.
    pub fn settle(&self, provider: &ProviderId) -> Result<Duration, Error> {
        let connector = self.0.connector(provider)?;
        let usual = connector.definition().capabilities.settle_seconds;
        let configured = self.0.settings.get(provider).and_then(|s| s.settle);
        Ok(configured.unwrap_or(Duration::from_secs(usual.into())))
    }

    /// Whether the configuration names our OAuth client at a provider that needs one: without it no account can be
    /// authorised.
    pub fn is_configured(&self, provider: &ProviderId) -> bool {
        self.0.connector(provider).is_ok_and(|connector| {
            connector.definition().auth.oauth2().is_none() || self.0.app(&connector).is_ok()
        })
    }

    async fn account(&self, tenant: TenantId, account: AccountId) -> Result<Account, Error> {
        let scope = self.0.store.scope(tenant).await?;
        Ok(scope.account_get(account).await?)
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts")
            .field("registry", &self.0.registry)
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn connector(&self, provider: &ProviderId) -> Result<Arc<dyn Connector>, Error> {
        self.registry
            .get(provider)
            .cloned()
            .ok_or_else(|| Error::UnknownProvider(provider.as_str().to_owned()))
    }

    pub(crate) fn endpoints(&self, connector: &Arc<dyn Connector>) -> Endpoints {
        let definition = connector.definition();
        let nothing = Provider::default();
        let settings = self.settings.get(&definition.id).unwrap_or(&nothing);
        let oauth = definition.auth.oauth2();
        let or = |set: &Option<String>, usual: Option<&String>| {
            set.as_ref().or(usual).cloned().unwrap_or_default()
        };
        Endpoints {
            api_base: or(&settings.api_base, Some(&definition.api_base)),
            api_path: definition.api_path.clone(),
            authorize_url: or(&settings.auth_url, oauth.map(|oauth| &oauth.authorize_url)),
            token_url: or(&settings.token_url, oauth.map(|oauth| &oauth.token_url)),
            revoke_url: settings
                .revoke_url
                .clone()
                .or_else(|| oauth.and_then(|oauth| oauth.revoke_url.clone())),
            api_base_pinned: settings.api_base.is_some(),
        }
    }

    pub(crate) fn app(&self, connector: &Arc<dyn Connector>) -> Result<App, Error> {
        let definition = connector.definition();
        let settings = self.settings.get(&definition.id);
        settings
            .and_then(|settings| {
                Some(App {
                    client_id: settings.client_id.clone()?,
                    client_secret: settings.client_secret.clone()?,
                })
            })
            .ok_or_else(|| Error::NotConfigured {
                name: definition.name.clone(),
                id: definition.id.clone(),
            })
    }

    pub(crate) fn server<'a>(
        &'a self,
        connector: &'a Arc<dyn Connector>,
        endpoints: &'a Endpoints,
        app: &'a App,
    ) -> Server<'a> {
        Server {
            http: &self.http,
            definition: connector.definition(),
            endpoints,
            app,
        }
    }

    fn session(
        &self,
        connector: &Arc<dyn Connector>,
        account: &Account,
        access: Arc<dyn syncline_connector::Access>,
    ) -> Session {
        let definition = connector.definition();
        Session::new(
            account.id,
            definition,
            self.endpoints(connector),
            self.http.clone(),
            access,
            Arc::new(AccountGate::new(
                Arc::clone(&self.buckets),
                definition,
                self.settings.get(&connector.definition().id),
                account.id,
            )),
        )
    }
}

fn provider_ids(registry: &Registry) -> Vec<String> {
    let ids = registry.iter().map(|connector| &connector.definition().id);
    ids.map(|id| id.as_str().to_owned()).collect()
}

/// A limit that the provider does not have is a misspelt one.
fn check_limits(registry: &Registry, id: &ProviderId, settings: &Provider) -> Result<(), Error> {
    let Some(connector) = registry.get(id) else {
        return Ok(());
    };
    let limits = &connector.definition().limits;
    match settings
        .limits
        .keys()
        .find(|name| limits.iter().all(|limit| limit.name != **name))
    {
        None => Ok(()),
        Some(name) => Err(Error::UnknownLimit {
            id: id.clone(),
            limit: name.clone(),
            known: limits.iter().map(|limit| limit.name.clone()).collect(),
        }),
    }
}

/// Credentials as the store gave them; the plain text is wiped.
fn read_credentials(plain: Vec<u8>) -> Result<Credentials, Error> {
    let plain = zeroize::Zeroizing::new(plain);
    serde_json::from_slice(&plain).map_err(|_| Error::Unreadable)
}

/// Credentials as the store takes them.
fn write_credentials(credentials: &Credentials) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
    serde_json::to_vec(credentials)
        .map(zeroize::Zeroizing::new)
        .map_err(|_| Error::Unreadable)
}
