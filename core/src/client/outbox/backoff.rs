//! When background work makes sense again. Decisions only.

use crate::protocol::Timestamp;

const FIRST_S: u32 = 15;
const LONGEST_S: u32 = 3_600;

/// What the last tries came to, as long as the process lives.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    not_before: Option<Timestamp>,
}

impl Backoff {
    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// A request that was tried stays kept.
    pub(crate) fn failed(&mut self, now: Timestamp, retry_after_s: Option<u32>) {
        let doubled = FIRST_S.saturating_mul(1 << self.failures.min(8)).min(LONGEST_S);
        self.failures = self.failures.saturating_add(1);
        let wait_s = retry_after_s.unwrap_or(0).min(86_400).max(doubled);
        let span = jiff::SignedDuration::from_secs(wait_s.into());
        self.not_before = now.checked_add(span).ok();
    }

    /// From when on another try makes sense. A clock that was set back does not make it wait for longer than ever.
    pub(crate) fn next_try_at(&self, now: Timestamp) -> Timestamp {
        let is_plausible = |at: &Timestamp| at.as_second().saturating_sub(now.as_second()) <= 86_400;
        self.not_before.filter(is_plausible).map_or(now, |at| at.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn waits_double_up_to_an_hour() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.next_try_at(at(1000)), at(1000));
        let waits: Vec<_> = (0..11)
            .map(|_| {
                backoff.failed(at(1000), None);
                backoff.next_try_at(at(1000)).as_second() - 1000
            })
            .collect();
        assert_eq!(waits, [15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
        assert_eq!(backoff.next_try_at(at(9000)), at(9000), "the wait is over");
        backoff.succeeded();
        assert_eq!(backoff.next_try_at(at(1000)), at(1000));
    }

    #[test]
    fn the_server_may_ask_for_longer_and_a_clock_may_be_set() {
        let mut backoff = Backoff::default();
        backoff.failed(at(1_000_000), Some(7200));
        assert_eq!(backoff.next_try_at(at(1_000_000)), at(1_007_200));
        assert_eq!(backoff.next_try_at(at(1_000_000 - 100_000)), at(900_000));
    }
}
