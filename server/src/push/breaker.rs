//! When a lane rests: nothing is sent by a credential that nobody accepts or to a host that nobody reaches, except one
//! push now and then to see whether that is still so. A pure state machine; the worker tells it what happened.

use std::time::Duration;

/// The first rest after a provider refused the credential; it doubles up to the longest.
const FIRST_REST: Duration = Duration::from_secs(2);
const LONGEST_REST: Duration = Duration::from_secs(30);
/// The rest when nothing could be reached: short, so that what is queued leaves soon after the network is back.
const UNREACHED_REST: Duration = Duration::from_secs(1);
/// So many broken connections in a row are no accident.
const BROKEN_IN_A_ROW: u32 = 8;

/// What came of a push, as far as its lane is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// The provider answered about this push.
    Through,
    /// The provider refuses the credential.
    Refused,
    /// No connection could be made.
    Unreached,
    /// The connection broke, or no answer came.
    Broken,
}

/// Whether pushes leave by a lane.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breaker {
    /// Rests in a row.
    rests: u32,
    broken: u32,
    open: Option<Open>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Open {
    /// Since the worker's start.
    until: Duration,
    reason: String,
    probing: bool,
}

impl Breaker {
    /// How many pushes may leave now, of `wanted`. While it rests none, then one.
    pub fn admits(&self, wanted: usize, now: Duration) -> usize {
        match &self.open {
            None => wanted,
            Some(open) if open.until <= now && !open.probing => wanted.min(1),
            Some(_) => 0,
        }
    }

    /// Some pushes leave: while it is open, the one that finds out.
    pub fn left(&mut self, count: usize) {
        if let Some(open) = &mut self.open
            && count > 0
        {
            open.probing = true;
        }
    }

    /// Learns from a push; whether this opened or closed it.
    pub fn learn(&mut self, signal: Signal, reason: &str, now: Duration) -> bool {
        let rest = match signal {
            Signal::Through => {
                let was_open = self.open.is_some();
                *self = Self::default();
                return was_open;
            }
            Signal::Broken => {
                self.broken += 1;
                if self.broken < BROKEN_IN_A_ROW && self.open.is_none() {
                    return false;
                }
                UNREACHED_REST
            }
            Signal::Unreached => UNREACHED_REST,
            Signal::Refused => (FIRST_REST * 2_u32.pow(self.rests.min(8))).min(LONGEST_REST),
        };
        match &mut self.open {
            // Those that were under way when it opened have nothing new to say.
            Some(open) if !open.probing => false,
            open => {
                let opened = open.is_none();
                *open = Some(Open { until: now + rest, reason: reason.to_owned(), probing: false });
                self.rests += 1;
                opened
            }
        }
    }

    /// Nobody knows what became of the push that was to find out.
    pub fn lost(&mut self) {
        if let Some(open) = &mut self.open {
            open.probing = false;
        }
    }

    /// Why it rests.
    pub fn reason(&self) -> Option<&str> {
        self.open.as_ref().map(|open| open.reason.as_str())
    }

    /// When it next lets one through.
    pub fn until(&self) -> Option<Duration> {
        self.open.as_ref().filter(|open| !open.probing).map(|open| open.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    #[test]
    fn a_refused_credential_rests_longer_each_time_and_one_push_finds_out() {
        let mut breaker = Breaker::default();
        assert_eq!(breaker.admits(50, at(0)), 50);
        assert!(breaker.learn(Signal::Refused, "InvalidProviderToken", at(0)));
        assert_eq!((breaker.admits(50, at(1)), breaker.reason()), (0, Some("InvalidProviderToken")));
        // The rest of those that were under way.
        assert!(!breaker.learn(Signal::Refused, "InvalidProviderToken", at(1)));
        assert_eq!(breaker.admits(50, at(2)), 1);
        breaker.left(1);
        assert_eq!(breaker.admits(50, at(2)), 0, "one at a time");
        breaker.learn(Signal::Refused, "InvalidProviderToken", at(2));
        assert_eq!((breaker.admits(50, at(5)), breaker.admits(50, at(6))), (0, 1));
        breaker.left(1);
        assert!(breaker.learn(Signal::Through, "", at(6)));
        assert_eq!((breaker.admits(50, at(6)), breaker.reason()), (50, None));
    }

    #[test]
    fn an_unreached_host_is_looked_for_every_second() {
        let mut breaker = Breaker::default();
        for second in 0..600 {
            breaker.learn(Signal::Unreached, "connect_failed", at(second));
            assert_eq!((breaker.admits(9, at(second)), breaker.admits(9, at(second + 1))), (0, 1));
            breaker.left(1);
        }
    }

    #[test]
    fn single_broken_connections_are_accidents() {
        let mut breaker = Breaker::default();
        for _ in 0..7 {
            assert!(!breaker.learn(Signal::Broken, "connection_lost", at(0)));
        }
        breaker.learn(Signal::Through, "", at(0));
        for _ in 0..7 {
            assert!(!breaker.learn(Signal::Broken, "connection_lost", at(0)));
        }
        assert!(breaker.learn(Signal::Broken, "connection_lost", at(0)));
        assert_eq!(breaker.admits(9, at(0)), 0);
    }

    proptest! {
        /// Whatever happens, a lane that rests lets a push through before half a minute is over.
        #[test]
        fn it_never_rests_for_ever(signals in prop::collection::vec((0_u8..5, 0_u64..20), 0..200)) {
            let (mut breaker, mut now) = (Breaker::default(), at(0));
            for (signal, pause) in signals {
                now += at(pause);
                match signal {
                    0 => { breaker.learn(Signal::Through, "", now); }
                    1 => { breaker.learn(Signal::Refused, "r", now); }
                    2 => { breaker.learn(Signal::Unreached, "u", now); }
                    3 => { breaker.learn(Signal::Broken, "b", now); }
                    _ => breaker.left(breaker.admits(10, now)),
                }
                let mut later = breaker.clone();
                later.lost();
                prop_assert!(later.admits(10, now + LONGEST_REST) >= 1);
            }
        }
    }
}
