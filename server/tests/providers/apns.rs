//! The APNs client against the strict double: what arrives, what each fault leads to, how connections are kept.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use ringback_core::protocol::Timestamp;
use ringback_doubles::{ApnsCredentials, ApnsDouble, ApnsDoubleSettings, Authority, Fault, Received};
use ringback_server::push::apns::{
    ApnsClient, ApnsExpiration, ApnsKey, ApnsPriority, ApnsPush, ApnsPushType, ApnsSettings,
};
use ringback_server::push::connection::ConnectionSettings;
use ringback_server::push::outcome::Outcome;
use serde_json::json;
use uuid::Uuid;

const TOPIC: &str = "com.example.ringback";
const DEVICE: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";
const PATIENCE: Duration = Duration::from_secs(20);
/// For the tests in which the time-out is what happens.
const IMPATIENCE: Duration = Duration::from_secs(2);

struct Road {
    double: ApnsDouble,
    client: ApnsClient,
}

async fn double() -> ApnsDouble {
    let double =
        ApnsDouble::start(ApnsDoubleSettings::default(), &Authority::generate().unwrap()).await.unwrap();
    double.register(DEVICE, TOPIC);
    double
}

fn settings(double: &ApnsDouble, credentials: &ApnsCredentials) -> ApnsSettings {
    ApnsSettings {
        endpoint: double.endpoint(),
        key: ApnsKey {
            p8_pem: credentials.p8_pem.clone().into(),
            key_id: credentials.key_id.clone(),
            team_id: credentials.team_id.clone(),
        },
        connection: ConnectionSettings {
            extra_roots_pem: Some(double.ca_pem().to_owned()),
            request_timeout: PATIENCE,
            ..Default::default()
        },
    }
}

async fn road() -> Road {
    let double = double().await;
    let client = ApnsClient::new(&settings(&double, double.credentials())).unwrap();
    Road { double, client }
}

async fn impatient_road() -> Road {
    let double = double().await;
    let mut settings = settings(&double, double.credentials());
    settings.connection.request_timeout = IMPATIENCE;
    let client = ApnsClient::new(&settings).unwrap();
    Road { double, client }
}

impl Road {
    async fn send(&self, push: &ApnsPush) -> Outcome {
        self.client.send(push).await.unwrap()
    }

    async fn send_after(&self, faults: Vec<Fault>) -> Outcome {
        self.double.script(faults).unwrap();
        self.send(&alert()).await
    }

    fn received(&self) -> Vec<Received> {
        self.double.record().received()
    }
}

fn alert() -> ApnsPush {
    ApnsPush {
        device_token: DEVICE.into(),
        topic: TOPIC.into(),
        push_type: ApnsPushType::Alert,
        priority: ApnsPriority::Immediate,
        expiration: ApnsExpiration::At("2030-01-01T00:00:00Z".parse().unwrap()),
        collapse_id: Some("cb_1".into()),
        apns_id: Uuid::new_v4(),
        payload: json!({"aps": {"alert": {"loc-key": "AGENT_READY"}, "interruption-level": "time-sensitive"}}),
    }
}

fn delivered(push: &ApnsPush) -> Outcome {
    Outcome::Delivered { provider_id: push.apns_id.to_string() }
}

