//! How often anybody may ask: exact sliding windows, several at once, for each subject of a request.

use crate::refusal::Refusal;
use ringback_core::protocol::ProblemCode;
use serde::{Deserialize, Serialize};

/// How many windows a subject has at most.
const WINDOWS_MAX: usize = 8;
/// 31 days.
const WINDOW_MAX_S: u32 = 31 * 86_400;
/// The uses of a subject are remembered one by one.
const SUBJECT_COUNT_MAX: u32 = 100;
/// Those of a service are counted.
const SERVICE_COUNT_MAX: u32 = 1_000_000;

/// At most `count` requests in any `window_s` seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// How many, 1 to 100; for the whole service 1 to 1 000 000.
    pub count: u32,
    /// How long it is, in seconds, 1 to 2 678 400.
    pub window_s: u32,
}

impl Window {
    pub(super) fn length_us(self) -> i64 {
        i64::from(self.window_s) * 1_000_000
    }
}

/// The limits of a service. Each list holds up to 8 windows that apply at once; an empty one limits nothing. A request
/// that is refused is not counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// For one number.
    pub number: Vec<Window>,
    /// For numbers that differ in their last four digits only.
    pub prefix: Vec<Window>,
    /// For one installation of an app.
    pub installation: Vec<Window>,
    /// For one client address: IPv4 by /24, IPv6 by /64.
    pub address: Vec<Window>,
    /// For the service as a whole. Counted in sixtieths of the window, the begun one in full, so it may refuse up to one
    /// sixtieth too early; requests that are under way at the same moment are not seen by each other.
    pub service: Vec<Window>,
    /// How many callbacks of the service may be open at once; without end when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_callbacks: Option<u32>,
    /// How many callbacks of the service one number may have open at once, 1 to 5; 1 when absent.
    pub open_per_number: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            number: Vec::new(),
            prefix: Vec::new(),
            installation: Vec::new(),
            address: Vec::new(),
            service: Vec::new(),
            open_callbacks: None,
            open_per_number: 1,
        }
    }
}

impl Limits {
    /// Refuses limits that cannot be kept. Fields are named as they stand in a service, under `limits`.
    pub fn check(&self) -> Result<(), Refusal> {
        let lists = [
            ("number", &self.number, SUBJECT_COUNT_MAX),
            ("prefix", &self.prefix, SUBJECT_COUNT_MAX),
            ("installation", &self.installation, SUBJECT_COUNT_MAX),
            ("address", &self.address, SUBJECT_COUNT_MAX),
            ("service", &self.service, SERVICE_COUNT_MAX),
        ];
        let invalid = |field: String, sentence: String| {
            Err(Refusal::of_field(ProblemCode::FieldInvalid, &format!("limits.{field}"), sentence))
        };
        for (field, windows, count_max) in lists {
            if windows.len() > WINDOWS_MAX {
                return invalid(
                    field.to_owned(),
                    "A limit has at most 8 windows. Leave out the least.".to_owned(),
                );
            }
            for (place, window) in windows.iter().enumerate() {
                if !(1..=count_max).contains(&window.count) {
                    return invalid(
                        format!("{field}[{place}].count"),
                        format!("Allowed are 1 to {count_max}. Choose a number in that range."),
                    );
                }
                if !(1..=WINDOW_MAX_S).contains(&window.window_s) {
                    return invalid(
                        format!("{field}[{place}].window_s"),
                        format!("Allowed are 1 to {WINDOW_MAX_S}. Choose a number in that range."),
                    );
                }
            }
        }
        if self.open_callbacks == Some(0) {
            return invalid(
                "open_callbacks".to_owned(),
                "A service keeps at least one callback. To take none for a while, pause it.".to_owned(),
            );
        }
        if !(1..=5).contains(&self.open_per_number) {
            return invalid(
                "open_per_number".to_owned(),
                "Allowed are 1 to 5. Choose a number in that range.".to_owned(),
            );
        }
        Ok(())
    }
}

