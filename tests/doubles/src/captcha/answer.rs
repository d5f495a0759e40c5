//! What is asked, and how it is answered, in each provider's own form.

use std::collections::HashMap;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{CaptchaDouble, CaptchaPass, CaptchaService};

/// A request that is in order.
pub(super) struct Asked {
    pub(super) service: CaptchaService,
    pub(super) token: String,
    pub(super) idempotency_key: Option<String>,
}

type NotInOrder = (CaptchaService, &'static str);

pub(super) fn read(request: &Request<Bytes>, secret: &str, site_key: &str) -> Result<Asked, NotInOrder> {
    let enterprise = format!("/v1/projects/{}/assessments", CaptchaDouble::PROJECT);
    let service = match request.uri().path() {
        "/turnstile/v0/siteverify" => CaptchaService::Turnstile,
        "/siteverify" => CaptchaService::Hcaptcha,
        "/recaptcha/api/siteverify" => CaptchaService::Recaptcha,
        path if path == enterprise => CaptchaService::RecaptchaEnterprise,
        _ => return Err((CaptchaService::RecaptchaEnterprise, "bad-request")),
    };
    let bad = |code: &'static str| (service, code);
    let kind = header(request, CONTENT_TYPE.as_str());
    let is_json = kind.starts_with("application/json");
    if request.method() != Method::POST {
        return Err(bad("bad-request"));
    }
    if service == CaptchaService::RecaptchaEnterprise {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let event = &body["event"];
        if !is_json || event["siteKey"] != site_key || !event["expectedAction"].is_string() {
            return Err(bad("bad-request"));
        }
        if header(request, "x-goog-api-key") != secret {
            return Err(bad("invalid-input-secret"));
        }
        let token = event["token"].as_str().unwrap_or_default().to_owned();
        return Ok(Asked { service, token, idempotency_key: None });
    }
    let fields: HashMap<String, String> = if is_json && service == CaptchaService::Turnstile {
        serde_json::from_slice(request.body()).map_err(|_| bad("bad-request"))?
    } else if kind.starts_with("application/x-www-form-urlencoded") {
        form_urlencoded::parse(request.body()).into_owned().collect()
    } else {
        return Err(bad("bad-request"));
    };
    match fields.get("secret").map(String::as_str) {
        None | Some("") => return Err(bad("missing-input-secret")),
        Some(sent) if sent != secret => return Err(bad("invalid-input-secret")),
        Some(_) => {}
    }
    if fields.get("sitekey").is_some_and(|sent| sent != site_key) {
        return Err(bad("sitekey-secret-mismatch"));
    }
    match fields.get("response") {
        None => Err(bad("missing-input-response")),
        Some(token) if token.is_empty() => Err(bad("missing-input-response")),
        Some(token) => {
            let idempotency_key = fields.get("idempotency_key").cloned();
            Ok(Asked { service, token: token.clone(), idempotency_key })
        }
    }
}

pub(super) fn passed(service: CaptchaService, pass: &CaptchaPass, made_at: Timestamp) -> Response<Bytes> {
    if service == CaptchaService::RecaptchaEnterprise {
        let token = json!({ "valid": true, "action": pass.action, "androidPackageName": pass.place });
        return answer(
            200,
            &json!({ "tokenProperties": token, "riskAnalysis": { "score": pass.score, "reasons": [] } }),
        );
    }
    let mut body = json!({
        "success": true, "challenge_ts": made_at.to_string(), "hostname": pass.place, "error-codes": [],
    });
    if let Some(action) = &pass.action {
        body["action"] = action.as_str().into();
    }
    if let Some(score) = pass.score {
        body["score"] = score.into();
    }
    answer(200, &body)
}

pub(super) fn refused(service: CaptchaService, code: &str) -> Response<Bytes> {
    if service != CaptchaService::RecaptchaEnterprise {
        return answer(200, &json!({ "success": false, "error-codes": [code] }));
    }
    let reason = match code {
        "timeout-or-duplicate" => "DUPE",
        "expired-input-response" => "EXPIRED",
        "invalid-input-response" | "missing-input-response" => "MALFORMED",
        "invalid-input-secret" | "missing-input-secret" => return error(403, "PERMISSION_DENIED"),
        "internal-error" => return error(500, "INTERNAL"),
        _ => return error(400, "INVALID_ARGUMENT"),
    };
    answer(200, &json!({ "tokenProperties": { "valid": false, "invalidReason": reason } }))
}

fn error(status: u16, name: &str) -> Response<Bytes> {
    answer(status, &json!({ "error": { "code": status, "status": name } }))
}

fn answer(status: u16, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn header<'a>(request: &'a Request<Bytes>, name: &str) -> &'a str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
