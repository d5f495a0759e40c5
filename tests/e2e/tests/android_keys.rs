//! Keys of Android's Keystore against the real server: a key that a sound device made for our challenge vouches for its installation,
//! whatever is wrong with one is named, and nothing counts for somebody else.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, RequestBuilder};
use ringback_core::client::{ClientConfig, RingbackClient};
use ringback_core::host::{
    AttestationAsk, AttestationProvider, FileStore, Host, HostError, InstallationSigner, SignerKey,
};
use ringback_core::protocol::{
    AttestationChallenge, AttestationEvidence, AttestationResult, AttestationVerdict, CallbackRequest,
    KeyAlgorithm, Problem,
};
use ringback_core::transport::ReqwestTransport;
use ringback_doubles::Fault;
use ringback_e2e::{AndroidAuthority, AndroidKey, BATCH_SERIAL, CentreSettings, Signing, number};
use ringback_server::storage::Engine;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

mod support;
use support::{Failure, World};

const PACKAGE: &str = "com.example.ringback";
const CERTIFICATE: [u8; 32] = [0xa7; 32];

struct Ground {
    world: World,
    authority: AndroidAuthority,
    _folder: TempDir,
}

impl Ground {
    /// A centre that judges keys, with a service that takes evidence in place of a CAPTCHA.
    async fn new(engine: Engine) -> Result<Self, Failure> {
        let (authority, folder) = (AndroidAuthority::new()?, TempDir::new()?);
        let root = folder.path().join("root.pem");
        std::fs::write(&root, authority.root_pem())?;
        let certificate = "A7:".repeat(31) + "A7";
        let config = format!(
            "[attestation]\nandroid_key_packages = [{PACKAGE:?}]\nandroid_key_certificates = [{certificate:?}]\n\
             android_key_root_file = {root:?}\nandroid_key_status_url = \"{{attestation_status_url}}\"\n"
        );
        let world = World::start_with(engine, CentreSettings { config, ..Default::default() }).await?;
        let captcha =
            json!({ "required": "always", "providers": ["turnstile"], "attestation_suffices": true });
        let service = json!({ "name": "guarded", "queue": "support", "captcha": captcha });
        world.centre.staff().ask(Method::POST, "services", Some(service)).await?;
        Ok(Self { world, authority, _folder: folder })
    }

    /// What a key is to be made for.
    async fn key_challenge(&self, app_key: &str) -> Result<String, Failure> {
        let asked = reqwest::Client::new()
            .post(format!("{}/v1/attestation-key-challenges", self.world.centre.url))
            .header("Ringback-App-Key", app_key)
            .json(&json!({}));
        let challenge: AttestationChallenge = asked.send().await?.error_for_status()?.json().await?;
        assert_eq!(challenge.providers, ["android_key"]);
        assert!(challenge.challenge.len() <= 128, "what a Keystore takes");
        Ok(challenge.challenge)
    }

    /// An installation that is registered with this key.
    async fn installation(&self, name: &str, signing: Signing) -> Result<Stranger<'_>, Failure> {
        let (url, secret) = (self.world.centre.url.as_str(), format!("{name:0>40}"));
        let token = signing.register(url, &self.world.centre.app_key, &secret).await?;
        Ok(Stranger { url, http: reqwest::Client::new(), token, signing: Some(signing) })
    }

    /// A sound device's key for this challenge, but for one change.
    fn chain(
        &self,
        stranger: &Stranger<'_>,
        challenge: &str,
        change: impl FnOnce(&mut AndroidKey),
    ) -> Result<Vec<String>, Failure> {
        let mut key = AndroidKey::new(stranger.point()?, challenge, PACKAGE, &CERTIFICATE);
        change(&mut key);
        Ok(self.authority.chain(&key)?)
    }
}

/// An installation that speaks HTTP itself.
struct Stranger<'a> {
    url: &'a str,
    http: reqwest::Client,
    token: String,
    signing: Option<Signing>,
}

