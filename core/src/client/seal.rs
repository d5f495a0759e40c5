//! What the client writes to disk is sealed: encrypted, and noticed when it is not what was written.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use std::io;
use zeroize::Zeroizing;

pub(crate) const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// First byte of everything sealed: says how.
const FORMAT: u8 = 1;

/// Seals and opens with the key that lies in the host's secure store; see
/// [`Vault::seal`](super::vault::Vault::seal) for how to get one.
///
/// `what` is the associated data: it names the thing that is sealed, and only under the same name does it open again, so
/// that no file can take another's place. The outbox uses `outbox/<key>` and `outcome/<key>`; whoever else keeps a
/// file chooses a first word of their own. Clones share the key.
#[derive(Clone)]
pub(crate) struct Seal(XChaCha20Poly1305);

impl Seal {
    pub(crate) fn new(key: &[u8; KEY_BYTES]) -> Self {
        Self(XChaCha20Poly1305::new(&Key::from(*key)))
    }

    /// # Errors
    /// When the system has no random numbers.
    pub(crate) fn seal(&self, what: &str, clear: &[u8]) -> io::Result<Vec<u8>> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce)?;
        let payload = Payload { msg: clear, aad: what.as_bytes() };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).map_err(io::Error::other)?;
        Ok([&[FORMAT][..], &nonce, &sealed].concat())
    }

    /// `None` for anything but what [`seal`](Self::seal) made of the same `what` with the same key.
    pub(crate) fn open(&self, what: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (format, rest) = sealed.split_first()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: sealed, aad: what.as_bytes() };
        let clear = (*format == FORMAT).then(|| self.0.decrypt(&XNonce::from(*nonce), payload).ok())??;
        Some(Zeroizing::new(clear))
    }
}

/// A key that nobody has had before.
pub(crate) fn new_key() -> io::Result<Zeroizing<[u8; KEY_BYTES]>> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(&mut *key)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_same_key_and_name_open() {
        let seal = Seal::new(&[1; KEY_BYTES]);
        let sealed = seal.seal("outbox/a", b"clear").unwrap();
        assert!(!sealed.windows(5).any(|part| part == b"clear"));
        assert_eq!(seal.open("outbox/a", &sealed).unwrap().as_slice(), b"clear");
        assert!(seal.open("outbox/b", &sealed).is_none());
        assert!(Seal::new(&[2; KEY_BYTES]).open("outbox/a", &sealed).is_none());
        assert_ne!(sealed, seal.seal("outbox/a", b"clear").unwrap());
    }

    proptest! {
        #[test]
        fn any_change_is_noticed(clear in prop::collection::vec(any::<u8>(), 0..50), at in any::<prop::sample::Index>(), flip in 1_u8..) {
            let seal = Seal::new(&[1; KEY_BYTES]);
            let mut sealed = seal.seal("x", &clear).unwrap();
            let at = at.index(sealed.len());
            prop_assert!(seal.open("x", &sealed[..at]).is_none(), "cut short");
            sealed[at] ^= flip;
            prop_assert!(seal.open("x", &sealed).is_none());
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(Seal::new(&[1; KEY_BYTES]).open("x", &bytes).is_none());
        }
    }
}
