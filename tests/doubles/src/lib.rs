//! Strict stand-ins for APNs, FCM, a browser's push service, CAPTCHA providers, Play Integrity and the list of revoked Android keys on
//! loopback: TLS, HTTP/2,
//! provider tokens, OAuth and VAPID checked as the real ones do, every documented refusal and what networks do on script, and a
//! record of what arrived. For tests and the demo only.

mod all;
mod apns;
mod attestation_status;
mod captcha;
mod clock;
mod control;
mod credentials;
mod fault;
mod fcm;
mod jws;
mod oauth;
mod play_integrity;
mod record;
mod server;
mod tls;
mod token_log;
mod web_push;
mod web_push_testing;

pub use all::{Doubles, DoublesSettings, Handout};
pub use apns::{ApnsDouble, ApnsDoubleSettings, DeviceTokenKind, TokenCheck};
pub use attestation_status::AttestationStatusDouble;
pub use captcha::{CaptchaDouble, CaptchaPass, CaptchaService};
pub use clock::Clock;
pub use control::Control;
pub use credentials::{ApnsCredentials, ServiceAccount};
pub use fault::{ConnectionFault, Fault, UnknownReason};
pub use fcm::{FcmDouble, FcmDoubleSettings, TargetKind};
pub use play_integrity::PlayIntegrityDouble;
pub use record::{Answer, Counts, Provider, Received, Record, WaitTimedOut};
pub use server::{ConnectionCounts, Server};
pub use tls::Authority;
pub use web_push::{Subscription, WebPushDouble, WebPushDoubleSettings};
pub use web_push_testing::WebPushTesting;

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
    /// The random numbers for a key could not be had.
    #[error("a key could not be made")]
    Random,
    /// What is to be an application server key is none.
    #[error("the application server key is not base64url")]
    ApplicationServerKey,
    /// The npm package web-push-testing is not installed, or did not start.
    #[error("web-push-testing is not there: run `cargo xtask setup web-push`; it needs Node")]
    WebPushTesting,
    /// No port, or a file that could not be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
