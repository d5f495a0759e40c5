//! Where a callback stands in line, pulled update by update.

use crate::cancel::CancelToken;
use crate::error::guarded;
use crate::runtime::Runtime;
use ringback_core::client::ClientError;
use ringback_core::protocol::LineUpdate;
use std::sync::Arc;

/// A callback's position and wait. Ends with the callback, on [`stop`](Self::stop), or with its last owner.
#[derive(uniffi::Object)]
pub struct LineSubscription {
    core: Arc<ringback_core::client::LineSubscription>,
    runtime: Arc<Runtime>,
}

impl LineSubscription {
    pub(crate) fn new(core: ringback_core::client::LineSubscription, runtime: Arc<Runtime>) -> Arc<Self> {
        Arc::new(Self { core: Arc::new(core), runtime })
    }
}

#[uniffi::export]
impl LineSubscription {
    /// Waits for the next update, over lost connections too; `None` once the callback is over or the subscription
    /// stopped. Calling it off loses nothing.
    pub async fn next(&self, cancel: Option<Arc<CancelToken>>) -> Result<Option<LineUpdate>, ClientError> {
        let core = Arc::clone(&self.core);
        self.runtime.run(cancel, Box::pin(async move { core.next().await })).await
    }

    /// Ends the subscription, also a `next` that is waiting.
    pub fn stop(&self) -> Result<(), ClientError> {
        guarded(|| {
            self.core.stop();
            Ok(())
        })
    }
}
