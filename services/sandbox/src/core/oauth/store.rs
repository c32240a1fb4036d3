//! The grants and tokens themselves. Knows limits and lifetimes; knows no HTTP.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use sha2::{Digest, Sha256};

use super::types::{
    App, Approval, Exchange, Issued, Login, OAuthError, Policy, REMEMBERED_ACCESS, Registration,
    TokenError,
};
use crate::core::clock::Clock;
use crate::core::ids::Ids;
use crate::core::lock;

/// The store of all providers' apps, grants and tokens.
pub struct OAuth {
    clock: Arc<Clock>,
    ids: Arc<Ids>,
    realms: Mutex<BTreeMap<String, Realm>>,
}

/// One provider's part.
struct Realm {
    policy: Policy,
    default_app: String,
    apps: BTreeMap<String, App>,
    codes: HashMap<String, Code>,
    grants: BTreeMap<u64, Grant>,
    next_grant: u64,
    refresh: HashMap<String, u64>,
    access: HashMap<String, Access>,
}

struct Code {
    approval: Approval,
    expires_at: DateTime<Utc>,
}

struct Grant {
    by_hand: bool,
    account: String,
    client_id: String,
    scopes: Vec<String>,
    refresh: Option<String>,
    access: VecDeque<String>,
    refreshed: VecDeque<DateTime<Utc>>,
}

struct Access {
    grant: u64,
    expires_at: DateTime<Utc>,
}

impl OAuth {
    /// A store that knows no provider yet.
    pub fn new(clock: Arc<Clock>, ids: Arc<Ids>) -> Self {
        Self {
            clock,
            ids,
            realms: Mutex::default(),
        }
    }

    /// Begins to serve a provider.
    pub fn register(&self, provider: &str, registration: Registration) {
        lock(&self.realms).insert(provider.to_owned(), Realm::new(registration));
    }

    /// Adds or replaces an app; false for an unknown provider.
    pub fn add_app(&self, provider: &str, app: App) -> bool {
        self.with(provider, |realm| {
            realm.apps.insert(app.client_id.clone(), app)
        })
        .is_some()
    }

    /// A provider's apps.
    pub fn apps(&self, provider: &str) -> Vec<App> {
        self.with(provider, |realm| realm.apps.values().cloned().collect())
            .unwrap_or_default()
    }

    /// A provider's lifetimes and limits.
    pub fn policy(&self, provider: &str) -> Option<Policy> {
        self.with(provider, |realm| realm.policy.clone())
    }

    /// Replaces a provider's lifetimes and limits; false for an unknown provider.
    pub fn set_policy(&self, provider: &str, policy: Policy) -> bool {
        self.with(provider, |realm| realm.policy = policy).is_some()
    }

    /// Whether the app exists and may be answered at `redirect_uri`.
    pub fn check_redirect(
        &self,
        provider: &str,
        client_id: &str,
        redirect_uri: &str,
    ) -> Result<(), OAuthError> {
        self.with(provider, |realm| {
            let app = realm.apps.get(client_id).ok_or(OAuthError::UnknownClient)?;
            let known =
                app.redirect_uris.iter().any(|u| u == redirect_uri) || is_loopback(redirect_uri);
            if known {
                Ok(())
            } else {
                Err(OAuthError::RedirectMismatch)
            }
        })
        .unwrap_or(Err(OAuthError::UnknownClient))
    }

    /// Turns an approval into a code.
    pub fn approve(&self, provider: &str, approval: Approval) -> Result<String, OAuthError> {
        self.check_redirect(provider, &approval.client_id, &approval.redirect_uri)?;
        let now = self.clock.now();
        let secret = self.ids.token(48);
        self.with(provider, |realm| {
            let code = format!("{}{secret}", realm.policy.code_prefix);
            let expires_at = now + seconds(realm.policy.code_secs);
            realm.codes.retain(|_, c| c.expires_at > now);
            realm.codes.insert(
                code.clone(),
                Code {
                    approval,
                    expires_at,
                },
            );
            code
        })
        .ok_or(OAuthError::UnknownClient)
    }

