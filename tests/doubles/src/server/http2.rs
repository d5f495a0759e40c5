//! One HTTP/2 connection, with h2 and no more: a double must reach single streams.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use hyper::header::{CONTENT_LENGTH, HeaderValue};
use hyper::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::frames;
use super::wire::{End, Wire, Wired};
use super::{Connection, Handler, Reply, Shared};

/// As much may come in before anything of it was read.
const WINDOW: u32 = 1024 * 1024;
/// A frame too long for any reader, of a kind that nobody knows.
const GARBAGE: &[u8] = &[0xff; 64];

/// Which streams were worked on, and after which one no more are.
#[derive(Default)]
struct Progress {
    highest: u32,
    last: Option<u32>,
}

struct Http2<H> {
    handler: Arc<H>,
    connection: Arc<Connection>,
    progress: Mutex<Progress>,
    go_away: Notify,
}

pub(super) async fn serve<H: Handler, S>(
    io: S,
    reset: Arc<AtomicBool>,
    shared: &Shared,
    number: u64,
    handler: Arc<H>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = shared.enter(number, true);
    let io = Wired::new(io, connection.wire.clone(), reset);
    let mut builder = h2::server::Builder::new();
    // The limit that the client is told is written over this one; it is kept below, where it can change.
    builder.max_concurrent_streams(u32::MAX);
    builder.initial_window_size(WINDOW).initial_connection_window_size(WINDOW);
    let Ok(mut http2) = builder.handshake::<_, Bytes>(io).await else { return };
    let this = Arc::new(Http2 {
        handler,
        connection: connection.clone(),
        progress: Mutex::default(),
        go_away: Notify::new(),
    });
    let mut streams = JoinSet::new();
    loop {
        tokio::select! {
            accepted = http2.accept() => {
                let Some(Ok((request, mut response))) = accepted else { return };
                match shared.open_stream(&connection) {
                    Some(open) => {
                        let this = this.clone();
                        streams.spawn(async move {
                            this.stream(request, response).await;
                            drop(open);
                        });
                    }
                    None => response.send_reset(Reason::REFUSED_STREAM),
                }
            }
            Some(_) = streams.join_next() => {}
            () = this.go_away.notified() => http2.graceful_shutdown(),
        }
    }
}

impl<H: Handler> Http2<H> {
    /// Whether this stream is to be worked on; streams after a GOAWAY are not.
    fn begin(&self, stream: u32) -> bool {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let goes_on = progress.last.is_none_or(|last| stream <= last);
        if goes_on {
            progress.highest = progress.highest.max(stream);
        }
        goes_on
    }

    /// Works on no stream from this one on. `false` if a later one was worked on already.
    fn stop_before(&self, stream: u32) -> bool {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let in_time = progress.highest == stream;
        if in_time {
            let last = stream.saturating_sub(2);
            progress.last = Some(last);
            self.connection.wire.insert(frames::go_away(last, b""));
        }
        in_time
    }

    async fn stream(&self, request: Request<RecvStream>, mut response: SendResponse<Bytes>) {
        let (head, mut body) = request.into_parts();
        let stream = body.stream_id().as_u32();
        let Ok(body) = collect(&mut body).await else { return };
        let request = Request::from_parts(head, body);
        let number = self.connection.number;
        if !self.begin(stream) {
            self.handler.leave(number, &request);
            return std::future::pending().await;
        }
        let wire = &self.connection.wire;
        // What cannot be sent any more is for the client to notice.
        match self.handler.handle(number, request).await {
            Reply::Answer(answer) => {
                let _ = send(&mut response, answer);
            }
            Reply::AnswerAndGoAway(answer) => {
                let _ = send(&mut response, answer);
                self.go_away.notify_one();
            }
            Reply::CutBody(answer) => {
                let _ = send_half(wire, &mut response, answer);
                std::future::pending::<()>().await;
            }
            Reply::Stall => std::future::pending().await,
            Reply::Disconnect => end_with(wire, b"", End::Close).await,
            Reply::Reset => end_with(wire, b"", End::Reset).await,
            Reply::Garbage => end_with(wire, GARBAGE, End::Close).await,
            Reply::GoAwayUnprocessed if self.stop_before(stream) => std::future::pending().await,
            Reply::RefuseStream | Reply::GoAwayUnprocessed => response.send_reset(Reason::REFUSED_STREAM),
        }
    }
}

/// Never comes back: a stream that ended here would be reset before the connection is.
async fn end_with(wire: &Wire, last_words: &'static [u8], end: End) {
    wire.end_with(Bytes::from_static(last_words), end);
    std::future::pending::<()>().await;
}

async fn collect(body: &mut RecvStream) -> Result<Bytes, h2::Error> {
    let mut all = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        body.flow_control().release_capacity(chunk.len())?;
        if all.is_empty() && body.is_end_stream() {
            return Ok(chunk);
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all.into())
}

fn split(answer: Response<Bytes>) -> (Response<()>, Bytes) {
    let (mut head, body) = answer.into_parts();
    if !body.is_empty() {
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    (Response::from_parts(head, ()), body)
}

fn send(response: &mut SendResponse<Bytes>, answer: Response<Bytes>) -> Result<(), h2::Error> {
    let (head, body) = split(answer);
    let mut stream = response.send_response(head, body.is_empty())?;
    if body.is_empty() { Ok(()) } else { stream.send_data(body, true) }
}

fn send_half(
    wire: &Wire,
    response: &mut SendResponse<Bytes>,
    answer: Response<Bytes>,
) -> Result<(), h2::Error> {
    let (head, body) = split(answer);
    let half = body.slice(..body.len() / 2);
    wire.cut_after(
        response.stream_id().as_u32(),
        if half.is_empty() { frames::HEADERS } else { frames::DATA },
    );
    let mut stream = response.send_response(head, false)?;
    if half.is_empty() { Ok(()) } else { stream.send_data(half, false) }
}
