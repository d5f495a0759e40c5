//! Listening, TLS and HTTP, and what goes wrong there.

mod connection;
mod frames;
mod http1;
mod http2;
mod reply;
mod tcp;
mod wire;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hyper::Request;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use self::connection::ConnectionScript;
pub(crate) use self::connection::Identities;
pub(crate) use self::reply::{Handled, Reply};
use self::wire::{End, Wire};
use crate::ConnectionFault;

/// What APNs allows a client that it knows.
const STREAM_LIMIT: u32 = 1000;

pub(crate) trait Handler: Send + Sync + 'static {
    fn handle(&self, connection: u64, request: Request<Bytes>) -> impl Future<Output = Reply> + Send;

    /// A request that came after the double had said that it would take no more of this connection.
    fn leave(&self, _connection: u64, _request: &Request<Bytes>) {}
}

/// What a double has seen of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ConnectionCounts {
    /// Accepted since the start.
    pub opened: u64,
    /// TLS handshakes that the client, or the script, did not finish.
    pub failed_handshakes: u64,
    /// The most streams that were open at once on one connection.
    pub most_streams: u32,
    /// Streams refused because the connection had as many open as it may.
    pub refused_streams: u64,
    /// Those of them that came after the client had acknowledged the limit: its mistake.
    pub beyond_limit: u64,
}

struct Connection {
    number: u64,
    wire: Arc<Wire>,
    streams: AtomicU32,
}

/// What the connections of a double share.
struct Shared {
    stream_limit: AtomicU32,
    connection_script: ConnectionScript,
    counts: Mutex<ConnectionCounts>,
    connections: Mutex<HashMap<u64, Arc<Connection>>>,
}

/// An entry among the connections that are there, until it is dropped.
struct Entered<'a> {
    shared: &'a Shared,
    connection: Arc<Connection>,
}

impl std::ops::Deref for Entered<'_> {
    type Target = Arc<Connection>;

    fn deref(&self) -> &Arc<Connection> {
        &self.connection
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.shared.connections().remove(&self.connection.number);
    }
}

/// A stream that is open until this is dropped.
struct OpenStream(Arc<Connection>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    fn connections(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, count: impl FnOnce(&mut ConnectionCounts)) {
        count(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn enter(&self, number: u64, http2: bool) -> Entered<'_> {
        let mut connections = self.connections();
        // Under the lock: no change of the limit passes a connection by.
        let wire = Arc::new(Wire::new(http2, self.stream_limit.load(Ordering::SeqCst)));
        let connection = Arc::new(Connection { number, wire, streams: AtomicU32::new(0) });
        connections.insert(number, connection.clone());
        Entered { shared: self, connection }
    }

    /// `None` if the connection has as many open as it may.
    fn open_stream(&self, connection: &Arc<Connection>) -> Option<OpenStream> {
        let already = connection.streams.fetch_add(1, Ordering::SeqCst);
        let open = OpenStream(connection.clone());
        let fits = already < self.stream_limit.load(Ordering::SeqCst);
        self.count(|counts| {
            if fits {
                counts.most_streams = counts.most_streams.max(already + 1);
                return;
            }
            counts.refused_streams += 1;
            if connection.wire.acknowledged_limit().is_some_and(|limit| already >= limit) {
                counts.beyond_limit += 1;
            }
        });
        fits.then_some(open)
    }
}

enum Phase {
    Up {
        stop: Arc<Notify>,
        task: JoinHandle<()>,
    },
    /// The port stays ours, but nobody listens.
    Down(Option<TcpSocket>),
}

/// The listening side of a double; it and its connections end when this is dropped.
pub struct Server {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    phase: tokio::sync::Mutex<Phase>,
    start: Box<dyn Fn(TcpListener) -> Phase + Send + Sync>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Phase::Up { task, .. } = self.phase.get_mut() {
            task.abort();
        }
    }
}

