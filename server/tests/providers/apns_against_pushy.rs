//! The APNs client against an APNs that nobody here wrote: the mock server of pushy, a Java library.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ringback_core::protocol::Timestamp;
use ringback_doubles::{ApnsCredentials, Authority};
use ringback_server::push::apns::{
    ApnsClient, ApnsExpiration, ApnsKey, ApnsPriority, ApnsPush, ApnsPushType, ApnsSettings,
};
use ringback_server::push::connection::ConnectionSettings;
use ringback_server::push::outcome::Outcome;
use serde_json::json;
use uuid::Uuid;

const TOPIC: &str = "com.example.ringback";
const DEVICE: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";
const GONE: &str = "11fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f1";
const GONE_SINCE: &str = "2026-11-01T08:00:00Z";

/// pushy's server; it ends when its input does, which is when this is dropped.
struct Pushy {
    process: Child,
    port: u16,
    authority: Authority,
    credentials: ApnsCredentials,
    _folder: tempfile::TempDir,
}

impl Drop for Pushy {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

impl Pushy {
    fn start() -> Self {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/pushy/target");
        assert!(
            built.join("classes/dev/ringback/pushy/MockApns.class").is_file(),
            "pushy's server is not built: run `cargo xtask test`, or `mvn -f tests/pushy compile` first"
        );
        let authority = Authority::generate().unwrap();
        let credentials = ApnsCredentials::generate().unwrap();
        let (certificate, certificate_key) = authority.issue(&["localhost"]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = folder.path().join(name);
            std::fs::write(&file, text).unwrap();
            file
        };
        let mut process = Command::new("java")
            .arg("-cp")
            .arg(format!("{0}/classes:{0}/dependency/*", built.display()))
            .arg("dev.ringback.pushy.MockApns")
            .args(["--topic", TOPIC, "--device", DEVICE, "--gone", GONE, "--gone-since", GONE_SINCE])
            .args(["--key-id", &credentials.key_id, "--team-id", &credentials.team_id])
            .arg("--public-key")
            .arg(write("apns_key.pem", credentials.public_pem()))
            .arg("--certificate")
            .arg(write("certificate.pem", &certificate))
            .arg("--certificate-key")
            .arg(write("certificate_key.pem", &certificate_key))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let port = port.trim().parse().unwrap();
        Self { process, port, authority, credentials, _folder: folder }
    }

    fn client(&self, credentials: &ApnsCredentials) -> ApnsClient {
        ApnsClient::new(&ApnsSettings {
            endpoint: format!("https://localhost:{}", self.port),
            key: ApnsKey {
                p8_pem: credentials.p8_pem.clone().into(),
                key_id: credentials.key_id.clone(),
                team_id: credentials.team_id.clone(),
            },
            connection: ConnectionSettings {
                extra_roots_pem: Some(self.authority.pem()),
                ..Default::default()
            },
        })
        .unwrap()
    }
}

fn push_to(device: &str) -> ApnsPush {
    ApnsPush {
        device_token: device.into(),
        topic: TOPIC.into(),
        push_type: ApnsPushType::Alert,
        priority: ApnsPriority::Immediate,
        expiration: ApnsExpiration::DoNotStore,
        collapse_id: Some("cb_1".into()),
        apns_id: Uuid::new_v4(),
        payload: json!({"aps": {"alert": {"loc-key": "AGENT_READY"}, "interruption-level": "time-sensitive"}}),
    }
}

#[tokio::test]
async fn pushys_server_agrees() {
    let pushy = Pushy::start();
    let client = pushy.client(&pushy.credentials);

    let push = push_to(DEVICE);
    let delivered = Outcome::Delivered { provider_id: push.apns_id.to_string() };
    assert_eq!(client.send(&push).await.unwrap(), delivered);

    let gone = Outcome::TokenGone {
        invalid_since: Some(GONE_SINCE.parse::<Timestamp>().unwrap()),
        reason: "Unregistered".into(),
    };
    assert_eq!(client.send(&push_to(GONE)).await.unwrap(), gone);

    let unknown = client.send(&push_to(&"ab".repeat(32))).await.unwrap();
    assert_eq!(unknown, Outcome::TokenRejected { reason: "DeviceTokenNotForTopic".into() });

    let stranger = pushy.client(&ApnsCredentials::generate().unwrap());
    let refused = stranger.send(&push_to(DEVICE)).await.unwrap();
    assert_eq!(refused, Outcome::LaneBlocked { reason: "InvalidProviderToken".into() });
}
