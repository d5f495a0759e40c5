//! How much of an agent's time is there for callbacks.

use serde::{Deserialize, Serialize};

/// What an agent who is logged in was occupied with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occupation {
    /// Ready for a callback.
    Ready,
    /// A callback, from the reservation to ready again.
    Callback,
    /// Anything else: live calls, breaks, other work.
    Elsewhere,
}

/// What one agent does with the time while logged in; the last hours count most.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AgentMeasures {
    elsewhere_s: f64,
    total_s: f64,
}

/// What an agent did this long ago counts by 1/e.
const MEMORY_S: f64 = 3.0 * 3600.0;
/// A new agent starts as if callbacks had had all of this time.
const PRIOR_S: f64 = 900.0;

impl Default for AgentMeasures {
    fn default() -> Self {
        Self { elsewhere_s: 0.0, total_s: PRIOR_S }
    }
}

impl AgentMeasures {
    /// An occupation of so many seconds has ended. Time logged out is not recorded.
    pub fn record(&mut self, occupation: Occupation, for_s: f64) {
        let keep = (-for_s.max(0.0) / MEMORY_S).exp();
        // The time itself fades while it passes.
        let counted_s = MEMORY_S * (1.0 - keep);
        let elsewhere_s = if occupation == Occupation::Elsewhere { counted_s } else { 0.0 };
        self.elsewhere_s = self.elsewhere_s * keep + elsewhere_s;
        self.total_s = self.total_s * keep + counted_s;
    }

    /// The share of this agent's time that is there for callbacks, 0 to 1. Being ready counts: nobody was waiting.
    pub fn share(&self) -> f64 {
        1.0 - self.elsewhere_s / self.total_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_agent_counts_by_the_time_that_is_there_for_callbacks() {
        let mut agent = AgentMeasures::default();
        assert_eq!(agent.share(), 1.0);
        for _ in 0..200 {
            agent.record(Occupation::Callback, 300.0);
            agent.record(Occupation::Ready, 100.0);
            agent.record(Occupation::Elsewhere, 400.0);
        }
        assert!((agent.share() - 0.5).abs() < 0.02, "{}", agent.share());
        for _ in 0..200 {
            agent.record(Occupation::Callback, 300.0);
        }
        assert!(agent.share() > 0.99, "what is long ago is forgotten: {}", agent.share());
    }

    proptest! {
        #[test]
        fn a_share_is_a_share(spells in proptest::collection::vec((0..3_usize, -10.0..1e7_f64), 0..50)) {
            let mut agent = AgentMeasures::default();
            for (occupation, for_s) in spells {
                let all = [Occupation::Ready, Occupation::Callback, Occupation::Elsewhere];
                agent.record(all[occupation], for_s);
                prop_assert!((0.0..=1.0).contains(&agent.share()));
            }
        }
    }
}
