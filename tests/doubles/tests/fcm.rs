//! The FCM double refuses what Google refuses.

#![allow(clippy::unwrap_used, reason = "clippy knows helpers of tests only inside `mod tests`")]

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Certificate, Client};
use ringback_doubles::{Authority, Fault, FcmDouble, FcmDoubleSettings, ServiceAccount, TargetKind};
use serde_json::{Value, json};

const FCM_ERROR: &str = "type.googleapis.com/google.firebase.fcm.v1.FcmError";
const DEVICE: &str = "installation1";

struct Sender {
    double: FcmDouble,
    http: Client,
}

fn now_s() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn assertion(account: &ServiceAccount, claims: &Value) -> String {
    let file: Value = serde_json::from_str(&account.json).unwrap();
    let key = EncodingKey::from_rsa_pem(file["private_key"].as_str().unwrap().as_bytes()).unwrap();
    let mut header = Header::new(Algorithm::RS256);
    header.kid = file["private_key_id"].as_str().map(str::to_owned);
    jsonwebtoken::encode(&header, claims, &key).unwrap()
}

fn claims(account: &ServiceAccount) -> Value {
    let file: Value = serde_json::from_str(&account.json).unwrap();
    json!({
        "iss": file["client_email"],
        "scope": "https://www.googleapis.com/auth/firebase.messaging",
        "aud": file["token_uri"],
        "iat": now_s(),
        "exp": now_s() + 3600,
    })
}

impl Sender {
    async fn start(settings: FcmDoubleSettings) -> Self {
        let double = FcmDouble::start(settings, &Authority::generate().unwrap()).await.unwrap();
        double.register(DEVICE);
        let root = Certificate::from_pem(double.ca_pem().as_bytes()).unwrap();
        Self { double, http: Client::builder().tls_certs_only([root]).build().unwrap() }
    }

