//! Authorising an account: to the provider's consent page and back (OAuth 2.0 authorization code with PKCE S256).
//!
//! The `state` that travels through the browser is 256 bits of chance; the store has its hash only, gives the
//! authorisation under way out once, and forgets it after ten minutes. What the browser brings back is believed in
//! nothing but that, and only if it is the browser that began (`browser`).

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use syncline_connector::Connector;
use syncline_connector::oauth::{self, Grant};
use syncline_model::{AccountId, Actor, TenantId};
use syncline_platform::clock::later;
use syncline_platform::random::{self, digest, random_token};
use syncline_store::{NewOauthState, OauthState, StoreError};

use crate::{Accounts, Browser, BrowserMark, Error};

/// How long a person has on the consent page.
const PATIENCE: Duration = Duration::from_mins(10);

/// The query with which a provider sends a person back to our callback. Parameters not named here are ignored.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Callback {
    /// Which authorisation this belongs to.
    pub state: Option<String>,
    /// What credentials are to be had for.
    pub code: Option<SecretString>,
    /// Why there is no code.
    pub error: Option<String>,
    /// The accounts server that issued the code; only Zoho says it.
    #[serde(rename = "accounts-server")]
    pub accounts_server: Option<String>,
}

/// An authorisation just begun.
#[derive(Debug)]
pub struct Begun {
    /// The consent page.
    pub url: String,
    /// What the browser of whoever began keeps.
    pub browser: BrowserMark,
}

/// An authorisation that was completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completed {
    /// The account's tenant.
    pub tenant: TenantId,
    /// The account, active now.
    pub account: AccountId,
    /// Who began.
    pub begun_by: Option<Actor>,
}

impl Accounts {
    /// How long an authorisation may take from its beginning to its end.
    pub const PATIENCE: Duration = PATIENCE;

    /// Begins to authorise an account, for the first time or again, for whoever asks. The provider will send the person
    /// back to `redirect_uri`.
    pub async fn begin_authorization(
        &self,
        (tenant, by): (TenantId, Actor),
        account: AccountId,
        redirect_uri: &str,
    ) -> Result<Begun, Error> {
        let account = self.account(tenant, account).await?;
        let connector = self.0.connector(&account.provider)?;
        let app = self.0.app(&connector)?;
        let state = random_token(32);
        let verifier = oauth::verifier(&random::bytes());
        let url = oauth::authorize_url(
            connector.definition(),
            &self.0.endpoints(&connector),
            &app.client_id,
            redirect_uri,
            &state,
            &oauth::challenge(&verifier),
        )?;
        let (browser, now) = (BrowserMark::new(&state), self.0.clock.now());
        let state = NewOauthState {
            state_hash: hash(&state),
            account: account.id,
            redirect_uri: redirect_uri.to_owned(),
            verifier: verifier.expose_secret().to_owned(),
            browser_hash: browser.hash(),
            begun_by: by,
            expires_at: later(now, PATIENCE),
        };
        let scope = self.0.store.scope(tenant).await?;
        scope.oauth_state_create(&state, now).await?;
        let url = url.into();
        Ok(Begun { url, browser })
    }

    /// Completes an authorisation with what the person's browser brought back. On success the account is active and
    /// knows who it is at the provider, and connections that paused for want of it go on; on failure it is as it was. `OtherBrowser` spends nothing: the same may be
    /// brought again with the person's agreement.
    pub async fn complete_authorization(
        &self,
        callback: &Callback,
        browser: Browser<'_>,
    ) -> Result<Completed, Error> {
        let state = callback.state.as_deref().ok_or(Error::StateSpent)?;
        let now = self.0.clock.now();
        let seen = self.0.store.oauth_state_find(&hash(state), now).await;
        let seen = seen.map_err(spent)?;
        // A refusal gives nothing to anybody.
        if callback.code.is_some() && !browser.may_complete(seen.browser_hash.as_deref()) {
            return Err(self.other_browser(&seen).await?);
        }
        let under_way = self.0.store.oauth_state_take(&hash(state), now).await;
        let under_way = under_way.map_err(spent)?;
        let begun_by = under_way.begun_by;
        self.asker(under_way.tenant, begun_by).await?;
        let account = self.account(under_way.tenant, under_way.account).await?;
        let connector = self.0.connector(&account.provider)?;
        let grant = Grant {
            code: code(callback, &connector)?,
            redirect_uri: &under_way.redirect_uri,
            verifier: &under_way.verifier.into(),
            accounts_server: callback.accounts_server.as_deref(),
        };
        let (endpoints, app) = (self.0.endpoints(&connector), self.0.app(&connector)?);
        let server = self.0.server(&connector, &endpoints, &app);
        let credentials = server.exchange(grant, now).await?;
        let identity = self.verify(&account, &connector, &credentials).await?;
        self.adopt(&account, &identity, credentials).await?;
        Ok(Completed {
            tenant: account.tenant,
            account: account.id,
            begun_by,
        })
    }

    /// Says who asks for what.
    async fn other_browser(&self, under_way: &OauthState) -> Result<Error, Error> {
        let account = self.account(under_way.tenant, under_way.account).await?;
        let scope = self.0.store.scope(under_way.tenant).await?;
        Ok(Error::OtherBrowser {
            name: self
                .0
                .connector(&account.provider)?
                .definition()
                .name
                .clone(),
            organisation: scope.tenant_name().await?,
            asker: self.asker(under_way.tenant, under_way.begun_by).await?,
        })
    }

    /// What people call whoever began. They must still be there, and their key good.
    async fn asker(&self, tenant: TenantId, by: Option<Actor>) -> Result<String, Error> {
        let scope = self.0.store.scope(tenant).await?;
        match by {
            Some(Actor::Member(id)) => Ok(scope.member_get(id).await.map_err(spent)?.email),
            Some(Actor::ApiKey(id)) => {
                let key = scope.api_key_get(id).await.map_err(spent)?;
                let good = key.revoked_at.is_none();
                good.then_some(key.name).ok_or(Error::StateSpent)
            }
            None => Ok("somebody".to_owned()),
        }
    }
}

/// The code, or why there is none.
fn code<'a>(callback: &'a Callback, connector: &Arc<dyn Connector>) -> Result<&'a str, Error> {
    let name = &connector.definition().name;
    match (&callback.error, &callback.code) {
        (Some(word), _) if word == "access_denied" => Err(Error::Denied),
        (Some(word), _) => Err(Error::Refused {
            name: name.clone(),
            // It came through a browser: nothing but a plain word of it is shown.
            code: word
                .chars()
                .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
                .take(60)
                .collect(),
        }),
        (None, Some(code)) => Ok(code.expose_secret()),
        (None, None) => Err(Error::Refused {
            name: name.clone(),
            code: "no_code".to_owned(),
        }),
    }
}

/// A state, or whoever began with it, that is not there any more.
fn spent(error: StoreError) -> Error {
    match error {
        StoreError::NotFound => Error::StateSpent,
        error => error.into(),
    }
}

pub(crate) fn hash(secret: &str) -> Vec<u8> {
    digest(secret).to_vec()
}
