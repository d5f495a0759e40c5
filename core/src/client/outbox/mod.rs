//! Requests that are not yet answered.

mod courier;
mod folder;
mod record;

use super::{ClientCode, ClientError, RingbackClient};
use crate::host::LogLevel;
use crate::protocol::{CallTicket, Callback, Confirmation, Device, Timestamp};
use folder::KeptRequest;
#[cfg(not(feature = "fuzz-hooks"))]
use record::Record;
#[cfg(feature = "fuzz-hooks")]
pub(crate) use record::Record;
use serde::de::DeserializeOwned;

pub(crate) use courier::Courier;
pub(crate) use folder::Folder;
pub(crate) use record::Draft;

const LOG_TARGET: &str = "ringback::outbox";

/// What a kept request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum PendingKind {
    /// [`RingbackClient::request_callback`].
    RequestCallback,
    /// [`RingbackClient::cancel`].
    Cancel,
    /// [`RingbackClient::confirm`].
    Confirm,
    /// [`RingbackClient::reschedule`].
    Reschedule,
    /// [`RingbackClient::snooze`].
    Snooze,
    /// [`RingbackClient::change_number`].
    ChangeNumber,
    /// [`RingbackClient::register_push`].
    RegisterPush,
    /// [`RingbackClient::unregister_push`].
    UnregisterPush,
    /// [`RingbackClient::request_call_in`].
    RequestCallIn,
    /// That a push was received or opened. Given up after an hour.
    PushReceipt,
}

/// A request that the server has not answered for good. It may have been sent, and even accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct PendingRequest {
    /// Its idempotency key.
    pub key: String,
    /// What it asks for.
    pub kind: PendingKind,
    /// Which callback it is about, when it is about one that exists.
    pub callback_id: Option<String>,
    /// When it was asked for.
    pub requested_at: Timestamp,
}

/// What became of a kept request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, and the languages beyond the border know no boxes"
)]
pub enum ResumeOutcome {
    /// The server accepted it.
    Accepted {
        /// The callback it made or changed, if any.
        callback: Option<Callback>,
        /// What to dial, if that was asked for.
        ticket: Option<CallTicket>,
    },
    /// The server refused it for good; it is no longer kept.
    Refused {
        /// The code of the problem.
        code: String,
        /// What is wrong and what to do.
        detail: String,
    },
    /// It grew older than `pending_max_age_s`; it is no longer kept, and was not sent again.
    Expired,
    /// It is still kept.
    StillPending {
        /// The code of the error that stood in the way.
        code: String,
    },
}

/// A kept request and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Resumed {
    /// The request.
    pub request: PendingRequest,
    /// What became of it.
    pub outcome: ResumeOutcome,
}

impl RingbackClient {
    /// Sends again what the outbox holds, oldest first, under the same idempotency keys; to be called after a start
    /// and when the network is back. Tells of every request what became of it. Stops sending once the server cannot be
    /// reached.
    ///
    /// # Errors
    /// [`ClientError::OutboxFailed`] when the outbox cannot be read.
    pub async fn resume(&self) -> Result<Vec<Resumed>, ClientError> {
        let mut resumed = Vec::new();
        let mut out_of_reach: Option<String> = None;
        for record in self.kept_requests().await? {
            let outcome = if record.is_older_than(self.pending_max_age_s, self.clock.now()) {
                self.courier.forget(&record.key).await?;
                ResumeOutcome::Expired
            } else if let Some(code) = &out_of_reach {
                ResumeOutcome::StillPending { code: code.clone() }
            } else {
                let outcome = self.resume_one(&record).await;
                out_of_reach = outcome
                    .as_ref()
                    .err()
                    .filter(|error| is_out_of_reach(error))
                    .map(|e| e.code().to_owned());
                outcome.unwrap_or_else(|error| match error {
                    ClientError::Refused { code, detail, pending_key: None, .. } => {
                        ResumeOutcome::Refused { code, detail }
                    }
                    error => ResumeOutcome::StillPending { code: error.code().to_owned() },
                })
            };
            resumed.push(Resumed { request: record.pending(), outcome });
        }
        Ok(resumed)
    }

