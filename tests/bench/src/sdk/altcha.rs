//! Proof of work inside a request, against the crate's own loop.

use super::tap::{CALLBACK, INSTALLATION, client};
use super::wire::Wire;
use crate::Failure;
use crate::row::{Measure, Row, quantile};
use altcha::{CreateChallengeOptions, SolveChallengeOptions, create_challenge, solve_challenge};
use ringback_core::protocol::{CallbackRequest, CaptchaChallenge, Problem, ProblemCode};
use std::time::Instant;

/// As the server gives it out: about half a millisecond a try.
const COST: u32 = 5000;
/// How many tries the solution takes: the middle of what the server asks of somebody it has no doubts about.
const COUNTER: u32 = 500;

/// The median of so many requests that are asked for the same work, in turns with the crate's loop.
pub(super) async fn row(requests: usize) -> Result<Row, Failure> {
    let challenge = create_challenge(CreateChallengeOptions {
        algorithm: "PBKDF2/SHA-256".to_owned(),
        cost: COST,
        counter: Some(COUNTER),
        hmac_signature_secret: Some("a bench's".to_owned()),
        hmac_key_signature_secret: Some("a bench's other".to_owned()),
        ..CreateChallengeOptions::default()
    })?;
    let asked = CaptchaChallenge {
        providers: vec!["altcha".to_owned()],
        altcha: Some(serde_json::to_value(&challenge)?),
    };
    let problem = Problem::new(ProblemCode::ChallengeRequired, "Solve it.");
    let (status, problem) = (problem.status, Problem { challenge: Some(asked), ..problem });
    let refusal = serde_json::to_string(&problem)?;
    let wire = Wire::start(move |head| {
        if head.starts_with("POST /v1/installations") {
            (201, INSTALLATION.to_owned())
        } else if head.to_ascii_lowercase().contains("ringback-captcha: altcha ") {
            (201, CALLBACK.to_owned())
        } else {
            (status, refusal.clone())
        }
    })
    .await?;
    let folder = tempfile::tempdir()?;
    let client = client(&wire.url, folder.path())?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in 0..requests {
        client.request_callback(CallbackRequest::new("billing", format!("+49309018{number:05}"))).await?;
        let seen = wire.take("POST /v1/callbacks ");
        let [refused, solved] = seen.as_slice() else {
            return Err("not asked once and answered once".into());
        };
        ours.push(solved.at.duration_since(refused.at));
        let challenge = challenge.clone();
        theirs.push(
            tokio::task::spawn_blocking(move || {
                let begin = Instant::now();
                let options = SolveChallengeOptions::new(&challenge);
                let solution = solve_challenge(SolveChallengeOptions { timeout_ms: 120_000, ..options });
                solution.ok().flatten().map(|_| begin.elapsed())
            })
            .await?
            .ok_or("the crate found no solution")?,
        );
    }
    Ok(Row {
        name: "sdk/altcha".to_owned(),
        figure: Measure::Takes(quantile(&ours, 0.5)),
        reference: Measure::Takes(quantile(&theirs, 0.5)),
        meaning: format!(
            "Proof of work at the server's cost with {COUNTER} tries, from the request that is refused to the first bytes of the \
             one with the solution, the median of {requests}. Reference: the `altcha` crate's own loop on the same \
             challenge, in turns with ours."
        ),
    })
}
