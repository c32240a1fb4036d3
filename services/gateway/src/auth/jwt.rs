//! Access tokens: JWTs (RFC 9068 shape) signed with HS256 and nothing else.
//!
//! The library checks the signature; the claims are checked here, against the injected clock and with strict types, so
//! that an `exp` of the wrong JSON type, a missing claim or an unknown header parameter refuses the token. A token
//! is good until it expires: ending a session stops its renewal, not the minutes that are left.

use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use syncline_model::{MemberId, TenantId};

/// The media type in the header, by RFC 9068.
const TYP: &str = "at+jwt";
/// Who issues and who is meant.
const ISSUER: &str = "syncline";
const AUDIENCE: &str = "syncline-api";
/// Clock difference allowed between processes, in seconds.
const LEEWAY: i64 = 5;
/// Longest token looked at, in bytes.
const LONGEST: usize = 2048;
/// Shortest signing secret accepted, in bytes (RFC 7518, 3.2).
const SHORTEST_SECRET: usize = 32;

/// Makes and checks access tokens.
pub struct Tokens {
    signing: EncodingKey,
    checking: DecodingKey,
    lifetime: Duration,
}

/// What a good token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// The tenant that is acted for.
    pub tenant: TenantId,
    /// The person.
    pub member: MemberId,
}

/// A signing secret that is too short.
#[derive(Debug, thiserror::Error)]
#[error("the JWT secret must have at least {SHORTEST_SECRET} bytes")]
pub struct WeakSecret;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: MemberId,
    tenant: TenantId,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
}

impl Tokens {
    /// From the signing secret and the lifetime of a token.
    pub fn new(secret: &SecretString, lifetime: Duration) -> Result<Self, WeakSecret> {
        let secret = secret.expose_secret().as_bytes();
        if secret.len() < SHORTEST_SECRET {
            return Err(WeakSecret);
        }
        Ok(Self {
            signing: EncodingKey::from_secret(secret),
            checking: DecodingKey::from_secret(secret),
            lifetime,
        })
    }

    /// How long a token is good, in seconds.
    pub const fn lifetime_seconds(&self) -> i64 {
        self.lifetime.num_seconds()
    }

    /// A token for a person, good from now; `nonce` makes it unlike any other.
    pub fn issue(
        &self,
        token: AccessToken,
        nonce: String,
        now: DateTime<Utc>,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: token.member,
            tenant: token.tenant,
            iat: now.timestamp(),
            nbf: now.timestamp(),
            exp: (now + self.lifetime).timestamp(),
            jti: nonce,
        };
        jsonwebtoken::encode(&header(), &claims, &self.signing)
    }

    /// What a token says, or nothing when it is not one of ours or not good now.
    pub fn check(&self, text: &str, now: DateTime<Utc>) -> Option<AccessToken> {
        if text.len() > LONGEST {
            return None;
        }
        let mut signature_only = Validation::new(Algorithm::HS256);
        signature_only.required_spec_claims.clear();
        signature_only.validate_exp = false;
        signature_only.validate_aud = false;
        let found = jsonwebtoken::decode::<Claims>(text, &self.checking, &signature_only).ok()?;
        let claims = found.claims;
        let now = now.timestamp();
        let good = found.header == header()
            && claims.iss == ISSUER
            && claims.aud == AUDIENCE
            && claims.nbf <= now.saturating_add(LEEWAY)
            && claims.iat <= now.saturating_add(LEEWAY)
            && claims.exp > now.saturating_sub(LEEWAY)
            && claims.exp.saturating_sub(claims.iat) <= self.lifetime.num_seconds();
        good.then_some(AccessToken {
            tenant: claims.tenant,
            member: claims.sub,
        })
    }
}

