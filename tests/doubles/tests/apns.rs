//! The APNs double refuses what APNs refuses.

#![allow(clippy::unwrap_used, reason = "clippy knows helpers of tests only inside `mod tests`")]

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use reqwest::{Certificate, Client, StatusCode};
use ringback_doubles::{
    ApnsCredentials, ApnsDouble, ApnsDoubleSettings, Authority, DeviceTokenKind, Fault, Received, TokenCheck,
    UnknownReason,
};
use serde_json::{Value, json};

const TOPIC: &str = "com.example.ringback";
const DEVICE: &str = "abcdef0123456789";

async fn start(settings: ApnsDoubleSettings) -> ApnsDouble {
    let double = ApnsDouble::start(settings, &Authority::generate().unwrap()).await.unwrap();
    double.register(DEVICE, TOPIC);
    double
}

fn client(double: &ApnsDouble) -> Client {
    let root = Certificate::from_pem(double.ca_pem().as_bytes()).unwrap();
    Client::builder().tls_certs_only([root]).http2_prior_knowledge().build().unwrap()
}

fn now_s() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// A JWS of these parts, each encoded by `encode`; the signature may be changed before that.
fn jws(
    key: &ApnsCredentials,
    header: &Value,
    claims: &Value,
    encode: impl Fn(&[u8]) -> String,
    change: impl Fn(Vec<u8>) -> Vec<u8>,
) -> String {
    let message =
        format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
    let signing = EncodingKey::from_ec_pem(key.p8_pem.as_bytes()).unwrap();
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &signing, Algorithm::ES256).unwrap();
    let signature = change(URL_SAFE_NO_PAD.decode(signature).unwrap());
    format!("{message}.{}", encode(&signature))
}

fn unpadded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn parts(key: &ApnsCredentials) -> (Value, Value) {
    (json!({"alg": "ES256", "kid": key.key_id}), json!({"iss": key.team_id, "iat": now_s()}))
}

fn valid(key: &ApnsCredentials) -> String {
    let (header, claims) = parts(key);
    format!("bearer {}", jws(key, &header, &claims, unpadded, |signature| signature))
}

/// The same two numbers as ASN.1 DER.
fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let mut content: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
        if content.first().is_some_and(|first| first & 0x80 != 0) {
            content.insert(0, 0);
        }
        [vec![2, u8::try_from(content.len()).unwrap()], content].concat()
    };
    let both = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [vec![0x30, u8::try_from(both.len()).unwrap()], both].concat()
}

struct Push {
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Push {
    fn new(authorization: String) -> Self {
        let headers = vec![
            ("authorization", authorization),
            ("apns-topic", TOPIC.to_owned()),
            ("apns-push-type", "alert".to_owned()),
            ("apns-priority", "10".to_owned()),
            ("apns-expiration", "0".to_owned()),
            ("apns-id", "123e4567-e89b-12d3-a456-426614174000".to_owned()),
            ("apns-collapse-id", "cb_1".to_owned()),
        ];
        Self {
            path: format!("/3/device/{DEVICE}"),
            headers,
            body: json!({"aps": {"alert": "hello"}}).to_string(),
        }
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(header, _)| *header != name);
        self
    }

    fn with(self, name: &'static str, value: &str) -> Self {
        self.without(name).with_another(name, value)
    }

