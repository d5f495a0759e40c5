//! The FCM client against the strict double: what arrives, what each fault leads to, how access tokens are kept.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use futures_util::future::join_all;
use ringback_doubles::{Authority, Fault, FcmDouble, FcmDoubleSettings, Received, ServiceAccount};
use ringback_server::push::connection::ConnectionSettings;
use ringback_server::push::fcm::{
    FcmClient, FcmNotification, FcmPriority, FcmPush, FcmSettings, FcmTarget, FcmText,
};
use ringback_server::push::outcome::Outcome;
use serde_json::json;

const DEVICE: &str = "cJm5-installation";
const PATIENCE: Duration = Duration::from_secs(20);
/// For the tests in which the time-out is what happens.
const IMPATIENCE: Duration = Duration::from_secs(2);

struct Road {
    double: FcmDouble,
    client: FcmClient,
}

fn settings(double: &FcmDouble, account: &ServiceAccount) -> FcmSettings {
    FcmSettings {
        endpoint: double.endpoint(),
        service_account_json: account.json.clone().into(),
        connection: ConnectionSettings {
            extra_roots_pem: Some(double.ca_pem().to_owned()),
            request_timeout: PATIENCE,
            ..Default::default()
        },
    }
}

async fn road_to(double_settings: FcmDoubleSettings) -> Road {
    let double = FcmDouble::start(double_settings, &Authority::generate().unwrap()).await.unwrap();
    double.register(DEVICE);
    let client = FcmClient::new(&settings(&double, double.service_account())).unwrap();
    Road { double, client }
}

async fn impatient_road() -> Road {
    let Road { double, .. } = road().await;
    let mut settings = settings(&double, double.service_account());
    settings.connection.request_timeout = IMPATIENCE;
    let client = FcmClient::new(&settings).unwrap();
    Road { double, client }
}

async fn road() -> Road {
    road_to(FcmDoubleSettings::default()).await
}

impl Road {
    async fn send(&self) -> Outcome {
        self.client.send(&push()).await.unwrap()
    }

    async fn send_after(&self, fault: Fault) -> Outcome {
        self.double.script(vec![fault]).unwrap();
        self.send().await
    }

    fn token_requests(&self) -> usize {
        self.double.token_record().received().len()
    }
}

