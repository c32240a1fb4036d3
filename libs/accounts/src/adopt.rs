//! Taking credentials that have just come, from a consent page or typed: whose they are is asked at the provider first.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use syncline_connector::oauth::Credentials;
use syncline_connector::{Access, AccessToken, Connector, Kind};
use syncline_model::{Account, AccountId, Identity};
use syncline_store::Scope;

use crate::{Accounts, Error, read_credentials, slot, write_credentials};

impl Accounts {
    /// Whose credentials these are. Refuses those that allow less than is needed, and somebody else's than the
    /// account's. Keeps nothing.
    pub(crate) async fn verify(
        &self,
        account: &Account,
        connector: &Arc<dyn Connector>,
        credentials: &Credentials,
    ) -> Result<Identity, Error> {
        let definition = connector.definition();
        let missing = credentials.missing_scopes(definition);
        if !missing.is_empty() {
            return Err(Error::MissingScopes {
                name: definition.name.clone(),
                scopes: missing.into_iter().map(str::to_owned).collect(),
            });
        }
        let given = Given::new(definition.id.as_str(), credentials);
        let session = self.0.session(connector, account, Arc::new(given));
        let identity = connector.identity(&session).await?;
        match &account.identity {
            Some(expected) if expected.subject != identity.subject => Err(Error::OtherIdentity {
                expected: expected.label.clone(),
                found: identity.label,
            }),
            _ => Ok(identity),
        }
    }

    /// Takes credentials that were verified: the account is active, and connections that paused for want of it go on.
    pub(crate) async fn adopt(
        &self,
        account: &Account,
        identity: &Identity,
        mut credentials: Credentials,
    ) -> Result<(), Error> {
        let scope = self.0.store.scope(account.tenant).await?;
        if credentials.refresh_token.is_none() && account.identity.is_some() {
            // Some providers give a refresh token on the first consent only: the old one stays good.
            credentials.refresh_token = old_refresh_token(&scope, account.id).await?;
        }
        scope.account_identity_set(account.id, identity).await?;
        let plain = write_credentials(&credentials)?;
        scope.credentials_put(account.id, &plain, None).await?;
        let now = self.0.clock.now();
        let resumed = scope.account_authorized(account.id, now).await?;
        slot::forget(&self.0.slots, account.id);
        tracing::info!(account.id = %account.id, provider = %account.provider, resumed, "account authorised");
        Ok(())
    }
}

async fn old_refresh_token(
    scope: &Scope,
    account: AccountId,
) -> Result<Option<SecretString>, Error> {
    match scope.credentials_get(account).await? {
        Some((plain, _)) => Ok(read_credentials(plain)?.refresh_token),
        None => Ok(None),
    }
}

/// A token just given, not stored yet: it cannot be renewed.
struct Given {
    provider: String,
    token: AccessToken,
}

impl Given {
    fn new(provider: &str, credentials: &Credentials) -> Self {
        Self {
            provider: provider.to_owned(),
            token: AccessToken {
                secret: credentials.access_token.clone(),
                api_base: credentials.api_base.clone(),
                generation: 0,
            },
        }
    }
}

#[async_trait]
impl Access for Given {
    async fn token(&self) -> Result<AccessToken, syncline_connector::Error> {
        Ok(self.token.clone())
    }

    async fn renew(&self, _: &AccessToken) -> Result<AccessToken, syncline_connector::Error> {
        Err(syncline_connector::Error::new(
            &*self.provider,
            Kind::Unauthorized,
            "the provider does not accept the access that it was given",
        ))
    }
}