    fn with_another(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn with_path(mut self, path: &str) -> Self {
        self.path = path.to_owned();
        self
    }

    fn with_body(mut self, body: &impl ToString) -> Self {
        self.body = body.to_string();
        self
    }

    async fn send(self, double: &ApnsDouble, client: &Client) -> reqwest::Response {
        let mut request = client.post(format!("{}{}", double.endpoint(), self.path)).body(self.body);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        request.send().await.unwrap()
    }
}

async fn reason(response: reqwest::Response) -> String {
    let body: Value = response.json().await.unwrap();
    body["reason"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_proper_push_is_taken_and_its_id_given_back() {
    let double = start(ApnsDoubleSettings::default()).await;
    let response = Push::new(valid(double.credentials())).send(&double, &client(&double)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["apns-id"], "123e4567-e89b-12d3-a456-426614174000");
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    assert!(response.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn provider_tokens_are_read_to_the_letter() {
    let double = start(ApnsDoubleSettings::default()).await;
    let client = client(&double);
    let key = double.credentials();
    let stranger = ApnsCredentials::generate().unwrap();
    let (header, claims) = parts(key);
    let token = |header: &Value, claims: &Value| jws(key, header, claims, unpadded, |signature| signature);
    let with_iat = |iat: Value| token(&header, &json!({"iss": key.team_id, "iat": iat}));
    let good = token(&header, &claims);
    let cases = [
        (
            "padded",
            format!("bearer {}", jws(key, &header, &claims, |part| URL_SAFE.encode(part), |same| same)),
            "InvalidProviderToken",
        ),
        (
            "DER",
            format!("bearer {}", jws(key, &header, &claims, unpadded, |rs| der(&rs))),
            "InvalidProviderToken",
        ),
        (
            "another key",
            format!("bearer {}", jws(&stranger, &header, &claims, unpadded, |same| same)),
            "InvalidProviderToken",
        ),
        ("upper case", format!("Bearer {good}"), "InvalidProviderToken"),
        ("no scheme", good.clone(), "InvalidProviderToken"),
        ("no kid", format!("bearer {}", token(&json!({"alg": "ES256"}), &claims)), "InvalidProviderToken"),
        (
            "wrong kid",
            format!("bearer {}", token(&json!({"alg": "ES256", "kid": "X"}), &claims)),
            "InvalidProviderToken",
        ),
        (
            "wrong alg",
            format!("bearer {}", token(&json!({"alg": "none", "kid": key.key_id}), &claims)),
            "InvalidProviderToken",
        ),
        (
            "wrong iss",
            format!("bearer {}", token(&header, &json!({"iss": "X", "iat": now_s()}))),
            "InvalidProviderToken",
        ),
        ("text iat", format!("bearer {}", with_iat(json!(now_s().to_string()))), "InvalidProviderToken"),
        ("future iat", format!("bearer {}", with_iat(json!(now_s() + 120))), "InvalidProviderToken"),
        ("old iat", format!("bearer {}", with_iat(json!(now_s() - 3700))), "ExpiredProviderToken"),
    ];
    for (case, authorization, expected) in cases {
        let response = Push::new(authorization).send(&double, &client).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{case}");
        assert_eq!(reason(response).await, expected, "{case}");
    }
    let none = Push::new(String::new()).without("authorization").send(&double, &client).await;
    assert_eq!(reason(none).await, "MissingProviderToken");
    let almost_old = format!("bearer {}", with_iat(json!(now_s() - 3500)));
    assert_eq!(Push::new(almost_old).send(&double, &client).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_lenient_double_takes_padding_but_no_strangers() {
    let double = start(ApnsDoubleSettings { token_check: TokenCheck::Lenient, ..Default::default() }).await;
    let key = double.credentials();
    let (header, claims) = parts(key);
    let padded =
        |key| format!("Bearer {}", jws(key, &header, &claims, |part| STANDARD.encode(part), |same| same));
    let client = client(&double);
    assert_eq!(Push::new(padded(key)).send(&double, &client).await.status(), StatusCode::OK);
    let stranger = ApnsCredentials::generate().unwrap();
    assert_eq!(Push::new(padded(&stranger)).send(&double, &client).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn every_header_path_and_body_is_checked() {
    let double = start(ApnsDoubleSettings {
        topics: vec![TOPIC.into(), "com.example.other".into()],
        ..Default::default()
    })
    .await;
    let client = client(&double);
    let authorization = valid(double.credentials());
    let push = || Push::new(authorization.clone());
    let background =
        || push().with("apns-push-type", "background").with_body(&json!({"aps": {"content-available": 1}}));
    let live = || {
        push()
            .with("apns-push-type", "liveactivity")
            .with("apns-topic", "com.example.ringback.push-type.liveactivity")
    };
    let cases = [
        (push().with_path("/3/devices/x"), 404, "BadPath"),
        (push().with_path("/3/device/"), 400, "MissingDeviceToken"),
        (push().with_path("/3/device/unknown"), 400, "BadDeviceToken"),
        (push().without("apns-push-type"), 400, "InvalidPushType"),
        (push().with("apns-push-type", "shout"), 400, "InvalidPushType"),
        (push().without("apns-topic"), 400, "MissingTopic"),
        (push().with("apns-topic", "com.example.stranger"), 400, "TopicDisallowed"),
        (push().with("apns-topic", "com.example.other"), 400, "DeviceTokenNotForTopic"),
        (push().with("apns-push-type", "liveactivity"), 400, "BadTopic"),
        (push().with("apns-priority", "7"), 400, "BadPriority"),
        (background(), 400, "BadPriority"),
        (background().without("apns-priority"), 400, "BadPriority"),
        (push().with("apns-expiration", "1.5"), 400, "BadExpirationDate"),
        (push().with("apns-expiration", "-1"), 400, "BadExpirationDate"),
        (push().with("apns-id", "1"), 400, "BadMessageId"),
        (push().with("apns-collapse-id", &"x".repeat(65)), 400, "BadCollapseId"),
        (push().with_another("apns-topic", TOPIC), 400, "DuplicateHeaders"),
        (push().with_body(&""), 400, "PayloadEmpty"),
        (push().with_body(&"{"), 400, "PayloadEmpty"),
        (push().with_body(&"{}"), 400, "PayloadEmpty"),
        (push().with_body(&json!({"aps": {"content-available": 1}})), 400, "InvalidPushType"),
        (live().with_body(&json!({"aps": {"event": "update", "content-state": {}}})), 400, "InvalidPushType"),
        (push().with_body(&json!({"aps": {"alert": "x".repeat(4096)}})), 413, "PayloadTooLarge"),
    ];
    for (number, (push, status, expected)) in cases.into_iter().enumerate() {
        let response = push.send(&double, &client).await;
        assert_eq!(response.status().as_u16(), status, "case {number}");
        assert_eq!(reason(response).await, expected, "case {number}");
    }
    let get = client
        .get(format!("{}/3/device/{DEVICE}", double.endpoint()))
        .header("authorization", &authorization);
    assert_eq!(get.send().await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
    for push in [
        push().with_body(&json!({"aps": {"alert": "x".repeat(4096 - 20)}})),
        background().with("apns-priority", "5"),
        live().with_body(&json!({"aps": {"timestamp": 1, "event": "end"}})),
    ] {
        assert_eq!(push.send(&double, &client).await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn http_1_gets_no_connection() {
    let double = start(ApnsDoubleSettings::default()).await;
    let root = Certificate::from_pem(double.ca_pem().as_bytes()).unwrap();
    let old = Client::builder().tls_certs_only([root]).http1_only().build().unwrap();
    let sent = old.post(double.endpoint()).send().await;
    assert!(sent.is_err());
    assert!(double.record().received().is_empty());
}

#[tokio::test]
async fn scripts_are_played_in_order_the_devices_own_first() {
    let double = start(ApnsDoubleSettings { accept_any_device: true, ..Default::default() }).await;
    let client = client(&double);
    let authorization = valid(double.credentials());
    double.script(vec![Fault::refuse("Shutdown"), Fault::Accept]).unwrap();
    double.script_device("d1", vec![Fault::refuse("ExpiredToken")]).unwrap();
    double.every_push(Some(Fault::refuse("InternalServerError"))).unwrap();
    let mut statuses = Vec::new();
    for device in ["d1", "d1", "d2", "d2"] {
        let push = Push::new(authorization.clone()).with_path(&format!("/3/device/{device}"));
        statuses.push(push.send(&double, &client).await.status().as_u16());
    }
    assert_eq!(statuses, [410, 503, 200, 500]);
    double.every_push(None).unwrap();
    assert_eq!(Push::new(authorization.clone()).send(&double, &client).await.status(), StatusCode::OK);
    // What is refused for itself uses up no line of the script.
    double.script(vec![Fault::refuse("TooManyRequests")]).unwrap();
    let bad = Push::new(authorization.clone()).with("apns-priority", "9").send(&double, &client).await;
    assert_eq!(reason(bad).await, "BadPriority");
    assert_eq!(reason(Push::new(authorization).send(&double, &client).await).await, "TooManyRequests");
    assert_eq!(double.script(vec![Fault::refuse("Nonsense")]), Err(UnknownReason("Nonsense".into())));
}

#[tokio::test]
async fn a_gone_device_is_dated_and_can_come_back() {
    let double = start(ApnsDoubleSettings::default()).await;
    let client = client(&double);
    let authorization = valid(double.credentials());
    double.unregister(DEVICE, "2026-11-01T08:00:00.25Z".parse().unwrap());
    let response = Push::new(authorization.clone()).send(&double, &client).await;
    assert_eq!(response.status(), StatusCode::GONE);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body, json!({"reason": "Unregistered", "timestamp": 1_793_520_000_250_i64}));
    double.register(DEVICE, TOPIC);
    assert_eq!(Push::new(authorization).send(&double, &client).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn waiting_ends_with_the_event_or_the_time_out() {
    let double = start(ApnsDoubleSettings::default()).await;
    let nothing = double.record().wait_for_count(Duration::from_millis(20), 1).await;
    assert_eq!(nothing.unwrap_err().received, 0);
    let record = double.record().clone();
    let waiting =
        tokio::spawn(async move { record.wait_for(Duration::from_secs(10), Received::accepted).await });
    Push::new(valid(double.credentials())).send(&double, &client(&double)).await;
    assert_eq!(waiting.await.unwrap().unwrap().device, DEVICE);
}

#[tokio::test]
async fn a_clock_that_is_off_makes_tokens_old_or_of_the_future() {
    let double = start(ApnsDoubleSettings::default()).await;
    let client = client(&double);
    let authorization = valid(double.credentials());
    for (offset_s, expected) in [(3700, "ExpiredProviderToken"), (-3700, "InvalidProviderToken")] {
        double.clock().set_offset(jiff::SignedDuration::from_secs(offset_s));
        let response = Push::new(authorization.clone()).send(&double, &client).await;
        assert_eq!(reason(response).await, expected);
    }
    double.clock().set_offset(jiff::SignedDuration::ZERO);
    assert_eq!(Push::new(authorization).send(&double, &client).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn provider_tokens_must_not_change_too_often() {
    let double = start(ApnsDoubleSettings::default()).await;
    let client = client(&double);
    let key = double.credentials();
    let token = |age_s: i64| {
        let (header, mut claims) = parts(key);
        claims["iat"] = json!(now_s() - age_s);
        format!("bearer {}", jws(key, &header, &claims, unpadded, |signature| signature))
    };
    let send = async |authorization: &str| Push::new(authorization.to_owned()).send(&double, &client).await;
    let (first, second, third) = (token(2), token(1), token(0));
    assert_eq!(send(&first).await.status(), StatusCode::OK);
    assert_eq!(send(&second).await.status(), StatusCode::OK);
    double.limit_token_updates(true);
    let refused = send(&third).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(reason(refused).await, "TooManyProviderTokenUpdates");
    assert_eq!(send(&second).await.status(), StatusCode::OK);
    double.clock().set_offset(jiff::SignedDuration::from_mins(21));
    assert_eq!(send(&third).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn each_token_is_for_one_kind_of_push() {
    let double = start(ApnsDoubleSettings::default()).await;
    let client = client(&double);
    let authorization = valid(double.credentials());
    double.register_as(DEVICE, TOPIC, DeviceTokenKind::App);
    double.register_as("update", TOPIC, DeviceTokenKind::LiveActivity);
    double.register_as("start", TOPIC, DeviceTokenKind::PushToStart);
    let live = |device: &str, aps: Value| {
        Push::new(authorization.clone())
            .with("apns-push-type", "liveactivity")
            .with("apns-topic", "com.example.ringback.push-type.liveactivity")
            .with_path(&format!("/3/device/{device}"))
            .with_body(&json!({ "aps": aps }))
    };
    let update = json!({"timestamp": 1, "event": "update", "content-state": {}});
    let begin = json!({
        "timestamp": 1, "event": "start", "content-state": {}, "attributes-type": "Wait", "attributes": {},
    });
    let without = |name: &str| {
        let mut changed = begin.clone();
        changed.as_object_mut().unwrap().remove(name);
        changed
    };
    let cases = [
        (Push::new(authorization.clone()), 200, ""),
        (live("update", update.clone()), 200, ""),
        (live("update", json!({"timestamp": 1, "event": "end"})), 200, ""),
        (live("start", begin.clone()), 200, ""),
        (live("start", update.clone()), 400, "BadDeviceToken"),
        (live("update", begin.clone()), 400, "BadDeviceToken"),
        (live(DEVICE, update), 400, "DeviceTokenNotForTopic"),
        (Push::new(authorization.clone()).with_path("/3/device/update"), 400, "DeviceTokenNotForTopic"),
        (live("start", without("attributes-type")), 400, "InvalidPushType"),
        (live("start", without("attributes")), 400, "InvalidPushType"),
        (live("start", without("timestamp")), 400, "InvalidPushType"),
        (live("start", without("event")), 400, "InvalidPushType"),
        (live("start", without("content-state")), 400, "InvalidPushType"),
    ];
    for (number, (push, status, expected)) in cases.into_iter().enumerate() {
        let response = push.send(&double, &client).await;
        assert_eq!(response.status(), status, "{number}");
        if status != 200 {
            assert_eq!(reason(response).await, expected, "{number}");
        }
    }
    double.expire("update", "2026-11-01T08:00:00Z".parse().unwrap());
    let response = live("update", json!({"timestamp": 1, "event": "end"})).send(&double, &client).await;
    let body: Value = response.json().await.unwrap();
    assert_eq!(body, json!({"reason": "ExpiredToken", "timestamp": 1_793_520_000_000_i64}));
}

#[tokio::test]
async fn every_reason_comes_on_script_with_its_status() {
    let double = start(ApnsDoubleSettings::default()).await;
    let client = client(&double);
    let authorization = valid(double.credentials());
    let by_status = [
        (400, "BadCollapseId BadDeviceToken BadExpirationDate BadMessageId BadPriority BadTopic"),
        (400, "DeviceTokenNotForTopic DuplicateHeaders IdleTimeout InvalidPushType MissingDeviceToken"),
        (400, "MissingTopic PayloadEmpty TopicDisallowed"),
        (403, "BadCertificate BadCertificateEnvironment BadEnvironmentKeyIdInToken ExpiredProviderToken"),
        (403, "Forbidden InvalidProviderToken MissingProviderToken UnrelatedKeyIdInToken"),
        (404, "BadPath"),
        (405, "MethodNotAllowed"),
        (410, "ExpiredToken Unregistered"),
        (413, "PayloadTooLarge"),
        (429, "TooManyProviderTokenUpdates TooManyRequests"),
        (500, "InternalServerError"),
        (503, "ServiceUnavailable Shutdown"),
    ];
    for (status, names) in by_status {
        for name in names.split(' ') {
            double.script(vec![Fault::refuse(name)]).unwrap();
            let response = Push::new(authorization.clone()).send(&double, &client).await;
            assert_eq!(response.status().as_u16(), status, "{name}");
            let body: Value = response.json().await.unwrap();
            assert_eq!(body["reason"], name);
            assert_eq!(body["timestamp"].is_i64(), status == 410, "{name}");
        }
    }
}
