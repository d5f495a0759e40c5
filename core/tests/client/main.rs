//! The client against real HTTP servers: an axum one that answers as the contract says, and a bare socket for what
//! only networks do.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

mod captcha;
mod events;
mod fallback;
mod faults;
mod installation;
mod killed;
mod line;
mod live;
mod outbox;
mod outbox_expiry;
mod outbox_order;
mod outbox_shared;
#[cfg(feature = "transport-contract")]
mod pins;
mod privacy;
mod push;
mod requests;
mod signed;
mod support;
mod times;