impl Stranger<'_> {
    fn point(&self) -> Result<Vec<u8>, Failure> {
        let public = self.signing.as_ref().ok_or("a key")?.public();
        Ok(URL_SAFE_NO_PAD.decode(public["key"].as_str().unwrap_or_default())?)
    }

    fn post(&self, path: &str, body: &Value, key: Option<&str>) -> Result<RequestBuilder, Failure> {
        let mut request = self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.token).json(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        Ok(match &self.signing {
            Some(signing) => signing.sign_now(request)?,
            None => request,
        })
    }

    async fn challenge(&self) -> Result<String, Failure> {
        let asked = self.post("/v1/attestation-challenges", &json!({}), None)?;
        let challenge: AttestationChallenge = asked.send().await?.error_for_status()?.json().await?;
        assert_eq!(challenge.providers, ["android_key"]);
        Ok(challenge.challenge)
    }

    async fn send(&self, challenge: &str, chain: &[String]) -> Result<AttestationResult, Failure> {
        let evidence = json!({ "kind": "android_key", "certificates": chain });
        let body = json!({ "challenge": challenge, "evidence": evidence });
        let answer = self.post("/v1/attestations", &body, None)?.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if status.is_success() { Ok(serde_json::from_str(&text)?) } else { Err(code(&text).into()) }
    }

    async fn show(&self, chain: &[String]) -> Result<AttestationResult, Failure> {
        self.send(&self.challenge().await?, chain).await
    }

    /// What a request for a call comes to: a callback, or a code.
    async fn request(&self, index: usize) -> Result<String, Failure> {
        let body = json!({ "service": "guarded", "number": number(index) });
        let answer = self.post("/v1/callbacks", &body, Some(&format!("key-{index}")))?.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        Ok(if status.is_success() { "accepted".to_owned() } else { code(&text) })
    }
}

fn code(text: &str) -> String {
    serde_json::from_str::<Problem>(text).map_or_else(|_| text.to_owned(), |problem| problem.code)
}

fn said(result: &AttestationResult) -> (AttestationVerdict, &str) {
    (result.verdict, result.reason.as_deref().unwrap_or_default())
}

const GENUINE: (AttestationVerdict, &str) = (AttestationVerdict::Genuine, "");

async fn one_key_one_installation(engine: Engine) -> Result<(), Failure> {
    let ground = Ground::new(engine).await?;
    let app_key = &ground.world.centre.app_key;
    let made_for = ground.key_challenge(app_key).await?;
    let anne = ground.installation("anne", Signing::p256()?).await?;
    let ben = ground.installation("ben", Signing::p256()?).await?;
    assert_eq!(anne.request(0).await?, "challenge_required");
    let chain = ground.chain(&anne, &made_for, |_| ())?;
    let challenge = anne.challenge().await?;
    assert_eq!(said(&anne.send(&challenge, &chain).await?), GENUINE);
    assert_eq!(anne.request(0).await?, "accepted");

    // The same evidence again, and what it was made for in another key.
    let refused = |outcome: Result<AttestationResult, Failure>| outcome.unwrap_err().to_string();
    assert_eq!(refused(anne.send(&challenge, &chain).await), "attestation_challenge_spent");
    let again = ground.chain(&ben, &made_for, |_| ())?;
    assert_eq!(refused(ben.show(&again).await), "attestation_challenge_spent");
    assert_eq!(refused(ben.send(&anne.challenge().await?, &again).await), "attestation_challenge_invalid");
    // A key challenge is none for evidence.
    let other = ground.key_challenge(app_key).await?;
    assert_eq!(refused(ben.send(&other, &chain).await), "attestation_challenge_invalid");
    assert_eq!(ben.request(1).await?, "challenge_required");

    // A week later the same key is shown again, for a fresh challenge.
    assert_eq!(said(&anne.show(&chain).await?), GENUINE);

    // Somebody else's key, and none that could be anybody's.
    let mismatch = (AttestationVerdict::Doubtful, "key_mismatch");
    assert_eq!(said(&ben.show(&chain).await?), mismatch);
    let carl = ground.installation("carl", Signing::ed25519()?).await?;
    assert_eq!(said(&carl.show(&chain).await?), mismatch);
    let asked = reqwest::Client::new()
        .post(format!("{}/v1/installations", ground.world.centre.url))
        .header("Ringback-App-Key", app_key)
        .json(&json!({ "secret": format!("{:0>40}", "dora") }));
    let token = asked.send().await?.json::<Value>().await?["token"].as_str().unwrap_or_default().to_owned();
    let dora = Stranger { url: &ground.world.centre.url, http: reqwest::Client::new(), token, signing: None };
    assert_eq!(said(&dora.show(&chain).await?), mismatch);

    // The device's next installation has the same key: it vouches for that one from then on.
    let secret = format!("{:0>40}", "anne-again");
    let signing = anne.signing.as_ref().ok_or("a key")?;
    let token = signing.register(&ground.world.centre.url, app_key, &secret).await?;
    let later = Stranger { url: anne.url, http: anne.http.clone(), token, signing: anne.signing };
    assert_eq!(said(&later.show(&chain).await?), GENUINE);
    assert_eq!(later.request(2).await?, "accepted");
    Ok(())
}

