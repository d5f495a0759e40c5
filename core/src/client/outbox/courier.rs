//! Takes kept requests to the server, each in its turn.

use super::age::Moment;
use super::backoff::Backoff;
use super::folder::{Claim, Folder, KeptRequest, Trouble, Turn};
use super::record::{Draft, Ending, Limits, Record};
use super::{ClientError, LOG_TARGET};
use crate::client::Boxed;
use crate::client::busy::Busy;
use crate::client::captcha::{Captcha, NotPassed};
use crate::client::exchange::{Answer, Failed, Outgoing};
use crate::client::installation::Session;
use crate::client::seal::Seal;
use crate::client::vault::Vault;
use crate::host::{Clock, LogLevel, Logger, Slot, Stalled, blocking};
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// The outbox's folder and the way to the server. Clones share both.
#[derive(Clone)]
pub(crate) struct Courier {
    pub(crate) session: Arc<Session>,
    pub(crate) folder: Arc<Folder>,
    pub(crate) vault: Vault,
    pub(crate) captcha: Captcha,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
    pub(crate) busy: Busy,
    pub(crate) backoff: Arc<Mutex<Backoff>>,
    pub(crate) ends: Arc<Ends>,
    pub(crate) log: Logger,
}

/// So many tokens are got for a request at most: one that is refused each time will be refused again.
const MAX_TOKENS: u32 = 3;
/// So many ends are remembered, for whoever tapped twice.
const MAX_ENDS: usize = 8;
/// How often is looked whether another process is done.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How requests ended that somebody else in this process may be waiting for.
#[derive(Default)]
pub(crate) struct Ends {
    recent: Mutex<VecDeque<(String, End)>>,
    /// The keys of what this process is sending.
    sending: Mutex<HashSet<String>>,
    /// A request has ended, or is sent no more.
    changed: Notify,
}

#[derive(Clone)]
enum End {
    Answered(Answer),
    Refused(ClientError),
    Discarded,
}

impl Ends {
    fn tell(&self, key: &str, end: End) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.truncate(MAX_ENDS - 1);
        recent.push_front((key.to_owned(), end));
    }

    /// This very process is sending it.
    pub(crate) fn is_sending(&self, key: &str) -> bool {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }

    /// Waits until something has ended, or long enough to look again.
    pub(crate) async fn changed(&self) {
        drop(tokio::time::timeout(LOOK_AGAIN, self.changed.notified()).await);
    }

    fn of(&self, key: &str) -> Option<End> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.iter().find(|(ended, _)| ended == key).map(|(_, end)| end.clone())
    }
}

/// A claim that tells when it is given back.
struct Sending<'a> {
    claim: Option<Claim>,
    key: &'a str,
    ends: &'a Ends,
}

impl<'a> Sending<'a> {
    fn new(claim: Claim, key: &'a str, ends: &'a Ends) -> Self {
        ends.sending.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned());
        Self { claim: Some(claim), key, ends }
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        self.claim = None;
        self.ends.sending.lock().unwrap_or_else(PoisonError::into_inner).remove(self.key);
        self.ends.changed.notify_waiters();
    }
}

/// Who hears how a request ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Whoever asked for it waits for the answer.
    Caller,
    /// Nobody may be there to tell the person.
    Nobody,
}

/// Takes an answer; one that it cannot read leaves the request kept.
pub(crate) type Reader<'a> = &'a mut (dyn FnMut(&Answer) -> Result<(), ClientError> + Send);

/// Any answer of a kind.
pub(crate) type AnyReader = fn(&Courier, &Record, &Answer) -> Result<(), ClientError>;

impl Courier {
    pub(crate) fn now(&self) -> Moment {
        Moment::now(&*self.clock)
    }

    /// Puts a request on disk.
    pub(crate) async fn keep(&self, draft: Draft) -> Result<KeptRequest, ClientError> {
        let (limits, now) = (self.limits, self.now());
        let session = self.session.clone();
        let sign_early = move |record: &Record| {
            let outgoing = record.outgoing();
            tokio::spawn(async move { session.exchange.signatures.sign_early(&outgoing).await });
        };
        self.in_folder(move |folder, seal| folder.keep(seal, draft, (limits, now), sign_early)).await
    }

