//! Where a request came from.

use crate::app::App;
use crate::config::HttpSettings;
use crate::refusal::Refusal;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};

/// The header in which trusted proxies say whom they speak for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// `X-Forwarded-For: client, proxy`
    XForwardedFor,
    /// `Forwarded: for=client, for=proxy` (RFC 7239)
    Forwarded,
}

/// The address of the client: the peer of the connection or, when that is a trusted proxy, the last hop before the
/// trusted ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .ok_or(Refusal::Damaged("a request without a peer"))?;
        Ok(Self(client(peer.0.ip(), &parts.headers, &app.settings.http)))
    }
}

/// Hops are read from the last one back, as each proxy appends whom it saw; what stands before the first untrusted one
/// is hearsay. A hop that is no address ends the search at the proxy that wrote it.
fn client(peer: IpAddr, headers: &HeaderMap, settings: &HttpSettings) -> IpAddr {
    let is_trusted = |address: &IpAddr| settings.trusted_proxies.iter().any(|net| net.contains(address));
    let name = match settings.forwarded_header {
        ForwardedHeader::XForwardedFor => header::HeaderName::from_static("x-forwarded-for"),
        ForwardedHeader::Forwarded => header::FORWARDED,
    };
    let lines: Vec<&str> = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or("")).collect();
    let mut hops =
        lines.iter().flat_map(|line| line.split(',')).rev().map(|hop| match settings.forwarded_header {
            ForwardedHeader::XForwardedFor => address(hop.trim()),
            ForwardedHeader::Forwarded => hop
                .split(';')
                .filter_map(|pair| pair.trim().split_once('='))
                .find(|(key, _)| key.eq_ignore_ascii_case("for"))
                .and_then(|(_, value)| address(value.trim_matches('"'))),
        });
    let mut client = peer.to_canonical();
    while is_trusted(&client) {
        let Some(Some(hop)) = hops.next() else { break };
        client = hop;
    }
    client
}

/// An address, with or without a port, `[2001:db8::1]:4711`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse().map(|with_port: SocketAddr| with_port.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seen(forwarded_header: ForwardedHeader, peer: &str, lines: &[&str]) -> String {
        let settings = HttpSettings {
            trusted_proxies: ["10.0.0.0/8", "2001:db8:1::/48"].map(|net| net.parse().unwrap()).to_vec(),
            forwarded_header,
            ..HttpSettings::default()
        };
        let name = match forwarded_header {
            ForwardedHeader::XForwardedFor => "x-forwarded-for",
            ForwardedHeader::Forwarded => "forwarded",
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, line.parse().unwrap());
        }
        client(peer.parse().unwrap(), &headers, &settings).to_string()
    }

    #[test]
    fn a_stranger_cannot_say_who_it_is() {
        let list = ForwardedHeader::XForwardedFor;
        assert_eq!(seen(list, "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        // The proxy appended whom it saw; the rest came from there.
        assert_eq!(seen(list, "10.0.0.1", &["198.51.100.7, 192.0.2.1"]), "192.0.2.1");
        assert_eq!(seen(list, "10.0.0.1", &["10.9.9.9, 192.0.2.1"]), "192.0.2.1");
    }

    #[test]
    fn trusted_proxies_are_passed_by() {
        let list = ForwardedHeader::XForwardedFor;
        assert_eq!(seen(list, "10.0.0.1", &["192.0.2.1, 10.0.0.3, 10.0.0.2"]), "192.0.2.1");
        assert_eq!(seen(list, "10.0.0.1", &["192.0.2.1", "10.0.0.2"]), "192.0.2.1");
        assert_eq!(seen(list, "::ffff:10.0.0.1", &["::ffff:192.0.2.1"]), "192.0.2.1");
        assert_eq!(seen(list, "2001:db8:1::9", &["[2001:db8:7::1]:443"]), "2001:db8:7::1");
        assert_eq!(seen(list, "10.0.0.1", &["192.0.2.1:50000"]), "192.0.2.1");
        assert_eq!(seen(list, "10.0.0.1", &["10.0.0.7"]), "10.0.0.7");
    }

    #[test]
    fn a_hop_that_is_no_address_ends_the_search() {
        let list = ForwardedHeader::XForwardedFor;
        assert_eq!(seen(list, "10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(seen(list, "10.0.0.1", &["192.0.2.1, unknown"]), "10.0.0.1");
        assert_eq!(seen(list, "10.0.0.1", &["192.0.2.1, unknown, 10.0.0.2"]), "10.0.0.2");
    }

    #[test]
    fn the_standard_header_is_read_where_that_is_set() {
        let standard = ForwardedHeader::Forwarded;
        assert_eq!(seen(standard, "10.0.0.1", &["for=198.51.100.7, for=192.0.2.1;proto=https"]), "192.0.2.1");
        assert_eq!(
            seen(standard, "10.0.0.1", &[r#"proto=https; For="[2001:db8:7::1]:4711";by=10.0.0.1"#]),
            "2001:db8:7::1"
        );
        assert_eq!(seen(standard, "10.0.0.1", &["for=_hidden"]), "10.0.0.1");
    }

    proptest! {
        #[test]
        fn whatever_is_sent_a_strangers_address_is_its_own(line in "[ -~]{0,60}") {
            prop_assert_eq!(seen(ForwardedHeader::XForwardedFor, "192.0.2.1", &[&line]), "192.0.2.1");
            prop_assert_eq!(seen(ForwardedHeader::Forwarded, "192.0.2.1", &[&line]), "192.0.2.1");
        }
    }
}
