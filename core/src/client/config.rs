//! How a client is set up.

use super::ClientError;

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
    /// answered are kept in it, with what they say about the person, in files only the app's user can read. One folder
    /// for each server, and one client at a time for each folder.
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
    /// The age in seconds from which an unanswered request is no longer sent again; 86 400.
    #[cfg_attr(feature = "uniffi", uniffi(default = 86400))]
    pub pending_max_age_s: u32,
    /// Allows `http` to other machines: everything then travels in clear. For development only.
    #[cfg_attr(feature = "uniffi", uniffi(default = false))]
    pub allow_clear_text: bool,
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
            pending_max_age_s: 86_400,
            allow_clear_text: false,
        }
    }
}

impl std::fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientConfig").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// The base of every address, without a slash at its end.
pub(crate) fn base_url(config: &ClientConfig) -> Result<String, ClientError> {
    let fault = |detail: &str| ClientError::InvalidRequest {
        code: "config_invalid".to_owned(),
        detail: detail.to_owned(),
        field: Some("base_url".to_owned()),
    };
    if config.base_url.contains(['?', '#', '@']) {
        return Err(fault("the base URL has a query, a fragment or a user name; leave them out"));
    }
    let uri: http::Uri = config
        .base_url
        .parse()
        .map_err(|_| fault("the base URL is not one, like https://calls.example.com"))?;
    let host = uri.host().unwrap_or_default();
    match uri.scheme_str() {
        Some("https") if !host.is_empty() => {}
        Some("http") if is_this_machine(host) || (config.allow_clear_text && !host.is_empty()) => {}
        Some("http") => return Err(fault("http would carry everything in clear; use https")),
        _ => return Err(fault("the base URL needs a scheme and a host, like https://calls.example.com")),
    }
    Ok(config.base_url.trim_end_matches('/').to_owned())
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
