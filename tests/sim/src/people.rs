//! Customers, agents, and what may happen to them.

use ringback_server::routing::matching::Levels;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// Somebody asks for a call.
    CallbackAsked,
    /// Somebody calls.
    LiveCall,
    /// A customer's patience ends.
    Cancels { callback: usize },
    /// A live caller hangs up.
    GivesUp { live: usize },
    /// An agent is done with what they are doing.
    Free { agent: usize },
    /// A shift begins.
    LogIn { agent: usize },
    /// A shift ends; a call is finished first.
    LogOut { agent: usize },
    /// A break is due; a call is finished first.
    BreakDue { agent: usize },
    /// Somebody who did not answer is tried again.
    Returns { callback: usize },
    /// Who waits is quoted again.
    Look,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    Offline,
    Ready,
    /// On a callback that the customer answers, or will turn out not to.
    Callback {
        callback: usize,
        answered: bool,
    },
    Live,
    Break,
}

pub(crate) struct Agent {
    pub(crate) skills: Levels,
    /// Takes live calls too.
    pub(crate) live: bool,
    pub(crate) doing: Doing,
    /// When that began.
    pub(crate) since_us: i64,
    /// The shift ended during a call.
    pub(crate) leaves: bool,
    /// A break fell due during a call.
    pub(crate) break_due: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Waiting,
    Reached,
    /// Did not answer and will be tried again.
    Snoozed,
    Over,
}

pub(crate) struct Callback {
    pub(crate) class: usize,
    pub(crate) asked_us: i64,
    /// When it entered the line, the last time.
    pub(crate) entered_us: i64,
    pub(crate) rank_us: i64,
    pub(crate) attempts: u32,
    pub(crate) state: State,
}
