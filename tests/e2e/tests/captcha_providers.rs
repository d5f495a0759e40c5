//! The CAPTCHAs of others: each provider's answers and faults through the real server. Whatever goes wrong, nothing passes,
//! and proof of work stands in for a provider that cannot be asked.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail the test")]

use reqwest::{Method, RequestBuilder, StatusCode};
use ringback_core::protocol::Problem;
use ringback_doubles::{CaptchaDouble, CaptchaPass, CaptchaService, Fault};
use ringback_e2e::{CentreSettings, number, solve};
use ringback_server::storage::Engine;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

mod support;
use support::{Failure, World};

const PLACE: &str = "shop.example.com";
const PROVIDERS: [(&str, CaptchaService); 5] = [
    ("turnstile", CaptchaService::Turnstile),
    ("hcaptcha", CaptchaService::Hcaptcha),
    ("recaptcha_v2", CaptchaService::Recaptcha),
    ("recaptcha_v3", CaptchaService::Recaptcha),
    ("recaptcha_enterprise", CaptchaService::RecaptchaEnterprise),
];

/// A centre with a service for each provider, and an installation of its own for each: none is to look suspicious.
struct Stage {
    world: World,
    double: CaptchaDouble,
    http: reqwest::Client,
    next: AtomicU32,
}

impl Stage {
    async fn set(engine: Engine) -> Result<Self, Failure> {
        let double = CaptchaDouble::start().await?;
        let url = double.endpoint();
        let config = format!(
            "[captcha]\nturnstile_endpoint = {url:?}\nhcaptcha_endpoint = {url:?}\nrecaptcha_endpoint = {url:?}\n\
             recaptcha_enterprise_endpoint = {url:?}"
        );
        let world = World::start_with(engine, CentreSettings { config, ..Default::default() }).await?;
        let staff = world.centre.staff();
        for (provider, _) in PROVIDERS {
            let credential = json!({
                "secret": double.secret(), "site_key": double.site_key(), "places": [PLACE],
                "project": CaptchaDouble::PROJECT,
            });
            let path = format!("captcha-credentials/{provider}");
            staff.ask(Method::PUT, &path, Some(credential)).await?;
            let service = json!({
                "name": provider.replace('_', "-"), "queue": "support",
                "captcha": { "required": "always", "providers": [provider] },
            });
            staff.ask(Method::POST, "services", Some(service)).await?;
        }
        Ok(Self { world, double, http: reqwest::Client::new(), next: AtomicU32::new(1) })
    }

    fn next(&self) -> u32 {
        self.next.fetch_add(1, Ordering::SeqCst)
    }

    async fn installation(&self) -> Result<String, Failure> {
        let secret = format!("secret-{:0>40}", self.next());
        let request = self.http.post(format!("{}/v1/installations", self.world.centre.url));
        let request = request.header("Ringback-App-Key", &self.world.centre.app_key);
        let answer: Value = request.json(&json!({ "secret": secret })).send().await?.json().await?;
        Ok(answer["token"].as_str().ok_or("a token")?.to_owned())
    }

    /// A request of the installation for the service of this provider, for a number that was not asked for before.
    fn request(&self, installation: &str, provider: &str, captcha: &str) -> RequestBuilder {
        let index = self.next();
        let service = provider.replace('_', "-");
        let number = number(usize::try_from(index).unwrap_or_default());
        self.http
            .post(format!("{}/v1/callbacks", self.world.centre.url))
            .bearer_auth(installation)
            .header("Idempotency-Key", format!("key-{index}"))
            .header("Ringback-Captcha", captcha)
            .json(&json!({ "service": service, "number": number }))
    }

    /// The header of somebody who passed as he should.
    fn passed(&self, (provider, service): (&str, CaptchaService)) -> String {
        self.passed_with((provider, service), |_| ())
    }

    fn passed_with(
        &self,
        (provider, service): (&str, CaptchaService),
        change: impl FnOnce(&mut CaptchaPass),
    ) -> String {
        let has_action = !matches!(provider, "hcaptcha" | "recaptcha_v2");
        let has_score = matches!(provider, "recaptcha_v3" | "recaptcha_enterprise");
        let mut pass = CaptchaPass {
            action: has_action.then(|| "request_callback".to_owned()),
            place: PLACE.to_owned(),
            score: has_score.then_some(0.9),
        };
        change(&mut pass);
        format!("{provider} {}", self.double.pass(service, pass))
    }
}