impl Server {
    pub(crate) fn start<H: Handler>(
        listener: TcpListener,
        identities: Option<Identities>,
        handler: Arc<H>,
    ) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            stream_limit: AtomicU32::new(STREAM_LIMIT),
            connection_script: ConnectionScript::default(),
            counts: Mutex::default(),
            connections: Mutex::default(),
        });
        let identities = identities.map(Arc::new);
        let for_start = shared.clone();
        let start = move |listener| {
            let stop = Arc::new(Notify::new());
            let accepting =
                accept(listener, identities.clone(), for_start.clone(), handler.clone(), stop.clone());
            Phase::Up { stop, task: tokio::spawn(accepting) }
        };
        let phase = tokio::sync::Mutex::new(start(listener));
        Ok(Self { address, shared, phase, start: Box::new(start) })
    }

    /// Ends every connection and refuses new ones, until [`Self::come_back`].
    pub async fn go_down(&self) -> std::io::Result<()> {
        let mut phase = self.phase.lock().await;
        let Phase::Up { stop, task } = &mut *phase else { return Ok(()) };
        stop.notify_one();
        // It ends only so; a panic in it is the test's to see.
        task.await.map_err(std::io::Error::other)?;
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(self.address)?;
        *phase = Phase::Down(Some(socket));
        Ok(())
    }

    /// Listens again, on the same port.
    pub async fn come_back(&self) -> std::io::Result<()> {
        let mut phase = self.phase.lock().await;
        if let Phase::Down(socket) = &mut *phase
            && let Some(socket) = socket.take()
        {
            *phase = (self.start)(socket.listen(1024)?);
        }
        Ok(())
    }

    /// What happens to the next connections, in this order.
    pub fn script(&self, faults: Vec<ConnectionFault>) {
        self.shared.connection_script.push(faults);
    }

    /// What happens to every connection that no script is about; `None` ends it.
    pub fn every_connection(&self, fault: Option<ConnectionFault>) {
        self.shared.connection_script.set_always(fault);
    }

    /// Sets how many streams an HTTP/2 connection may have open (1000 at the start). Connections that are there are
    /// told; streams beyond it are refused with `REFUSED_STREAM`.
    pub fn set_stream_limit(&self, limit: u32) {
        let connections = self.shared.connections();
        self.shared.stream_limit.store(limit, Ordering::SeqCst);
        for connection in connections.values() {
            connection.wire.set_limit(limit);
        }
    }

    /// Closes the connections that have no open stream, as APNs does when nothing was sent for long: HTTP/2 ones with a
    /// GOAWAY that says `IdleTimeout`.
    pub fn close_idle(&self) {
        for connection in self.shared.connections().values() {
            if connection.streams.load(Ordering::SeqCst) == 0 {
                connection.wire.end_with(connection.farewell(), End::Close);
            }
        }
    }

    /// What was seen of connections.
    pub fn counts(&self) -> ConnectionCounts {
        *self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    fn farewell(&self) -> Bytes {
        const NO_STREAM_WAS_LEFT_OUT: u32 = 0x7fff_ffff;
        if self.wire.is_http2() {
            frames::go_away(NO_STREAM_WAS_LEFT_OUT, br#"{"reason":"IdleTimeout"}"#)
        } else {
            Bytes::new()
        }
    }
}

async fn accept<H: Handler>(
    listener: TcpListener,
    identities: Option<Arc<Identities>>,
    shared: Arc<Shared>,
    handler: Arc<H>,
    stop: Arc<Notify>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // A connection that failed before it was accepted is the client's to notice.
            Ok((stream, _)) = listener.accept() => {
                let mut number = 0;
                shared.count(|counts| {
                    counts.opened += 1;
                    number = counts.opened;
                });
                let served =
                    connection::serve(stream, identities.clone(), shared.clone(), number, handler.clone());
                connections.spawn(served);
                while connections.try_join_next().is_some() {}
            }
            () = stop.notified() => break,
        }
    }
    drop(listener);
    connections.shutdown().await;
}
