//! How many customers to call before an agent is free for them.

/// Before so many calls nothing is known of how many answer, and nobody is called beyond the free agents.
const MEASURED_FROM: u32 = 20;

/// What a customer-first line looks like at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Ready agents who fit.
    pub free: u32,
    /// Customers being called or waiting on the phone for an agent.
    pub ahead: u32,
    /// The last calls, at most a hundred.
    pub called: u32,
    /// How many of them were answered.
    pub answered: u32,
}

/// How many more customers may be called now: as many as it takes for each free agent to get one who answers, by what
/// was measured, and never more than the free agents and `surplus_max`.
pub fn calls_to_make(pace: Pace, surplus_max: u32) -> u32 {
    if pace.free == 0 {
        return 0;
    }
    let wanted = if pace.called < MEASURED_FROM {
        pace.free
    } else {
        // With nobody answering the ceiling decides.
        pace.free.saturating_mul(pace.called).checked_div(pace.answered).unwrap_or(u32::MAX)
    };
    wanted.min(pace.free.saturating_add(surplus_max)).saturating_sub(pace.ahead)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn calls(free: u32, ahead: u32, called: u32, answered: u32, surplus_max: u32) -> u32 {
        calls_to_make(Pace { free, ahead, called, answered }, surplus_max)
    }

    #[test]
    fn each_free_agent_gets_a_customer_who_answers() {
        assert_eq!(calls(4, 0, 100, 50, 10), 8);
        assert_eq!(calls(4, 3, 100, 50, 10), 5);
        assert_eq!(calls(4, 0, 100, 50, 1), 5, "the ceiling");
        assert_eq!(calls(4, 0, 19, 1, 10), 4, "too little is known");
        assert_eq!(calls(4, 0, 100, 0, 3), 7, "nobody answers");
    }

    proptest! {
        #[test]
        fn never_beyond_the_ceiling_and_never_without_agents(
            free in 0..1000_u32, ahead in 0..1000_u32, called in 0..=100_u32, answered in 0..=100_u32, surplus in 0..=100_u32,
        ) {
            let made = calls(free, ahead, called, answered.min(called), surplus);
            prop_assert!(made == 0 || ahead + made <= free + surplus);
            prop_assert!(free > 0 || made == 0);
        }

        #[test]
        fn more_answers_mean_fewer_calls(free in 1..100_u32, answered in 1..100_u32, surplus in 0..=100_u32) {
            prop_assert!(calls(free, 0, 100, answered + 1, surplus) <= calls(free, 0, 100, answered, surplus));
        }
    }
}
