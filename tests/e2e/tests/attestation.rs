//! Evidence of app and device against the real server: what is genuine does instead of a CAPTCHA where a service wants it so, what is
//! wrong makes suspicious, and nothing counts twice.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, RequestBuilder};
use ringback_core::client::{ClientConfig, RingbackClient};
use ringback_core::host::{AttestationAsk, AttestationProvider, FileStore, Host, HostError};
use ringback_core::protocol::{
    AttestationChallenge, AttestationEvidence, AttestationResult, AttestationVerdict, CallbackRequest,
    Problem,
};
use ringback_core::transport::ReqwestTransport;
use ringback_doubles::Fault;
use ringback_e2e::{AppleAuthority, AppleDevice, CentreSettings, number};
use ringback_server::storage::Engine;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

mod support;
use support::{Failure, World};

const APP: &str = "TEAM.com.example.ringback";

struct Ground {
    world: World,
    authority: AppleAuthority,
    _folder: TempDir,
}

impl Ground {
    /// A centre that judges App Attest, with a service whose policy for CAPTCHAs is this.
    async fn new(engine: Engine, captcha: Value) -> Result<Self, Failure> {
        Self::with(engine, captcha, "").await
    }

    /// The same, with more settings of attestation.
    async fn with(engine: Engine, captcha: Value, more: &str) -> Result<Self, Failure> {
        let (authority, folder) = (AppleAuthority::new()?, TempDir::new()?);
        let root = folder.path().join("root.pem");
        std::fs::write(&root, authority.root_pem())?;
        let config =
            format!("[attestation]\napp_attest_apps = [{APP:?}]\napp_attest_root_file = {root:?}\n{more}");
        let world = World::start_with(engine, CentreSettings { config, ..Default::default() }).await?;
        let service = json!({ "name": "guarded", "queue": "support", "captcha": captcha });
        world.centre.staff().ask(Method::POST, "services", Some(service)).await?;
        Ok(Self { world, authority, _folder: folder })
    }

    async fn installation(&self, name: &str) -> Result<Stranger<'_>, Failure> {
        let http = reqwest::Client::new();
        let answer = http
            .post(format!("{}/v1/installations", self.world.centre.url))
            .header("Ringback-App-Key", &self.world.centre.app_key)
            .json(&json!({ "secret": format!("{name:0>40}") }))
            .send()
            .await?;
        let token = answer.json::<Value>().await?["token"].as_str().unwrap_or_default().to_owned();
        Ok(Stranger { url: &self.world.centre.url, http, token })
    }
}

/// An installation that speaks HTTP itself.
struct Stranger<'a> {
    url: &'a str,
    http: reqwest::Client,
    token: String,
}

impl Stranger<'_> {
    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.token).json(body)
    }

    async fn challenge(&self) -> Result<String, Failure> {
        let answer = self.post("/v1/attestation-challenges", &json!({})).send().await?.error_for_status()?;
        let challenge: AttestationChallenge = answer.json().await?;
        assert_eq!(challenge.providers, ["app_attest"]);
        Ok(challenge.challenge)
    }

    async fn send(&self, challenge: &str, evidence: &Value) -> Result<AttestationResult, Failure> {
        let body = json!({ "challenge": challenge, "evidence": evidence });
        let answer = self.post("/v1/attestations", &body).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if status.is_success() { Ok(serde_json::from_str(&text)?) } else { Err(code(&text).into()) }
    }

    async fn attest(&self, device: &AppleDevice<'_>) -> Result<AttestationResult, Failure> {
        let challenge = self.challenge().await?;
        self.send(&challenge, &attested(device, &challenge)?).await
    }

    async fn assert(&self, device: &AppleDevice<'_>, counter: u32) -> Result<AttestationResult, Failure> {
        let challenge = self.challenge().await?;
        self.send(&challenge, &asserted(device, &challenge, counter)?).await
    }

    /// What a request for a call comes to: a callback, or a code.
    async fn request(&self, index: usize) -> Result<String, Failure> {
        let body = json!({ "service": "guarded", "number": number(index) });
        let answer = self
            .post("/v1/callbacks", &body)
            .header("Idempotency-Key", format!("key-{index}"))
            .send()
            .await?;
        let (status, text) = (answer.status(), answer.text().await?);
        Ok(if status.is_success() { "accepted".to_owned() } else { code(&text) })
    }
}

fn code(text: &str) -> String {
    serde_json::from_str::<Problem>(text).map_or_else(|_| text.to_owned(), |problem| problem.code)
}

