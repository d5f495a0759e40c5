//! What the server sends to others, and what their answers and faults lead to. No database.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail the test")]

mod apns;
mod apns_against_pushy;
mod fcm;
mod push_check;
mod web_push;
mod webhooks;
