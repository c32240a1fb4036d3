//! OAuth 2.0 authorization code with PKCE: the consent address, and the token endpoint's exchange, refresh and
//! revocation. Time and chance are arguments; where credentials are kept and who may renew them is not decided here.
//!
//! Providers differ in words, not in shape: one table of error words serves all of them (RFC 6749 section 5.2, Google,
//! Zoho), and a body with `error` is an error whatever its status, since Zoho sends them with 200.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};
use url::Url;

use crate::address::{Trusted, moved_to};
use crate::http::{Lost, Raw};
use crate::{Definition, Endpoints, Error, HttpClient, Kind};

/// What an authorised account holds. The serialised form is for sealing only; `Debug` shows no secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Credentials {
    /// The access token.
    #[serde(serialize_with = "exposed")]
    pub access_token: SecretString,
    /// The refresh token, or the client credentials that stand in its place (`client_credentials`); without one the owner
    /// must authorise again when the access token expires.
    #[serde(serialize_with = "exposed_if_any")]
    pub refresh_token: Option<SecretString>,
    /// When the access token stops working; none if it works until it is taken back.
    pub expires_at: Option<DateTime<Utc>>,
    /// What was granted, which may be less than what was asked.
    pub scopes: Vec<String>,
    /// The API address that the token answer named, when it did and configuration does not pin one.
    pub api_base: Option<String>,
    /// The token endpoint of this account (its data centre's).
    pub token_url: String,
}

fn exposed<S: Serializer>(secret: &SecretString, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(secret.expose_secret())
}

#[expect(clippy::ref_option, reason = "the shape that serde calls")]
fn exposed_if_any<S: Serializer>(secret: &Option<SecretString>, s: S) -> Result<S::Ok, S::Error> {
    secret
        .as_ref()
        .map(ExposeSecret::expose_secret)
        .serialize(s)
}

impl Credentials {
    /// The scopes that the definition asks for and the account's owner did not grant.
    pub fn missing_scopes<'a>(&self, definition: &'a Definition) -> Vec<&'a str> {
        asked(definition)
            .iter()
            .filter(|asked| {
                !self
                    .scopes
                    .iter()
                    .any(|given| given.eq_ignore_ascii_case(asked))
            })
            .map(String::as_str)
            .collect()
    }
}

/// The scopes that a definition asks for.
fn asked(definition: &Definition) -> &[String] {
    let oauth = definition.auth.oauth2();
    oauth.map_or(&[], |oauth| oauth.scopes.as_slice())
}

/// Our registration at a provider.
#[derive(Clone, Debug)]
pub struct App {
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: SecretString,
}

/// A provider's OAuth2 server, as one app sees it.
#[derive(Clone, Copy, Debug)]
pub struct Server<'a> {
    /// The shared client.
    pub http: &'a HttpClient,
    /// The provider.
    pub definition: &'a Definition,
    /// Where it is.
    pub endpoints: &'a Endpoints,
    /// Who we are there.
    pub app: &'a App,
}

/// What came back from the consent page.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    /// The code.
    pub code: &'a str,
    /// The redirect address, exactly as in the authorisation request.
    pub redirect_uri: &'a str,
    /// The PKCE verifier whose challenge was in the authorisation request.
    pub verifier: &'a SecretString,
    /// The accounts server that the redirect named (`accounts-server` at Zoho).
    pub accounts_server: Option<&'a str>,
}

/// The PKCE challenge (S256) of a verifier: base64url of its SHA-256, without padding (RFC 7636 section 4.2).
pub fn challenge(verifier: &SecretString) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose_secret().as_bytes()))
}

/// A PKCE verifier made of 32 random bytes: 43 characters (RFC 7636 section 4.1).
pub fn verifier(random: &[u8; 32]) -> SecretString {
    URL_SAFE_NO_PAD.encode(random).into()
}

/// The address of the consent page.
pub fn authorize_url(
    definition: &Definition,
    endpoints: &Endpoints,
    client_id: &str,
    redirect_uri: &str,
    state: &str,
    challenge: &str,
) -> Result<Url, Error> {
    let error = |kind, message| Error::new(definition.id.as_str(), kind, message);
    let Some(auth) = definition.auth.oauth2() else {
        return Err(error(Kind::Unsupported, "the provider has no consent page"));
    };
    let mut url = Url::parse(&endpoints.authorize_url)
        .map_err(|_| error(Kind::Forbidden, "the configured consent page is not a URL"))?;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", client_id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("scope", &auth.scopes.join(&auth.scope_separator))
        .append_pair("state", state)
        .append_pair("code_challenge", challenge)
        .append_pair("code_challenge_method", "S256")
        .extend_pairs(&auth.authorize_params);
    Ok(url)
}

/// What is said about where an account's API is.
#[derive(Deserialize)]
struct Metadata {
    api_endpoint: String,
}

