//! The life of a callback as a pure function: where it is, what happens, what follows. `docs/states.md` is made from it.

use crate::services::policy::ConfirmTimeout;
use ringback_core::protocol::{CallbackState, CompletedReason, Direction, EventKind, RoutingPhase};
use serde::{Deserialize, Serialize};

/// Where a callback is. The wire's flat `state`, `phase` and `reason`, with the combinations that cannot be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// Promised for a chosen time.
    Scheduled,
    /// In line.
    Queued,
    /// On the way to being connected.
    Routing(Phase),
    /// The two are talking.
    Processing,
    /// Over.
    Completed(CompletedReason),
}

/// How far the connecting has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The agent looks at it first.
    Previewing,
    /// The person is being asked; no provider has taken the push yet.
    Reserved,
    /// The person is being asked, and a provider has taken the push.
    Notified,
    /// The person is ready, or need not be asked.
    Confirmed,
    /// The call is being made.
    Connecting,
    /// The customer is being called before an agent is reserved. On the wire this is `connecting` too.
    Ahead,
    /// The customer has answered and waits on the phone for an agent.
    Holding,
}

/// What an agent or a phone engine reports of a call.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum DialResult {
    /// The customer has answered.
    Connected,
    /// The line was busy.
    Busy,
    /// It rang and nobody answered.
    NoAnswer,
    /// A machine answered.
    Machine,
    /// A fax answered.
    Fax,
    /// The network refused the call.
    Failed,
    /// The customer refused the call.
    Rejected,
}

/// What the agent says of a talk.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// The matter was dealt with.
    Handled,
    /// Somebody else answered.
    WrongPerson,
    /// The customer chose another time.
    Reschedule,
    /// The customer no longer needs the call.
    Cancel,
}

/// What happens to a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The chosen time is near.
    Enter,
    /// A ready agent fits.
    Reserve {
        /// Whether the agent looks at it first.
        preview: bool,
        /// Whether the person is asked.
        ask: bool,
    },
    /// The agent takes it.
    Accept {
        /// Whether the person is asked.
        ask: bool,
    },
    /// The agent does not take it, or let the time for looking pass.
    Pass {
        /// Whether the agent becomes `not_ready`.
        not_ready: bool,
    },
    /// A push provider took the question.
    PushAccepted,
    /// The person says "ready", perhaps on another number.
    Ready,
    /// The person says "later".
    Snooze,
    /// The person, or the contact centre, chooses another time.
    Reschedule {
        /// "Now" instead of a time.
        now: bool,
    },
    /// Another number is to be called.
    ChangeNumber,
    /// The person, or somebody of the contact centre, takes it back.
    Cancel {
        /// Whether the contact centre does.
        by_staff: bool,
    },
    /// Nobody answered the question in time.
    ConfirmTimedOut {
        /// What the service wants then.
        policy: ConfirmTimeout,
        /// Whether this was the last attempt.
        last: bool,
    },
    /// An agent is likely to be free by the time the customer answers.
    DialAhead,
    /// The phone engine, the agent or the customer begins to dial.
    Dial,
    /// What came of dialing.
    Dialed {
        /// The result.
        result: DialResult,
        /// Whether there will be another attempt if it did not connect.
        again: bool,
        /// Whether an agent is free for a customer who was called ahead.
        agent: bool,
    },
    /// A free agent takes the customer who waits on the phone.
    Attach,
    /// The customer who waits on the phone hung up, or no agent came in time.
    HoldEnded {
        /// Whether there will be another attempt.
        again: bool,
    },
    /// The number the customer was given to dial was not dialed in time.
    CallInExpired,
    /// The agent is no longer there.
    AgentLost,
    /// The talk is over.
    Finish {
        /// What came of it.
        disposition: Disposition,
        /// Whether there will be another attempt if the wrong person answered.
        again: bool,
    },
    /// The talk has lasted longer than any does; nobody said how it ended.
    TalkTimedOut,
    /// It has been in line, or waited for its time, for too long.
    Expire,
    /// The person has called in.
    CalledIn {
        /// Whether that settles it; otherwise it moves to the front.
        resolve: bool,
    },
}

/// What becomes of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentMove {
    /// Nothing.
    Keep,
    /// From `ready` to `reserved`.
    Reserve,
    /// From `ready` to `on_call`.
    Take,
    /// Back to `ready`, no longer tied to the callback.
    Release,
    /// To `not_ready`, no longer tied to the callback.
    Retire,
    /// To `on_call`.
    OnCall,
    /// To `wrap_up`, no longer tied to the callback.
    WrapUp,
    /// No longer tied to the callback; the agent's own state is somebody else's decision.
    Untie,
}

/// What follows from an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Where the callback is now.
    pub to: Position,
    /// What the event log says.
    pub event: EventKind,
    /// What becomes of the agent.
    pub agent: AgentMove,
}

