//! Which estimates somebody who waits is told. Each event in the line changes the estimate a little; told at once, the
//! numbers would dance. Held back for long, they would be wrong.

/// What somebody was told, or is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// When.
    pub at_us: i64,
    /// Place in line, 1 is next.
    pub position: u32,
    /// P10, P50 and P90 in seconds from `at_us`. None: no number could be given.
    pub window_s: Option<[u32; 3]>,
}

/// A number may be off by this many seconds.
const SLACK_S: u32 = 30;
/// Or by this part of the window's width.
const SLACK_PART: u32 = 4;

/// What to tell now, if anything, given what was told last and what is estimated now.
///
/// A window that was told counts down by itself. It stays as it is while each of its numbers is near the estimate: within
/// 30 seconds or a quarter of the window's width, whichever is more. When one is not, the estimate is told, and so it is
/// when somebody has overtaken, or there is a number where was none or the other way round. A step forward is told with
/// the window as it has counted down.
pub fn tell(last: Option<&Told>, estimate: &Told) -> Option<Told> {
    let Some(last) = last else { return Some(*estimate) };
    let kept = match (last.counted_down(estimate.at_us), estimate.window_s) {
        (Some(shown), Some(estimated)) => near(shown, estimated),
        (None, None) => true,
        _ => false,
    };
    if !kept || estimate.position > last.position {
        return Some(*estimate);
    }
    (estimate.position < last.position)
        .then(|| Told { window_s: last.counted_down(estimate.at_us), ..*estimate })
}

impl Told {
    /// The window as it is by then: so much less as time has passed.
    pub fn counted_down(&self, at_us: i64) -> Option<[u32; 3]> {
        let passed_s = u32::try_from((at_us - self.at_us) / 1_000_000).unwrap_or(0);
        self.window_s.map(|window| window.map(|seconds| seconds.saturating_sub(passed_s)))
    }
}

fn near(shown: [u32; 3], estimated: [u32; 3]) -> bool {
    let slack_s = SLACK_S.max(estimated[2].saturating_sub(estimated[0]) / SLACK_PART);
    shown.iter().zip(estimated).all(|(shown, estimated)| shown.abs_diff(estimated) <= slack_s)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND_US: i64 = 1_000_000;

    fn told(at_s: i64, position: u32, window_s: [u32; 3]) -> Told {
        Told { at_us: at_s * SECOND_US, position, window_s: Some(window_s) }
    }

    #[test]
    fn the_first_is_told() {
        let estimate = told(0, 4, [100, 200, 300]);
        assert_eq!(tell(None, &estimate), Some(estimate));
    }

    #[test]
    fn what_counts_down_as_expected_is_not_told_again() {
        let first = told(0, 4, [100, 200, 300]);
        assert_eq!(tell(Some(&first), &told(60, 4, [45, 135, 260])), None);
    }

    #[test]
    fn a_step_forward_keeps_the_window() {
        let first = told(0, 4, [100, 200, 300]);
        assert_eq!(tell(Some(&first), &told(60, 3, [45, 135, 260])), Some(told(60, 3, [40, 140, 240])));
    }

    #[test]
    fn what_is_no_longer_true_is_told() {
        let first = told(0, 4, [100, 200, 300]);
        let longer = told(60, 4, [40, 140, 320]);
        assert_eq!(tell(Some(&first), &longer), Some(longer), "P90 alone");
        let overtaken = told(60, 5, [40, 140, 240]);
        assert_eq!(tell(Some(&first), &overtaken), Some(overtaken));
        let nobody = Told { window_s: None, ..told(60, 4, [0; 3]) };
        assert_eq!(tell(Some(&first), &nobody), Some(nobody));
        assert_eq!(tell(Some(&nobody), &nobody), None);
    }

    #[test]
    fn a_clock_that_stepped_back_does_no_harm() {
        let first = told(600, 4, [100, 200, 300]);
        assert_eq!(first.counted_down(0), first.window_s);
        assert_eq!(tell(Some(&first), &told(0, 4, [100, 200, 300])), None);
    }

    fn any_told() -> impl Strategy<Value = Told> {
        (0..10_000_i64, 1..50_u32, proptest::option::of([0..2000_u32, 0..2000_u32, 0..2000_u32])).prop_map(
            |(at_s, position, window_s)| {
                let sorted = |mut window: [u32; 3]| {
                    window.sort_unstable();
                    window
                };
                Told { at_us: at_s * SECOND_US, position, window_s: window_s.map(sorted) }
            },
        )
    }

    proptest! {
        /// Whatever was told before: what is shown is near the estimate, and the place is the true one.
        #[test]
        fn it_never_lies_for_long(last in any_told(), estimate in any_told()) {
            let shown = tell(Some(&last), &estimate).unwrap_or(last);
            prop_assert_eq!(shown.position, estimate.position);
            match (shown.counted_down(estimate.at_us), estimate.window_s) {
                (Some(shown), Some(estimated)) => prop_assert!(near(shown, estimated)),
                (shown, estimated) => prop_assert_eq!(shown, estimated),
            }
        }

        /// Telling changes nothing more until something happens.
        #[test]
        fn it_is_told_once(last in any_told(), estimate in any_told()) {
            let shown = tell(Some(&last), &estimate).unwrap_or(last);
            prop_assert_eq!(tell(Some(&shown), &estimate), None);
        }

        /// An estimate that jitters within the slack around a countdown is told once.
        #[test]
        fn jitter_is_not_told(jitter in proptest::collection::vec(-14..14_i32, 1..60)) {
            let first = told(0, 4, [600, 1000, 1500]);
            for (at, by) in jitter.into_iter().enumerate() {
                let by_s = |seconds: u32| (seconds - at as u32 * 5).saturating_add_signed(by);
                let estimate = told(at as i64 * 5, 4, [by_s(600), by_s(1000), by_s(1500)]);
                prop_assert_eq!(tell(Some(&first), &estimate), None);
            }
        }
    }
}
