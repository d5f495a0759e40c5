//! Settings: one file, every key with its default. `server/ringback.toml` is that file and says what each key means.

use crate::http::{ForwardedHeader, PublicUrl};
use crate::storage::StorageSettings;
use ipnet::IpNet;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// All settings of the server.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where and how it listens.
    pub http: HttpSettings,
    /// Where it keeps things.
    pub storage: StorageSettings,
    /// How pushes leave.
    pub push: PushSettings,
    /// How CAPTCHA tokens are given out and checked.
    pub captcha: CaptchaSettings,
    /// Which evidence of apps and devices is judged.
    pub attestation: AttestationSettings,
    /// How others are told of events.
    pub webhooks: WebhookSettings,
    /// What it writes about itself.
    pub log: LogSettings,
}

/// Where and how the server listens.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The longest a request may take, in seconds. Event streams are not requests in this sense.
    pub request_timeout_s: u64,
    /// How long a stopping server waits for what is under way, in seconds.
    pub drain_s: u64,
    /// The proxies that are believed about whom they speak for; addresses or networks.
    pub trusted_proxies: Vec<IpNet>,
    /// Where they say it.
    pub forwarded_header: ForwardedHeader,
    /// Under which addresses apps reach it; what `Host` says when empty.
    pub public_urls: Vec<PublicUrl>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            request_timeout_s: 30,
            drain_s: 10,
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::XForwardedFor,
            public_urls: Vec::new(),
        }
    }
}

/// How pushes leave the server.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PushSettings {
    /// Where APNs production is; empty means Apple's own host.
    pub apns_production_endpoint: String,
    /// Where the APNs sandbox is; empty means Apple's own host.
    pub apns_sandbox_endpoint: String,
    /// Where FCM is; empty means Google's own host.
    pub fcm_endpoint: String,
    /// Networks that the push services of browsers may be in besides the public internet.
    pub web_push_allow: Vec<IpNet>,
    /// A PEM file of certificate authorities that are trusted for pushes besides the usual ones.
    pub trust_roots_file: Option<PathBuf>,
    /// How many pushes may be under way at once.
    pub max_in_flight: usize,
}

impl Default for PushSettings {
    fn default() -> Self {
        Self {
            apns_production_endpoint: String::new(),
            apns_sandbox_endpoint: String::new(),
            fcm_endpoint: String::new(),
            web_push_allow: Vec::new(),
            trust_roots_file: None,
            max_in_flight: 256,
        }
    }
}

/// How others are told of events.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookSettings {
    /// Whether URLs may begin with `http://`.
    pub allow_http: bool,
    /// Networks that URLs may lead to besides the public internet.
    pub allow_networks: Vec<IpNet>,
    /// How many requests to one endpoint may be under way at once, on each node.
    pub max_in_flight: usize,
    /// The waits between attempts, in seconds; after the last a delivery is given up.
    pub retry_after_s: Vec<u32>,
    /// An endpoint to which every attempt has failed for so long is disabled.
    pub disable_after_days: u32,
    /// How long deliveries are kept that were taken.
    pub keep_delivered_days: u32,
    /// How long deliveries are kept that were given up.
    pub keep_dead_days: u32,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            allow_http: false,
            allow_networks: Vec::new(),
            max_in_flight: 8,
            // As Standard Webhooks recommends: three days in all.
            retry_after_s: vec![5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400],
            disable_after_days: 5,
            keep_delivered_days: 7,
            keep_dead_days: 30,
        }
    }
}

/// How CAPTCHA tokens are given out and checked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaptchaSettings {
    /// How long a proof-of-work challenge can be solved, in seconds, 1 to 600; anything else counts as the nearer of both.
    pub challenge_expires_s: u32,
    /// Where Turnstile is asked; empty means Cloudflare's own host.
    pub turnstile_endpoint: String,
    /// Where hCaptcha is asked; empty means its own host.
    pub hcaptcha_endpoint: String,
    /// Where reCAPTCHA v2 and v3 are asked; empty means Google's own host.
    pub recaptcha_endpoint: String,
    /// Where reCAPTCHA Enterprise is asked; empty means Google's own host.
    pub recaptcha_enterprise_endpoint: String,
    /// Whether the providers' keys for tests, which pass everybody, can be entered.
    pub allow_test_keys: bool,
}

impl Default for CaptchaSettings {
    fn default() -> Self {
        Self {
            challenge_expires_s: 300,
            turnstile_endpoint: String::new(),
            hcaptcha_endpoint: String::new(),
            recaptcha_endpoint: String::new(),
            recaptcha_enterprise_endpoint: String::new(),
            allow_test_keys: false,
        }
    }
}

