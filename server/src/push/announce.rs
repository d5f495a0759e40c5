//! What is said by push when a callback changes. A pure decision; the outbox writes it down.

use super::outbox::News;
use super::texts::TextKey;
use crate::callbacks::Record;
use crate::callbacks::model::{Phase, Position};
use ringback_core::protocol::{CompletedReason, EventKind, PushEvent};

/// What the person is to be told of a change, if anything. What the person did is no news to the person.
pub fn news(was: Position, event: EventKind, actor: &str, record: &Record) -> Option<News> {
    if record.at.is_asking() {
        let asks = |until| News {
            event: PushEvent::AgentReady,
            occasion: i64::from(record.asked),
            text: TextKey::AgentReady,
            from: None,
            until: Some(until),
        };
        return record.phase_by.filter(|_| !was.is_asking()).map(asks);
    }
    let version = i64::from(record.version);
    let changed =
        |text| News { event: PushEvent::CallbackChanged, occasion: version, text, from: None, until: None };
    let missed = |text| News {
        event: PushEvent::CallbackMissed,
        occasion: i64::from(record.attempts),
        text,
        from: None,
        until: None,
    };
    let rang = matches!(was, Position::Routing(Phase::Connecting | Phase::Ahead));
    let by_staff = actor != "customer" && actor != "system";
    match (event, record.at) {
        // On the phone the two have agreed on it.
        (EventKind::Rescheduled, _) if by_staff && was != Position::Processing => {
            Some(changed(TextKey::CallbackRescheduled))
        }
        (EventKind::Completed, Position::Completed(CompletedReason::CancelledByStaff)) => {
            Some(changed(TextKey::CallbackCancelled))
        }
        (EventKind::AttemptFailed, _) if rang => Some(missed(TextKey::CallbackMissed)),
        (
            EventKind::Completed,
            Position::Completed(CompletedReason::NoAnswer | CompletedReason::Unreachable),
        ) if rang || was.is_asking() => Some(missed(TextKey::CallbackUnreached)),
        _ => None,
    }
}
