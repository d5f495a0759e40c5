//! Passes CAPTCHAs: proof of work is done here, what needs a screen is the host's.

use super::outbox::PendingKind;
use super::proof_of_work::solve;
use crate::host::{CaptchaAsk, CaptchaError, CaptchaPresenter, LogLevel, Logger, blocking};
use crate::protocol::{CaptchaChallenge, CaptchaPurpose};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const LOG_TARGET: &str = "ringback::captcha";
const ALTCHA: &str = "altcha";
/// The longest that proof of work may take.
const SOLVE_LIMIT: Duration = Duration::from_secs(120);
/// The longest that a person is waited for.
const PRESENT_LIMIT: Duration = Duration::from_secs(600);

/// A challenge was not passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotPassed {
    /// Another time it may be.
    Now,
    /// Nobody here can, or the person would not.
    Ever,
}

/// Passes CAPTCHAs. Clones share the presenter.
#[derive(Clone)]
pub(crate) struct Captcha {
    presenter: Option<Arc<dyn CaptchaPresenter>>,
    log: Logger,
}

/// Who passes a challenge.
#[derive(Debug, PartialEq, Eq)]
enum Choice {
    Work,
    Present(String),
}

impl Captcha {
    pub(crate) fn new(presenter: Option<Arc<dyn CaptchaPresenter>>, log: Logger) -> Self {
        Self { presenter, log }
    }

    /// Passes a challenge and gives what the header takes. Dropping the future ends the work within milliseconds.
    pub(crate) async fn pass(
        &self,
        challenge: &CaptchaChallenge,
        kind: PendingKind,
    ) -> Result<String, NotPassed> {
        let passed = match choose(challenge, &self.shown().await) {
            None => Err(NotPassed::Ever),
            Some(Choice::Work) => self.work(challenge).await.map(|token| format!("{ALTCHA} {token}")),
            Some(Choice::Present(provider)) => self.present(provider, kind).await,
        };
        if let Err(not_passed) = passed {
            self.log.log(LogLevel::Warn, LOG_TARGET, format!("a CAPTCHA was not passed: {not_passed:?}"));
        }
        passed
    }

    /// What the host can show; nothing when it does not say.
    async fn shown(&self) -> Vec<String> {
        let Some(presenter) = self.presenter.clone() else { return Vec::new() };
        blocking(move || presenter.providers()).await.ok().and_then(Result::ok).unwrap_or_default()
    }

    async fn present(&self, provider: String, kind: PendingKind) -> Result<String, NotPassed> {
        let presenter = self.presenter.as_ref().ok_or(NotPassed::Ever)?;
        let purpose = match kind {
            PendingKind::RequestCallIn => CaptchaPurpose::RequestCallIn,
            _ => CaptchaPurpose::RequestCallback,
        };
        let ask = CaptchaAsk { provider: provider.clone(), action: purpose.word().to_owned() };
        let token = tokio::time::timeout(PRESENT_LIMIT, presenter.present(ask)).await;
        let token = token.map_err(|_| NotPassed::Now)?.map_err(|error| match error {
            CaptchaError::Declined => NotPassed::Ever,
            CaptchaError::Unavailable | CaptchaError::Failed => NotPassed::Now,
        })?;
        // It becomes a header: anything but visible ASCII in it would be no token.
        let is_token =
            !token.expose().is_empty() && token.expose().bytes().all(|byte| byte.is_ascii_graphic());
        if is_token { Ok(format!("{provider} {}", token.expose())) } else { Err(NotPassed::Now) }
    }

    async fn work(&self, challenge: &CaptchaChallenge) -> Result<String, NotPassed> {
        let challenge = challenge.altcha.clone().ok_or(NotPassed::Ever)?;
        let presenter = self.presenter.clone();
        let wanted = Wanted::default();
        let until = Arc::clone(&wanted.0);
        let solving = tokio::task::spawn_blocking(move || {
            let (began, mut told) = (Instant::now(), None);
            let payload = solve(challenge, |percent| {
                if let Some(presenter) = presenter.as_ref().filter(|_| told != Some(percent)) {
                    told = Some(percent);
                    // Nothing depends on whether it was heard.
                    let _ = presenter.progress(percent);
                }
                until.load(Ordering::Relaxed) && began.elapsed() < SOLVE_LIMIT
            })?;
            let payload = serde_json::to_vec(&payload).map_err(|_| NotPassed::Ever)?;
            Ok((STANDARD.encode(payload), began.elapsed()))
        });
        let (token, took) = solving.await.map_err(|_| NotPassed::Now)??;
        let line = format!("proof of work took {} ms", took.as_millis());
        self.log.log(LogLevel::Info, LOG_TARGET, line);
        Ok(token)
    }
}

/// Somebody waits for the work as long as this is not dropped.
struct Wanted(Arc<AtomicBool>);

impl Default for Wanted {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// The first provider that can be passed here, in the order the service prefers.
fn choose(challenge: &CaptchaChallenge, shown: &[String]) -> Option<Choice> {
    challenge.providers.iter().find_map(|provider| {
        if provider == ALTCHA {
            challenge.altcha.is_some().then_some(Choice::Work)
        } else {
            shown.contains(provider).then(|| Choice::Present(provider.clone()))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_prefers_and_the_host_can() {
        let challenge = |providers: &[&str], altcha: bool| CaptchaChallenge {
            providers: providers.iter().map(|word| (*word).to_owned()).collect(),
            altcha: altcha.then(|| serde_json::json!({})),
        };
        let shown = ["turnstile".to_owned()];
        let present = Some(Choice::Present("turnstile".to_owned()));
        assert_eq!(choose(&challenge(&["turnstile", "altcha"], true), &shown), present);
        assert_eq!(choose(&challenge(&["turnstile", "altcha"], true), &[]), Some(Choice::Work));
        assert_eq!(choose(&challenge(&["altcha", "turnstile"], true), &shown), Some(Choice::Work));
        assert_eq!(choose(&challenge(&["altcha", "turnstile"], false), &shown), present);
        assert_eq!(choose(&challenge(&["hcaptcha"], false), &shown), None);
    }
}
