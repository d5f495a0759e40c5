//! `docs/push.md` names whatever an app must know by name.

use ringback_core::protocol::{
    ACTION_CANCEL, ACTION_OTHER_NUMBER, ACTION_READY, ACTION_SNOOZE, ActionToken, CATEGORY_AGENT_READY,
    CATEGORY_CALLBACK_REMINDER, CallbackState, PushData, PushEvent, RoutingPhase, Timestamp,
};
use ringback_server::push::content::ActivityState;
use ringback_server::push::texts::TextKey;
use serde_json::{Value, json};

const DOCUMENT: &str = include_str!("../../../docs/push.md");

fn names(name: &str) {
    assert!(DOCUMENT.contains(&format!("`{name}`")), "docs/push.md does not name {name}");
}

fn fields(value: &Value) -> Vec<String> {
    let fields: Vec<_> = value.as_object().into_iter().flat_map(|object| object.keys().cloned()).collect();
    assert!(!fields.is_empty());
    fields
}

#[test]
fn texts_categories_and_actions() {
    for key in TextKey::ALL {
        let (title, body) = key.resource_keys();
        let stem = title.strip_suffix("_title").expect("a title");
        assert_eq!(body, format!("{stem}_body"));
        names(stem);
    }
    for name in [CATEGORY_AGENT_READY, CATEGORY_CALLBACK_REMINDER] {
        names(name);
    }
    for name in [ACTION_READY, ACTION_SNOOZE, ACTION_OTHER_NUMBER, ACTION_CANCEL] {
        names(name);
    }
}

#[test]
fn events_and_their_data() {
    let push = PushData {
        push_id: String::new(),
        delivery_id: String::new(),
        event: PushEvent::AgentReady,
        callback_id: String::new(),
        expires_at: Timestamp::UNIX_EPOCH,
        action_token: Some(ActionToken::from("once")),
        withdrawn: true,
    };
    fields(&json!(push)).iter().for_each(|field| names(field));
    for event in [
        PushEvent::AgentReady,
        PushEvent::CallbackUpcoming,
        PushEvent::CallbackReminder,
        PushEvent::CallbackChanged,
        PushEvent::CallbackMissed,
        PushEvent::QueueProgress,
    ] {
        names(json!(event).as_str().expect("a word"));
    }
}

#[test]
fn the_state_of_a_live_activity() {
    let state = ActivityState {
        state: CallbackState::Routing,
        phase: Some(RoutingPhase::Reserved),
        position: Some(1),
        wait_p50_s: Some(1),
        wait_p90_s: Some(2),
        at: Timestamp::UNIX_EPOCH,
    };
    let (_, activity) = DOCUMENT.split_once("struct ContentState").expect("shown");
    for field in fields(&json!(state)) {
        let is_there =
            activity.contains(&format!("var {field}:")) || activity.contains(&format!("= \"{field}\""));
        assert!(is_there, "docs/push.md does not show {field}");
    }
}
