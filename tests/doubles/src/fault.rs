//! Faults on script.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What happens to one push that is in itself in order. A push that is not is refused for that, and the script waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// No fault: this one gets through.
    Accept,
    /// Refused with a documented reason.
    Refuse {
        /// The provider's word for it.
        reason: String,
        /// `Retry-After`, in seconds.
        #[serde(default)]
        retry_after_s: Option<u64>,
        /// Since when the token is invalid (APNs, 410).
        #[serde(default)]
        timestamp: Option<Timestamp>,
    },
    /// An answer that no document of the provider knows, to the letter: nothing is added to it.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body; empty by default.
        #[serde(default)]
        body: String,
        /// `Content-Type`.
        #[serde(default)]
        content_type: Option<String>,
    },
    /// Answered properly, but late.
    Delay {
        /// How late.
        delay_ms: u64,
    },
    /// Never answered; the connection stays open.
    Stall,
    /// The connection ends without an answer.
    Disconnect,
    /// The connection is reset (TCP RST) without an answer.
    Reset,
    /// Status, headers and half of the body; then the connection is reset.
    CutBody {
        /// What the answer would have been: a refusal with this reason, or else an acceptance.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Bytes that are not HTTP; then the connection ends.
    Garbage,
    /// HTTP/2: the stream is refused unprocessed, with `REFUSED_STREAM`. In HTTP/1.1 the connection ends.
    RefuseStream,
    /// HTTP/2: answered properly, with a GOAWAY for the connection.
    GoAway,
    /// HTTP/2: a GOAWAY that leaves this push, and every later one on its connection, unprocessed and unanswered; earlier
    /// ones are answered. If a later one was worked on already, this stream alone is refused. In HTTP/1.1 the connection
    /// ends.
    GoAwayUnprocessed,
}

impl Fault {
    /// Refused with a documented reason, nothing added.
    pub fn refuse(reason: impl Into<String>) -> Self {
        Self::Refuse { reason: reason.into(), retry_after_s: None, timestamp: None }
    }
}

/// What happens to one connection before any request can be read from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionFault {
    /// No fault.
    Accept,
    /// The certificate is for another name.
    WrongName,
    /// The certificate has run out.
    ExpiredCertificate,
    /// The certificate is of an authority that nobody trusts.
    UntrustedCertificate,
    /// The connection ends in the middle of the TLS handshake.
    CutHandshake,
    /// The TLS handshake is never answered.
    StallHandshake,
    /// The connection is reset as soon as it is there.
    Reset,
    /// The server speaks HTTP/1.1 only; a client that offers nothing but HTTP/2 gets no connection.
    NoHttp2,
}

/// A script has a reason that the provider does not document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no documented reason of this provider")]
pub struct UnknownReason(pub String);

#[derive(Default)]
struct Scripts {
    next: VecDeque<Fault>,
    by_device: HashMap<String, VecDeque<Fault>>,
    always: Option<Fault>,
}

/// The faults to come: those of the device first, then those of everybody, then the one for every push.
pub(crate) struct Script {
    is_documented: fn(&str) -> bool,
    scripts: Mutex<Scripts>,
}

impl Script {
    pub(crate) fn new(is_documented: fn(&str) -> bool) -> Self {
        Self { is_documented, scripts: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Scripts> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check<'a>(&self, faults: impl IntoIterator<Item = &'a Fault>) -> Result<(), UnknownReason> {
        for fault in faults {
            if let Fault::Refuse { reason, .. } | Fault::CutBody { reason: Some(reason) } = fault
                && !(self.is_documented)(reason)
            {
                return Err(UnknownReason(reason.clone()));
            }
        }
        Ok(())
    }

    pub(crate) fn push(&self, device: Option<&str>, faults: Vec<Fault>) -> Result<(), UnknownReason> {
        self.check(&faults)?;
        let mut scripts = self.lock();
        match device {
            Some(device) => scripts.by_device.entry(device.to_owned()).or_default().extend(faults),
            None => scripts.next.extend(faults),
        }
        Ok(())
    }

    pub(crate) fn set_always(&self, fault: Option<Fault>) -> Result<(), UnknownReason> {
        self.check(&fault)?;
        self.lock().always = fault;
        Ok(())
    }

    pub(crate) fn take(&self, device: &str) -> Fault {
        let mut scripts = self.lock();
        let of_device = scripts.by_device.get_mut(device).and_then(VecDeque::pop_front);
        of_device
            .or_else(|| scripts.next.pop_front())
            .or_else(|| scripts.always.clone())
            .unwrap_or(Fault::Accept)
    }
}
