//! A transaction that somebody waits for, on its way to a thread and back.

use super::{StorageError, Tx};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::{mpsc, oneshot};

/// What is to be done with what a body wrote.
pub(super) enum Verdict {
    /// Commit it.
    Keep,
    /// Roll it back: the body declined.
    Decline,
    /// Roll it back: a statement failed or the body panicked.
    Failed(StorageError),
}

/// A body with the place its answer goes to. It finishes whether or not the caller still waits.
pub(super) trait Job: Send {
    /// Runs the body and keeps what it returns. May be done again after what it wrote was undone.
    fn run(&mut self, tx: &mut Tx<'_>) -> Verdict;

    /// Sends the caller what the body returned.
    fn answer(self: Box<Self>);

    /// Sends the caller this error instead.
    fn fail(self: Box<Self>, error: StorageError);
}

pub(super) struct Call<T, E, F> {
    body: F,
    outcome: Option<Result<T, E>>,
    has_panicked: bool,
    caller: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Call<T, E, F> {
    pub(super) fn new(body: F) -> (Self, oneshot::Receiver<Result<T, E>>) {
        let (caller, answer) = oneshot::channel();
        (Self { body, outcome: None, has_panicked: false, caller }, answer)
    }
}

impl<T, E, F> Job for Call<T, E, F>
where
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StorageError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Verdict {
        self.outcome = None;
        if self.has_panicked {
            return Verdict::Failed(StorageError::Panicked);
        }
        // Safe to go on after a panic: the transaction is rolled back and the body is not called again.
        let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| (self.body)(tx))) else {
            self.has_panicked = true;
            return Verdict::Failed(StorageError::Panicked);
        };
        let Some(error) = tx.failure.take() else {
            let verdict = if outcome.is_ok() { Verdict::Keep } else { Verdict::Decline };
            self.outcome = Some(outcome);
            return verdict;
        };
        // A body may put a failed statement into its own words, but not go on as if nothing had happened: PostgreSQL
        // would roll such a transaction back without a word.
        self.outcome = Some(outcome.and_then(|_| Err(E::from(error.clone()))));
        Verdict::Failed(error)
    }

    fn answer(self: Box<Self>) {
        let outcome = self.outcome.unwrap_or_else(|| Err(E::from(StorageError::Panicked)));
        // Fails when the caller went away, which is its right.
        let _ = self.caller.send(outcome);
    }

    fn fail(self: Box<Self>, error: StorageError) {
        let _ = self.caller.send(Err(E::from(error)));
    }
}

/// The way in for jobs: bounded, so that callers wait for room, and closable.
pub(super) struct Queue<J>(RwLock<Option<mpsc::Sender<J>>>);

impl<J> Queue<J> {
    pub(super) fn new(capacity: usize) -> (Self, mpsc::Receiver<J>) {
        let (sender, receiver) = mpsc::channel(capacity);
        (Self(RwLock::new(Some(sender))), receiver)
    }

    /// Waits for room.
    pub(super) async fn send(&self, job: J) -> Result<(), StorageError> {
        let sender = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        sender.ok_or(StorageError::Closed)?.send(job).await.map_err(|_| StorageError::Closed)
    }

    /// Takes no more; what waits is still done.
    pub(super) fn close(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// The other end, for several threads.
pub(super) struct SharedReceiver<J>(Arc<Mutex<mpsc::Receiver<J>>>);

impl<J> Clone for SharedReceiver<J> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<J> SharedReceiver<J> {
    pub(super) fn new(receiver: mpsc::Receiver<J>) -> Self {
        Self(Arc::new(Mutex::new(receiver)))
    }

    /// Waits for a job; `None` once the queue is closed and empty.
    pub(super) fn recv(&self) -> Option<J> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv()
    }
}
