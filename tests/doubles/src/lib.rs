//! Strict stand-ins for APNs and FCM on loopback: TLS, HTTP/2, provider tokens and OAuth checked as the real ones do,
//! every documented refusal on script, and a record of what arrived. For tests and the demo only.

mod apns;
mod both;
mod control;
mod credentials;
mod fault;
mod fcm;
mod record;
mod server;
mod tls;

pub use apns::{ApnsDouble, ApnsDoubleSettings, TokenCheck};
pub use both::{Doubles, DoublesSettings, Handout};
pub use control::Control;
pub use credentials::{ApnsCredentials, ServiceAccount};
pub use fault::{Fault, UnknownReason};
pub use fcm::{FcmDouble, FcmDoubleSettings};
pub use record::{Answer, Provider, Received, Record, WaitTimedOut};
pub use tls::Authority;

/// Why a double could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A key or certificate could not be made.
    #[error("a key or certificate could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS would not take them.
    #[error("TLS could not be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// A made key could not be read back.
    #[error("a made key could not be read back: {0}")]
    Key(#[from] jsonwebtoken::errors::Error),
    /// No port, or a file that could not be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
