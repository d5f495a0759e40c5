//! The Web Push double refuses what a push service refuses, and reads what a browser reads.

#![allow(clippy::unwrap_used, reason = "clippy knows helpers of tests only inside `mod tests`")]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Certificate, Client, Response};
use ringback_doubles::{
    ApnsCredentials, Authority, ConnectionFault, Fault, Subscription, WebPushDouble, WebPushDoubleSettings,
};
use serde_json::{Value, json};
use web_push_native::{Auth, encrypt, p256};

struct Sender {
    double: WebPushDouble,
    http: Client,
    key: ApnsCredentials,
}

/// `k` of a key: the end of its PEM is the point.
fn public(key: &ApnsCredentials) -> String {
    let der: String = key.public_pem().lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(der).unwrap();
    URL_SAFE_NO_PAD.encode(&der[der.len() - 65..])
}

fn sealed(subscription: &Subscription, message: &[u8]) -> Vec<u8> {
    let point = URL_SAFE_NO_PAD.decode(&subscription.p256dh).unwrap();
    let auth = URL_SAFE_NO_PAD.decode(&subscription.auth).unwrap();
    let key = p256::PublicKey::from_sec1_bytes(&point).unwrap();
    encrypt(message.to_vec(), &key, Auth::from_slice(&auth)).unwrap()
}

impl Sender {
    async fn start() -> Self {
        let authority = Authority::generate().unwrap();
        let double = WebPushDouble::start(WebPushDoubleSettings::default(), &authority).await.unwrap();
        let root = Certificate::from_pem(double.ca_pem().as_bytes()).unwrap();
        let http = Client::builder().tls_certs_only([root]).build().unwrap();
        Self { double, http, key: ApnsCredentials::generate().unwrap() }
    }

    fn claims(&self) -> Value {
        let exp = jiff::Timestamp::now().as_second() + 12 * 3600;
        json!({"aud": self.double.endpoint(), "exp": exp, "sub": "mailto:push@example.com"})
    }

    fn authorization(&self, claims: &Value) -> String {
        let key = EncodingKey::from_ec_pem(self.key.p8_pem.as_bytes()).unwrap();
        let token = jsonwebtoken::encode(&Header::new(Algorithm::ES256), claims, &key).unwrap();
        format!("vapid t={token}, k={}", public(&self.key))
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        vec![
            ("authorization", self.authorization(&self.claims())),
            ("ttl", "60".to_owned()),
            ("content-encoding", "aes128gcm".to_owned()),
            ("urgency", "high".to_owned()),
            ("topic", "cb-1".to_owned()),
        ]
    }

