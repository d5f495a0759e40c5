//! What became of one push, in the same words for every provider.

use std::time::Duration;

use ringback_core::protocol::Timestamp;

/// What became of one push, and so what to do next. `reason` is the provider's own stable word where it gave one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The provider has taken it.
    Delivered {
        /// The provider's name for it: `apns-id`, or the FCM message name.
        provider_id: String,
    },
    /// The app is gone from the device. Delete the token, unless it was registered again after `invalid_since`.
    TokenGone {
        /// When the provider learned of it, where it says so.
        invalid_since: Option<Timestamp>,
        /// The provider's word.
        reason: String,
    },
    /// The token is wrong here, perhaps right elsewhere: quarantine it for this environment, do not delete it.
    TokenRejected {
        /// The provider's word.
        reason: String,
    },
    /// Try again, not before `after` has passed; [`backoff`] makes the actual wait of it.
    RetryAt {
        /// The least wait that the provider asks for, or that is decent.
        after: Duration,
        /// The provider's word, or `connect_failed`, `timed_out`, `connection_lost`.
        reason: String,
    },
    /// Nothing gets through with this credential until an operator acts: stop the lane, keep its pushes, burn no
    /// attempt.
    LaneBlocked {
        /// The provider's word.
        reason: String,
    },
    /// The credential has run out. The client has asked for a new one and sent again before it says so: put the push
    /// back, burn no attempt.
    RenewCredential,
    /// This push will never get through: dead-letter it.
    Permanent {
        /// The provider's word.
        reason: String,
    },
}

/// Why nothing came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoAnswer {
    ConnectFailed,
    TimedOut,
    ConnectionLost,
}

impl From<NoAnswer> for Outcome {
    fn from(no_answer: NoAnswer) -> Self {
        let reason = match no_answer {
            NoAnswer::ConnectFailed => "connect_failed",
            NoAnswer::TimedOut => "timed_out",
            NoAnswer::ConnectionLost => "connection_lost",
        };
        Self::RetryAt { after: Duration::from_secs(1), reason: reason.to_owned() }
    }
}

/// The longest wait that [`backoff`] grows to by itself.
const LONGEST_BACKOFF: Duration = Duration::from_secs(15 * 60);

/// The wait before try `attempt + 1`: `after` doubled for each attempt so far (counted from 1), at most 15 minutes but
/// never less than `after`, and up to a quarter more. `jitter` is a random number from 0 to 1.
pub fn backoff(after: Duration, attempt: u32, jitter: f64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(20);
    let grown = after.saturating_mul(1 << doublings).min(LONGEST_BACKOFF).max(after);
    grown.saturating_add((grown / 4).mul_f64(jitter.clamp(0.0, 1.0)))
}

/// Reads `Retry-After` in either form, seconds or a date (RFC 9110, 10.2.3). A date in the past is no wait.
pub fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(after_s) = value.parse::<u64>() {
        return Some(Duration::from_secs(after_s));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        assert_eq!(parse_retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(parse_retry_after("Mon, 23 Nov 2026 10:01:30 GMT", now), Some(Duration::from_secs(90)));
        assert_eq!(parse_retry_after("Mon, 23 Nov 2026 09:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("soon", now), None);
    }

    #[test]
    fn backoff_doubles_from_what_was_asked() {
        let second = Duration::from_secs(1);
        let waits: Vec<u64> = (1..=5).map(|attempt| backoff(second, attempt, 0.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16]);
        assert_eq!(backoff(second, 1, 1.0), Duration::from_millis(1250));
    }

    proptest! {
        #[test]
        fn backoff_never_undercuts_the_provider(after_s in 0u64..100_000, attempt in 0u32.., jitter in -1.0f64..2.0) {
            let after = Duration::from_secs(after_s);
            let wait = backoff(after, attempt, jitter);
            prop_assert!(wait >= after);
            prop_assert!(wait <= LONGEST_BACKOFF.max(after).mul_f64(1.25));
        }
    }
}
