//! URLs that strangers hand us, webhooks and push subscriptions, and what of the network they may lead to: the public
//! internet over TLS, nothing of ours (server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{ClientBuilder, Url};

/// Not the public internet, or not for a server of ours to reach (IANA, "IPv4 Special-Purpose Address Registry").
const SPECIAL_V4: [Ipv4Net; 16] = [
    v4(0, 0, 0, 0, 8),        // this network
    v4(10, 0, 0, 0, 8),       // private
    v4(100, 64, 0, 0, 10),    // shared by carriers (CGNAT), and one cloud's metadata
    v4(127, 0, 0, 0, 8),      // loopback
    v4(168, 63, 129, 16, 32), // one cloud's host, which answers its guests alone
    v4(169, 254, 0, 0, 16),   // link-local, and the metadata of most clouds
    v4(172, 16, 0, 0, 12),    // private
    v4(192, 0, 0, 0, 24),     // protocol assignments
    v4(192, 0, 2, 0, 24),     // documentation
    v4(192, 88, 99, 0, 24),   // relays of 6to4
    v4(192, 168, 0, 0, 16),   // private
    v4(198, 18, 0, 0, 15),    // benchmarking
    v4(198, 51, 100, 0, 24),  // documentation
    v4(203, 0, 113, 0, 24),   // documentation
    v4(224, 0, 0, 0, 4),      // multicast
    v4(240, 0, 0, 0, 4),      // reserved, and broadcast
];

/// What is handed out of IPv6. All else is special: loopback, local, multicast, and IPv4 in its mapped, compatible and
/// NAT64 forms.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 3);

/// What is special inside of [`GLOBAL_V6`].
const SPECIAL_V6: [Ipv6Net; 4] = [
    v6(0x2001, 0, 23),     // protocol assignments: Teredo, benchmarking, ORCHID
    v6(0x2001, 0xdb8, 32), // documentation
    v6(0x2002, 0, 16),     // 6to4
    v6(0x3fff, 0, 20),     // documentation
];

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(first: u16, second: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0), prefix)
}

/// Whether an address is one of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|special| special.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address) && !SPECIAL_V6.iter().any(|special| special.contains(&address))
        }
    }
}

/// Why a URL is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ForbiddenUrl {
    /// Not a URL at all.
    #[error("it is not a URL")]
    NotAUrl,
    /// Another scheme.
    #[error("it does not begin with https://")]
    NotHttps,
    /// `https://user:password@host`.
    #[error("it has a user name or password in it")]
    UserInfo,
    /// An address of ours, or of no one.
    #[error("its host is not on the public internet")]
    NotPublic,
}

/// A name led to no address that may be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the host has no address on the public internet")]
pub struct NoPublicAddress;

/// What URLs of strangers may lead to: public addresses, and the networks an operator adds.
#[derive(Clone)]
pub struct PublicNet {
    allow: Arc<[IpNet]>,
    http: bool,
    names: Arc<dyn Resolve>,
}

impl Default for PublicNet {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl std::fmt::Debug for PublicNet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublicNet")
            .field("allow", &self.allow)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

impl PublicNet {
    /// `allow` is let pass besides what is public: a partner's network, or loopback in tests.
    pub fn new(allow: &[IpNet]) -> Self {
        Self { allow: allow.into(), http: false, names: Arc::new(SystemNames) }
    }

    /// Lets plain HTTP pass as well: inside an operator's own network, and in tests.
    pub fn with_http(self) -> Self {
        Self { http: true, ..self }
    }

    /// Asks somebody else than the system for the addresses of names. They are filtered all the same.
    pub fn with_names(self, names: Arc<dyn Resolve>) -> Self {
        Self { names, ..self }
    }

    /// Whether this address may be connected to.
    pub fn allows(&self, address: IpAddr) -> bool {
        is_public(address) || self.allow.iter().any(|net| net.contains(&address))
    }

