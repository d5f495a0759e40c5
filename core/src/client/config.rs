//! How a client is set up.

use super::{ClientCode, ClientError};
use crate::transport::pin;
use std::net::{IpAddr, Ipv6Addr};

/// How a client is set up. Everything but the first three has a sensible default.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct ClientConfig {
    /// Where the server is, for example `https://calls.example.com`; paths like `/v1/callbacks` are put behind it.
    /// `https`, or `http` to this very machine.
    pub base_url: String,
    /// The app's publishable key, `rb_pub_…`.
    pub app_key: String,
    /// A folder of this app alone, that outlives a restart and is left out of backups. Requests that are not yet
    /// answered are kept in it, sealed with a key that lies in the secure store. One folder for each server. The app
    /// and its extensions may share a folder, if they share the secure store as well.
    pub data_dir: String,
    /// The limit for one try of one request, in milliseconds; 15 000.
    #[cfg_attr(feature = "uniffi", uniffi(default = 15000))]
    pub request_timeout_ms: u32,
    /// How often a request is sent at most before the caller is told; 4.
    #[cfg_attr(feature = "uniffi", uniffi(default = 4))]
    pub max_tries: u32,
    /// The longest wait before the second try, in milliseconds; doubles with each further one; 500.
    #[cfg_attr(feature = "uniffi", uniffi(default = 500))]
    pub retry_base_ms: u32,
    /// The longest wait between two tries, in milliseconds; 30 000. A server that asks for a longer one ends the tries.
    #[cfg_attr(feature = "uniffi", uniffi(default = 30000))]
    pub retry_max_ms: u32,
    /// The longest silence on the event stream, in milliseconds, before it is opened anew; 45 000. The server breaks
    /// it every 15 s.
    #[cfg_attr(feature = "uniffi", uniffi(default = 45000))]
    pub event_silence_ms: u32,
    /// How often the callbacks are fetched where the network holds streams back, in milliseconds; 15 000. Half to one and
    /// a half times that, and four times that while no callback is open.
    #[cfg_attr(feature = "uniffi", uniffi(default = 15000))]
    pub live_poll_ms: u32,
    /// The age in seconds from which an unanswered request is no longer sent again; 86 400.
    #[cfg_attr(feature = "uniffi", uniffi(default = 86400))]
    pub pending_max_age_s: u32,
    /// For how many seconds "call me now" is meant so; 900. When such a request (of a callback without a chosen time, or of a
    /// number to dial) was not sent by then, it is not sent any more, and the person is to be told: see
    /// [`RequestState::Expired`](super::RequestState::Expired).
    #[cfg_attr(feature = "uniffi", uniffi(default = 900))]
    pub immediate_useful_s: u32,
    /// Allows `http` to other machines: everything then travels in clear. For development only.
    #[cfg_attr(feature = "uniffi", uniffi(default = false))]
    pub allow_clear_text: bool,
    /// Pinned keys: the server is spoken to only when its chain of certificates is trusted and has one of them. Each is
    /// written `sha256/` and the base64 of the SHA-256 of the key's `SubjectPublicKeyInfo`, as in RFC 7469 and `OkHttp`: the
    /// server's own key, or that of an intermediate certificate that it sends. Two different ones at least, one of them of
    /// a key in reserve: an app whose only pinned key is lost reaches nobody until it is updated. None, the default, asks
    /// nothing beyond the platform's trust.
    #[cfg_attr(feature = "uniffi", uniffi(default = []))]
    pub pins: Vec<String>,
}

impl ClientConfig {
    /// The defaults, for this server, app and folder.
    pub fn new(base_url: impl Into<String>, app_key: impl Into<String>, data_dir: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            app_key: app_key.into(),
            data_dir: data_dir.into(),
            request_timeout_ms: 15_000,
            max_tries: 4,
            retry_base_ms: 500,
            retry_max_ms: 30_000,
            event_silence_ms: 45_000,
            live_poll_ms: 15_000,
            pending_max_age_s: 86_400,
            immediate_useful_s: 900,
            allow_clear_text: false,
            pins: Vec::new(),
        }
    }
}

impl std::fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientConfig").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// The pins, each in its one way of writing.
pub(crate) fn checked_pins(config: &ClientConfig) -> Result<Vec<String>, ClientError> {
    let fault = |detail: &str| Err(ClientError::invalid(ClientCode::ConfigInvalid.code(), detail, "pins"));
    let canonical: Option<Vec<String>> = config.pins.iter().map(|pin| pin::canonical(pin)).collect();
    let Some(mut pins) = canonical else {
        return fault("a pin is not `sha256/` and the base64 of a SHA-256 hash");
    };
    pins.sort_unstable();
    pins.dedup();
    if pins.len() == 1 {
        return fault("a single pin locks the app out when its key is lost; add that of a key in reserve");
    }
    if !pins.is_empty() && !config.base_url.starts_with("https:") {
        return fault("only a server with `https` has a key to pin");
    }
    Ok(pins)
}

