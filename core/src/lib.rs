//! What a Ringback client is, without user interface or platform.
//!
//! [`protocol`] is the wire: every request, answer, state, event and problem code, shared with the server.
//! With the feature `client` come [`client`], the client that apps embed; [`host`], what it asks of the platform it
//! runs on; and [`transport`], how it speaks HTTP.

#[cfg(feature = "uniffi")]
uniffi::setup_scaffolding!();

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "client")]
pub mod host;
pub mod protocol;
#[cfg(feature = "client")]
pub mod transport;
