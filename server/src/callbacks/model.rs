//! The life of a callback as a pure function: where it is, what happens, what follows.

use ringback_core::protocol::{CallbackState, CompletedReason, Direction, EventKind, RoutingPhase};
use serde::{Deserialize, Serialize};

/// Where a callback is. The wire's flat `state`, `phase` and `reason`, with the combinations that cannot be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// In line.
    Queued,
    /// An agent is reserved.
    Routing(Phase),
    /// The two are talking.
    Processing,
    /// Over.
    Completed(CompletedReason),
}

/// How far the connecting has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The person is being asked; no provider has taken the push yet.
    Reserved,
    /// The person is being asked, and a provider has taken the push.
    Notified,
    /// The person is ready, or need not be asked.
    Confirmed,
    /// The call is being made.
    Connecting,
}

/// What an agent or a phone engine reports of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DialResult {
    /// The two are talking.
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

/// What a service does when nobody answers "are you ready?" in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmTimeout {
    /// Call anyway.
    Connect,
    /// Back to the same place in line, to be asked again; after the last attempt it ends with `no_answer`.
    Requeue,
    /// End with `no_answer`.
    Complete,
}

/// What happens to a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A ready agent fits.
    Reserve {
        /// Whether the person is asked first.
        ask: bool,
    },
    /// A push provider took the question.
    PushAccepted,
    /// The person says "ready", perhaps on another number.
    Ready,
    /// The person says "later".
    Snooze,
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
    /// The phone engine, the agent or the customer begins to dial.
    Dial,
    /// What came of dialing.
    Dialed(DialResult),
    /// The number the customer was given to dial was not dialed in time.
    CallInExpired,
    /// The agent is no longer there.
    AgentLost,
    /// The talk is over.
    Finish,
}

/// What becomes of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentMove {
    /// Nothing.
    Keep,
    /// From `ready` to `reserved`.
    Reserve,
    /// Back to `ready`, no longer tied to the callback.
    Release,
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
    use Phase::{Confirmed, Connecting, Notified, Reserved};
    use Position::{Completed, Processing, Queued, Routing};

    let change = |to, event, agent| Some(Change { to, event, agent });
    let complete = |reason, agent| change(Completed(reason), EventKind::Completed, agent);
    match (at, input) {
        (Queued, Input::Reserve { ask: true }) => {
            change(Routing(Reserved), EventKind::Reserved, AgentMove::Reserve)
        }
        (Queued, Input::Reserve { ask: false }) => {
            change(Routing(Confirmed), EventKind::Confirmed, AgentMove::Reserve)
        }

        (Routing(Reserved), Input::PushAccepted) => {
            change(Routing(Notified), EventKind::Notified, AgentMove::Keep)
        }
        (Routing(Reserved | Notified), Input::Ready) => {
            change(Routing(Confirmed), EventKind::Confirmed, AgentMove::Keep)
        }
        (Routing(Reserved | Notified), Input::Snooze) => {
            change(Queued, EventKind::Snoozed, AgentMove::Release)
        }
        (Routing(Reserved | Notified), Input::ConfirmTimedOut { policy, last }) => match policy {
            ConfirmTimeout::Connect => change(Routing(Confirmed), EventKind::Confirmed, AgentMove::Keep),
            ConfirmTimeout::Requeue if !last => change(Queued, EventKind::Requeued, AgentMove::Release),
            ConfirmTimeout::Requeue | ConfirmTimeout::Complete => {
                complete(CompletedReason::NoAnswer, AgentMove::Release)
            }
        },

        (Routing(Confirmed), Input::Dial) => {
            change(Routing(Connecting), EventKind::Connecting, AgentMove::Keep)
        }
        (Routing(Connecting), Input::Dialed(result)) => match result {
            DialResult::Connected => change(Processing, EventKind::Processing, AgentMove::OnCall),
            DialResult::Busy | DialResult::NoAnswer | DialResult::Machine => {
                complete(CompletedReason::NoAnswer, AgentMove::Release)
            }
            DialResult::Fax | DialResult::Failed => {
                complete(CompletedReason::Unreachable, AgentMove::Release)
            }
            DialResult::Rejected => complete(CompletedReason::Declined, AgentMove::Release),
        },
        (Routing(Connecting), Input::CallInExpired) if direction == Direction::CustomerOriginated => {
            complete(CompletedReason::Expired, AgentMove::Release)
        }

        (Routing(_), Input::AgentLost) => change(Queued, EventKind::Requeued, AgentMove::Untie),
        (Processing, Input::Finish) => complete(CompletedReason::Handled, AgentMove::WrapUp),

        (Queued, Input::Cancel { by_staff }) => complete(cancelled(by_staff), AgentMove::Keep),
        (Routing(_), Input::Cancel { by_staff }) => complete(cancelled(by_staff), AgentMove::Release),
        _ => None,
    }
}

fn cancelled(by_staff: bool) -> CompletedReason {
    if by_staff { CompletedReason::CancelledByStaff } else { CompletedReason::CancelledByCustomer }
}

impl Position {
    /// The wire's `state`.
    pub fn state(self) -> CallbackState {
        match self {
            Self::Queued => CallbackState::Queued,
            Self::Routing(_) => CallbackState::Routing,
            Self::Processing => CallbackState::Processing,
            Self::Completed(_) => CallbackState::Completed,
        }
    }

    /// The wire's `phase`.
    pub fn phase(self) -> Option<RoutingPhase> {
        match self {
            Self::Routing(Phase::Reserved) => Some(RoutingPhase::Reserved),
            Self::Routing(Phase::Notified) => Some(RoutingPhase::Notified),
            Self::Routing(Phase::Confirmed) => Some(RoutingPhase::Confirmed),
            Self::Routing(Phase::Connecting) => Some(RoutingPhase::Connecting),
            _ => None,
        }
    }

