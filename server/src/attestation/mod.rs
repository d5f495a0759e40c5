//! Evidence that an installation is the real app on a real device. It makes a request less or more suspicious beside CAPTCHA,
//! and shuts nobody out by itself. `challenge.rs` gives out what evidence is bound to, `app_attest.rs` and `authenticator.rs`
//! judge Apple's, `play_integrity.rs` Google's, `android.rs`, `android_key.rs` and `key_description.rs` those of Android's keys by what
//! `revocation.rs` knows, and `standing.rs` remembers what it said.

mod android;
mod android_key;
mod app_attest;
mod authenticator;
mod challenge;
pub mod http;
mod judge;
mod key_description;
mod play_integrity;
mod revocation;
mod standing;

pub use judge::{Attestation, AttestationError};
pub use revocation::ListError;
pub use standing::{Standing, purge};
