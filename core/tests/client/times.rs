//! Offers, slots, chosen times, and what a callback's owner changes.

use crate::support::{Phone, Server, answer, callback, problem, request};
use ringback_core::client::{ClientError, PendingKind};
use ringback_core::protocol::{
    AvailabilityRequest, ContextValue, Fold, Journey, PhoneNumber, ProblemCode, Timestamp, WaitStatus,
    WallTime,
};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn wall_time(local: &str) -> WallTime {
    WallTime { local: local.to_owned(), zone: "Europe/Berlin".to_owned(), fold: None }
}

fn slot(local: &str) -> Value {
    json!({"start": "2026-12-24T09:30:00Z", "end": "2026-12-24T10:00:00Z", "capacity_left": 1, "capacity_total": 2,
        "wall_time": {"local": local, "zone": "Europe/Berlin"}})
}

fn refusal(code: ProblemCode, more: &Value) -> axum::response::Response {
    let mut problem = json!({"type": format!("urn:ringback:problem:{}", code.code()), "code": code.code(),
        "title": code.title(), "status": code.status(), "detail": "choose another", "field": "scheduled_for"});
    problem.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    answer(code.status(), &problem)
}

#[tokio::test]
async fn what_only_reads_is_sent_as_the_contract_says_and_never_kept() {
    let server = Server::registering(|seen| match (seen.method.as_str(), seen.path.as_str()) {
        ("GET", "/v1/services/advice/offer") => answer(
            200,
            &json!({"service": "advice", "immediate": {"offered": true},
                "scheduled": {"offered": false, "code": "slot_full", "retry_at": "2026-12-24T09:30:00Z"},
                "wait": {"status": "no_agents"}, "countries": ["DE"], "captcha": []}),
        ),
        ("GET", path) if path.starts_with("/v1/services/advice/availability?") => {
            answer(200, &json!({"slots": [slot("2026-12-24T10:30:00")], "next": "2026-12-25T00:00:00Z"}))
        }
        ("POST", "/v1/callbacks/validate") => answer(
            200,
            &json!({"accepted": false, "checks": [{"check": "number.form", "passed": false, "code": "number_not_e164"}]}),
        ),
        _ => problem(ProblemCode::RouteNotFound),
    })
    .await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    let offer = client.offer("advice".to_owned()).await.expect("an offer");
    assert_eq!((offer.immediate.offered, offer.wait.status), (true, WaitStatus::NoAgents));
    assert_eq!(offer.scheduled.code.as_deref(), Some("slot_full"));

    let all = AvailabilityRequest {
        service: "advice".to_owned(),
        zone: "Etc/GMT+5".to_owned(),
        from: Some(Timestamp::UNIX_EPOCH),
        to: None,
        include_full: true,
        limit: Some(7),
    };
    let found = client.availability(all.clone()).await.expect("slots");
    assert_eq!(found.slots[0].wall_time, wall_time("2026-12-24T10:30:00"));
    let least = AvailabilityRequest { from: None, include_full: false, limit: None, ..all };
    client.availability(least).await.expect("slots");
    assert!(!client.validate(request()).await.expect("a verdict").accepted);

    let paths: Vec<_> = server.all()[1..].iter().map(|seen| seen.path.clone()).collect();
    let availability = "/v1/services/advice/availability?zone=Etc%2FGMT%2B5";
    assert_eq!(paths[1], format!("{availability}&from=1970-01-01T00%3A00%3A00Z&include_full=true&limit=7"));
    assert_eq!(paths[2], availability);
    assert!(server.all()[1..].iter().all(|seen| seen.key().is_empty()), "no intent, so no key");
    assert!(!phone.data.path().join("outbox").exists(), "nothing was kept");
}

#[tokio::test]
async fn a_name_that_would_change_the_path_is_no_services() {
    let server = Server::registering(|_| problem(ProblemCode::Internal)).await;
    let client = Phone::new(&server.url).start();
    for name in ["", "..", "advice/offer", "a?b", "ü"] {
        let error = client.offer(name.to_owned()).await.expect_err("no name");
        assert!(matches!(error, ClientError::InvalidRequest { code, .. } if code == "service_unknown"));
    }
    assert!(server.all().is_empty());
}

#[tokio::test]
async fn a_full_slot_tells_the_free_ones() {
    let slots = json!({"slots": [slot("2026-12-24T10:00:00"), slot("2026-12-24T11:00:00")]});
    let server = Server::registering(move |_| refusal(ProblemCode::SlotFull, &slots)).await;
    let phone = Phone::new(&server.url);
    let wish = wall_time("2026-12-24T10:30");
    let error = phone.start().reschedule("cb_1".to_owned(), Some(wish)).await.expect_err("full");
    let ClientError::Refused { code, slots, field, .. } = error else { panic!("not a refusal: {error}") };
    assert_eq!((code.as_str(), field.as_deref()), ("slot_full", Some("scheduled_for")));
    let free: Vec<_> = slots.iter().map(|slot| slot.wall_time.local.as_str()).collect();
    assert_eq!(free, ["2026-12-24T10:00:00", "2026-12-24T11:00:00"]);
    assert!(phone.outbox().is_empty(), "refused for good");
}