    /// Redeems a code, once.
    pub fn exchange(&self, provider: &str, ask: &Exchange) -> Result<Issued, OAuthError> {
        let now = self.clock.now();
        self.with(provider, |realm| {
            realm.check_secret(&ask.client_id, &ask.client_secret)?;
            // A code dies with its first use, right or wrong, as both vendors have it.
            let code = realm.codes.remove(&ask.code).ok_or(OAuthError::BadCode)?;
            let approval = code.approval;
            if code.expires_at <= now || approval.client_id != ask.client_id {
                return Err(OAuthError::BadCode);
            }
            if approval.redirect_uri != ask.redirect_uri {
                return Err(OAuthError::RedirectMismatch);
            }
            check_verifier(approval.challenge.as_ref(), ask.verifier.as_deref())?;
            Ok(realm.grant(&approval, now, &self.ids))
        })
        .unwrap_or(Err(OAuthError::UnknownClient))
    }

    /// A new access token for a refresh token, which stays the same.
    pub fn refresh(
        &self,
        provider: &str,
        client_id: &str,
        secret: &str,
        refresh: &str,
    ) -> Result<Issued, OAuthError> {
        let now = self.clock.now();
        self.with(provider, |realm| {
            realm.check_secret(client_id, secret)?;
            let id = *realm.refresh.get(refresh).ok_or(OAuthError::BadRefresh)?;
            let limit = realm.policy.refreshes_per_ten_minutes;
            let grant = realm
                .grants
                .get_mut(&id)
                .filter(|g| g.client_id == client_id)
                .ok_or(OAuthError::BadRefresh)?;
            grant
                .refreshed
                .retain(|at| now - *at < Duration::minutes(10));
            if limit.is_some_and(|limit| grant.refreshed.len() >= limit) {
                return Err(OAuthError::TooMany);
            }
            grant.refreshed.push_back(now);
            let scopes = grant.scopes.clone();
            let access_token = realm.mint(id, now, &self.ids);
            Ok(Issued {
                access_token,
                refresh_token: None,
                scopes,
                expires_in: realm.policy.access_secs,
            })
        })
        .unwrap_or(Err(OAuthError::UnknownClient))
    }

    /// Tokens without the browser: as if the account's owner had consented to the default app just now.
    pub fn issue(&self, provider: &str, account: &str, scopes: &[String]) -> Option<Issued> {
        let now = self.clock.now();
        self.with(provider, |realm| {
            let approval = Approval {
                client_id: realm.default_app.clone(),
                account: account.to_owned(),
                scopes: scopes.to_vec(),
                offline: true,
                prompt_consent: true,
                by_hand: true,
                ..Approval::default()
            };
            realm.grant(&approval, now, &self.ids)
        })
    }

    /// Who the access token speaks for.
    pub fn authenticate(&self, provider: &str, token: &str) -> Result<Login, TokenError> {
        let now = self.clock.now();
        self.with(provider, |realm| {
            let access = realm.access.get(token).ok_or(TokenError::Unknown)?;
            if access.expires_at <= now {
                return Err(TokenError::Expired);
            }
            let grant = realm.grants.get(&access.grant).ok_or(TokenError::Unknown)?;
            Ok(Login {
                account: grant.account.clone(),
                client_id: grant.client_id.clone(),
                scopes: grant.scopes.clone(),
                expires_at: access.expires_at,
            })
        })
        .unwrap_or(Err(TokenError::Unknown))
    }

    /// The account of a token, live or expired.
    pub fn account_of(&self, provider: &str, token: &str) -> Option<String> {
        self.with(provider, |realm| {
            let id = realm
                .access
                .get(token)
                .map(|a| a.grant)
                .or_else(|| realm.refresh.get(token).copied())?;
            realm.grants.get(&id).map(|g| g.account.clone())
        })
        .flatten()
    }

    /// Ends the whole grant that a refresh or access token belongs to; false for an unknown token.
    pub fn revoke(&self, provider: &str, token: &str) -> bool {
        self.with(provider, |realm| {
            let id = realm
                .refresh
                .get(token)
                .copied()
                .or_else(|| realm.access.get(token).map(|a| a.grant));
            id.is_some_and(|id| realm.end(id))
        })
        .unwrap_or(false)
    }

    /// Ends every grant of an account, as its owner can; answers how many.
    pub fn revoke_account(&self, provider: &str, account: &str) -> usize {
        self.with(provider, |realm| {
            let ids: Vec<u64> = realm
                .grants
                .iter()
                .filter(|(_, g)| g.account == account)
                .map(|(id, _)| *id)
                .collect();
            ids.into_iter().filter(|id| realm.end(*id)).count()
        })
        .unwrap_or(0)
    }

