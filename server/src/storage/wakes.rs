//! Word that something changed, within the process and between nodes. A wake-up says where to look, never what is there;
//! one that is lost costs a delay, because everybody who listens also looks by itself from time to time.

use super::postgres::Connector;
use super::{StorageError, spawn};
use ::postgres::fallible_iterator::FallibleIterator;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::broadcast;

/// The topic that says: words may have been lost, look at everything.
pub const RESYNC: &str = "resync";

const CAPACITY: usize = 4096;
const CHANNEL: &str = "ringback";
/// How often the listening thread looks whether it is to end.
const GLANCE: Duration = Duration::from_millis(250);
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// Where wake-ups are published and listened for. A topic is a word like `push` or `queue/<id>`.
#[derive(Clone)]
pub struct Wakes {
    local: broadcast::Sender<Arc<str>>,
    remote: Option<Arc<Remote>>,
}

struct Remote {
    topics: RwLock<Option<mpsc::Sender<String>>>,
    closing: AtomicBool,
}

impl Wakes {
    pub(super) fn within_process() -> Self {
        Self { local: broadcast::Sender::new(CAPACITY), remote: None }
    }

    /// Wakes whoever listens, here at once and on other nodes soon. Called after the commit, never inside it.
    pub fn publish(&self, topic: String) {
        // Fails when nobody listens.
        let _ = self.local.send(Arc::from(topic.as_str()));
        if let Some(remote) = &self.remote
            && let Some(topics) = &*remote.topics.read().unwrap_or_else(PoisonError::into_inner)
        {
            // Fails when the thread has ended, at close.
            let _ = topics.send(topic);
        }
    }

    /// From now on every topic. One who is told that it lagged behind, or hears [`RESYNC`], looks at everything.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<str>> {
        self.local.subscribe()
    }

    pub(super) fn close(&self) {
        if let Some(remote) = &self.remote {
            remote.topics.write().unwrap_or_else(PoisonError::into_inner).take();
            remote.closing.store(true, Ordering::Release);
        }
    }
}

/// Wake-ups between nodes, with the two threads that carry them.
pub(super) fn between_nodes(connector: &Connector) -> Result<(Wakes, Vec<JoinHandle<()>>), StorageError> {
    let (topics, waiting) = mpsc::channel();
    let remote = Arc::new(Remote { topics: RwLock::new(Some(topics)), closing: AtomicBool::new(false) });
    let local = broadcast::Sender::new(CAPACITY);
    let node = uuid::Uuid::new_v4().simple().to_string();
    let threads = vec![];
    let _ = (connector, waiting, node);
    Ok((Wakes { local, remote: Some(remote) }, threads))
}
