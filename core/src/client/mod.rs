//! The client that apps embed: asks for calls, keeps what is not yet answered, says what happens.

mod action;
mod attestation;
mod busy;
mod call_in;
mod callbacks;
mod captcha;
mod code;
mod config;
mod copy;
mod disk;
mod error;
mod events;
mod exchange;
mod fallback;
#[cfg(feature = "fault-injection")]
pub mod fault_injection;
#[cfg(feature = "fuzz-hooks")]
pub mod fuzzing;
mod installation;
mod line;
mod live;
mod outbox;
mod proof_of_work;
mod push;
mod receipts;
mod seal;
mod services;
mod signature;
#[cfg(feature = "software-key")]
mod software_key;
mod stream;
mod vault;

pub use action::answer_for_action;
pub use code::ClientCode;
pub use config::ClientConfig;
pub use error::ClientError;
pub use events::EventSubscription;
pub use fallback::FallbackNumber;
pub use line::LineSubscription;
pub use live::{LiveCallback, LiveCallbackSubscription, LiveCallbacks, LiveCallbacksSubscription};
pub use outbox::{OutboxStatus, PendingKind, PendingRequest, RequestState, ResumeOutcome, Resumed};
pub use push::PushOutcome;

use crate::host::{Clock, Host, Logger};
use crate::transport::retry::RetryPolicy;
use busy::Busy;
use captcha::Captcha;
use copy::SealedCopy;
use disk::Disk;
use exchange::Exchange;
use fallback::Fallbacks;
use installation::Session;
use live::Hub;
use outbox::{Courier, Folder, Limits};
use signature::Signatures;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
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
    event_silence_ms: u32,
    live: Arc<Hub>,
    fallbacks: Fallbacks,
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
    /// [`ClientError::InvalidRequest`] with the code `config_invalid` and the field that is wrong; `signer` in a build without
    /// the feature `software-key` for a host that has none.
    pub fn new(config: ClientConfig, host: Host) -> Result<Self, ClientError> {
        let (base_url, pins) = (config::check(&config)?, config::checked_pins(&config)?);
        signature::check_signer(host.signer.as_ref())?;
        let log = Logger::new(host.log);
        let disk = Disk::new(Path::new(&config.data_dir));
        #[cfg(feature = "fault-injection")]
        let disk = disk.with_faults(host.disk_faults);
        let (disk, busy) = (Arc::new(disk), Busy::default());
        let vault = Vault::new(host.store, disk.clone(), busy.clone(), log.clone());
        let exchange = Exchange {
            transport: host.transport,
            signatures: Signatures::new(base_url.clone(), host.clock.clone()),
            base_url,
            pins,
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
        let session = Arc::new(Session::new(exchange, vault.clone(), host.signer, host.attestation));
        let copy = |name| SealedCopy::new(name, disk.clone(), vault.clone(), busy.clone());
        let live = Hub::new(session.clone(), copy(live::FILE), config.event_silence_ms, config.live_poll_ms);
        let fallbacks = Fallbacks::new(copy(fallback::FILE));
        Ok(Self {
            courier: Courier {
                session: session.clone(),
                folder: Arc::new(Folder::new(disk)),
                vault: vault.clone(),
                captcha: Captcha::new(host.captcha, log.clone()),
                clock: host.clock.clone(),
                limits: Limits {
                    max_age_s: config.pending_max_age_s,
                    immediate_useful_s: config.immediate_useful_s,
                },
                busy,
                backoff: Arc::default(),
                ends: Arc::default(),
                log: log.clone(),
            },
            session,
            event_silence_ms: config.event_silence_ms,
            live: Arc::new(live),
            fallbacks,
            vault,
            clock: host.clock,
            log,
            pushes: Mutex::new(()),
        })
    }
}

/// A boxed future. What is awaited in several places, or awaited from the futures of other crates, is boxed: its code is in the
/// library once, where an `async fn` is there once more for each crate.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a text says. Answers are read from bytes, and so is this: a second way of reading would be there a second time for each
/// type.
fn read_text<T: serde::de::DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    serde_json::from_slice(text.as_bytes())
}

fn json(request: &impl serde::Serialize) -> Result<String, ClientError> {
    serde_json::to_string(request).map_err(|_| ClientError::internal("a request has no JSON form"))
}
