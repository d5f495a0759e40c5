//! A dry run of a push credential: does its provider take it, and if not, why, and what to do. Nothing reaches a device.

mod apns;
mod fcm;

use ringback_core::protocol::ApnsEnvironment;
use serde::Serialize;

use super::connection::PushSettingsError;
use super::credentials::PushCredential;
use super::lane::{Endpoints, Lane};
use super::web_push::InvalidVapid;

/// What is wrong with a credential, or with the way to its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The private key cannot be read.
    KeyUnreadable,
    /// The key id or the team id has not ten characters.
    IdMalformed,
    /// The provider does not know the key, or not as this team's.
    KeyRefused,
    /// The key is for the other environment of APNs.
    WrongEnvironment,
    /// The team may not push to this app.
    TopicRefused,
    /// This machine's clock is off.
    ClockOff,
    /// The service account file lacks a field.
    FieldMissing,
    /// The service account was deleted, or is another project's.
    AccountUnknown,
    /// The service account's key was taken back.
    KeyRevoked,
    /// The service account may not send.
    PermissionMissing,
    /// Firebase has no such project.
    ProjectUnknown,
    /// The project's FCM API is switched off.
    ApiDisabled,
    /// The account and the project do not belong together.
    ProjectMismatch,
    /// The VAPID subject is no address.
    SubjectInvalid,
    /// No client can be made of the settings.
    SettingsUnusable,
    /// No connection to the provider.
    Unreachable,
    /// The provider has trouble or too much to do; nothing is known about the credential.
    ProviderUnwell,
    /// An answer that is not known here.
    AnswerUnexpected,
}