    async fn grant(&self, grant_type: &str, assertion: &str) -> (u16, Value) {
        let form = [("grant_type", grant_type), ("assertion", assertion)];
        let answer =
            self.http.post(format!("{}/token", self.double.endpoint())).form(&form).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn token(&self) -> String {
        let account = self.double.service_account();
        let (status, body) = self.bearer_grant(&assertion(account, &claims(account))).await;
        assert_eq!((status, &body["token_type"]), (200, &json!("Bearer")));
        body["access_token"].as_str().unwrap().to_owned()
    }

    async fn bearer_grant(&self, assertion: &str) -> (u16, Value) {
        self.grant("urn:ietf:params:oauth:grant-type:jwt-bearer", assertion).await
    }

    async fn send_to(&self, project: &str, token: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}/v1/projects/{project}/messages:send", self.double.endpoint());
        let answer = self.http.post(url).bearer_auth(token).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn send(&self, token: &str, body: &Value) -> (u16, Value) {
        self.send_to("ringback-test", token, body).await
    }
}

fn message() -> Value {
    json!({"message": {"fid": DEVICE, "data": {"a": "b"}, "android": {"priority": "HIGH", "ttl": "45s"}}})
}

/// The message with one more or another field, named by its JSON pointer's parent and its name.
fn message_with(parent: &str, name: &str, value: Value) -> Value {
    let mut changed = message();
    changed.pointer_mut(parent).unwrap()[name] = value;
    changed
}

#[tokio::test]
async fn a_proper_push_gets_a_name() {
    let sender = Sender::start(FcmDoubleSettings::default()).await;
    let (status, body) = sender.send(&sender.token().await, &message()).await;
    assert_eq!(status, 200);
    assert!(body["name"].as_str().unwrap().starts_with("projects/ringback-test/messages/"));
}

#[tokio::test]
async fn assertions_are_read_to_the_letter() {
    let sender = Sender::start(FcmDoubleSettings::default()).await;
    let account = sender.double.service_account();
    let with = |name: &str, value: Value| {
        let mut changed = claims(account);
        changed[name] = value;
        assertion(account, &changed)
    };
    let stranger = ServiceAccount::generate("ringback-test", "https://localhost/token").unwrap();
    for (case, assertion) in [
        ("iss", with("iss", json!("nobody"))),
        ("aud", with("aud", json!("https://oauth2.googleapis.com/token"))),
        ("iat", with("iat", json!(now_s() + 60))),
        ("exp in the past", with("exp", json!(now_s() - 1))),
        ("exp too late", with("exp", json!(now_s() + 7200))),
        ("unknown claim", with("more", json!(1))),
        ("padding", format!("{}=", assertion(account, &claims(account)))),
        ("signature", assertion(&stranger, &claims(account))),
        ("nonsense", "a.b.c".to_owned()),
    ] {
        let (status, body) = sender.bearer_grant(&assertion).await;
        assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")), "{case}");
    }
    let (status, body) = sender.grant("password", &assertion(account, &claims(account))).await;
    assert_eq!((status, &body["error"]), (400, &json!("unsupported_grant_type")));
}

#[tokio::test]
async fn only_a_token_of_its_own_that_has_not_run_out_is_taken() {
    let sender = Sender::start(FcmDoubleSettings::default()).await;
    let token = sender.token().await;
    assert_eq!(sender.send("ya29.made-up", &message()).await.1["error"]["status"], "UNAUTHENTICATED");
    sender.double.revoke_tokens();
    let (status, body) = sender.send(&token, &message()).await;
    assert_eq!((status, body["error"].get("details")), (401, None));
    let brief = Sender::start(FcmDoubleSettings { token_lifetime_s: 0, ..Default::default() }).await;
    assert_eq!(brief.send(&brief.token().await, &message()).await.0, 401);
}

#[tokio::test]
async fn messages_are_checked_field_by_field() {
    let sender = Sender::start(FcmDoubleSettings::default()).await;
    let token = sender.token().await;
    let cases = [
        ("unknown at the top", json!({"message": message()["message"], "urgent": true})),
        ("unknown field", message_with("/message", "priority", json!("high"))),
        ("unknown android field", message_with("/message/android", "time_to_live", json!(45))),
        ("number in data", message_with("/message/data", "n", json!(1))),
        ("object in data", message_with("/message/data", "o", json!({}))),
        ("reserved from", message_with("/message/data", "from", json!("x"))),
        ("reserved message_type", message_with("/message/data", "message_type", json!("x"))),
        ("reserved google.", message_with("/message/data", "google.x", json!("x"))),
        ("reserved gcm.", message_with("/message/data", "gcm.x", json!("x"))),
        ("reserved gcm.notification.", message_with("/message/data", "gcm.notification.x", json!("x"))),
        ("too much data", message_with("/message/data", "x", json!("x".repeat(4096)))),
        ("ttl as a number", message_with("/message/android", "ttl", json!(45))),
        ("ttl without s", message_with("/message/android", "ttl", json!("45"))),
        ("ttl of five weeks", message_with("/message/android", "ttl", json!("3024000s"))),
        ("priority in lower case", message_with("/message/android", "priority", json!("high"))),
        ("two targets", message_with("/message", "token", json!("t"))),
        ("no target", json!({"message": {"data": {}}})),
        ("no message", json!({})),
    ];
    for (case, body) in cases {
        let (status, answer) = sender.send(&token, &body).await;
        assert_eq!((status, &answer["error"]["status"]), (400, &json!("INVALID_ARGUMENT")), "{case}");
        let detail = &answer["error"]["details"][0];
        assert_eq!(detail["@type"], "type.googleapis.com/google.rpc.BadRequest", "{case}");
    }
}

#[tokio::test]
async fn strangers_are_told_apart() {
    let sender = Sender::start(FcmDoubleSettings::default()).await;
    let token = sender.token().await;
    let (status, body) = sender.send_to("another-project", &token, &message()).await;
    assert_eq!((status, body["error"].get("details")), (404, None));
    let (status, body) = sender.send(&token, &message_with("/message", "fid", json!("unknown"))).await;
    assert_eq!((status, &body["error"]["details"][0]["errorCode"]), (404, &json!("UNREGISTERED")));
}

#[tokio::test]
async fn only_what_was_accepted_is_kept_for_the_schema_check() {
    let file = std::env::temp_dir().join(format!("ringback-fcm-{}", uuid::Uuid::new_v4()));
    let sender =
        Sender::start(FcmDoubleSettings { record_to: Some(file.clone()), ..Default::default() }).await;
    let token = sender.token().await;
    sender.double.script(vec![Fault::refuse("UNAVAILABLE")]).unwrap();
    assert_eq!(sender.send(&token, &message()).await.0, 503);
    assert_eq!(sender.send(&token, &message()).await.0, 200);
    let kept = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(file).unwrap();
    let lines: Vec<Value> = kept.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, [message()]);
}

#[tokio::test]
async fn what_is_wrong_with_an_assertion_is_told_in_googles_words() {
    let sender = Sender::start(FcmDoubleSettings::default()).await;
    let account = sender.double.service_account();
    let with = |name: &str, value: Value| {
        let mut changed = claims(account);
        changed[name] = value;
        assertion(account, &changed)
    };
    let told = async |assertion: String| {
        let (_, body) = sender.bearer_grant(&assertion).await;
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        (text("error"), text("error_description"))
    };
    let (error, text) = told(with("scope", json!("https://www.googleapis.com/auth/cloud-platform"))).await;
    assert_eq!((error.as_str(), text.starts_with("Invalid OAuth scope")), ("invalid_scope", true));
    assert!(told(with("aud", json!("x"))).await.1.starts_with("Invalid JWT: Failed audience check"));
    let good = assertion(account, &claims(account));
    let (message, _) = good.rsplit_once('.').unwrap();
    let (error, text) = told(format!("{message}.AAAA")).await;
    assert_eq!((error.as_str(), text.as_str()), ("invalid_grant", "Invalid JWT Signature."));
    // A sender whose clock is off is told of its times.
    for offset_s in [3700, -3700] {
        sender.double.clock().set_offset(jiff::SignedDuration::from_secs(offset_s));
        let (error, text) = told(good.clone()).await;
        assert_eq!(error, "invalid_grant");
        assert!(text.starts_with("Invalid JWT: Token must be a short-lived token (60 minutes)"), "{text}");
    }
}

