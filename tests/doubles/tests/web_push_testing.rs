//! A push service that nobody here wrote takes what the Web Push double takes, and refuses what it refuses.

#![allow(clippy::unwrap_used, reason = "clippy knows helpers of tests only inside `mod tests`")]

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Certificate, Client};
use ringback_doubles::{ApnsCredentials, Authority, WebPushDouble, WebPushDoubleSettings, WebPushTesting};
use serde_json::{Value, json};
use web_push_native::{Auth, encrypt, p256};

fn public(key: &ApnsCredentials) -> String {
    let der: String = key.public_pem().lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(der).unwrap();
    URL_SAFE_NO_PAD.encode(&der[der.len() - 65..])
}

struct Sender {
    http: Client,
    key: ApnsCredentials,
}

struct Target {
    endpoint: String,
    p256dh: String,
    auth: String,
}

impl Sender {
    async fn send(&self, to: &Target, signer: &ApnsCredentials, message: &str) -> u16 {
        let origin = url_origin(&to.endpoint);
        let exp = jiff::Timestamp::now().as_second() + 3600;
        let claims = json!({"aud": origin, "exp": exp, "sub": "mailto:push@example.com"});
        let key = EncodingKey::from_ec_pem(signer.p8_pem.as_bytes()).unwrap();
        let token = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &key).unwrap();
        let point = p256::PublicKey::from_sec1_bytes(&URL_SAFE_NO_PAD.decode(&to.p256dh).unwrap()).unwrap();
        let auth = URL_SAFE_NO_PAD.decode(&to.auth).unwrap();
        let body = encrypt(message.into(), &point, Auth::from_slice(&auth)).unwrap();
        let request = self
            .http
            .post(&to.endpoint)
            .header("authorization", format!("vapid t={token}, k={}", public(&self.key)))
            .header("content-type", "application/octet-stream")
            .header("content-encoding", "aes128gcm")
            .header("ttl", "60")
            .body(body);
        request.send().await.unwrap().status().as_u16()
    }
}

fn url_origin(endpoint: &str) -> String {
    endpoint.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn both_agree() {
    let authority = Authority::generate().unwrap();
    let stranger = ApnsCredentials::generate().unwrap();
    let root = Certificate::from_pem(authority.pem().as_bytes()).unwrap();
    let http = Client::builder().tls_certs_only([root]).build().unwrap();
    let sender = Sender { http, key: ApnsCredentials::generate().unwrap() };

    let double = WebPushDouble::start(WebPushDoubleSettings::default(), &authority).await.unwrap();
    let subscription = double.subscribe(Some(&public(&sender.key))).unwrap();
    let device = subscription.device().to_owned();
    let of_double =
        Target { endpoint: subscription.endpoint, p256dh: subscription.p256dh, auth: subscription.auth };

    let judge = WebPushTesting::start(&authority).unwrap();
    let order = async |path: &str, body: Value| {
        let url = format!("{}/{path}", judge.endpoint());
        sender.http.post(url).json(&body).send().await.unwrap().text().await.unwrap()
    };
    let given = order("subscribe", json!({"applicationServerKey": public(&sender.key)})).await;
    let given: Value = serde_json::from_str(&given).unwrap();
    let text =
        |pointer: &str| given.pointer(pointer).unwrap().as_str().unwrap().trim_end_matches('=').to_owned();
    let of_judge = Target {
        endpoint: text("/data/endpoint"),
        p256dh: text("/data/keys/p256dh"),
        auth: text("/data/keys/auth"),
    };

    for target in [&of_double, &of_judge] {
        assert_eq!(sender.send(target, &sender.key, r#"{"callback":"cb_1"}"#).await, 201);
    }
    assert_eq!(double.record().received()[0].payload, json!({"callback": "cb_1"}));
    let hash = text("/data/clientHash");
    let got = order("get-notifications", json!({"clientHash": hash})).await;
    assert_eq!(
        serde_json::from_str::<Value>(&got).unwrap(),
        json!({"data": {"messages": [r#"{"callback":"cb_1"}"#]}})
    );

    // Signed by another key than the one that is named.
    assert_eq!(sender.send(&of_double, &stranger, "{}").await, 403);
    assert_eq!(sender.send(&of_judge, &stranger, "{}").await, 400);
    // Encrypted for somebody else.
    let swapped = |endpoint: &Target, keys: &Target| Target {
        endpoint: endpoint.endpoint.clone(),
        p256dh: keys.p256dh.clone(),
        auth: keys.auth.clone(),
    };
    assert_eq!(sender.send(&swapped(&of_double, &of_judge), &sender.key, "{}").await, 400);
    assert_eq!(sender.send(&swapped(&of_judge, &of_double), &sender.key, "{}").await, 400);
    // Gone.
    double.unsubscribe(&device);
    order(&format!("expire-subscription/{hash}"), json!({})).await;
    for target in [&of_double, &of_judge] {
        assert_eq!(sender.send(target, &sender.key, "{}").await, 410);
    }
}
