//! Receipts: the server is told what became of a push.

use super::outbox::{Draft, PendingKind};
use super::push::read;
use super::{ClientError, RingbackClient, json};
use crate::protocol::{PushData, PushReceipt, ReceiptKind};
use std::collections::HashMap;

impl RingbackClient {
    /// Tells the server that the person has opened a push: to be called when they tap the notification itself, with its
    /// data. [`answer_push`](Self::answer_push) does so by itself. Waits for the disk, not for the network; a push of
    /// somebody else is left alone.
    ///
    /// # Errors
    /// [`ClientError::InvalidRequest`] with the code `push_malformed` for one that is ours and cannot be read.
    pub async fn push_opened(&self, data: HashMap<String, String>) -> Result<(), ClientError> {
        match read(&data)? {
            Some(push) => self.acknowledge(&push, ReceiptKind::Opened).await,
            None => Ok(()),
        }
    }

    /// Keeps a receipt and sends it while nobody waits. Losing one costs a figure, never a call.
    pub(super) async fn acknowledge(&self, push: &PushData, kind: ReceiptKind) -> Result<(), ClientError> {
        let draft = Draft {
            kind: PendingKind::PushReceipt,
            path: "/v1/push/receipts".to_owned(),
            callback_id: Some(push.callback_id.clone()),
            body: json(&PushReceipt { delivery_id: push.delivery_id.clone(), kind })?,
        };
        self.submit_unwatched(draft).await;
        Ok(())
    }
}
