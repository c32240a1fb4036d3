//! How many requests are taken: per tenant, per API key, per network address of callers we do not know, and per try to sign in.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use base64::Engine as _;
use sha2::{Digest, Sha256};
use syncline_coordination::{BucketSpec, Buckets, Take, Want};
use syncline_model::{ApiKeyId, TenantId};

use crate::problem::{Code, Problem};

/// How many requests are taken, each a minute; as many may come at once.
#[derive(Clone, Copy, Debug)]
pub struct LimitSettings {
    /// Of a tenant, over all its members and keys.
    pub tenant: u32,
    /// Of one API key.
    pub api_key: u32,
    /// Of a network address, without good credentials.
    pub anonymous: u32,
    /// Tries to sign in with one e-mail address.
    pub sign_in_address: u32,
    /// Tries to sign in from one network address.
    pub sign_in_network: u32,
    /// Sign-ups from one network address.
    pub sign_up_network: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            tenant: 600,
            api_key: 600,
            anonymous: 120,
            sign_in_address: 5,
            sign_in_network: 30,
            sign_up_network: 10,
        }
    }
}

/// What is left after a request, for its `RateLimit` headers.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// The limit's name.
    pub name: &'static str,
    /// Requests a minute.
    pub quota: u32,
    /// Requests left.
    pub left: u32,
}

/// Keeps the limits.
pub struct Limits {
    buckets: Arc<dyn Buckets>,
    settings: LimitSettings,
}

impl Limits {
    /// Over shared buckets.
    pub const fn new(buckets: Arc<dyn Buckets>, settings: LimitSettings) -> Self {
        Self { buckets, settings }
    }

    /// One request of a tenant, or of an unknown caller; one with an API key counts for the key as well. `Err` has the
    /// time to wait.
    pub async fn request(
        &self,
        caller: Option<(TenantId, Option<ApiKeyId>)>,
        from: Option<IpAddr>,
    ) -> Result<Result<Allowance, (Allowance, Duration)>, Problem> {
        let LimitSettings {
            tenant: of_tenant,
            api_key: of_key,
            anonymous,
            ..
        } = self.settings;
        // Whose limit the answer describes: the narrower one's.
        let (name, quota, wants) = match caller {
            None => {
                let key = format!("api:{}", network(from));
                ("network", anonymous, vec![want(key, anonymous)])
            }
            Some((tenant, None)) => {
                let key = format!("api:{tenant}");
                ("tenant", of_tenant, vec![want(key, of_tenant)])
            }
            Some((tenant, Some(key))) => {
                let wants = vec![
                    want(format!("api:{tenant}"), of_tenant),
                    want(format!("api:{key}"), of_key),
                ];
                if of_key < of_tenant {
                    ("api-key", of_key, wants)
                } else {
                    ("tenant", of_tenant, wants)
                }
            }
        };
        let allowance = |left: u32| Allowance {
            name,
            quota,
            left: left.min(quota),
        };
        Ok(match self.take(&wants).await? {
            Take::Taken { left } => Ok(allowance(left)),
            Take::Wait(wait) => Err((allowance(0), wait)),
        })
    }

    /// One try to sign in, right or wrong.
    pub async fn sign_in(&self, request: &HttpRequest, email: &str) -> Result<(), Problem> {
        let digest = Sha256::digest(email.as_bytes());
        let address = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
        let network = format!("sign-in:{}", network(peer(request)));
        self.pass(&[
            want(format!("sign-in:{address}"), self.settings.sign_in_address),
            want(network, self.settings.sign_in_network),
        ])
        .await
    }

    /// One sign-up.
    pub async fn sign_up(&self, request: &HttpRequest) -> Result<(), Problem> {
        let key = format!("sign-up:{}", network(peer(request)));
        self.pass(&[want(key, self.settings.sign_up_network)]).await
    }

    /// One try to refresh a session.
    pub async fn refresh(&self, request: &HttpRequest) -> Result<(), Problem> {
        let key = format!("refresh:{}", network(peer(request)));
        self.pass(&[want(key, self.settings.anonymous)]).await
    }

    /// One call at an address that is nobody's.
    pub async fn guess(&self, request: &HttpRequest) -> Result<(), Problem> {
        let key = format!("guess:{}", network(peer(request)));
        self.pass(&[want(key, self.settings.anonymous)]).await
    }

    async fn pass(&self, wants: &[Want]) -> Result<(), Problem> {
        match self.take(wants).await? {
            Take::Taken { .. } => Ok(()),
            Take::Wait(wait) => Err(Problem::too_many(wait)),
        }
    }

    /// Without its buckets the gateway takes nothing: a limit that fails open is none.
    async fn take(&self, wants: &[Want]) -> Result<Take, Problem> {
        self.buckets.take(wants).await.map_err(|error| {
            tracing::error!(%error, "rate limits cannot be kept");
            Problem::new(Code::Unavailable, "Try again in a moment.")
                .retry_after(Duration::from_secs(1))
        })
    }
}

/// The network address that a request comes from.
pub fn peer(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().map(|address| address.ip())
}

fn want(key: String, quota: u32) -> Want {
    Want {
        key,
        spec: BucketSpec {
            capacity: quota,
            per_minute: quota,
        },
        tokens: 1,
    }
}

/// An address as it is counted: an IPv6 caller has a whole /64.
fn network(from: Option<IpAddr>) -> String {
    match from {
        None => "unknown".into(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            if let Some(address) = address.to_ipv4_mapped() {
                return address.to_string();
            }
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_counted_by_network() {
        let check = |text: &str, want: &str| {
            assert_eq!(network(text.parse().ok()), want, "{text}");
        };
        check("192.0.2.7", "192.0.2.7");
        check("::ffff:192.0.2.7", "192.0.2.7");
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64");
        check("2001:db8:1:2::9", "2001:db8:1:2::/64");
        check("nonsense", "unknown");
    }
}