async fn refused(request: RequestBuilder) -> Result<Problem, Failure> {
    let answer = request.send().await?;
    assert!(!answer.status().is_success(), "it was taken");
    Ok(answer.json().await?)
}

async fn a_token_is_good_once(engine: Engine) -> Result<(), Failure> {
    let stage = Stage::set(engine).await?;
    for (provider, service) in PROVIDERS {
        let installation = stage.installation().await?;
        let header = stage.passed((provider, service));
        let taken = stage.request(&installation, provider, &header).send().await?;
        assert_eq!(taken.status(), StatusCode::CREATED, "{provider}: {}", taken.text().await?);
        let code = refused(stage.request(&installation, provider, &header)).await?.code;
        assert_eq!(code, "captcha_expired", "{provider}");
        let code =
            refused(stage.request(&installation, provider, &format!("{provider} tk-none"))).await?.code;
        assert_eq!(code, "captcha_rejected", "{provider}");
        let elsewhere = stage.passed_with((provider, service), |pass| pass.place = "evil.example".to_owned());
        let code = refused(stage.request(&installation, provider, &elsewhere)).await?.code;
        assert_eq!(code, "captcha_rejected", "{provider}");
    }
    // Nobody is asked about tokens that would not count.
    let (installation, asked) = (stage.installation().await?, stage.double.asked());
    let header = stage.passed(("hcaptcha", CaptchaService::Hcaptcha));
    let code = refused(stage.request(&installation, "turnstile", &header)).await?.code;
    assert_eq!((code.as_str(), stage.double.asked()), ("captcha_provider_not_accepted", asked));
    let log = stage.world.centre.log_text()?;
    assert!(
        !log.contains(stage.double.secret()) && !log.contains("tk-"),
        "secrets and tokens are not logged"
    );
    Ok(())
}

async fn what_goes_wrong_never_passes(engine: Engine) -> Result<(), Failure> {
    let stage = Stage::set(engine).await?;
    let answer = |status, body: &str| Fault::Answer {
        status,
        body: body.to_owned(),
        content_type: Some("application/json".to_owned()),
    };
    let faults = [
        Fault::refuse("internal-error"),
        Fault::refuse("invalid-input-secret"),
        answer(503, "{}"),
        answer(302, ""),
        answer(200, "<html>ok</html>"),
        answer(200, r#"{"success":"true"}"#),
        answer(500, r#"{"success":true}"#),
        Fault::Disconnect,
        Fault::Reset,
        Fault::CutBody { reason: None },
        Fault::Garbage,
    ];
    for (provider, service) in PROVIDERS {
        let mut challenge = None;
        let mut installation = stage.installation().await?;
        for (at, fault) in faults.iter().enumerate() {
            if at % 4 == 0 {
                installation = stage.installation().await?;
            }
            // Turnstile alone is asked a second time.
            let times = if provider == "turnstile" { 2 } else { 1 };
            stage.double.script(vec![fault.clone(); times])?;
            let header = stage.passed((provider, service));
            let problem = refused(stage.request(&installation, provider, &header)).await?;
            assert_eq!(problem.code, "captcha_unavailable", "{provider}: {fault:?}");
            challenge = problem.challenge;
        }
        // Proof of work stands in, though the service does not name it; otherwise it would not do.
        let challenge = challenge.ok_or("a challenge")?;
        assert_eq!(challenge.providers, ["altcha"]);
        let token =
            tokio::task::spawn_blocking(move || solve(&challenge)).await?.ok_or("it can be solved")?;
        let taken = stage.request(&installation, provider, &token).send().await?;
        assert_eq!(taken.status(), StatusCode::CREATED, "{provider}");
        let code = refused(stage.request(&installation, provider, "altcha e30=")).await?.code;
        assert_eq!(code, "captcha_invalid", "{provider}");
    }
    // A second question under the same key finds what the first would have.
    let installation = stage.installation().await?;
    stage.double.script(vec![Fault::CutBody { reason: None }])?;
    let header = stage.passed(("turnstile", CaptchaService::Turnstile));
    let taken = stage.request(&installation, "turnstile", &header).send().await?;
    assert_eq!(taken.status(), StatusCode::CREATED);
    Ok(())
}

support::on_both_engines! {
    token_is_good_once => |engine| a_token_is_good_once(engine);
    faults_never_pass => |engine| what_goes_wrong_never_passes(engine);
}
