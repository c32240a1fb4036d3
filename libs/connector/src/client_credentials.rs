//! OAuth 2.0 client credentials (RFC 6749 section 4.4), with a client that a customer has registered at a site of their
//! own: its address, the client's id and its secret are typed.
//!
//! The secret goes to one origin: the site's, or, for a site in the provider's own cloud, that of its identity service
//! there, whose host follows from the site's. What the OpenID configuration names elsewhere does not get it. There is no
//! refresh token: the client's id and secret are kept in its place, and tokens are cached like any other.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use crate::definition::IdentityService;
use crate::http::{Lost, Raw};
use crate::oauth::Credentials;
use crate::{Definition, Error, HttpClient, Kind, password};

/// How long a token lives that does not say so, in seconds.
const USUAL_LIFE: i64 = 3_600;
/// The longest life that is believed.
const LONGEST_LIFE: i64 = 90 * 86_400;

/// What an OpenID configuration says, as far as it is needed.
#[derive(Deserialize)]
struct Configuration {
    token_endpoint: String,
}

/// What a token endpoint says when it refuses.
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// What a token endpoint answers.
#[derive(Deserialize)]
struct Answer {
    access_token: SecretString,
    expires_in: Option<i64>,
}

/// Access for what a customer typed, as `Login::credentials` keeps it.
pub async fn obtain(
    http: &HttpClient,
    definition: &Definition,
    typed: Credentials,
    now: DateTime<Utc>,
) -> Result<Credentials, Error> {
    let client = Client { http, definition };
    let token_url = client.token_endpoint(typed.api_base.as_deref()).await?;
    let kept = Credentials {
        refresh_token: Some(typed.access_token.clone()),
        token_url: token_url.into(),
        ..typed
    };
    client.token(kept, now).await
}

/// Another token, for the same client at the same place.
pub async fn renew(
    http: &HttpClient,
    definition: &Definition,
    old: &Credentials,
    now: DateTime<Utc>,
) -> Result<Credentials, Error> {
    Client { http, definition }.token(old.clone(), now).await
}

#[derive(Clone, Copy)]
struct Client<'a> {
    http: &'a HttpClient,
    definition: &'a Definition,
}

