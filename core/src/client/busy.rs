//! What the client has under way, so that it can be brought to rest.

use crate::host::Stalled;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Longer than any file operation takes.
const LIMIT: Duration = Duration::from_secs(20);

/// Clones count the same work.
#[derive(Clone, Default)]
pub(crate) struct Busy {
    under_way: Arc<watch::Sender<usize>>,
    /// Changes when what is under way shall end.
    pauses: Arc<watch::Sender<()>>,
}

/// Something is under way as long as this lives.
pub(crate) struct UnderWay(Arc<watch::Sender<usize>>);

impl Busy {
    pub(crate) fn begin(&self) -> UnderWay {
        self.under_way.send_modify(|count| *count += 1);
        UnderWay(self.under_way.clone())
    }

    /// Does the work; `None` when a pause came before its end.
    pub(crate) async fn unless_paused<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let _under_way = self.begin();
        let mut pauses = self.pauses.subscribe();
        tokio::select! {
            biased;
            _ = pauses.changed() => None,
            done = work => Some(done),
        }
    }

    /// Ends what can be ended and waits for the rest.
    pub(crate) async fn pause(&self) -> Result<(), Stalled> {
        self.pauses.send_replace(());
        let mut under_way = self.under_way.subscribe();
        match tokio::time::timeout(LIMIT, under_way.wait_for(|count| *count == 0)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Stalled),
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
