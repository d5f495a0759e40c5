//! FCM: an access token, and a message that is checked and not sent. The client keeps only what a push needs of a
//! refusal; here the words that Google adds for people tell one cause from another.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::header::DATE;
use ringback_core::protocol::{PushToken, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Fault, Finding};
use crate::push::connection::PushSettingsError;
use crate::push::fcm::{FcmRefusal, classify};
use crate::push::lane::Endpoints;
use crate::push::outcome::Outcome;

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ASSERTION_LIFE_S: i64 = 3600;
/// Of a form that no installation has.
const NO_DEVICE: &str = "ringback-check";
/// A clock that is off by less is not worth a word.
const CLOCK_TOLERANCE_S: i64 = 30;

const TOKEN_ENDPOINT: &str = "service_account.token_uri";
const PROJECT: &str = "service_account.project_id";

#[derive(Deserialize)]
struct ServiceAccount {
    project_id: String,
    client_email: String,
    private_key_id: Option<String>,
    private_key: PushToken,
    token_uri: String,
}

#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

/// A refusal of the token endpoint (RFC 6749, 5.2).
#[derive(Deserialize, Default)]
struct TokenRefusal {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

struct Answer {
    status: u16,
    /// How far this machine's clock is ahead of the provider's.
    ahead_s: Option<i64>,
    body: Vec<u8>,
}

/// The fields that are missing, or are no text.
pub(super) fn check_fields(json: &str) -> Vec<Finding> {
    let Ok(Value::Object(file)) = serde_json::from_str(json) else {
        let detail = "not JSON, or no object".to_owned();
        return vec![Finding::new(Fault::FieldMissing, "service_account", Some(detail))];
    };
    let has_text =
        |field: &&str| file.get(*field).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    ["project_id", "client_email", "private_key", "token_uri"]
        .into_iter()
        .filter(|field| !has_text(field))
        .map(|field| Finding::new(Fault::FieldMissing, format!("service_account.{field}"), None))
        .collect()
}

/// Asks for an access token, then has a message checked.
pub(super) async fn try_account(json: &str, endpoints: &Endpoints) -> Option<Finding> {
    try_both(json, endpoints).await.err()
}

async fn try_both(json: &str, endpoints: &Endpoints) -> Result<(), Finding> {
    let unusable = |what: String| Finding::new(Fault::SettingsUnusable, "service_account", Some(what));
    let account: ServiceAccount =
        serde_json::from_str(json).map_err(|error| unusable(format!("{:?} error", error.classify())))?;
    let http = endpoints
        .connection()
        .client_builder()
        .and_then(|builder| builder.build().map_err(PushSettingsError::Tls))
        .map_err(|error| unusable(error.to_string()))?;
    let form = [("grant_type", GRANT), ("assertion", &assertion(&account)?)];
    let granted = ask(http.post(&account.token_uri).form(&form), TOKEN_ENDPOINT).await?;
    if granted.status != 200 {
        return Err(of_token_refusal(&granted));
    }
    let body: Value = serde_json::from_slice(&granted.body).unwrap_or_default();
    let unexpected =
        || Finding::new(Fault::AnswerUnexpected, TOKEN_ENDPOINT, Some("no access_token".to_owned()));
    let token = body["access_token"].as_str().ok_or_else(unexpected)?;
    let url = format!("{}/v1/projects/{}/messages:send", endpoints.fcm(), account.project_id);
    let message = json!({"validate_only": true, "message": {
        "token": NO_DEVICE,
        "data": {"ringback": "{}"},
        "android": {"priority": "NORMAL", "ttl": "0s"},
    }});
    let answer = ask(http.post(url).bearer_auth(token).json(&message), PROJECT).await?;
    match answer.status {
        200 => Ok(()),
        _ => of_send_refusal(&answer).map_or(Ok(()), Err),
    }
}

fn assertion(account: &ServiceAccount) -> Result<String, Finding> {
    let unreadable = |_| Finding::new(Fault::KeyUnreadable, "service_account.private_key", None);
    let key = EncodingKey::from_rsa_pem(account.private_key.expose().as_bytes()).map_err(unreadable)?;
    let mut header = Header::new(Algorithm::RS256);
    header.kid.clone_from(&account.private_key_id);
    let iat = Timestamp::now().as_second();
    let claims = Assertion {
        iss: &account.client_email,
        scope: SCOPE,
        aud: &account.token_uri,
        iat,
        exp: iat + ASSERTION_LIFE_S,
    };
    jsonwebtoken::encode(&header, &claims, &key).map_err(unreadable)
}

async fn ask(request: reqwest::RequestBuilder, at: &str) -> Result<Answer, Finding> {
    let unreachable = |error: reqwest::Error| {
        // Without the URL: an error names its cause last.
        let mut cause: &dyn std::error::Error = &error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        Finding::new(Fault::Unreachable, at, Some(cause.to_string()))
    };
    let answer = request.send().await.map_err(|error| unreachable(error.without_url()))?;
    let now = Timestamp::now();
    let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
    let theirs = date.and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
    Ok(Answer {
        status: answer.status().as_u16(),
        ahead_s: theirs.map(|theirs| now.as_second() - theirs.as_second()),
        body: answer.bytes().await.map_err(|error| unreachable(error.without_url()))?.to_vec(),
    })
}

fn of_token_refusal(answer: &Answer) -> Finding {
    let TokenRefusal { error, error_description } = serde_json::from_slice(&answer.body).unwrap_or_default();
    let about = error_description.to_lowercase();
    let clock = ["reasonable timeframe", "iat", "exp in the past"].iter().any(|words| about.contains(words));
    let fault = match (answer.status, error.as_str()) {
        (429 | 500..=599, _) => Fault::ProviderUnwell,
        (_, "invalid_grant") if clock => Fault::ClockOff,
        (_, "invalid_grant") if about.contains("signature") || about.contains("key") => Fault::KeyRevoked,
        (_, "invalid_grant") if about.contains("account") => Fault::AccountUnknown,
        (_, "invalid_client") => Fault::AccountUnknown,
        _ => Fault::AnswerUnexpected,
    };
    let detail = match (fault, answer.ahead_s) {
        (Fault::ClockOff, Some(ahead_s)) if ahead_s.abs() >= CLOCK_TOLERANCE_S => {
            let direction = if ahead_s > 0 { "fast" } else { "slow" };
            format!("{} s {direction} by the provider's clock", ahead_s.abs())
        }
        _ => format!("{error}: {error_description} (HTTP {})", answer.status),
    };
    Finding::new(fault, TOKEN_ENDPOINT, Some(detail))
}

/// What a refused message says of the account; `None` if only the device is missing.
fn of_send_refusal(answer: &Answer) -> Option<Finding> {
    let refusal = FcmRefusal::parse(&answer.body);
    let text = String::from_utf8_lossy(&answer.body);
    let disabled = text.contains("SERVICE_DISABLED") || text.contains("it is disabled");
    let (fault, reason) = match classify(answer.status, &refusal, None) {
        Outcome::Delivered { .. } | Outcome::TokenGone { .. } => return None,
        Outcome::TokenRejected { reason } if reason == "SENDER_ID_MISMATCH" => {
            (Fault::ProjectMismatch, reason)
        }
        Outcome::TokenRejected { .. } => return None,
        Outcome::LaneBlocked { reason } if disabled => (Fault::ApiDisabled, reason),
        Outcome::LaneBlocked { reason } => match answer.status {
            403 => (Fault::PermissionMissing, reason),
            404 => (Fault::ProjectUnknown, reason),
            _ => (Fault::AnswerUnexpected, reason),
        },
        Outcome::RetryAt { reason, .. } => (Fault::ProviderUnwell, reason),
        Outcome::RenewCredential => (Fault::PermissionMissing, "UNAUTHENTICATED".to_owned()),
        Outcome::Permanent { reason } => (Fault::AnswerUnexpected, reason),
    };
    Some(Finding::new(fault, PROJECT, Some(reason)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, ahead_s: Option<i64>, body: &Value) -> Answer {
        Answer { status, ahead_s, body: body.to_string().into_bytes() }
    }

    #[test]
    fn googles_words_for_a_refused_token_are_told_apart() {
        let short_lived = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. \
                           Check your iat and exp values in the JWT claim.";
        for (status, error, description, fault) in [
            (400, "invalid_grant", short_lived, Fault::ClockOff),
            (400, "invalid_grant", "Invalid JWT Signature.", Fault::KeyRevoked),
            (400, "invalid_grant", "Invalid grant: account not found", Fault::AccountUnknown),
            (401, "invalid_client", "The OAuth client was not found.", Fault::AccountUnknown),
            (
                400,
                "invalid_scope",
                "Invalid OAuth scope or ID token audience provided.",
                Fault::AnswerUnexpected,
            ),
            (503, "temporarily_unavailable", "", Fault::ProviderUnwell),
        ] {
            let body = json!({"error": error, "error_description": description});
            assert_eq!(of_token_refusal(&answer(status, None, &body)).fault, fault, "{description}");
        }
    }

    #[test]
    fn a_clock_that_is_off_is_off_by_so_much() {
        let body =
            json!({"error": "invalid_grant", "error_description": "Invalid JWT: in a reasonable timeframe"});
        for (ahead_s, said) in [(7200, "7200 s fast"), (-95, "95 s slow")] {
            let finding = of_token_refusal(&answer(400, Some(ahead_s), &body));
            assert_eq!((finding.fault, finding.detail.unwrap().contains(said)), (Fault::ClockOff, true));
        }
    }

    #[test]
    fn googles_words_for_a_refused_message_are_told_apart() {
        let fcm_error = |code: &str| json!([{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}]);
        let disabled =
            "Firebase Cloud Messaging API has not been used in project 1 before or it is disabled.";
        for (status, name, message, details, fault) in [
            (400, "INVALID_ARGUMENT", "", fcm_error("INVALID_ARGUMENT"), None),
            (404, "NOT_FOUND", "", fcm_error("UNREGISTERED"), None),
            (404, "NOT_FOUND", "", json!([]), Some(Fault::ProjectUnknown)),
            (403, "PERMISSION_DENIED", "", json!([]), Some(Fault::PermissionMissing)),
            (403, "PERMISSION_DENIED", disabled, json!([]), Some(Fault::ApiDisabled)),
            (403, "PERMISSION_DENIED", "", json!([{"reason": "SERVICE_DISABLED"}]), Some(Fault::ApiDisabled)),
            (403, "PERMISSION_DENIED", "", fcm_error("SENDER_ID_MISMATCH"), Some(Fault::ProjectMismatch)),
            (401, "UNAUTHENTICATED", "", json!([]), Some(Fault::PermissionMissing)),
            (503, "UNAVAILABLE", "", json!([]), Some(Fault::ProviderUnwell)),
        ] {
            let body = json!({"error": {"status": name, "message": message, "details": details}});
            let found = of_send_refusal(&answer(status, None, &body)).map(|finding| finding.fault);
            assert_eq!(found, fault, "{status} {name} {message} {details}");
        }
    }

    #[test]
    fn the_missing_field_is_named() {
        let whole =
            json!({"project_id": "p", "client_email": "e", "private_key": "k", "token_uri": "https://t"});
        assert_eq!(check_fields(&whole.to_string()), []);
        for field in ["project_id", "client_email", "private_key", "token_uri"] {
            let mut file = whole.clone();
            file[field] = json!("");
            let found = check_fields(&file.to_string());
            assert_eq!(found.len(), 1);
            assert_eq!(
                (found[0].fault, &*found[0].at),
                (Fault::FieldMissing, &*format!("service_account.{field}"))
            );
        }
        assert_eq!(check_fields("not json")[0].at, "service_account");
    }
}
