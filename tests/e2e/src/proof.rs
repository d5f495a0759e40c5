//! Proof of work as anybody's ALTCHA library does it, beside the SDK's own.

use altcha::{Challenge, Payload, SolveChallengeOptions, solve_challenge};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ringback_core::protocol::CaptchaChallenge;

/// Solves a challenge, and gives what `Ringback-Captcha` takes; nothing for what is no proof of work.
pub fn solve(challenge: &CaptchaChallenge) -> Option<String> {
    let challenge: Challenge = serde_json::from_value(challenge.altcha.clone()?).ok()?;
    let solution = solve_challenge(SolveChallengeOptions::new(&challenge)).ok()??;
    let payload = serde_json::to_vec(&Payload { challenge, solution }).ok()?;
    Some(format!("altcha {}", STANDARD.encode(payload)))
}