    /// Sends a kept request when it is its turn, and what has to go before it. Forgets it once it is answered for good.
    pub(crate) async fn deliver(
        &self,
        kept: KeptRequest,
        read: Reader<'_>,
        any: AnyReader,
    ) -> Result<(), ClientError> {
        let key = kept.record.key.clone();
        let delivered = self.busy.unless_paused(self.deliver_in_turn(kept, read, any)).await;
        delivered.unwrap_or(Err(ClientError::Cancelled { pending_key: Some(key) }))
    }

    async fn deliver_in_turn(
        &self,
        kept: KeptRequest,
        read: Reader<'_>,
        any: AnyReader,
    ) -> Result<(), ClientError> {
        let (record, mut turn) = (kept.record, kept.turn);
        let mut has_waited = false;
        loop {
            match turn.map_err(|trouble| failed(&trouble).still_pending(&record.key))? {
                Turn::Now(claim) => return self.attempt(&record, claim, Audience::Caller, read).await,
                Turn::After(earlier, claim) => {
                    let mut read = |answer: &Answer| any(self, &earlier, answer);
                    let sent = self.attempt(&earlier, claim, Audience::Nobody, &mut read).await;
                    if let Err(error) = sent
                        && error.pending_key().is_some()
                    {
                        return Err(error.still_pending(&record.key));
                    }
                }
                Turn::Expired { may_have_arrived } => {
                    self.forget_answered(&record.key).await;
                    return Err(ClientError::Expired { may_have_arrived });
                }
                Turn::Wait => {
                    if !std::mem::replace(&mut has_waited, true) {
                        let line = format!("{} waits for what is being sent", record.key);
                        self.log.log(LogLevel::Debug, LOG_TARGET, line);
                    }
                    self.ends.changed().await;
                }
                Turn::Gone => return self.after_the_end(&record, read).await,
            }
            let (key, limits, now) = (record.key.clone(), self.limits, self.now());
            turn = Ok(self.in_folder(move |folder, seal| folder.turn(seal, &key, limits, now)).await?);
        }
    }

    /// While this call waited for its turn, somebody else sent the same request and got the answer.
    async fn after_the_end(&self, record: &Record, read: Reader<'_>) -> Result<(), ClientError> {
        match self.ends.of(&record.key) {
            Some(End::Answered(answer)) => read(&answer),
            Some(End::Refused(error)) => Err(error),
            Some(End::Discarded) => Err(ClientError::Cancelled { pending_key: None }),
            // Another process: the server says the same again.
            None => read(&self.send(record).await.map_err(|failed| failed.error)?),
        }
    }

