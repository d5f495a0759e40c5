//! Who is next, and who serves: the decisions of the matcher, without the database. The server fetches heads and
//! candidates by index and asks here; the simulator asks here too.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Skills by name with their levels, 1 to 10.
pub type Levels = BTreeMap<String, u32>;

/// How a callback's priority gives it a head start, and what waiting is worth beside it.
///
/// Waiting raises every callback's priority by `increment` each `interval_s`. All rise alike, so the order of two never
/// changes while they wait, and a key that is computed once is enough: a priority of `p` is a head start of
/// `p / increment × interval_s` seconds. Whoever comes later than that head start is behind, whatever its priority: nobody
/// starves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ageing {
    /// How much priority an interval of waiting is worth, 1 to 1000.
    pub increment: u32,
    /// The interval, in seconds, 1 to 86 400.
    pub interval_s: u32,
    /// Priority counts up to here, 0 to 1000; more is the same as this.
    pub limit: u32,
}

impl Default for Ageing {
    fn default() -> Self {
        Self { increment: 1, interval_s: 60, limit: 100 }
    }
}

impl Ageing {
    /// What a priority is worth in waiting time, in microseconds.
    pub fn head_start_us(&self, priority: u32) -> i64 {
        let counted = i64::from(priority.min(self.limit));
        counted * i64::from(self.interval_s) * 1_000_000 / i64::from(self.increment.max(1))
    }
}

/// A callback's key in its line: the lower is the earlier. It never changes while the callback waits.
pub fn rank_us(waiting_since_us: i64, priority: u32, ageing: &Ageing) -> i64 {
    waiting_since_us.saturating_sub(ageing.head_start_us(priority))
}

/// Whether these skills satisfy what is required.
pub fn fits(required: &Levels, skills: &Levels) -> bool {
    required.iter().all(|(skill, level)| skills.get(skill).is_some_and(|has| has >= level))
}

/// How much more than required somebody who fits can do: the levels of all skills beyond what is asked for.
pub fn surplus(required: &Levels, skills: &Levels) -> u32 {
    let beyond =
        |(skill, has): (&String, &u32)| has.saturating_sub(required.get(skill).copied().unwrap_or(0));
    skills.iter().map(beyond).sum()
}

/// The head of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its [`rank_us`].
    pub rank_us: i64,
    /// The callback.
    pub callback_id: String,
}

/// Which of these heads is next: the lowest rank, and of equal ranks the callback that was made first.
pub fn first_in_line(heads: &[Head]) -> Option<usize> {
    (0..heads.len()).min_by_key(|at| (heads[*at].rank_us, &heads[*at].callback_id))
}

/// Which agent a service wants.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum AgentChoice {
    /// Whoever has waited longest for a call.
    LongestIdle,
    /// Whoever can do least besides, so that the more versatile stay free; of these the longest idle.
    BestFit,
}

/// A ready agent who fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The agent.
    pub agent_id: String,
    /// Ready since.
    pub idle_since_us: i64,
    /// See [`surplus`].
    pub surplus: u32,
}

/// Which of these agents gets the callback.
pub fn choose_agent(candidates: &[Candidate], choice: AgentChoice) -> Option<usize> {
    (0..candidates.len()).min_by_key(|at| {
        let candidate = &candidates[*at];
        let first = match choice {
            AgentChoice::LongestIdle => 0,
            AgentChoice::BestFit => candidate.surplus,
        };
        (first, candidate.idle_since_us, &candidate.agent_id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn levels(of: &[(&str, u32)]) -> Levels {
        of.iter().map(|(skill, level)| ((*skill).to_owned(), *level)).collect()
    }

    #[test]
    fn a_priority_is_a_head_start() {
        let ageing = Ageing { increment: 2, interval_s: 60, limit: 10 };
        assert_eq!(ageing.head_start_us(4), 120_000_000);
        assert_eq!(ageing.head_start_us(10), ageing.head_start_us(1000), "beyond the limit is the limit");
        assert_eq!(rank_us(200_000_000, 4, &ageing), 80_000_000);
    }

    #[test]
    fn skills_are_compared_by_level() {
        let required = levels(&[("english", 3), ("billing", 1)]);
        assert!(fits(&required, &levels(&[("english", 3), ("billing", 5), ("french", 9)])));
        assert!(!fits(&required, &levels(&[("english", 2), ("billing", 5)])));
        assert!(!fits(&required, &levels(&[("english", 9)])));
        assert!(fits(&Levels::new(), &Levels::new()));
        assert_eq!(surplus(&required, &levels(&[("english", 3), ("billing", 5), ("french", 9)])), 13);
    }

    #[test]
    fn the_longest_idle_or_the_least_versatile_serves() {
        let agent =
            |id: &str, idle_since_us, surplus| Candidate { agent_id: id.into(), idle_since_us, surplus };
        let ready = [agent("ada", 20, 1), agent("grace", 10, 7), agent("joan", 30, 1)];
        assert_eq!(choose_agent(&ready, AgentChoice::LongestIdle), Some(1));
        assert_eq!(choose_agent(&ready, AgentChoice::BestFit), Some(0));
        assert_eq!(choose_agent(&[], AgentChoice::BestFit), None);
    }

    proptest! {
        /// With ageing nobody starves: who comes later than the greatest head start is behind, whatever its priority.
        #[test]
        fn a_head_start_is_bounded(
            first in 0..10_i64.pow(15), later in 0..10_i64.pow(9), low in 0..1000_u32, high in 0..2000_u32,
            increment in 1..1000_u32, interval_s in 1..86_400_u32, limit in 0..1000_u32,
        ) {
            let ageing = Ageing { increment, interval_s, limit };
            let bound = ageing.head_start_us(limit);
            prop_assert!(rank_us(first, low, &ageing) < rank_us(first + bound + 1 + later, high, &ageing));
        }

        /// Of equal priority the one who waits longer is first; of two who came together the higher priority.
        #[test]
        fn order_is_by_wait_and_by_priority(since in 0..10_i64.pow(15), by in 1..10_i64.pow(9), priority in 0..100_u32) {
            let ageing = Ageing::default();
            prop_assert!(rank_us(since, priority, &ageing) < rank_us(since + by, priority, &ageing));
            prop_assert!(rank_us(since, priority + 1, &ageing) <= rank_us(since, priority, &ageing));
        }

        #[test]
        fn the_first_in_line_has_nobody_before_it(ranks in proptest::collection::vec(-50..50_i64, 0..20)) {
            let heads: Vec<_> = ranks.iter().enumerate()
                .map(|(at, rank)| Head { rank_us: *rank, callback_id: format!("cb_{at:03}") }).collect();
            let first = first_in_line(&heads);
            prop_assert_eq!(first.map(|at| ranks[at]), ranks.iter().copied().min());
            prop_assert_eq!(first, ranks.iter().min().and_then(|least| ranks.iter().position(|rank| rank == least)));
        }
    }
}
