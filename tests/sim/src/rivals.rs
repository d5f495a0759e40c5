//! The formulas others use, each from what a server sees.

use std::collections::VecDeque;

/// What is kept for them, of one line.
#[derive(Debug, Default)]
pub(crate) struct Rivals {
    starts_us: VecDeque<i64>,
    last_wait_s: Option<f64>,
    asterisk_s: i64,
    handled_s: VecDeque<f64>,
    /// How the newest left the line: true if unserved.
    abandoned: VecDeque<bool>,
}

/// What they are asked about.
pub(crate) struct Place {
    /// 1 is next.
    pub(crate) position: f64,
    /// What this callback has waited already.
    pub(crate) waited_s: f64,
    /// Logged in who fit.
    pub(crate) agents: f64,
    /// What the first in line has waited; 0 if there is none.
    pub(crate) head_waited_s: f64,
}

/// Service starts that the rate is taken from.
const STARTS: usize = 32;
/// Handled calls and ends of waits that averages are taken over.
const LAST: usize = 500;

/// Microseconds as seconds.
pub(crate) fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

fn push<T>(ring: &mut VecDeque<T>, value: T, most: usize) {
    if ring.len() == most {
        ring.pop_front();
    }
    ring.push_back(value);
}

impl Rivals {
    pub(crate) fn began(&mut self, now_us: i64, waited_s: f64) {
        push(&mut self.starts_us, now_us, STARTS);
        push(&mut self.abandoned, false, LAST);
        self.last_wait_s = Some(waited_s);
        // As apps/app_queue.c has it: whole seconds, three quarters of the old value and a quarter of the new wait.
        self.asterisk_s = (3 * self.asterisk_s + waited_s as i64) >> 2;
    }

    pub(crate) fn left(&mut self) {
        push(&mut self.abandoned, true, LAST);
    }

    pub(crate) fn handled(&mut self, busy_s: f64) {
        push(&mut self.handled_s, busy_s, LAST);
    }

    /// Position × the mean interval between the last 32 starts of service.
    pub(crate) fn last_32(&self, place: &Place) -> Option<f64> {
        let (first_us, last_us) = (*self.starts_us.front()?, *self.starts_us.back()?);
        let intervals = self.starts_us.len() - 1;
        (self.starts_us.len() == STARTS)
            .then(|| place.position * seconds(last_us - first_us) / intervals as f64)
    }

    /// LES: as long as whoever was last reached has waited.
    pub(crate) fn last_to_enter_service(&self, place: &Place) -> Option<f64> {
        self.last_wait_s.map(|wait_s| (wait_s - place.waited_s).max(0.0))
    }

    /// HOL: as long as the first in line has waited.
    pub(crate) fn head_of_line(&self, place: &Place) -> f64 {
        (place.head_waited_s - place.waited_s).max(0.0)
    }

    /// Average handling time × position / agents × (1 − share of those who abandon).
    pub(crate) fn handling_time(&self, place: &Place) -> Option<f64> {
        if self.handled_s.is_empty() || place.agents < 1.0 {
            return None;
        }
        let mean_s = self.handled_s.iter().sum::<f64>() / self.handled_s.len() as f64;
        let abandoned = self.abandoned.iter().filter(|abandoned| **abandoned).count() as f64;
        let share = abandoned / self.abandoned.len().max(1) as f64;
        Some(mean_s * place.position / place.agents * (1.0 - share))
    }

    /// The moving average of waits.
    pub(crate) fn asterisk(&self, place: &Place) -> Option<f64> {
        self.last_wait_s.map(|_| (self.asterisk_s as f64 - place.waited_s).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_formula_is_what_its_name_says() {
        let mut rivals = Rivals::default();
        for start in 0..40 {
            rivals.began(start * 30_000_000, 100.0);
        }
        rivals.began(40 * 30_000_000, 500.0);
        rivals.handled(240.0);
        rivals.handled(360.0);
        for _ in 0..41 {
            rivals.left();
        }
        let place = Place { position: 4.0, waited_s: 60.0, agents: 6.0, head_waited_s: 400.0 };
        assert_eq!(rivals.last_32(&place), Some(120.0));
        assert_eq!(rivals.last_to_enter_service(&place), Some(440.0));
        assert_eq!(rivals.head_of_line(&place), 340.0);
        assert_eq!(rivals.handling_time(&place), Some(100.0));
        // 97 is where whole seconds get stuck on the way to 100; then (3 × 97 + 500) / 4 = 197.
        assert_eq!(rivals.asterisk(&place), Some(137.0));
    }
}
