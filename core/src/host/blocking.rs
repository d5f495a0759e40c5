//! Work that may block: files and the host's synchronous methods.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longer than any healthy disk or key store takes.
const LIMIT: Duration = Duration::from_secs(20);

/// The work panicked, or did not end in time.
#[derive(Debug)]
pub(crate) struct Stalled;

/// Where work that is the same code whatever it brings leaves what it brought.
pub(crate) struct Slot<T>(Arc<Mutex<Option<T>>>);

impl<T> Slot<T> {
    pub(crate) fn new() -> (Self, Self) {
        let slot = Arc::new(Mutex::new(None));
        (Self(slot.clone()), Self(slot))
    }

    pub(crate) fn put(self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    pub(crate) fn take(self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Runs `work` on a thread that may block, and waits for it within a limit. Work once begun goes on to its end even
/// when nobody waits any more.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Stalled> {
    let (bring, brought) = Slot::new();
    blocking_boxed(Box::new(move || bring.put(work()))).await?;
    brought.take().ok_or(Stalled)
}

/// Once in the library, whatever the work is.
async fn blocking_boxed(work: Box<dyn FnOnce() + Send>) -> Result<(), Stalled> {
    match tokio::time::timeout(LIMIT, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Stalled),
    }
}