async fn every_fault_is_named(engine: Engine) -> Result<(), Failure> {
    let ground = Ground::new(engine).await?;
    let app_key = &ground.world.centre.app_key;
    let anne = ground.installation("anne", Signing::p256()?).await?;
    type Change = fn(&mut AndroidKey);
    let changes: [(Change, &str); 10] = [
        (|key| key.challenge = "another".to_owned(), "challenge_mismatch"),
        (|key| key.challenge.insert(0, '1'), "challenge_mismatch"),
        (|key| key.level = 0, "software_level"),
        (|key| key.origin = 2, "key_not_generated"),
        (|key| key.purposes = vec![3], "key_cannot_sign"),
        (|key| key.is_locked = false, "device_not_verified"),
        (|key| key.boot = 1, "device_not_verified"),
        (|key| key.boot = 2, "device_not_verified"),
        (|key| key.package = "com.example.other".to_owned(), "app_unknown"),
        (|key| key.certificate[31] = 0, "app_unknown"),
    ];
    for (change, reason) in changes {
        let chain = ground.chain(&anne, &ground.key_challenge(app_key).await?, change)?;
        assert_eq!(said(&anne.show(&chain).await?), (AttestationVerdict::Doubtful, reason));
    }
    let made_for = ground.key_challenge(app_key).await?;
    let sound = AndroidKey::new(anne.point()?, &made_for, PACKAGE, &CERTIFICATE);
    let doubtful = async |chain: &[String], reason: &str| -> Result<(), Failure> {
        assert_eq!(said(&anne.show(chain).await?), (AttestationVerdict::Doubtful, reason));
        Ok(())
    };
    // Another app of the same house has challenges of its own.
    let made = json!({ "name": "other" });
    let made = ground.world.centre.staff().ask(Method::POST, "app-keys", Some(made)).await?;
    let elsewhere = ground.key_challenge(made["key"].as_str().unwrap_or_default()).await?;
    doubtful(&ground.chain(&anne, &elsewhere, |_| ())?, "challenge_mismatch").await?;
    doubtful(&AndroidAuthority::new()?.chain(&sound)?, "certificate_untrusted").await?;
    doubtful(&ground.authority.lengthened(&sound, &sound)?, "chain_lengthened").await?;
    let chain = ground.authority.chain(&sound)?;
    doubtful(&chain[1..], "not_attested").await?;
    doubtful(&[chain[0].clone(), chain[2].clone()], "certificate_untrusted").await?;
    doubtful(&[], "malformed").await?;
    doubtful(&["?".to_owned()], "malformed").await?;
    doubtful(&["AAAA".to_owned()], "malformed").await?;
    assert_eq!(anne.request(0).await?, "challenge_required");
    // None of them has used the challenge up, or stands in the way of the truth.
    assert_eq!(said(&anne.show(&chain).await?), GENUINE);
    assert_eq!(anne.request(0).await?, "accepted");
    Ok(())
}

async fn without_a_list_nothing_is_said(engine: Engine) -> Result<(), Failure> {
    let ground = Ground::new(engine).await?;
    let status = ground.world.centre.attestation_status.as_ref().ok_or("a double")?;
    let refusal = Fault::Refuse { reason: "UNAVAILABLE".to_owned(), retry_after_s: None, timestamp: None };
    status.script(vec![refusal])?;
    let anne = ground.installation("anne", Signing::p256()?).await?;
    let made_for = ground.key_challenge(&ground.world.centre.app_key).await?;
    let chain = ground.chain(&anne, &made_for, |_| ())?;
    let unavailable = (AttestationVerdict::Undecided, "revocations_unavailable");
    let result = anne.show(&chain).await?;
    assert_eq!(said(&result), unavailable);
    let left = result.expires_at.duration_since(jiff::Timestamp::now());
    assert!(left <= jiff::SignedDuration::from_hours(1), "new evidence is welcome soon");
    assert_eq!(anne.request(0).await?, "challenge_required");
    // What is wrong is wrong without it.
    let wrong = ground.chain(&anne, &made_for, |key| key.level = 0)?;
    assert_eq!(said(&anne.show(&wrong).await?), (AttestationVerdict::Doubtful, "software_level"));
    // The one who did not answer is left alone for a minute.
    assert_eq!(said(&anne.show(&chain).await?), unavailable);
    Ok(())
}

async fn what_google_revokes(engine: Engine) -> Result<(), Failure> {
    let ground = Ground::new(engine).await?;
    ground.world.centre.attestation_status.as_ref().ok_or("a double")?.put(BATCH_SERIAL, "REVOKED");
    let anne = ground.installation("anne", Signing::p256()?).await?;
    let made_for = ground.key_challenge(&ground.world.centre.app_key).await?;
    let chain = ground.chain(&anne, &made_for, |_| ())?;
    let result = anne.show(&chain).await?;
    assert_eq!(said(&result), (AttestationVerdict::Doubtful, "certificate_revoked"));
    assert_eq!(anne.request(0).await?, "challenge_required");
    Ok(())
}