impl Fault {
    /// Cause and cure.
    fn explained(self) -> (&'static str, &'static str) {
        match self {
            Self::KeyUnreadable => (
                "The private key cannot be read.",
                "Enter the key again from the file as the provider handed it out, whole and unchanged.",
            ),
            Self::IdMalformed => (
                "Key ids and team ids of Apple have ten capital letters and digits.",
                "Copy the key id from the key's page, the team id from the membership page of Apple's developer site.",
            ),
            Self::KeyRefused => (
                "Apple does not take this key with this key id and team id.",
                "Compare both ids with Apple's developer site; if they are right, the key was revoked or is not \
                 enabled for push: make a new one with APNs switched on.",
            ),
            Self::WrongEnvironment => (
                "The key is limited to the other environment of APNs.",
                "Make a key for both environments. If no build of the app uses this environment, leave it as it is.",
            ),
            Self::TopicRefused => (
                "The key may not push to this bundle id.",
                "Check the spelling of the bundle id, that the app belongs to this team and has Push Notifications \
                 switched on, and that the key is not limited to other apps.",
            ),
            Self::ClockOff => (
                "The provider finds the time in our token wrong: this machine's clock is off.",
                "Set the clock, and keep it right with NTP.",
            ),
            Self::FieldMissing => (
                "This is not the whole file of a service account.",
                "Take the JSON file from Firebase: project settings, service accounts, generate new private key. It \
                 is not the google-services.json of the app.",
            ),
            Self::AccountUnknown => (
                "Google knows no such service account: it was deleted, or never was.",
                "Make a service account and a key in the Firebase project and enter its file.",
            ),
            Self::KeyRevoked => (
                "Google does not take this key of the service account: it was deleted or replaced.",
                "Generate a new private key for the account and enter its file.",
            ),
            Self::PermissionMissing => (
                "The service account may not send pushes in this project.",
                "Give it the role Firebase Cloud Messaging API Admin in the Google Cloud console, under IAM.",
            ),
            Self::ProjectUnknown => (
                "Firebase knows no project of this name.",
                "Check project_id in the service account file; if the project was deleted, enter the file of another.",
            ),
            Self::ApiDisabled => (
                "The Firebase Cloud Messaging API is switched off in this project.",
                "Switch on \"Firebase Cloud Messaging API (V1)\" in the Google Cloud console and wait some minutes.",
            ),
            Self::ProjectMismatch => (
                "The service account belongs to another project than the app's devices.",
                "Enter the service account of the project whose google-services.json is in the app.",
            ),
            Self::SubjectInvalid => (
                "The VAPID subject is neither mailto: with an address nor an https:// URL.",
                "Enter where the operators of push services reach you, for example mailto:push@example.com.",
            ),
            Self::SettingsUnusable => (
                "No client can be made of the settings.",
                "Read the detail; check the section [push] of the configuration.",
            ),
            Self::Unreachable => (
                "The provider cannot be reached from this machine.",
                "Check DNS, firewall and proxy for the provider's host, and push.trust_roots_file if a proxy opens \
                 TLS.",
            ),
            Self::ProviderUnwell => (
                "The provider has trouble of its own or asks to come back later.",
                "Check again in some minutes.",
            ),
            Self::AnswerUnexpected => (
                "The provider answers something that is not known here.",
                "Look the detail up in the provider's documentation.",
            ),
        }
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Finding {
    /// What.
    pub fault: Fault,
    /// Where: a field of the credential, or an environment and topic.
    pub at: String,
    /// The provider's own word, or how far off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Why, in plain words.
    pub cause: String,
    /// What to do.
    pub cure: String,
}

impl Finding {
    fn new(fault: Fault, at: impl Into<String>, detail: Option<String>) -> Self {
        let (cause, cure) = fault.explained();
        Self { fault, at: at.into(), detail, cause: cause.to_owned(), cure: cure.to_owned() }
    }
}

/// What a dry run of one credential found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CredentialCheck {
    /// What the credential is called.
    pub name: String,
    /// `apns`, `fcm` or `web_push`.
    pub provider: String,
    /// Nothing is wrong.
    pub ok: bool,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// Tries a credential at its provider. A VAPID key has none to ask: push services know it by its subscriptions.
pub async fn check(name: &str, credential: &PushCredential, endpoints: &Endpoints) -> CredentialCheck {
    let findings = match credential {
        PushCredential::Apns { key_id, team_id, .. } => {
            let ids = apns::check_ids(key_id, team_id);
            match Lane::open(credential, endpoints) {
                Ok(Lane::Apns { topics, production, sandbox }) if ids.is_empty() => {
                    let mut findings = Vec::new();
                    for (environment, client) in
                        [(ApnsEnvironment::Production, production), (ApnsEnvironment::Sandbox, sandbox)]
                    {
                        findings.extend(apns::try_topics(&client, environment, &topics).await);
                    }
                    findings
                }
                Ok(_) => ids,
                Err(error) => ids.into_iter().chain([unusable(&error, "key_p8")]).collect(),
            }
        }
        PushCredential::Fcm { service_account } => {
            let missing = fcm::check_fields(service_account.expose());
            match Lane::open(credential, endpoints) {
                _ if !missing.is_empty() => missing,
                Ok(_) => fcm::try_account(service_account.expose(), endpoints).await.into_iter().collect(),
                Err(error) => vec![unusable(&error, "service_account")],
            }
        }
        PushCredential::WebPush { .. } => match Lane::open(credential, endpoints) {
            Ok(_) => Vec::new(),
            Err(error) => vec![unusable(&error, "private_key")],
        },
    };
    let provider = credential.provider().to_owned();
    CredentialCheck { name: name.to_owned(), provider, ok: findings.is_empty(), findings }
}

/// Why no client could be made; `key` is the field with the key in it.
fn unusable(error: &PushSettingsError, key: &str) -> Finding {
    match error {
        PushSettingsError::Key(_) | PushSettingsError::Vapid(InvalidVapid::Key) => {
            Finding::new(Fault::KeyUnreadable, key, None)
        }
        PushSettingsError::Vapid(InvalidVapid::Subject) => {
            Finding::new(Fault::SubjectInvalid, "subject", None)
        }
        other => Finding::new(Fault::SettingsUnusable, key, Some(other.to_string())),
    }
}
