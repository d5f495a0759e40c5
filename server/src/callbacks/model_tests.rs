//! The rule book of [`next`](super::next), examples first.

use super::*;
use proptest::prelude::*;
use std::fmt::Write;

const DIRECTIONS: [Direction; 2] = [Direction::CustomerTerminated, Direction::CustomerOriginated];
const RESULTS: [DialResult; 7] = [
    DialResult::Connected,
    DialResult::Busy,
    DialResult::NoAnswer,
    DialResult::Machine,
    DialResult::Fax,
    DialResult::Failed,
    DialResult::Rejected,
];

/// Every input with the words of the table.
fn inputs() -> Vec<(String, Input)> {
    let mut all = vec![("Enter".to_owned(), Input::Enter)];
    let mut add = |name: &str, input| all.push((name.to_owned(), input));
    add("Reserve, with preview", Input::Reserve { preview: true, ask: true });
    add("Reserve, asking", Input::Reserve { preview: false, ask: true });
    add("Reserve, not asking", Input::Reserve { preview: false, ask: false });
    add("Accept, asking", Input::Accept { ask: true });
    add("Accept, not asking", Input::Accept { ask: false });
    add("Pass", Input::Pass { not_ready: false });
    add("Pass, not ready after", Input::Pass { not_ready: true });
    add("PushAccepted", Input::PushAccepted);
    add("Ready", Input::Ready);
    add("Snooze", Input::Snooze);
    add("Reschedule, to a time", Input::Reschedule { now: false });
    add("Reschedule, to now", Input::Reschedule { now: true });
    add("ChangeNumber", Input::ChangeNumber);
    for (word, policy) in [
        ("connect", ConfirmTimeout::Connect),
        ("requeue", ConfirmTimeout::Requeue),
        ("complete", ConfirmTimeout::Complete),
    ] {
        add(&format!("ConfirmTimedOut, {word}"), Input::ConfirmTimedOut { policy, last: false });
        add(
            &format!("ConfirmTimedOut, {word}, the last time"),
            Input::ConfirmTimedOut { policy, last: true },
        );
    }
    add("DialAhead", Input::DialAhead);
    add("Dial", Input::Dial);
    for agent in [true, false] {
        let words = if agent { "an agent free" } else { "no agent free" };
        let input = Input::Dialed { result: DialResult::Connected, again: false, agent };
        add(&format!("Dialed connected, {words}"), input);
    }
    for result in &RESULTS[1..] {
        let word = serde_json::to_value(result).unwrap();
        for again in [true, false] {
            let words = if again { "to be tried again" } else { "the last time" };
            let input = Input::Dialed { result: *result, again, agent: false };
            add(&format!("Dialed {}, {words}", word.as_str().unwrap()), input);
        }
    }
    add("Attach", Input::Attach);
    add("HoldEnded, to be tried again", Input::HoldEnded { again: true });
    add("HoldEnded, the last time", Input::HoldEnded { again: false });
    add("CallInExpired, when the customer dials", Input::CallInExpired);
    add("AgentLost", Input::AgentLost);
    for (word, disposition, again) in [
        ("handled", Disposition::Handled, false),
        ("wrong_person, to be tried again", Disposition::WrongPerson, true),
        ("wrong_person, the last time", Disposition::WrongPerson, false),
        ("reschedule", Disposition::Reschedule, false),
        ("cancel", Disposition::Cancel, false),
    ] {
        add(&format!("Finish {word}"), Input::Finish { disposition, again });
    }
    add("TalkTimedOut", Input::TalkTimedOut);
    add("Expire", Input::Expire);
    add("CalledIn, to the front", Input::CalledIn { resolve: false });
    add("CalledIn, which settles it", Input::CalledIn { resolve: true });
    add("Cancel by the customer", Input::Cancel { by_staff: false });
    add("Cancel by staff", Input::Cancel { by_staff: true });
    all
}

fn open_positions() -> [Position; 10] {
    use Phase::*;
    let routing =
        [Previewing, Reserved, Notified, Confirmed, Connecting, Ahead, Holding].map(Position::Routing);
    let [a, b, c, d, e, f, g] = routing;
    [Position::Scheduled, Position::Queued, a, b, c, d, e, f, g, Position::Processing]
}

