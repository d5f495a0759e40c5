//! What follows from an attempt.

use crate::config::WebhookSettings;
use ringback_core::protocol::Timestamp;
use std::time::Duration;

/// The longest that an endpoint can put us off.
const LONGEST_PUT_OFF: Duration = Duration::from_secs(24 * 3600);

/// What an attempt met with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// An answer.
    Answered {
        /// The HTTP status.
        status: u16,
        /// How long the endpoint asks us to wait.
        retry_after: Option<Duration>,
    },
    /// None, and why.
    NoAnswer(&'static str),
    /// The event is no longer in the log; nothing was sent.
    EventGone,
}

impl Attempt {
    /// The status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answered { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Why it failed, in one word; a success has none.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Answered { status: 200..=299, .. } => None,
            Self::Answered { status: 300..=399, .. } => Some("redirected"),
            Self::Answered { status: 410, .. } => Some("gone"),
            Self::Answered { .. } => Some("refused"),
            Self::NoAnswer(reason) => Some(reason),
            Self::EventGone => Some("event_gone"),
        }
    }
}

/// How a delivery stands after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The endpoint took it.
    Delivered,
    /// To be tried again then.
    Retry(Timestamp),
    /// The endpoint wants no more; the delivery waits for it to be enabled again.
    Unwanted,
    /// It was tried often enough.
    Dead,
}

impl Settled {
    /// The word of the metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Retry(_) => "retry",
            Self::Unwanted => "unwanted",
            Self::Dead => "dead",
        }
    }
}

/// What follows from the attempt that was the `made`-th, counted from 1. `jitter` is a random number from 0 to 1: what
/// failed together is not tried again together.
pub fn settle(
    settings: &WebhookSettings,
    attempt: &Attempt,
    made: u32,
    jitter: f64,
    now: Timestamp,
) -> Settled {
    let put_off = match attempt {
        Attempt::EventGone => return Settled::Dead,
        Attempt::Answered { status: 200..=299, .. } => return Settled::Delivered,
        Attempt::Answered { status: 410, .. } => return Settled::Unwanted,
        Attempt::Answered { status: 429 | 503, retry_after } => retry_after.unwrap_or_default(),
        _ => Duration::ZERO,
    };
    let waits = &settings.retry_after_s;
    let Some(wait_s) = (made as usize).checked_sub(1).and_then(|index| waits.get(index)) else {
        return Settled::Dead;
    };
    let wait = Duration::from_secs((*wait_s).into());
    let wait = (wait + (wait / 10).mul_f64(jitter.clamp(0.0, 1.0))).max(put_off.min(LONGEST_PUT_OFF));
    Settled::Retry(now.checked_add(wait).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answered(status: u16) -> Attempt {
        Attempt::Answered { status, retry_after: None }
    }

    fn wait_s(attempt: &Attempt, made: u32, jitter: f64) -> Option<i64> {
        match settle(&WebhookSettings::default(), attempt, made, jitter, Timestamp::UNIX_EPOCH) {
            Settled::Retry(at) => Some(at.as_second()),
            _ => None,
        }
    }

    #[test]
    fn the_schedule_is_that_of_the_standard() {
        let hours = |hours: i64| hours * 3600;
        let waits: Vec<_> = (1..=10).map(|made| wait_s(&answered(500), made, 0.0)).collect();
        let wanted = [5, 300, 1800, hours(2), hours(5), hours(10), hours(14), hours(20), hours(24)].map(Some);
        assert_eq!(waits[..9], wanted);
        assert_eq!(
            settle(&WebhookSettings::default(), &answered(500), 10, 0.0, Timestamp::MIN),
            Settled::Dead
        );
        assert_eq!(wait_s(&answered(500), 2, 1.0), Some(330));
    }

    #[test]
    fn any_2xx_is_a_success_and_nothing_else() {
        let settings = WebhookSettings::default();
        for status in 100..=599 {
            let settled = settle(&settings, &answered(status), 1, 0.0, Timestamp::UNIX_EPOCH);
            assert_eq!(settled == Settled::Delivered, (200..300).contains(&status), "{status}");
            assert_eq!(settled == Settled::Unwanted, status == 410, "{status}");
        }
        assert_eq!(settle(&settings, &Attempt::EventGone, 1, 0.0, Timestamp::UNIX_EPOCH), Settled::Dead);
    }

    #[test]
    fn an_endpoint_can_put_us_off_for_a_day() {
        let busy =
            |status, after_s| Attempt::Answered { status, retry_after: Some(Duration::from_secs(after_s)) };
        assert_eq!(wait_s(&busy(429, 60), 1, 0.0), Some(60));
        assert_eq!(wait_s(&busy(503, 60), 1, 0.0), Some(60));
        assert_eq!(wait_s(&busy(503, 60), 2, 0.0), Some(300), "it does not bring the next attempt nearer");
        assert_eq!(wait_s(&busy(500, 60), 1, 0.0), Some(5), "only where the status says so");
        assert_eq!(wait_s(&busy(429, u64::MAX), 1, 0.0), Some(24 * 3600));
    }

    proptest! {
        #[test]
        fn nothing_is_tried_forever_or_early(status in 100u16.., after in any::<Option<u32>>(), jitter in -1.0f64..2.0) {
            let settings = WebhookSettings::default();
            let attempt =
                Attempt::Answered { status, retry_after: after.map(|s| Duration::from_secs(s.into())) };
            for (index, least) in settings.retry_after_s.iter().enumerate() {
                let made = index as u32 + 1;
                if let Settled::Retry(at) = settle(&settings, &attempt, made, jitter, Timestamp::UNIX_EPOCH) {
                    prop_assert!((i64::from(*least)..=i64::from(*least).max(24 * 3600) * 11 / 10).contains(&at.as_second()));
                }
            }
            let made = settings.retry_after_s.len() as u32 + 1;
            let last = settle(&settings, &attempt, made, jitter, Timestamp::UNIX_EPOCH);
            prop_assert!(!matches!(last, Settled::Retry(_)));
        }
    }
}
