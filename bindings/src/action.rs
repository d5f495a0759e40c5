//! What a notification's own actions mean.

use crate::error::guarded;
use ringback_core::client::ClientError;
use ringback_core::protocol::ConfirmAnswer;

/// The answer that a notification's action stands for; `None` for an action of somebody else.
#[uniffi::export]
#[expect(clippy::needless_pass_by_value, reason = "what crosses the border is owned")]
pub fn answer_for_action(
    identifier: String,
    text: Option<String>,
) -> Result<Option<ConfirmAnswer>, ClientError> {
    guarded(|| ringback_core::client::answer_for_action(&identifier, text.as_deref()))
}
