//! The live view: at once from disk, one connection for all, over lost connections and networks that hold streams back.

use crate::support::{Phone, Seen, Server, answer, problem, soon};
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use ringback_core::client::{
    LiveCallback, LiveCallbackSubscription, LiveCallbacks, LiveCallbacksSubscription, RingbackClient,
};
use ringback_core::host::LogLevel;
use ringback_core::protocol::{CallbackState, ProblemCode};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// How the network treats the stream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// The head comes, nothing else ever does.
    HeldBack,
    /// The server cannot be reached: a proxy says so.
    Closed,
    Refused,
}

/// A contact centre with one installation.
struct Centre {
    way: watch::Sender<Way>,
    /// Every event so far; the stream follows.
    events: watch::Sender<Vec<Value>>,
    open_streams: watch::Sender<i32>,
    archived: AtomicUsize,
    unlisted: Mutex<Vec<Value>>,
}

/// Counts a stream as long as the server holds it.
struct Open(Arc<Centre>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open_streams.send_modify(|count| *count -= 1);
    }
}

impl Centre {
    async fn start() -> (Arc<Self>, Server) {
        let centre = Arc::new(Self {
            way: watch::Sender::new(Way::Open),
            events: watch::Sender::default(),
            open_streams: watch::Sender::default(),
            archived: AtomicUsize::new(0),
            unlisted: Mutex::default(),
        });
        let answering = centre.clone();
        let server = Server::registering(move |seen| answering.answer(&seen)).await;
        (centre, server)
    }

    /// Something happens to a callback.
    fn happens(&self, id: &str, state: &str, version: u64) {
        self.events.send_modify(|events| {
            let callback = json!({"id": id, "service": "support", "state": state, "version": version,
                "direction": "customer_terminated", "created_at": "2026-11-23T10:00:00Z"});
            events.push(json!({"seq": events.len() + 1, "at": "2026-11-23T10:00:00Z", "kind": "requested",
                "callback": callback}));
        });
    }

    fn callbacks(&self) -> Vec<Value> {
        let mut newest = std::collections::BTreeMap::new();
        for event in &*self.events.borrow() {
            newest.insert(event["callback"]["id"].to_string(), event["callback"].clone());
        }
        newest.into_values().rev().skip(self.archived.load(Ordering::SeqCst)).collect()
    }

    fn answer(self: &Arc<Self>, seen: &Seen) -> Response {
        let way = *self.way.borrow();
        match (way, seen.path.as_str()) {
            (Way::Closed, _) => "<html>no route".into_response(),
            (Way::Refused, _) => problem(ProblemCode::RoleForbidden),
            (Way::HeldBack, "/v1/events") => {
                let nothing = futures_util::stream::pending::<Result<Bytes, Infallible>>();
                ([("content-type", "text/event-stream")], Body::from_stream(nothing)).into_response()
            }
            (_, "/v1/events") => self.stream(seen.header("last-event-id").parse().unwrap_or(0)),
            (_, "/v1/callbacks") => answer(200, &json!({"callbacks": self.callbacks()})),
            (_, path) => {
                let all = [self.callbacks(), self.unlisted.lock().expect("not poisoned").clone()].concat();
                let id = path.trim_start_matches("/v1/callbacks/");
                let found = all.iter().find(|callback| callback["id"] == id);
                found.map_or_else(|| problem(ProblemCode::CallbackNotFound), |callback| answer(200, callback))
            }
        }
    }

    fn stream(self: &Arc<Self>, after: usize) -> Response {
        self.open_streams.send_modify(|count| *count += 1);
        let (open, ways) = (Open(self.clone()), self.way.subscribe());
        let following = (open, self.events.subscribe(), ways, after);
        let events = futures_util::stream::unfold(following, |(open, mut events, mut ways, at)| async move {
            let event = tokio::select! {
                biased;
                _ = ways.wait_for(|way| *way != Way::Open) => None,
                events = events.wait_for(|events| events.len() > at) => events.ok()?.get(at).cloned(),
            };
            let text = format!("id: {}\nevent: callback\ndata: {}\n\n", at + 1, event?);
            Some((Ok::<_, Infallible>(Bytes::from(text)), (open, events, ways, at + 1)))
        });
        let opening = futures_util::stream::iter([Ok(Bytes::from(": open\n\n"))]);
        ([("content-type", "text/event-stream")], Body::from_stream(opening.chain(events))).into_response()
    }

