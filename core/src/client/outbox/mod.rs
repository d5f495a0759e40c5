//! Requests that are not yet answered.

mod age;
mod backoff;
mod courier;
mod folder;
mod look;
mod record;
mod resume;
mod spare;
mod state;

use super::exchange::{Answer, Outgoing};
use super::{Boxed, ClientCode, ClientError, RingbackClient};
use crate::host::LogLevel;
use crate::protocol::{CallTicket, Callback, Confirmation, Device};
#[cfg(not(feature = "fuzz-hooks"))]
use record::Record;
#[cfg(feature = "fuzz-hooks")]
pub(crate) use record::Record;
use serde::de::DeserializeOwned;

pub(crate) use courier::Courier;
pub(crate) use folder::Folder;
use folder::{KeptRequest, Listing};
pub(crate) use record::{Draft, Limits};
pub use state::{OutboxStatus, PendingKind, PendingRequest, RequestState, ResumeOutcome, Resumed};

const LOG_TARGET: &str = "ringback::outbox";

impl RingbackClient {
    /// What is kept: requests that the server has not answered for good, and those that were refused or expired while
    /// nobody waited, in the order they were asked for.
    ///
    /// # Errors
    /// [`ClientError::OutboxFailed`] when the outbox cannot be read, [`ClientError::HostStorage`] when its key cannot.
    pub async fn pending(&self) -> Result<Vec<PendingRequest>, ClientError> {
        let (limits, now) = (self.courier.limits, self.courier.now());
        let described = self.courier.in_folder(move |folder, seal| folder.describe(seal, limits, now)).await;
        let (pending, damaged) = described?;
        self.report_damaged(damaged);
        Ok(pending)
    }

