//! Work that may block: files and the host's synchronous methods.

use std::time::Duration;

/// Longer than any healthy disk or key store takes.
const LIMIT: Duration = Duration::from_secs(20);

/// The work panicked, or did not end in time.
#[derive(Debug)]
pub(crate) struct Stalled;

/// Runs `work` on a thread that may block, and waits for it within a limit. Work once begun goes on to its end even
/// when nobody waits any more.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Stalled> {
    match tokio::time::timeout(LIMIT, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) | Err(_) => Err(Stalled),
    }
}