/// The only header accepted: no key id, no URL, no critical extension.
fn header() -> Header {
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some(TYP.into());
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("time")
    }

    fn tokens() -> Tokens {
        Tokens::new(&SECRET.into(), Duration::minutes(15)).expect("tokens")
    }

    fn who() -> AccessToken {
        AccessToken {
            tenant: TenantId::from_uuid(uuid::Uuid::from_u128(1)),
            member: MemberId::from_uuid(uuid::Uuid::from_u128(2)),
        }
    }

    fn claims() -> Value {
        json!({"iss": "syncline", "aud": "syncline-api", "sub": who().member, "tenant": who().tenant,
               "iat": 1_800_000_000, "nbf": 1_800_000_000, "exp": 1_800_000_900, "jti": "x"})
    }

    /// Signs any header and claims with our secret.
    fn sign(header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(SECRET.as_bytes()))
            .expect("token")
    }

    #[test]
    fn a_token_is_good_from_its_first_to_its_last_second() {
        let text = tokens().issue(who(), "n".into(), now()).expect("token");
        let check = |seconds: i64, good: bool| {
            let got = tokens().check(&text, now() + Duration::seconds(seconds));
            assert_eq!(got, good.then_some(who()), "{seconds}");
        };
        check(0, true);
        check(899, true);
        check(899 + LEEWAY, true);
        check(900 + LEEWAY, false);
        check(7200, false);
        check(-LEEWAY, true);
        check(-LEEWAY - 1, false);
    }

    /// S-09, with CVE-2026-25537: wrong JSON types refuse.
    #[test]
    fn claims_are_strict() {
        let check = |name: &str, value: Value, good: bool| {
            let mut changed = claims();
            match value {
                Value::Null => drop(changed.as_object_mut().expect("object").remove(name)),
                value => changed[name] = value,
            }
            let got = tokens().check(&sign(&header(), &changed), now());
            assert_eq!(got.is_some(), good, "{changed}");
        };
        check("iss", json!("syncline"), true);
        for name in ["iss", "aud", "sub", "tenant", "iat", "nbf", "exp", "jti"] {
            check(name, Value::Null, false);
        }
        for name in ["iat", "nbf", "exp"] {
            check(name, json!("1800000900"), false);
            check(name, json!(1_800_000_000.5), false);
            check(name, json!([1_800_000_000]), false);
            check(name, json!(1e300), false);
            check(name, json!(-1), name != "exp" && name != "iat");
        }
        check("exp", json!(9_999_999_999_i64), false);
        check("exp", json!(i64::MAX), false);
        check("nbf", json!(1_800_000_060), false);
        check("iss", json!("someone"), false);
        check("aud", json!("other-api"), false);
        check("aud", json!(["syncline-api"]), false);
        check("sub", json!("ten_00000000000000000000000000000002"), false);
        check("role", json!("owner"), false);
    }

    #[test]
    fn headers_are_strict() {
        let check = |change: &dyn Fn(&mut Header), good: bool| {
            let mut header = header();
            change(&mut header);
            let got = tokens().check(&sign(&header, &claims()), now());
            assert_eq!(got.is_some(), good, "{header:?}");
        };
        check(&|_| {}, true);
        check(&|h| h.typ = Some("JWT".into()), false);
        check(&|h| h.typ = None, false);
        check(&|h| h.alg = Algorithm::HS512, false);
        check(&|h| h.kid = Some("../../dev/null".into()), false);
        check(&|h| h.jku = Some("https://example.com/keys".into()), false);
        check(&|h| h.x5u = Some("https://example.com/keys".into()), false);
    }

    #[test]
    fn other_secrets_and_no_secret_refuse() {
        use base64::Engine as _;
        let b64 = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let ours = sign(&header(), &claims());
        assert!(tokens().check(&ours, now()).is_some());
        let mut parts = ours.split('.');
        let (_, body) = (parts.next(), parts.next().expect("body"));
        for bad in [
            format!("{}.{body}.", b64(r#"{"alg":"none","typ":"at+jwt"}"#)),
            format!("{}.{body}", b64(r#"{"alg":"none","typ":"at+jwt"}"#)),
            ours.chars().rev().collect(),
            format!("{ours}.x"),
            format!("{ours} "),
            ours.replace('.', ""),
            String::new(),
            "x".repeat(10_000),
        ] {
            assert!(tokens().check(&bad, now()).is_none(), "{bad}");
        }
        let other = Tokens::new(&"f".repeat(32).into(), Duration::minutes(15)).expect("tokens");
        assert!(other.check(&ours, now()).is_none());
        assert!(Tokens::new(&"short".into(), Duration::minutes(15)).is_err());
    }
}