fn attested(device: &AppleDevice<'_>, challenge: &str) -> Result<Value, Failure> {
    let attestation = device.attest(challenge.as_bytes())?;
    Ok(json!({ "kind": "app_attest", "key_id": device.key_id(), "attestation": attestation }))
}

fn asserted(device: &AppleDevice<'_>, challenge: &str, counter: u32) -> Result<Value, Failure> {
    let assertion = device.assert(challenge.as_bytes(), counter)?;
    Ok(json!({ "kind": "app_attest_assertion", "key_id": device.key_id(), "assertion": assertion }))
}

fn doubtful(result: &AttestationResult) -> &str {
    assert_eq!(result.verdict, AttestationVerdict::Doubtful);
    result.reason.as_deref().unwrap_or_default()
}

async fn evidence_instead_of_a_captcha(engine: Engine) -> Result<(), Failure> {
    let policy = json!({ "required": "always", "attestation_suffices": true });
    let ground = Ground::new(engine, policy).await?;
    let (anne, ben) = (ground.installation("anne").await?, ground.installation("ben").await?);
    let device = ground.authority.device(APP)?;
    assert_eq!(anne.request(0).await?, "challenge_required");
    assert_eq!(anne.attest(&device).await?.verdict, AttestationVerdict::Genuine);
    assert_eq!(anne.request(0).await?, "accepted");
    assert_eq!(ben.request(1).await?, "challenge_required", "it vouches for one installation");

    // Another app of another authority, and another challenge.
    let elsewhere = AppleAuthority::new()?;
    let challenge = ben.challenge().await?;
    let evidence = attested(&elsewhere.device(APP)?, &challenge)?;
    assert_eq!(doubtful(&ben.send(&challenge, &evidence).await?), "certificate_untrusted");
    let other_app = ground.authority.device("TEAM.com.example.other")?;
    assert_eq!(doubtful(&ben.attest(&other_app).await?), "app_unknown");
    let evidence = attested(&device, "another challenge")?;
    assert_eq!(doubtful(&ben.send(&ben.challenge().await?, &evidence).await?), "challenge_mismatch");
    assert_eq!(ben.request(1).await?, "challenge_required");
    Ok(())
}

async fn nothing_counts_twice(engine: Engine) -> Result<(), Failure> {
    let policy = json!({ "required": "always", "attestation_suffices": true });
    let ground = Ground::new(engine, policy).await?;
    let (anne, ben) = (ground.installation("anne").await?, ground.installation("ben").await?);
    let device = ground.authority.device(APP)?;
    let challenge = anne.challenge().await?;
    let evidence = attested(&device, &challenge)?;
    let refused = |outcome: Result<AttestationResult, Failure>| outcome.unwrap_err().to_string();
    assert_eq!(refused(ben.send(&challenge, &evidence).await), "attestation_challenge_invalid");
    assert_eq!(refused(anne.assert(&device, 1).await), "attestation_key_unknown");
    assert_eq!(anne.send(&challenge, &evidence).await?.verdict, AttestationVerdict::Genuine);
    assert_eq!(refused(anne.send(&challenge, &evidence).await), "attestation_challenge_spent");

    // The counter rises, by whatever it rises; a copy of the key is noticed by the counter that does not.
    assert_eq!(anne.assert(&device, 1).await?.verdict, AttestationVerdict::Genuine);
    assert_eq!(anne.assert(&device, 7).await?.verdict, AttestationVerdict::Genuine);
    for counter in [7, 3] {
        assert_eq!(doubtful(&anne.assert(&device, counter).await?), "counter_not_rising");
        assert_eq!(anne.request(2).await?, "challenge_required");
    }
    assert_eq!(refused(ben.assert(&device, 9).await), "attestation_key_unknown");

    let mut copies = Vec::new();
    for _ in 0..10 {
        copies.push(anne.challenge().await?);
    }
    let copies = copies.iter().map(|challenge| async {
        anne.send(challenge, &asserted(&device, challenge, 8)?).await.map(|result| result.verdict)
    });
    let mut genuine = 0;
    for verdict in futures_util::future::join_all(copies).await {
        genuine += usize::from(verdict? == AttestationVerdict::Genuine);
    }
    assert_eq!(genuine, 1, "of ten at once with the same count");
    assert_eq!(anne.assert(&device, 9).await?.verdict, AttestationVerdict::Genuine);
    assert_eq!(anne.request(2).await?, "accepted");
    Ok(())
}

