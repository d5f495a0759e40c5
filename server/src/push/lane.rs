//! Lanes: one for each credential, with the clients that speak for it.

use super::apns::{ApnsClient, ApnsKey, ApnsSettings, apns_endpoint};
use super::connection::{ConnectionSettings, PushSettingsError};
use super::credentials::PushCredential;
use super::fcm::{FCM_ENDPOINT, FcmClient, FcmSettings};
use super::web_push::{WebPushClient, WebPushSettings};
use crate::config::PushSettings;
use crate::public_net::PublicNet;
use ringback_core::protocol::ApnsEnvironment;
use std::path::PathBuf;

/// Where the providers are, and who vouches for them.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    apns_production: String,
    apns_sandbox: String,
    fcm: String,
    web_push: PublicNet,
    extra_roots_pem: Option<String>,
}

/// The file of extra trust roots cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read push.trust_roots_file {path}: {source}")]
pub struct TrustRootsUnreadable {
    path: PathBuf,
    source: std::io::Error,
}

impl Endpoints {
    /// As configured.
    pub fn read(settings: &PushSettings) -> Result<Self, TrustRootsUnreadable> {
        let extra_roots_pem = settings
            .trust_roots_file
            .as_ref()
            .map(|path| {
                std::fs::read_to_string(path)
                    .map_err(|source| TrustRootsUnreadable { path: path.clone(), source })
            })
            .transpose()?;
        Ok(Self {
            apns_production: settings.apns_production_endpoint.clone(),
            apns_sandbox: settings.apns_sandbox_endpoint.clone(),
            fcm: settings.fcm_endpoint.clone(),
            web_push: PublicNet::new(&settings.web_push_allow),
            extra_roots_pem,
        })
    }

    fn apns(&self, environment: ApnsEnvironment) -> String {
        let configured = match environment {
            ApnsEnvironment::Production => &self.apns_production,
            ApnsEnvironment::Sandbox => &self.apns_sandbox,
        };
        if configured.is_empty() { apns_endpoint(environment).to_owned() } else { configured.clone() }
    }

    pub(super) fn fcm(&self) -> &str {
        if self.fcm.is_empty() { FCM_ENDPOINT } else { self.fcm.trim_end_matches('/') }
    }

    pub(super) fn connection(&self) -> ConnectionSettings {
        ConnectionSettings { extra_roots_pem: self.extra_roots_pem.clone(), ..ConnectionSettings::default() }
    }
}

/// What speaks for a credential.
pub enum Lane {
    /// A team of Apple's.
    Apns {
        /// The bundle ids it may speak for.
        topics: Vec<String>,
        /// For TestFlight and the App Store.
        production: Box<ApnsClient>,
        /// For builds from Xcode.
        sandbox: Box<ApnsClient>,
    },
    /// A project of Firebase.
    Fcm(Box<FcmClient>),
    /// A VAPID key.
    WebPush(Box<WebPushClient>),
}

impl Lane {
    /// Makes the clients of a credential; nothing is sent.
    pub fn open(credential: &PushCredential, endpoints: &Endpoints) -> Result<Self, PushSettingsError> {
        match credential {
            PushCredential::Apns { key_p8, key_id, team_id, topics } => {
                let client = |environment| {
                    ApnsClient::new(&ApnsSettings {
                        endpoint: endpoints.apns(environment),
                        key: ApnsKey {
                            p8_pem: key_p8.expose().to_owned().into(),
                            key_id: key_id.clone(),
                            team_id: team_id.clone(),
                        },
                        connection: endpoints.connection(),
                    })
                };
                Ok(Self::Apns {
                    topics: topics.clone(),
                    production: Box::new(client(ApnsEnvironment::Production)?),
                    sandbox: Box::new(client(ApnsEnvironment::Sandbox)?),
                })
            }
            PushCredential::Fcm { service_account } => {
                Ok(Self::Fcm(Box::new(FcmClient::new(&FcmSettings {
                    endpoint: endpoints.fcm().to_owned(),
                    service_account_json: service_account.expose().to_owned().into(),
                    connection: endpoints.connection(),
                })?)))
            }
            PushCredential::WebPush { private_key, subject } => {
                Ok(Self::WebPush(Box::new(WebPushClient::new(&WebPushSettings {
                    private_key: private_key.clone(),
                    subject: subject.clone(),
                    net: endpoints.web_push.clone(),
                    connection: endpoints.connection(),
                })?)))
            }
        }
    }

    /// Whether this credential speaks for a lane of the outbox.
    pub fn serves(&self, lane: &str) -> bool {
        match self {
            Self::Apns { topics, .. } => lane
                .strip_prefix("apns/")
                .and_then(|rest| rest.split_once('/'))
                .is_some_and(|(_, topic)| topics.iter().any(|known| known == topic)),
            Self::Fcm(_) => lane == "fcm",
            Self::WebPush(_) => lane == "web_push",
        }
    }
}
