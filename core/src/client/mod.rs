//! The client that apps embed: asks for calls, keeps what is not yet answered, says what happens.

mod action;
mod call_in;
mod callbacks;
mod captcha;
mod code;
mod config;
mod error;
mod events;
mod exchange;
#[cfg(feature = "fuzz-hooks")]
pub mod fuzzing;
mod installation;
mod line;
mod outbox;
mod push;
mod receipts;
mod services;
mod stream;
mod vault;

pub use action::answer_for_action;
pub use code::ClientCode;
pub use config::ClientConfig;
pub use error::ClientError;
pub use events::EventSubscription;
pub use line::LineSubscription;
pub use outbox::{PendingKind, PendingRequest, ResumeOutcome, Resumed};
pub use push::PushOutcome;

use crate::host::{Clock, Host, Logger};
use crate::transport::retry::RetryPolicy;
use captcha::Captcha;
use exchange::Exchange;
use installation::Session;
use outbox::{Courier, Folder};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Mutex;
use vault::Vault;

/// A contact centre's client. Make one and keep it; all methods may be called from anywhere at any time, inside a
/// tokio runtime with its timers on.
///
/// Every state-changing request is on disk before the network is touched, and stays there until the server has
/// answered it for good. Dropping a call's future before it is done stops waiting, not necessarily the request: it
/// may have been sent, and it stays in the outbox, see [`pending`](Self::pending).
pub struct RingbackClient {
    session: Arc<Session>,
    courier: Courier,
    pending_max_age_s: u32,
    event_silence_ms: u32,
    vault: Vault,
    clock: Arc<dyn Clock>,
    log: Logger,
    /// Held while a push is marked as handled.
    pushes: Mutex<()>,
}

impl RingbackClient {
    /// A client for this server and app. Touches neither disk nor network and starts no thread.
    ///
    /// # Errors
    /// [`ClientError::InvalidRequest`] with the code `config_invalid` and the field that is wrong.
    pub fn new(config: ClientConfig, host: Host) -> Result<Self, ClientError> {
        let base_url = config::check(&config)?;
        let log = Logger::new(host.log);
        let vault = Vault { store: host.store, log: log.clone() };
        let exchange = Exchange {
            transport: host.transport,
            base_url,
            app_key: config.app_key,
            timeout_ms: config.request_timeout_ms,
            retry: RetryPolicy {
                max_tries: config.max_tries,
                base_ms: config.retry_base_ms,
                max_ms: config.retry_max_ms,
            },
            clock: host.clock.clone(),
            log: log.clone(),
        };
        let session = Arc::new(Session::new(exchange, vault.clone()));
        let folder = Arc::new(Folder::new(Path::new(&config.data_dir)));
        Ok(Self {
            courier: Courier {
                session: session.clone(),
                folder,
                captcha: Captcha::new(host.captcha, log.clone()),
                log: log.clone(),
            },
            session,
            pending_max_age_s: config.pending_max_age_s,
            event_silence_ms: config.event_silence_ms,
            vault,
            clock: host.clock,
            log,
            pushes: Mutex::new(()),
        })
    }
}

fn json(request: &impl serde::Serialize) -> Result<String, ClientError> {
    serde_json::to_string(request).map_err(|_| ClientError::internal("a request has no JSON form"))
}