fn push() -> FcmPush {
    FcmPush {
        target: FcmTarget::Fid(DEVICE.into()),
        data: BTreeMap::from([("ringback".to_owned(), r#"{"event":"agent_ready"}"#.to_owned())]),
        priority: FcmPriority::High,
        ttl_s: 45,
        collapse_key: Some("agent_ready".into()),
        notification: None,
    }
}

fn is_delivered(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Delivered { provider_id } if provider_id.starts_with("projects/ringback-test/messages/"))
}

fn retry(after_s: u64, reason: &str) -> Outcome {
    Outcome::RetryAt { after: Duration::from_secs(after_s), reason: reason.into() }
}

#[tokio::test]
async fn a_push_arrives_as_it_was_meant() {
    let road = road().await;
    assert!(is_delivered(&road.send().await));
    let arrived = road.double.record().wait_for(PATIENCE, Received::accepted).await.unwrap();
    let android = json!({"priority": "HIGH", "ttl": "45s", "collapse_key": "agent_ready"});
    assert_eq!(
        arrived.payload,
        json!({"message": {"fid": DEVICE, "data": {"ringback": r#"{"event":"agent_ready"}"#}, "android": android}})
    );
}

#[tokio::test]
async fn registration_tokens_and_notifications_arrive_too() {
    let road = road().await;
    let shown = FcmPush {
        target: FcmTarget::Token(DEVICE.into()),
        notification: Some(FcmNotification {
            text: FcmText::Plain { title: "a".into(), body: "b".into() },
            tag: "cb_1".into(),
            sound: None,
        }),
        ..push()
    };
    assert!(is_delivered(&road.client.send(&shown).await.unwrap()));
}

#[tokio::test]
async fn many_pushes_at_once_share_one_access_token() {
    let road = road().await;
    let outcomes = join_all((0..128).map(|_| road.send())).await;
    assert!(outcomes.iter().all(is_delivered));
    assert_eq!(road.token_requests(), 1);
}

#[tokio::test]
async fn a_revoked_access_token_is_renewed_once_for_all() {
    let road = road().await;
    assert!(is_delivered(&road.send().await));
    road.double.revoke_tokens();
    let outcomes = join_all((0..64).map(|_| road.send())).await;
    assert!(outcomes.iter().all(is_delivered));
    assert_eq!(road.token_requests(), 2);
    let used: HashSet<String> =
        road.double.record().received().iter().map(|push| push.headers["authorization"].clone()).collect();
    assert_eq!(used.len(), 2);
}

#[tokio::test]
async fn an_access_token_that_cannot_be_had_is_asked_for_once_for_all() {
    let road = road().await;
    road.double.script_token_endpoint(vec![Fault::refuse("temporarily_unavailable")]).unwrap();
    let outcomes = join_all((0..256).map(|_| road.send())).await;
    assert!(outcomes.iter().all(|outcome| *outcome == retry(1, "temporarily_unavailable")));
    assert_eq!(road.token_requests(), 1);
    assert!(is_delivered(&road.send().await));
}

#[tokio::test]
async fn a_token_refused_even_when_new_is_left_to_the_lane() {
    let road = road().await;
    road.double.every_push(Some(Fault::refuse("UNAUTHENTICATED"))).unwrap();
    assert_eq!(road.send().await, Outcome::RenewCredential);
    assert_eq!((road.token_requests(), road.double.record().received().len()), (2, 2));
}

#[tokio::test]
async fn a_token_about_to_run_out_is_renewed_before_it_does() {
    let road = road_to(FcmDoubleSettings { token_lifetime_s: 120, ..Default::default() }).await;
    assert!(is_delivered(&road.send().await));
    assert!(is_delivered(&road.send().await));
    assert_eq!(road.token_requests(), 2);
}

#[tokio::test]
async fn every_documented_refusal_has_its_outcome() {
    let road = road().await;
    let rejected = |reason: &str| Outcome::TokenRejected { reason: reason.into() };
    let blocked = |reason: &str| Outcome::LaneBlocked { reason: reason.into() };
    for (name, outcome) in [
        ("UNREGISTERED", Outcome::TokenGone { invalid_since: None, reason: "UNREGISTERED".into() }),
        ("NOT_FOUND", blocked("NOT_FOUND")),
        ("INVALID_ARGUMENT", rejected("INVALID_ARGUMENT")),
        ("BAD_REQUEST", Outcome::Permanent { reason: "INVALID_ARGUMENT".into() }),
        ("THIRD_PARTY_AUTH_ERROR", blocked("THIRD_PARTY_AUTH_ERROR")),
        ("SENDER_ID_MISMATCH", rejected("SENDER_ID_MISMATCH")),
        ("PERMISSION_DENIED", blocked("PERMISSION_DENIED")),
        ("QUOTA_EXCEEDED", retry(60, "QUOTA_EXCEEDED")),
        ("INTERNAL", retry(1, "INTERNAL")),
        ("UNAVAILABLE", retry(1, "UNAVAILABLE")),
    ] {
        assert_eq!(road.send_after(Fault::refuse(name)).await, outcome, "{name}");
    }
    let wait = Fault::Refuse { reason: "QUOTA_EXCEEDED".into(), retry_after_s: Some(90), timestamp: None };
    assert_eq!(road.send_after(wait).await, retry(90, "QUOTA_EXCEEDED"));
}

#[tokio::test]
async fn a_device_that_is_gone_is_gone() {
    let road = road().await;
    road.double.unregister(DEVICE);
    assert_eq!(road.send().await, Outcome::TokenGone { invalid_since: None, reason: "UNREGISTERED".into() });
}

#[tokio::test]
async fn trouble_with_the_access_token_is_told_apart() {
    let road = impatient_road().await;
    for (name, outcome) in [
        ("invalid_grant", Outcome::LaneBlocked { reason: "invalid_grant".into() }),
        ("temporarily_unavailable", retry(1, "temporarily_unavailable")),
    ] {
        road.double.script_token_endpoint(vec![Fault::refuse(name)]).unwrap();
        assert_eq!(road.send().await, outcome);
    }
    road.double.script_token_endpoint(vec![Fault::Stall]).unwrap();
    assert_eq!(road.send().await, retry(1, "timed_out"));
    assert!(is_delivered(&road.send().await));
}

#[tokio::test]
async fn another_projects_account_blocks_the_lane() {
    let road = road().await;
    let stranger =
        ServiceAccount::generate("ringback-test", &format!("{}/token", road.double.endpoint())).unwrap();
    let client = FcmClient::new(&settings(&road.double, &stranger)).unwrap();
    let outcome = client.send(&push()).await.unwrap();
    assert_eq!(outcome, Outcome::LaneBlocked { reason: "invalid_grant".into() });
}

#[tokio::test]
async fn stalls_and_broken_connections_are_retries() {
    let road = impatient_road().await;
    assert_eq!(road.send_after(Fault::Stall).await, retry(1, "timed_out"));
    assert_eq!(road.send_after(Fault::Disconnect).await, retry(1, "connection_lost"));
    assert!(is_delivered(&road.send_after(Fault::RefuseStream).await));
    assert!(is_delivered(&road.send_after(Fault::GoAway).await));
    assert!(is_delivered(&road.send().await));
}

#[tokio::test]
async fn tokens_and_keys_are_not_printed() {
    let road = road().await;
    let printed = format!("{:?} {:?}", settings(&road.double, road.double.service_account()), push());
    assert!(!printed.contains(DEVICE));
    assert!(!printed.contains("PRIVATE KEY"));
}
