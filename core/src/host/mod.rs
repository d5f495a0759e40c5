//! What the platform gives the client: a place for secrets, a place for log lines, the time, and HTTP.

mod attestation;
mod blocking;
mod captcha;
mod clock;
#[cfg(feature = "reqwest")]
mod file_store;
mod log;
mod signer;

use crate::transport::Transport;
use std::sync::Arc;

pub use attestation::{AttestationAsk, AttestationProvider};
pub(crate) use blocking::{Slot, Stalled, blocking};
pub use captcha::{CaptchaAsk, CaptchaError, CaptchaPresenter};
pub use clock::{Clock, SystemClock};
#[cfg(feature = "reqwest")]
pub use file_store::FileStore;
pub(crate) use log::Logger;
pub use signer::{InstallationSigner, SignerKey};

/// Why the host could not do what was asked. Without text: what a platform says may quote what it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Error))]
pub enum HostError {
    /// Not now, for example before the device was first unlocked. Later it may work.
    #[error("the host cannot do this now")]
    Unavailable,
    /// It failed.
    #[error("the host failed")]
    Failed,
}

#[cfg(feature = "uniffi")]
impl From<uniffi::UnexpectedUniFFICallbackError> for HostError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed
    }
}

/// Where secrets are kept: Keystore, Keychain, a file only the user can read. A few short texts under fixed keys.
///
/// Called on threads for blocking work, never on the thread that runs the client's tasks.
#[cfg_attr(feature = "uniffi", uniffi::export(with_foreign))]
pub trait SecureStore: Send + Sync {
    /// What was last put under this key; `None` when nothing is there.
    fn get(&self, key: String) -> Result<Option<String>, HostError>;
    /// Keeps the value across restarts, in place of an earlier one, wholly or not at all.
    fn put(&self, key: String, value: String) -> Result<(), HostError>;
    /// Forgets the key. Forgetting what is not there is no error.
    fn delete(&self, key: String) -> Result<(), HostError>;
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum LogLevel {
    /// For whoever debugs the client.
    Debug,
    /// What the client did.
    Info,
    /// Something went wrong and is being dealt with.
    Warn,
    /// Something went wrong and needs somebody.
    Error,
}

/// Where log lines go. They never hold a phone number, a name, a token or a context value.
///
/// Called on a thread for blocking work, one line at a time, in order.
#[cfg_attr(feature = "uniffi", uniffi::export(with_foreign))]
pub trait LogSink: Send + Sync {
    /// Takes one line. `target` names the part of the client, for example `ringback::outbox`. Errors are ignored.
    fn log(&self, level: LogLevel, target: String, message: String) -> Result<(), HostError>;
}

/// All that the platform gives a client.
#[derive(Clone)]
pub struct Host {
    /// Where secrets are kept.
    pub store: Arc<dyn SecureStore>,
    /// How HTTP is spoken.
    pub transport: Arc<dyn Transport>,
    /// Where log lines go; nowhere when `None`.
    pub log: Option<Arc<dyn LogSink>>,
    /// Who shows CAPTCHAs of others and hears of proof of work; nobody when `None`, and proof of work is done all the same.
    pub captcha: Option<Arc<dyn CaptchaPresenter>>,
    /// Who signs what changes something; when `None` the client itself, in builds with the feature `software-key`.
    pub signer: Option<Arc<dyn InstallationSigner>>,
    /// Who vouches for app and device; nobody when `None`.
    pub attestation: Option<Arc<dyn AttestationProvider>>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who hears of every file operation; for tests.
    #[cfg(feature = "fault-injection")]
    pub disk_faults: Option<Arc<dyn crate::client::fault_injection::DiskFaults>>,
}

impl Host {
    /// A host with the device's clock and no log.
    pub fn new(store: Arc<dyn SecureStore>, transport: Arc<dyn Transport>) -> Self {
        Self {
            store,
            transport,
            log: None,
            captcha: None,
            signer: None,
            attestation: None,
            clock: Arc::new(SystemClock),
            #[cfg(feature = "fault-injection")]
            disk_faults: None,
        }
    }

    /// The same host with log lines going to `log`.
    #[must_use]
    pub fn with_log(self, log: Arc<dyn LogSink>) -> Self {
        Self { log: Some(log), ..self }
    }

    /// The same host with CAPTCHAs shown by `presenter`.
    #[must_use]
    pub fn with_captcha(self, presenter: Arc<dyn CaptchaPresenter>) -> Self {
        Self { captcha: Some(presenter), ..self }
    }

    /// The same host with a key of the platform's own.
    #[must_use]
    pub fn with_signer(self, signer: Arc<dyn InstallationSigner>) -> Self {
        Self { signer: Some(signer), ..self }
    }

    /// The same host with evidence of app and device given by `provider`.
    #[must_use]
    pub fn with_attestation(self, provider: Arc<dyn AttestationProvider>) -> Self {
        Self { attestation: Some(provider), ..self }
    }
}
