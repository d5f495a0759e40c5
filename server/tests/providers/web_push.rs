//! The Web Push client against the strict double: what arrives, what each answer leads to, and where it does not go.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use ringback_doubles::{Authority, Fault, Received, Subscription, WebPushDouble, WebPushDoubleSettings};
use ringback_server::public_net::{ForbiddenUrl, PublicNet};
use ringback_server::push::connection::ConnectionSettings;
use ringback_server::push::outcome::Outcome;
use ringback_server::push::web_push::{
    InvalidWebPush, VapidKey, WebPush, WebPushClient, WebPushSettings, WebPushUrgency,
};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(20);
/// For the test in which the time-out is what happens.
const IMPATIENCE: Duration = Duration::from_secs(2);

struct Road {
    double: WebPushDouble,
    client: WebPushClient,
    subscription: Subscription,
}

fn settings(double: &WebPushDouble, key: &VapidKey) -> WebPushSettings {
    WebPushSettings {
        private_key: key.private_key(),
        subject: "mailto:push@example.com".into(),
        net: PublicNet::new(&["127.0.0.0/8".parse().unwrap()]),
        connection: ConnectionSettings {
            extra_roots_pem: Some(double.ca_pem().to_owned()),
            request_timeout: PATIENCE,
            ..Default::default()
        },
    }
}

async fn road_with(change: impl FnOnce(&mut WebPushSettings)) -> Road {
    let double = WebPushDouble::start(WebPushDoubleSettings::default(), &Authority::generate().unwrap())
        .await
        .unwrap();
    let key = VapidKey::generate();
    let subscription = double.subscribe(Some(&key.public_key())).unwrap();
    let mut settings = settings(&double, &key);
    change(&mut settings);
    let client = WebPushClient::new(&settings).unwrap();
    Road { double, client, subscription }
}

async fn road() -> Road {
    road_with(|_| {}).await
}

impl Road {
    fn push(&self) -> WebPush {
        WebPush {
            endpoint: self.subscription.endpoint.clone().into(),
            p256dh: self.subscription.p256dh.clone().into(),
            auth: self.subscription.auth.clone().into(),
            ttl_s: 45,
            urgency: WebPushUrgency::High,
            topic: Some("agent_ready".into()),
            payload: br#"{"event":"agent_ready"}"#.to_vec(),
        }
    }

    async fn send(&self) -> Outcome {
        self.client.send(&self.push()).await.unwrap()
    }

    async fn send_after(&self, fault: Fault) -> Outcome {
        self.double.script(vec![fault]).unwrap();
        self.send().await
    }
}

fn is_delivered(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Delivered { .. })
}

fn retry(after_s: u64, reason: &str) -> Outcome {
    Outcome::RetryAt { after: Duration::from_secs(after_s), reason: reason.into() }
}

#[tokio::test]
async fn a_push_arrives_as_it_was_meant() {
    let road = road().await;
    let Outcome::Delivered { provider_id } = road.send().await else { panic!("not delivered") };
    assert!(!provider_id.is_empty() && !provider_id.contains('/'));
    assert!(!road.subscription.endpoint.contains(&provider_id), "it would open the browser");
    let arrived = road.double.record().wait_for(PATIENCE, Received::accepted).await.unwrap();
    assert_eq!(arrived.payload, json!({"event": "agent_ready"}));
    for (name, value) in
        [("ttl", "45"), ("urgency", "high"), ("topic", "agent_ready"), ("content-encoding", "aes128gcm")]
    {
        assert_eq!(arrived.headers.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[tokio::test]
async fn many_pushes_at_once_share_one_token() {
    let road = road().await;
    let outcomes = join_all((0..64).map(|_| road.send())).await;
    assert!(outcomes.iter().all(is_delivered));
    let received = road.double.record().received();
    let tokens: HashSet<&str> = received.iter().map(|push| push.headers["authorization"].as_str()).collect();
    assert_eq!((received.len(), tokens.len()), (64, 1));
}

#[tokio::test]
async fn every_answer_has_its_outcome() {
    let road = road().await;
    let gone = |reason: &str| Outcome::TokenGone { invalid_since: None, reason: reason.into() };
    let rejected = |reason: &str| Outcome::TokenRejected { reason: reason.into() };
    let permanent = |reason: &str| Outcome::Permanent { reason: reason.into() };
    for (name, outcome) in [
        ("BadRequest", permanent("http_400")),
        ("Unauthorized", rejected("http_401")),
        ("Forbidden", rejected("http_403")),
        ("NotFound", gone("http_404")),
        ("Gone", gone("http_410")),
        ("ContentTooLarge", permanent("http_413")),
        ("TooManyRequests", retry(60, "http_429")),
        ("InternalServerError", retry(1, "http_500")),
        ("ServiceUnavailable", retry(1, "http_503")),
    ] {
        assert_eq!(road.send_after(Fault::refuse(name)).await, outcome, "{name}");
    }
    let wait = Fault::Refuse { reason: "TooManyRequests".into(), retry_after_s: Some(90), timestamp: None };
    assert_eq!(road.send_after(wait).await, retry(90, "http_429"));
}

#[tokio::test]
async fn a_subscription_that_is_gone_is_gone() {
    let road = road().await;
    road.double.unsubscribe(road.subscription.device());
    assert!(matches!(road.send().await, Outcome::TokenGone { .. }));
}

#[tokio::test]
async fn a_subscription_made_for_another_key_is_set_aside() {
    let mut road = road().await;
    road.subscription = road.double.subscribe(Some(&VapidKey::generate().public_key())).unwrap();
    assert_eq!(road.send().await, Outcome::TokenRejected { reason: "http_403".into() });
}

#[tokio::test]
async fn the_largest_payload_arrives() {
    let road = road().await;
    let text = "x".repeat(3993 - r#"{"a":""}"#.len());
    let push = WebPush { payload: json!({"a": text}).to_string().into_bytes(), ..road.push() };
    assert_eq!(push.payload.len(), 3993);
    assert!(is_delivered(&road.client.send(&push).await.unwrap()));
}

#[tokio::test]
async fn stalls_and_broken_connections_are_retries() {
    let road = road_with(|settings| settings.connection.request_timeout = IMPATIENCE).await;
    assert_eq!(road.send_after(Fault::Stall).await, retry(1, "timed_out"));
    assert_eq!(road.send_after(Fault::Disconnect).await, retry(1, "connection_lost"));
    assert!(is_delivered(&road.send().await));
}

#[tokio::test]
async fn nothing_of_ours_is_reached_through_an_endpoint() {
    let road = road_with(|settings| settings.net = PublicNet::default()).await;
    // By name: `localhost` is looked up, and what it leads to is refused.
    assert_eq!(road.send().await, Outcome::TokenRejected { reason: "not_public".into() });
    // By address: not even tried.
    let literal = road.subscription.endpoint.replace("localhost", "127.0.0.1");
    let push = WebPush { endpoint: literal.into(), ..road.push() };
    let refused = road.client.send(&push).await.unwrap_err();
    assert_eq!(refused, InvalidWebPush::Endpoint(ForbiddenUrl::NotPublic));
    assert!(road.double.record().received().is_empty());
}

#[tokio::test]
async fn keys_and_endpoints_are_not_printed() {
    let road = road().await;
    let key = VapidKey::generate();
    let printed = format!("{:?} {:?}", settings(&road.double, &key), road.push());
    for secret in [road.subscription.device(), &road.subscription.auth, key.private_key().expose()] {
        assert!(!printed.contains(secret));
    }
}
