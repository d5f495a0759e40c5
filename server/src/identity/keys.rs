//! Keys: how they look, what of them is stored, how they are compared.
//!
//! `rb_pub_<id>` names an app and is no secret. `rb_live_<id>_<secret>` is a member of staff or a program of theirs,
//! `rb_in_<id>_<secret>` an installation. Of a secret only its SHA-256 is stored.

use aws_lc_rs::{constant_time, digest, rand};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringback_core::protocol::BearerToken;
use std::fmt;

const SECRET_BYTES: usize = 32;

/// The publishable key of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AppKey {
    /// What the key's row is found by.
    pub(super) id: String,
}

impl fmt::Display for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rb_pub_{}", self.id)
    }
}

impl AppKey {
    /// A fresh key.
    pub(super) fn generate() -> Self {
        Self { id: fresh_id() }
    }

    /// Reads `rb_pub_<id>`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.strip_prefix("rb_pub_").filter(|id| is_id(id)).map(|id| Self { id: id.to_owned() })
    }
}

/// A key with a secret: of staff (`rb_live`) or of an installation (`rb_in`).
#[derive(Clone)]
pub(super) struct SecretKey {
    prefix: &'static str,
    /// What the key's row is found by.
    pub(super) id: String,
    secret: String,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}_…", self.prefix, self.id)
    }
}

impl SecretKey {
    /// A fresh key of staff.
    pub(super) fn generate_staff() -> Result<Self, NoRandomness> {
        Ok(Self { prefix: "rb_live", id: fresh_id(), secret: fresh_secret()? })
    }

    /// A fresh token for the installation with this id.
    pub(super) fn generate_installation(id: String) -> Result<Self, NoRandomness> {
        Ok(Self { prefix: "rb_in", id, secret: fresh_secret()? })
    }

    /// Reads `rb_live_<id>_<secret>`.
    pub(super) fn parse_staff(text: &str) -> Option<Self> {
        Self::parse("rb_live", text)
    }

    /// Reads `rb_in_<id>_<secret>`.
    pub(super) fn parse_installation(text: &str) -> Option<Self> {
        Self::parse("rb_in", text)
    }

    fn parse(prefix: &'static str, text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(prefix)?.strip_prefix('_')?.split_once('_')?;
        (is_id(id) && secret.len() == 43).then(|| Self {
            prefix,
            id: id.to_owned(),
            secret: secret.to_owned(),
        })
    }

    /// What is stored of it.
    pub(super) fn hash(&self) -> Vec<u8> {
        hash_secret(&self.secret)
    }

    /// Whether it is the key whose hash was stored; takes the same time either way.
    pub(super) fn matches(&self, stored_hash: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.hash(), stored_hash).is_ok()
    }

    /// The whole key, to be shown once.
    pub(super) fn reveal(&self) -> BearerToken {
        BearerToken::new(format!("{}_{}_{}", self.prefix, self.id, self.secret))
    }
}

/// SHA-256 of a secret of at least 32 random bytes, for which a slow hash would add nothing.
pub(super) fn hash_secret(secret: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, secret.as_bytes()).as_ref().to_vec()
}

/// The system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the system gave no random bytes")]
pub(super) struct NoRandomness;

fn fresh_secret() -> Result<String, NoRandomness> {
    let mut bytes = [0; SECRET_BYTES];
    rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn fresh_id() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_is_read_back_and_matches_only_itself() {
        let key = SecretKey::generate_staff().unwrap();
        let read = SecretKey::parse_staff(key.reveal().expose()).unwrap();
        assert!(read.matches(&key.hash()));
        assert!(!SecretKey::generate_staff().unwrap().matches(&key.hash()));
        assert!(SecretKey::parse_installation(key.reveal().expose()).is_none());
        assert!(!format!("{key:?}").contains(&key.secret));
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".{0,120}") {
            let _ = (SecretKey::parse_staff(&text), SecretKey::parse_installation(&text), AppKey::parse(&text));
        }
    }
}
