//! What happens to the callbacks, pulled one by one.

use crate::cancel::CancelToken;
use crate::error::guarded;
use crate::runtime::Runtime;
use ringback_core::client::ClientError;
use ringback_core::protocol::CallbackEvent;
use std::sync::Arc;

/// This installation's events in order. Ends on [`stop`](Self::stop) or with its last owner.
#[derive(uniffi::Object)]
pub struct EventSubscription {
    core: Arc<ringback_core::client::EventSubscription>,
    runtime: Arc<Runtime>,
}

impl EventSubscription {
    pub(crate) fn new(core: ringback_core::client::EventSubscription, runtime: Arc<Runtime>) -> Arc<Self> {
        Arc::new(Self { core: Arc::new(core), runtime })
    }
}

#[uniffi::export]
impl EventSubscription {
    /// Waits for the next event, over lost connections too; `None` once stopped. An event counts as handled when the
    /// next one is asked for: one that was not comes again, also after a restart. Calling it off loses nothing.
    pub async fn next(&self, cancel: Option<Arc<CancelToken>>) -> Result<Option<CallbackEvent>, ClientError> {
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
