//! A key of the platform's own.

use super::HostError;
use crate::protocol::KeyAlgorithm;

/// The public half of a key that the host holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct SignerKey {
    /// How it signs.
    pub algorithm: KeyAlgorithm,
    /// The uncompressed point of P-256, 65 bytes, or the 32 bytes of Ed25519.
    pub key: Vec<u8>,
}

/// Signs with a key that never leaves the platform's key store: Keystore, Secure Enclave. Without one a
/// client that is built with the feature `software-key` makes a key by itself and keeps it in the
/// [`SecureStore`](super::SecureStore). What an installation has begun with stays.
///
/// Called on threads for blocking work. The key must not ask the person for anything: requests are also sent while nobody looks.
#[cfg_attr(feature = "uniffi", uniffi::export(with_foreign))]
pub trait InstallationSigner: Send + Sync {
    /// The key, made at first use. When it is another one than before, the app is a new installation.
    fn public_key(&self) -> Result<SignerKey, HostError>;
    /// The signature of this message: 64 bytes, or with P-256 also in DER, as platforms give it.
    fn sign(&self, message: Vec<u8>) -> Result<Vec<u8>, HostError>;
}