    async fn streams(&self, count: i32) {
        soon(self.open_streams.subscribe().wait_for(|open| *open == count)).await.expect("counts");
    }
}

fn phone(server: &Server) -> Phone {
    Phone::new(&server.url).with(|config| {
        config.event_silence_ms = 150;
        config.live_poll_ms = 50;
        config.request_timeout_ms = 2_000;
        config.retry_max_ms = 50;
    })
}

/// One whose streams may be silent for long.
fn patient_phone(server: &Server) -> Phone {
    phone(server).with(|config| config.event_silence_ms = 20_000)
}

async fn next(live: &LiveCallbacksSubscription) -> LiveCallbacks {
    soon(live.next()).await.expect("no error").expect("a state")
}

/// The next state that is as wished.
async fn until(live: &LiveCallbacksSubscription, wished: impl Fn(&LiveCallbacks) -> bool) -> LiveCallbacks {
    loop {
        let state = next(live).await;
        if wished(&state) {
            return state;
        }
    }
}

async fn next_one(live: &LiveCallbackSubscription) -> Option<LiveCallback> {
    soon(live.next()).await.expect("no error")
}

fn states(live: &LiveCallbacks) -> Vec<(&str, CallbackState)> {
    live.callbacks.iter().map(|callback| (callback.id.as_str(), callback.state)).collect()
}

fn all(client: &RingbackClient) -> LiveCallbacksSubscription {
    client.live_callbacks().expect("a subscription")
}

#[tokio::test]
async fn what_changes_is_seen_by_all_over_one_connection() {
    let (centre, server) = Centre::start().await;
    centre.happens("cb_1", "queued", 1);
    let client = patient_phone(&server).start();
    let (one, two) = (all(&client), all(&client));
    let third = client.live_callback("cb_1").expect("a subscription");
    assert!(server.all().is_empty(), "subscribing sends nothing");
    let (first, second) = tokio::join!(until(&one, |state| state.live), until(&two, |state| state.live));
    assert_eq!(states(&first), [("cb_1", CallbackState::Queued)]);
    assert_eq!(first.callbacks, second.callbacks);
    assert!(next_one(&third).await.is_some());
    centre.happens("cb_2", "scheduled", 1);
    let wished = [("cb_2", CallbackState::Scheduled), ("cb_1", CallbackState::Queued)];
    assert_eq!(states(&next(&one).await), wished);
    assert_eq!(states(&next(&two).await), wished);
    assert_eq!(server.seen("GET", "/v1/events").len(), 1, "one connection");
    assert_eq!(server.seen("GET", "/v1/callbacks").len(), 1);
}

#[tokio::test]
async fn the_last_known_state_is_there_at_once_without_a_network() {
    let (centre, server) = Centre::start().await;
    centre.happens("cb_1", "queued", 1);
    let phone = patient_phone(&server);
    let client = phone.start();
    let live = all(&client);
    let seen = until(&live, |state| state.live).await;
    soon(client.pause()).await.expect("paused");
    drop((live, client));
    centre.way.send_replace(Way::Closed);
    let live = all(&phone.start());
    let state = next(&live).await;
    assert_eq!((states(&state), state.live), (states(&seen), false));
    assert!(state.as_of >= seen.as_of && state.as_of <= jiff::Timestamp::now());
    centre.happens("cb_1", "processing", 2);
    centre.way.send_replace(Way::Open);
    let state = until(&live, |state| state.live).await;
    assert_eq!(states(&state), [("cb_1", CallbackState::Processing)]);
}

#[tokio::test]
async fn a_lost_stream_goes_on_where_it_was() {
    let (centre, server) = Centre::start().await;
    centre.happens("cb_1", "queued", 1);
    let client = patient_phone(&server).start();
    let live = all(&client);
    until(&live, |state| state.live).await;
    centre.happens("cb_1", "routing", 2);
    until(&live, |state| states(state) == [("cb_1", CallbackState::Routing)]).await;
    centre.way.send_replace(Way::Closed);
    let lost = until(&live, |state| !state.live).await;
    assert_eq!(states(&lost), [("cb_1", CallbackState::Routing)], "the last known state stays");
    centre.happens("cb_1", "completed", 3);
    centre.way.send_replace(Way::Open);
    let state = until(&live, |state| state.live).await;
    assert_eq!(states(&state), [("cb_1", CallbackState::Completed)]);
    let resumed: Vec<_> =
        server.seen("GET", "/v1/events").iter().map(|seen| seen.header("last-event-id").to_owned()).collect();
    assert_eq!(
        (resumed.first().map(String::as_str), resumed.last().map(String::as_str)),
        (Some(""), Some("2"))
    );
}

