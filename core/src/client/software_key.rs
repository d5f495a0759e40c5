//! A key of the client's own, for where the platform has none to sign with.

use crate::host::SignerKey;
use crate::protocol::{InstallationSecret, KeyAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use zeroize::Zeroizing;

/// A P-256 key whose text lies in the host's secure store.
pub(crate) struct SoftwareKey(EcdsaKeyPair);

impl SoftwareKey {
    /// A fresh key, and the text it is read from again; `None` when the system has no random numbers.
    pub(crate) fn generate() -> Option<(Self, InstallationSecret)> {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).ok()?;
        let text = InstallationSecret::new(URL_SAFE_NO_PAD.encode(pkcs8.as_ref()));
        Some((Self::read(&text)?, text))
    }

    /// Reads what [`generate`](Self::generate) gave.
    pub(crate) fn read(text: &InstallationSecret) -> Option<Self> {
        let pkcs8 = Zeroizing::new(URL_SAFE_NO_PAD.decode(text.expose()).ok()?);
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &SystemRandom::new());
        key.ok().map(Self)
    }

    /// The public half.
    pub(crate) fn public(&self) -> SignerKey {
        let key = self.0.public_key().as_ref().to_vec();
        SignerKey { algorithm: KeyAlgorithm::EcdsaP256Sha256, key }
    }

    /// The 64 bytes of a signature; `None` when the system has no random numbers.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let signature = self.0.sign(&SystemRandom::new(), message).ok()?;
        Some(signature.as_ref().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back() {
        let (key, text) = SoftwareKey::generate().expect("random numbers");
        let read = SoftwareKey::read(&text).expect("readable");
        assert_eq!(key.public(), read.public());
        assert!(SoftwareKey::read(&InstallationSecret::from("AAAA")).is_none());
    }
}
