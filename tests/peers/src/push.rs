//! The client's own source; the rest of the server is not needed here.
#![allow(dead_code, reason = "not all of it is measured")]

#[path = "../../../server/src/push/apns/mod.rs"]
pub(crate) mod apns;
#[path = "../../../server/src/push/connection.rs"]
pub(crate) mod connection;
#[path = "../../../server/src/push/http2/mod.rs"]
mod http2;
#[path = "../../../server/src/push/outcome.rs"]
pub(crate) mod outcome;

/// The client for browsers is not measured; its error is one of the settings'.
pub(crate) mod web_push {
    #[derive(Debug, thiserror::Error)]
    #[error("no VAPID identity")]
    pub struct InvalidVapid;
}
