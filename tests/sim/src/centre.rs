//! The eight centres.

use ringback_server::routing::matching::{Ageing, AgentChoice, Levels};

/// A contact centre and the people who ask it for a call.
#[derive(Debug, Clone)]
pub struct Centre {
    /// Its name in the table and in file names.
    pub name: &'static str,
    /// What it is like, for the report.
    pub about: &'static str,
    /// Is the number of agents the same at all times?
    pub constant_staffing: bool,
    /// Callbacks asked for in an average hour.
    pub callbacks_per_hour: f64,
    /// Live calls in an average hour; they take the same agents and go first.
    pub live_per_hour: f64,
    /// What each hour of the day gets of both, 1 being the average; a straight line leads from one to the next.
    pub profile: [f64; 24],
    /// Who asks.
    pub classes: Vec<Class>,
    /// Who serves.
    pub teams: Vec<Team>,
    /// Seconds of talk and wrap-up of a callback: mean and coefficient of variation (lognormal).
    pub talk_s: (f64, f64),
    /// The same of a live call.
    pub live_talk_s: (f64, f64),
    /// Mean patience of a live caller in seconds (exponential).
    pub live_patience_s: f64,
    /// Mean patience of somebody who waits for a callback, in seconds (Weibull, shape 1.2).
    pub patience_s: f64,
    /// The share of customers who do not answer when it is their turn.
    pub no_show: f64,
    /// Minutes of work between two breaks, and of a break; both vary. None: no breaks.
    pub breaks_min: Option<(f64, f64)>,
    /// See [`AgentChoice`].
    pub choice: AgentChoice,
    /// See [`Ageing`].
    pub ageing: Ageing,
    /// A wait up to this many seconds is within the service level.
    pub goal_s: f64,
}

/// Customers of one kind.
#[derive(Debug, Clone)]
pub struct Class {
    /// What they are called in the table.
    pub name: &'static str,
    /// Their share of all callbacks.
    pub share: f64,
    /// The skills they need.
    pub required: Levels,
    /// Their priority.
    pub priority: u32,
}

/// Agents of one kind.
#[derive(Debug, Clone)]
pub struct Team {
    /// How many.
    pub agents: usize,
    /// Their skills.
    pub skills: Levels,
    /// When. Empty: always.
    pub shifts: Vec<Shift>,
    /// Whether they also take live calls.
    pub live: bool,
}

/// A time somebody works.
#[derive(Debug, Clone, Copy)]
pub struct Shift {
    /// Hour of the day.
    pub from_h: f64,
    /// Hour of the day, later than `from_h`.
    pub to_h: f64,
    /// Whether its start and its end were planned, so that the server knows them.
    pub planned: (bool, bool),
}

fn levels(of: &[(&str, u32)]) -> Levels {
    of.iter().map(|(skill, level)| ((*skill).to_owned(), *level)).collect()
}

fn one_class() -> Vec<Class> {
    vec![Class { name: "all", share: 1.0, required: Levels::new(), priority: 0 }]
}

fn always(agents: usize) -> Vec<Team> {
    vec![Team { agents, skills: Levels::new(), shifts: Vec::new(), live: true }]
}

const FLAT: [f64; 24] = [1.0; 24];

fn steady() -> Centre {
    Centre {
        name: "steady",
        about: "20 agents around the clock, demand close to what they can do; two fifths of their work are live calls",
        constant_staffing: true,
        callbacks_per_hour: 142.0,
        live_per_hour: 85.0,
        profile: FLAT,
        classes: one_class(),
        teams: always(20),
        talk_s: (300.0, 0.7),
        live_talk_s: (300.0, 0.7),
        live_patience_s: 90.0,
        patience_s: 5400.0,
        no_show: 0.04,
        breaks_min: Some((110.0, 10.0)),
        choice: AgentChoice::LongestIdle,
        ageing: Ageing::default(),
        goal_s: 900.0,
    }
}