fn wire_word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

fn words(at: Position) -> String {
    match at {
        Position::Routing(Phase::Ahead) => "ahead".to_owned(),
        Position::Routing(_) => wire_word(at.phase().unwrap()),
        Position::Completed(reason) => format!("ends `{}`", wire_word(reason)),
        _ => format!("`{}`", wire_word(at.state())),
    }
}

/// The table of `docs/states.md`.
fn document() -> String {
    let mut text = String::from(
        "# States and inputs\n\nMade from `server/src/callbacks/model.rs`; do not edit. `cargo test -p ringback-server --lib model` compares, and\n\
         `RINGBACK_UPDATE_DOCS=1` before it writes this file anew.\n\n\
         The columns from previewing to holding are the phases of the state `routing`. *Ahead* is `connecting` on the wire: the\n\
         customer is called before an agent is reserved. An empty cell is refused with `callback_moved_on` and changes nothing.\n\
         `completed` takes no input. Small words say what becomes of the agent.\n\n| Input |",
    );
    for at in open_positions() {
        let _ = write!(text, " {} |", words(at));
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(open_positions().len()));
    for (name, input) in inputs() {
        let _ = write!(text, "\n| {name} |");
        for at in open_positions() {
            match next(at, input, Direction::CustomerOriginated) {
                None => text.push_str(" |"),
                Some(change) => {
                    let _ = write!(text, " {}{} |", words(change.to), agent_words(change.agent));
                }
            }
        }
    }
    text.push('\n');
    text
}

fn agent_words(agent: AgentMove) -> &'static str {
    match agent {
        AgentMove::Keep => "",
        AgentMove::Reserve => "<br><sub>agent reserved</sub>",
        AgentMove::Take | AgentMove::OnCall => "<br><sub>agent on call</sub>",
        AgentMove::Release => "<br><sub>agent ready</sub>",
        AgentMove::Retire => "<br><sub>agent not ready</sub>",
        AgentMove::WrapUp => "<br><sub>agent in wrap-up</sub>",
        AgentMove::Untie => "<br><sub>agent as chosen</sub>",
    }
}

#[test]
fn the_table_in_the_documents_is_this_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/states.md");
    if std::env::var_os("RINGBACK_UPDATE_DOCS").is_some() {
        std::fs::write(path, document()).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap_or_default(),
        document(),
        "run with RINGBACK_UPDATE_DOCS=1"
    );
}

fn walk_from(start: Position, inputs: &[Input]) -> Position {
    inputs
        .iter()
        .fold(start, |at, input| next(at, *input, Direction::CustomerTerminated).expect("a legal step").to)
}

fn walk(inputs: &[Input]) -> Position {
    walk_from(Position::Queued, inputs)
}

const CONNECTED: Input = Input::Dialed { result: DialResult::Connected, again: false, agent: false };

#[test]
fn the_road_ends_handled() {
    let handled = Input::Finish { disposition: Disposition::Handled, again: false };
    let road = [
        Input::Enter,
        Input::Reserve { preview: true, ask: true },
        Input::Accept { ask: true },
        Input::PushAccepted,
        Input::Ready,
        Input::Dial,
        CONNECTED,
        handled,
    ];
    assert_eq!(walk_from(Position::Scheduled, &road), Position::Completed(CompletedReason::Handled));
}

#[test]
fn a_silent_customer_is_treated_as_the_service_wants() {
    let silent = |policy, last| {
        walk(&[Input::Reserve { preview: false, ask: true }, Input::ConfirmTimedOut { policy, last }])
    };
    let no_answer = Position::Completed(CompletedReason::NoAnswer);
    assert_eq!(silent(ConfirmTimeout::Connect, true), Position::Routing(Phase::Confirmed));
    assert_eq!(silent(ConfirmTimeout::Requeue, false), Position::Queued);
    assert_eq!(silent(ConfirmTimeout::Requeue, true), no_answer);
    assert_eq!(silent(ConfirmTimeout::Complete, false), no_answer);
}

