//! Which addresses are a provider's own. Token answers and redirects name hosts; they arrive from the network and are
//! believed only within the definition's list, or at the place that configuration names.

use url::Url;

/// The places that may see an account's secrets.
#[derive(Clone, Debug)]
pub(crate) struct Trusted {
    hosts: Vec<String>,
    configured: Option<String>,
}

impl Trusted {
    /// The definition's hosts, by HTTPS, and the origin of a configured address as it stands.
    pub(crate) fn new(allowed_hosts: &[String], configured: &str) -> Self {
        Self {
            hosts: allowed_hosts.to_vec(),
            configured: origin_of(configured),
        }
    }

    /// Whether an address is one of them.
    pub(crate) fn admits(&self, address: &str) -> bool {
        let Ok(url) = Url::parse(address) else {
            return false;
        };
        if self.configured.is_some() && origin_of(address) == self.configured {
            return true;
        }
        url.scheme() == "https"
            && url.port().is_none()
            && url
                .host_str()
                .is_some_and(|host| self.hosts.iter().any(|allowed| is_host(allowed, host)))
    }
}

/// Whether a host is the one that is allowed; `*.` at the beginning stands for one name.
fn is_host(allowed: &str, host: &str) -> bool {
    let Some(domain) = allowed.strip_prefix("*.") else {
        return allowed == host;
    };
    let name = host
        .strip_suffix(domain)
        .and_then(|rest| rest.strip_suffix('.'));
    name.is_some_and(|name| !name.is_empty() && !name.contains('.'))
}

/// Scheme, host and port of an address; `None` for what has no such thing.
pub(crate) fn origin_of(address: &str) -> Option<String> {
    let origin = Url::parse(address).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

/// The same path at another origin.
pub(crate) fn moved_to(address: &str, origin: &str) -> Option<String> {
    let path = Url::parse(address).ok()?.path().to_owned();
    Some(format!("{}{path}", origin_of(origin)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_hosts_are_admitted() {
        let trusted = Trusted::new(&["www.zohoapis.eu".into()], "http://127.0.0.1:4010/base");
        let check =
            |address: &str, want: bool| assert_eq!(trusted.admits(address), want, "{address}");
        check("https://www.zohoapis.eu", true);
        check("https://www.zohoapis.eu/", true);
        check("http://127.0.0.1:4010", true);
        check("http://127.0.0.1:4011", false);
        check("http://www.zohoapis.eu", false);
        check("https://www.zohoapis.eu:8443", false);
        check("https://www.zohoapis.eu.evil.example", false);
        check("https://www.zohoapis.eu@evil.example", false);
        check("file:///etc/passwd", false);
        check("", false);
    }

    #[test]
    fn a_star_stands_for_one_name() {
        let trusted = Trusted::new(&["*.api.example".into()], "http://127.0.0.1:4010");
        let check =
            |address: &str, want: bool| assert_eq!(trusted.admits(address), want, "{address}");
        check("https://us1.api.example", true);
        check("https://api.example", false);
        check("https://a.us1.api.example", false);
        check("https://evilapi.example", false);
        check("https://us1.api.example.evil.example", false);
        check("http://us1.api.example", false);
    }

    #[test]
    fn addresses_move_between_data_centres() {
        assert_eq!(
            moved_to(
                "https://accounts.zoho.com/oauth/v2/token",
                "https://accounts.zoho.eu"
            )
            .as_deref(),
            Some("https://accounts.zoho.eu/oauth/v2/token")
        );
        assert_eq!(moved_to("https://a.example/x", "nonsense"), None);
    }
}
