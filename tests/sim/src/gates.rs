//! What has to hold.

use crate::quotes::{ESTIMATORS, LAST_32};
use crate::score::Score;

/// Our RMSE is at most this part of the last-32 rate's.
const OF_LAST_32: f64 = 0.8;
/// Where staffing is constant, this share of waits is below P90.
const BELOW_P90: (f64, f64) = (0.88, 0.93);
/// Where it changes, at least this.
const BELOW_P90_CHANGING: f64 = 0.85;

/// One sentence for each gate that is missed.
pub fn missed(scores: &[Score]) -> Vec<String> {
    let mut missed = Vec::new();
    for score in scores {
        let name = score.centre.name;
        if score.ratio_to(LAST_32) > OF_LAST_32 {
            let ratio = score.ratio_to(LAST_32);
            missed.push(format!("{name}: RMSE is {ratio:.3} of the last-32 rate's, more than {OF_LAST_32}"));
        }
        for (other, estimator) in ESTIMATORS.iter().enumerate().skip(1) {
            if score.ratio_to(other) > 1.0 {
                missed.push(format!("{name}: RMSE is {:.3} of that of {estimator}", score.ratio_to(other)));
            }
        }
        let (least, most) =
            if score.centre.constant_staffing { BELOW_P90 } else { (BELOW_P90_CHANGING, 1.0) };
        let below = score.below[2];
        if !(least..=most).contains(&below) {
            missed.push(format!("{name}: {below:.3} of the waits are below P90, not {least} to {most}"));
        }
        if score.unstaffed.numbers > 0 {
            missed.push(format!("{name}: {} numbers while nobody was there", score.unstaffed.numbers));
        }
        if score.scored == 0 {
            missed.push(format!("{name}: no wait was scored"));
        }
    }
    if scores.iter().all(|score| score.unstaffed.questions == 0) {
        missed.push("nobody asked while nobody was there, so nothing is known of it".to_owned());
    }
    missed
}
