//! Reading a compact JWS to the letter (RFC 7515): three parts of base64url without padding.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::de::DeserializeOwned;

/// A JWS whose signature has not been looked at.
pub(crate) struct Jws<'a, Header, Claims> {
    pub(crate) header: Header,
    pub(crate) claims: Claims,
    message: &'a str,
    signature: &'a str,
}

impl<'a, Header: DeserializeOwned, Claims: DeserializeOwned> Jws<'a, Header, Claims> {
    /// `None` if it is none, or its header or claims are not of the types.
    pub(crate) fn read(token: &'a str) -> Option<Self> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let decode = |part| URL_SAFE_NO_PAD.decode(part).ok();
        decode(signature)?;
        Some(Self {
            header: serde_json::from_slice(&decode(header)?).ok()?,
            claims: serde_json::from_slice(&decode(claims)?).ok()?,
            message,
            signature,
        })
    }

    pub(crate) fn is_signed_by(&self, key: &DecodingKey, algorithm: Algorithm) -> bool {
        let verified = jsonwebtoken::crypto::verify(self.signature, self.message.as_bytes(), key, algorithm);
        matches!(verified, Ok(true))
    }
}
