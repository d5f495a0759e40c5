//! What is measured of one line, and what is learned from promises that were made in it.

use serde::{Deserialize, Serialize};

/// Something that happened in a line. The server writes it down in the transaction in which it happens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// A callback entered the line: it is new, or it comes back after a snooze or an attempt.
    Entered {
        /// How much earlier its rank is than now, in seconds: its head start, and for one that comes back also the
        /// time since it was first asked for.
        lead_s: f64,
    },
    /// A callback left the line before an agent was there: cancelled or expired.
    Left {
        /// Seconds since it entered.
        waited_s: f64,
    },
    /// An agent was reserved for a callback.
    Began {
        /// Seconds since it entered.
        waited_s: f64,
        /// What was promised as it entered; only the first time that an agent is reserved for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        promise: Option<Promise>,
    },
    /// The reservation is over and the agent ready again, gone or on other work.
    Spell {
        /// Seconds of the agent's time since the reservation: asking, ringing, talking, wrap-up. Attempts that nobody
        /// answered count as well.
        busy_s: f64,
    },
}

/// What was promised, and what it was made of before anything learned was applied.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    /// Mean of the model, in seconds.
    pub model_mean_s: f64,
    /// Variance of the model, in seconds squared.
    pub model_variance_s2: f64,
    /// One in ten waits is shorter, as promised.
    pub p10_s: u32,
    /// Half of all waits are shorter, as promised.
    pub p50_s: u32,
    /// Nine in ten waits are shorter, as promised.
    pub p90_s: u32,
    /// How many agents, counted by their share, it was reckoned with.
    pub effective_agents: f64,
}

/// A ratio of two sums in which the newest values count most: with `keep` of each earlier one left at a new one.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Recent {
    of: f64,
    to: f64,
}

impl Recent {
    fn add(&mut self, of: f64, to: f64, keep: f64) {
        self.of = self.of * keep + of;
        self.to = self.to * keep + to;
    }

    fn ratio(&self) -> Option<f64> {
        (self.to > 0.0).then(|| self.of / self.to)
    }

    /// As if so much more of `to` had been seen, at a ratio of 1.
    fn ratio_beside(&self, prior: f64) -> f64 {
        (self.of + prior) / (self.to + prior)
    }
}

/// About this many of the newest count.
const fn keep_of_last(count: f64) -> f64 {
    1.0 - 1.0 / count
}
const KEEP_SPELLS: f64 = keep_of_last(1000.0);
const KEEP_LEAVING: f64 = keep_of_last(1000.0);
const KEEP_BIAS: f64 = keep_of_last(2000.0);
const KEEP_SPREAD: f64 = keep_of_last(1000.0);
const KEEP_STAFFING: f64 = keep_of_last(50.0);

/// Entries this long ago count by 1/e.
const ENTRIES_MEMORY_S: f64 = 4.0 * 3600.0;
/// A longer time without any fact counts as this: the line was closed.
const LONGEST_GAP_S: f64 = 900.0;
/// Callbacks that enter are told apart by lead; these are the upper bounds, in seconds, and one class more beyond.
const LEADS_S: [f64; 11] = [1.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1200.0, 1800.0, 2700.0, 3600.0, 7200.0];

/// Before anything is learned the model counts as right, with the weight of a promise of this many spells.
const PRIOR_SPELLS: f64 = 10.0;
/// However bad the model is, it is corrected by no more than this.
const BIAS: (f64, f64) = (0.4, 2.5);
const SPREAD: (f64, f64) = (0.2, 20.0);
/// How far a single promise moves the levels. Small: waits overlap, and so one mistake is seen many times over.
const LEVEL_STEP: f64 = 0.003;
const LOW_LEVEL: (f64, f64) = (0.005, 0.4);
const HIGH_LEVEL: (f64, f64) = (0.6, 0.995);

/// Those who enter with leads of one class.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Entries {
    count: f64,
    leads_s: f64,
}

/// What is measured of one line: the callbacks of one queue with the same requirement. A few hundred bytes.
///
/// Three things are learned from promises, all from what the server itself said and saw. *Bias*: the ratio of waits to
/// the model's means. *Spread*: how much wider waits scatter than the model says. *Levels*: which quantiles of the
/// fitted distribution have to be quoted so that one in ten waits is below P10 and above P90, by adaptive conformal
/// inference (Gibbs and Candès, Advances in Neural Information Processing Systems 34, 2021).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    last_us: Option<i64>,
    spells: Recent,
    leaving: Recent,
    observed_s: f64,
    entries: [Entries; LEADS_S.len() + 1],
    bias: Recent,
    spread: Recent,
    low_level: f64,
    high_level: f64,
    promises: u64,
    staffing: Recent,
    last_wait_s: Option<f64>,
}