    /// What is not yet answered, oldest first, with what is being sent just now.
    ///
    /// # Errors
    /// [`ClientError::OutboxFailed`] when the outbox cannot be read.
    pub async fn pending(&self) -> Result<Vec<PendingRequest>, ClientError> {
        Ok(self.kept_requests().await?.iter().map(Record::pending).collect())
    }

    /// Forgets a kept request: it will not be sent again. What the server has accepted already stands.
    ///
    /// # Errors
    /// [`ClientError::InvalidRequest`] for what is no key; [`ClientError::OutboxFailed`].
    pub async fn discard(&self, key: String) -> Result<(), ClientError> {
        if !record::is_key(&key) {
            return Err(ClientError::invalid(
                ClientCode::KeyInvalid.code(),
                "this is not the key of a kept request",
                "key",
            ));
        }
        self.courier.forget(&key).await
    }

    async fn resume_one(&self, record: &Record) -> Result<ResumeOutcome, ClientError> {
        let (callback, ticket) = match record.kind {
            PendingKind::RequestCallback
            | PendingKind::Cancel
            | PendingKind::Reschedule
            | PendingKind::Snooze
            | PendingKind::ChangeNumber => (Some(self.courier.deliver::<Callback>(record).await?), None),
            PendingKind::Confirm => {
                let confirmation: Confirmation = self.courier.deliver(record).await?;
                (Some(confirmation.callback), confirmation.ticket)
            }
            PendingKind::RegisterPush => {
                self.courier.deliver::<Device>(record).await?;
                (None, None)
            }
            PendingKind::UnregisterPush | PendingKind::PushReceipt => {
                self.courier.deliver::<()>(record).await?;
                (None, None)
            }
            PendingKind::RequestCallIn => (None, Some(self.courier.deliver::<CallTicket>(record).await?)),
        };
        Ok(ResumeOutcome::Accepted { callback, ticket })
    }

    /// Puts a request on disk, then sends it. True beside the answer when an equal one was there already: the answer
    /// may then be an old one.
    pub(super) async fn submit<T: DeserializeOwned>(&self, draft: Draft) -> Result<(T, bool), ClientError> {
        let kept = self.keep(draft).await?;
        Ok((self.courier.deliver(&kept.record).await?, kept.reused))
    }

    /// Puts a request on disk, then sends it while nobody waits. What cannot be kept is let go, and logged.
    pub(super) async fn submit_unwatched(&self, draft: Draft) {
        match self.keep(draft).await {
            Ok(kept) => {
                let courier = self.courier.clone();
                // The exchange has logged what went wrong, and the record says whether it is to be sent again.
                tokio::spawn(async move { drop(courier.deliver::<()>(&kept.record).await) });
            }
            Err(error) => self.log.log(LogLevel::Warn, LOG_TARGET, format!("a receipt is not sent: {error}")),
        }
    }

    async fn keep(&self, draft: Draft) -> Result<KeptRequest, ClientError> {
        let (max_age_s, now) = (self.pending_max_age_s, self.clock.now());
        let kept = self.courier.in_folder(move |folder| folder.keep(draft, max_age_s, now)).await?;
        self.report_damaged(kept.damaged);
        Ok(kept)
    }

    async fn kept_requests(&self) -> Result<Vec<Record>, ClientError> {
        let listing = self.courier.in_folder(Folder::list).await?;
        self.report_damaged(listing.damaged);
        Ok(listing.records)
    }

    fn report_damaged(&self, count: usize) {
        if count > 0 {
            let line = format!("{count} damaged requests were moved to outbox/damaged");
            self.log.log(LogLevel::Error, LOG_TARGET, line);
        }
    }
}

/// The error says something about the way to the server, not about the one request that met it.
fn is_out_of_reach(error: &ClientError) -> bool {
    matches!(
        error,
        ClientError::Unreachable { .. }
            | ClientError::TimedOut { .. }
            | ClientError::AnswerUnreadable { .. }
            | ClientError::HostStorage { .. }
            | ClientError::Cancelled { .. }
    )
}