/// A phone's Keystore: the key is made once, for the challenge of that moment.
struct Keystore {
    authority: AndroidAuthority,
    key: Mutex<Option<(EcdsaKeyPair, String)>>,
    asked: Mutex<Vec<AttestationAsk>>,
}

impl Keystore {
    fn new(authority: AndroidAuthority) -> Self {
        Self { authority, key: Mutex::default(), asked: Mutex::default() }
    }

    fn make(&self, challenge: &str) -> Result<(), HostError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| HostError::Failed)?;
        self.key.lock().unwrap().get_or_insert((pair, challenge.to_owned()));
        Ok(())
    }
}

#[async_trait::async_trait]
impl AttestationProvider for Keystore {
    async fn attest(&self, ask: AttestationAsk) -> Result<Option<AttestationEvidence>, HostError> {
        assert_eq!(ask.providers, ["android_key"]);
        self.asked.lock().unwrap().push(ask.clone());
        if ask.before_registration {
            self.make(&ask.challenge)?;
        }
        let key = self.key.lock().unwrap();
        let Some((pair, challenge)) = key.as_ref() else { return Ok(None) };
        let point = pair.public_key().as_ref().to_vec();
        let key = AndroidKey::new(point, challenge, PACKAGE, &CERTIFICATE);
        let certificates = self.authority.chain(&key).map_err(|_| HostError::Failed)?;
        Ok(Some(AttestationEvidence::AndroidKey { certificates }))
    }
}

impl InstallationSigner for Keystore {
    fn public_key(&self) -> Result<SignerKey, HostError> {
        self.make("")?;
        let key = self.key.lock().unwrap();
        let (pair, _) = key.as_ref().ok_or(HostError::Failed)?;
        let key = pair.public_key().as_ref().to_vec();
        Ok(SignerKey { algorithm: KeyAlgorithm::EcdsaP256Sha256, key })
    }

    fn sign(&self, message: Vec<u8>) -> Result<Vec<u8>, HostError> {
        let key = self.key.lock().unwrap();
        let (pair, _) = key.as_ref().ok_or(HostError::Failed)?;
        let signature = pair.sign(&SystemRandom::new(), &message).map_err(|_| HostError::Failed)?;
        Ok(signature.as_ref().to_vec())
    }
}

async fn the_sdk_makes_its_key_for_a_challenge(engine: Engine) -> Result<(), Failure> {
    let Ground { world, authority, _folder } = Ground::new(engine).await?;
    let start = |keystore: &Arc<Keystore>, folder: &str, url: &str| -> Result<RingbackClient, Failure> {
        let folder = world.folder(folder);
        let config = ClientConfig::new(url, &world.centre.app_key, folder.to_string_lossy());
        let transport = ReqwestTransport::new().map_err(|error| error.to_string())?;
        let mut host = Host::new(Arc::new(FileStore::new(folder.join("secrets"))), Arc::new(transport));
        host.attestation = Some(keystore.clone());
        host.signer = Some(keystore.clone());
        Ok(RingbackClient::new(config, host)?)
    };
    let request = || CallbackRequest::new("guarded", number(3));
    let keystore = Arc::new(Keystore::new(authority));
    // Without a network no key is made: it could never be vouched for.
    let nowhere = start(&keystore, "nowhere", "http://127.0.0.1:9")?;
    assert_eq!(nowhere.request_callback(request()).await.unwrap_err().code(), "unreachable");
    assert!(keystore.key.lock().unwrap().is_none());

    let phone = start(&keystore, "phone", &world.centre.url)?;
    let callback = phone.request_callback(request()).await?;
    phone.cancel(callback.id).await?;
    let before: Vec<_> = keystore.asked.lock().unwrap().iter().map(|ask| ask.before_registration).collect();
    assert_eq!(before, [true, false], "first for the key, then for evidence");
    start(&keystore, "phone", &world.centre.url)?.request_callback(request()).await?;
    assert_eq!(keystore.asked.lock().unwrap().len(), 2, "what was said still counts");
    Ok(())
}

support::on_both_engines! {
    a_key_vouches_for_its_installation_alone => |engine| one_key_one_installation(engine);
    what_is_wrong_with_a_key_is_named => |engine| every_fault_is_named(engine);
    without_the_list_of_revoked_keys_nothing_is_said => |engine| without_a_list_nothing_is_said(engine);
    a_revoked_key_makes_suspicious => |engine| what_google_revokes(engine);
    the_client_makes_its_key_for_a_challenge => |engine| the_sdk_makes_its_key_for_a_challenge(engine);
}