async fn wrong_evidence_makes_suspicious(engine: Engine) -> Result<(), Failure> {
    let ground = Ground::new(engine, json!({ "required": "on_risk" })).await?;
    let (anne, ben) = (ground.installation("anne").await?, ground.installation("ben").await?);
    let wrong = ground.authority.device("TEAM.com.example.other")?;
    doubtful(&anne.attest(&wrong).await?);
    assert_eq!(anne.request(0).await?, "challenge_required");
    assert_eq!(ben.request(1).await?, "accepted", "as somebody of whom nothing is known");
    // Who asks often is asked for a token, and who is vouched for may ask more often.
    for attempt in 0..8 {
        let expected = if attempt < 7 { "callback_already_open" } else { "challenge_required" };
        let body = json!({ "service": "guarded", "number": number(1) });
        let asked = ben.post("/v1/callbacks", &body).header("Idempotency-Key", format!("again-{attempt}"));
        assert_eq!(code(&asked.send().await?.text().await?), expected, "{attempt}");
    }
    assert_eq!(ben.attest(&ground.authority.device(APP)?).await?.verdict, AttestationVerdict::Genuine);
    let body = json!({ "service": "guarded", "number": number(1) });
    let asked = ben.post("/v1/callbacks", &body).header("Idempotency-Key", "vouched-for");
    assert_eq!(code(&asked.send().await?.text().await?), "callback_already_open");
    Ok(())
}

const PACKAGE: &str = "com.example.ringback";

/// What Google says of the real app on a real device, for this challenge.
fn payload(challenge: &str) -> Value {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, challenge.as_bytes());
    json!({
        "requestDetails": {
            "requestPackageName": PACKAGE,
            "requestHash": URL_SAFE_NO_PAD.encode(digest),
            "timestampMillis": jiff::Timestamp::now().as_millisecond().to_string(),
        },
        "appIntegrity": { "appRecognitionVerdict": "PLAY_RECOGNIZED", "packageName": PACKAGE },
        "deviceIntegrity": { "deviceRecognitionVerdict": ["MEETS_DEVICE_INTEGRITY"] },
        "accountDetails": { "appLicensingVerdict": "LICENSED" },
    })
}

async fn google_vouches(engine: Engine) -> Result<(), Failure> {
    let policy = json!({ "required": "always", "attestation_suffices": true });
    let more = format!(
        "play_integrity_packages = [{PACKAGE:?}]\nplay_integrity_endpoint = \"{{play_integrity_endpoint}}\"\n\
         play_integrity_service_account_file = \"{{play_integrity_account}}\"\n"
    );
    let ground = Ground::with(engine, policy, &more).await?;
    let google = ground.world.centre.play_integrity.as_ref().ok_or("a double")?;
    let anne = ground.installation("anne").await?;
    let send = async |change: &dyn Fn(&mut Value), package: &str| -> Result<AttestationResult, Failure> {
        let answer = anne.post("/v1/attestation-challenges", &json!({})).send().await?.error_for_status()?;
        let challenge: AttestationChallenge = answer.json().await?;
        assert_eq!(challenge.providers, ["app_attest", "play_integrity"]);
        let mut payload = payload(&challenge.challenge);
        change(&mut payload);
        let token = google.token(package, payload);
        anne.send(&challenge.challenge, &json!({ "kind": "play_integrity", "token": token })).await
    };
    let same = |_: &mut Value| ();

    // Google cannot be asked: that says nothing of the app.
    for fault in ["UNAVAILABLE", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED"] {
        google.script(vec![Fault::Refuse {
            reason: fault.to_owned(),
            retry_after_s: None,
            timestamp: None,
        }])?;
        let result = send(&same, PACKAGE).await?;
        assert_eq!(
            (result.verdict, result.reason.as_deref()),
            (AttestationVerdict::Undecided, Some("provider_unavailable"))
        );
    }
    let not_json = Fault::Answer { status: 200, body: "<html>".to_owned(), content_type: None };
    google.script(vec![not_json])?;
    assert_eq!(send(&same, PACKAGE).await?.reason.as_deref(), Some("provider_unreadable"));
    assert_eq!(anne.request(4).await?, "challenge_required");

    assert_eq!(send(&same, PACKAGE).await?.verdict, AttestationVerdict::Genuine);
    assert_eq!(anne.request(4).await?, "accepted");
    // What says nothing takes nothing back; a token of another app, or of a shaken device, does.
    google.script(vec![Fault::Refuse {
        reason: "INTERNAL".to_owned(),
        retry_after_s: None,
        timestamp: None,
    }])?;
    assert_eq!(send(&same, PACKAGE).await?.verdict, AttestationVerdict::Undecided);
    assert_eq!(anne.request(5).await?, "accepted");
    assert_eq!(doubtful(&send(&same, "com.example.other").await?), "malformed");
    assert_eq!(anne.request(6).await?, "challenge_required");
    let rooted = |payload: &mut Value| payload["deviceIntegrity"] = json!({});
    assert_eq!(doubtful(&send(&rooted, PACKAGE).await?), "device_not_recognized");
    let overheard = |payload: &mut Value| payload["requestDetails"]["requestHash"] = json!("another");
    assert_eq!(doubtful(&send(&overheard, PACKAGE).await?), "challenge_mismatch");
    // An access token that ran out early is fetched anew.
    google.revoke_tokens();
    assert_eq!(send(&same, PACKAGE).await?.verdict, AttestationVerdict::Genuine);
    Ok(())
}