/// Decides what follows, or `None` when the callback is not where the input supposes it.
pub fn next(at: Position, input: Input, direction: Direction) -> Option<Change> {
    use Phase::{Ahead, Confirmed, Connecting, Holding, Notified, Previewing, Reserved};
    use Position::{Completed, Processing, Queued, Routing, Scheduled};

    let change = |to, event, agent| Some(Change { to, event, agent });
    let complete = |reason, agent| change(Completed(reason), EventKind::Completed, agent);
    let asked = |ask| if ask { (Reserved, EventKind::Reserved) } else { (Confirmed, EventKind::Confirmed) };
    // Whom a callback lets go when it leaves where it is; before a call is made it may leave at any moment.
    let release = if at.holds_agent() { AgentMove::Release } else { AgentMove::Keep };
    let before_dialing = match at {
        Scheduled | Queued => true,
        Routing(phase) => matches!(phase, Previewing | Reserved | Notified | Confirmed),
        Processing | Completed(_) => false,
    };
    match (at, input) {
        (Scheduled, Input::Enter) => change(Queued, EventKind::Entered, AgentMove::Keep),
        (Scheduled | Queued, Input::Expire) => complete(CompletedReason::Expired, AgentMove::Keep),

        (Queued, Input::Reserve { preview: true, .. }) => {
            change(Routing(Previewing), EventKind::Previewing, AgentMove::Reserve)
        }
        (Queued, Input::Reserve { preview: false, ask }) => {
            let (phase, event) = asked(ask);
            change(Routing(phase), event, AgentMove::Reserve)
        }
        (Routing(Previewing), Input::Accept { ask }) => {
            let (phase, event) = asked(ask);
            change(Routing(phase), event, AgentMove::Keep)
        }
        (Routing(Previewing), Input::Pass { not_ready }) => {
            let agent = if not_ready { AgentMove::Retire } else { AgentMove::Release };
            change(Queued, EventKind::Requeued, agent)
        }

        (Routing(Reserved), Input::PushAccepted) => {
            change(Routing(Notified), EventKind::Notified, AgentMove::Keep)
        }
        (Routing(Reserved | Notified), Input::Ready) => {
            change(Routing(Confirmed), EventKind::Confirmed, AgentMove::Keep)
        }
        (Routing(Reserved | Notified), Input::ConfirmTimedOut { policy, last }) => match policy {
            ConfirmTimeout::Connect => change(Routing(Confirmed), EventKind::Confirmed, AgentMove::Keep),
            ConfirmTimeout::Requeue if !last => change(Queued, EventKind::Requeued, AgentMove::Release),
            ConfirmTimeout::Requeue | ConfirmTimeout::Complete => {
                complete(CompletedReason::NoAnswer, AgentMove::Release)
            }
        },

        (Queued | Routing(_), Input::Snooze) if before_dialing => change(Queued, EventKind::Snoozed, release),
        (_, Input::Reschedule { now }) if before_dialing => {
            change(if now { Queued } else { Scheduled }, EventKind::Rescheduled, release)
        }
        (Scheduled | Queued, Input::ChangeNumber) => change(at, EventKind::NumberChanged, AgentMove::Keep),
        (_, Input::CalledIn { resolve: true }) if before_dialing => {
            complete(CompletedReason::ResolvedByInbound, release)
        }
        (Scheduled | Queued, Input::CalledIn { resolve: false }) => {
            change(Queued, EventKind::MovedToFront, AgentMove::Keep)
        }

        (Queued, Input::DialAhead) => change(Routing(Ahead), EventKind::Connecting, AgentMove::Keep),
        (Routing(Confirmed), Input::Dial) => {
            change(Routing(Connecting), EventKind::Connecting, AgentMove::Keep)
        }
        (Routing(Connecting), Input::Dialed { result: DialResult::Connected, .. }) => {
            change(Processing, EventKind::Processing, AgentMove::OnCall)
        }
        (Routing(Ahead), Input::Dialed { result: DialResult::Connected, agent: true, .. })
        | (Routing(Holding), Input::Attach) => change(Processing, EventKind::Processing, AgentMove::Take),
        (Routing(Ahead), Input::Dialed { result: DialResult::Connected, agent: false, .. }) => {
            change(Routing(Holding), EventKind::Holding, AgentMove::Keep)
        }
        (Routing(Connecting | Ahead), Input::Dialed { again: true, .. }) => {
            change(Queued, EventKind::AttemptFailed, release)
        }
        (Routing(Connecting | Ahead), Input::Dialed { result, again: false, .. }) => {
            complete(unreached(result), release)
        }
        (Routing(Holding), Input::HoldEnded { again: true }) => {
            change(Queued, EventKind::AttemptFailed, AgentMove::Keep)
        }
        (Routing(Holding), Input::HoldEnded { again: false }) => {
            complete(CompletedReason::Failed, AgentMove::Keep)
        }
        (Routing(Connecting), Input::CallInExpired) if direction == Direction::CustomerOriginated => {
            complete(CompletedReason::Expired, AgentMove::Release)
        }

        (Routing(_), Input::AgentLost) if at.holds_agent() => {
            change(Queued, EventKind::Requeued, AgentMove::Untie)
        }
        (Processing, Input::TalkTimedOut) => complete(CompletedReason::Failed, AgentMove::WrapUp),
        (Processing, Input::Finish { disposition, again }) => match disposition {
            Disposition::Handled => complete(CompletedReason::Handled, AgentMove::WrapUp),
            Disposition::WrongPerson if again => change(Queued, EventKind::AttemptFailed, AgentMove::WrapUp),
            Disposition::WrongPerson => complete(CompletedReason::Unreachable, AgentMove::WrapUp),
            Disposition::Reschedule => change(Scheduled, EventKind::Rescheduled, AgentMove::WrapUp),
            Disposition::Cancel => complete(CompletedReason::CancelledByCustomer, AgentMove::WrapUp),
        },

        (Scheduled | Queued | Routing(_), Input::Cancel { by_staff }) => {
            let reason = if by_staff {
                CompletedReason::CancelledByStaff
            } else {
                CompletedReason::CancelledByCustomer
            };
            complete(reason, release)
        }
        _ => None,
    }
}