    /// Expires an account's access tokens now; answers how many were live.
    pub fn expire_access_tokens(&self, provider: &str, account: &str) -> usize {
        let now = self.clock.now();
        self.with(provider, |realm| {
            let Realm { grants, access, .. } = realm;
            let mut expired = 0;
            for token in grants
                .values()
                .filter(|g| g.account == account)
                .flat_map(|g| &g.access)
            {
                if let Some(entry) = access.get_mut(token).filter(|a| a.expires_at > now) {
                    entry.expires_at = now;
                    expired += 1;
                }
            }
            expired
        })
        .unwrap_or(0)
    }

    fn with<T>(&self, provider: &str, work: impl FnOnce(&mut Realm) -> T) -> Option<T> {
        lock(&self.realms).get_mut(provider).map(work)
    }
}

impl Realm {
    fn new(Registration { app, policy }: Registration) -> Self {
        Self {
            policy,
            default_app: app.client_id.clone(),
            apps: BTreeMap::from([(app.client_id.clone(), app)]),
            codes: HashMap::new(),
            grants: BTreeMap::new(),
            next_grant: 0,
            refresh: HashMap::new(),
            access: HashMap::new(),
        }
    }

    fn check_secret(&self, client_id: &str, secret: &str) -> Result<(), OAuthError> {
        let app = self.apps.get(client_id).ok_or(OAuthError::UnknownClient)?;
        if app.client_secret == secret {
            Ok(())
        } else {
            Err(OAuthError::WrongSecret)
        }
    }

    /// A new grant with its first access token, and a refresh token when one is due.
    fn grant(&mut self, approval: &Approval, now: DateTime<Utc>, ids: &Ids) -> Issued {
        let same: Vec<u64> = self
            .grants
            .iter()
            .filter(|(_, g)| {
                !g.by_hand
                    && g.account == approval.account
                    && g.client_id == approval.client_id
                    && g.refresh.is_some()
            })
            .map(|(id, _)| *id)
            .collect();
        let due = approval.offline && (approval.prompt_consent || same.is_empty());
        if due
            && same.len() >= self.policy.live_refresh
            && let Some(oldest) = same.first()
        {
            self.end(*oldest);
        }
        self.next_grant += 1;
        let id = self.next_grant;
        let refresh_token = due.then(|| format!("{}{}", self.policy.refresh_prefix, ids.token(60)));
        if let Some(token) = &refresh_token {
            self.refresh.insert(token.clone(), id);
        }
        self.grants.insert(
            id,
            Grant {
                by_hand: approval.by_hand,
                account: approval.account.clone(),
                client_id: approval.client_id.clone(),
                scopes: approval.scopes.clone(),
                refresh: refresh_token.clone(),
                access: VecDeque::new(),
                refreshed: VecDeque::new(),
            },
        );
        let access_token = self.mint(id, now, ids);
        Issued {
            access_token,
            refresh_token,
            scopes: approval.scopes.clone(),
            expires_in: self.policy.access_secs,
        }
    }

    fn mint(&mut self, id: u64, now: DateTime<Utc>, ids: &Ids) -> String {
        let token = format!("{}{}", self.policy.access_prefix, ids.token(96));
        self.access.insert(
            token.clone(),
            Access {
                grant: id,
                expires_at: now + seconds(self.policy.access_secs),
            },
        );
        if let Some(grant) = self.grants.get_mut(&id) {
            grant.access.push_back(token.clone());
            while grant.access.len() > self.policy.live_access.min(REMEMBERED_ACCESS) {
                if let Some(old) = grant.access.pop_front() {
                    self.access.remove(&old);
                }
            }
        }
        token
    }

    fn end(&mut self, id: u64) -> bool {
        let Some(grant) = self.grants.remove(&id) else {
            return false;
        };
        if let Some(token) = grant.refresh {
            self.refresh.remove(&token);
        }
        for token in grant.access {
            self.access.remove(&token);
        }
        true
    }
}

fn seconds(secs: i64) -> Duration {
    Duration::try_seconds(secs).unwrap_or_default()
}

fn is_loopback(uri: &str) -> bool {
    url::Url::parse(uri).is_ok_and(|u| {
        u.scheme() == "http" && matches!(u.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
    })
}

fn check_verifier(
    challenge: Option<&(String, String)>,
    verifier: Option<&str>,
) -> Result<(), OAuthError> {
    let Some((challenge, method)) = challenge else {
        return Ok(());
    };
    let verifier = verifier.ok_or(OAuthError::BadVerifier)?;
    let fits = match method.as_str() {
        "S256" => URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == *challenge,
        _ => verifier == challenge,
    };
    if fits {
        Ok(())
    } else {
        Err(OAuthError::BadVerifier)
    }
}
