//! Seals what must not be readable in the database, and makes keyed hashes to look it up by.
//!
//! A sealed value is `version (1 byte) ‖ key id (4) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`, AES-256-GCM with a random nonce.
//! The context, for example `callbacks.number`, is bound to it: a value moved to another column does not open. Random
//! nonces are good for 2³² values under one key (NIST SP 800-38D, 8.3).

use super::StorageSettings;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hkdf, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Replaces the key file: 32 bytes in base64.
const SEAL_KEY_VARIABLE: &str = "RINGBACK_SEAL_KEY";

const KEY_LEN: usize = 32;
const VERSION: u8 = 1;
const KEY_ID_LEN: usize = 4;
const HEAD_LEN: usize = 1 + KEY_ID_LEN + NONCE_LEN;

/// Why something cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key file cannot be read or made.
    #[error("the key file {path} cannot be used: {source}")]
    KeyFile {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What should be a key is not 32 bytes in base64.
    #[error("the key in {place} is not 32 bytes in base64")]
    MalformedKey {
        /// A path or the environment variable.
        place: String,
    },
    /// It was sealed under another key.
    #[error("a stored value was sealed under another key")]
    WrongKey,
    /// It was changed, cut short, or sealed for another context.
    #[error("a sealed value is damaged")]
    Damaged,
    /// The system's cryptography failed.
    #[error("the system gave no random bytes or refused a key")]
    Crypto,
}

/// Holds the key.
pub struct Vault {
    sealing: RandomizedNonceKey,
    key_id: [u8; KEY_ID_LEN],
    lookup: hmac::Key,
}

impl Vault {
    /// Takes the key from the environment variable `RINGBACK_SEAL_KEY`, or else from the key file, which is made with
    /// mode 0600 if it is not there.
    pub fn open(settings: &StorageSettings) -> Result<Self, VaultError> {
        let key = match std::env::var(SEAL_KEY_VARIABLE) {
            Ok(text) => parse_key(&Zeroizing::new(text), SEAL_KEY_VARIABLE)?,
            Err(_) => key_from_file(&settings.key_file)?,
        };
        Self::with_key(&key)
    }

    fn with_key(key: &[u8; KEY_LEN]) -> Result<Self, VaultError> {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"ringback vault").extract(key);
        let mut key_id = [0; KEY_ID_LEN];
        key_id.copy_from_slice(&derive(&root, b"key id")?[..KEY_ID_LEN]);
        let sealing = RandomizedNonceKey::new(&AES_256_GCM, &*derive(&root, b"seal")?)
            .map_err(|_| VaultError::Crypto)?;
        let lookup = hmac::Key::new(hmac::HMAC_SHA256, &*derive(&root, b"lookup")?);
        Ok(Self { sealing, key_id, lookup })
    }

    /// Seals a value for one context.
    pub fn seal(&self, plaintext: &[u8], context: &str) -> Result<Vec<u8>, VaultError> {
        let mut body = plaintext.to_vec();
        let nonce = self
            .sealing
            .seal_in_place_append_tag(Aad::from(context.as_bytes()), &mut body)
            .map_err(|_| VaultError::Crypto)?;
        let mut sealed = Vec::with_capacity(HEAD_LEN + body.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.key_id);
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut body);
        Ok(sealed)
    }

    /// Opens what was sealed for the same context.
    pub fn unseal(&self, sealed: &[u8], context: &str) -> Result<Vec<u8>, VaultError> {
        let (head, body) = sealed.split_at_checked(HEAD_LEN).ok_or(VaultError::Damaged)?;
        if head[0] != VERSION {
            return Err(VaultError::Damaged);
        }
        let (key_id, nonce) = head[1..].split_at(KEY_ID_LEN);
        if key_id != self.key_id {
            return Err(VaultError::WrongKey);
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::Damaged)?;
        let mut body = body.to_vec();
        let opened = self
            .sealing
            .open_in_place(nonce, Aad::from(context.as_bytes()), &mut body)
            .map_err(|_| VaultError::Damaged)?;
        Ok(opened.to_vec())
    }

    /// The keyed hash a value is looked up by, in base64url. The same value has another hash for another purpose.
    pub fn lookup(&self, purpose: &str, value: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.hash(purpose, value))
    }

    /// A number that nobody without the key can tell from any other, and the same each time.
    pub fn secret_number(&self, purpose: &str, value: &str) -> u64 {
        let hash = self.hash(purpose, value);
        hash.as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn hash(&self, purpose: &str, value: &str) -> hmac::Tag {
        let mut hash = hmac::Context::with_key(&self.lookup);
        hash.update(&(purpose.len() as u64).to_be_bytes());
        hash.update(purpose.as_bytes());
        hash.update(value.as_bytes());
        hash.sign()
    }
}

