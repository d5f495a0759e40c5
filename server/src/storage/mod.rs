//! The one door to the database, on SQLite and on PostgreSQL.
//!
//! A transaction is a plain synchronous function that runs on a thread of the storage; the async caller awaits its
//! answer. Such a body cannot be dropped half-way and cannot hold a lock across the network. It may be run again when it
//! collides with others or shares a commit with one that has to be undone, so it has no effects besides its statements.
//!
//! One SQL text serves both engines: `$1` parameters, text ids, `bigint` for every number, flag (0 or 1) and instant
//! (microseconds since 1970). `for update` and `for update skip locked` are left out on SQLite, which has one writer.
//! `json_rows($1)` are the elements of a JSON array, for statements about many rows.

mod checkpoint;
mod error;
mod few_rows;
mod job;
mod migrate;
mod postgres;
#[cfg(feature = "test-support")]
pub mod scratch;
mod sealed;
mod settings;
mod sqlite;
mod statement;
mod tx;
mod value;
mod vault;
mod wakes;

pub use error::StorageError;
pub use few_rows::FewRows;
pub(crate) use few_rows::few_rows;
pub use sealed::OpenError;
pub use settings::{Engine, StorageSettings};
pub use tx::{ForEach, OfEach, Tx};
pub use value::{FromColumn, Param, Row, Value};
pub use vault::{Vault, VaultError};
pub use wakes::{RESYNC, Wakes};

use job::{Call, Job, Queue};
use settings::Place;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// How many jobs may wait before callers have to.
const QUEUE_CAPACITY: usize = 1024;

/// An open database. Clones share it. It closes with its last clone, or when told to.
#[derive(Clone)]
pub struct Storage(Arc<Shared>);

struct Shared {
    engine: Engine,
    queues: Queues,
    wakes: Wakes,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Whoever still holds the wake-ups must not keep their threads.
        self.wakes.close();
    }
}

/// What a thread is asked to do.
enum Task {
    Write(Box<dyn Job>),
    Read(Box<dyn Job>),
}

enum Queues {
    /// One thread writes, others read.
    Apart { writes: Queue<Box<dyn Job>>, reads: Queue<Box<dyn Job>> },
    /// Every thread does both.
    Together(Queue<Task>),
}

impl Storage {
    /// Opens the database, brings its schema up to date and starts the threads.
    pub async fn open(settings: &StorageSettings) -> Result<Self, StorageError> {
        let place = settings.place()?;
        let connections = settings.postgres_connections.max(1);
        let opened = tokio::task::spawn_blocking(move || match place {
            Place::Sqlite(path) => Self::open_sqlite(&path),
            Place::Postgres(config) => Self::open_postgres(&config, connections),
        });
        opened.await.map_err(|_| StorageError::Panicked)?
    }

    fn open_sqlite(path: &std::path::Path) -> Result<Self, StorageError> {
        let (writes, waiting_writes) = Queue::new(QUEUE_CAPACITY);
        let (reads, waiting_reads) = Queue::new(QUEUE_CAPACITY);
        let threads = sqlite::start(path, waiting_writes, waiting_reads)?;
        Ok(Self::assemble(Engine::Sqlite, Queues::Apart { writes, reads }, Wakes::within_process(), threads))
    }

    fn open_postgres(config: &tokio_postgres::Config, connections: usize) -> Result<Self, StorageError> {
        let (queue, waiting) = Queue::new(QUEUE_CAPACITY);
        let connector = postgres::Connector::new(config)?;
        let mut threads = postgres::start(&connector, connections, waiting)?;
        let (wakes, listening) = wakes::between_nodes(&connector)?;
        threads.extend(listening);
        Ok(Self::assemble(Engine::Postgres, Queues::Together(queue), wakes, threads))
    }

    fn assemble(engine: Engine, queues: Queues, wakes: Wakes, threads: Vec<JoinHandle<()>>) -> Self {
        Self(Arc::new(Shared { engine, queues, wakes, threads: Mutex::new(threads) }))
    }

    /// Runs `body` in a transaction that may write. Its answer comes once it is committed; whatever it wrote is rolled
    /// back if it returns an error. It may run more than once. A statement that fails fails the transaction, also when
    /// the body swallows the error.
    ///
    /// A caller that stops waiting changes nothing: a body that was accepted runs to its end.
    pub async fn write<T, E, F>(&self, body: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let (call, answer) = Call::new(body);
        match &self.0.queues {
            Queues::Apart { writes, .. } => writes.send(Box::new(call)).await?,
            Queues::Together(queue) => queue.send(Task::Write(Box::new(call))).await?,
        }
        answer.await.unwrap_or_else(|_| Err(E::from(StorageError::Closed)))
    }

    /// Runs `body` on one unchanging view of what is committed. It cannot write.
    pub async fn read<T, E, F>(&self, body: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let (call, answer) = Call::new(body);
        match &self.0.queues {
            Queues::Apart { reads, .. } => reads.send(Box::new(call)).await?,
            Queues::Together(queue) => queue.send(Task::Read(Box::new(call))).await?,
        }
        answer.await.unwrap_or_else(|_| Err(E::from(StorageError::Closed)))
    }

    /// Which database it is.
    pub fn engine(&self) -> Engine {
        self.0.engine
    }

    /// Word to the other nodes, and from them, that something changed.
    pub fn wakes(&self) -> &Wakes {
        &self.0.wakes
    }

    /// Takes no more transactions, finishes those it has accepted, and ends its threads.
    pub async fn close(&self) {
        match &self.0.queues {
            Queues::Apart { writes, reads } => {
                writes.close();
                reads.close();
            }
            Queues::Together(queue) => queue.close(),
        }
        self.0.wakes.close();
        let threads = std::mem::take(&mut *self.0.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().filter_map(|thread| thread.join().err()).count()
        });
        if !matches!(joined.await, Ok(0)) {
            tracing::error!("a storage thread ended in a panic");
        }
    }
}

/// Starts a thread of the storage.
fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StorageError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error| StorageError::Open(format!("no thread can be started: {error}")))
}
