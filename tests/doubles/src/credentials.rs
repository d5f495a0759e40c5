//! What Apple's and Google's consoles would hand to an operator.

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::json;

use crate::StartError;

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

    /// The public half, PEM, for another double that shall believe this key.
    pub fn public_pem(&self) -> &str {
        &self.public_pem
    }
}

/// An account that may send through FCM.
#[derive(Clone)]
pub struct ServiceAccount {
    /// The file that a sender is given.
    pub json: String,
    pub(crate) client_email: String,
    pub(crate) private_key_id: String,
    pub(crate) token_uri: String,
    pub(crate) public_pem: String,
}

impl ServiceAccount {
    /// Makes a new one, of the shape that Google's console hands out.
    pub fn generate(project_id: &str, token_uri: &str) -> Result<Self, StartError> {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let client_email = format!("push@{project_id}.iam.gserviceaccount.com");
        let private_key_id = uuid::Uuid::new_v4().simple().to_string();
        let json = json!({
            "type": "service_account",
            "project_id": project_id,
            "private_key_id": private_key_id,
            "private_key": key.serialize_pem(),
            "client_email": client_email,
            "client_id": "100000000000000000000",
            "token_uri": token_uri,
            "universe_domain": "googleapis.com",
        });
        Ok(Self {
            json: json.to_string(),
            client_email,
            private_key_id,
            token_uri: token_uri.to_owned(),
            public_pem: key.public_key_pem(),
        })
    }
}