/// A platform that plays what a device of Apple's does.
struct Scripted {
    authority: Arc<AppleAuthority>,
    pkcs8: Mutex<Option<String>>,
    asked: AtomicUsize,
    counter: AtomicU32,
}

#[async_trait::async_trait]
impl AttestationProvider for Scripted {
    async fn attest(&self, ask: AttestationAsk) -> Result<Option<AttestationEvidence>, HostError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        assert_eq!(ask.providers, ["app_attest"]);
        let device = self.authority.device(APP).map_err(|_| HostError::Failed)?;
        let known = self.pkcs8.lock().unwrap().clone();
        // The first time it has a key that the server never saw, as after a restored backup.
        if known.is_none() && !ask.new_key {
            let counter = self.counter.fetch_add(1, Ordering::SeqCst) + 1;
            let assertion =
                device.assert(ask.challenge.as_bytes(), counter).map_err(|_| HostError::Failed)?;
            return Ok(Some(AttestationEvidence::AppAttestAssertion { key_id: device.key_id(), assertion }));
        }
        *self.pkcs8.lock().unwrap() = Some(device.key_id());
        let attestation = device.attest(ask.challenge.as_bytes()).map_err(|_| HostError::Failed)?;
        Ok(Some(AttestationEvidence::AppAttest { key_id: device.key_id(), attestation }))
    }
}

async fn the_sdk_has_the_platform_vouch(engine: Engine) -> Result<(), Failure> {
    let policy = json!({ "required": "always", "providers": ["turnstile"], "attestation_suffices": true });
    let Ground { world, authority, _folder } = Ground::new(engine, policy).await?;
    let provider = Arc::new(Scripted {
        authority: Arc::new(authority),
        pkcs8: Mutex::default(),
        asked: AtomicUsize::new(0),
        counter: AtomicU32::new(0),
    });
    let folder = world.folder("phone");
    let start = |vouches: bool| -> Result<RingbackClient, Failure> {
        let config = ClientConfig::new(&world.centre.url, &world.centre.app_key, folder.to_string_lossy());
        let transport = ReqwestTransport::new().map_err(|error| error.to_string())?;
        let mut host = Host::new(Arc::new(FileStore::new(folder.join("secrets"))), Arc::new(transport));
        host.attestation = vouches.then(|| provider.clone() as Arc<dyn AttestationProvider>);
        Ok(RingbackClient::new(config, host)?)
    };
    let request = || CallbackRequest::new("guarded", number(3));
    let refused = start(false)?.request_callback(request()).await.unwrap_err();
    assert_eq!(refused.code(), "challenge_required", "nobody here shows that CAPTCHA");
    let phone = start(true)?;
    let callback = phone.request_callback(request()).await?;
    assert_eq!(provider.asked.load(Ordering::SeqCst), 2, "the unknown key, and a new one");
    phone.cancel(callback.id).await?;
    let callback = start(true)?.request_callback(request()).await?;
    assert_eq!(callback.service, "guarded");
    assert_eq!(provider.asked.load(Ordering::SeqCst), 2, "what was said still counts");
    Ok(())
}

support::on_both_engines! {
    the_real_app_passes_without_a_captcha => |engine| evidence_instead_of_a_captcha(engine);
    challenges_and_counters_count_once => |engine| nothing_counts_twice(engine);
    risk_goes_up_and_down => |engine| wrong_evidence_makes_suspicious(engine);
    google_is_asked_about_its_tokens => |engine| google_vouches(engine);
    the_client_sends_evidence => |engine| the_sdk_has_the_platform_vouch(engine);
}
