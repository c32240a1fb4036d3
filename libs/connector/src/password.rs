//! Access by a server's address, a user name and a password that a customer types. What is typed is checked as far as it
//! can be without asking the server; whether the server takes it, `accounts` finds out. The two are kept as RFC 7617 has
//! them; providers that want them in another way get them apart again.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use crate::HttpClient;
use crate::oauth::Credentials;

/// What a customer types. `Debug` shows no secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The server's address.
    pub server: String,
    /// The user name there.
    pub user: String,
    /// The password, best one made for Syncline alone.
    pub password: SecretString,
}

/// What cannot be a login, by the member that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLogin {
    /// Not an address.
    #[error(
        "must be the address of the server, such as `https://dav.example.com/`, without user name, password, `?` and `#`"
    )]
    Server,
    /// Anybody on the way could read the password.
    #[error(
        "must begin with `https://`: over `http://` anybody on the way could read the password"
    )]
    Plain,
    /// A colon would end it early.
    #[error("must not be empty, and have no `:` and no control characters")]
    User,
    /// Not one that HTTP can carry.
    #[error("must not be empty, and have no control characters")]
    Password,
}

impl BadLogin {
    /// The member of the login that is wrong.
    pub const fn member(self) -> &'static str {
        match self {
            Self::Server | Self::Plain => "server",
            Self::User => "user",
            Self::Password => "password",
        }
    }
}

impl Login {
    /// The credentials that this makes: they work until the server takes them no more.
    pub fn credentials(&self, http: &HttpClient) -> Result<Credentials, BadLogin> {
        let server = self.server.trim();
        let url = Url::parse(server).map_err(|_| BadLogin::Server)?;
        let is_plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || !is_plain {
            return Err(BadLogin::Server);
        }
        if !http.keeps_secrets(&url) {
            return Err(BadLogin::Plain);
        }
        let has_control = |text: &str| text.chars().any(char::is_control);
        if self.user.is_empty() || self.user.contains(':') || has_control(&self.user) {
            return Err(BadLogin::User);
        }
        let password = self.password.expose_secret();
        if password.is_empty() || has_control(password) {
            return Err(BadLogin::Password);
        }
        // Wiped when it is dropped.
        let pair: SecretString = format!("{}:{password}", self.user).into();
        Ok(Credentials {
            access_token: STANDARD.encode(pair.expose_secret()).into(),
            refresh_token: None,
            expires_at: None,
            scopes: Vec::new(),
            api_base: Some(url.into()),
            token_url: String::new(),
        })
    }
}

/// The user name and the password that were typed.
pub(crate) fn typed(kept: &SecretString) -> Option<(String, SecretString)> {
    let pair = STANDARD.decode(kept.expose_secret()).ok()?;
    let pair: SecretString = String::from_utf8(pair).ok()?.into();
    let (user, password) = pair.expose_secret().split_once(':')?;
    Some((user.to_owned(), password.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HttpLimits;
    use std::sync::Arc;

    fn made(server: &str, user: &str, password: &str) -> Result<String, BadLogin> {
        let limits = HttpLimits {
            private_networks: vec!["127.0.0.0/8".parse().expect("a network")],
            ..HttpLimits::default()
        };
        let http = HttpClient::new(limits, Arc::new(|| 0.0)).expect("a client");
        let login = Login {
            server: server.into(),
            user: user.into(),
            password: password.into(),
        };
        let credentials = login.credentials(&http)?;
        assert_eq!(credentials.expires_at, None);
        Ok(format!(
            "{} {}",
            credentials.api_base.unwrap_or_default(),
            credentials.access_token.expose_secret()
        ))
    }

    #[test]
    fn what_is_typed_becomes_what_goes_with_every_call() {
        // RFC 7617 section 2.
        assert_eq!(
            made(" https://dav.example.com/x ", "Aladdin", "open sesame").as_deref(),
            Ok("https://dav.example.com/x QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
        );
        assert!(made("http://127.0.0.1:5232/", "a", "b:c").is_ok());
    }

    #[test]
    fn what_is_kept_comes_apart_again() {
        let (user, password) = typed(&"YTpiOmM=".into()).expect("a pair");
        assert_eq!((user.as_str(), password.expose_secret()), ("a", "b:c"));
        for other in ["", "YQ==", "not base64"] {
            assert!(typed(&other.into()).is_none(), "{other}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_the_member_that_is_wrong() {
        let check = |server: &str, user: &str, password: &str, want: BadLogin| {
            assert_eq!(made(server, user, password), Err(want), "{server} {user}");
        };
        let server = "https://dav.example.com/";
        check("dav.example.com", "a", "b", BadLogin::Server);
        check("ftp://dav.example.com/", "a", "b", BadLogin::Server);
        check("https://a:b@dav.example.com/", "a", "b", BadLogin::Server);
        check("https://dav.example.com/?x", "a", "b", BadLogin::Server);
        check("http://dav.example.com/", "a", "b", BadLogin::Plain);
        check("http://localhost/", "a", "b", BadLogin::Plain);
        check("http://10.0.0.1/", "a", "b", BadLogin::Plain);
        check(server, "", "b", BadLogin::User);
        check(server, "a:b", "b", BadLogin::User);
        check(server, "a\n", "b", BadLogin::User);
        check(server, "a", "", BadLogin::Password);
        check(server, "a", "b\r\n", BadLogin::Password);
    }
}
