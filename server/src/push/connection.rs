//! What the connections to APNs and FCM have in common.

use std::time::Duration;

use super::outcome::{NoAnswer, Outcome};
use super::web_push::InvalidVapid;

/// How to connect to a provider.
#[derive(Debug, Clone)]
pub struct ConnectionSettings {
    /// PEM certificates to trust besides the platform's: a proxy that opens TLS, or a test double.
    pub extra_roots_pem: Option<String>,
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// The longest wait for an answer, from the first byte sent.
    pub request_timeout: Duration,
    /// How often a connection is probed with a PING, idle or not.
    pub ping_interval: Duration,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            extra_roots_pem: None,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(60),
        }
    }
}

/// Why a client could not be made of its settings.
#[derive(Debug, thiserror::Error)]
pub enum PushSettingsError {
    /// The endpoint is not an `https` URL of a host alone.
    #[error("the endpoint {0} is not of the form https://host or https://host:port")]
    Endpoint(String),
    /// The extra trust roots are not PEM certificates.
    #[error("the extra trust roots are not PEM certificates")]
    ExtraRoots,
    /// The signing key is not one.
    #[error("the signing key is not a PKCS#8 PEM key of the right kind ({0})")]
    Key(jsonwebtoken::errors::Error),
    /// The service account file is not one.
    #[error("the service account is not the JSON that Google hands out: {0}")]
    ServiceAccount(String),
    /// There is no VAPID identity in the settings.
    #[error(transparent)]
    Vapid(#[from] InvalidVapid),
    /// No TLS on this machine, for example without any trust root.
    #[error("no TLS client could be made")]
    Tls(#[source] reqwest::Error),
    /// No TLS either, for another reason.
    #[error("no TLS client could be made: {0}")]
    TlsVersions(#[source] rustls::Error),
}

impl ConnectionSettings {
    pub(crate) fn client_builder(&self) -> Result<reqwest::ClientBuilder, PushSettingsError> {
        let mut builder = reqwest::Client::builder()
            .tcp_nodelay(true)
            .connect_timeout(self.connect_timeout)
            .timeout(self.request_timeout)
            // Providers ask for long-lived connections; the PING finds out when one has died.
            .pool_idle_timeout(None)
            .http2_keep_alive_interval(self.ping_interval)
            .http2_keep_alive_timeout(self.request_timeout)
            .http2_keep_alive_while_idle(true)
            .redirect(reqwest::redirect::Policy::none())
            .https_only(true);
        if let Some(pem) = &self.extra_roots_pem {
            let roots = reqwest::Certificate::from_pem_bundle(pem.as_bytes())
                .ok()
                .filter(|roots| !roots.is_empty())
                .ok_or(PushSettingsError::ExtraRoots)?;
            builder = builder.tls_certs_merge(roots);
        }
        Ok(builder)
    }
}

/// Checks an endpoint and gives it without a slash at its end.
pub(super) fn checked_endpoint(endpoint: &str) -> Result<String, PushSettingsError> {
    let refused = || PushSettingsError::Endpoint(endpoint.to_owned());
    let url = reqwest::Url::parse(endpoint).map_err(|_| refused())?;
    let host_alone = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let no_user = url.username().is_empty() && url.password().is_none();
    if url.scheme() == "https" && url.has_host() && host_alone && no_user {
        Ok(url.as_str().trim_end_matches('/').to_owned())
    } else {
        Err(refused())
    }
}

/// A request without an answer: the push may or may not have got through, so it is sent again under the same ids.
pub(super) fn no_answer(error: &reqwest::Error) -> Outcome {
    let no_answer = if error.is_connect() {
        NoAnswer::ConnectFailed
    } else if error.is_timeout() {
        NoAnswer::TimedOut
    } else {
        NoAnswer::ConnectionLost
    };
    no_answer.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_host_over_tls() {
        assert_eq!(checked_endpoint("https://api.push.apple.com").unwrap(), "https://api.push.apple.com");
        assert_eq!(checked_endpoint("https://localhost:2197/").unwrap(), "https://localhost:2197");
        for wrong in [
            "http://localhost",
            "https://localhost/3/device",
            "https://localhost?x=1",
            "https://a@localhost",
            "nonsense",
        ] {
            assert!(checked_endpoint(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn extra_roots_must_be_certificates() {
        for wrong in ["", "nonsense"] {
            let settings = ConnectionSettings { extra_roots_pem: Some(wrong.into()), ..Default::default() };
            assert!(matches!(settings.client_builder(), Err(PushSettingsError::ExtraRoots)));
        }
    }
}
