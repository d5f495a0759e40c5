//! Text about a person, or text that opens a door. These types carry it and cannot print it.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

macro_rules! private_text {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text as it is; the server checks it.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text itself, for the one place that needs it. Never log it.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                self.0.zeroize();
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        #[cfg(feature = "uniffi")]
        uniffi::custom_type!($name, String, {
            lower: |private| private.expose().to_owned(),
            try_lift: |text| Ok($name::from(text)),
        });
    )+};
}

private_text! {
    /// A phone number in E.164 form, for example `+4930901820`.
    PhoneNumber,
    /// How a person wishes to be addressed.
    PersonName,
    /// One value of the journey context.
    ContextValue,
    /// The digits a caller types after a click-to-call number answers. Text: leading zeros count.
    AccessCode,
    /// The digits that the agent says first, so that the person knows the call is genuine. Text: leading zeros count.
    SpokenCode,
    /// A single-use right to answer one push. It travels in the push payload.
    ActionToken,
    /// What an installation proves itself with in `Authorization: Bearer`.
    BearerToken,
    /// What an installation made for itself before it ever spoke to the server; it stays the same for the life of
    /// the installation, so that registering twice is registering once.
    InstallationSecret,
    /// What a CAPTCHA provider gave for a challenge that was passed; works once.
    CaptchaToken,
    /// A device token as APNs or FCM gave it to the app. Opaque.
    PushToken,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_text_cannot_be_printed() {
        let number = PhoneNumber::from("+4930901820");
        assert_eq!(format!("{number:?}"), "PhoneNumber(…)");
        assert_eq!(number.expose(), "+4930901820");
    }
}
