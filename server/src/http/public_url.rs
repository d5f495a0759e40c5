//! Under which addresses the server is known outside. Signatures cover the address that a request was sent to.

use crate::config::HttpSettings;
use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::Deserialize;
use std::net::SocketAddr;

/// An address that paths like `/v1/callbacks` are put behind.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PublicUrl(String);

impl TryFrom<String> for PublicUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let uri = text.parse::<axum::http::Uri>().map_err(|_| "this is not a URL")?;
        let is_base = matches!(uri.scheme_str(), Some("https" | "http"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.query().is_none();
        if is_base { Ok(Self(text)) } else { Err("a public URL is like https://calls.example.com") }
    }
}

/// The addresses that a request may have been sent to: those of the settings or, where there are none, what `Host` says, which
/// binds a signature to the host that the client named. Of proxies only trusted ones are believed that it was another.
pub fn public_urls(parts: &Parts, settings: &HttpSettings) -> Vec<String> {
    if !settings.public_urls.is_empty() {
        return settings.public_urls.iter().map(|url| url.0.clone()).collect();
    }
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let is_trusted = peer.is_some_and(|peer| {
        let peer = peer.0.ip().to_canonical();
        settings.trusted_proxies.iter().any(|net| net.contains(&peer))
    });
    let forwarded = |name: &str| last(&parts.headers, name).filter(|_| is_trusted);
    let host = forwarded("x-forwarded-host")
        .or_else(|| parts.uri.authority().map(axum::http::uri::Authority::as_str))
        .or_else(|| parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()));
    let scheme = forwarded("x-forwarded-proto").unwrap_or("http");
    host.map(|host| format!("{scheme}://{host}")).into_iter().collect()
}

/// What the nearest proxy has appended.
fn last<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let line = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    line.rsplit(',').next().map(str::trim).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, settings: &HttpSettings, headers: &[(&str, &str)]) -> Vec<String> {
        let mut request = axum::http::Request::builder().uri("/v1/callbacks");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        public_urls(&parts, settings)
    }

    #[test]
    fn only_trusted_proxies_say_that_it_was_another_address() {
        let settings =
            HttpSettings { trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()], ..HttpSettings::default() };
        let headers = [
            ("host", "inside:8080"),
            ("x-forwarded-host", "evil.example.com, calls.example.com"),
            ("x-forwarded-proto", "https"),
        ];
        assert_eq!(seen("10.0.0.1:1", &settings, &headers), ["https://calls.example.com"]);
        assert_eq!(seen("192.0.2.1:1", &settings, &headers), ["http://inside:8080"]);
        assert_eq!(seen("10.0.0.1:1", &settings, &headers[..1]), ["http://inside:8080"]);
        assert!(seen("10.0.0.1:1", &settings, &[]).is_empty());
    }

    #[test]
    fn what_is_set_counts_alone() {
        let urls = ["https://calls.example.com", "https://example.com/calls"];
        let public_urls = urls.map(|url| PublicUrl::try_from(url.to_owned()).unwrap()).to_vec();
        let settings = HttpSettings { public_urls, ..HttpSettings::default() };
        assert_eq!(seen("192.0.2.1:1", &settings, &[("host", "elsewhere")]), urls);
        for wrong in ["", "calls.example.com", "/calls", "ftp://a.b", "https://a.b?x"] {
            assert!(PublicUrl::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