    /// Forgets a kept request: it will not be sent again. What the server has accepted already stands. For one that was
    /// refused or expired it says that the app has seen it.
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
        self.courier.discard(key).await
    }

    /// Whether there is work for [`resume`](Self::resume), and when: for whoever schedules it in the background.
    ///
    /// # Errors
    /// As [`pending`](Self::pending).
    pub async fn outbox_status(&self) -> Result<OutboxStatus, ClientError> {
        let looked = self
            .courier
            .in_folder(|folder, seal| {
                let listing = folder.list(seal)?;
                Ok((listing.open.len(), listing.damaged, folder.count_damaged()?))
            })
            .await;
        let (waiting, newly_damaged, damaged) = looked?;
        self.report_damaged(newly_damaged);
        let mut next_try_at = None;
        self.courier.tell_backoff(|backoff| next_try_at = Some(backoff.next_try_at(self.clock.now())));
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Ok(OutboxStatus {
            waiting: count(waiting),
            next_try_at: next_try_at.filter(|_| waiting > 0),
            damaged: count(damaged),
        })
    }

    /// Brings the client to rest, to be awaited when the app goes to the background: ends what is being sent (whoever waits
    /// for it is told [`ClientError::Cancelled`], and the request stays kept), closes the connection of the live
    /// subscriptions (who listens keeps what is known), waits until every file operation is done, and gives every lock
    /// back: iOS kills an app that sleeps with a file locked. [`resume`](Self::resume) connects again and sends what was
    /// interrupted.
    ///
    /// # Errors
    /// [`ClientError::OutboxFailed`] when the disk does not come to rest within 20 seconds.
    pub async fn pause(&self) -> Result<(), ClientError> {
        self.live.pause().await;
        let paused = self.courier.busy.pause().await;
        paused.map_err(|_| ClientError::outbox_detail("the disk gave no answer; try again"))
    }

    /// Puts a request on disk, then sends it. True beside the answer when an equal one was there already: the answer
    /// may then be an old one.
    pub(super) async fn submit<T: DeserializeOwned + Send>(
        &self,
        draft: Draft,
    ) -> Result<(T, bool), ClientError> {
        let mut said = None;
        let mut read = |outgoing: &Outgoing, answer: &Answer| {
            said = Some(self.session.exchange.read(outgoing, answer)?);
            Ok(())
        };
        let reused = self.submit_read(draft, &mut read).await?;
        said.map(|said| (said, reused)).ok_or_else(|| ClientError::internal("an answer was not read"))
    }

    fn submit_read<'a>(
        &'a self,
        draft: Draft,
        read: &'a mut (dyn FnMut(&Outgoing, &Answer) -> Result<(), ClientError> + Send),
    ) -> Boxed<'a, Result<bool, ClientError>> {
        Box::pin(async move {
            let kept = self.keep(draft).await?;
            let (reused, outgoing) = (kept.reused, kept.record.outgoing());
            let mut read = |answer: &Answer| read(&outgoing, answer);
            self.courier.deliver(kept, &mut read, read_any).await?;
            Ok(reused)
        })
    }

    /// Puts a request on disk, then sends it while nobody waits. What cannot be kept is let go, and logged.
    pub(super) fn submit_unwatched(&self, draft: Draft) -> Boxed<'_, ()> {
        Box::pin(async move {
            match self.keep(draft).await {
                Ok(kept) => {
                    let courier = self.courier.clone();
                    tokio::spawn(async move {
                        let record = kept.record.clone();
                        let mut read = |answer: &Answer| read_any(&courier, &record, answer);
                        // The exchange has logged what went wrong, and the record says whether it is to be sent again.
                        drop(courier.deliver(kept, &mut read, read_any).await);
                    });
                }
                Err(error) => {
                    self.log.log(LogLevel::Warn, LOG_TARGET, format!("a receipt is not sent: {error}"));
                }
            }
        })
    }

    async fn keep(&self, draft: Draft) -> Result<KeptRequest, ClientError> {
        let kept = self.courier.keep(draft).await?;
        self.report_damaged(kept.damaged);
        Ok(kept)
    }

    async fn kept_requests(&self) -> Result<Listing, ClientError> {
        let listing = self.courier.in_folder(Folder::list).await?;
        self.report_damaged(listing.damaged);
        Ok(listing)
    }

    fn report_damaged(&self, count: usize) {
        if count > 0 {
            let line = format!("{count} damaged requests were moved to outbox/damaged");
            self.log.log(LogLevel::Error, LOG_TARGET, line);
        }
    }
}

/// What a request of a kind is answered with.
#[derive(Default)]
struct Said {
    callback: Option<Callback>,
    ticket: Option<CallTicket>,
}

fn read_said(courier: &Courier, record: &Record, answer: &Answer) -> Result<Said, ClientError> {
    fn read<T: DeserializeOwned>(
        courier: &Courier,
        record: &Record,
        answer: &Answer,
    ) -> Result<T, ClientError> {
        courier.session.exchange.read(&record.outgoing(), answer)
    }
    Ok(match record.kind {
        PendingKind::RequestCallback
        | PendingKind::Cancel
        | PendingKind::Reschedule
        | PendingKind::Snooze
        | PendingKind::ChangeNumber => {
            Said { callback: Some(read(courier, record, answer)?), ..Said::default() }
        }
        PendingKind::Confirm => {
            let Confirmation { callback, ticket, .. } = read(courier, record, answer)?;
            Said { callback: Some(callback), ticket }
        }
        PendingKind::RegisterPush => {
            let _: Device = read(courier, record, answer)?;
            Said::default()
        }
        PendingKind::UnregisterPush | PendingKind::PushReceipt => {
            let () = read(courier, record, answer)?;
            Said::default()
        }
        PendingKind::RequestCallIn => {
            Said { ticket: Some(read(courier, record, answer)?), ..Said::default() }
        }
    })
}

fn read_any(courier: &Courier, record: &Record, answer: &Answer) -> Result<(), ClientError> {
    read_said(courier, record, answer).map(drop)
}