    /// Reads a URL and refuses what is wrong with it whatever its name leads to. Needed before every request too: a
    /// host that is an address is connected to without asking the resolver.
    pub fn check_url(&self, url: &str) -> Result<Url, ForbiddenUrl> {
        let url = Url::parse(url).map_err(|_| ForbiddenUrl::NotAUrl)?;
        if url.scheme() != "https" && !(self.http && url.scheme() == "http") {
            return Err(ForbiddenUrl::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ForbiddenUrl::UserInfo);
        }
        let host = url.host_str().unwrap_or_default();
        match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) if !self.allows(address) => Err(ForbiddenUrl::NotPublic),
            _ => Ok(url),
        }
    }

    /// Makes a client keep to it: names are checked as they are connected to, so that no second look-up can give
    /// another address; no redirect is followed; no proxy of the environment looks names up in its own way.
    pub fn guard(&self, builder: ClientBuilder) -> ClientBuilder {
        builder
            .https_only(!self.http)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(self.clone()))
    }
}

impl Resolve for PublicNet {
    fn resolve(&self, name: Name) -> Resolving {
        let net = self.clone();
        Box::pin(async move {
            let found = net.names.resolve(name).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| net.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(NoPublicAddress.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// What the system knows of names.
struct SystemNames;

impl Resolve for SystemNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // Port 0 stands for the one of the URL.
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether a request failed because its host is not on the public internet.
pub fn is_forbidden(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<NoPublicAddress>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    /// First and last of each special network, with the public neighbours on either side where there are any.
    #[test]
    fn the_edges_of_every_special_network_are_kept() {
        for (before, first, last, after) in [
            (None, "0.0.0.0", "0.255.255.255", Some("1.0.0.0")),
            (Some("9.255.255.255"), "10.0.0.0", "10.255.255.255", Some("11.0.0.0")),
            (Some("100.63.255.255"), "100.64.0.0", "100.127.255.255", Some("100.128.0.0")),
            (Some("126.255.255.255"), "127.0.0.0", "127.255.255.255", Some("128.0.0.0")),
            (Some("168.63.129.15"), "168.63.129.16", "168.63.129.16", Some("168.63.129.17")),
            (Some("169.253.255.255"), "169.254.0.0", "169.254.255.255", Some("169.255.0.0")),
            (Some("172.15.255.255"), "172.16.0.0", "172.31.255.255", Some("172.32.0.0")),
            (Some("191.255.255.255"), "192.0.0.0", "192.0.0.255", Some("192.0.1.0")),
            (Some("192.0.1.255"), "192.0.2.0", "192.0.2.255", Some("192.0.3.0")),
            (Some("192.88.98.255"), "192.88.99.0", "192.88.99.255", Some("192.88.100.0")),
            (Some("192.167.255.255"), "192.168.0.0", "192.168.255.255", Some("192.169.0.0")),
            (Some("198.17.255.255"), "198.18.0.0", "198.19.255.255", Some("198.20.0.0")),
            (Some("198.51.99.255"), "198.51.100.0", "198.51.100.255", Some("198.51.101.0")),
            (Some("203.0.112.255"), "203.0.113.0", "203.0.113.255", Some("203.0.114.0")),
            (Some("223.255.255.255"), "224.0.0.0", "239.255.255.255", None),
            (None, "240.0.0.0", "255.255.255.255", None),
            (None, "::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
            (
                Some("2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
                "2001::",
                "2001:1ff:ffff::",
                Some("2001:200::"),
            ),
            (Some("2001:db7:ffff::"), "2001:db8::", "2001:db8:ffff:ffff::", Some("2001:db9::")),
            (Some("2001:ffff::"), "2002::", "2002:ffff:ffff::", Some("2003::")),
            (Some("3ffe:ffff::"), "3fff::", "3fff:fff:ffff::", Some("3fff:1000::")),
            (Some("3fff:ffff::"), "4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
        ] {
            for special in [first, last] {
                assert!(!is_public(address(special)), "{special}");
            }
            for public in [before, after].into_iter().flatten() {
                assert!(is_public(address(public)), "{public}");
            }
        }
    }

    #[test]
    fn what_attackers_try_is_not_public() {
        for tried in [
            "169.254.169.254",
            "100.100.100.200",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b:1::7f00:1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2002:7f00:1::",
            "5f00::1",
            "fc00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address(tried)), "{tried}");
        }
        for public in ["8.8.8.8", "142.250.185.106", "2a00:1450:4001:82a::200a", "2606:4700::1111"] {
            assert!(is_public(address(public)), "{public}");
        }
    }

    #[test]
    fn a_url_is_https_of_a_public_host() {
        let strict = PublicNet::default();
        for (url, refusal) in [
            ("nonsense", ForbiddenUrl::NotAUrl),
            ("https://", ForbiddenUrl::NotAUrl),
            ("http://push.example.com/x", ForbiddenUrl::NotHttps),
            ("file:///etc/passwd", ForbiddenUrl::NotHttps),
            ("https://me@push.example.com/x", ForbiddenUrl::UserInfo),
            ("https://:word@push.example.com/x", ForbiddenUrl::UserInfo),
            ("https://127.0.0.1/x", ForbiddenUrl::NotPublic),
            ("https://0x7f.1/x", ForbiddenUrl::NotPublic),
            ("https://2130706433/x", ForbiddenUrl::NotPublic),
            ("https://0177.0.0.1./x", ForbiddenUrl::NotPublic),
            ("https://[::1]:8443/x", ForbiddenUrl::NotPublic),
            ("https://[::ffff:127.0.0.1]/x", ForbiddenUrl::NotPublic),
        ] {
            assert_eq!(strict.check_url(url), Err(refusal), "{url}");
        }
        for url in ["https://push.example.com/x", "https://8.8.8.8:8443/x", "https://[2606:4700::1111]/x"] {
            assert_eq!(strict.check_url(url).unwrap().as_str(), url);
        }
        let open = PublicNet::new(&["127.0.0.0/8".parse().unwrap()]);
        assert!(open.check_url("https://127.0.0.1/x").is_ok());
        assert_eq!(open.check_url("https://10.0.0.1/x"), Err(ForbiddenUrl::NotPublic));
        assert_eq!(open.check_url("https://[::ffff:127.0.0.1]/x"), Err(ForbiddenUrl::NotPublic));
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        let client = |net: PublicNet| net.guard(reqwest::Client::builder()).build().unwrap();
        let refused = client(PublicNet::default()).get(&url).send().await.unwrap_err();
        assert!(is_forbidden(&refused), "{refused:?}");
        let open = client(PublicNet::new(&["127.0.0.0/8".parse().unwrap()]));
        // It is the first to arrive: the refused request never got this far. Closed at once, it is no TLS.
        let accepted = async { drop(listener.accept().await.unwrap()) };
        let (failed, ()) = tokio::join!(open.get(&url).send(), accepted);
        assert!(!is_forbidden(&failed.unwrap_err()));
    }

    proptest! {
        #[test]
        fn what_the_standard_library_calls_special_is_not_public(bits: u32) {
            let v4 = Ipv4Addr::from(bits);
            let special = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast()
                || v4.is_documentation() || v4.is_broadcast() || v4.is_unspecified();
            prop_assert!(!(special && is_public(v4.into())));
            for dressed in [v4.to_ipv6_mapped(), v4.to_ipv6_compatible()] {
                prop_assert!(!is_public(dressed.into()));
            }
        }

        #[test]
        fn no_local_ipv6_address_is_public(bits: u128) {
            let v6 = Ipv6Addr::from(bits);
            let special = v6.is_loopback() || v6.is_unspecified() || v6.is_multicast()
                || v6.is_unique_local() || v6.is_unicast_link_local() || v6.to_ipv4().is_some();
            prop_assert!(!(special && is_public(v6.into())));
        }

        #[test]
        fn a_resolver_gives_only_what_is_allowed(bits: u32, net in any::<u32>(), prefix in 0u8..=32) {
            let allowed = Ipv4Net::new(Ipv4Addr::from(net), prefix).unwrap();
            let address = Ipv4Addr::from(bits);
            let open = PublicNet::new(&[IpNet::V4(allowed)]);
            prop_assert_eq!(open.allows(address.into()), is_public(address.into()) || allowed.contains(&address));
        }
    }
}
