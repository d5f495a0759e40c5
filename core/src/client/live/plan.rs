//! When to hold a stream, when to poll, and how long to wait. Decisions only; nothing here waits.

/// What is done next to hear of the callbacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A stream is opened and held.
    Stream,
    /// The list is fetched.
    Poll,
}

/// Between two streams that brought nothing the list is fetched so often, at most.
const MAX_POLLS: u32 = 64;

/// Streams, as long as they can be held. After one that brought nothing the list is fetched: when that works, something on
/// the way holds streams back, and from the second time on a stream is tried only every few polls, ever fewer.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Exchanges in a row that brought nothing.
    pub(super) failures: u32,
    /// Streams in a row that brought nothing although the server was there.
    unheld: u32,
    /// Polls until the next stream; `None` while streaming.
    polls_left: Option<u32>,
}

impl Plan {
    pub(super) fn step(&self) -> Step {
        if self.polls_left.is_some() { Step::Poll } else { Step::Stream }
    }

    /// A stream brings something.
    pub(super) fn stream_holds(&mut self) {
        *self = Self::default();
    }

    /// A stream is over: one that had brought something is opened anew.
    pub(super) fn stream_lost(&mut self, had_held: bool) {
        self.failures = self.failures.saturating_add(1);
        if !had_held {
            self.unheld = self.unheld.saturating_add(1);
            self.polls_left = Some(polls_after(self.unheld));
        }
    }

    /// The list was fetched. Says whether it is fetched again only after a while.
    pub(super) fn polled(&mut self) -> bool {
        self.failures = 0;
        self.polls_left = self.polls_left.and_then(|left| left.checked_sub(1)).filter(|left| *left > 0);
        self.polls_left.is_some()
    }

    /// Nor could the list be fetched: it was not the stream.
    pub(super) fn poll_failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
        self.unheld = self.unheld.saturating_sub(1);
        self.polls_left = None;
    }

    /// The server said no for good; it is asked again all the same, ever more rarely.
    pub(super) fn refused(&mut self) {
        self.failures = self.failures.saturating_add(1);
        self.polls_left = None;
    }

    /// The network may have changed.
    pub(super) fn start_over(&mut self) {
        *self = Self::default();
    }
}

fn polls_after(unheld: u32) -> u32 {
    match unheld {
        0 | 1 => 1,
        more => (1_u32 << more.min(31)).min(MAX_POLLS),
    }
}

/// How long until the list is fetched again, in milliseconds: half to one and a half times the interval, so that a
/// thousand phones do not ask at the same moment, and four times that while nothing can happen. `random` is in 0..1.
pub(super) fn poll_wait_ms(interval_ms: u32, is_open: bool, random: f64) -> u64 {
    let interval = f64::from(interval_ms) * if is_open { 1.0 } else { 4.0 };
    (interval * (0.5 + random.clamp(0.0, 1.0))) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_stream_that_was_lost_is_opened_anew() {
        let mut plan = Plan::default();
        plan.stream_holds();
        plan.stream_lost(true);
        assert_eq!((plan.step(), plan.failures), (Step::Stream, 1));
    }

    #[test]
    fn one_bad_stream_is_a_bad_moment_and_two_are_a_bad_way() {
        let mut plan = Plan::default();
        plan.stream_lost(false);
        assert_eq!(plan.step(), Step::Poll);
        assert!(!plan.polled(), "the server is there: a stream may be had now");
        assert_eq!(plan.step(), Step::Stream);
        plan.stream_lost(false);
        let mut polls = 0;
        while plan.step() == Step::Poll {
            plan.polled();
            polls += 1;
        }
        assert_eq!(polls, 4);
    }

    #[test]
    fn without_a_network_nothing_is_said_of_streams() {
        let mut plan = Plan::default();
        for failures in 1..20 {
            plan.stream_lost(false);
            plan.poll_failed();
            assert_eq!((plan.step(), plan.failures), (Step::Stream, 2 * failures));
        }
        plan.stream_lost(false);
        assert!(!plan.polled());
    }

    #[test]
    fn polls_are_spread_and_rarer_when_nothing_can_happen() {
        assert_eq!((poll_wait_ms(1_000, true, 0.0), poll_wait_ms(1_000, true, 1.0)), (500, 1_500));
        assert_eq!(poll_wait_ms(1_000, false, 0.5), 4_000);
    }

    proptest! {
        #[test]
        fn a_stream_is_always_tried_again(outcomes in prop::collection::vec(any::<bool>(), 0..200)) {
            let mut plan = Plan::default();
            let mut polls_in_a_row = 0;
            for good in outcomes {
                match (plan.step(), good) {
                    (Step::Stream, held) => {
                        polls_in_a_row = 0;
                        if held {
                            plan.stream_holds();
                        }
                        plan.stream_lost(held);
                    }
                    (Step::Poll, true) => {
                        plan.polled();
                        polls_in_a_row += 1;
                    }
                    (Step::Poll, false) => plan.poll_failed(),
                }
                prop_assert!(polls_in_a_row <= MAX_POLLS);
            }
        }
    }
}
