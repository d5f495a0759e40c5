//! What endpoints are told: the types of events, and the body of each.

use crate::refusal::Refusal;
use crate::words::{unword, word};
use ringback_core::protocol::{Callback, EventKind, ProblemCode, Timestamp};
use serde::Serialize;

/// The type of the event that only tries an endpoint out.
pub const TEST: &str = "webhook.test";

/// The type of a kind of event: `callback.requested`, `callback.completed`.
pub fn event_type(kind: EventKind) -> Result<String, Refusal> {
    Ok(format!("callback.{}", word(kind)?))
}

/// Refuses what is no type of an event.
pub fn check_event_type(name: &str) -> Result<(), Refusal> {
    let kind = name.strip_prefix("callback.").map(unword::<EventKind>);
    match kind {
        Some(Ok(kind)) if kind != EventKind::Unknown => Ok(()),
        _ => Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "event_types",
            format!(
                "There is no event {name:?}. Use `callback.` and the kind of an event, such as `callback.completed`."
            ),
        )),
    }
}

/// An event as it stands in the log.
#[derive(Debug, Clone)]
pub struct LoggedEvent {
    /// Whose callback.
    pub installation_id: String,
    /// Its number among the events of the installation.
    pub seq: u64,
    /// Who did it, as the log has it: `customer`, `system`, `staff:…`.
    pub actor: String,
    /// When it happened.
    pub at: Timestamp,
    /// The callback right after it, in JSON.
    pub snapshot: String,
}

#[derive(Serialize)]
struct Body<'a, T> {
    r#type: &'a str,
    timestamp: Timestamp,
    data: T,
}

#[derive(Serialize)]
struct Data<'a> {
    callback: Callback,
    installation_id: &'a str,
    seq: u64,
    actor: &'a str,
}

#[derive(Serialize)]
struct NoData {}

/// The body that tells of an event. The same event has the same body however often it is told.
pub fn body(event_type: &str, event: &LoggedEvent) -> Result<String, Refusal> {
    let callback =
        serde_json::from_str(&event.snapshot).map_err(|_| Refusal::Damaged("an event's snapshot"))?;
    // Which key of staff it was is nobody else's affair.
    let actor = event.actor.split(':').next().unwrap_or_default();
    let data = Data { callback, installation_id: &event.installation_id, seq: event.seq, actor };
    written(&Body { r#type: event_type, timestamp: event.at, data })
}

/// The body that tries an endpoint out.
pub fn test_body(at: Timestamp) -> Result<String, Refusal> {
    written(&Body { r#type: TEST, timestamp: at, data: NoData {} })
}

fn written<T: Serialize>(body: &Body<'_, T>) -> Result<String, Refusal> {
    serde_json::to_string(body).map_err(|_| Refusal::Damaged("a webhook that cannot be written"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_body_holds_type_time_and_data() {
        let event = LoggedEvent {
            installation_id: "in_1".into(),
            seq: 4,
            actor: "staff:0123".into(),
            at: "2026-11-23T09:00:00Z".parse().unwrap(),
            snapshot: json!({"id": "cb_1", "service": "billing", "state": "completed", "reason": "handled",
                "direction": "customer_terminated", "attempts": 1, "created_at": "2026-11-23T08:00:00Z", "version": 7})
            .to_string(),
        };
        let body: Value = serde_json::from_str(&body("callback.completed", &event).unwrap()).unwrap();
        assert_eq!(body["type"], "callback.completed");
        assert_eq!(body["timestamp"], "2026-11-23T09:00:00Z");
        let data = &body["data"];
        assert_eq!((&data["seq"], &data["actor"]), (&json!(4), &json!("staff")));
        assert_eq!((&data["callback"]["id"], &data["callback"]["version"]), (&json!("cb_1"), &json!(7)));
    }

    #[test]
    fn only_kinds_of_events_are_types() {
        assert_eq!(event_type(EventKind::AttemptFailed).unwrap(), "callback.attempt_failed");
        for kind in [EventKind::Requested, EventKind::MovedToFront, EventKind::Completed] {
            check_event_type(&event_type(kind).unwrap()).unwrap();
        }
        for wrong in ["", "callback", "callback.", "callback.unknown", "callback.ended", "requested", TEST] {
            assert!(check_event_type(wrong).is_err(), "{wrong}");
        }
    }
}
