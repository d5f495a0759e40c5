//! Pushes: ours or not, in time or not, once or twice.

use crate::support::{Phone, Server, answer, callback, problem};
use proptest::prelude::*;
use ringback_core::client::{PushOutcome, RingbackClient};
use ringback_core::protocol::{CallbackState, ProblemCode, PushEvent};
use serde_json::json;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

fn push(id: &str, expires_at: &str) -> HashMap<String, String> {
    let data = json!({"push_id": id, "delivery_id": "d", "event": "agent_ready", "callback_id": "cb_1", "expires_at": expires_at, "action_token": "once"});
    HashMap::from([("ringback".to_owned(), data.to_string()), ("badge".to_owned(), "1".to_owned())])
}

const LATER: &str = "2999-01-01T00:00:00Z";

#[tokio::test]
async fn a_push_brings_the_callback_once() {
    let server = Server::registering(|_| answer(200, &callback("cb_1", "routing"))).await;
    let phone = Phone::new(&server.url);
    let outcome = phone.start().handle_push(push("ps_1", LATER)).await.expect("handled");
    let PushOutcome::Event { event, callback, action_token, expires_at } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((event, callback.state), (PushEvent::AgentReady, CallbackState::Routing));
    let action_token = action_token.expect("a question");
    assert_eq!((action_token.expose(), expires_at.to_string().as_str()), ("once", LATER));
    let again = phone.start().handle_push(push("ps_1", LATER)).await.expect("handled");
    assert_eq!(again, PushOutcome::Duplicate { callback_id: "cb_1".to_owned() });
    assert!(matches!(phone.start().handle_push(push("ps_2", LATER)).await, Ok(PushOutcome::Event { .. })));
}

#[tokio::test]
async fn of_two_copies_at_once_one_is_the_duplicate() {
    let server = Server::registering(|_| answer(200, &callback("cb_1", "routing"))).await;
    let client = Phone::new(&server.url).start();
    let (one, two) =
        tokio::join!(client.handle_push(push("ps_1", LATER)), client.handle_push(push("ps_1", LATER)));
    let duplicates =
        [one, two].into_iter().filter(|outcome| matches!(outcome, Ok(PushOutcome::Duplicate { .. })));
    assert_eq!(duplicates.count(), 1);
}

#[tokio::test]
async fn a_push_that_could_not_be_looked_up_may_be_tried_again() {
    let tries = Arc::new(AtomicUsize::new(0));
    let server = Server::registering(move |_| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => problem(ProblemCode::CallbackNotFound),
        _ => answer(200, &callback("cb_1", "routing")),
    })
    .await;
    let client = Phone::new(&server.url).start();
    client.handle_push(push("ps_1", LATER)).await.expect_err("not found");
    assert!(matches!(client.handle_push(push("ps_1", LATER)).await, Ok(PushOutcome::Event { .. })));
}

#[tokio::test]
async fn what_is_not_ours_late_or_broken_asks_nothing_of_the_server() {
    let server = Server::registering(|_| problem(ProblemCode::Internal)).await;
    let client = Phone::new(&server.url).start();
    let other = HashMap::from([("from".to_owned(), "somebody else".to_owned())]);
    assert_eq!(client.handle_push(other).await, Ok(PushOutcome::NotOurs));
    let late = client.handle_push(push("ps_1", "2020-01-01T00:00:00Z")).await;
    assert_eq!(late, Ok(PushOutcome::Expired { callback_id: "cb_1".to_owned() }));
    let broken = HashMap::from([("ringback".to_owned(), "{\"push_id\":".to_owned())]);
    assert_eq!(client.handle_push(broken).await.expect_err("broken").code(), "push_malformed");
    assert!(server.all().is_empty());
}

static CLIENT: LazyLock<Arc<RingbackClient>> = LazyLock::new(|| Phone::new("http://127.0.0.1:9").start());

proptest! {
    #[test]
    fn any_push_is_survived(text in ".{0,200}", id in "[a-z/._]{0,9}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let broken = HashMap::from([("ringback".to_owned(), text)]);
        prop_assert!(runtime.block_on(CLIENT.handle_push(broken)).is_err());
        let mut late = push(&id, "2020-01-01T00:00:00Z");
        late.insert(id.clone(), id);
        prop_assert!(runtime.block_on(CLIENT.handle_push(late)).is_ok());
    }
}
