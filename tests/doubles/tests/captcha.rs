//! The CAPTCHA double is as strict as the providers' documents.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use reqwest::{Client, RequestBuilder};
use ringback_doubles::{CaptchaDouble, CaptchaPass, CaptchaService, Fault, StartError};
use serde_json::{Value, json};

const TURNSTILE: &str = "/turnstile/v0/siteverify";
const HCAPTCHA: &str = "/siteverify";
const RECAPTCHA: &str = "/recaptcha/api/siteverify";

fn post(double: &CaptchaDouble, path: &str) -> RequestBuilder {
    Client::new().post(format!("{}{path}", double.endpoint()))
}

async fn answer(request: RequestBuilder) -> Value {
    request.send().await.unwrap().json().await.unwrap()
}

/// The code of a refusal; empty for a pass.
async fn code(request: RequestBuilder) -> String {
    let answer = answer(request).await;
    assert_eq!(answer["success"] == true, answer["error-codes"] == json!([]), "{answer}");
    answer["error-codes"][0].as_str().unwrap_or_default().to_owned()
}

fn pass(double: &CaptchaDouble, service: CaptchaService) -> String {
    double.pass(service, CaptchaPass { action: None, place: "shop.example.com".to_owned(), score: None })
}

#[tokio::test]
async fn a_token_is_good_once_for_its_service_and_for_a_while() -> Result<(), StartError> {
    let double = CaptchaDouble::start().await?;
    let ask = |path: &str, token: &str| {
        post(&double, path).form(&[("secret", double.secret()), ("response", token)])
    };
    let token = pass(&double, CaptchaService::Hcaptcha);
    assert_eq!(code(ask(RECAPTCHA, &token)).await, "invalid-input-response");
    assert_eq!(code(ask(HCAPTCHA, &token)).await, "");
    assert_eq!(code(ask(HCAPTCHA, &token)).await, "already-seen-response");
    let token = pass(&double, CaptchaService::Recaptcha);
    assert_eq!(code(ask(RECAPTCHA, &token)).await, "");
    assert_eq!(code(ask(RECAPTCHA, &token)).await, "timeout-or-duplicate");

    let (short, long) = (pass(&double, CaptchaService::Hcaptcha), pass(&double, CaptchaService::Turnstile));
    double.clock().set_offset(jiff::SignedDuration::from_secs(125));
    assert_eq!(code(ask(HCAPTCHA, &short)).await, "expired-input-response");
    assert_eq!(code(ask(TURNSTILE, &long)).await, "");
    Ok(())
}

#[tokio::test]
async fn turnstile_answers_again_under_the_same_key() -> Result<(), StartError> {
    let double = CaptchaDouble::start().await?;
    let token = pass(&double, CaptchaService::Turnstile);
    let ask = |key: &str| {
        let body = json!({ "secret": double.secret(), "response": token, "idempotency_key": key });
        post(&double, TURNSTILE).json(&body)
    };
    assert_eq!(code(ask("one")).await, "");
    assert_eq!(code(ask("one")).await, "");
    assert_eq!(code(ask("two")).await, "timeout-or-duplicate");
    Ok(())
}

#[tokio::test]
async fn what_is_not_in_order_is_refused_and_the_script_waits() -> Result<(), StartError> {
    let double = CaptchaDouble::start().await?;
    double.script(vec![Fault::refuse("internal-error")]).unwrap();
    assert!(double.script(vec![Fault::refuse("no-such-code")]).is_err());
    let form = |path: &str, fields: &[(&str, &str)]| post(&double, path).form(fields);
    let secret = double.secret();
    assert_eq!(code(form(RECAPTCHA, &[("response", "t")])).await, "missing-input-secret");
    assert_eq!(code(form(RECAPTCHA, &[("secret", "x"), ("response", "t")])).await, "invalid-input-secret");
    assert_eq!(code(form(RECAPTCHA, &[("secret", secret)])).await, "missing-input-response");
    let other_site = [("secret", secret), ("response", "t"), ("sitekey", "other")];
    assert_eq!(code(form(HCAPTCHA, &other_site)).await, "sitekey-secret-mismatch");
    let json = json!({ "secret": secret, "response": "t" });
    assert_eq!(code(post(&double, HCAPTCHA).json(&json)).await, "bad-request", "a form only");
    assert_eq!(code(form(TURNSTILE, &[("secret", secret), ("response", "t")])).await, "internal-error");
    assert_eq!(
        code(form(TURNSTILE, &[("secret", secret), ("response", "t")])).await,
        "invalid-input-response"
    );
    Ok(())
}

#[tokio::test]
async fn an_assessment_needs_the_key_and_an_action() -> Result<(), StartError> {
    let double = CaptchaDouble::start().await?;
    let token = double.pass(
        CaptchaService::RecaptchaEnterprise,
        CaptchaPass {
            action: Some("request_callback".to_owned()),
            place: "com.example.shop".to_owned(),
            score: Some(0.7),
        },
    );
    let ask = |key: &str, site_key: &str| {
        let event = json!({ "token": token, "siteKey": site_key, "expectedAction": "request_callback" });
        post(&double, "/v1/projects/ringback-test/assessments")
            .header("x-goog-api-key", key)
            .json(&json!({ "event": event }))
    };
    assert_eq!(answer(ask("x", double.site_key())).await["error"]["code"], 403);
    assert_eq!(answer(ask(double.secret(), "x")).await["error"]["code"], 400);
    let good = answer(ask(double.secret(), double.site_key())).await;
    assert_eq!(
        (&good["tokenProperties"]["valid"], &good["riskAnalysis"]["score"]),
        (&json!(true), &json!(0.7))
    );
    let again = answer(ask(double.secret(), double.site_key())).await;
    assert_eq!(again["tokenProperties"]["invalidReason"], "DUPE");
    Ok(())
}