/// What a token endpoint answers, good or bad.
#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    refresh_token: Option<String>,
    expires_in: Option<i64>,
    scope: Option<String>,
    api_domain: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Server<'_> {
    /// Exchanges a code for credentials.
    pub async fn exchange(
        &self,
        grant: Grant<'_>,
        now: DateTime<Utc>,
    ) -> Result<Credentials, Error> {
        let token_url = self.token_url(grant.accounts_server)?;
        let answer = self
            .ask(
                &token_url,
                &[
                    ("grant_type", "authorization_code"),
                    ("code", grant.code),
                    ("redirect_uri", grant.redirect_uri),
                    ("code_verifier", grant.verifier.expose_secret()),
                ],
            )
            .await?;
        let credentials = self.credentials(answer, None, token_url, now)?;
        self.located(credentials).await
    }

    /// The credentials with the address of the account's API, where the provider says it in a call of its own.
    async fn located(&self, mut credentials: Credentials) -> Result<Credentials, Error> {
        let auth = self.definition.auth.oauth2();
        let Some(configured) = auth.and_then(|auth| auth.metadata_url.as_ref()) else {
            return Ok(credentials);
        };
        if self.endpoints.api_base_pinned {
            return Ok(credentials);
        }
        // Where the token endpoint is, wherever configuration puts that.
        let url = moved_to(configured, &credentials.token_url);
        let url = url.and_then(|url| Url::parse(&url).ok());
        let url =
            url.ok_or_else(|| self.error(Kind::Forbidden, "the token endpoint is not a URL"))?;
        let token = credentials.access_token.expose_secret();
        let mut authorization = HeaderValue::from_str(&format!("OAuth {token}")).map_err(|_| {
            self.error(
                Kind::Malformed,
                "the access token is not a text that HTTP can carry",
            )
        })?;
        authorization.set_sensitive(true);
        let call = self
            .http
            .request(reqwest::Method::GET, url)
            .header("accept", "application/json")
            .header(AUTHORIZATION, authorization);
        let raw = self.sent(call).await?;
        if raw.status >= 400 {
            return Err(self.refused(raw.status, "", &raw));
        }
        let metadata = serde_json::from_slice::<Metadata>(&raw.body).map_err(|_| {
            self.error(
                Kind::Malformed,
                "the provider does not say where the account's API is",
            )
        })?;
        credentials.api_base = self.api_base(metadata.api_endpoint)?;
        Ok(credentials)
    }

    /// Gets a fresh access token. A provider that sends no new refresh token means that the old one stays good.
    pub async fn refresh(
        &self,
        old: &Credentials,
        now: DateTime<Utc>,
    ) -> Result<Credentials, Error> {
        let Some(refresh_token) = &old.refresh_token else {
            return Err(self.error(
                Kind::Unauthorized,
                "the access has expired: the account must be authorised again",
            ));
        };
        let answer = self
            .ask(
                &old.token_url,
                &[
                    ("grant_type", "refresh_token"),
                    ("refresh_token", refresh_token.expose_secret()),
                ],
            )
            .await?;
        self.credentials(answer, Some(old), old.token_url.clone(), now)
    }

    /// Gives the access back. Credentials that are dead already count as given back.
    pub async fn revoke(&self, credentials: &Credentials) -> Result<(), Error> {
        let Some(configured) = &self.endpoints.revoke_url else {
            return Ok(());
        };
        let elsewhere = (credentials.token_url != self.endpoints.token_url)
            .then(|| moved_to(configured, &credentials.token_url))
            .flatten();
        let token = credentials
            .refresh_token
            .as_ref()
            .unwrap_or(&credentials.access_token);
        let url = elsewhere.as_deref().unwrap_or(configured);
        let raw = self.post(url, &[("token", token.expose_secret())]).await?;
        match raw.status {
            200..=299 | 400 => Ok(()),
            status => Err(self.refused(status, "", &raw)),
        }
    }

    /// The token endpoint, at the accounts server that the redirect named if that is one of the provider's.
    fn token_url(&self, accounts_server: Option<&str>) -> Result<String, Error> {
        let configured = &self.endpoints.token_url;
        let Some(named) = accounts_server else {
            return Ok(configured.clone());
        };
        if !Trusted::new(&self.definition.allowed_hosts, configured).admits(named) {
            return Err(self.error(
                Kind::Forbidden,
                "the consent page names an accounts server that the provider is not known to have",
            ));
        }
        moved_to(configured, named).ok_or_else(|| {
            self.error(
                Kind::Forbidden,
                "the configured token endpoint is not a URL",
            )
        })
    }

    async fn ask(&self, url: &str, form: &[(&str, &str)]) -> Result<Answer, Error> {
        let mut form = form.to_vec();
        form.push(("client_id", &self.app.client_id));
        form.push(("client_secret", self.app.client_secret.expose_secret()));
        let raw = self.post(url, &form).await?;
        let parsed = serde_json::from_slice::<Answer>(&raw.body);
        match parsed {
            Ok(Answer {
                error: Some(word),
                error_description,
                ..
            }) => {
                let words = format!("{word} {}", error_description.unwrap_or_default());
                Err(self.refused(raw.status, &words, &raw))
            }
            Ok(answer) if (200..300).contains(&raw.status) => Ok(answer),
            _ if raw.status >= 400 => Err(self.refused(raw.status, "", &raw)),
            _ => Err(self.error(
                Kind::Malformed,
                "the token endpoint's answer is not what OAuth2 prescribes",
            )),
        }
    }

    async fn post(&self, url: &str, form: &[(&str, &str)]) -> Result<Raw, Error> {
        let url = Url::parse(url)
            .map_err(|_| self.error(Kind::Forbidden, "the token endpoint is not a URL"))?;
        let call = self
            .http
            .request(reqwest::Method::POST, url)
            .header("accept", "application/json")
            .form(form);
        self.sent(call).await
    }

    async fn sent(&self, call: reqwest::RequestBuilder) -> Result<Raw, Error> {
        self.http.send(call).await.map_err(|lost| {
            let mut error = self.error(Kind::Unavailable, lost.to_string());
            error.maybe_applied = !matches!(lost, Lost::NotSent(_) | Lost::Private(_));
            error.source = Some(Arc::new(lost));
            error
        })
    }

    fn refused(&self, status: u16, words: &str, raw: &Raw) -> Error {
        let kind = classify(status, words, raw.retry_after());
        let message = match kind {
            Kind::Unauthorized => {
                "the provider no longer accepts this access: the account must be authorised again"
            }
            Kind::RateLimited { .. } => "the provider says that access was renewed too often",
            Kind::Unavailable => "the provider's token endpoint does not work at the moment",
            _ => {
                "the provider refuses this application: client id, secret, scopes or redirect address are wrong"
            }
        };
        let mut error = self.error(kind, message);
        error.status = Some(status);
        error.code = words
            .split(' ')
            .next()
            .filter(|word| !word.is_empty())
            .map(str::to_owned);
        error
    }

    fn credentials(
        &self,
        answer: Answer,
        old: Option<&Credentials>,
        token_url: String,
        now: DateTime<Utc>,
    ) -> Result<Credentials, Error> {
        let Some(access_token) = answer.access_token.filter(|token| !token.is_empty()) else {
            return Err(self.error(
                Kind::Malformed,
                "the token endpoint's answer has no access token",
            ));
        };
        let auth = self.definition.auth.oauth2();
        let expire = auth.is_none_or(|auth| auth.tokens_expire);
        let seconds = answer.expires_in.unwrap_or(3600).clamp(0, 90 * 86_400);
        let expires_at = expire.then(|| now + TimeDelta::seconds(seconds));
        let scopes = match (answer.scope, old) {
            // RFC 6749 section 5.1: left out when it is what was asked (or, on a refresh, what was granted before).
            (None, Some(old)) => old.scopes.clone(),
            (None, None) => asked(self.definition).to_vec(),
            (Some(text), _) => text
                .split([' ', ','])
                .filter(|scope| !scope.is_empty())
                .map(str::to_owned)
                .collect(),
        };
        Ok(Credentials {
            access_token: access_token.into(),
            refresh_token: answer
                .refresh_token
                .filter(|token| !token.is_empty())
                .map(SecretString::from)
                .or_else(|| old.and_then(|old| old.refresh_token.clone())),
            expires_at,
            scopes,
            api_base: match answer.api_domain {
                Some(named) => self.api_base(named)?,
                None => old.and_then(|old| old.api_base.clone()),
            },
            token_url,
        })
    }

    fn api_base(&self, named: String) -> Result<Option<String>, Error> {
        if self.endpoints.api_base_pinned {
            return Ok(None);
        }
        if Trusted::new(&self.definition.allowed_hosts, &self.endpoints.api_base).admits(&named) {
            return Ok(Some(named));
        }
        Err(self.error(
            Kind::Forbidden,
            "the token answer names an API host that the provider is not known to have",
        ))
    }

    fn error(&self, kind: Kind, message: impl Into<String>) -> Error {
        Error::new(self.definition.id.as_str(), kind, message)
    }
}

/// What the words of a token endpoint's error mean.
fn classify(status: u16, words: &str, retry_after: Option<std::time::Duration>) -> Kind {
    let words = words.to_ascii_lowercase();
    let any = |list: &[&str]| list.iter().any(|word| words.contains(word));
    if status == 429 || any(&["too many", "access denied", "slow_down"]) {
        Kind::RateLimited { retry_after }
    } else if any(&[
        "invalid_grant",
        "invalid_code",
        "invalid_token",
        "access_denied",
    ]) {
        Kind::Unauthorized
    } else if status >= 500
        || status == 408
        || any(&[
            "internal_failure",
            "server_error",
            "temporarily_unavailable",
        ])
    {
        Kind::Unavailable
    } else {
        Kind::Forbidden
    }
}

#[cfg(test)]
#[path = "oauth_tests.rs"]
mod tests;
