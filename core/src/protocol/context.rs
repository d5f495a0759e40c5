//! The journey context: what the app or page knows about why a person asks for a call.

use super::ContextValue;
use std::collections::HashMap;

/// The most keys a context may have.
pub const CONTEXT_MAX_KEYS: usize = 32;
/// The longest key, in characters.
pub const CONTEXT_KEY_MAX_CHARS: usize = 64;
/// The most bytes all keys and values may have together.
pub const CONTEXT_MAX_BYTES: usize = 8 * 1024;

/// Why a context is refused. Nothing of it is dropped silently.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContextFault {
    /// A key is not an identifier: a letter or `_`, then letters, digits, `_`, `-` or `.`.
    #[error(
        "the context key {key:?} is not an identifier; use letters, digits, `_`, `-` and `.`, at most 64 characters"
    )]
    KeyInvalid {
        /// The key as sent, cut to its first 64 characters and with control characters escaped.
        key: String,
    },
    /// More than [`CONTEXT_MAX_KEYS`] keys or [`CONTEXT_MAX_BYTES`] bytes.
    #[error("the context has {keys} keys and {bytes} bytes; at most 32 keys and 8192 bytes are kept")]
    TooLarge {
        /// How many keys were sent.
        keys: usize,
        /// How many bytes all keys and values have.
        bytes: usize,
    },
}

/// Checks a context by the rules above. The client asks before it sends, the server before it keeps.
pub fn check_context(context: &HashMap<String, ContextValue>) -> Result<(), ContextFault> {
    let bytes = context.iter().map(|(key, value)| key.len() + value.expose().len()).sum();
    if context.len() > CONTEXT_MAX_KEYS || bytes > CONTEXT_MAX_BYTES {
        return Err(ContextFault::TooLarge { keys: context.len(), bytes });
    }
    // The smallest bad key, so that the same context is always refused with the same words.
    match context.keys().filter(|key| !is_identifier(key)).min() {
        None => Ok(()),
        Some(key) => Err(ContextFault::KeyInvalid { key: key.chars().take(CONTEXT_KEY_MAX_CHARS).collect() }),
    }
}

fn is_identifier(key: &str) -> bool {
    let mut chars = key.chars();
    key.len() <= CONTEXT_KEY_MAX_CHARS
        && chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn context(keys: &[&str]) -> HashMap<String, ContextValue> {
        keys.iter().map(|key| ((*key).to_owned(), ContextValue::from("x"))).collect()
    }

    #[test]
    fn identifiers_are_kept_and_anything_else_is_named() {
        assert_eq!(check_context(&context(&["cart_total", "screen.name", "_x", "a-b"])), Ok(()));
        for bad in ["", "1st", "cart total", "naïve", "a/b", &"k".repeat(65)] {
            let fault = check_context(&context(&["fine", bad])).unwrap_err();
            assert!(matches!(fault, ContextFault::KeyInvalid { key } if bad.starts_with(&key)));
        }
    }

    #[test]
    fn size_is_bounded() {
        let many: Vec<String> = (0..33).map(|n| format!("k{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(check_context(&context(&many[..32])), Ok(()));
        assert!(matches!(check_context(&context(&many)), Err(ContextFault::TooLarge { keys: 33, .. })));
        let long = HashMap::from([("note".to_owned(), ContextValue::from("x".repeat(8_189)))]);
        assert!(matches!(check_context(&long), Err(ContextFault::TooLarge { bytes: 8_193, .. })));
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_made_of_identifiers(key in ".{0,80}") {
            let accepted = check_context(&context(&[&key])).is_ok();
            let plain = !key.is_empty() && key.len() <= 64
                && !key.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.')
                && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
            prop_assert_eq!(accepted, plain);
        }
    }
}