#[tokio::test]
async fn a_dry_run_is_checked_and_not_sent() {
    let sender = Sender::start(FcmDoubleSettings::default()).await;
    let token = sender.token().await;
    let mut body = message();
    body["validate_only"] = json!(true);
    let (status, answer) = sender.send(&token, &body).await;
    assert_eq!((status, &answer["name"]), (200, &json!("projects/ringback-test/messages/fake_message_id")));
    assert_eq!(sender.double.record().counts().received, 0);
    assert_eq!(sender.double.dry_run_record().received()[0].payload, body);
    body["message"]["fid"] = json!("unknown");
    assert_eq!(sender.send(&token, &body).await.0, 404);
}

#[tokio::test]
async fn installation_ids_and_tokens_are_told_apart() {
    let sender = Sender::start(FcmDoubleSettings::default()).await;
    let token = sender.token().await;
    sender.double.register_as("f", TargetKind::Fid);
    sender.double.register_as("t", TargetKind::Token);
    let to = |field: &str, device: &str| json!({"message": {field: device, "data": {"a": "b"}}});
    assert_eq!(sender.send(&token, &to("fid", "f")).await.0, 200);
    assert_eq!(sender.send(&token, &to("token", "t")).await.0, 200);
    for mixed in [to("token", "f"), to("fid", "t")] {
        let (status, body) = sender.send(&token, &mixed).await;
        let detail = &body["error"]["details"][0];
        assert_eq!((status, &detail["errorCode"]), (400, &json!("INVALID_ARGUMENT")));
        assert_eq!(detail["@type"], "type.googleapis.com/google.firebase.fcm.v1.FcmError");
    }
}

#[tokio::test]
async fn more_collapse_keys_than_fcm_keeps_are_noticed() {
    let sender = Sender::start(FcmDoubleSettings::default()).await;
    let token = sender.token().await;
    for key in ["1", "2", "3", "4", "4"] {
        let body = message_with("/message/android", "collapse_key", json!(key));
        assert_eq!(sender.send(&token, &body).await.0, 200);
    }
    assert!(sender.double.with_too_many_collapse_keys().is_empty());
    let body = message_with("/message/android", "collapse_key", json!("5"));
    assert_eq!(sender.send(&token, &body).await.0, 200);
    assert_eq!(sender.double.with_too_many_collapse_keys(), [DEVICE]);
}

#[tokio::test]
async fn every_refusal_comes_on_script() {
    let sender = Sender::start(FcmDoubleSettings::default()).await;
    let token = sender.token().await;
    for (name, code, status, detail) in [
        ("BAD_REQUEST", 400, "INVALID_ARGUMENT", Some("type.googleapis.com/google.rpc.BadRequest")),
        ("INVALID_ARGUMENT", 400, "INVALID_ARGUMENT", Some(FCM_ERROR)),
        ("UNAUTHENTICATED", 401, "UNAUTHENTICATED", None),
        ("THIRD_PARTY_AUTH_ERROR", 401, "UNAUTHENTICATED", Some(FCM_ERROR)),
        ("PERMISSION_DENIED", 403, "PERMISSION_DENIED", None),
        ("SENDER_ID_MISMATCH", 403, "PERMISSION_DENIED", Some(FCM_ERROR)),
        ("NOT_FOUND", 404, "NOT_FOUND", None),
        ("UNREGISTERED", 404, "NOT_FOUND", Some(FCM_ERROR)),
        ("QUOTA_EXCEEDED", 429, "RESOURCE_EXHAUSTED", Some(FCM_ERROR)),
        ("INTERNAL", 500, "INTERNAL", Some(FCM_ERROR)),
        ("UNAVAILABLE", 503, "UNAVAILABLE", Some(FCM_ERROR)),
    ] {
        sender.double.script(vec![Fault::refuse(name)]).unwrap();
        let (http, body) = sender.send(&token, &message()).await;
        let error = &body["error"];
        assert_eq!((http, &error["code"], &error["status"]), (code, &json!(code), &json!(status)), "{name}");
        assert_eq!(error["details"][0]["@type"].as_str(), detail, "{name}");
        if detail == Some(FCM_ERROR) {
            assert_eq!(error["details"][0]["errorCode"], name);
        }
    }
}
