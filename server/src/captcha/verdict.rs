//! What a provider's answer means. Pure: an answer goes in, a verdict comes out. Whatever is not plainly a pass is none.

use super::CaptchaProvider;
use super::credentials::CaptchaCredential;
use ringback_core::protocol::CaptchaPurpose;
use serde::Deserialize;

/// What a provider says of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is good for what it is presented for.
    Pass,
    /// It is not.
    Reject,
    /// It was too old, or used already: the provider does not tell these apart.
    Stale,
    /// The provider could not say, or did not understand us. Never a pass.
    Unavailable,
}

/// Codes that mean the token is old or was used.
const STALE: &[&str] = &[
    "timeout-or-duplicate",
    "expired-input-response",
    "already-seen-response",
    "invalid-or-already-seen-response",
];
/// Codes that say nothing about the token: our credential is wrong, or the provider is out of order.
const OURS: &[&str] = &[
    "missing-input-secret",
    "invalid-input-secret",
    "bad-request",
    "internal-error",
    "sitekey-secret-mismatch",
    "not-using-dummy-passcode",
    "missing-remoteip",
    "invalid-remoteip",
];

/// The answer of a `siteverify`.
#[derive(Debug, Deserialize)]
struct SiteVerify {
    success: bool,
    #[serde(default, rename = "error-codes")]
    error_codes: Vec<String>,
    hostname: Option<String>,
    action: Option<String>,
    score: Option<f64>,
}