#[tokio::test]
async fn where_streams_are_held_back_the_list_is_polled() {
    let (centre, server) = Centre::start().await;
    centre.way.send_replace(Way::HeldBack);
    centre.happens("cb_1", "queued", 1);
    let client = phone(&server).start();
    let live = all(&client);
    for (state, version) in [("routing", 2), ("processing", 3), ("queued", 4), ("completed", 5)] {
        centre.happens("cb_1", state, version);
        let seen = until(&live, |seen| seen.callbacks[0].version == version).await;
        assert!(!seen.live, "polled is not live");
    }
    let (polls, streams) =
        (server.seen("GET", "/v1/callbacks").len(), server.seen("GET", "/v1/events").len());
    assert!(polls > streams, "{polls} polls, {streams} streams");
    centre.way.send_replace(Way::Open);
    until(&live, |state| state.live).await;
}

#[tokio::test]
async fn the_connection_ends_with_the_last_who_listens() {
    let (centre, server) = Centre::start().await;
    let client = patient_phone(&server).start();
    let (one, two) = (all(&client), Arc::new(all(&client)));
    until(&one, |state| state.live).await;
    until(&two, |state| state.live).await;
    drop(one);
    centre.happens("cb_1", "queued", 1);
    next(&two).await;
    let waiting = two.clone();
    let waiting = tokio::spawn(async move { waiting.next().await });
    centre.streams(1).await;
    two.stop();
    assert_eq!(soon(waiting).await.expect("ran"), Ok(None));
    centre.streams(0).await;
    assert_eq!(soon(two.next()).await, Ok(None));
    let again = all(&client);
    assert_eq!(states(&next(&again).await), [("cb_1", CallbackState::Queued)], "from memory");
    until(&again, |state| state.live).await;
    centre.streams(1).await;
    drop(again);
    centre.streams(0).await;
}

#[tokio::test]
async fn a_paused_app_has_no_connection() {
    let (centre, server) = Centre::start().await;
    centre.happens("cb_1", "queued", 1);
    let phone = patient_phone(&server);
    let client = phone.start();
    let live = Arc::new(all(&client));
    until(&live, |state| state.live).await;
    soon(client.pause()).await.expect("paused");
    assert!(!next(&live).await.live);
    centre.streams(0).await;
    let kept =
        std::fs::read(phone.data.path().join("live.sealed")).expect("on disk before the app is frozen");
    assert!(kept.len() > 100 && !kept.windows(4).any(|part| part == b"cb_1"), "nobody can read it");
    let before = server.all().len();
    centre.happens("cb_1", "completed", 2);
    let waiting = live.clone();
    let waiting = tokio::spawn(async move { until(&waiting, |state| state.live).await });
    tokio::task::yield_now().await;
    assert_eq!(server.all().len(), before, "nothing is sent");
    soon(client.resume()).await.expect("resumed");
    assert_eq!(states(&soon(waiting).await.expect("ran")), [("cb_1", CallbackState::Completed)]);
}

#[tokio::test]
async fn who_is_slow_gets_the_latest_and_holds_nobody_up() {
    let (centre, server) = Centre::start().await;
    centre.happens("cb_1", "queued", 1);
    let client = patient_phone(&server).start();
    let (slow, quick) = (all(&client), all(&client));
    next(&slow).await;
    until(&quick, |state| state.live).await;
    for version in 2..=300 {
        centre.happens("cb_1", "queued", version);
    }
    until(&quick, |state| state.callbacks[0].version == 300).await;
    assert_eq!(next(&slow).await.callbacks[0].version, 300);
}

