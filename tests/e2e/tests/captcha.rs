//! CAPTCHA against the real server: a phone passes it by itself, and nobody gets by without.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail the test")]

use reqwest::{Method, RequestBuilder, StatusCode};
use ringback_core::client::PendingKind;
use ringback_core::protocol::{CallInRequest, Callback, CaptchaChallenge, PhoneNumber, Problem};
use ringback_e2e::{Phone, PhoneKind, number, solve};
use ringback_server::storage::Engine;
use serde_json::{Value, json};
use std::collections::HashMap;

mod support;
use support::{Failure, World};

/// A centre with one more service, which asks for a CAPTCHA this often.
async fn world(engine: Engine, required: &str) -> Result<World, Failure> {
    let world = World::start(engine).await?;
    let service = json!({
        "name": "guarded", "queue": "support", "call_in_group": "front-door", "captcha": { "required": required },
    });
    world.centre.staff().ask(Method::POST, "services", Some(service)).await?;
    Ok(world)
}

/// An installation that speaks HTTP itself.
struct Stranger<'a> {
    world: &'a World,
    http: reqwest::Client,
    token: String,
}

impl<'a> Stranger<'a> {
    async fn new(world: &'a World, name: &str) -> Result<Self, Failure> {
        let http = reqwest::Client::new();
        let answer = http
            .post(format!("{}/v1/installations", world.centre.url))
            .header("Ringback-App-Key", &world.centre.app_key)
            .json(&json!({ "secret": format!("{name:0>40}") }))
            .send()
            .await?;
        let token = answer.json::<Value>().await?["token"].as_str().unwrap_or_default().to_owned();
        Ok(Self { world, http, token })
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.world.centre.url)).bearer_auth(&self.token).json(body)
    }

    fn request(&self, key: &str, number: &PhoneNumber, captcha: Option<&str>) -> RequestBuilder {
        let body = json!({ "service": "guarded", "number": number });
        let request = self.post("/v1/callbacks", &body).header("Idempotency-Key", key);
        match captcha {
            Some(captcha) => request.header("Ringback-Captcha", captcha),
            None => request,
        }
    }

    async fn challenge(&self) -> Result<CaptchaChallenge, Failure> {
        let body = json!({ "service": "guarded", "purpose": "request_callback" });
        Ok(self.post("/v1/captcha/challenges", &body).send().await?.error_for_status()?.json().await?)
    }

    async fn solved(&self) -> Result<String, Failure> {
        let challenge = self.challenge().await?;
        Ok(tokio::task::spawn_blocking(move || solve(&challenge)).await?.ok_or("it can be solved")?)
    }
}

/// The code of a refusal.
async fn code(request: RequestBuilder) -> Result<String, Failure> {
    let answer = request.send().await?;
    assert!(!answer.status().is_success(), "it was taken");
    Ok(answer.json::<Problem>().await?.code)
}

async fn a_phone_passes_it_by_itself(engine: Engine) -> Result<(), Failure> {
    let world = world(engine, "always").await?;
    let phone = Phone::new(&world.centre, PhoneKind::Android, &world.folder("phone"), None)?;
    assert_eq!(phone.client.offer("guarded".into()).await?.captcha, ["altcha"]);
    assert!(phone.client.offer("billing".into()).await?.captcha.is_empty());
    let callback = phone.client.request_callback(Phone::request("guarded", number(1))).await?;
    assert_eq!(phone.client.callback(callback.id).await?.position, Some(1));
    let call_in =
        CallInRequest { service: "guarded".into(), caller_number: None, name: None, context: HashMap::new() };
    phone.client.request_call_in(call_in).await?;
    assert!(phone.client.pending().await?.is_empty());
    // Neither the header nor anything of it is in the log.
    assert!(!world.centre.log_text()?.contains("derivedKey"));
    Ok(())
}

async fn it_survives_a_killed_app(engine: Engine) -> Result<(), Failure> {
    let world = world(engine, "always").await?;
    let folder = world.folder("phone");
    let phone = Phone::new(&world.centre, PhoneKind::Iphone, &folder, None)?;
    phone.client.offer("guarded".into()).await?;
    let asking = phone.client.request_callback(Phone::request("guarded", number(1)));
    // Gone at whatever it does just then: asking, at work, or asking again.
    let _ = tokio::time::timeout(std::time::Duration::from_millis(60), asking).await;
    drop(phone);
    let phone = Phone::new(&world.centre, PhoneKind::Iphone, &folder, None)?;
    let resumed = phone.client.resume().await?;
    assert!(resumed.iter().all(|resumed| resumed.request.kind == PendingKind::RequestCallback));
    assert_eq!(phone.client.callbacks().await?.len(), 1);
    assert!(phone.client.pending().await?.is_empty());
    Ok(())
}

