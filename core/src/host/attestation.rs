//! What the platform says of app and device.

use super::HostError;
use crate::protocol::AttestationEvidence;

/// Which evidence is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct AttestationAsk {
    /// Whose evidence the server can judge: `app_attest`, `play_integrity`, `android_key`.
    pub providers: Vec<String>,
    /// The server's challenge. App Attest takes the SHA-256 of its UTF-8 bytes as `clientDataHash`.
    pub challenge: String,
    /// The same SHA-256 in base64url without padding: Play Integrity takes it as request hash or nonce.
    pub request_hash: String,
    /// The server does not know the key that was attested last, for example because the app was reinstalled: attest a new one.
    pub new_key: bool,
    /// There is no installation yet, and its key is asked of the [`InstallationSigner`](super::InstallationSigner) next: a provider
    /// that makes this key makes it now, for this challenge, as a Keystore takes one only then. Nothing is sent of what it answers.
    pub before_registration: bool,
}

/// Gets evidence from the platform: App Attest, Play Integrity, Android's keys. The client asks for it when it has registered, and again when
/// it is a week old. Whatever comes of it, requests are sent; evidence makes them less suspicious.
#[cfg_attr(feature = "uniffi", uniffi::export(with_foreign))]
#[async_trait::async_trait]
pub trait AttestationProvider: Send + Sync {
    /// The evidence; `None` when this device has none to give. It is waited for 10 seconds at most.
    async fn attest(&self, ask: AttestationAsk) -> Result<Option<AttestationEvidence>, HostError>;
}