/// How a callback ends whose last call had this result.
fn unreached(result: DialResult) -> CompletedReason {
    match result {
        DialResult::Busy | DialResult::NoAnswer | DialResult::Machine => CompletedReason::NoAnswer,
        DialResult::Fax | DialResult::Failed | DialResult::Connected => CompletedReason::Unreachable,
        DialResult::Rejected => CompletedReason::Declined,
    }
}

impl Position {
    /// The wire's `state`.
    pub fn state(self) -> CallbackState {
        match self {
            Self::Scheduled => CallbackState::Scheduled,
            Self::Queued => CallbackState::Queued,
            Self::Routing(_) => CallbackState::Routing,
            Self::Processing => CallbackState::Processing,
            Self::Completed(_) => CallbackState::Completed,
        }
    }

    /// The wire's `phase`.
    pub fn phase(self) -> Option<RoutingPhase> {
        let Self::Routing(phase) = self else { return None };
        Some(match phase {
            Phase::Previewing => RoutingPhase::Previewing,
            Phase::Reserved => RoutingPhase::Reserved,
            Phase::Notified => RoutingPhase::Notified,
            Phase::Confirmed => RoutingPhase::Confirmed,
            Phase::Connecting | Phase::Ahead => RoutingPhase::Connecting,
            Phase::Holding => RoutingPhase::Holding,
        })
    }

    /// The wire's `reason`.
    pub fn reason(self) -> Option<CompletedReason> {
        if let Self::Completed(reason) = self { Some(reason) } else { None }
    }

    /// Whether it has a place in line, or will have one.
    pub fn is_waiting(self) -> bool {
        matches!(self, Self::Scheduled | Self::Queued)
    }

    /// Whether the person is being asked.
    pub fn is_asking(self) -> bool {
        matches!(self, Self::Routing(Phase::Reserved | Phase::Notified))
    }

    /// Whether an agent is tied to the callback.
    pub fn holds_agent(self) -> bool {
        match self {
            Self::Routing(phase) => !matches!(phase, Phase::Ahead | Phase::Holding),
            Self::Processing => true,
            Self::Scheduled | Self::Queued | Self::Completed(_) => false,
        }
    }

    /// From the wire's three fields and whether an agent is tied; `None` when they contradict each other.
    pub fn from_parts(
        state: CallbackState,
        phase: Option<RoutingPhase>,
        reason: Option<CompletedReason>,
        tied: bool,
    ) -> Option<Self> {
        let at = match (state, phase, reason) {
            (CallbackState::Scheduled, None, None) => Self::Scheduled,
            (CallbackState::Queued, None, None) => Self::Queued,
            (CallbackState::Routing, Some(phase), None) => Self::Routing(match phase {
                RoutingPhase::Previewing => Phase::Previewing,
                RoutingPhase::Reserved => Phase::Reserved,
                RoutingPhase::Notified => Phase::Notified,
                RoutingPhase::Confirmed => Phase::Confirmed,
                RoutingPhase::Connecting if tied => Phase::Connecting,
                RoutingPhase::Connecting => Phase::Ahead,
                RoutingPhase::Holding => Phase::Holding,
                RoutingPhase::Unknown => return None,
            }),
            (CallbackState::Processing, None, None) => Self::Processing,
            (CallbackState::Completed, None, Some(reason)) => Self::Completed(reason),
            _ => return None,
        };
        (at.holds_agent() == tied).then_some(at)
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
