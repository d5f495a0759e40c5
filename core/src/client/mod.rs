//! The client that apps embed: asks for calls, keeps what is not yet answered, says what happens.

mod call_in;
mod callbacks;
mod config;
mod error;
mod events;
mod installation;
mod outbox;
mod push;

pub use config::ClientConfig;
pub use error::ClientError;
pub use events::EventSubscription;
pub use outbox::{PendingKind, PendingRequest, ResumeOutcome, Resumed};
pub use push::PushOutcome;

use crate::host::Host;

/// A contact centre's client. Make one and keep it; all methods may be called from anywhere at any time, inside a
/// tokio runtime with its timers on.
///
/// Every state-changing request is on disk before the network is touched, and stays there until the server has
/// answered it for good. Dropping a call's future before it is done stops waiting, not necessarily the request: it
/// may have been sent, and it stays in the outbox, see [`pending`](Self::pending).
pub struct RingbackClient {}

impl RingbackClient {
    /// A client for this server and app. Touches neither disk nor network and starts no thread.
    ///
    /// # Errors
    /// [`ClientError::InvalidRequest`] with the code `config_invalid` and the field that is wrong.
    pub fn new(config: ClientConfig, host: Host) -> Result<Self, ClientError> {
        let _ = (config::base_url(&config)?, host);
        Ok(Self {})
    }
}
