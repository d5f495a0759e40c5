//! What happens to this installation's callbacks, as it happens.

use super::{ClientError, RingbackClient};
use crate::protocol::CallbackEvent;

/// This installation's events in order, to be pulled one by one. Ends on [`stop`](Self::stop) or drop.
pub struct EventSubscription {}

impl EventSubscription {
    /// Waits for the next event, over lost connections too; `None` once stopped. An event counts as handled when the
    /// next one is asked for: one that was not comes again, also after a restart. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the server refuses for good, or the secure store fails. The next call tries again.
    pub async fn next(&self) -> Result<Option<CallbackEvent>, ClientError> {
        Err(ClientError::internal("not there yet"))
    }

    /// Ends the subscription, also a `next` that is waiting.
    pub fn stop(&self) {}
}

impl RingbackClient {
    /// Subscribes to what happens to this installation's callbacks, from the first event not yet handled. Nothing is
    /// sent until [`EventSubscription::next`] is called, and the connection lives only while it is being called.
    pub fn events(&self) -> Result<EventSubscription, ClientError> {
        Err(ClientError::internal("not there yet"))
    }
}
