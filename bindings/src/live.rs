//! The callbacks as they are, pulled state by state.

use crate::cancel::CancelToken;
use crate::error::guarded;
use crate::runtime::Runtime;
use ringback_core::client::{
    ClientError, LiveCallback, LiveCallbackSubscription as OfOne, LiveCallbacks,
    LiveCallbacksSubscription as OfAll,
};
use std::sync::Arc;

/// This installation's callbacks. Ends on [`stop`](Self::stop) or with its last owner.
#[derive(uniffi::Object)]
pub struct LiveCallbacksSubscription {
    core: Arc<OfAll>,
    runtime: Arc<Runtime>,
}

impl LiveCallbacksSubscription {
    pub(crate) fn new(core: OfAll, runtime: Arc<Runtime>) -> Arc<Self> {
        Arc::new(Self { core: Arc::new(core), runtime })
    }
}

#[uniffi::export]
impl LiveCallbacksSubscription {
    /// Waits for the next state, the last known one first; `None` once stopped. Calling it off loses nothing.
    pub async fn next(&self, cancel: Option<Arc<CancelToken>>) -> Result<Option<LiveCallbacks>, ClientError> {
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

/// One callback. Ends with it, on [`stop`](Self::stop), or with its last owner.
#[derive(uniffi::Object)]
pub struct LiveCallbackSubscription {
    core: Arc<OfOne>,
    runtime: Arc<Runtime>,
}

impl LiveCallbackSubscription {
    pub(crate) fn new(core: OfOne, runtime: Arc<Runtime>) -> Arc<Self> {
        Arc::new(Self { core: Arc::new(core), runtime })
    }
}

#[uniffi::export]
impl LiveCallbackSubscription {
    /// Waits for the next state, the last known one first; `None` once the callback is over or the subscription stopped.
    /// Calling it off loses nothing.
    pub async fn next(&self, cancel: Option<Arc<CancelToken>>) -> Result<Option<LiveCallback>, ClientError> {
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
