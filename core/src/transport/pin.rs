//! Pins: keys, one of which a server has to have in its chain of certificates.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const PREFIX: &str = "sha256/";
const HASH_BYTES: usize = 32;

/// The one way to write a pin, `sha256/` and the base64 of a SHA-256 hash (RFC 7469, 2.4); `None` for what is none.
pub(crate) fn canonical(pin: &str) -> Option<String> {
    let hash = STANDARD.decode(pin.strip_prefix(PREFIX)?).ok()?;
    (hash.len() == HASH_BYTES).then(|| format!("{PREFIX}{}", STANDARD.encode(hash)))
}

/// The pin of a key, given as `SubjectPublicKeyInfo` in DER.
#[cfg(any(feature = "reqwest", feature = "transport-contract"))]
pub(crate) fn of_key(public_key_info: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    format!("{PREFIX}{}", STANDARD.encode(Sha256::digest(public_key_info)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pin_is_written_as_in_the_rfc() {
        // The first example of RFC 7469, 2.1.5.
        let pin = "sha256/d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM=";
        assert_eq!(canonical(pin).as_deref(), Some(pin));
        for malformed in [
            "",
            "d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM=",
            "sha1/d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM=",
            "sha256/",
            "sha256/d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM",
            "sha256/d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWg==",
            "sha256/d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM= ",
            "SHA256/d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM=",
        ] {
            assert_eq!(canonical(malformed), None, "{malformed}");
        }
    }

    #[cfg(feature = "reqwest")]
    proptest! {
        #[test]
        fn every_key_has_a_pin(key in prop::collection::vec(any::<u8>(), 0..100)) {
            let pin = of_key(&key);
            prop_assert_eq!(canonical(&pin), Some(pin));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in ".*") {
            prop_assert!(canonical(&text).is_none_or(|pin| pin == text));
        }
    }
}
