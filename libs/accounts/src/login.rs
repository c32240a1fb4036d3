//! Accounts at servers of their owners: address, user name and password are typed, tried there, and kept.

use syncline_connector::oauth::Credentials;
use syncline_connector::{Login, Scheme, client_credentials};
use syncline_model::{Account, Identity};

use crate::{Accounts, Error};

/// A login that a server has taken. Not kept yet. `Debug` shows no secret.
#[derive(Debug)]
pub struct Entered {
    identity: Identity,
    credentials: Credentials,
}

impl Accounts {
    /// Tries a login at its server, for an account that there is or will be. Keeps nothing.
    pub async fn try_login(&self, account: &Account, login: &Login) -> Result<Entered, Error> {
        let connector = self.0.connector(&account.provider)?;
        let mut credentials = login.credentials(&self.0.http)?;
        let definition = connector.definition();
        let typed = definition.auth.password();
        if typed.is_some_and(|typed| typed.scheme == Scheme::ClientCredentials) {
            let (http, now) = (&self.0.http, self.0.clock.now());
            credentials = client_credentials::obtain(http, definition, credentials, now).await?;
        }
        let identity = self.verify(account, &connector, &credentials).await?;
        Ok(Entered {
            identity,
            credentials,
        })
    }

    /// Makes the account that a login was tried for, active.
    pub async fn create_with(&self, account: &Account, entered: Entered) -> Result<(), Error> {
        let scope = self.0.store.scope(account.tenant).await?;
        scope.account_create(account).await?;
        self.adopt(account, &entered.identity, entered.credentials)
            .await
    }

    /// Takes a login for an account that has one, or had: connections that paused for want of it go on.
    pub async fn log_in_again(&self, account: &Account, login: &Login) -> Result<(), Error> {
        let entered = self.try_login(account, login).await?;
        self.adopt(account, &entered.identity, entered.credentials)
            .await
    }
}
