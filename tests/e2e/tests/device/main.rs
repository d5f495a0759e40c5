//! One tap is one callback: whenever the app is killed, whichever file operation fails, and for a thousand phones at once.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail the test")]

mod app;
mod full_disk;
mod kills;
mod phones;
#[path = "../support/mod.rs"]
mod support;