impl Default for Measures {
    fn default() -> Self {
        Self {
            last_us: None,
            spells: Recent::default(),
            leaving: Recent::default(),
            observed_s: 0.0,
            entries: Default::default(),
            bias: Recent::default(),
            spread: Recent::default(),
            low_level: 0.1,
            high_level: 0.9,
            promises: 0,
            staffing: Recent::default(),
            last_wait_s: None,
        }
    }
}

impl Measures {
    /// Folds in a fact. They come in the order in which they happened; one that comes late counts as now.
    pub fn record(&mut self, at_us: i64, fact: &Fact) {
        self.pass(at_us);
        match *fact {
            Fact::Entered { lead_s } => {
                let class = LEADS_S.iter().position(|most| lead_s <= *most).unwrap_or(LEADS_S.len());
                self.entries[class].count += 1.0;
                self.entries[class].leads_s += lead_s;
            }
            Fact::Left { waited_s } => self.leaving.add(1.0, waited_s, KEEP_LEAVING),
            Fact::Spell { busy_s } => self.spells.add(busy_s, 1.0, KEEP_SPELLS),
            Fact::Began { waited_s, promise } => {
                self.leaving.add(0.0, waited_s, KEEP_LEAVING);
                self.last_wait_s = Some(waited_s);
                if let Some(promise) = promise {
                    self.learn(waited_s, &promise);
                }
            }
        }
    }

    fn pass(&mut self, at_us: i64) {
        let last_us = self.last_us.unwrap_or(at_us);
        self.last_us = Some(last_us.max(at_us));
        let passed_s = ((at_us - last_us).max(0) as f64 / 1e6).min(LONGEST_GAP_S);
        let keep = (-passed_s / ENTRIES_MEMORY_S).exp();
        self.observed_s = self.observed_s * keep + ENTRIES_MEMORY_S * (1.0 - keep);
        for entries in &mut self.entries {
            entries.count *= keep;
            entries.leads_s *= keep;
        }
    }

    fn learn(&mut self, waited_s: f64, promise: &Promise) {
        self.promises += 1;
        self.bias.add(waited_s, promise.model_mean_s, KEEP_BIAS);
        let off_s = waited_s - promise.model_mean_s * self.bias();
        self.spread.add(off_s * off_s, promise.model_variance_s2, KEEP_SPREAD);
        self.staffing.add(promise.effective_agents, 1.0, KEEP_STAFFING);

        // Promises are whole seconds: a wait counts as below if it rounds to no more.
        let below = |promised_s: u32| if waited_s < f64::from(promised_s) + 0.5 { 1.0 } else { 0.0 };
        let moved = |level: f64, target: f64, promised_s| level + LEVEL_STEP * (target - below(promised_s));
        self.low_level = moved(self.low_level, 0.1, promise.p10_s).clamp(LOW_LEVEL.0, LOW_LEVEL.1);
        self.high_level = moved(self.high_level, 0.9, promise.p90_s).clamp(HIGH_LEVEL.0, HIGH_LEVEL.1);
    }

    /// Mean seconds of an agent's time for one reservation.
    pub fn spell_s(&self) -> Option<f64> {
        self.spells.ratio()
    }

    /// How many reservations that mean rests on, the newest 1000 at most.
    pub fn spells(&self) -> f64 {
        self.spells.to
    }

    /// How likely a second of waiting is somebody's last before they leave unserved.
    pub fn leaving_per_s(&self) -> f64 {
        self.leaving.ratio().unwrap_or(0.0)
    }

    /// How long the last callback waited that an agent was reserved for, in seconds.
    pub fn last_wait_s(&self) -> Option<f64> {
        self.last_wait_s
    }

    /// How many promises were learned from.
    pub fn promises(&self) -> u64 {
        self.promises
    }

    /// Mean number of effective agents under which the newest promises were made.
    pub fn usual_agents(&self) -> Option<f64> {
        self.staffing.ratio()
    }

    /// When the newest fact happened.
    pub fn last_us(&self) -> Option<i64> {
        self.last_us
    }

    /// Waits are this many times the model's.
    pub fn bias(&self) -> f64 {
        let prior = PRIOR_SPELLS * self.spell_s().unwrap_or(1.0);
        self.bias.ratio_beside(prior).clamp(BIAS.0, BIAS.1)
    }

    /// Waits scatter with this many times the model's variance.
    pub fn spread(&self) -> f64 {
        let prior = PRIOR_SPELLS * self.spell_s().unwrap_or(1.0).powi(2);
        self.spread.ratio_beside(prior).clamp(SPREAD.0, SPREAD.1)
    }

