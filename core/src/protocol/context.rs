//! The journey context: what the app or page knows about why a person asks for a call.

use super::{ContextValue, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The most screens a journey may have.
pub const JOURNEY_MAX_SCREENS: usize = 50;
/// The most bytes the screens and form data of a journey may have together.
pub const JOURNEY_MAX_BYTES: usize = 16 * 1024;

/// The way a person took through an app or a page before asking for a call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Journey {
    /// The screens in order, oldest first; at most [`JOURNEY_MAX_SCREENS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub screens: Vec<Screen>,
    /// What the person entered, by the name of the input. Names follow the rules of context keys.
    #[serde(default, skip_serializing_if = "HashMap::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub form: HashMap<String, ContextValue>,
}

/// A screen or page a person saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Screen {
    /// What it is called.
    pub name: ContextValue,
    /// When the person came to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub entered_at: Option<Timestamp>,
}

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
    /// More than [`JOURNEY_MAX_SCREENS`] screens or [`JOURNEY_MAX_BYTES`] bytes.
    #[error(
        "the journey has {screens} screens and {bytes} bytes; at most 50 screens and 16384 bytes are kept"
    )]
    JourneyTooLarge {
        /// How many screens were sent.
        screens: usize,
        /// How many bytes screens and form have.
        bytes: usize,
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
    check_keys(context)
}

/// Checks a journey: its size, and that each input of the form has a name like a context key.
pub fn check_journey(journey: &Journey) -> Result<(), ContextFault> {
    let screens: usize = journey.screens.iter().map(|screen| screen.name.expose().len()).sum();
    let form: usize = journey.form.iter().map(|(key, value)| key.len() + value.expose().len()).sum();
    if journey.screens.len() > JOURNEY_MAX_SCREENS || screens + form > JOURNEY_MAX_BYTES {
        return Err(ContextFault::JourneyTooLarge { screens: journey.screens.len(), bytes: screens + form });
    }
    check_keys(&journey.form)
}

fn check_keys(context: &HashMap<String, ContextValue>) -> Result<(), ContextFault> {
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

    #[test]
    fn a_journey_is_bounded_and_its_inputs_are_named() {
        let screen = || Screen { name: "cart".into(), entered_at: None };
        let journey = |screens, form| Journey { screens: vec![screen(); screens], form };
        assert_eq!(check_journey(&journey(50, context(&["email"]))), Ok(()));
        assert!(matches!(
            check_journey(&journey(51, HashMap::new())),
            Err(ContextFault::JourneyTooLarge { screens: 51, .. })
        ));
        let long = HashMap::from([("note".to_owned(), ContextValue::from("x".repeat(16 * 1024)))]);
        assert!(matches!(check_journey(&journey(0, long)), Err(ContextFault::JourneyTooLarge { .. })));
        assert!(matches!(
            check_journey(&journey(1, context(&["e mail"]))),
            Err(ContextFault::KeyInvalid { .. })
        ));
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
