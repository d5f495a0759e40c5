//! Evidence that an installation is the real app on a real device: App Attest, Play Integrity, Android's keys. A signal, never a gate by itself.

use super::Timestamp;
use serde::{Deserialize, Serialize};

/// The answer to `POST /v1/attestation-challenges`: what evidence has to be bound to. And to `POST /v1/attestation-key-challenges`, sent
/// with the app key before there is an installation: what its key is to be made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttestationChallenge {
    /// Good for this installation, and once. App Attest gets it as client data, as it stands; Play Integrity gets its SHA-256
    /// in base64url without padding, as request hash or nonce. Evidence of a key of Android's is bound to it by the signature of the
    /// request. One for a key is good for one key; the Keystore gets its UTF-8 bytes as attestation challenge.
    pub challenge: String,
    /// Until then.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(deserialize_with = "super::instant::read")]
    pub expires_at: Timestamp,
    /// Whose evidence the server can judge: `app_attest`, `play_integrity`, `android_key`.
    pub providers: Vec<String>,
}

/// What a platform says of app and device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AttestationEvidence {
    /// App Attest, for a new key: what `attestKey` gave.
    AppAttest {
        /// The key's id, as `generateKey` gave it: base64.
        key_id: String,
        /// The attestation object, in base64.
        attestation: String,
    },
    /// App Attest, for a key that was attested before: what `generateAssertion` gave.
    AppAttestAssertion {
        /// The key's id.
        key_id: String,
        /// The assertion object, in base64.
        assertion: String,
    },
    /// Play Integrity: the token, as it was given to the app.
    PlayIntegrity {
        /// The token.
        token: String,
    },
    /// Android Key Attestation, for the key that the installation was registered with. The request has to be signed by it.
    AndroidKey {
        /// What the Keystore gives as the key's chain of certificates, its own first: each in DER, in base64.
        certificates: Vec<String>,
    },
}

/// The body of `POST /v1/attestations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AttestationRequest {
    /// The challenge it is bound to.
    pub challenge: String,
    /// The evidence.
    pub evidence: AttestationEvidence,
}

/// What evidence is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AttestationVerdict {
    /// The real app on a real device.
    Genuine,
    /// It contradicts itself or what is expected.
    Doubtful,
    /// It says nothing either way, or could not be asked about.
    #[serde(other)]
    Undecided,
}

/// The answer to `POST /v1/attestations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttestationResult {
    /// What it is worth.
    pub verdict: AttestationVerdict,
    /// Why not more, in a stable word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Until then it counts; after that new evidence is welcome.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    #[serde(deserialize_with = "super::instant::read")]
    pub expires_at: Timestamp,
}