async fn a_payload_is_good_for_one_request(engine: Engine) -> Result<(), Failure> {
    let world = world(engine, "always").await?;
    let anne = Stranger::new(&world, "anne").await?;
    let payload = anne.solved().await?;
    // A request that comes to nothing for another reason costs no token.
    let nonsense = PhoneNumber::from("+49123");
    assert_eq!(code(anne.request("k0", &nonsense, Some(&payload))).await?, "number_impossible");

    let requests = (0..12).map(|index| {
        let request = anne.request(&format!("k-{index}"), &number(index), Some(&payload));
        tokio::spawn(async move {
            let answer = request.send().await?;
            Ok::<_, reqwest::Error>((index, answer.status(), answer.text().await?))
        })
    });
    let (mut taken, mut refused) = (Vec::new(), 0);
    for request in requests.collect::<Vec<_>>() {
        let (index, status, text) = request.await??;
        if status == StatusCode::CREATED {
            taken.push((index, text));
        } else {
            assert_eq!(serde_json::from_str::<Problem>(&text)?.code, "captcha_spent");
            refused += 1;
        }
    }
    assert_eq!((taken.len(), refused), (1, 11));

    // A repeat is the same request, with the token, without one or with a bad one: the first answer, byte for byte.
    let (index, first) = &taken[0];
    for again in [Some(payload.as_str()), None, Some("altcha e30=")] {
        let answer = anne.request(&format!("k-{index}"), &number(*index), again).send().await?;
        assert_eq!((answer.status(), &answer.text().await?), (StatusCode::CREATED, first));
    }
    Ok(())
}

async fn nobody_gets_by(engine: Engine) -> Result<(), Failure> {
    let world = world(engine, "always").await?;
    let (anne, ben) = (Stranger::new(&world, "anne").await?, Stranger::new(&world, "ben").await?);
    let payload = anne.solved().await?;
    assert_eq!(code(ben.request("k1", &number(1), Some(&payload))).await?, "captcha_mismatch");

    // An unsolved challenge, one with a solution of another, one that is prolonged.
    let unsolved = anne.challenge().await?.altcha.ok_or("a challenge")?;
    let open = |header: &str| -> Result<Value, Failure> {
        let token = header.strip_prefix("altcha ").ok_or("a token")?;
        Ok(serde_json::from_slice(&base64_of(token)?)?)
    };
    let mut stolen = open(&payload)?;
    stolen["challenge"] = unsolved;
    let mut prolonged = open(&payload)?;
    prolonged["challenge"]["parameters"]["expiresAt"] = json!(0);
    let mut unsigned = open(&payload)?;
    unsigned["challenge"].as_object_mut().ok_or("an object")?.remove("signature");
    for (index, forged) in [stolen, prolonged, unsigned].iter().enumerate() {
        let header = format!("altcha {}", base64_from(forged)?);
        let request = anne.request(&format!("f-{index}"), &number(1), Some(&header));
        assert_eq!(code(request).await?, "captcha_invalid", "{index}");
    }
    for (header, expected) in [
        ("", "captcha_invalid"),
        ("altcha", "captcha_invalid"),
        ("altcha null", "captcha_invalid"),
        ("ALTCHA e30=", "captcha_provider_not_accepted"),
    ] {
        assert_eq!(code(anne.request("k2", &number(1), Some(header))).await?, expected, "{header}");
    }
    assert_eq!(code(anne.request("k3", &number(1), None)).await?, "challenge_required");
    assert_eq!(world.centre.staff().ask(Method::GET, "callbacks?state=queued", None).await?, json!([]));
    Ok(())
}

async fn who_asks_too_often_is_asked_back(engine: Engine) -> Result<(), Failure> {
    let world = world(engine, "on_risk").await?;
    let anne = Stranger::new(&world, "anne").await?;
    for index in 0..8 {
        let answer = anne.request(&format!("k-{index}"), &number(index), None).send().await?;
        assert_eq!(answer.status(), StatusCode::CREATED, "{index}: not yet unusual");
    }
    let answer = anne.request("k-8", &number(8), None).send().await?;
    let problem: Problem = answer.json().await?;
    assert_eq!(problem.code, "challenge_required");
    let challenge = problem.challenge.ok_or("a challenge")?;
    let counters = &challenge.altcha.as_ref().ok_or("proof of work")?["parameters"]["data"]["counters"];
    assert_eq!(*counters, 4000, "dearer than for others");
    let token = tokio::task::spawn_blocking(move || solve(&challenge)).await?.ok_or("it can be solved")?;
    let answer = anne.request("k-8", &number(8), Some(&token)).send().await?;
    let callback: Callback = answer.error_for_status()?.json().await?;
    assert_eq!(callback.service, "guarded");
    Ok(())
}

fn base64_of(token: &str) -> Result<Vec<u8>, Failure> {
    use base64::Engine as _;
    Ok(base64::engine::general_purpose::STANDARD.decode(token)?)
}

fn base64_from(value: &Value) -> Result<String, Failure> {
    use base64::Engine as _;
    Ok(base64::engine::general_purpose::STANDARD.encode(serde_json::to_vec(value)?))
}

support::on_both_engines! {
    phone_passes_it_by_itself => |engine| a_phone_passes_it_by_itself(engine);
    survives_a_killed_app => |engine| it_survives_a_killed_app(engine);
    payload_is_good_for_one_request => |engine| a_payload_is_good_for_one_request(engine);
    nobody_gets_by_without => |engine| nobody_gets_by(engine);
    who_asks_often_is_asked_back => |engine| who_asks_too_often_is_asked_back(engine);
}
