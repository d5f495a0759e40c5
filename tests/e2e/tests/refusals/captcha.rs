//! CAPTCHA tokens that are none, or somebody else's, or were good once.

use crate::asker::Asker;
use crate::support::Failure;
use reqwest::{Method, RequestBuilder};
use ringback_core::protocol::{CaptchaChallenge, Problem, ProblemCode as Code};
use ringback_doubles::CaptchaDouble;
use ringback_e2e::{number, solve};
use serde_json::json;
use std::time::Duration;

/// What the refusal offers to solve, solved.
async fn solved(problem: Problem) -> Result<String, Failure> {
    let challenge = problem.challenge.ok_or("it offers a challenge")?;
    assert_eq!(challenge.providers, ["altcha"]);
    Ok(tokio::task::spawn_blocking(move || solve(&challenge)).await?.ok_or("it can be solved")?)
}

pub(crate) async fn tokens(asker: &Asker) -> Result<(), Failure> {
    asker.taken(asker.staff(Method::POST, "queues").json(&json!({ "name": "guarded" }))).await?;
    let service = json!({
        "name": "guarded", "queue": "guarded", "call_in_group": "front-door",
        "captcha": { "required": "always", "providers": ["altcha"] },
    });
    asker.taken(asker.staff(Method::POST, "services").json(&service)).await?;
    let mut twice = service.clone();
    twice["captcha"]["providers"] = json!(["altcha", "altcha"]);
    let twice = asker.staff(Method::POST, "services").json(&twice);
    asker.refused_field(Code::FieldInvalid, "captcha.providers", twice).await?;

    let (anne, ben) = (asker.installation().await?, asker.installation().await?);
    let bare = |token: &str, index: usize| -> RequestBuilder {
        let body = json!({ "service": "guarded", "number": number(index) });
        asker.app(token, Method::POST, "/v1/callbacks").json(&body)
    };
    let with =
        |token: &str, index: usize, header: &str| bare(token, index).header("Ringback-Captcha", header);

    let token = solved(asker.refused(Code::ChallengeRequired, bare(&anne, 50)).await?).await?;
    asker.refused(Code::CaptchaInvalid, with(&anne, 50, "altcha")).await?;
    asker.refused(Code::CaptchaInvalid, with(&anne, 50, "altcha e30=")).await?;
    asker.refused(Code::CaptchaProviderNotAccepted, with(&anne, 50, "homemade e30=")).await?;
    let problem = asker.refused(Code::CaptchaMismatch, with(&ben, 50, &token)).await?;
    let call_in = asker.app(&anne, Method::POST, "/v1/call-ins").json(&json!({ "service": "guarded" }));
    asker.refused(Code::CaptchaMismatch, call_in.header("Ringback-Captcha", &token)).await?;
    // What was offered with the refusal is good for whoever was refused.
    asker.taken(with(&ben, 51, &solved(problem).await?)).await?;

    let token = solved(asker.refused(Code::ChallengeRequired, bare(&anne, 50)).await?).await?;
    asker.taken(with(&anne, 50, &token)).await?;
    asker.refused(Code::CaptchaSpent, with(&anne, 52, &token)).await?;

    let ahead = json!({ "service": "guarded", "purpose": "request_callback" });
    let ahead = asker.app(&ben, Method::POST, "/v1/captcha/challenges").json(&ahead);
    let challenge: CaptchaChallenge = serde_json::from_str(&asker.taken(ahead).await?)?;
    let token = tokio::task::spawn_blocking(move || solve(&challenge)).await?.ok_or("it can be solved")?;
    tokio::time::sleep(Duration::from_secs(7)).await;
    asker.refused(Code::CaptchaExpired, with(&ben, 53, &token)).await?;
    Ok(())
}

/// A provider that cannot be asked, and one that does not know the token.
pub(crate) async fn providers(asker: &Asker, double: &CaptchaDouble) -> Result<(), Failure> {
    let service = json!({
        "name": "shown", "queue": "guarded", "captcha": { "required": "always", "providers": ["turnstile"] },
    });
    asker.taken(asker.staff(Method::POST, "services").json(&service)).await?;
    let token = asker.installation().await?;
    let ask = || {
        let body = json!({ "service": "shown", "number": number(54) });
        asker
            .app(&token, Method::POST, "/v1/callbacks")
            .json(&body)
            .header("Ringback-Captcha", "turnstile tk-none")
    };
    let problem = asker.refused(Code::CaptchaUnavailable, ask()).await?;
    assert!(problem.challenge.is_some_and(|challenge| challenge.altcha.is_some()), "proof of work stands in");
    let put = |provider: &str, secret: &str| {
        asker
            .staff(Method::PUT, &format!("captcha-credentials/{provider}"))
            .json(&json!({ "secret": secret }))
    };
    let for_tests = put("turnstile", "1x0000000000000000000000000000000AA");
    asker.refused_field(Code::FieldInvalid, "secret", for_tests).await?;
    asker.refused_field(Code::ReferenceUnknown, "provider", put("altcha", "s")).await?;
    asker.refused_field(Code::FieldInvalid, "project", put("recaptcha_enterprise", "s")).await?;
    asker.taken(put("turnstile", double.secret())).await?;
    asker.refused(Code::CaptchaRejected, ask()).await?;
    Ok(())
}