    /// Sends a request that is claimed, and writes down what came of it.
    pub(crate) fn attempt<'a>(
        &'a self,
        record: &'a Record,
        claim: Claim,
        audience: Audience,
        read: Reader<'a>,
    ) -> Boxed<'a, Result<(), ClientError>> {
        Box::pin(self.send_claimed(record, claim, audience, read))
    }

    async fn send_claimed(
        &self,
        record: &Record,
        claim: Claim,
        audience: Audience,
        read: Reader<'_>,
    ) -> Result<(), ClientError> {
        let is_first_try = claim.is_first_try;
        let _sending = Sending::new(claim, &record.key, &self.ends);
        let (key, sent) = (&record.key, self.send(record).await);
        let failed = match sent {
            Ok(answer) => match read(&answer) {
                Ok(()) => {
                    self.tell_backoff(Backoff::succeeded);
                    self.ends.tell(key, End::Answered(answer));
                    self.forget_answered(key).await;
                    return Ok(());
                }
                Err(error) => Failed { may_have_arrived: true, ..Failed::from(error) },
            },
            Err(failed) => failed,
        };
        let Failed { error, settled, may_have_arrived, retry_after_s, .. } = failed;
        if settled {
            self.tell_backoff(Backoff::succeeded);
            self.ends.tell(key, End::Refused(error.clone()));
            match (audience, &error) {
                (Audience::Caller, _) => self.forget_answered(key).await,
                (_, ClientError::Expired { .. }) => self.end(key, Ending::Expired).await,
                (_, error) => self.end(key, refused(error)).await,
            }
            return Err(error);
        }
        let now = self.clock.now();
        self.tell_backoff(|backoff| backoff.failed(now, retry_after_s));
        if is_first_try && !may_have_arrived {
            let key = key.clone();
            // It then counts as tried, which is only less than could be said.
            drop(self.in_folder(move |folder, _| folder.not_tried(&key)).await);
        }
        Err(error.still_pending(key))
    }

    /// Sends a request. When a CAPTCHA is asked for, gets it passed and sends the same request with its token. The record
    /// holds none: after a restart the server asks again.
    async fn send(&self, record: &Record) -> Result<Answer, Failed> {
        let (mut tokens, mut captcha, mut may_have_arrived) = (0, None, false);
        loop {
            if record.is_expired(self.limits, self.now()) {
                let error = ClientError::Expired { may_have_arrived };
                return Err(Failed { settled: true, ..error.into() });
            }
            let outgoing = Outgoing { captcha: captcha.take(), ..record.outgoing() };
            let failed = match self.session.send(&outgoing).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            may_have_arrived |= failed.may_have_arrived;
            let failed = Failed { may_have_arrived, ..failed };
            if let Some(challenge) = failed.challenge.as_deref().filter(|_| tokens < MAX_TOKENS) {
                tokens += 1;
                match self.captcha.pass(challenge, record.kind).await {
                    Ok(passed) => {
                        captcha = Some(passed);
                        continue;
                    }
                    Err(NotPassed::Now) => return Err(Failed { settled: false, ..failed }),
                    Err(NotPassed::Ever) => {}
                }
            }
            return Err(failed);
        }
    }

    pub(crate) fn tell_backoff(&self, tell: impl FnOnce(&mut Backoff)) {
        tell(&mut self.backoff.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The answer counts even if the record stays: sending it again brings the same answer.
    async fn forget_answered(&self, key: &str) {
        if let Err(error) = self.forget(key).await {
            self.log.log(LogLevel::Warn, LOG_TARGET, format!("{key} is answered but stays kept: {error}"));
        }
    }

    /// The same for one whose end nobody has heard yet.
    pub(crate) async fn end(&self, key: &str, ending: Ending) {
        let (owned, now) = (key.to_owned(), self.now());
        if let Err(error) = self.in_folder(move |folder, seal| folder.end(seal, &owned, ending, now)).await {
            self.log.log(LogLevel::Warn, LOG_TARGET, format!("{key} is over but stays kept: {error}"));
        }
    }

    pub(crate) async fn discard(&self, key: String) -> Result<(), ClientError> {
        self.ends.tell(&key, End::Discarded);
        self.forget(&key).await
    }

    async fn forget(&self, key: &str) -> Result<(), ClientError> {
        let key = key.to_owned();
        self.in_folder(move |folder, _| {
            folder.forget(&key)?;
            // Nobody waits for it now. What cannot be made here is made with the next request.
            drop(folder.make_room());
            Ok(())
        })
        .await
    }

    pub(crate) async fn in_folder<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder, &Seal) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, ClientError> {
        let (bring, brought) = Slot::new();
        let work = move |folder: &Folder, seal: &Seal| work(folder, seal).map(|done| bring.put(done));
        self.in_folder_boxed(Box::new(work)).await?;
        brought.take().ok_or_else(|| ClientError::internal("the disk's answer was lost"))
    }

    /// Once in the library, whatever the work is.
    fn in_folder_boxed(&self, work: Work) -> Boxed<'_, Result<(), ClientError>> {
        Box::pin(async move {
            let seal = self.vault.seal().await?;
            let (folder, under_way) = (Arc::clone(&self.folder), self.busy.begin());
            // It is under way until what nobody waits for any more is dropped as well: that may be a claim.
            let done = blocking(move || (work(&folder, &seal), under_way));
            match done.await {
                Ok((Ok(()), _)) => Ok(()),
                Ok((Err(trouble), _)) => Err(failed(&trouble)),
                Err(Stalled) => Err(ClientError::outbox_detail("the disk gave no answer; try again")),
            }
        })
    }
}

type Work = Box<dyn FnOnce(&Folder, &Seal) -> Result<(), Trouble> + Send>;

fn failed(trouble: &Trouble) -> ClientError {
    match trouble {
        Trouble::Io(error) => ClientError::outbox(error),
        Trouble::Crowded => {
            ClientError::outbox_detail("64 requests wait already; send them with `resume`, or discard some")
        }
    }
}

fn refused(error: &ClientError) -> Ending {
    let detail = match error {
        ClientError::Refused { detail, .. } => detail.clone(),
        other => other.to_string(),
    };
    Ending::Refused { code: error.code().to_owned(), detail }
}
