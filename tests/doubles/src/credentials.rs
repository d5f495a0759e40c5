//! What Apple's and Google's consoles would hand to an operator.

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};

/// A signing key for provider tokens.
#[derive(Clone)]
pub struct ApnsCredentials {
    /// PKCS#8 PEM, as in Apple's `.p8` file.
    pub p8_pem: String,
    /// `kid`.
    pub key_id: String,
    /// `iss`.
    pub team_id: String,
    pub(crate) public_pem: String,
}

impl ApnsCredentials {
    /// Makes a new key.
    pub fn generate() -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        Ok(Self {
            p8_pem: key.serialize_pem(),
            key_id: "RBDOUBLE01".to_owned(),
            team_id: "RBTEAM0001".to_owned(),
            public_pem: key.public_key_pem(),
        })
    }
}
