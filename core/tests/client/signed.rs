//! What changes something is signed, each time it is sent; by the platform's key where there is one.

use crate::support::{Phone, Seen, Server, answer, callback, problem, request};
use ringback_core::host::{Clock, Host, HostError, InstallationSigner, SignerKey};
use ringback_core::protocol::{KeyAlgorithm, ProblemCode, Timestamp};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

fn parameter<'a>(seen: &'a Seen, name: &str) -> &'a str {
    let input = seen.header("signature-input");
    let value = input.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_default().trim_matches('"')
}

#[tokio::test]
async fn only_what_changes_something_is_signed_and_never_twice_the_same() {
    let server = Server::registering(|seen| match seen.method.as_str() {
        "GET" => answer(200, &json!({"callbacks": []})),
        _ => answer(201, &callback("cb_1", "queued")),
    })
    .await;
    let phone = Phone::new(&server.url);
    let client = phone.start();
    client.callbacks().await.expect("listed");
    client.request_callback(request()).await.expect("accepted");
    client.cancel("cb_1".to_owned()).await.expect("cancelled");
    let all = server.all();
    let (signed, unsigned): (Vec<_>, Vec<_>) =
        all.iter().partition(|seen| !seen.header("signature").is_empty());
    assert!(unsigned.iter().all(|seen| seen.method == "GET") && unsigned.len() == 1);
    assert_eq!(signed.len(), 3, "registration, request and cancellation");
    let nonces: std::collections::HashSet<_> = signed.iter().map(|seen| parameter(seen, "nonce")).collect();
    assert_eq!(nonces.len(), 3);
    let components = |seen: &Seen| {
        let input = seen.header("signature-input");
        input[input.find('(').expect("(")..=input.find(')').expect(")")].to_owned()
    };
    let full = r#"("@method" "@target-uri" "content-digest" "idempotency-key")"#;
    assert!(signed.iter().all(|seen| components(seen) == full));
}

/// A clock that the test sets.
struct Set(AtomicI64);

impl Clock for Set {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).expect("a time")
    }
}

#[tokio::test]
async fn a_kept_request_is_signed_when_it_leaves() {
    let refuse = Arc::new(AtomicUsize::new(1));
    let away = refuse.clone();
    let server = Server::registering(move |_| {
        let is_away = away.load(Ordering::SeqCst) == 1;
        if is_away {
            problem(ProblemCode::StorageUnavailable)
        } else {
            answer(201, &callback("cb_1", "queued"))
        }
    })
    .await;
    let clock = Arc::new(Set(AtomicI64::new(1_800_000_000)));
    let phone = Phone::new(&server.url);
    let client = phone.start_on(|host| Host { clock: clock.clone(), ..host });
    client.request_callback(request()).await.expect_err("not now");
    refuse.store(0, Ordering::SeqCst);
    // Less than what an unanswered request may wait, and more than a signature counts for.
    clock.0.fetch_add(600, Ordering::SeqCst);
    client.resume().await.expect("resumed");
    let sent = server.seen("POST", "/v1/callbacks");
    let (first, last) = (&sent[0], sent.last().expect("sent"));
    assert_eq!((parameter(first, "created"), parameter(last, "created")), ("1800000000", "1800000600"));
    assert_eq!((first.key(), &first.body), (last.key(), &last.body), "the same request all the same");
    assert_ne!(parameter(first, "nonce"), parameter(last, "nonce"));
}

/// A key store of the platform, which counts what it signs.
struct KeyStore {
    key: Mutex<Vec<u8>>,
    signed: AtomicUsize,
}

impl InstallationSigner for KeyStore {
    fn public_key(&self) -> Result<SignerKey, HostError> {
        Ok(SignerKey {
            algorithm: KeyAlgorithm::Ed25519,
            key: self.key.lock().expect("not poisoned").clone(),
        })
    }

    fn sign(&self, message: Vec<u8>) -> Result<Vec<u8>, HostError> {
        self.signed.fetch_add(1, Ordering::SeqCst);
        let message = String::from_utf8(message).map_err(|_| HostError::Failed)?;
        assert!(message.starts_with("\"@method\": POST\n\"@target-uri\": http://127.0.0.1:"), "{message}");
        Ok(vec![7; 64])
    }
}

#[tokio::test]
async fn the_platforms_key_signs_and_another_key_is_another_installation() {
    let server = Server::registering(|_| answer(201, &callback("cb_1", "queued"))).await;
    let phone = Phone::new(&server.url);
    let store = Arc::new(KeyStore { key: Mutex::new(vec![1; 32]), signed: AtomicUsize::new(0) });
    let start = || phone.start_on(|host| host.with_signer(store.clone()));
    start().request_callback(request()).await.expect("accepted");
    start().cancel("cb_1".to_owned()).await.expect("cancelled after a restart");
    assert_eq!(store.signed.load(Ordering::SeqCst), 3);
    assert_eq!(
        server.seen("POST", "/v1/callbacks")[0].header("signature"),
        format!("sig=:{}Bw==:", "BwcH".repeat(21))
    );
    let kept = phone.store.value("ringback.installation");
    assert_eq!(
        kept["key"],
        json!({"public": {"algorithm": "ed25519", "key": "AQEB".repeat(10) + "AQE"}, "private": null})
    );
    assert_eq!(server.seen("POST", "/v1/installations").len(), 1);

    // The app was restored on another device: the store came along, the key did not.
    *store.key.lock().expect("not poisoned") = vec![2; 32];
    start().request_callback(request()).await.expect("accepted as somebody new");
    let registrations = server.seen("POST", "/v1/installations");
    let secrets: Vec<Value> = registrations
        .iter()
        .map(|seen| serde_json::from_str::<Value>(&seen.body).expect("JSON")["secret"].clone())
        .collect();
    assert!(secrets.len() == 2 && secrets[0] != secrets[1]);
}
