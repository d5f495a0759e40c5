//! A key of the client's own, for where the platform has none to sign with.

use crate::host::SignerKey;
use crate::protocol::{InstallationSecret, KeyAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use sha2::{Digest, Sha256};

/// A P-256 key whose text lies in the host's secure store.
pub(crate) struct SoftwareKey(SigningKey);

impl SoftwareKey {
    /// A fresh key, and the text it is read from again.
    pub(crate) fn generate() -> (Self, InstallationSecret) {
        loop {
            // Three version 4 UUIDs are 366 random bits from the operating system.
            let random = [(); 3].map(|()| uuid::Uuid::new_v4().into_bytes()).concat();
            // All but one of 2³² hashes are a key.
            if let Ok(key) = SigningKey::from_slice(&Sha256::digest(random)) {
                let text = InstallationSecret::new(URL_SAFE_NO_PAD.encode(key.to_bytes()));
                return (Self(key), text);
            }
        }
    }

    /// Reads what [`generate`](Self::generate) gave.
    pub(crate) fn read(text: &InstallationSecret) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.expose()).ok()?;
        SigningKey::from_slice(&bytes).ok().map(Self)
    }

    /// The public half.
    pub(crate) fn public(&self) -> SignerKey {
        let key = self.0.verifying_key().to_sec1_point(false).as_bytes().to_vec();
        SignerKey { algorithm: KeyAlgorithm::EcdsaP256Sha256, key }
    }

    /// The 64 bytes of a signature.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.0.sign(message);
        signature.to_bytes().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back() {
        let (key, text) = SoftwareKey::generate();
        let read = SoftwareKey::read(&text).expect("readable");
        assert_eq!(key.public(), read.public());
        assert!(SoftwareKey::read(&InstallationSecret::from("AAAA")).is_none());
    }
}