/// A window is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    /// Which: of several, the one that is full the longest.
    pub window: Window,
    /// When it has room again, in microseconds since 1970.
    pub retry_at_us: i64,
}

/// Decides by the recent uses of a subject, instants in microseconds since 1970, newest first. The answer is what is to
/// be remembered once this use is made: no more than the largest count, and nothing that is in no window any more.
///
/// A use lies in a window of length `w` that ends now if it was made after `now - w`; so at `use + w` there is room again.
/// Uses after `now` were made before the clock was put back. They count as made now: never too few are counted. See
/// [`wound_back`] for how such a subject comes free.
pub fn decide(recent: &[i64], windows: &[Window], now_us: i64) -> Result<Vec<i64>, Full> {
    let made_us = |place: usize| recent.get(place).map(|made| *made.min(&now_us));
    let full = windows.iter().filter_map(|window| {
        let place = usize::try_from(window.count).ok()?.checked_sub(1)?;
        let retry_at_us = made_us(place)?.saturating_add(window.length_us());
        (retry_at_us > now_us).then_some(Full { window: *window, retry_at_us })
    });
    if let Some(full) = full.max_by_key(|full| full.retry_at_us) {
        return Err(full);
    }
    let kept = windows.iter().map(|window| window.count as usize).max().unwrap_or(0);
    let oldest_us = now_us.saturating_sub(longest_us(windows));
    let earlier = (0..recent.len()).filter_map(made_us).filter(|made| *made > oldest_us);
    Ok(std::iter::once(now_us).chain(earlier).take(kept).collect())
}

/// How long uses are of interest.
pub(super) fn longest_us(windows: &[Window]) -> i64 {
    windows.iter().map(|window| window.length_us()).max().unwrap_or(0)
}