#[tokio::test]
async fn a_push_arrives_as_it_was_meant() {
    let road = road().await;
    let push = alert();
    assert_eq!(road.send(&push).await, delivered(&push));
    let arrived = road.double.record().wait_for(PATIENCE, Received::accepted).await.unwrap();
    assert_eq!(arrived.device, DEVICE);
    assert_eq!(arrived.payload, push.payload);
    for (name, value) in [
        ("apns-topic", TOPIC),
        ("apns-push-type", "alert"),
        ("apns-priority", "10"),
        ("apns-expiration", "1893456000"),
        ("apns-collapse-id", "cb_1"),
        ("apns-id", &push.apns_id.to_string()),
    ] {
        assert_eq!(arrived.headers.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[tokio::test]
async fn background_pushes_and_live_activities_arrive_too() {
    let road = road().await;
    let background = ApnsPush {
        push_type: ApnsPushType::Background,
        priority: ApnsPriority::PowerSaving,
        expiration: ApnsExpiration::DoNotStore,
        collapse_id: None,
        payload: json!({"aps": {"content-available": 1}}),
        ..alert()
    };
    assert_eq!(road.send(&background).await, delivered(&background));
    let live = ApnsPush {
        push_type: ApnsPushType::LiveActivity,
        payload: json!({"aps": {"timestamp": 1, "event": "update", "content-state": {"ahead": 2}, "stale-date": 9}}),
        ..alert()
    };
    assert_eq!(road.send(&live).await, delivered(&live));
}

#[tokio::test]
async fn many_pushes_at_once_share_one_connection_and_one_provider_token() {
    let road = road().await;
    let pushes: Vec<ApnsPush> = (0..256).map(|_| alert()).collect();
    let outcomes = join_all(pushes.iter().map(|push| road.send(push))).await;
    assert!(pushes.iter().zip(&outcomes).all(|(push, outcome)| *outcome == delivered(push)));
    let received = road.received();
    let connections: HashSet<u64> = received.iter().map(|received| received.connection).collect();
    let tokens: HashSet<&String> =
        received.iter().map(|received| &received.headers["authorization"]).collect();
    assert_eq!((received.len(), connections.len(), tokens.len()), (256, 1, 1));
}

#[tokio::test]
async fn an_expired_provider_token_is_renewed_and_the_push_sent_again() {
    let road = road().await;
    let push = alert();
    road.double.script(vec![Fault::refuse("ExpiredProviderToken")]).unwrap();
    assert_eq!(road.send(&push).await, delivered(&push));
    let received = road.received();
    assert_eq!(received.len(), 2);
    assert_ne!(received[0].headers["authorization"], received[1].headers["authorization"]);
    assert_eq!(received[0].headers["apns-id"], received[1].headers["apns-id"]);
    // Refused again at once: no third token, Apple would call it too many.
    let again = road.send_after(vec![Fault::refuse("ExpiredProviderToken")]).await;
    assert_eq!(again, Outcome::RenewCredential);
    assert_eq!(road.received().len(), 3);
}

#[tokio::test]
async fn many_refused_with_one_expired_token_make_one_new_one() {
    let road = road().await;
    road.double.script(vec![Fault::refuse("ExpiredProviderToken"); 64]).unwrap();
    let pushes: Vec<ApnsPush> = (0..64).map(|_| alert()).collect();
    let outcomes = join_all(pushes.iter().map(|push| road.send(push))).await;
    assert!(pushes.iter().zip(&outcomes).all(|(push, outcome)| *outcome == delivered(push)));
    let received = road.received();
    let tokens: HashSet<&String> =
        received.iter().map(|received| &received.headers["authorization"]).collect();
    assert_eq!(tokens.len(), 2);
}

#[tokio::test]
async fn refusals_come_with_what_apple_says() {
    let road = road().await;
    let wait = Fault::Refuse { reason: "TooManyRequests".into(), retry_after_s: Some(33), timestamp: None };
    assert_eq!(
        road.send_after(vec![wait]).await,
        Outcome::RetryAt { after: Duration::from_secs(33), reason: "TooManyRequests".into() }
    );
    assert_eq!(
        road.send_after(vec![Fault::refuse("BadCertificate")]).await,
        Outcome::LaneBlocked { reason: "BadCertificate".into() }
    );
    let since: Timestamp = "2026-11-01T08:00:00.25Z".parse().unwrap();
    road.double.unregister(DEVICE, since);
    assert_eq!(
        road.send(&alert()).await,
        Outcome::TokenGone { invalid_since: Some(since), reason: "Unregistered".into() }
    );
    let stranger = ApnsPush { device_token: "feed".into(), ..alert() };
    assert_eq!(road.send(&stranger).await, Outcome::TokenRejected { reason: "BadDeviceToken".into() });
}

#[tokio::test]
async fn another_teams_key_blocks_the_lane() {
    let double = double().await;
    let strangers = ApnsCredentials::generate().unwrap();
    let client = ApnsClient::new(&settings(&double, &strangers)).unwrap();
    let outcome = client.send(&alert()).await.unwrap();
    assert_eq!(outcome, Outcome::LaneBlocked { reason: "InvalidProviderToken".into() });
}

#[tokio::test]
async fn a_stall_is_a_time_out_and_the_connection_lives_on() {
    let road = impatient_road().await;
    let outcome = road.send_after(vec![Fault::Stall]).await;
    assert_eq!(outcome, Outcome::RetryAt { after: Duration::from_secs(1), reason: "timed_out".into() });
    let push = alert();
    assert_eq!(road.send(&push).await, delivered(&push));
}

#[tokio::test]
async fn a_broken_connection_is_replaced() {
    let road = road().await;
    let outcome = road.send_after(vec![Fault::Disconnect]).await;
    assert_eq!(outcome, Outcome::RetryAt { after: Duration::from_secs(1), reason: "connection_lost".into() });
    let push = alert();
    assert_eq!(road.send(&push).await, delivered(&push));
    assert_eq!(road.received().iter().map(|received| received.connection).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn a_stream_refused_unprocessed_is_sent_again_at_once() {
    let road = road().await;
    road.double.script(vec![Fault::RefuseStream]).unwrap();
    let push = alert();
    assert_eq!(road.send(&push).await, delivered(&push));
    let received = road.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].headers["apns-id"], received[1].headers["apns-id"]);
}

#[tokio::test]
async fn after_goaway_pushes_go_over_a_new_connection() {
    let road = road().await;
    for round in 1..=3 {
        road.double.script(vec![Fault::GoAway]).unwrap();
        let pushes: Vec<ApnsPush> = (0..32).map(|_| alert()).collect();
        let outcomes = join_all(pushes.iter().map(|push| road.send(push))).await;
        assert!(
            pushes.iter().zip(&outcomes).all(|(push, outcome)| *outcome == delivered(push)),
            "round {round}"
        );
    }
    let connections: HashSet<u64> = road.received().iter().map(|received| received.connection).collect();
    assert!(connections.len() > 1);
}

#[tokio::test]
async fn what_is_under_way_at_goaway_ends_on_the_old_connection() {
    let road = road().await;
    assert!(matches!(road.send(&alert()).await, Outcome::Delivered { .. }));
    road.double.script(vec![Fault::Delay { delay_ms: 300 }, Fault::GoAway]).unwrap();
    let (slow, last, next) = (alert(), alert(), alert());
    let outcomes = tokio::join!(road.send(&slow), road.send(&last));
    assert_eq!(outcomes, (delivered(&slow), delivered(&last)));
    assert_eq!(road.send(&next).await, delivered(&next));
    let connections: Vec<u64> = road.received().iter().map(|received| received.connection).collect();
    assert_eq!(connections, [1, 1, 1, 2], "nothing twice");
}

#[tokio::test]
async fn a_server_that_refuses_every_stream_is_not_asked_for_ever() {
    let road = road().await;
    road.double.every_push(Some(Fault::RefuseStream)).unwrap();
    let outcome = road.send(&alert()).await;
    assert_eq!(outcome, Outcome::RetryAt { after: Duration::from_secs(1), reason: "connection_lost".into() });
    assert_eq!(road.received().len(), 5);
}

#[tokio::test]
async fn another_connection_opens_when_all_streams_of_one_are_taken() {
    /// `MAX_CONCURRENT_STREAMS` of the double.
    const STREAMS: usize = 1000;
    let road = road().await;
    assert!(matches!(road.send(&alert()).await, Outcome::Delivered { .. }));
    road.double.script(vec![Fault::Stall; STREAMS]).unwrap();
    let stalled: Vec<ApnsPush> = (0..STREAMS).map(|_| alert()).collect();
    let one_more = async {
        road.double.record().wait_for_count(PATIENCE, 1 + STREAMS).await.unwrap();
        let push = alert();
        assert_eq!(road.send(&push).await, delivered(&push));
    };
    tokio::select! {
        outcomes = join_all(stalled.iter().map(|push| road.send(push))) => panic!("{outcomes:?}"),
        () = one_more => {}
    }
    let connections: Vec<u64> = road.received().iter().map(|received| received.connection).collect();
    assert_eq!((connections[STREAMS], connections[STREAMS + 1]), (1, 2));
}

#[tokio::test]
async fn a_push_taken_back_leaves_the_connection_whole() {
    let road = road().await;
    road.double.script(vec![Fault::Stall]).unwrap();
    let push = alert();
    tokio::select! {
        outcome = road.send(&push) => panic!("{outcome:?}"),
        arrived = road.double.record().wait_for_count(PATIENCE, 1) => assert_eq!(arrived.unwrap().len(), 1),
    }
    assert_eq!(road.send(&push).await, delivered(&push));
    assert_eq!(road.received().iter().map(|received| received.connection).collect::<Vec<_>>(), [1, 1]);
}

#[tokio::test]
async fn nobody_listening_is_a_retry() {
    let Road { double, client } = road().await;
    drop(double);
    let outcome = client.send(&alert()).await.unwrap();
    assert_eq!(outcome, Outcome::RetryAt { after: Duration::from_secs(1), reason: "connect_failed".into() });
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_gets_nothing() {
    let double = double().await;
    let mut settings = settings(&double, double.credentials());
    settings.connection.extra_roots_pem = Some(Authority::generate().unwrap().pem());
    let outcome = ApnsClient::new(&settings).unwrap().send(&alert()).await.unwrap();
    assert_eq!(outcome, Outcome::RetryAt { after: Duration::from_secs(1), reason: "connect_failed".into() });
    assert!(double.record().received().is_empty());
}

#[tokio::test]
async fn tokens_and_keys_are_not_printed() {
    let double = double().await;
    let printed = format!("{:?} {:?}", settings(&double, double.credentials()), alert());
    assert!(!printed.contains(DEVICE));
    assert!(!printed.contains("PRIVATE KEY"));
}
