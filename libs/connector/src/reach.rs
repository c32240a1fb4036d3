//! Which network addresses a server that a customer typed may have: public ones, and those that the operator allows.
//!
//! The address judged is the one that is connected to: names are resolved here, and nothing is resolved again after.
//! Addresses of providers that an operator configured are not judged.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// A server that must not be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the server is in a private network, which Syncline's operator has not opened (`outbound.private_networks`)"
)]
pub(crate) struct Private;

/// The addresses that may be called.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reach {
    opened: Arc<[IpNet]>,
}

impl Reach {
    /// Public addresses, and private ones of these networks.
    pub(crate) fn new(opened: &[IpNet]) -> Self {
        Self {
            opened: opened.into(),
        }
    }

    /// Whether an address may be called.
    pub(crate) fn admits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.opened.iter().any(|network| network.contains(&address))
    }

    /// Whether a URL may be called as far as it says: a name says nothing before it is resolved.
    pub(crate) fn admits_url(&self, url: &Url) -> bool {
        match url.host() {
            Some(Host::Ipv4(address)) => self.admits(address.into()),
            Some(Host::Ipv6(address)) => self.admits(address.into()),
            Some(Host::Domain(_)) => true,
            None => false,
        }
    }

    /// Whether a URL is in a network that the operator opened, by its address.
    pub(crate) fn is_opened(&self, url: &Url) -> bool {
        let address: IpAddr = match url.host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            Some(Host::Domain(_)) | None => return false,
        };
        let address = address.to_canonical();
        self.opened.iter().any(|network| network.contains(&address))
    }
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.collect();
            let some = !found.is_empty();
            let admitted: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| reach.admits(address.ip()))
                .collect();
            if some && admitted.is_empty() {
                return Err(Private.into());
            }
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one of the public internet: in no block that IANA's registries of special-purpose addresses
/// keep for something else (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

/// Of the whole space only 2000::/3 is in use; within it some blocks are not, and some carry an IPv4 address.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let [first, second, third, ..] = segments;
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (first, second) {
        // NAT64 and 6to4.
        (0x0064, 0xff9b) => third == 0 && embedded(segments[6], segments[7]),
        (0x2002, _) => embedded(second, third),
        (0x2001, 0x0000..=0x01ff | 0x0db8) | (0x3fff, 0x0000..=0x0fff) => false,
        _ => (0x2000..=0x3fff).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_told_apart_in_every_guise() {
        let reach = Reach::default();
        let check = |text: &str, want: bool| {
            let address = text.parse().expect("an address");
            assert_eq!(reach.admits(address), want, "{text}");
        };
        for public in [
            "8.8.8.8",
            "93.184.216.34",
            "100.63.255.255",
            "172.32.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            check(public, true);
        }
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "203.0.113.5",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::10.0.0.1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
        ] {
            check(private, false);
        }
    }

    #[test]
    fn what_the_operator_opened_is_admitted_and_nothing_beside_it() {
        let reach = Reach::new(&["10.20.0.0/16".parse().expect("a network")]);
        let check = |text: &str, want: bool| {
            let url = Url::parse(text).expect("a URL");
            assert_eq!(reach.admits_url(&url), want, "{text}");
        };
        check("https://10.20.3.4/dav/", true);
        check("https://[::ffff:10.20.3.4]/dav/", true);
        check("https://10.21.3.4/dav/", false);
        // Other spellings of an address are the same address.
        check("https://0x7f.1/", false);
        check("https://2130706433/", false);
        check("https://dav.example.com/", true);
    }

    #[tokio::test]
    async fn a_name_of_a_private_address_does_not_resolve() {
        let name = "localhost".parse().expect("a name");
        let Err(error) = Reach::default().resolve(name).await else {
            panic!("it resolved");
        };
        assert!(error.is::<Private>(), "{error}");
    }
}