/// All eight, in the order of the report.
pub fn all() -> Vec<Centre> {
    vec![
        steady(),
        Centre {
            name: "daily swing",
            about: "the same staff all day under a morning and an afternoon peak",
            callbacks_per_hour: 105.0,
            live_per_hour: 72.0,
            profile: [
                0.35, 0.25, 0.2, 0.2, 0.25, 0.45, 0.8, 1.1, 1.45, 1.7, 1.75, 1.6, 1.35, 1.25, 1.4, 1.5, 1.45,
                1.3, 1.15, 1.0, 0.9, 0.75, 0.6, 0.45,
            ],
            ..steady()
        },
        Centre {
            name: "overload",
            about: "a fifth more callbacks than 20 agents can serve: who waits too long leaves",
            callbacks_per_hour: 160.0,
            patience_s: 3600.0,
            goal_s: 1800.0,
            ..steady()
        },
        Centre {
            name: "small team",
            about: "3 agents with long calls, and one live call in ten",
            callbacks_per_hour: 21.0,
            live_per_hour: 3.0,
            teams: always(3),
            talk_s: (420.0, 0.7),
            patience_s: 3600.0,
            breaks_min: None,
            ..steady()
        },
        Centre {
            name: "staffing change",
            about: "three shifts of different size; two agents leave at noon unplanned, and for half an hour at 18:00 nobody is there, as planned",
            constant_staffing: false,
            callbacks_per_hour: 84.0,
            live_per_hour: 40.0,
            profile: [
                0.4, 0.3, 0.3, 0.3, 0.4, 0.6, 0.9, 1.3, 1.6, 1.7, 1.7, 1.6, 1.5, 1.5, 1.4, 1.4, 1.3, 1.2,
                1.1, 1.0, 0.8, 0.7, 0.5, 0.5,
            ],
            teams: staffing_change(),
            ..steady()
        },
        Centre {
            name: "two priorities",
            about: "one in four is worth a head start of 15 minutes",
            classes: vec![
                Class { name: "gold", share: 0.25, required: Levels::new(), priority: 15 },
                Class { name: "plain", share: 0.75, required: Levels::new(), priority: 0 },
            ],
            ..steady()
        },
        Centre {
            name: "multi-skill",
            about: "English, German and billing in two languages; 24 agents, most with more than one skill, billing by level",
            callbacks_per_hour: 232.0,
            live_per_hour: 20.0,
            classes: vec![
                Class { name: "english", share: 0.45, required: levels(&[("english", 3)]), priority: 0 },
                Class { name: "german", share: 0.25, required: levels(&[("german", 3)]), priority: 0 },
                Class {
                    name: "english billing",
                    share: 0.2,
                    required: levels(&[("billing", 4), ("english", 3)]),
                    priority: 0,
                },
                Class {
                    name: "german billing",
                    share: 0.1,
                    required: levels(&[("billing", 4), ("german", 3)]),
                    priority: 0,
                },
            ],
            teams: vec![
                Team { agents: 9, skills: levels(&[("english", 5)]), shifts: Vec::new(), live: true },
                Team { agents: 4, skills: levels(&[("german", 5)]), shifts: Vec::new(), live: true },
                Team {
                    agents: 5,
                    skills: levels(&[("billing", 5), ("english", 5)]),
                    shifts: Vec::new(),
                    live: false,
                },
                Team {
                    agents: 3,
                    skills: levels(&[("billing", 2), ("english", 4), ("german", 4)]),
                    shifts: Vec::new(),
                    live: false,
                },
                Team {
                    agents: 3,
                    skills: levels(&[("billing", 5), ("english", 3), ("german", 5)]),
                    shifts: Vec::new(),
                    live: false,
                },
            ],
            choice: AgentChoice::BestFit,
            ..steady()
        },
        Centre {
            name: "no-shows",
            about: "a quarter does not answer when called; each costs an agent's time and may be tried once more",
            callbacks_per_hour: 152.0,
            no_show: 0.25,
            ..steady()
        },
    ]
}

fn staffing_change() -> Vec<Team> {
    let team = |agents, shifts: &[(f64, f64, bool, bool)]| Team {
        agents,
        skills: Levels::new(),
        live: true,
        shifts: shifts
            .iter()
            .map(|&(from_h, to_h, start, end)| Shift { from_h, to_h, planned: (start, end) })
            .collect(),
    };
    vec![
        team(5, &[(0.0, 6.0, true, true), (22.0, 24.0, true, true)]),
        team(15, &[(6.0, 14.0, true, true)]),
        team(2, &[(6.0, 12.0, true, false)]),
        team(14, &[(13.5, 18.0, true, true), (18.5, 22.0, true, true)]),
    ]
}
