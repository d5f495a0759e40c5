//! The one place where a token is demanded and used up.

use super::client::Question;
use super::verdict::Verdict;
use super::{CaptchaPolicy, CaptchaProvider, Presented, Risk, altcha, credentials};
use crate::app::App;
use crate::attestation::Standing;
use crate::clock::now;
use crate::identity::InstallationCaller;
use crate::refusal::Refusal;
use crate::storage::Tx;
use jiff::SignedDuration;
use ringback_core::protocol::{
    CaptchaChallenge, CaptchaPurpose, CaptchaToken, Problem, ProblemCode, Timestamp,
};
use std::net::IpAddr;

/// What a token must have been given for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    pub(super) installation_id: String,
    pub(super) service: String,
    pub(super) purpose: CaptchaPurpose,
}

impl Bound {
    /// What a token for this request is bound to.
    pub fn new(caller: &InstallationCaller, service: &str, purpose: CaptchaPurpose) -> Self {
        Self { installation_id: caller.id.clone(), service: service.to_owned(), purpose }
    }
}

/// A token that was passed, and is not yet used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Passed {
    provider: CaptchaProvider,
    /// Under which it is used up.
    token_hash: String,
    /// Until then it must not be used again.
    expires_at: Timestamp,
    /// It stands in for a provider that could not be asked.
    stands_in: bool,
}

/// A provider takes its own tokens once, for at most five minutes; ours is the second lock.
const PROVIDER_TOKEN_LIFE_S: i64 = 300;

/// What is known of a request's CAPTCHA before its transaction; nothing, at low risk, by default.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// How suspicious the request is.
    pub risk: Risk,
    /// What is known of its sender's app and device.
    standing: Standing,
    /// What came of its token, if it has one.
    token: Option<Result<Passed, ProblemCode>>,
}

/// Judges a request's token, outside any transaction. What is wrong with it counts only where one is needed: see
/// [`demand`]. A provider is asked only where its word would count.
pub async fn weigh(
    app: &App,
    bound: &Bound,
    standing: Standing,
    token: Presented,
    address: IpAddr,
) -> Result<Evidence, Refusal> {
    let (centre, now) = (&app.centre, now());
    let risk = standing.adjust(centre.captcha.note(&bound.installation_id, address, now));
    let token = match token {
        Presented::Nothing => None,
        Presented::Malformed => Some(Err(ProblemCode::CaptchaInvalid)),
        Presented::Token { provider, token } => Some(match CaptchaProvider::named(&provider) {
            None => Err(ProblemCode::CaptchaProviderNotAccepted),
            Some(provider @ CaptchaProvider::Altcha) => {
                altcha::verify(&centre.vault, bound, token.expose(), now).map(|solved| Passed {
                    provider,
                    token_hash: centre.vault.lookup("captcha.altcha", &solved.nonce),
                    expires_at: solved.expires_at,
                    stands_in: solved.stands_in,
                })
            }
            Some(provider) => ask(app, bound, (risk, standing), provider, &token).await?,
        }),
    };
    Ok(Evidence { risk, standing, token })
}

async fn ask(
    app: &App,
    bound: &Bound,
    (risk, standing): (Risk, Standing),
    provider: CaptchaProvider,
    token: &CaptchaToken,
) -> Result<Result<Passed, ProblemCode>, Refusal> {
    let (centre, service) = (app.centre.clone(), bound.service.clone());
    let credential = app.storage.read(move |tx| {
        let setup = centre.setup(tx)?;
        let policy = &setup.service(&service)?.policy.captcha;
        if !policy.is_required(risk, standing) || !policy.providers.contains(&provider) {
            return Ok(Err(ProblemCode::CaptchaProviderNotAccepted));
        }
        Ok::<_, Refusal>(
            credentials::open(tx, &centre.vault, provider)?.ok_or(ProblemCode::CaptchaUnavailable),
        )
    });
    let credential = match credential.await? {
        Ok(credential) => credential,
        Err(code) => {
            if code == ProblemCode::CaptchaUnavailable {
                tracing::warn!(provider = provider.word(), "a CAPTCHA provider has no credential");
            }
            return Ok(Err(code));
        }
    };
    let question = Question { provider, credential: &credential, token, bound };
    Ok(match app.captcha.ask(&app.settings.captcha, question).await {
        Verdict::Pass => Ok(Passed {
            provider,
            token_hash: app.centre.vault.lookup(provider.word(), token.expose()),
            expires_at: now()
                .saturating_add(SignedDuration::from_secs(PROVIDER_TOKEN_LIFE_S))
                .unwrap_or_else(|_| now()),
            stands_in: false,
        }),
        Verdict::Reject => Err(ProblemCode::CaptchaRejected),
        Verdict::Stale => Err(ProblemCode::CaptchaExpired),
        Verdict::Unavailable => Err(ProblemCode::CaptchaUnavailable),
    })
}

/// Refuses a request that needs a token and has no good one; uses the token up otherwise. In the transaction of what it is
/// for, so that a request that comes to nothing costs no token, and a token brings about one thing.
pub fn demand(tx: &mut Tx<'_>, policy: &CaptchaPolicy, evidence: &Evidence) -> Result<(), Refusal> {
    if !policy.is_required(evidence.risk, evidence.standing) {
        return Ok(());
    }
    let passed = match &evidence.token {
        None => return Err(refused(policy, ProblemCode::ChallengeRequired)),
        Some(Err(code)) => return Err(refused(policy, *code)),
        Some(Ok(passed)) => passed,
    };
    if !policy.providers.contains(&passed.provider) && !passed.stands_in {
        return Err(refused(policy, ProblemCode::CaptchaProviderNotAccepted));
    }
    let used = tx.execute(
        "insert into captcha_spent (token_hash, expires_at) values ($1, $2) on conflict (token_hash) do nothing",
        &[&passed.token_hash, &passed.expires_at],
    )?;
    if used == 1 { Ok(()) } else { Err(refused(policy, ProblemCode::CaptchaSpent)) }
}

/// Says what would do instead; the proof of work in it is made after the transaction.
fn refused(policy: &CaptchaPolicy, code: ProblemCode) -> Refusal {
    let mut problem = Problem::new(code, code.advice());
    let stand_in = code == ProblemCode::CaptchaUnavailable;
    let providers = if stand_in { vec![CaptchaProvider::Altcha.word().to_owned()] } else { policy.words() };
    problem.challenge = Some(CaptchaChallenge { providers, altcha: None });
    Refusal::Problem(Box::new(problem))
}

/// Forgets used tokens that are worth nothing any more.
pub fn purge(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Refusal> {
    // A minute on, so that a node whose clock is behind does not take one again.
    let over = now.saturating_sub(SignedDuration::from_secs(60)).unwrap_or(now);
    tx.execute("delete from captcha_spent where expires_at < $1", &[&over])?;
    Ok(())
}
