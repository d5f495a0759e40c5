//! When to try again, and after how long. Decisions only; nothing here waits.

use super::{HttpHeader, TransportError, header};
use crate::protocol::Timestamp;

/// How often, and how far apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetryPolicy {
    pub(crate) max_tries: u32,
    pub(crate) base_ms: u32,
    pub(crate) max_ms: u32,
}

impl RetryPolicy {
    /// The wait before the next try when `tries` have failed, in milliseconds: anything up to a bound that doubles
    /// (full jitter, so that a thousand phones do not come back at the same moment), and never before the server
    /// asked to be tried. `None` when it is time to give up. `random` is anywhere in 0..1.
    pub(crate) fn wait_ms(&self, tries: u32, retry_after_s: Option<u32>, random: f64) -> Option<u64> {
        let asked_ms = u64::from(retry_after_s.unwrap_or(0)) * 1000;
        let gives_up = tries >= self.max_tries || asked_ms > u64::from(self.max_ms);
        (!gives_up).then(|| asked_ms + self.jitter_ms(tries, random))
    }

    /// The same for whoever never gives up: a longer wait that the server asks for is kept.
    pub(crate) fn endless_wait_ms(&self, tries: u32, retry_after_s: Option<u32>, random: f64) -> u64 {
        u64::from(retry_after_s.unwrap_or(0)) * 1000 + self.jitter_ms(tries, random)
    }

    fn jitter_ms(&self, tries: u32, random: f64) -> u64 {
        let doubled = u64::from(self.base_ms) << tries.saturating_sub(1).min(20);
        let bound = doubled.min(u64::from(self.max_ms));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "0..max_ms"
        )]
        let wait = (bound as f64 * random.clamp(0.0, 1.0)) as u64;
        wait
    }
}

/// A refusal of the moment, not of the request: the same request may succeed later.
pub(crate) fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

/// Another try may find a connection, or a faster one.
pub(crate) fn is_passing_fault(error: TransportError) -> bool {
    matches!(error, TransportError::TimedOut | TransportError::Unreachable | TransportError::ConnectionLost)
}

/// `Retry-After` in seconds from now: a number, or a date (RFC 9110, 10.2.3).
pub(crate) fn retry_after_s(headers: &[HttpHeader], now: Timestamp) -> Option<u32> {
    let value = header(headers, "retry-after")?.trim();
    if value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty() {
        return Some(value.parse().unwrap_or(u32::MAX));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(u32::try_from(date.as_second().saturating_sub(now.as_second())).unwrap_or(0))
}