#[tokio::test]
async fn a_time_the_clock_shows_twice_tells_both() {
    let local = "2026-10-25T02:30:00";
    let times = json!({"wall_times": [{"local": local, "zone": "Europe/Berlin", "fold": "earlier"},
        {"local": local, "zone": "Europe/Berlin", "fold": "later"}]});
    let server = Server::registering(move |_| refusal(ProblemCode::TimeAmbiguous, &times)).await;
    let mut wish = request();
    wish.scheduled_for = Some(wall_time(local));
    let error = Phone::new(&server.url).start().request_callback(wish).await.expect_err("twice");
    let ClientError::Refused { wall_times, .. } = error else { panic!("not a refusal: {error}") };
    let folds: Vec<_> = wall_times.iter().map(|time| time.fold).collect();
    assert_eq!(folds, [Some(Fold::Earlier), Some(Fold::Later)]);
}

#[tokio::test]
async fn a_journey_that_the_server_would_refuse_is_not_sent() {
    let server = Server::registering(|_| problem(ProblemCode::Internal)).await;
    let mut wish = request();
    let form = HashMap::from([("two words".to_owned(), ContextValue::from("x"))]);
    wish.journey = Some(Journey { screens: Vec::new(), form });
    let error = Phone::new(&server.url).start().request_callback(wish).await.expect_err("a bad key");
    assert!(
        matches!(error, ClientError::InvalidRequest { field, .. } if field.as_deref() == Some("journey"))
    );
    assert!(server.all().is_empty());
}

/// A server on which the first `failing` changes fail for now.
async fn failing_at_first(failing: usize) -> Server {
    let asked = Arc::new(AtomicUsize::new(0));
    Server::registering(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        count if count < failing => problem(ProblemCode::StorageUnavailable),
        _ => answer(200, &callback("cb_1", "scheduled")),
    })
    .await
}

#[tokio::test]
async fn changes_go_through_the_outbox() {
    let server = failing_at_first(9).await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    let id = || "cb_1".to_owned();
    client.reschedule(id(), Some(wall_time("2026-12-24T10:30"))).await.expect_err("out of order");
    client.snooze(id(), 600).await.expect_err("out of order");
    client.change_number(id(), PhoneNumber::from("+4930901820")).await.expect_err("out of order");
    let pending = client.pending().await.expect("a list");
    let kinds: Vec<_> = pending.iter().map(|kept| kept.kind).collect();
    assert_eq!(kinds, [PendingKind::Reschedule, PendingKind::Snooze, PendingKind::ChangeNumber]);

    phone.start().resume().await.expect("tried");
    assert!(phone.outbox().is_empty());
    let bodies = [("reschedule", 10), ("snooze", 1), ("number", 1)].map(|(action, tries)| {
        let seen = server.seen("POST", &format!("/v1/callbacks/cb_1/{action}"));
        assert_eq!(seen.len(), tries, "{action}: nothing leaves before what was asked for earlier");
        assert!(seen.iter().all(|again| again.key() == seen[0].key() && again.body == seen[0].body));
        seen[0].body.clone()
    });
    assert_eq!(
        bodies,
        [
            r#"{"scheduled_for":{"local":"2026-12-24T10:30","zone":"Europe/Berlin"}}"#,
            r#"{"delay_s":600}"#,
            r#"{"number":"+4930901820"}"#
        ]
    );
}

#[tokio::test]
async fn of_two_chosen_times_the_later_choice_counts() {
    let server = failing_at_first(3).await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    let earlier = Some(wall_time("2026-12-24T10:30"));
    client.reschedule("cb_1".to_owned(), earlier).await.expect_err("out of order");
    client.reschedule("cb_1".to_owned(), None).await.expect("accepted");
    assert!(phone.outbox().is_empty(), "the earlier choice must not arrive after the later one");
    let sent = server.seen("POST", "/v1/callbacks/cb_1/reschedule");
    assert_eq!((sent.len(), sent[3].body.as_str()), (4, "{}"));
}

#[tokio::test]
async fn a_second_snooze_is_not_answered_with_the_first() {
    let server = failing_at_first(3).await;
    let phone = Phone::new(&server.url);
    phone.start().snooze("cb_1".to_owned(), 600).await.expect_err("out of order");
    phone.start().snooze("cb_1".to_owned(), 600).await.expect("accepted");
    let keys: Vec<_> =
        server.seen("POST", "/v1/callbacks/cb_1/snooze").iter().map(|seen| seen.key().to_owned()).collect();
    assert_eq!(keys.len(), 5);
    assert!(keys[..4].iter().all(|key| *key == keys[0]), "the first wish, which may have arrived");
    assert_ne!(keys[4], keys[0], "the wish of now");
    assert!(phone.outbox().is_empty());
}