/// What is to be remembered of uses that lie in the future because the clock was put back: they were made by now. From
/// then on they age, and the subject is free at most one window later, however far the clock was ahead.
pub(super) fn wound_back(recent: &[i64], now_us: i64) -> Vec<i64> {
    recent.iter().map(|made| *made.min(&now_us)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: i64 = 1_000_000;

    fn windows(list: &[(u32, u32)]) -> Vec<Window> {
        list.iter().map(|(count, window_s)| Window { count: *count, window_s: *window_s }).collect()
    }

    /// Tries at each second; which were let through.
    fn through(windows: &[Window], tries: impl IntoIterator<Item = i64>) -> Vec<i64> {
        let mut recent = Vec::new();
        tries
            .into_iter()
            .filter(|now_s| {
                let decision = decide(&recent, windows, now_s * S);
                decision.map(|kept| recent = kept).is_ok()
            })
            .collect()
    }

    #[test]
    fn one_a_minute_three_an_hour_six_a_day() {
        let windows = windows(&[(1, 60), (3, 3600), (6, 86_400)]);
        assert_eq!(
            through(&windows, (0..=86_520).step_by(30)),
            [0, 60, 120, 3600, 3660, 3720, 86_400, 86_460, 86_520]
        );
    }

    #[test]
    fn the_window_that_is_full_longest_is_named() {
        let windows = windows(&[(1, 60), (2, 3600)]);
        let full = decide(&[100 * S, 10 * S], &windows, 110 * S).unwrap_err();
        assert_eq!(full, Full { window: windows[1], retry_at_us: 3610 * S });
        let full = decide(&[100 * S], &windows, 110 * S).unwrap_err();
        assert_eq!(full, Full { window: windows[0], retry_at_us: 160 * S });
    }

    #[test]
    fn without_windows_nothing_is_refused_or_remembered() {
        assert_eq!(decide(&[], &[], 5), Ok(Vec::new()));
    }

    #[test]
    fn a_clock_put_back_for_a_year_locks_nobody_out_for_longer_than_a_window() {
        let windows = windows(&[(2, 60)]);
        let year = 365 * 86_400 * S;
        let recent = [year + 2 * S, year + S];
        assert!(decide(&recent, &windows, 10 * S).is_err());
        let recent = wound_back(&recent, 10 * S);
        assert!(decide(&recent, &windows, 70 * S - 1).is_err());
        assert!(decide(&recent, &windows, 70 * S).is_ok());
    }

    #[test]
    fn limits_out_of_range_are_named() {
        let field = |json: serde_json::Value| {
            let limits: Limits = serde_json::from_value(json).unwrap();
            limits.check().err().and_then(|refusal| refusal.into_problem().field)
        };
        let window = |count, window_s| serde_json::json!({"count": count, "window_s": window_s});
        assert_eq!(field(serde_json::json!({})), None);
        assert_eq!(field(serde_json::json!({"service": [window(1_000_000, 1)]})), None);
        assert_eq!(
            field(serde_json::json!({"number": [window(1, 1), window(101, 1)]})).as_deref(),
            Some("limits.number[1].count")
        );
        assert_eq!(
            field(serde_json::json!({"address": [window(1, 2_678_401)]})).as_deref(),
            Some("limits.address[0].window_s")
        );
        assert_eq!(
            field(serde_json::json!({"prefix": vec![window(1, 1); 9]})).as_deref(),
            Some("limits.prefix")
        );
        assert_eq!(
            field(serde_json::json!({"open_per_number": 6})).as_deref(),
            Some("limits.open_per_number")
        );
        assert_eq!(field(serde_json::json!({"open_callbacks": 0})).as_deref(), Some("limits.open_callbacks"));
        assert!(serde_json::from_value::<Limits>(serde_json::json!({"numbers": []})).is_err());
    }

    fn any_windows() -> impl Strategy<Value = Vec<Window>> {
        prop::collection::vec((1_u32..6, 1_u32..40), 1..4).prop_map(|list| windows(&list))
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_than_its_count(
            windows in any_windows(), steps in prop::collection::vec(0_i64..15 * S, 1..80),
        ) {
            let (mut recent, mut made, mut now) = (Vec::new(), Vec::new(), 0);
            for step in steps {
                now += step;
                if let Ok(kept) = decide(&recent, &windows, now) {
                    recent = kept;
                    made.push(now);
                    for window in &windows {
                        let held = made.iter().filter(|made| **made > now - window.length_us()).count();
                        prop_assert!(held <= window.count as usize);
                    }
                }
            }
        }

        #[test]
        fn a_refusal_says_to_the_microsecond_when_a_try_succeeds(
            windows in any_windows(), steps in prop::collection::vec(0_i64..15 * S, 1..40),
        ) {
            let (mut recent, mut now) = (Vec::new(), 0);
            for step in steps {
                now += step;
                match decide(&recent, &windows, now) {
                    Ok(kept) => recent = kept,
                    Err(full) => {
                        prop_assert!(full.retry_at_us > now);
                        prop_assert!(decide(&recent, &windows, full.retry_at_us - 1).is_err());
                        prop_assert!(decide(&recent, &windows, full.retry_at_us).is_ok());
                    }
                }
            }
        }

        /// Whatever the clock says, true time goes on. Subjects are wound back now and then, as the sweep does.
        #[test]
        fn a_clock_that_jumps_lets_no_more_through_and_locks_nobody_out(
            windows in any_windows(),
            steps in prop::collection::vec((0_i64..10 * S, prop::option::weighted(0.2, -500 * S..0_i64), any::<bool>()), 1..80),
        ) {
            let (mut recent, mut made, mut truth, mut offset) = (Vec::new(), Vec::new(), 0, 0);
            for (step, jump, sweep) in steps {
                truth += step;
                offset += jump.unwrap_or(0);
                if sweep {
                    recent = wound_back(&recent, truth + offset);
                }
                if let Ok(kept) = decide(&recent, &windows, truth + offset) {
                    recent = kept;
                    made.push(truth);
                    for window in &windows {
                        let held = made.iter().filter(|made| **made > truth - window.length_us()).count();
                        prop_assert!(held <= window.count as usize);
                    }
                }
            }
            let swept = truth + offset;
            let recent = wound_back(&recent, swept);
            prop_assert!(decide(&recent, &windows, swept + longest_us(&windows)).is_ok());
        }
    }
}
