//! ALTCHA v2: proof of work. The secrets are made from the sealing key and the day, so that every node has the same
//! without keeping any; the day before still counts.

use super::{Bound, Risk};
use crate::refusal::Refusal;
use crate::storage::Vault;
use altcha::{CreateChallengeOptions, Payload, VerifySolutionOptions, create_challenge, verify_solution};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ringback_core::protocol::{ProblemCode, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;

const ALGORITHM: &str = "PBKDF2/SHA-256";
/// About half a millisecond a try on a server's core.
const COST: u32 = 5000;
const STANDS_IN: &str = "stands_in";
const EXPIRES_MAX_S: u32 = 600;

/// A payload that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Solved {
    pub(super) nonce: String,
    pub(super) expires_at: Timestamp,
    /// It was given out because another provider could not be asked.
    pub(super) stands_in: bool,
}

struct Secrets {
    challenge: String,
    key: String,
}

fn secrets(vault: &Vault, day: i64) -> Secrets {
    Secrets {
        challenge: vault.lookup("captcha.altcha.challenge", &day.to_string()),
        key: vault.lookup("captcha.altcha.key", &day.to_string()),
    }
}

fn day(now: Timestamp) -> i64 {
    now.as_second().div_euclid(86_400)
}

/// A challenge for this request and no other. Costs one derivation, about half a millisecond.
pub(super) fn issue(
    vault: &Vault,
    bound: &Bound,
    (risk, stands_in): (Risk, bool),
    expires_s: u32,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let mut random = [0; 8];
    rand::fill(&mut random).map_err(|_| Refusal::Damaged("no randomness"))?;
    let counters = risk.counters();
    let counter = u64::from_le_bytes(random) % u64::from(counters);
    let secrets = secrets(vault, day(now));
    let mut data = bindings(bound);
    // Tells the solver how far it may have to count.
    data.insert("counters".to_owned(), counters.into());
    data.insert(STANDS_IN.to_owned(), stands_in.into());
    let challenge = create_challenge(CreateChallengeOptions {
        algorithm: ALGORITHM.to_owned(),
        cost: COST,
        counter: u32::try_from(counter).ok(),
        data: Some(data),
        expires_at: Some(now.as_second() + i64::from(expires_s.clamp(1, EXPIRES_MAX_S))),
        hmac_signature_secret: Some(secrets.challenge),
        hmac_key_signature_secret: Some(secrets.key),
        ..CreateChallengeOptions::default()
    });
    challenge
        .ok()
        .and_then(|challenge| serde_json::to_value(challenge).ok())
        .ok_or(Refusal::Damaged("a challenge that cannot be made"))
}

/// Whether a payload is the solution of a challenge that was given out for this request. It may have been used before.
/// Costs a few hashes: the derived key is signed, so nothing is derived anew.
pub(super) fn verify(
    vault: &Vault,
    bound: &Bound,
    token: &str,
    now: Timestamp,
) -> Result<Solved, ProblemCode> {
    let json = STANDARD.decode(token).map_err(|_| ProblemCode::CaptchaInvalid)?;
    let payload: Payload = serde_json::from_slice(&json).map_err(|_| ProblemCode::CaptchaInvalid)?;
    let judged = [day(now), day(now) - 1].map(|day| judge(&secrets(vault, day), &payload));
    let refused =
        judged.iter().find_map(|judged| judged.err().filter(|code| *code == ProblemCode::CaptchaExpired));
    if !judged.contains(&Ok(())) {
        return Err(refused.unwrap_or(ProblemCode::CaptchaInvalid));
    }
    let parameters = payload.challenge.parameters;
    // Never 0 in what we sign; without an end it would be good for ever.
    let expires_at = parameters.expires_at.filter(|at| *at > 0).ok_or(ProblemCode::CaptchaInvalid)?;
    let data = parameters.data.unwrap_or_default();
    if bindings(bound).iter().any(|(name, value)| data.get(name) != Some(value)) {
        return Err(ProblemCode::CaptchaMismatch);
    }
    let expires_at = Timestamp::from_second(expires_at).map_err(|_| ProblemCode::CaptchaInvalid)?;
    let stands_in = data.get(STANDS_IN) == Some(&Value::Bool(true));
    Ok(Solved { nonce: parameters.nonce, expires_at, stands_in })
}

/// Whether challenge and solution are as these secrets signed them.
fn judge(secrets: &Secrets, payload: &Payload) -> Result<(), ProblemCode> {
    let options = VerifySolutionOptions {
        hmac_key_signature_secret: Some(secrets.key.clone()),
        ..VerifySolutionOptions::new(&payload.challenge, &payload.solution, &secrets.challenge)
    };
    match verify_solution(options) {
        // What else may be wrong with it, the crate does not say then.
        Ok(result) if result.expired => Err(ProblemCode::CaptchaExpired),
        Ok(result) if result.verified => Ok(()),
        _ => Err(ProblemCode::CaptchaInvalid),
    }
}

