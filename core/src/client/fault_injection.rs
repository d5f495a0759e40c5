//! Ends the process, or fails the disk, at a place that a test names. Never in a build that ships.

use crate::host::{HostError, SecureStore};
use crate::transport::{HttpRequest, HttpResponse, StreamSink, Transport, TransportError};
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

/// The environment variable that [`Kill::from_env`] reads.
pub const KILL_VARIABLE: &str = "RINGBACK_TEST_KILL";

/// Hears of every file operation of a client.
pub trait DiskFaults: Send + Sync {
    /// Before an operation; an error is the operation's own.
    fn before(&self, operation: &'static str) -> io::Result<()>;
    /// After it, whatever came of it.
    fn after(&self, operation: &'static str);
}

/// A kind of place where a process can be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before and after every file operation.
    Disk,
    /// Wherever the future waits.
    Await,
    /// Before a request is handed to the HTTP stack, and after its answer has come.
    Send,
    /// Before and after every use of the secure store.
    Store,
}

impl Place {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Disk, Self::Await, Self::Send, Self::Store];

    /// As [`KILL_VARIABLE`] has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Await => "await",
            Self::Send => "send",
            Self::Store => "store",
        }
    }
}

/// Ends the process at the n-th place of a kind.
pub struct Kill {
    place: Place,
    /// How many places of the kind are passed before the fatal one.
    left: AtomicUsize,
}

impl Kill {
    /// At the `nth` place of this kind, the first being 1.
    pub fn at(place: Place, nth: usize) -> Arc<Self> {
        Arc::new(Self { place, left: AtomicUsize::new(nth) })
    }

    /// What [`KILL_VARIABLE`] says, for example `disk:7`; `None` when it is not set or says something else.
    pub fn from_env() -> Option<Arc<Self>> {
        let said = std::env::var(KILL_VARIABLE).ok()?;
        let (word, nth) = said.split_once(':')?;
        let place = Place::ALL.into_iter().find(|place| place.word() == word)?;
        Some(Self::at(place, usize::from_str(nth).ok()?))
    }

    fn reach(&self, place: Place) {
        if place == self.place && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            // Not a panic: nothing runs after it, as with `kill -9`.
            std::process::abort();
        }
    }

    /// The same transport, with a place before and after each request.
    pub fn transport(self: &Arc<Self>, inner: Arc<dyn Transport>) -> Arc<dyn Transport> {
        Arc::new(KillingTransport { kill: self.clone(), inner })
    }

    /// The same store, with a place before and after each use.
    pub fn store(self: &Arc<Self>, inner: Arc<dyn SecureStore>) -> Arc<dyn SecureStore> {
        Arc::new(KillingStore { kill: self.clone(), inner })
    }

    /// The same future, with a place wherever it waits.
    pub async fn awaits<T>(self: Arc<Self>, future: impl Future<Output = T> + Send) -> T {
        KillingFuture { kill: self, inner: pin!(future) }.await
    }
}

impl DiskFaults for Kill {
    fn before(&self, _: &'static str) -> io::Result<()> {
        self.reach(Place::Disk);
        Ok(())
    }

    fn after(&self, _: &'static str) {
        self.reach(Place::Disk);
    }
}

struct KillingTransport {
    kill: Arc<Kill>,
    inner: Arc<dyn Transport>,
}

#[async_trait::async_trait]
impl Transport for KillingTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.kill.reach(Place::Send);
        let answer = self.inner.send(request).await;
        self.kill.reach(Place::Send);
        answer
    }

    async fn stream(&self, request: HttpRequest, sink: Arc<StreamSink>) -> Result<(), TransportError> {
        self.inner.stream(request, sink).await
    }
}

struct KillingStore {
    kill: Arc<Kill>,
    inner: Arc<dyn SecureStore>,
}

impl KillingStore {
    fn around<T>(&self, work: impl FnOnce(&dyn SecureStore) -> T) -> T {
        self.kill.reach(Place::Store);
        let done = work(&*self.inner);
        self.kill.reach(Place::Store);
        done
    }
}

impl SecureStore for KillingStore {
    fn get(&self, key: String) -> Result<Option<String>, HostError> {
        self.around(|store| store.get(key))
    }

    fn put(&self, key: String, value: String) -> Result<(), HostError> {
        self.around(|store| store.put(key, value))
    }

    fn delete(&self, key: String) -> Result<(), HostError> {
        self.around(|store| store.delete(key))
    }
}

struct KillingFuture<'a, F> {
    kill: Arc<Kill>,
    inner: Pin<&'a mut F>,
}

impl<F: Future> Future for KillingFuture<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let polled = self.inner.as_mut().poll(context);
        if polled.is_pending() {
            self.kill.reach(Place::Await);
        }
        polled
    }
}