/// The answer of an assessment, as far as it counts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assessment {
    token_properties: TokenProperties,
    risk_analysis: Option<RiskAnalysis>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenProperties {
    valid: bool,
    invalid_reason: Option<String>,
    action: Option<String>,
    hostname: Option<String>,
    android_package_name: Option<String>,
    ios_bundle_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RiskAnalysis {
    score: Option<f64>,
}

/// What an answer with this status and body says of a token for this purpose.
pub(super) fn verdict(
    provider: CaptchaProvider,
    credential: &CaptchaCredential,
    purpose: CaptchaPurpose,
    (status, body): (u16, &[u8]),
) -> Verdict {
    // Some providers answer a token that is none with a 400, in the same form.
    if !(200..300).contains(&status) && status != 400 {
        return Verdict::Unavailable;
    }
    if provider == CaptchaProvider::RecaptchaEnterprise {
        return serde_json::from_slice(body)
            .map_or(Verdict::Unavailable, |answer| of_assessment(credential, purpose, &answer));
    }
    serde_json::from_slice(body)
        .map_or(Verdict::Unavailable, |answer| of_site_verify(provider, credential, purpose, &answer))
}

fn of_site_verify(
    provider: CaptchaProvider,
    credential: &CaptchaCredential,
    purpose: CaptchaPurpose,
    answer: &SiteVerify,
) -> Verdict {
    let says = |codes: &[&str]| answer.error_codes.iter().any(|code| codes.contains(&code.as_str()));
    if !answer.success {
        return if says(OURS) {
            Verdict::Unavailable
        } else if says(STALE) {
            Verdict::Stale
        } else {
            // A token that is none, or a code that nobody documents.
            Verdict::Reject
        };
    }
    let has_action = matches!(provider, CaptchaProvider::Turnstile | CaptchaProvider::RecaptchaV3);
    if has_action && answer.action.as_deref() != Some(purpose.word()) {
        return Verdict::Reject;
    }
    // Inside an app hCaptcha knows no host.
    let is_unnamed =
        provider == CaptchaProvider::Hcaptcha && answer.hostname.as_deref() == Some("not-provided");
    if !is_unnamed && !credential.knows(answer.hostname.as_deref()) {
        return Verdict::Reject;
    }
    if provider == CaptchaProvider::RecaptchaV3 && !is_enough(credential, answer.score) {
        return Verdict::Reject;
    }
    Verdict::Pass
}

fn of_assessment(credential: &CaptchaCredential, purpose: CaptchaPurpose, answer: &Assessment) -> Verdict {
    let token = &answer.token_properties;
    if !token.valid {
        return match token.invalid_reason.as_deref() {
            Some("EXPIRED" | "DUPE") => Verdict::Stale,
            _ => Verdict::Reject,
        };
    }
    let app = token.android_package_name.as_deref().or(token.ios_bundle_id.as_deref());
    let is_ours = credential.knows(app.or(token.hostname.as_deref()));
    let score = answer.risk_analysis.as_ref().and_then(|risk| risk.score);
    if token.action.as_deref() == Some(purpose.word()) && is_ours && is_enough(credential, score) {
        Verdict::Pass
    } else {
        Verdict::Reject
    }
}

/// A missing score is not enough.
fn is_enough(credential: &CaptchaCredential, score: Option<f64>) -> bool {
    score.is_some_and(|score| (credential.min_score..=1.0).contains(&score))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const REJECTED: [&str; 2] = ["missing-input-response", "invalid-input-response"];

    fn credential() -> CaptchaCredential {
        let json =
            json!({ "secret": "s", "places": ["shop.example.com", "com.example.shop"], "project": "p" });
        serde_json::from_value(json).unwrap()
    }

    fn of(provider: CaptchaProvider, answer: &serde_json::Value) -> Verdict {
        let body = answer.to_string();
        verdict(provider, &credential(), CaptchaPurpose::RequestCallback, (200, body.as_bytes()))
    }

    #[test]
    fn a_pass_is_for_this_action_and_place() {
        let good = json!({ "success": true, "hostname": "shop.example.com", "action": "request_callback", "score": 0.9 });
        let with = |field: &str, value: serde_json::Value| {
            let mut answer = good.clone();
            answer[field] = value;
            answer
        };
        for provider in [
            CaptchaProvider::Turnstile,
            CaptchaProvider::Hcaptcha,
            CaptchaProvider::RecaptchaV2,
            CaptchaProvider::RecaptchaV3,
        ] {
            assert_eq!(of(provider, &good), Verdict::Pass);
            assert_eq!(of(provider, &with("hostname", "evil.example".into())), Verdict::Reject);
            assert_eq!(of(provider, &with("success", false.into())), Verdict::Reject);
            let has_action = matches!(provider, CaptchaProvider::Turnstile | CaptchaProvider::RecaptchaV3);
            let other = of(provider, &with("action", "login".into()));
            assert_eq!(other, if has_action { Verdict::Reject } else { Verdict::Pass });
        }
        assert_eq!(of(CaptchaProvider::Hcaptcha, &with("hostname", "not-provided".into())), Verdict::Pass);
        assert_eq!(
            of(CaptchaProvider::RecaptchaV2, &with("hostname", "not-provided".into())),
            Verdict::Reject
        );
        for score in [json!(0.4), json!(null), json!(1.5)] {
            assert_eq!(of(CaptchaProvider::RecaptchaV3, &with("score", score)), Verdict::Reject);
        }
        assert_eq!(of(CaptchaProvider::RecaptchaV3, &with("score", json!(0.5))), Verdict::Pass);
    }

    #[test]
    fn every_documented_code_has_its_meaning() {
        let refused =
            |code: &str| of(CaptchaProvider::Turnstile, &json!({ "success": false, "error-codes": [code] }));
        for (codes, meaning) in
            [(STALE, Verdict::Stale), (&REJECTED[..], Verdict::Reject), (OURS, Verdict::Unavailable)]
        {
            assert!(codes.iter().all(|code| refused(code) == meaning));
        }
        assert_eq!(refused("something-new"), Verdict::Reject);
    }

    #[test]
    fn an_assessment_is_compared_here() {
        let of = |token: serde_json::Value, score: f64| {
            let answer =
                json!({ "tokenProperties": token, "riskAnalysis": { "score": score, "reasons": [] } });
            of(CaptchaProvider::RecaptchaEnterprise, &answer)
        };
        let token =
            |app: &str, action: &str| json!({ "valid": true, "action": action, "androidPackageName": app });
        assert_eq!(of(token("com.example.shop", "request_callback"), 0.7), Verdict::Pass);
        assert_eq!(of(token("com.evil.shop", "request_callback"), 0.7), Verdict::Reject);
        assert_eq!(of(token("com.example.shop", "login"), 0.7), Verdict::Reject);
        assert_eq!(of(token("com.example.shop", "request_callback"), 0.3), Verdict::Reject);
        assert_eq!(of(json!({ "valid": false, "invalidReason": "DUPE" }), 0.9), Verdict::Stale);
        assert_eq!(of(json!({ "valid": false, "invalidReason": "MALFORMED" }), 0.9), Verdict::Reject);
    }

    proptest! {
        #[test]
        fn what_is_not_an_answer_never_passes(status in 100_u16..600, body in "[ -~]{0,60}") {
            for provider in CaptchaProvider::ALL {
                let verdict =
                    verdict(*provider, &credential(), CaptchaPurpose::RequestCallIn, (status, body.as_bytes()));
                prop_assert_eq!(verdict, Verdict::Unavailable);
            }
        }
    }
}
