//! What the host does about CAPTCHAs.

use super::HostError;
use crate::protocol::CaptchaToken;

/// Which CAPTCHA is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct CaptchaAsk {
    /// Whose: one of those that [`CaptchaPresenter::providers`] names.
    pub provider: String,
    /// What it is for, `request_callback` or `request_call_in`; to be given to the provider as its action.
    pub action: String,
}

/// Why a presenter has no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Error))]
pub enum CaptchaError {
    /// The person would not. The request is given up.
    #[error("the person closed it")]
    Declined,
    /// It cannot be shown now, for example because the app is in the background. The request stays in the outbox.
    #[error("it cannot be shown now")]
    Unavailable,
    /// It failed. The request stays in the outbox.
    #[error("the host failed")]
    Failed,
}

#[cfg(feature = "uniffi")]
impl From<uniffi::UnexpectedUniFFICallbackError> for CaptchaError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed
    }
}

/// Shows the CAPTCHAs of others, which want a web view or a library of theirs. Proof of work needs none of this.
#[cfg_attr(feature = "uniffi", uniffi::export(with_foreign))]
#[async_trait::async_trait]
pub trait CaptchaPresenter: Send + Sync {
    /// The providers it can show, for example `turnstile`. Called on a thread for blocking work.
    fn providers(&self) -> Result<Vec<String>, HostError>;

    /// Has the person pass it, and gives the token as the provider gave it. Dropping the future takes it off the screen.
    async fn present(&self, ask: CaptchaAsk) -> Result<CaptchaToken, CaptchaError>;

    /// How far proof of work has come, 0 to 100. It is mostly done long before 100. Called on a thread for blocking work.
    fn progress(&self, percent: u8) -> Result<(), HostError>;
}
