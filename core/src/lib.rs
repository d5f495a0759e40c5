//! What a Ringback client is, without user interface or platform.
//!
//! [`protocol`] is the wire: every request, answer, state, event and problem code, shared with the server.
//! The client itself comes with the feature `client`.

#[cfg(feature = "uniffi")]
uniffi::setup_scaffolding!();

pub mod protocol;