/// Checks the configuration and gives the base of every address, without a slash at its end.
pub(crate) fn check(config: &ClientConfig) -> Result<String, ClientError> {
    let fault = |field: &str, detail: &str| {
        Err(ClientError::invalid(ClientCode::ConfigInvalid.code(), detail, field))
    };
    if config.app_key.is_empty() || !config.app_key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return fault("app_key", "the app key is empty or not plain ASCII");
    }
    if config.data_dir.is_empty() {
        return fault("data_dir", "the client needs a folder of its own");
    }
    if config.request_timeout_ms == 0 || config.event_silence_ms == 0 || config.live_poll_ms == 0 {
        return fault("request_timeout_ms", "a limit of no time at all lets nothing through");
    }
    if config.immediate_useful_s == 0 {
        return fault("immediate_useful_s", "what is useful for no time at all is never sent");
    }
    if config.base_url.contains(['?', '#', '@']) {
        return fault("base_url", "the base URL has a query, a fragment or a user name; leave them out");
    }
    let Some((scheme, host)) = scheme_and_host(&config.base_url) else {
        return fault("base_url", "the base URL is not one like https://calls.example.com");
    };
    let is_safe = match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => config.allow_clear_text || is_this_machine(host),
        _ => false,
    };
    if !is_safe {
        return fault("base_url", "anything but https would carry everything in clear");
    }
    Ok(config.base_url.trim_end_matches('/').to_owned())
}

/// `None` for what HTTP stacks might read in different ways, or not at all.
fn scheme_and_host(url: &str) -> Option<(&str, &str)> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/[]%!$&'()*+,;=".contains(&byte);
    let (scheme, rest) = url.split_once("://").filter(|_| url.bytes().all(is_plain))?;
    let authority = rest.split('/').next()?;
    let port = authority.rsplit_once(':').filter(|(host, _)| !host.starts_with('[') || host.ends_with(']'));
    let host = port.map_or(authority, |(host, _)| host);
    let is_host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => !host.is_empty() && !host.contains([':', '[', ']']),
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok() && !port.starts_with('+');
    (is_host && port.is_none_or(|(_, port)| is_port(port))).then_some((scheme, host))
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base_url(url: &str) -> Option<String> {
        check(&ClientConfig::new(url, "rb_pub_x", "/data")).ok()
    }

    #[test]
    fn only_safe_addresses_are_taken() {
        for url in [
            "https://calls.example.com",
            "HTTPS://x:1",
            "http://127.0.0.1:8080",
            "http://[::1]:1",
            "http://localhost",
        ] {
            assert_eq!(base_url(url).as_deref(), Some(url));
        }
        assert_eq!(base_url("https://example.com/calls/").as_deref(), Some("https://example.com/calls"));
        for url in [
            "",
            "calls.example.com",
            "/calls",
            "http://calls.example.com",
            "http://10.0.0.1",
            "ftp://a.b",
            "https://user@example.com",
            "https://example.com?x",
            "https://example.com#x",
            "https://",
            "http://localhost.example.com",
            "http://localhost:80:example.com",
            "http://localhost\\.example.com",
            "http://[::1]example.com",
            "http://[localhost]",
            "http://[::1",
            "https://example.com:",
            "https://example.com:99999",
            "https://exam ple.com",
            "https://example.com/ü",
        ] {
            assert_eq!(base_url(url), None, "{url}");
        }
    }

    #[test]
    fn clear_text_is_a_choice() {
        let config = ClientConfig::new("http://10.0.2.2:8080", "rb_pub_x", "/data");
        assert!(check(&ClientConfig { allow_clear_text: true, ..config }).is_ok());
    }

    #[test]
    fn pins_are_checked_and_one_is_not_enough() {
        let pin = |hash: u8| format!("sha256/{}=", char::from(hash).to_string().repeat(43));
        let pins = |url: &str, pins: &[String]| {
            let config = ClientConfig::new(url, "rb_pub_x", "/data");
            checked_pins(&ClientConfig { pins: pins.to_vec(), ..config })
        };
        let url = "https://calls.example.com";
        let (one, two) = (pin(b'A'), pin(b'Q'));
        assert_eq!(pins(url, &[]), Ok(Vec::new()));
        assert_eq!(pins(url, &[two.clone(), one.clone(), two.clone()]), Ok(vec![one.clone(), two.clone()]));
        assert_eq!(pins("http://127.0.0.1:1", &[]), Ok(Vec::new()));
        for (url, faulty) in [
            (url, vec![one.clone()]),
            (url, vec![one.clone(), one.clone()]),
            (url, vec![one.clone(), "sha256/AAAA".to_owned()]),
            (url, vec![one.clone(), two.replace("sha256", "sha1")]),
            ("http://127.0.0.1:1", vec![one, two]),
        ] {
            let error = pins(url, &faulty).unwrap_err();
            let ClientError::InvalidRequest { code, field, .. } = error else { panic!("{error:?}") };
            assert_eq!((code.as_str(), field.as_deref()), ("config_invalid", Some("pins")));
        }
    }

    #[test]
    fn a_faulty_field_is_named() {
        let named = |config: &ClientConfig| match check(config).unwrap_err() {
            ClientError::InvalidRequest { field, .. } => field.unwrap(),
            other => other.to_string(),
        };
        assert_eq!(named(&ClientConfig::new("https://example.com", "rb pub", "/data")), "app_key");
        let config = ClientConfig::new("https://example.com", "rb_pub_x", "/data");
        assert_eq!(named(&ClientConfig { immediate_useful_s: 0, ..config }), "immediate_useful_s");
    }
}
