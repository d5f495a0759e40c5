//! ALTCHA v2: counts up until a key that is derived from the counter begins as it must.

use super::captcha::NotPassed;
use pbkdf2::pbkdf2_hmac;
use serde::Serialize;
use serde_json::Value;
use sha2::Sha256;

/// What servers of this product ask for.
const ALGORITHM: &str = "PBKDF2/SHA-256";
/// The longest nonce.
const MAX_NONCE_BYTES: usize = 64;
/// The longest key that is derived.
const MAX_KEY_BYTES: usize = 256;
/// Before so many counters is looked whether to go on.
const CHUNK: u32 = 10;

/// A challenge, taken apart.
struct Work {
    nonce: Vec<u8>,
    salt: Vec<u8>,
    /// Rounds for each counter.
    cost: u32,
    key_bytes: usize,
    /// What the key begins with, in hexadecimal.
    prefix: String,
    /// How far it may have to count.
    counters: u64,
}

#[derive(Debug, Serialize)]
struct Solution {
    counter: u32,
    #[serde(rename = "derivedKey")]
    derived_key: String,
}

/// What the server takes, before it is put into base64.
#[derive(Debug, Serialize)]
pub(super) struct Payload {
    challenge: Value,
    solution: Solution,
}

/// Finds the solution. Before any ten counters `goes_on` hears how much of what may be needed is done, in percent, and says
/// whether to go on.
pub(super) fn solve(challenge: Value, mut goes_on: impl FnMut(u8) -> bool) -> Result<Payload, NotPassed> {
    let work = Work::read(&challenge).ok_or(NotPassed::Ever)?;
    for counter in 0..=u32::MAX {
        if counter.is_multiple_of(CHUNK) {
            let percent = (u64::from(counter) * 100 / work.counters).min(100);
            if !goes_on(u8::try_from(percent).unwrap_or(100)) {
                return Err(NotPassed::Now);
            }
        }
        let derived_key = hex(&work.derive(counter));
        if derived_key.starts_with(&work.prefix) {
            return Ok(Payload { challenge, solution: Solution { counter, derived_key } });
        }
    }
    Err(NotPassed::Ever)
}

impl Work {
    /// `None` for an algorithm or parameters that this build does not know.
    fn read(challenge: &Value) -> Option<Self> {
        let parameters = challenge.get("parameters")?;
        let text = |name: &str| parameters.get(name).and_then(Value::as_str);
        let number = |name: &str| parameters.get(name).and_then(Value::as_u64);
        let prefix = text("keyPrefix")?.to_ascii_lowercase();
        let work = Self {
            nonce: unhex(text("nonce")?)?,
            salt: unhex(text("salt")?)?,
            cost: number("cost")?.try_into().ok()?,
            key_bytes: number("keyLength")?.try_into().ok()?,
            prefix,
            counters: parameters["data"]["counters"].as_u64().unwrap_or(1000).max(1),
        };
        let is_known = text("algorithm") == Some(ALGORITHM)
            && (1..=MAX_KEY_BYTES).contains(&work.key_bytes)
            && work.nonce.len() <= MAX_NONCE_BYTES
            && work.prefix.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_known.then_some(work)
    }

    fn derive(&self, counter: u32) -> Vec<u8> {
        let password = [&self.nonce[..], &counter.to_be_bytes()].concat();
        let mut key = vec![0; self.key_bytes];
        pbkdf2_hmac::<Sha256>(&password, &self.salt, self.cost, &mut key);
        key
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |char: u8| char::from(char).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| if let [high, low] = pair { Some(digit(*high)? << 4 | digit(*low)?) } else { None })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use altcha::{
        Challenge, CreateChallengeOptions, VerifySolutionOptions, create_challenge, verify_solution,
    };
    use proptest::prelude::*;

    fn challenge(counter: u32, cost: u32, key_length: usize) -> Challenge {
        let options = CreateChallengeOptions {
            cost,
            counter: Some(counter),
            key_length,
            hmac_signature_secret: Some("secret".to_owned()),
            data: Some([("counters".to_owned(), 200.into())].into()),
            ..CreateChallengeOptions::default()
        };
        create_challenge(options).unwrap()
    }

    fn solve(challenge: &Challenge, goes_on: impl FnMut(u8) -> bool) -> Result<Payload, NotPassed> {
        super::solve(serde_json::to_value(challenge).unwrap(), goes_on)
    }

    #[test]
    fn progress_rises_and_the_work_can_be_stopped() {
        let (challenge, mut heard) = (challenge(95, 5000, 32), Vec::new());
        let payload = solve(&challenge, |percent| {
            heard.push(percent);
            true
        });
        assert_eq!(payload.unwrap().solution.counter, 95);
        assert_eq!(heard, [0, 5, 10, 15, 20, 25, 30, 35, 40, 45]);
        assert_eq!(solve(&challenge, |percent| percent < 20).unwrap_err(), NotPassed::Now);
    }

    #[test]
    fn what_is_unknown_is_nothing_to_wait_for() {
        let changes: [fn(&mut Challenge); 5] = [
            |challenge| challenge.parameters.algorithm = "NEW".to_owned(),
            |challenge| challenge.parameters.key_length = 1 << 40,
            |challenge| challenge.parameters.key_prefix = "ü".to_owned(),
            |challenge| challenge.parameters.nonce = "+1".to_owned(),
            |challenge| challenge.parameters.salt = "abc".to_owned(),
        ];
        for change in changes {
            let mut challenge = challenge(1, 1, 32);
            change(&mut challenge);
            assert_eq!(solve(&challenge, |_| true).unwrap_err(), NotPassed::Ever);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn the_reference_takes_the_solution(
            counter in 0_u32..200,
            cost in prop_oneof![Just(1_u32), Just(500)],
            key_length in prop_oneof![Just(32_usize), 4_usize..100],
        ) {
            let challenge = challenge(counter, cost, key_length);
            let payload = solve(&challenge, |_| true).unwrap();
            let solution = altcha::Solution {
                counter: payload.solution.counter,
                derived_key: payload.solution.derived_key,
                time: None,
            };
            let options = VerifySolutionOptions::new(&challenge, &solution, "secret");
            prop_assert!(verify_solution(options).unwrap().verified);
            prop_assert!(solution.counter == counter || key_length < 8);
        }
    }
}