impl Client<'_> {
    async fn token(self, kept: Credentials, now: DateTime<Utc>) -> Result<Credentials, Error> {
        let pair = kept.refresh_token.as_ref().and_then(password::typed);
        let url = Url::parse(&kept.token_url).ok();
        let (Some((id, secret)), Some(url)) = (pair, url) else {
            let message = "client id and secret are not kept: enter them again";
            return Err(self.error(Kind::Unauthorized, message));
        };
        let call = self.http.request_typed(Method::POST, url);
        let call = call.map_err(|lost| self.lost(lost))?;
        let call = call.header("accept", "application/json").form(&[
            ("grant_type", "client_credentials"),
            ("client_id", &id),
            ("client_secret", secret.expose_secret()),
        ]);
        let raw = self.http.send(call).await.map_err(|lost| self.lost(lost))?;
        if !(200..300).contains(&raw.status) {
            return Err(self.refused(&raw));
        }
        let answer = serde_json::from_slice::<Answer>(&raw.body).map_err(|_| {
            let message = "the identity service's answer is not what OAuth2 prescribes";
            self.error(Kind::Malformed, message)
        })?;
        let life = answer.expires_in.unwrap_or(USUAL_LIFE);
        Ok(Credentials {
            access_token: answer.access_token,
            expires_at: Some(now + TimeDelta::seconds(life.clamp(0, LONGEST_LIFE))),
            ..kept
        })
    }

    /// Where the site's tokens are given out, as its OpenID configuration says.
    async fn token_endpoint(self, site: Option<&str>) -> Result<Url, Error> {
        let typed = self.definition.auth.password();
        let identity = typed.and_then(|typed| typed.identity.as_ref());
        let site = site.and_then(|site| Url::parse(site).ok());
        let (Some(identity), Some(site)) = (identity, site) else {
            let message = "the provider gives out no tokens for client credentials";
            return Err(self.error(Kind::Unsupported, message));
        };
        let place = place(identity, &site);
        for path in &identity.discovery {
            let below = format!("{}{path}", place.as_str().trim_end_matches('/'));
            let Ok(url) = Url::parse(&below) else {
                continue;
            };
            let call = self.http.request_typed(Method::GET, url);
            let call = call.map_err(|lost| self.lost(lost))?;
            let call = call.header("accept", "application/json");
            let raw = self.http.send(call).await.map_err(|lost| self.lost(lost))?;
            if raw.status == 429 || raw.status >= 500 {
                return Err(self.refused(&raw));
            }
            let found = serde_json::from_slice::<Configuration>(&raw.body).ok();
            if let Some(found) = found.filter(|_| raw.status == 200) {
                return self.checked(&found.token_endpoint, &place);
            }
        }
        let origin = place.origin().ascii_serialization();
        let message = format!(
            "there is no identity service at {origin}, from which access comes: check the address"
        );
        Err(self.error(Kind::NotFound, message))
    }

    /// A token endpoint that is where it must be.
    fn checked(self, named: &str, place: &Url) -> Result<Url, Error> {
        let endpoint = Url::parse(named).ok();
        let endpoint = endpoint.filter(|url| url.origin() == place.origin());
        endpoint.ok_or_else(|| {
            let origin = place.origin().ascii_serialization();
            let message = format!(
                "the site's tokens are given out elsewhere than at {origin}, where the secret does not go"
            );
            self.error(Kind::Forbidden, message)
        })
    }

    fn refused(self, raw: &Raw) -> Error {
        let (kind, message) = match raw.status {
            429 => (
                Kind::RateLimited {
                    retry_after: raw.retry_after(),
                },
                "the identity service says that access was asked for too often",
            ),
            408 | 500.. => (
                Kind::Unavailable,
                "the identity service does not work at the moment",
            ),
            300..400 => (
                Kind::Malformed,
                "the identity service sends us to another address",
            ),
            status if status == 401 || is_of_the_client(raw) => (
                Kind::Unauthorized,
                "the identity service does not take the client id and secret: enter them again",
            ),
            // Whatever stands before it, or is being set up: a secret that was right is right still.
            _ => (
                Kind::Unavailable,
                "the identity service answers with a refusal that says nothing of the client",
            ),
        };
        let mut error = self.error(kind, message);
        error.status = Some(raw.status);
        error
    }

    fn lost(self, lost: Lost) -> Error {
        let kind = match lost {
            Lost::Private(_) => Kind::Forbidden,
            _ => Kind::Unavailable,
        };
        let mut error = self.error(kind, lost.to_string());
        error.source = Some(Arc::new(lost));
        error
    }

    fn error(self, kind: Kind, message: impl Into<String>) -> Error {
        Error::new(self.definition.id.as_str(), kind, message)
    }
}

/// Where the identity service of a site is: in the provider's cloud beside it, anywhere else at the site itself.
fn place(identity: &IdentityService, site: &Url) -> Url {
    let sibling = || {
        let host = site.host_str()?;
        let name = host.strip_suffix(&identity.domain)?.strip_suffix('.')?;
        let is_cloud = site.scheme() == "https" && site.port().is_none();
        if !is_cloud || name.is_empty() || name.contains('.') {
            return None;
        }
        Url::parse(&format!(
            "https://{name}{}.{}",
            identity.suffix, identity.domain
        ))
        .ok()
    };
    sibling().unwrap_or_else(|| site.clone())
}

/// Whether a refusal is about the client itself (RFC 6749 section 5.2).
fn is_of_the_client(raw: &Raw) -> bool {
    let said = serde_json::from_slice::<Refusal>(&raw.body);
    said.is_ok_and(|said| matches!(&*said.error, "invalid_client" | "unauthorized_client"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_site_in_the_cloud_has_a_sibling() {
        let identity = IdentityService {
            domain: "cloud.example".into(),
            suffix: "-is".into(),
            discovery: Vec::new(),
        };
        let check = |site: &str, want: &str| {
            let site = Url::parse(site).expect("a URL");
            assert_eq!(place(&identity, &site).as_str(), want, "{site}");
        };
        check(
            "https://acme.cloud.example/odata",
            "https://acme-is.cloud.example/",
        );
        for other in [
            "https://acme.example/crm",
            "https://cloud.example/",
            "https://a.b.cloud.example/",
            "https://evilcloud.example/",
            "https://acme.cloud.example.evil.example/",
            "https://acme.cloud.example:8443/",
            "http://acme.cloud.example/",
        ] {
            check(other, other);
        }
    }
}
