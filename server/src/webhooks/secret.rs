//! Secrets of endpoints, and signatures by them (Standard Webhooks 1.0).

use crate::refusal::Refusal;
use crate::storage::Vault;
use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ringback_core::protocol::Timestamp;
use standardwebhooks::Webhook;
use zeroize::Zeroizing;

const SECRET_BYTES: usize = 32;

/// What an endpoint and we share.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// A fresh secret.
    pub fn generate() -> Result<Self, Refusal> {
        let mut bytes = Zeroizing::new(vec![0; SECRET_BYTES]);
        rand::fill(&mut bytes).map_err(|_| Refusal::Damaged("no randomness"))?;
        Ok(Self(bytes))
    }

    /// As it is stored.
    pub fn seal(&self, vault: &Vault) -> Result<Vec<u8>, Refusal> {
        Ok(vault.seal(&self.0, "webhook_endpoints.secret")?)
    }

    /// Opens what was stored.
    pub fn unseal(vault: &Vault, sealed: &[u8]) -> Result<Self, Refusal> {
        Ok(Self(Zeroizing::new(vault.unseal(sealed, "webhook_endpoints.secret")?)))
    }

    /// The secret as receivers take it, to be shown once.
    pub fn reveal(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&*self.0))
    }

    fn sign(&self, id: &str, at: Timestamp, body: &str) -> Result<String, Refusal> {
        Webhook::from_bytes(self.0.to_vec())
            .and_then(|webhook| webhook.sign(id, at.as_second(), body.as_bytes()))
            .map_err(|_| Refusal::Damaged("a webhook that cannot be signed"))
    }
}

/// The `webhook-signature` header: one signature for each secret that is valid, so that a receiver may have either.
pub fn signatures(secrets: &[Secret], id: &str, at: Timestamp, body: &str) -> Result<String, Refusal> {
    let signed = secrets.iter().map(|secret| secret.sign(id, at, body)).collect::<Result<Vec<_>, _>>()?;
    Ok(signed.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let secret = Secret(Zeroizing::new(STANDARD.decode("C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap()));
        let at = Timestamp::from_second(1_649_367_553).unwrap();
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        let other = Secret::generate().unwrap();
        let header = signatures(&[secret, other], "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", at, body).unwrap();
        let signed: Vec<_> = header.split(' ').collect();
        assert_eq!(signed[0], "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
        assert!(signed.len() == 2 && signed[1].starts_with("v1,") && signed[1] != signed[0]);
    }

    #[test]
    fn a_secret_is_shown_in_the_standards_form() {
        let shown = Secret::generate().unwrap().reveal();
        let bytes = STANDARD.decode(shown.strip_prefix("whsec_").unwrap()).unwrap();
        assert_eq!(bytes.len(), 32);
        assert_ne!(shown, Secret::generate().unwrap().reveal());
    }
}