    /// The wire's `reason`.
    pub fn reason(self) -> Option<CompletedReason> {
        if let Self::Completed(reason) = self { Some(reason) } else { None }
    }

    /// Whether the person is being asked.
    pub fn is_asking(self) -> bool {
        matches!(self, Self::Routing(Phase::Reserved | Phase::Notified))
    }

    /// Whether an agent is tied to the callback.
    pub fn holds_agent(self) -> bool {
        matches!(self, Self::Routing(_) | Self::Processing)
    }

    /// From the wire's three fields; `None` when they contradict each other.
    pub fn from_parts(
        state: CallbackState,
        phase: Option<RoutingPhase>,
        reason: Option<CompletedReason>,
    ) -> Option<Self> {
        match (state, phase, reason) {
            (CallbackState::Queued, None, None) => Some(Self::Queued),
            (CallbackState::Routing, Some(phase), None) => Some(Self::Routing(match phase {
                RoutingPhase::Reserved => Phase::Reserved,
                RoutingPhase::Notified => Phase::Notified,
                RoutingPhase::Confirmed => Phase::Confirmed,
                RoutingPhase::Connecting => Phase::Connecting,
                RoutingPhase::Previewing | RoutingPhase::Holding | RoutingPhase::Unknown => return None,
            })),
            (CallbackState::Processing, None, None) => Some(Self::Processing),
            (CallbackState::Completed, None, Some(reason)) => Some(Self::Completed(reason)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DIRECTIONS: [Direction; 2] = [Direction::CustomerTerminated, Direction::CustomerOriginated];

    fn inputs() -> Vec<Input> {
        let mut all = vec![
            Input::Reserve { ask: true },
            Input::Reserve { ask: false },
            Input::PushAccepted,
            Input::Ready,
            Input::Snooze,
            Input::Cancel { by_staff: false },
            Input::Cancel { by_staff: true },
            Input::Dial,
            Input::CallInExpired,
            Input::AgentLost,
            Input::Finish,
        ];
        for policy in [ConfirmTimeout::Connect, ConfirmTimeout::Requeue, ConfirmTimeout::Complete] {
            all.extend([false, true].map(|last| Input::ConfirmTimedOut { policy, last }));
        }
        use DialResult::*;
        all.extend([Connected, Busy, NoAnswer, Machine, Fax, Failed, Rejected].map(Input::Dialed));
        all
    }

    fn walk(inputs: &[Input]) -> Position {
        inputs.iter().fold(Position::Queued, |at, input| {
            next(at, *input, Direction::CustomerTerminated).expect("a legal step").to
        })
    }

    #[test]
    fn the_road_ends_handled() {
        let road = [
            Input::Reserve { ask: true },
            Input::PushAccepted,
            Input::Ready,
            Input::Dial,
            Input::Dialed(DialResult::Connected),
            Input::Finish,
        ];
        assert_eq!(walk(&road), Position::Completed(CompletedReason::Handled));
    }

    #[test]
    fn a_silent_customer_is_treated_as_the_service_wants() {
        let silent =
            |policy, last| walk(&[Input::Reserve { ask: true }, Input::ConfirmTimedOut { policy, last }]);
        let no_answer = Position::Completed(CompletedReason::NoAnswer);
        assert_eq!(silent(ConfirmTimeout::Connect, true), Position::Routing(Phase::Confirmed));
        assert_eq!(silent(ConfirmTimeout::Requeue, false), Position::Queued);
        assert_eq!(silent(ConfirmTimeout::Requeue, true), no_answer);
        assert_eq!(silent(ConfirmTimeout::Complete, false), no_answer);
    }

    #[test]
    fn a_call_that_fails_ends_with_its_reason() {
        let dialed =
            |result| walk(&[Input::Reserve { ask: false }, Input::Dial, Input::Dialed(result)]).reason();
        assert_eq!(dialed(DialResult::Busy), Some(CompletedReason::NoAnswer));
        assert_eq!(dialed(DialResult::Failed), Some(CompletedReason::Unreachable));
        assert_eq!(dialed(DialResult::Rejected), Some(CompletedReason::Declined));
    }

    #[test]
    fn nobody_cancels_a_call_that_is_being_handled() {
        for by_staff in [false, true] {
            let cancel = Input::Cancel { by_staff };
            assert_eq!(next(Position::Processing, cancel, Direction::CustomerTerminated), None);
        }
    }

    proptest! {
        /// Whatever happens in whatever order: what is over stays over, and an agent is tied exactly while the
        /// callback holds one, so none is lost and none is held twice.
        #[test]
        fn agents_are_tied_and_untied_in_step(
            steps in proptest::collection::vec(0..inputs().len(), 0..60), direction in 0..2usize,
        ) {
            let inputs = inputs();
            let (mut at, mut tied) = (Position::Queued, false);
            for step in steps {
                let Some(change) = next(at, inputs[step], DIRECTIONS[direction]) else { continue };
                prop_assert!(!matches!(at, Position::Completed(_)), "moved after its end");
                tied = match change.agent {
                    AgentMove::Reserve => { prop_assert!(!tied); true }
                    AgentMove::OnCall => { prop_assert!(tied); true }
                    AgentMove::Release | AgentMove::WrapUp | AgentMove::Untie => { prop_assert!(tied); false }
                    AgentMove::Keep => tied,
                };
                at = change.to;
                prop_assert_eq!(tied, at.holds_agent());
                prop_assert_eq!(Position::from_parts(at.state(), at.phase(), at.reason()), Some(at));
            }
        }
    }
}
