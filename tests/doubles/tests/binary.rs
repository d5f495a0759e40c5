//! The doubles as a process of their own, driven over the control port.

#![allow(clippy::unwrap_used, reason = "clippy knows helpers of tests only inside `mod tests`")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Certificate, Client};
use serde_json::{Value, json};

/// Ends the process when the test does, however it does.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn the_binary_hands_out_what_a_sender_needs() {
    let folder = std::env::temp_dir().join(format!("ringback-doubles-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_ringback-doubles"))
        .args(["--folder", folder.to_str().unwrap(), "--topic", "com.example.app"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let _running = Running(child);
    let handout: Value = serde_json::from_str(&line).unwrap();
    let text = |name: &str| handout[name].as_str().unwrap().to_owned();
    let read = |name: &str| std::fs::read(text(name)).unwrap();

    let control = Client::new();
    let order = async |path: &str, body: Value| {
        let answer = control.post(format!("{}/{path}", text("control"))).json(&body).send().await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(
        order("devices", json!({"provider": "apns", "device": "d1", "topic": "com.example.app"})).await,
        200
    );
    let shut = json!([{"fault": "refuse", "reason": "Shutdown"}]);
    assert_eq!(order("script", json!({"provider": "apns", "faults": shut, "device": "d1"})).await, 200);
    assert_eq!(order("script", json!({"provider": "fcm", "faults": shut})).await, 400);
    assert_eq!(order("every_push", json!({"provider": "fcm", "fault": null})).await, 200);
    assert_eq!(order("nonsense", json!({})).await, 404);

    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(text("apns_key_id"));
    let claims = json!({"iss": text("apns_team_id"), "iat": jiff::Timestamp::now().as_second()});
    let key = EncodingKey::from_ec_pem(&read("apns_key_file")).unwrap();
    let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
    let root = Certificate::from_pem(&read("ca_file")).unwrap();
    let sender = Client::builder().tls_certs_only([root]).build().unwrap();
    let push = || {
        sender
            .post(format!("{}/3/device/d1", text("apns_endpoint")))
            .header("authorization", format!("bearer {token}"))
            .header("apns-topic", "com.example.app")
            .header("apns-push-type", "alert")
            .body(r#"{"aps":{"alert":"hello"}}"#)
            .send()
    };
    assert_eq!(push().await.unwrap().status(), 503);
    assert_eq!(push().await.unwrap().status(), 200);

    let received = async |query: &str| {
        let answer = control.get(format!("{}/received?{query}", text("control"))).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, body) = received("provider=apns&wait_for=1").await;
    assert_eq!((status, body["received"].as_array().unwrap().len()), (200, 2));
    assert_eq!(received("provider=apns&wait_for=2&timeout_ms=1").await.0, 408);
    assert_eq!(received("provider=pigeon").await.0, 400);

    assert_eq!(order("go_down", json!({"provider": "apns"})).await, 200);
    assert!(push().await.unwrap_err().is_connect());
    assert_eq!(order("come_back", json!({"provider": "apns"})).await, 200);
    assert_eq!(push().await.unwrap().status(), 200);
    assert_eq!(order("clock", json!({"provider": "apns", "offset_s": 3700})).await, 200);
    assert_eq!(push().await.unwrap().status(), 403);
    assert_eq!(order("clock", json!({"provider": "apns", "offset_s": 0})).await, 200);
    assert_eq!(order("script_connections", json!({"provider": "fcm", "faults": ["wrong_name"]})).await, 200);
    assert!(sender.get(text("fcm_endpoint")).send().await.unwrap_err().is_connect());
    assert_eq!(sender.get(text("fcm_endpoint")).send().await.unwrap().status(), 404);
    for (path, body) in [
        ("every_connection", json!({"provider": "web_push", "fault": null})),
        ("close_idle", json!({"provider": "apns"})),
        ("stream_limit", json!({"provider": "apns", "limit": 1})),
        ("keep_last", json!({"provider": "apns", "count": 0})),
        ("limit_token_updates", json!({"limited": true})),
        ("token_endpoint", json!({"faults": [{"fault": "reset"}]})),
        ("devices", json!({"provider": "fcm", "device": "f", "kind": "fid"})),
    ] {
        assert_eq!(order(path, body).await, 200, "{path}");
    }
    let counts = control.get(format!("{}/counts?provider=apns", text("control"))).send().await.unwrap();
    let counts: Value = counts.json().await.unwrap();
    assert_eq!((&counts["accepted"], &counts["received"]), (&json!(2), &json!(4)));
    assert!(counts["connections"]["opened"].as_u64().unwrap() >= 2);
    let subscription =
        control.post(format!("{}/subscriptions", text("control"))).json(&json!({})).send().await.unwrap();
    let subscription: Value = subscription.json().await.unwrap();
    assert!(subscription["endpoint"].as_str().unwrap().starts_with(&text("web_push_endpoint")));
    std::fs::remove_dir_all(folder).unwrap();
}
