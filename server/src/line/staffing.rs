//! Who is there, and for which lines.

use crate::refusal::Refusal;
use crate::routing::agents::AgentState;
use crate::storage::Tx;
use crate::wait::AgentMeasures;
use crate::words::column_word;
use std::collections::HashMap;

/// Who fits what; changes with the setup only.
#[derive(Debug, Default, Clone)]
pub(super) struct Fits {
    /// The lines each agent serves.
    pub(super) lines_of: HashMap<String, Vec<String>>,
    /// The agents of each line.
    pub(super) agents_of: HashMap<String, Vec<String>>,
}

impl Fits {
    pub(super) fn read(tx: &mut Tx<'_>) -> Result<Self, Refusal> {
        let pairs = tx.query("select agent_id, requirement_id from agent_requirements", &[], |row| {
            Ok((row.get::<String>(0)?, row.get::<String>(1)?))
        })?;
        let mut fits = Self::default();
        for (agent_id, requirement_id) in pairs {
            fits.lines_of.entry(agent_id.clone()).or_default().push(requirement_id.clone());
            fits.agents_of.entry(requirement_id).or_default().push(agent_id);
        }
        Ok(fits)
    }
}

/// Who is logged in, and what they are doing.
pub(super) fn logged_in(tx: &mut Tx<'_>) -> Result<HashMap<String, AgentState>, Refusal> {
    let agents = tx.query("select id, state from agents where state <> 'offline'", &[], |row| {
        Ok((row.get(0)?, column_word(row, 1)?))
    })?;
    Ok(agents.into_iter().collect())
}

/// A line's agents at one moment.
#[derive(Debug, Default, Clone)]
pub(super) struct Staff {
    /// Logged in, whatever they are doing.
    pub(super) logged_in: u32,
    /// Ready.
    pub(super) ready: u32,
    /// Counted by the share of their time that is there for callbacks.
    pub(super) effective: f64,
    /// Of each other line's agents who are logged in, the share that also serves this one.
    pub(super) shared_with: HashMap<String, f64>,
}

/// The agents of a line.
pub(super) fn of_line(
    requirement_id: &str,
    fits: &Fits,
    there: &HashMap<String, AgentState>,
    measures: &HashMap<String, AgentMeasures>,
) -> Staff {
    let mut staff = Staff::default();
    let mut shared: HashMap<&str, u32> = HashMap::new();
    let nobody = Vec::new();
    for agent in fits.agents_of.get(requirement_id).unwrap_or(&nobody) {
        let Some(state) = there.get(agent) else { continue };
        staff.logged_in += 1;
        staff.ready += u32::from(*state == AgentState::Ready);
        staff.effective += measures.get(agent).copied().unwrap_or_default().share();
        for line in fits.lines_of.get(agent).unwrap_or(&nobody) {
            *shared.entry(line).or_default() += 1;
        }
    }
    staff.shared_with = shared
        .into_iter()
        .map(|(line, both)| {
            let of_it = fits
                .agents_of
                .get(line)
                .map_or(0, |agents| agents.iter().filter(|agent| there.contains_key(*agent)).count());
            (line.to_owned(), f64::from(both) / of_it.max(1) as f64)
        })
        .collect();
    staff
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pairs: &[(&str, &str)]) -> Fits {
        let mut fits = Fits::default();
        for (agent, line) in pairs {
            fits.lines_of.entry((*agent).to_owned()).or_default().push((*line).to_owned());
            fits.agents_of.entry((*line).to_owned()).or_default().push((*agent).to_owned());
        }
        fits
    }

    #[test]
    fn who_serves_two_lines_counts_in_both() {
        let fits = fits(&[("ada", "a"), ("ada", "b"), ("grace", "b"), ("joan", "b"), ("away", "b")]);
        let there =
            [("ada", AgentState::Ready), ("grace", AgentState::OnCall), ("joan", AgentState::NotReady)];
        let there = there.map(|(agent, state)| (agent.to_owned(), state)).into();
        let staff = of_line("a", &fits, &there, &HashMap::new());
        assert_eq!((staff.logged_in, staff.ready, staff.effective), (1, 1, 1.0));
        assert_eq!(staff.shared_with["a"], 1.0);
        assert!((staff.shared_with["b"] - 1.0 / 3.0).abs() < 1e-9);
        let staff = of_line("b", &fits, &there, &HashMap::new());
        assert_eq!((staff.logged_in, staff.ready), (3, 1));
        assert_eq!(staff.shared_with["a"], 1.0);
        assert_eq!(of_line("nobody's", &fits, &there, &HashMap::new()).logged_in, 0);
    }
}