fn derive(root: &hkdf::Prk, purpose: &[u8]) -> Result<Zeroizing<[u8; KEY_LEN]>, VaultError> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    root.expand(&[purpose], hkdf::HKDF_SHA256)
        .and_then(|expanded| expanded.fill(&mut *key))
        .map_err(|_| VaultError::Crypto)?;
    Ok(key)
}

fn parse_key(text: &str, place: &str) -> Result<Zeroizing<[u8; KEY_LEN]>, VaultError> {
    let malformed = || VaultError::MalformedKey { place: place.to_owned() };
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| malformed())?);
    let mut key = Zeroizing::new([0; KEY_LEN]);
    if bytes.len() != KEY_LEN {
        return Err(malformed());
    }
    key.copy_from_slice(&bytes);
    Ok(key)
}

fn key_from_file(path: &Path) -> Result<Zeroizing<[u8; KEY_LEN]>, VaultError> {
    let unusable = |source| VaultError::KeyFile { path: path.to_owned(), source };
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_key_file(path)?;
            std::fs::read_to_string(path).map_err(unusable)?
        }
        read => read.map_err(unusable)?,
    };
    parse_key(&Zeroizing::new(text), &path.display().to_string())
}

/// Makes the file whole or not at all, and leaves alone one that another process made meanwhile: what is sealed under a
/// key that is then lost is lost too.
fn make_key_file(path: &Path) -> Result<(), VaultError> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    rand::fill(&mut *key).map_err(|_| VaultError::Crypto)?;
    let text = Zeroizing::new(format!("{}\n", STANDARD.encode(*key)));
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", uuid::Uuid::new_v4().simple()));
    let write = || {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        match std::fs::hard_link(&draft, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::File::open(folder)?.sync_all()
    };
    let written = write();
    let removed = std::fs::remove_file(&draft);
    written.and(removed).map_err(|source| VaultError::KeyFile { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::fs::PermissionsExt;

    fn vault(byte: u8) -> Vault {
        Vault::with_key(&[byte; KEY_LEN]).unwrap()
    }

    #[test]
    fn only_the_same_key_and_context_open_it() {
        let sealed = vault(1).seal(b"+4930123456", "callbacks.number").unwrap();
        assert_eq!(vault(1).unseal(&sealed, "callbacks.number").unwrap(), b"+4930123456");
        assert!(matches!(vault(2).unseal(&sealed, "callbacks.number"), Err(VaultError::WrongKey)));
        assert!(matches!(vault(1).unseal(&sealed, "callbacks.name"), Err(VaultError::Damaged)));
        assert!(matches!(vault(1).unseal(&sealed[..HEAD_LEN], "callbacks.number"), Err(VaultError::Damaged)));
        assert_ne!(sealed, vault(1).seal(b"+4930123456", "callbacks.number").unwrap());
    }

    #[test]
    fn a_lookup_hash_depends_on_key_purpose_and_value() {
        let hash = vault(1).lookup("number", "+4930123456");
        assert_eq!(hash, vault(1).lookup("number", "+4930123456"));
        assert_eq!(hash.len(), 43);
        for other in [
            vault(2).lookup("number", "+4930123456"),
            vault(1).lookup("caller", "+4930123456"),
            vault(1).lookup("number", "+4930123457"),
            vault(1).lookup("number+", "4930123456"),
        ] {
            assert_ne!(hash, other);
        }
    }

    #[test]
    fn a_key_file_is_made_once_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ringback.key");
        let keys: Vec<_> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..8).map(|_| scope.spawn(|| key_from_file(&path).unwrap())).collect();
            makers.into_iter().map(|maker| maker.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a draft was left behind");
    }

    #[test]
    fn a_malformed_key_is_refused_and_not_repeated() {
        for text in ["", "hush", "aHVzaA==", &STANDARD.encode([7; 33])] {
            let error = parse_key(text, "here").unwrap_err();
            assert!(
                error.to_string().contains("here") && (text.is_empty() || !error.to_string().contains(text))
            );
        }
    }

    proptest! {
        #[test]
        fn what_was_changed_does_not_open(
            plaintext in proptest::collection::vec(any::<u8>(), 0..64),
            place in any::<prop::sample::Index>(),
            flip in 1u8..,
        ) {
            let mut sealed = vault(1).seal(&plaintext, "c").unwrap();
            prop_assert_eq!(vault(1).unseal(&sealed, "c").unwrap(), plaintext);
            let place = place.index(sealed.len());
            sealed[place] ^= flip;
            prop_assert!(vault(1).unseal(&sealed, "c").is_err());
        }
    }
}
