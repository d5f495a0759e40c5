//! What follows from a provider's answer: for the delivery, for the device, for the lane. A pure function.

use super::breaker::Signal;
use super::outbox::Claim;
use super::outcome::{Outcome, backoff};
use ringback_core::protocol::Timestamp;
use std::time::Duration;

/// The word for what a provider took.
pub(super) const DELIVERED: &str = "delivered";

/// How a delivery stands after a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// A provider took it.
    Delivered {
        /// The provider's name for it.
        provider_id: String,
    },
    /// It was no longer true.
    Skipped,
    /// Its time ran out.
    Expired {
        /// What kept it, if anything did.
        reason: Option<String>,
    },
    /// Nobody will take it.
    Failed {
        /// The provider's word, or ours.
        reason: String,
    },
    /// To be tried again.
    Retry {
        /// When.
        due_at: Timestamp,
        /// Why.
        reason: String,
        /// Whether this try counts.
        counts: bool,
    },
}

impl Settled {
    /// The word for it in metrics and logs.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Delivered { .. } => DELIVERED,
            Self::Skipped => "skipped",
            Self::Expired { .. } => "expired",
            Self::Failed { .. } => "failed",
            Self::Retry { .. } => "retry",
        }
    }

    /// Why it is not delivered.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Delivered { .. } => None,
            Self::Skipped => Some("moved_on"),
            Self::Expired { reason } => Some(reason.as_deref().unwrap_or("expired")),
            Self::Failed { reason } | Self::Retry { reason, .. } => Some(reason),
        }
    }
}

/// What a provider said about a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceNews {
    /// `gone` or `quarantined`.
    pub state: &'static str,
    /// The provider's word.
    pub reason: String,
    /// Since when, where it says so.
    pub since: Option<Timestamp>,
}

/// What follows from a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// For the delivery.
    pub settled: Settled,
    /// For the device.
    pub device: Option<DeviceNews>,
    /// For the lane.
    pub signal: Option<Signal>,
}

impl Verdict {
    /// Settled without asking a provider.
    pub fn of(settled: Settled) -> Self {
        Self { settled, device: None, signal: None }
    }
}

/// Judges an answer.
pub fn judge(outcome: Outcome, claim: &Claim, now: Timestamp) -> Verdict {
    let later = |after: Duration, reason: String, counts: bool| {
        let due_at = now.checked_add(after).unwrap_or(claim.expires_at);
        // A try after the expiry would only find it expired.
        if due_at < claim.expires_at {
            Settled::Retry { due_at, reason, counts }
        } else {
            Settled::Expired { reason: Some(reason) }
        }
    };
    let through = |settled, device| Verdict { settled, device, signal: Some(Signal::Through) };
    match outcome {
        Outcome::Delivered { provider_id } => through(Settled::Delivered { provider_id }, None),
        Outcome::TokenGone { invalid_since, reason } => {
            let news = DeviceNews { state: "gone", reason: reason.clone(), since: invalid_since };
            through(Settled::Failed { reason }, Some(news))
        }
        Outcome::TokenRejected { reason } => {
            let news = DeviceNews { state: "quarantined", reason: reason.clone(), since: None };
            through(Settled::Failed { reason }, Some(news))
        }
        Outcome::Permanent { reason } => through(Settled::Failed { reason }, None),
        Outcome::RetryAt { reason, .. } if reason == "connect_failed" => Verdict {
            settled: later(Duration::ZERO, reason, false),
            device: None,
            signal: Some(Signal::Unreached),
        },
        Outcome::RetryAt { after, reason } => {
            let broken = matches!(reason.as_str(), "timed_out" | "connection_lost");
            let wait = backoff(after, claim.attempts, jitter(&claim.id, claim.attempts));
            Verdict {
                settled: later(wait, reason, true),
                device: None,
                signal: Some(if broken { Signal::Broken } else { Signal::Through }),
            }
        }
        Outcome::LaneBlocked { reason } => Verdict {
            settled: later(Duration::ZERO, reason, false),
            device: None,
            signal: Some(Signal::Refused),
        },
        Outcome::RenewCredential => Verdict {
            settled: later(Duration::ZERO, "credential_expired".to_owned(), false),
            device: None,
            signal: Some(Signal::Refused),
        },
    }
}

/// A number from 0 to 1 that differs from delivery to delivery and try to try.
fn jitter(id: &str, attempts: u32) -> f64 {
    let hash = id.bytes().fold(attempts, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
    f64::from(hash % 1000) / 1000.0
}
