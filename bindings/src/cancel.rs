//! Calling a call off.

use crate::error::guarded;
use ringback_core::client::ClientError;
use std::sync::Arc;
use tokio::sync::watch;

/// Calls off the call it was handed to. Swift's task cancellation does not reach Rust by itself, so the Swift layer
/// cancels one of these. Kotlin's does: its layer hands over none, which saves three calls across the border each time.
#[derive(uniffi::Object)]
pub struct CancelToken {
    cancelled: watch::Sender<bool>,
}

#[uniffi::export]
impl CancelToken {
    /// A token for one call.
    #[uniffi::constructor]
    pub fn new() -> Result<Arc<Self>, ClientError> {
        guarded(|| Ok(Arc::new(Self { cancelled: watch::Sender::new(false) })))
    }

    /// Ends the call with [`ClientError::Cancelled`], also one that begins later. A second time does nothing.
    pub fn cancel(&self) -> Result<(), ClientError> {
        guarded(|| {
            self.cancelled.send_replace(true);
            Ok(())
        })
    }
}

impl CancelToken {
    /// Returns once the token is cancelled.
    pub(crate) async fn cancelled(&self) {
        // It fails only when the sender is gone, and `self` owns the sender.
        let _ = self.cancelled.subscribe().wait_for(|cancelled| *cancelled).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn cancelling_is_seen_by_who_waits_and_by_who_comes_later() {
        let token = CancelToken::new().unwrap();
        let waiting = tokio::spawn({
            let token = Arc::clone(&token);
            async move { token.cancelled().await }
        });
        token.cancel().unwrap();
        waiting.await.unwrap();
        token.cancelled().await;
    }
}