    /// Which quantiles of the fitted distribution are quoted as P10 and as P90.
    pub fn levels(&self) -> (f64, f64) {
        (self.low_level, self.high_level)
    }

    /// Who will overtake a callback with this lead: how many in a second, and for how many seconds from now such come.
    pub fn overtaking(&self, lead_s: f64) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.entries.iter().filter(|entries| entries.count > 0.0 && self.observed_s > 0.0).filter_map(
            move |entries| {
                let for_s = entries.leads_s / entries.count - lead_s;
                // A second of difference is somebody who asked at the same time.
                (for_s > 1.0).then_some((entries.count / self.observed_s, for_s))
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_US: i64 = 1_000_000;

    fn promise(p10_s: u32, p50_s: u32, p90_s: u32) -> Promise {
        let model_mean_s = f64::from(p50_s);
        Promise { model_mean_s, model_variance_s2: 900.0, p10_s, p50_s, p90_s, effective_agents: 4.0 }
    }

    #[test]
    fn rates_are_measured() {
        let mut measures = Measures::default();
        assert_eq!(measures.spell_s(), None);
        for minute in 0..600 {
            let at_us = minute * 60 * SECOND_US;
            measures.record(at_us, &Fact::Entered { lead_s: 0.0 });
            measures.record(at_us, &Fact::Spell { busy_s: 200.0 });
            measures.record(at_us, &Fact::Spell { busy_s: 400.0 });
            measures.record(at_us, &Fact::Left { waited_s: 100.0 });
            measures.record(at_us, &Fact::Began { waited_s: 300.0, promise: None });
            if minute % 4 == 0 {
                measures.record(at_us, &Fact::Entered { lead_s: 600.0 });
            }
        }
        assert!((measures.spell_s().unwrap() - 300.0).abs() < 0.5);
        assert!((measures.leaving_per_s() - 1.0 / 400.0).abs() < 1e-4);
        assert_eq!(measures.last_wait_s(), Some(300.0));
        let overtaking: Vec<_> = measures.overtaking(0.0).collect();
        let [(per_s, for_s)] = overtaking[..] else { panic!("one class overtakes: {overtaking:?}") };
        assert!((per_s - 1.0 / 240.0).abs() < 1e-4, "{per_s}");
        assert!((for_s - 600.0).abs() < 1e-6);
        assert_eq!(measures.overtaking(600.0).count(), 0, "nobody overtakes an equal");
    }

    #[test]
    fn a_night_does_not_wash_out_the_day() {
        let mut measures = Measures::default();
        for minute in 0..600 {
            measures.record(minute * 60 * SECOND_US, &Fact::Entered { lead_s: 600.0 });
        }
        let evening: Vec<_> = measures.overtaking(0.0).collect();
        measures.record(2000 * 60 * SECOND_US, &Fact::Spell { busy_s: 1.0 });
        let morning: Vec<_> = measures.overtaking(0.0).collect();
        assert!(morning[0].0 > 0.9 * evening[0].0);
    }

    #[test]
    fn a_model_that_is_half_the_truth_is_doubled() {
        let mut measures = Measures::default();
        measures.record(0, &Fact::Spell { busy_s: 10.0 });
        for second in 0..4000 {
            let began = Fact::Began { waited_s: 200.0, promise: Some(promise(80, 100, 150)) };
            measures.record(second * SECOND_US, &began);
        }
        assert!((measures.bias() - 2.0).abs() < 0.01, "{}", measures.bias());
        assert_eq!(measures.promises(), 4000);
        assert!(measures.levels().1 > 0.99, "P90 was always too low: {:?}", measures.levels());
    }

    #[test]
    fn levels_stay_where_promises_are_kept() {
        let mut measures = Measures::default();
        for round in 0..10_000_i64 {
            let waited_s = (round * 37 % 100) as f64;
            let began = Fact::Began { waited_s, promise: Some(promise(9, 49, 89)) };
            measures.record(round * SECOND_US, &began);
        }
        let (low, high) = measures.levels();
        assert!((low - 0.1).abs() < 0.02 && (high - 0.9).abs() < 0.02, "{low} {high}");
    }

    #[test]
    fn a_fact_survives_being_written_down() {
        let fact = Fact::Began { waited_s: 12.5, promise: Some(promise(1, 2, 3)) };
        let written = serde_json::to_string(&fact).unwrap();
        assert!(written.starts_with(r#"{"fact":"began","waited_s":12.5,"promise":{"#), "{written}");
        assert_eq!(serde_json::from_str::<Fact>(&written).unwrap(), fact);
    }
}
