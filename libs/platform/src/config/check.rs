//! What values must be beyond their kind: bounds, lengths, addresses. Not what a single key's kind is (`mod.rs`).

use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::{Config, ConfigError, RequestLimits};
use crate::telemetry;

/// The fewest characters of a secret that signs access tokens.
pub(super) const JWT_SECRET_MIN: usize = 32;
/// The longest slice of a run that one job may work on.
const SLICE_MAX: Duration = Duration::from_mins(1);

impl Config {
    /// Finds what cannot be used, and drops the slashes at the end of addresses.
    pub(super) fn check(&mut self) -> Result<(), ConfigError> {
        self.server.limits.check()?;
        let coordination = &self.coordination;
        must(
            (1..=100).contains(&coordination.fallback_percent),
            "coordination.fallback_percent",
            "must be from 1 to 100",
        )?;
        must(
            !coordination.prefix.is_empty()
                && coordination
                    .prefix
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic()),
            "coordination.prefix",
            "must be visible ASCII characters",
        )?;
        let worker = &self.worker;
        must(
            (1..=256).contains(&worker.slots),
            "worker.slots",
            "must be from 1 to 256",
        )?;
        must(
            (1..=1_000).contains(&worker.batch),
            "worker.batch",
            "must be from 1 to 1000",
        )?;
        must(
            !worker.slice.is_zero() && worker.slice <= SLICE_MAX,
            "worker.slice",
            "must be more than nothing and at most \"60s\"",
        )?;
        must(
            worker.lease >= Duration::from_secs(5),
            "worker.lease",
            "must be at least \"5s\"",
        )?;
        must(
            !worker.tick.is_zero(),
            "worker.tick",
            "must be more than nothing",
        )?;
        let plain = |one: char| one.is_ascii_alphanumeric() || matches!(one, '-' | '_' | '.');
        must(
            (1..=100).contains(&self.queue.prefix.len()) && self.queue.prefix.chars().all(plain),
            "queue.prefix",
            "must be 1 to 100 letters, digits, `-`, `_` or `.`",
        )?;
        must(
            !self.auth.access_token_ttl.is_zero(),
            "auth.access_token_ttl",
            "must be more than nothing",
        )?;
        must(
            self.auth.refresh_token_ttl > self.auth.access_token_ttl,
            "auth.refresh_token_ttl",
            "must be longer than auth.access_token_ttl",
        )?;
        if let Some(secret) = &self.auth.jwt_secret {
            must(
                secret.expose_secret().len() >= JWT_SECRET_MIN,
                "auth.jwt_secret",
                "must have at least 32 characters",
            )?;
        }
        telemetry::filter(&self.log.level).map_err(|error| ConfigError::Value {
            key: "log.level".into(),
            what: error.to_string(),
        })?;
        self.check_addresses()
    }

    fn check_addresses(&mut self) -> Result<(), ConfigError> {
        check_address("server.public_url", self.server.public_url.as_mut())?;
        let endpoint = self.telemetry.otlp_endpoint.as_mut();
        check_address("telemetry.otlp_endpoint", endpoint)?;
        for (id, provider) in &mut self.providers {
            let addresses = [
                ("api_base", &mut provider.api_base),
                ("auth_url", &mut provider.auth_url),
                ("token_url", &mut provider.token_url),
                ("revoke_url", &mut provider.revoke_url),
            ];
            for (name, address) in addresses {
                check_address(&format!("providers.{id}.{name}"), address.as_mut())?;
            }
        }
        Ok(())
    }
}

impl RequestLimits {
    fn check(&self) -> Result<(), ConfigError> {
        for (name, limit) in [
            ("tenant", self.tenant),
            ("api_key", self.api_key),
            ("anonymous", self.anonymous),
            ("sign_in_address", self.sign_in_address),
            ("sign_in_network", self.sign_in_network),
            ("sign_up_network", self.sign_up_network),
        ] {
            must(
                limit > 0,
                &format!("server.limits.{name}"),
                "must be at least 1",
            )?;
        }
        Ok(())
    }
}

/// An error that names the key unless something holds.
pub(super) fn must(holds: bool, key: &str, what: &str) -> Result<(), ConfigError> {
    if holds {
        return Ok(());
    }
    Err(ConfigError::Value {
        key: key.into(),
        what: what.into(),
    })
}

/// An address must be one of the web; slashes at its end are dropped.
fn check_address(key: &str, address: Option<&mut String>) -> Result<(), ConfigError> {
    let Some(address) = address else {
        return Ok(());
    };
    let web = url::Url::parse(address)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    must(web, key, "must be a http:// or https:// address")?;
    address.truncate(address.trim_end_matches('/').len());
    Ok(())
}