    async fn send(&self, to: &str, headers: Vec<(&'static str, String)>, body: Vec<u8>) -> Response {
        let mut request = self.http.post(to).body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send().await.unwrap()
    }

    async fn push(&self, subscription: &Subscription, message: &Value) -> Response {
        let body = sealed(subscription, message.to_string().as_bytes());
        self.send(&subscription.endpoint, self.headers(), body).await
    }
}

fn with(
    mut headers: Vec<(&'static str, String)>,
    name: &'static str,
    value: Option<&str>,
) -> Vec<(&'static str, String)> {
    headers.retain(|(header, _)| *header != name);
    headers.extend(value.map(|value| (name, value.to_owned())));
    headers
}

#[tokio::test]
async fn a_proper_push_is_taken_and_read() {
    let sender = Sender::start().await;
    let subscription = sender.double.subscribe(Some(&public(&sender.key))).unwrap();
    let answer = sender.push(&subscription, &json!({"callback": "cb_1"})).await;
    assert_eq!(answer.status(), 201);
    assert!(answer.headers()["location"].to_str().unwrap().starts_with(&sender.double.endpoint()));
    let received = sender.double.record().received();
    assert!(received[0].accepted());
    assert_eq!(received[0].payload, json!({"callback": "cb_1"}));
    assert_eq!(received[0].device, subscription.device());
}

#[tokio::test]
async fn a_topic_replaces_and_a_ttl_of_zero_is_not_kept() {
    let sender = Sender::start().await;
    let subscription = sender.double.subscribe(None).unwrap();
    for (name, value, number) in
        [("topic", Some("cb-1"), 1), ("topic", None, 2), ("topic", Some("cb-1"), 3), ("ttl", Some("0"), 4)]
    {
        let body = sealed(&subscription, number.to_string().as_bytes());
        let headers = with(sender.headers(), name, value);
        assert_eq!(sender.send(&subscription.endpoint, headers, body).await.status(), 201);
    }
    assert_eq!(sender.double.stored(subscription.device()), [json!(2), json!(3)]);
}

#[tokio::test]
async fn every_header_and_body_is_checked() {
    let sender = Sender::start().await;
    let subscription = sender.double.subscribe(None).unwrap();
    let good = sealed(&subscription, b"{}");
    let stranger = sender.double.subscribe(None).unwrap();
    let headers = || sender.headers();
    let without = |name| with(headers(), name, None);
    let long = "x".repeat(33);
    let cases = [
        ("no TTL", without("ttl"), good.clone(), 400),
        ("negative TTL", with(headers(), "ttl", Some("-1")), good.clone(), 400),
        ("no encoding", without("content-encoding"), good.clone(), 400),
        ("old encoding", with(headers(), "content-encoding", Some("aesgcm")), good.clone(), 400),
        ("urgency", with(headers(), "urgency", Some("urgent")), good.clone(), 400),
        ("long topic", with(headers(), "topic", Some(&long)), good.clone(), 400),
        ("topic with a dot", with(headers(), "topic", Some("a.b")), good.clone(), 400),
        ("for another", headers(), sealed(&stranger, b"{}"), 400),
        ("plain", headers(), b"{}".to_vec(), 400),
        ("too large", headers(), vec![0; 4097], 413),
        ("no VAPID", without("authorization"), good.clone(), 401),
    ];
    for (case, headers, body, status) in cases {
        assert_eq!(sender.send(&subscription.endpoint, headers, body).await.status(), status, "{case}");
    }
    let nobody = format!("{}/push/nobody", sender.double.endpoint());
    assert_eq!(sender.send(&nobody, headers(), good.clone()).await.status(), 404);
    let got = sender.http.get(&subscription.endpoint).send().await.unwrap();
    assert_eq!(got.status(), 405);
    sender.double.unsubscribe(subscription.device());
    assert_eq!(sender.send(&subscription.endpoint, headers(), good).await.status(), 410);
}

#[tokio::test]
async fn vapid_is_read_to_the_letter() {
    let sender = Sender::start().await;
    let subscription = sender.double.subscribe(None).unwrap();
    let changed = |name: &str, value: Value| {
        let mut claims = sender.claims();
        claims[name] = value;
        sender.authorization(&claims)
    };
    let now_s = jiff::Timestamp::now().as_second();
    let good = sender.authorization(&sender.claims());
    let other_key = public(&ApnsCredentials::generate().unwrap());
    let cases = [
        ("aud without port", changed("aud", json!("https://localhost"))),
        ("aud with path", changed("aud", json!(subscription.endpoint))),
        ("exp in the past", changed("exp", json!(now_s - 1))),
        ("exp too far", changed("exp", json!(now_s + 24 * 3600 + 60))),
        ("sub", changed("sub", json!("push@example.com"))),
        ("no sub", changed("sub", Value::Null)),
        ("another key", good.replace(&public(&sender.key), &other_key)),
        ("no key", good.split(", k=").next().unwrap().to_owned()),
        ("bearer", good.replace("vapid t=", "bearer ")),
        ("padded", good.replace(", k=", "=, k=")),
    ];
    for (case, authorization) in cases {
        let headers = with(sender.headers(), "authorization", Some(&authorization));
        let answer = sender.send(&subscription.endpoint, headers, sealed(&subscription, b"{}")).await;
        assert_eq!(answer.status(), 403, "{case}");
    }
    assert_eq!(sender.push(&subscription, &json!({})).await.status(), 201);
    let of_another = sender.double.subscribe(Some(&other_key)).unwrap();
    assert_eq!(sender.push(&of_another, &json!({})).await.status(), 403);
    // The push service's clock decides.
    sender.double.clock().set_offset(SignedDuration::from_hours(13));
    assert_eq!(sender.push(&subscription, &json!({})).await.status(), 403);
    sender.double.clock().set_offset(SignedDuration::from_hours(-13));
    assert_eq!(sender.push(&subscription, &json!({})).await.status(), 403);
}

#[tokio::test]
async fn every_refusal_comes_on_script() {
    let sender = Sender::start().await;
    let subscription = sender.double.subscribe(None).unwrap();
    for (name, status) in [
        ("NotFound", 404),
        ("Gone", 410),
        ("ContentTooLarge", 413),
        ("InternalServerError", 500),
        ("BadGateway", 502),
        ("ServiceUnavailable", 503),
        ("GatewayTimeout", 504),
    ] {
        sender.double.script_device(subscription.device(), vec![Fault::refuse(name)]).unwrap();
        let answer = sender.push(&subscription, &json!({})).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.json::<Value>().await.unwrap()["error"], name);
    }
    let wait = Fault::Refuse { reason: "TooManyRequests".into(), retry_after_s: Some(7), timestamp: None };
    sender.double.script(vec![wait]).unwrap();
    let answer = sender.push(&subscription, &json!({})).await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    assert!(sender.double.script(vec![Fault::refuse("Nonsense")]).is_err());
}

#[tokio::test]
async fn a_push_service_may_not_know_http_2() {
    let sender = Sender::start().await;
    let subscription = sender.double.subscribe(None).unwrap();
    sender.double.server().script(vec![ConnectionFault::NoHttp2]);
    let answer = sender.push(&subscription, &json!({})).await;
    assert_eq!((answer.status().as_u16(), answer.version()), (201, reqwest::Version::HTTP_11));
    assert_eq!(sender.double.server().counts().opened, 1);
}

#[tokio::test]
async fn http_1_breaks_off_as_well() {
    let sender = Sender::start().await;
    let root = Certificate::from_pem(sender.double.ca_pem().as_bytes()).unwrap();
    let http =
        Client::builder().tls_certs_only([root]).http1_only().retry(reqwest::retry::never()).build().unwrap();
    let sender = Sender { http, ..sender };
    let subscription = sender.double.subscribe(None).unwrap();
    let send = || {
        let mut request = sender.http.post(&subscription.endpoint).body(sealed(&subscription, b"{}"));
        for (name, value) in sender.headers() {
            request = request.header(name, value);
        }
        request.send()
    };
    for fault in [Fault::Disconnect, Fault::Reset, Fault::RefuseStream, Fault::GoAwayUnprocessed] {
        sender.double.script(vec![fault.clone()]).unwrap();
        assert!(send().await.is_err(), "{fault:?}");
    }
    for fault in [Fault::CutBody { reason: Some("BadGateway".into()) }, Fault::Garbage] {
        sender.double.script(vec![fault.clone()]).unwrap();
        assert!(send().await.unwrap().bytes().await.is_err(), "{fault:?}");
    }
    sender.double.script(vec![Fault::GoAway]).unwrap();
    let answer = send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["connection"]), (201, &"close".parse().unwrap()));
}