fn bindings(bound: &Bound) -> BTreeMap<String, Value> {
    BTreeMap::from([
        ("installation".to_owned(), bound.installation_id.clone().into()),
        ("service".to_owned(), bound.service.clone().into()),
        ("purpose".to_owned(), bound.purpose.word().into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use altcha::{Challenge, SolveChallengeOptions, solve_challenge};
    use ringback_core::protocol::CaptchaPurpose;

    fn vault() -> Vault {
        let folder = tempfile::tempdir().unwrap();
        let settings =
            crate::storage::StorageSettings { key_file: folder.path().join("key"), ..Default::default() };
        Vault::open(&settings).unwrap()
    }

    fn bound(installation: &str, service: &str, purpose: CaptchaPurpose) -> Bound {
        Bound { installation_id: installation.to_owned(), service: service.to_owned(), purpose }
    }

    fn anne() -> Bound {
        bound("in_anne", "billing", CaptchaPurpose::RequestCallback)
    }

    fn solve(challenge: &Value) -> Payload {
        let challenge: Challenge = serde_json::from_value(challenge.clone()).unwrap();
        let solution = solve_challenge(SolveChallengeOptions::new(&challenge)).unwrap().unwrap();
        Payload { challenge, solution }
    }

    fn token(payload: &Payload) -> String {
        STANDARD.encode(serde_json::to_vec(payload).unwrap())
    }

    #[test]
    fn only_what_was_given_out_for_this_request_passes() {
        let (vault, now) = (vault(), Timestamp::now());
        let challenge = issue(&vault, &anne(), (Risk::Low, false), 900, now).unwrap();
        let payload = solve(&challenge);
        assert!(payload.solution.counter < 1000);
        let solved = verify(&vault, &anne(), &token(&payload), now).unwrap();
        assert_eq!(solved.expires_at.as_second(), now.as_second() + 600, "never longer");
        for other in [
            bound("in_ben", "billing", CaptchaPurpose::RequestCallback),
            bound("in_anne", "sales", CaptchaPurpose::RequestCallback),
            bound("in_anne", "billing", CaptchaPurpose::RequestCallIn),
        ] {
            assert_eq!(verify(&vault, &other, &token(&payload), now), Err(ProblemCode::CaptchaMismatch));
        }
        let foreign = self::vault();
        assert_eq!(verify(&foreign, &anne(), &token(&payload), now), Err(ProblemCode::CaptchaInvalid));
    }

    #[test]
    fn whatever_is_changed_is_noticed() {
        let (vault, now) = (vault(), Timestamp::now());
        let payload = solve(&issue(&vault, &anne(), (Risk::Low, false), 60, now).unwrap());
        let changes: [fn(&mut Payload); 6] = [
            |payload| payload.solution.derived_key.replace_range(0..1, "g"),
            |payload| payload.challenge.parameters.expires_at = Some(0),
            |payload| payload.challenge.parameters.expires_at = None,
            |payload| payload.challenge.parameters.key_signature = None,
            |payload| payload.challenge.parameters.cost = 1,
            |payload| payload.challenge.signature = None,
        ];
        for change in changes {
            let mut changed = payload.clone();
            change(&mut changed);
            assert_eq!(verify(&vault, &anne(), &token(&changed), now), Err(ProblemCode::CaptchaInvalid));
        }
        for text in ["", "e30=", "not base64", &STANDARD.encode("{}")] {
            assert_eq!(verify(&vault, &anne(), text, now), Err(ProblemCode::CaptchaInvalid));
        }
    }

    #[test]
    fn time_is_up_and_yesterday_still_counts() {
        let (vault, now) = (vault(), Timestamp::now());
        let long_ago = now - jiff::SignedDuration::from_secs(61);
        let late = solve(&issue(&vault, &anne(), (Risk::Low, false), 60, long_ago).unwrap());
        assert_eq!(verify(&vault, &anne(), &token(&late), now), Err(ProblemCode::CaptchaExpired));
        let payload = solve(&issue(&vault, &anne(), (Risk::Low, false), 600, now).unwrap());
        let days = |days: i64| now + jiff::SignedDuration::from_hours(24 * days);
        assert!(verify(&vault, &anne(), &token(&payload), days(1)).is_ok(), "the secret of the day before");
        assert_eq!(verify(&vault, &anne(), &token(&payload), days(2)), Err(ProblemCode::CaptchaInvalid));
    }
}
