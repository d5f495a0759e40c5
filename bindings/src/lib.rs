//! Ringback for Kotlin and Swift.
//!
//! What is data (requests, callbacks, events, errors) and what the app implements (the secure store, the log sink)
//! carries its UniFFI derives in `ringback-core`. Here are the objects with their methods, the thread they run on, the
//! way to call a method off, and the guard that makes a panic an error.
//!
//! Every exported function returns a `Result`: Swift ends the process when one that cannot fail panics.

#![allow(
    clippy::result_large_err,
    reason = "an error carries a whole problem document; it crosses once a failed call"
)]

pub mod action;
pub mod cancel;
pub mod client;
pub mod error;
pub mod events;
#[cfg(feature = "test-hooks")]
pub mod hooks;
pub mod line;
pub mod live;
mod runtime;
#[cfg(feature = "reqwest")]
pub mod transport;

uniffi::setup_scaffolding!();