#[tokio::test]
async fn a_file_that_is_damaged_or_another_installations_is_nothing() {
    let (centre, server) = Centre::start().await;
    centre.happens("cb_1", "queued", 1);
    let phone = patient_phone(&server);
    let client = phone.start();
    until(&all(&client), |state| state.live).await;
    soon(client.pause()).await.expect("paused");
    let file = phone.data.path().join("live.sealed");
    let sound = std::fs::read(&file).expect("a file");
    let mut changed = sound.clone();
    changed[sound.len() / 2] ^= 1;
    let clear = br#"{"format":1,"known":{"installation_id":"in_1"}}"#;
    for (number, content) in [&sound[..sound.len() / 2], b"", b"\0\0\0", &changed, clear].iter().enumerate() {
        std::fs::write(&file, content).expect("written");
        let client = phone.start();
        let live = all(&client);
        let reported = |lines: &Vec<(LogLevel, String)>| {
            lines.iter().filter(|(_, line)| line.contains("live.sealed is damaged")).count() > number
        };
        let first = next(&live).await;
        phone.lines.until(reported).await;
        assert_eq!(states(&first), [("cb_1", CallbackState::Queued)], "rebuilt from the server");
        assert!(first.as_of > jiff::Timestamp::now() - jiff::SignedDuration::from_secs(20));
        soon(client.pause()).await.expect("nothing is written any more");
    }
    centre.way.send_replace(Way::Closed);
    std::fs::write(&file, sound).expect("written");
    let mut other = phone.store.value("ringback.installation");
    other["installation"]["id"] = json!("in_2");
    phone.store.set("ringback.installation", &other.to_string());
    let live = all(&phone.start());
    let nothing = tokio::time::timeout(std::time::Duration::from_millis(300), live.next()).await;
    assert!(nothing.is_err(), "another person's callbacks are not shown");
}

#[tokio::test]
async fn one_callback_is_followed_to_its_end() {
    let (centre, server) = Centre::start().await;
    centre.happens("cb_1", "queued", 1);
    centre.happens("cb_2", "queued", 1);
    let client = patient_phone(&server).start();
    let live = client.live_callback("cb_2").expect("a subscription");
    let mut seen = next_one(&live).await.expect("a state");
    while !seen.live {
        seen = next_one(&live).await.expect("a state");
    }
    centre.happens("cb_1", "routing", 2);
    centre.happens("cb_2", "completed", 2);
    // What is known may be told again when the other one changes.
    let mut over = next_one(&live).await.expect("a state");
    while over.callback.state == CallbackState::Queued {
        over = next_one(&live).await.expect("a state");
    }
    assert_eq!((over.callback.id.as_str(), over.callback.state), ("cb_2", CallbackState::Completed));
    assert_eq!(next_one(&live).await, None);
    centre.streams(0).await;
}

#[tokio::test]
async fn a_callback_that_the_list_does_not_have_is_asked_for() {
    let (centre, server) = Centre::start().await;
    let old = json!({"id": "cb_0", "service": "support", "state": "completed", "version": 9,
        "direction": "customer_terminated", "created_at": "2020-11-23T10:00:00Z"});
    centre.unlisted.lock().expect("not poisoned").push(old);
    for id in 1..=50 {
        centre.happens(&format!("cb_1{id:02}"), "completed", 1);
    }
    let client = patient_phone(&server).start();
    let live = client.live_callback("cb_0").expect("a subscription");
    assert_eq!(next_one(&live).await.expect("a state").callback.version, 9);
    assert_eq!(next_one(&live).await, None);
    let unknown = client.live_callback("cb_9").expect("a subscription");
    assert_eq!(soon(unknown.next()).await.expect_err("refused").code(), "callback_not_found");
    assert_eq!(client.live_callback("../x").err().expect("no id").code(), "callback_id_invalid");
}

#[tokio::test]
async fn what_is_archived_goes() {
    let (centre, server) = Centre::start().await;
    centre.happens("cb_1", "completed", 1);
    centre.happens("cb_2", "completed", 1);
    let client = patient_phone(&server).start();
    let live = all(&client);
    until(&live, |state| state.live).await;
    // Once this is heard, nothing of before is still on its way.
    centre.happens("cb_2", "completed", 2);
    until(&live, |state| state.callbacks[0].version == 2).await;
    centre.archived.store(1, Ordering::SeqCst);
    soon(client.pause()).await.expect("paused");
    soon(client.resume()).await.expect("resumed");
    let state = until(&live, |state| state.live).await;
    assert_eq!(states(&state), [("cb_1", CallbackState::Completed)]);
}

#[tokio::test]
async fn a_refusal_for_good_is_told_to_all_and_got_over() {
    let (centre, server) = Centre::start().await;
    centre.way.send_replace(Way::Refused);
    let client = patient_phone(&server).start();
    let (one, two) = (all(&client), all(&client));
    let (first, second) = tokio::join!(soon(one.next()), soon(two.next()));
    assert_eq!(first.expect_err("refused").code(), "role_forbidden");
    assert_eq!(second.expect_err("refused").code(), "role_forbidden");
    centre.way.send_replace(Way::Open);
    loop {
        if soon(one.next()).await.is_ok_and(|state| state.is_some_and(|state| state.live)) {
            break;
        }
    }
}
