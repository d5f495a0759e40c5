//! One HTTP/2 connection and what is under way on it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use h2::client::SendRequest;
use h2::{Ping, PingPong, Reason, RecvStream};
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::client::TlsStream;

use super::Answer;
use crate::push::connection::ConnectionSettings;

/// A provider's answers are short; what is longer is not one.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Why a request has no answer.
pub(super) enum Failed {
    /// The provider has not looked at it, and the connection goes on.
    Refused,
    /// The provider has not looked at it, and takes no more on this connection.
    GoingAway,
    /// It may or may not have got through.
    Lost,
}

/// An open connection. The last owner's drop closes it.
pub(super) struct Connection {
    streams: SendRequest<Bytes>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    in_flight: AtomicUsize,
    /// How many streams the server lets us have at once; 0 until it has said so.
    limit: AtomicUsize,
    retired: AtomicBool,
    suspected: Notify,
}

/// Counts a request for as long as somebody waits for its answer.
struct InFlight<'a>(&'a AtomicUsize);

impl<'a> InFlight<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connection {
    /// Speaks HTTP/2 over `stream` until nobody has the connection any more or it breaks.
    pub(super) async fn start(
        stream: TlsStream<TcpStream>,
        settings: &ConnectionSettings,
    ) -> Result<Self, h2::Error> {
        let (streams, mut connection) = h2::client::Builder::new()
            .enable_push(false)
            // APNs allows one stream until it has seen a token: nothing is sent before it has named its limit.
            .initial_max_send_streams(0)
            .handshake(Unvectored(stream))
            .await?;
        let state = Arc::new(State::default());
        let ping = connection.ping_pong();
        let (driven, settings) = (state.clone(), settings.clone());
        tokio::spawn(async move {
            tokio::select! {
                result = (Driver { connection, state: &driven, rested: false }) => {
                    tracing::debug!(?result, "a connection has ended");
                }
                () = keep_alive(ping, &driven.suspected, &settings) => {
                    tracing::info!("a connection has gone silent and is given up");
                }
            }
            driven.retired.store(true, Ordering::Relaxed);
        });
        Ok(Self { streams, state })
    }

    /// Takes no more requests; those under way go on to their end.
    pub(super) fn retire(&self) {
        self.state.retired.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_retired(&self) -> bool {
        self.state.retired.load(Ordering::Relaxed)
    }

    /// Asks the other end now whether it is still there.
    pub(super) fn suspect(&self) {
        self.state.suspected.notify_one();
    }

    /// How many more streams the server takes.
    pub(super) fn spare(&self) -> usize {
        let limit = self.state.limit.load(Ordering::Relaxed);
        limit.saturating_sub(self.state.in_flight.load(Ordering::Relaxed))
    }

    /// Whether another connection would help. One stream is what APNs allows before it has seen a token, on any
    /// connection; and no limit at all is one not yet named.
    pub(super) fn is_full(&self) -> bool {
        self.state.limit.load(Ordering::Relaxed) > 1 && self.spare() == 0
    }

    /// Sends a request and waits for its answer. It waits its turn where the server allows no further stream.
    pub(super) async fn send(&self, head: Request<()>, body: Bytes) -> Result<Answer, Failed> {
        let _in_flight = InFlight::new(&self.state.in_flight);
        let streams = self.streams.clone().ready().await;
        let (answer, mut stream) = streams
            .and_then(|mut streams| streams.send_request(head, body.is_empty()))
            // Nothing has left.
            .map_err(|_| Failed::GoingAway)?;
        if !body.is_empty() {
            // Where this fails, the answer says why.
            let _ = stream.send_data(body, true);
        }
        let (head, body) = answer.await.map_err(|error| failed(&error))?.into_parts();
        let body = if body.is_end_stream() { Bytes::new() } else { read(body).await.unwrap_or_default() };
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }
}

/// RFC 9113, 8.7: what a GOAWAY leaves out and what `REFUSED_STREAM` resets has not been processed.
fn failed(error: &h2::Error) -> Failed {
    if error.is_remote() && error.is_go_away() {
        Failed::GoingAway
    } else if error.is_remote() && error.reason() == Some(Reason::REFUSED_STREAM) {
        Failed::Refused
    } else {
        Failed::Lost
    }
}

async fn read(mut stream: RecvStream) -> Option<Bytes> {
    let mut body = BytesMut::new();
    while let Some(chunk) = stream.data().await {
        let chunk = chunk.ok()?;
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return None;
        }
        stream.flow_control().release_capacity(chunk.len()).ok()?;
        body.extend_from_slice(&chunk);
    }
    Some(body.freeze())
}

/// Ends when a PING stays without an answer.
async fn keep_alive(ping: Option<PingPong>, suspected: &Notify, settings: &ConnectionSettings) {
    let Some(mut ping) = ping else { return };
    loop {
        // An answer that did not come in time makes the next PING due at once.
        let _ = tokio::time::timeout(settings.ping_interval, suspected.notified()).await;
        let answered = tokio::time::timeout(settings.request_timeout, ping.ping(Ping::opaque())).await;
        if !matches!(answered, Ok(Ok(_))) {
            return;
        }
    }
}

/// Moves the frames. Each time it is woken it goes to the back of the queue once: the requests that are ready by then
/// leave in one TLS record and one system call instead of one each.
struct Driver<'a> {
    connection: h2::client::Connection<Unvectored, Bytes>,
    state: &'a State,
    rested: bool,
}

impl Future for Driver<'_> {
    type Output = Result<(), h2::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.rested = !self.rested;
        if self.rested {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let result = Pin::new(&mut self.connection).poll(cx);
        self.state.limit.store(self.connection.max_concurrent_send_streams(), Ordering::Relaxed);
        result
    }
}

/// h2 copies frames of up to 1 KB together where the stream below writes one buffer at a time, and 256 bytes where it
/// takes several. TLS encrypts either way, so fewer and longer records are cheaper.
struct Unvectored(TlsStream<TcpStream>);

impl AsyncRead for Unvectored {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Unvectored {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
