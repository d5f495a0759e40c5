//! Word that something changed, within the process and between nodes. A wake-up says where to look, never what is there;
//! one that is lost costs a delay, because everybody who listens also looks by itself from time to time.

use super::postgres::{Connector, describe};
use super::{StorageError, spawn};
use ::postgres::fallible_iterator::FallibleIterator;
use ::postgres::{Client, Statement};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::broadcast;

/// The topic that says: words may have been lost, look at everything.
pub const RESYNC: &str = "resync";

/// How many wake-ups a listener may be behind before it is told that it lagged.
const CAPACITY: usize = 4096;
/// What PostgreSQL calls the conversation between our nodes.
const CHANNEL: &str = "ringback";
/// How often the listening thread looks whether it is to end.
const GLANCE: Duration = Duration::from_millis(250);
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);
/// What is said within this time after a word goes together: each word is a commit.
const GATHER: Duration = Duration::from_millis(3);

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
    let client = listening(connector)?;
    let listener = Listener { connector: connector.clone(), node: node.clone(), local: local.clone() };
    let closing = Arc::clone(&remote);
    let telling = connector.clone();
    let threads = vec![
        spawn("postgres-listen", move || listener.run(client, &closing.closing))?,
        spawn("postgres-notify", move || notify(&telling, &node, &waiting))?,
    ];
    Ok((Wakes { local, remote: Some(remote) }, threads))
}

/// Tells the other nodes, outside any transaction: inside, every commit would queue behind the others. What came while
/// the last word was under way, and shortly after it, goes together, each topic once.
fn notify(connector: &Connector, node: &str, waiting: &mpsc::Receiver<String>) {
    let mut speaker = None;
    while let Ok(topic) = waiting.recv() {
        let mut topics: BTreeSet<String> = waiting.try_iter().collect();
        topics.insert(topic);
        while let Err(error) = tell(connector, &mut speaker, node, &topics) {
            tracing::warn!(%error, "other nodes cannot be woken");
            speaker = None;
            // What is lost meanwhile need not be remembered: one word makes up for all of it.
            topics = BTreeSet::from([RESYNC.to_owned()]);
            std::thread::sleep(RECONNECT_PAUSE);
            if is_closed_after_draining(waiting) {
                return;
            }
        }
        std::thread::sleep(GATHER);
    }
}

/// A connection to speak on.
struct Speaker {
    client: Client,
    speak: Statement,
}

impl Speaker {
    fn new(connector: &Connector) -> Result<Self, StorageError> {
        let unavailable = |error| StorageError::Unavailable(describe(&error));
        let mut client = connector.connect()?;
        // A word is no record: its commit waits for no disk, and makes no other commit wait.
        client.batch_execute("set synchronous_commit = off").map_err(unavailable)?;
        let speak = "select pg_notify($1, payload) from unnest($2::text[]) payload";
        let speak = client.prepare(speak).map_err(unavailable)?;
        Ok(Self { client, speak })
    }
}

fn is_closed_after_draining(waiting: &mpsc::Receiver<String>) -> bool {
    loop {
        match waiting.try_recv() {
            Ok(_) => {}
            Err(error) => return error == mpsc::TryRecvError::Disconnected,
        }
    }
}

fn tell(
    connector: &Connector,
    speaker: &mut Option<Speaker>,
    node: &str,
    topics: &BTreeSet<String>,
) -> Result<(), StorageError> {
    let Speaker { client, speak } = match speaker {
        Some(speaker) => speaker,
        None => speaker.insert(Speaker::new(connector)?),
    };
    let payloads: Vec<String> = topics.iter().map(|topic| format!("{node} {topic}")).collect();
    client
        .execute(speak, &[&CHANNEL, &payloads])
        .map(drop)
        .map_err(|error| StorageError::Unavailable(describe(&error)))
}

fn listening(connector: &Connector) -> Result<Client, StorageError> {
    let mut client = connector.connect()?;
    client
        .batch_execute(&format!("listen {CHANNEL}"))
        .map_err(|error| StorageError::Unavailable(describe(&error)))?;
    Ok(client)
}

struct Listener {
    connector: Connector,
    node: String,
    local: broadcast::Sender<Arc<str>>,
}

impl Listener {
    fn run(self, mut client: Client, closing: &AtomicBool) {
        loop {
            while let Ok(heard) = next(&mut client) {
                if closing.load(Ordering::Acquire) {
                    return;
                }
                // What this node published has been heard here already.
                if let Some((node, topic)) = heard.as_deref().and_then(|payload| payload.split_once(' '))
                    && node != self.node
                {
                    self.wake(topic);
                }
            }
            client = loop {
                if closing.load(Ordering::Acquire) {
                    return;
                }
                match listening(&self.connector) {
                    Ok(client) => break client,
                    Err(error) => tracing::warn!(%error, "other nodes cannot be heard"),
                }
                std::thread::sleep(RECONNECT_PAUSE);
            };
            self.wake(RESYNC);
        }
    }

    fn wake(&self, topic: &str) {
        // Fails when nobody listens.
        let _ = self.local.send(Arc::from(topic));
    }
}

/// The next word, or `None` after a while without one. An error means that the connection is gone.
fn next(client: &mut Client) -> Result<Option<String>, ::postgres::Error> {
    let heard = client.notifications().timeout_iter(GLANCE).next()?;
    if heard.is_none() {
        client.check_connection()?;
    }
    Ok(heard.map(|notification| notification.payload().to_owned()))
}
