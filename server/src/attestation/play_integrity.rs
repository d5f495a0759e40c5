//! Play Integrity: what Google's answer means, and the client that asks for it.

use super::AttestationError;
use crate::config::AttestationSettings;
use crate::push::connection::ConnectionSettings;
use crate::push::fcm::ServiceAccount;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ringback_core::protocol::Timestamp;
use serde::Deserialize;
use std::time::Duration;

const ENDPOINT: &str = "https://playintegrity.googleapis.com";
const SCOPE: &str = "https://www.googleapis.com/auth/playintegrity";
/// A verdict was made for a challenge, which lives as long.
const AGE_MAX_S: u64 = 300;
const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// What evidence says. The words of faults are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Genuine,
    Doubtful(&'static str),
    Undecided(&'static str),
}

/// What `decodeIntegrityToken` answers; what is not read here is let pass.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    token_payload_external: Payload,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    request_details: RequestDetails,
    #[serde(default)]
    app_integrity: AppIntegrity,
    #[serde(default)]
    device_integrity: DeviceIntegrity,
    #[serde(default)]
    account_details: AccountDetails,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestDetails {
    request_package_name: String,
    #[serde(default)]
    request_hash: Option<String>,
    #[serde(default)]
    nonce: Option<String>,
    timestamp_millis: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AppIntegrity {
    app_recognition_verdict: String,
    package_name: String,
    certificate_sha256_digest: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DeviceIntegrity {
    device_recognition_verdict: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AccountDetails {
    app_licensing_verdict: String,
}

/// What Google's answer says of a request for this challenge. First whether it is about this request at all: everything else
/// may be somebody else's.
pub(super) fn verdict(
    answer: &[u8],
    challenge: &str,
    settings: &AttestationSettings,
    now: Timestamp,
) -> Said {
    let Ok(Answer { token_payload_external: payload }) = serde_json::from_slice(answer) else {
        return Said::Undecided("provider_unreadable");
    };
    let request = &payload.request_details;
    if !settings.play_integrity_packages.contains(&request.request_package_name) {
        return Said::Doubtful("app_unknown");
    }
    let hash = request_hash(challenge);
    let bound_to = request.request_hash.as_deref().or(request.nonce.as_deref());
    // Google pads a nonce that was sent without.
    if bound_to.map(|text| text.trim_end_matches('=')) != Some(&hash) {
        return Said::Doubtful("challenge_mismatch");
    }
    let made_at = request.timestamp_millis.parse().ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    if made_at.is_none_or(|at| now.duration_since(at).abs().as_secs().unsigned_abs() > AGE_MAX_S) {
        return Said::Doubtful("outdated");
    }
    let app = &payload.app_integrity;
    let certificates = &settings.play_integrity_certificates;
    let is_signed_by_us = certificates.is_empty()
        || app.certificate_sha256_digest.iter().any(|one| certificates.iter().any(|ours| ours == one));
    match app.app_recognition_verdict.as_str() {
        "PLAY_RECOGNIZED" if app.package_name != request.request_package_name || !is_signed_by_us => {
            return Said::Doubtful("app_unknown");
        }
        "PLAY_RECOGNIZED" => {}
        "UNRECOGNIZED_VERSION" => return Said::Doubtful("app_not_recognized"),
        _ => return Said::Undecided("app_not_evaluated"),
    }
    let device = &payload.device_integrity.device_recognition_verdict;
    if !device.iter().any(|label| label == "MEETS_DEVICE_INTEGRITY" || label == "MEETS_STRONG_INTEGRITY") {
        return Said::Doubtful("device_not_recognized");
    }
    if payload.account_details.app_licensing_verdict == "UNLICENSED" {
        return Said::Doubtful("app_not_licensed");
    }
    Said::Genuine
}

/// What the app gives to Play Integrity as request hash or nonce.
pub(super) fn request_hash(challenge: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, challenge.as_bytes()))
}

/// Asks Google what a token holds.
pub(super) struct Client {
    http: reqwest::Client,
    account: ServiceAccount,
    endpoint: String,
}

impl Client {
    /// A client with the service account of the settings.
    pub(super) fn new(
        settings: &AttestationSettings,
        account_json: &str,
        connection: &ConnectionSettings,
    ) -> Result<Self, AttestationError> {
        let account = ServiceAccount::new(account_json, SCOPE, connection)?;
        let http = connection.client_builder()?.timeout(Duration::from_secs(5)).build();
        let endpoint = match settings.play_integrity_endpoint.as_str() {
            "" => ENDPOINT.to_owned(),
            other => other.trim_end_matches('/').to_owned(),
        };
        Ok(Self { http: http.map_err(AttestationError::Tls)?, account, endpoint })
    }

    /// Asks about a token of an app, and says what the answer means.
    pub(super) async fn ask(
        &self,
        token: &str,
        challenge: &str,
        settings: &AttestationSettings,
        now: Timestamp,
    ) -> Said {
        // A token says itself which app it is of only to Google: each of ours is asked for, and there is mostly one.
        let mut said = Said::Undecided("provider_unavailable");
        for package in &settings.play_integrity_packages {
            said = match self.decode(package, token).await {
                Some((200, body)) => return verdict(&body, challenge, settings, now),
                Some((400, _)) => Said::Doubtful("malformed"),
                _ => return Said::Undecided("provider_unavailable"),
            };
        }
        said
    }

    async fn decode(&self, package: &str, token: &str) -> Option<(u16, Vec<u8>)> {
        let mut refused = None;
        loop {
            let authorization = self.account.authorization(refused.as_ref()).await.ok()?;
            let url = format!("{}/v1/{package}:decodeIntegrityToken", self.endpoint);
            let asked = self.http.post(url).header("authorization", authorization.clone());
            let mut answer =
                asked.json(&serde_json::json!({ "integrity_token": token })).send().await.ok()?;
            let status = answer.status().as_u16();
            if status == 401 && refused.is_none() {
                refused = Some(authorization);
                continue;
            }
            let mut body = Vec::new();
            while let Some(chunk) = answer.chunk().await.ok()? {
                if body.len() + chunk.len() > ANSWER_MAX_BYTES {
                    return None;
                }
                body.extend_from_slice(&chunk);
            }
            return Some((status, body));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const CHALLENGE: &str = "1800000300.nonce.tag";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn settings() -> AttestationSettings {
        AttestationSettings {
            play_integrity_packages: vec!["com.example.ringback".to_owned()],
            play_integrity_certificates: vec!["digest-of-ours".to_owned()],
            ..AttestationSettings::default()
        }
    }

    fn answer() -> Value {
        json!({ "tokenPayloadExternal": {
            "requestDetails": {
                "requestPackageName": "com.example.ringback",
                "requestHash": request_hash(CHALLENGE),
                "timestampMillis": "1800000000500",
            },
            "appIntegrity": {
                "appRecognitionVerdict": "PLAY_RECOGNIZED",
                "packageName": "com.example.ringback",
                "certificateSha256Digest": ["another", "digest-of-ours"],
                "versionCode": "42",
            },
            "deviceIntegrity": { "deviceRecognitionVerdict": ["MEETS_BASIC_INTEGRITY", "MEETS_DEVICE_INTEGRITY"] },
            "accountDetails": { "appLicensingVerdict": "LICENSED" },
        }})
    }

    fn said(path: &str, value: Value) -> Said {
        let mut answer = answer();
        *answer.pointer_mut(&format!("/tokenPayloadExternal/{path}")).unwrap() = value;
        verdict(answer.to_string().as_bytes(), CHALLENGE, &settings(), at(1_800_000_010))
    }

    #[test]
    fn each_part_of_the_answer_counts() {
        let same = json!("com.example.ringback");
        assert_eq!(said("requestDetails/requestPackageName", same), Said::Genuine);
        for (path, value, expected) in [
            ("requestDetails/requestPackageName", json!("com.example.other"), Said::Doubtful("app_unknown")),
            ("requestDetails/requestHash", json!("other"), Said::Doubtful("challenge_mismatch")),
            ("requestDetails/requestHash", json!(null), Said::Doubtful("challenge_mismatch")),
            ("requestDetails/timestampMillis", json!("1799999000000"), Said::Doubtful("outdated")),
            ("requestDetails/timestampMillis", json!("soon"), Said::Doubtful("outdated")),
            (
                "appIntegrity/appRecognitionVerdict",
                json!("UNRECOGNIZED_VERSION"),
                Said::Doubtful("app_not_recognized"),
            ),
            (
                "appIntegrity/appRecognitionVerdict",
                json!("UNEVALUATED"),
                Said::Undecided("app_not_evaluated"),
            ),
            (
                "appIntegrity/appRecognitionVerdict",
                json!("OF_NEXT_YEAR"),
                Said::Undecided("app_not_evaluated"),
            ),
            ("appIntegrity/packageName", json!("com.example.other"), Said::Doubtful("app_unknown")),
            ("appIntegrity/certificateSha256Digest", json!(["another"]), Said::Doubtful("app_unknown")),
            ("deviceIntegrity/deviceRecognitionVerdict", json!([]), Said::Doubtful("device_not_recognized")),
            (
                "deviceIntegrity/deviceRecognitionVerdict",
                json!(["MEETS_BASIC_INTEGRITY"]),
                Said::Doubtful("device_not_recognized"),
            ),
            ("deviceIntegrity/deviceRecognitionVerdict", json!(["MEETS_STRONG_INTEGRITY"]), Said::Genuine),
            ("deviceIntegrity", json!({}), Said::Doubtful("device_not_recognized")),
            ("accountDetails/appLicensingVerdict", json!("UNLICENSED"), Said::Doubtful("app_not_licensed")),
            ("accountDetails/appLicensingVerdict", json!("UNEVALUATED"), Said::Genuine),
        ] {
            assert_eq!(said(path, value.clone()), expected, "{path} {value}");
        }
    }

    #[test]
    fn a_classic_request_has_a_nonce() {
        let mut classic = answer();
        let details = classic["tokenPayloadExternal"]["requestDetails"].as_object_mut().unwrap();
        details.remove("requestHash");
        details.insert("nonce".to_owned(), json!(format!("{}=", request_hash(CHALLENGE))));
        let text = classic.to_string();
        let judged = |challenge| verdict(text.as_bytes(), challenge, &settings(), at(1_800_000_010));
        assert_eq!(judged(CHALLENGE), Said::Genuine);
        assert_eq!(judged("another"), Said::Doubtful("challenge_mismatch"));
    }

    proptest! {
        #[test]
        fn what_is_no_answer_decides_nothing(body in prop::collection::vec(any::<u8>(), 0..60)) {
            prop_assert_eq!(verdict(&body, CHALLENGE, &settings(), at(0)), Said::Undecided("provider_unreadable"));
        }
    }
}
