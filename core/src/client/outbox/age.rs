//! How old a request is, whatever was done to the clock in between. Decisions only.

use crate::host::Clock;
use crate::protocol::Timestamp;
use serde::{Deserialize, Serialize};

/// A clock that went back by more than this was set, not corrected.
const CORRECTION_MS: i64 = 300_000;

/// Two threads that look at the clock and then wait for each other may see each other's moments in the wrong order.
const OUT_OF_ORDER_MS: u64 = 60_000;

/// A moment by both of a device's clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moment {
    /// As the device shows it; anybody may set it.
    #[serde(deserialize_with = "crate::protocol::instant::read")]
    pub(crate) at: Timestamp,
    /// How long the device had been running; nobody can set it, and a restart begins it anew.
    running_ms: u64,
}

/// How much time has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Age {
    /// At least so many milliseconds.
    ms: u64,
    /// It was not much more.
    is_sure: bool,
}

impl Moment {
    pub(crate) fn now(clock: &dyn Clock) -> Self {
        Self { at: clock.now(), running_ms: clock.running_ms() }
    }

    /// How much time has passed until `now`.
    ///
    /// While the device runs its running time is exact, and the shown time is not asked. After a restart only the shown
    /// time knows how long the device was off. Whether it was restarted is seen by this: since a restart the device has
    /// been running for no longer than has passed.
    pub(crate) fn age(self, now: Self) -> Age {
        let shown = now.at.as_millisecond().saturating_sub(self.at.as_millisecond());
        let running = i64::try_from(now.running_ms).unwrap_or(i64::MAX);
        let runs_on = now.running_ms.saturating_add(OUT_OF_ORDER_MS) >= self.running_ms;
        if runs_on && shown < running {
            return Age { ms: now.running_ms.saturating_sub(self.running_ms), is_sure: true };
        }
        // With a clock that was also set back nobody knows.
        let is_sure = shown >= -CORRECTION_MS;
        let ran = now.running_ms.saturating_sub(self.running_ms);
        let at_least = if now.running_ms < self.running_ms { now.running_ms } else { ran };
        Age { ms: u64::try_from(shown).unwrap_or(0).max(at_least), is_sure }
    }

    /// A moment as long after the start of the clocks as it takes to tell it apart.
    #[cfg(test)]
    pub(crate) fn at(shown_s: i64, running_s: u64) -> Self {
        Self { at: Timestamp::from_second(shown_s).unwrap(), running_ms: running_s * 1000 }
    }
}

impl Age {
    /// More than so many seconds have passed for certain.
    pub(crate) fn is_over(self, limit_s: u32) -> bool {
        self.ms > u64::from(limit_s) * 1000
    }

    /// No more than so many seconds have passed for certain.
    pub(crate) fn is_within(self, limit_s: u32) -> bool {
        self.is_sure && !self.is_over(limit_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: i64 = 86_400;

    fn age(asked: (i64, u64), now: (i64, u64)) -> (u64, bool) {
        let age = Moment::at(asked.0, asked.1).age(Moment::at(now.0, now.1));
        (age.ms / 1000, age.is_sure)
    }

    #[test]
    fn a_clock_that_is_set_changes_nothing_while_the_device_runs() {
        for set in [-DAY, -60, 0, 60, DAY] {
            assert_eq!(
                age((1_000_000, 3 * 86_400), (1_000_100 + set, 3 * 86_400 + 100)),
                (100, true),
                "{set}"
            );
        }
    }

    #[test]
    fn a_moment_that_is_a_little_ahead_is_now() {
        assert_eq!(age((1_000_000, 5_000), (1_000_000, 4_999)), (0, true));
        assert_eq!(age((1_000_001, 5_001), (1_000_000, 5_000)), (0, true));
    }

    #[test]
    fn a_day_in_airplane_mode_is_a_day() {
        assert_eq!(age((1_000_000, 500), (1_000_000 + DAY, 500 + 86_400)), (86_400, true));
    }

    #[test]
    fn after_a_restart_the_shown_time_counts() {
        assert_eq!(age((1_000_000, 5_000), (1_000_600, 60)), (600, true));
        assert_eq!(
            age((1_000_000, 50), (1_000_600, 60)),
            (600, true),
            "that runs for longer than the one before"
        );
        assert_eq!(age((1_000_000, 5_000), (1_000_000 - 60, 40)), (40, true), "a clock that was corrected");
    }

    #[test]
    fn a_clock_set_back_over_a_restart_is_not_believed() {
        let (ms, is_sure) = age((1_000_000, 5_000), (1_000_000 - DAY, 40));
        assert_eq!((ms, is_sure), (40, false));
        let unsure = Age { ms: 40_000, is_sure: false };
        assert!(!unsure.is_within(900) && !unsure.is_over(900));
    }

    proptest! {
        #[test]
        fn while_the_device_runs_the_age_is_exact_or_longer(
            running in 0_u64..1_000_000, passes in 0_u64..1_000_000, set in -2_000_000_i64..2_000_000,
        ) {
            let (seconds, _) = age((10_000_000, running), (10_000_000 + passes as i64 + set, running + passes));
            prop_assert!(seconds >= passes, "a stale request is never fresh");
            prop_assert!(seconds == passes || seconds >= running + passes, "longer only where a restart would explain it");
        }

        #[test]
        fn over_a_restart_the_time_it_was_off_counts(
            before in 0_u64..1_000_000, off in 0_u64..1_000_000, ran in 0_u64..1_000_000,
        ) {
            let passes = off + ran;
            let (seconds, is_sure) = age((10_000_000, before), (10_000_000 + passes as i64, ran));
            prop_assert_eq!((seconds, is_sure), (passes, true));
        }
    }
}