/// Which evidence of apps and devices is judged; none by default.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttestationSettings {
    /// The apps whose App Attest evidence is judged, as team and bundle id: `TEAM.com.example.app`.
    pub app_attest_apps: Vec<String>,
    /// Whether builds for development count too.
    pub app_attest_development: bool,
    /// A PEM file of roots that stand in for Apple's own.
    pub app_attest_root_file: Option<PathBuf>,
    /// The apps whose Play Integrity evidence is judged, by package name.
    pub play_integrity_packages: Vec<String>,
    /// The certificates with which they may be signed, as Play Integrity names them; any when empty.
    pub play_integrity_certificates: Vec<String>,
    /// The service account that may ask Play Integrity, as Google's console hands it out.
    pub play_integrity_service_account_file: Option<PathBuf>,
    /// Where Play Integrity is; empty means Google's own host.
    pub play_integrity_endpoint: String,
    /// The apps of whose keys Android's attestation is judged, by package name.
    pub android_key_packages: Vec<String>,
    /// SHA-256 of the certificates with which they are signed, in hexadecimal with or without colons.
    pub android_key_certificates: Vec<String>,
    /// A PEM file of roots that stand in for Google's own.
    pub android_key_root_file: Option<PathBuf>,
    /// Where the list of revoked keys is; empty means Google's own.
    pub android_key_status_url: String,
    /// A file with that list, in place of the address.
    pub android_key_status_file: Option<PathBuf>,
    /// How long evidence counts, in days.
    pub counts_for_days: u32,
}

impl Default for AttestationSettings {
    fn default() -> Self {
        Self {
            app_attest_apps: Vec::new(),
            app_attest_development: false,
            app_attest_root_file: None,
            play_integrity_packages: Vec::new(),
            play_integrity_certificates: Vec::new(),
            play_integrity_service_account_file: None,
            play_integrity_endpoint: String::new(),
            android_key_packages: Vec::new(),
            android_key_certificates: Vec::new(),
            android_key_root_file: None,
            android_key_status_url: String::new(),
            android_key_status_file: None,
            counts_for_days: 7,
        }
    }
}

/// What the server writes about itself, to standard error.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// `json` for machines or `text` for people.
    pub format: LogFormat,
    /// As `RUST_LOG` understands it, for example `warn` or `info,ringback_server=debug`.
    pub filter: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Json, filter: "info,refinery_core=warn".to_owned() }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For reading at a terminal.
    Text,
}

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not what `server/ringback.toml` describes.
    #[error("the configuration file {path} is not right: {source}")]
    Wrong {
        /// Which file.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: Box<toml::de::Error>,
    },
}

impl Settings {
    /// Reads a file, or takes the defaults where there is none to read.
    pub fn load(path: Option<&Path>) -> Result<Self, SettingsError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path)
            .map_err(|source| SettingsError::Unreadable { path: path.to_owned(), source })?;
        toml::from_str(&text)
            .map_err(|source| SettingsError::Wrong { path: path.to_owned(), source: Box::new(source) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENTED: &str = include_str!("../ringback.toml");

    #[test]
    fn the_documented_file_holds_every_key_with_its_default() {
        let as_shipped: Settings = toml::from_str(DOCUMENTED).unwrap();
        assert_eq!(as_shipped, Settings::default());
        // Keys without a default value are shown commented out.
        let keys = [
            "listen",
            "request_timeout_s",
            "drain_s",
            "trusted_proxies",
            "forwarded_header",
            "public_urls",
            "url",
            "key_file",
            "postgres_connections",
            "apns_production_endpoint",
            "apns_sandbox_endpoint",
            "fcm_endpoint",
            "web_push_allow",
            "trust_roots_file",
            "max_in_flight",
            "challenge_expires_s",
            "turnstile_endpoint",
            "hcaptcha_endpoint",
            "recaptcha_endpoint",
            "recaptcha_enterprise_endpoint",
            "allow_test_keys",
            "app_attest_apps",
            "app_attest_development",
            "app_attest_root_file",
            "play_integrity_packages",
            "play_integrity_certificates",
            "play_integrity_service_account_file",
            "play_integrity_endpoint",
            "counts_for_days",
            "allow_http",
            "allow_networks",
            "retry_after_s",
            "disable_after_days",
            "keep_delivered_days",
            "keep_dead_days",
            "format",
            "filter",
        ];
        for key in keys {
            assert!(DOCUMENTED.contains(&format!("{key} = ")), "{key} is not documented");
        }
    }

    #[test]
    fn a_misspelled_key_is_named() {
        let error = toml::from_str::<Settings>("[http]\nlisten_on = \"x\"").unwrap_err();
        assert!(error.to_string().contains("listen_on"));
    }
}
