//! When to try again, and after how long. Decisions only; nothing here waits.

use super::{HttpHeader, TransportError, header};
use crate::protocol::{Timestamp, instant};

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

    /// The same for whoever never gives up: a wait the server asks for is kept, up to an hour.
    pub(crate) fn endless_wait_ms(&self, tries: u32, retry_after_s: Option<u32>, random: f64) -> u64 {
        u64::from(retry_after_s.unwrap_or(0).min(3_600)) * 1000 + self.jitter_ms(tries, random)
    }

    fn jitter_ms(&self, tries: u32, random: f64) -> u64 {
        let doubled = u64::from(self.base_ms) << tries.saturating_sub(1).min(20);
        let bound = doubled.min(u64::from(self.max_ms));
        (bound as f64 * random.clamp(0.0, 1.0)) as u64
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
    let date_s = instant::http_date(value)?;
    Some(u32::try_from(date_s.saturating_sub(now.as_second())).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: RetryPolicy = RetryPolicy { max_tries: 4, base_ms: 500, max_ms: 30_000 };

    #[test]
    fn waits_double_and_tries_end() {
        let longest: Vec<_> = (1..=4).map(|tries| POLICY.wait_ms(tries, None, 1.0)).collect();
        assert_eq!(longest, [Some(500), Some(1_000), Some(2_000), None]);
        assert_eq!(POLICY.wait_ms(1, None, 0.0), Some(0));
    }

    #[test]
    fn the_server_is_not_asked_before_it_wants_to_be() {
        assert_eq!(POLICY.wait_ms(1, Some(30), 0.0), Some(30_000));
        assert_eq!(POLICY.wait_ms(1, Some(31), 0.0), None);
        assert_eq!(POLICY.endless_wait_ms(1, Some(31), 0.0), 31_000);
        assert_eq!(POLICY.endless_wait_ms(1, Some(u32::MAX), 0.0), 3_600_000);
    }

    #[test]
    fn retry_after_is_a_number_or_a_date() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().expect("a time");
        let asked = |value: &str| {
            retry_after_s(&[HttpHeader { name: "Retry-After".to_owned(), value: value.to_owned() }], now)
        };
        assert_eq!(asked("120"), Some(120));
        assert_eq!(asked("Mon, 23 Nov 2026 10:00:30 GMT"), Some(30));
        assert_eq!(asked("Mon, 23 Nov 2026 09:00:00 GMT"), Some(0));
        assert_eq!(asked("99999999999999"), Some(u32::MAX));
        assert_eq!((asked("soon"), asked("")), (None, None));
        assert_eq!(retry_after_s(&[], now), None);
    }

    proptest! {
        #[test]
        fn a_wait_is_bounded_both_ways(tries in 1u32..100, asked in prop::option::of(0u32..100), random in 0.0..1.0) {
            let asked_ms = u64::from(asked.unwrap_or(0)) * 1000;
            let wait = POLICY.endless_wait_ms(tries, asked, random);
            prop_assert!((asked_ms..=asked_ms + 30_000).contains(&wait));
            prop_assert!(POLICY.wait_ms(tries, asked, random).is_none_or(|bounded| bounded == wait));
        }
    }
}