#[test]
fn a_call_that_fails_is_tried_again_or_ends_with_its_reason() {
    let dialed = |result, again| {
        let dialed = Input::Dialed { result, again, agent: false };
        walk(&[Input::Reserve { preview: false, ask: false }, Input::Dial, dialed])
    };
    assert_eq!(dialed(DialResult::Busy, true), Position::Queued);
    assert_eq!(dialed(DialResult::Busy, false).reason(), Some(CompletedReason::NoAnswer));
    assert_eq!(dialed(DialResult::Failed, false).reason(), Some(CompletedReason::Unreachable));
    assert_eq!(dialed(DialResult::Rejected, false).reason(), Some(CompletedReason::Declined));
}

#[test]
fn a_customer_called_ahead_gets_the_next_agent_or_holds() {
    let answered = |agent| Input::Dialed { result: DialResult::Connected, again: false, agent };
    assert_eq!(walk(&[Input::DialAhead, answered(true)]), Position::Processing);
    assert_eq!(walk(&[Input::DialAhead, answered(false), Input::Attach]), Position::Processing);
    assert_eq!(
        walk(&[Input::DialAhead, answered(false), Input::HoldEnded { again: true }]),
        Position::Queued
    );
}

#[test]
fn nobody_cancels_or_moves_a_call_that_is_being_handled() {
    for input in [
        Input::Cancel { by_staff: false },
        Input::Cancel { by_staff: true },
        Input::Reschedule { now: true },
        Input::Snooze,
        Input::Expire,
        Input::CalledIn { resolve: true },
    ] {
        assert_eq!(next(Position::Processing, input, Direction::CustomerTerminated), None);
    }
}

#[test]
fn only_a_customer_who_dials_can_miss_the_dialing() {
    let connecting = Position::Routing(Phase::Connecting);
    assert_eq!(next(connecting, Input::CallInExpired, Direction::CustomerTerminated), None);
    assert!(next(connecting, Input::CallInExpired, Direction::CustomerOriginated).is_some());
}

proptest! {
    /// Whatever happens in whatever order: what is over stays over and has one reason, and an agent is tied exactly while
    /// the callback holds one, so none is lost and none is held twice.
    #[test]
    fn agents_are_tied_and_untied_in_step(
        steps in proptest::collection::vec(0..inputs().len(), 0..80), direction in 0..2usize, scheduled: bool,
    ) {
        let inputs = inputs();
        let mut at = if scheduled { Position::Scheduled } else { Position::Queued };
        let mut tied = false;
        for step in steps {
            let Some(change) = next(at, inputs[step].1, DIRECTIONS[direction]) else { continue };
            prop_assert!(!matches!(at, Position::Completed(_)), "moved after its end");
            tied = match change.agent {
                AgentMove::Reserve | AgentMove::Take => { prop_assert!(!tied); true }
                AgentMove::OnCall => { prop_assert!(tied); true }
                AgentMove::Release | AgentMove::Retire | AgentMove::WrapUp | AgentMove::Untie => {
                    prop_assert!(tied);
                    false
                }
                AgentMove::Keep => tied,
            };
            at = change.to;
            prop_assert_eq!(tied, at.holds_agent());
            prop_assert_eq!(matches!(at, Position::Completed(_)), at.reason().is_some());
            prop_assert_eq!(Position::from_parts(at.state(), at.phase(), at.reason(), tied), Some(at));
        }
    }

    /// From anywhere there is a way to the end.
    #[test]
    fn every_open_callback_can_still_end(steps in proptest::collection::vec(0..inputs().len(), 0..40)) {
        let inputs = inputs();
        let at = steps.iter().fold(Position::Scheduled, |at, step| {
            next(at, inputs[*step].1, Direction::CustomerTerminated).map_or(at, |change| change.to)
        });
        let ends = inputs.iter().filter_map(|(_, input)| next(at, *input, Direction::CustomerTerminated));
        let ends = ends.filter(|change| matches!(change.to, Position::Completed(_))).count();
        prop_assert!(matches!(at, Position::Completed(_)) || ends > 0);
    }
}
