//! Listening, TLS and HTTP, and what a fault does to a connection.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::{Answer, Fault};

/// What becomes of a request.
pub(crate) enum Reply {
    Answer(Response<Full<Bytes>>),
    AnswerAndGoAway(Response<Full<Bytes>>),
    Stall,
    Disconnect,
    RefuseStream,
}

/// What was decided about a request, for the sender and for the record.
pub(crate) struct Handled {
    reply: Reply,
    pub(crate) answer: Option<Answer>,
    delay: Duration,
}

impl Handled {
    pub(crate) fn refused(response: Response<Full<Bytes>>, reason: &str) -> Self {
        let answer = Answer { status: response.status().as_u16(), reason: Some(reason.to_owned()) };
        Self { reply: Reply::Answer(response), answer: Some(answer), delay: Duration::ZERO }
    }

    /// Plays a fault; `refused` gets the reason, `Retry-After` in seconds and the instant of the script.
    pub(crate) fn of(
        fault: Fault,
        accepted: impl FnOnce() -> Response<Full<Bytes>>,
        refused: impl FnOnce(&str, Option<u64>, Option<Timestamp>) -> Response<Full<Bytes>>,
    ) -> Self {
        let taken = Some(Answer { status: 200, reason: None });
        let (reply, answer, delay_ms) = match fault {
            Fault::Accept => (Reply::Answer(accepted()), taken, 0),
            Fault::Delay { delay_ms } => (Reply::Answer(accepted()), taken, delay_ms),
            Fault::GoAway => (Reply::AnswerAndGoAway(accepted()), taken, 0),
            Fault::Refuse { reason, retry_after_s, timestamp } => {
                return Self::refused(refused(&reason, retry_after_s, timestamp), &reason);
            }
            Fault::Stall => (Reply::Stall, None, 0),
            Fault::Disconnect => (Reply::Disconnect, None, 0),
            Fault::RefuseStream => (Reply::RefuseStream, None, 0),
        };
        Self { reply, answer, delay: Duration::from_millis(delay_ms) }
    }

    pub(crate) fn is_accepted(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| answer.status == 200)
    }

    /// The reply, late if the script says so.
    pub(crate) async fn reply_in_time(self) -> Reply {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        self.reply
    }
}

pub(crate) trait Handler: Send + Sync + 'static {
    fn handle(&self, connection: u64, request: Request<Bytes>) -> impl Future<Output = Reply> + Send;
}

/// A listening double; it and its connections end when this is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    task: JoinHandle<Infallible>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) fn start<H: Handler>(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        http2_only: bool,
        handler: Arc<H>,
    ) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, tls, http2_only, handler));
        Ok(Self { address, task })
    }
}

async fn accept<H: Handler>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    http2_only: bool,
    handler: Arc<H>,
) -> Infallible {
    let mut connections = JoinSet::new();
    let mut number = 0;
    loop {
        // A connection that failed before it was accepted is the client's to notice.
        let Ok((tcp, _)) = listener.accept().await else { continue };
        number += 1;
        connections.spawn(serve(tcp, tls.clone(), http2_only, number, handler.clone()));
        while connections.try_join_next().is_some() {}
    }
}

#[derive(Default)]
struct Orders {
    go_away: Notify,
    disconnect: Notify,
}

async fn serve<H: Handler>(
    tcp: TcpStream,
    tls: Option<TlsAcceptor>,
    http2_only: bool,
    number: u64,
    handler: Arc<H>,
) {
    if tcp.set_nodelay(true).is_err() {
        return;
    }
    let Some(tls) = tls else {
        return serve_http(TokioIo::new(tcp), http2_only, number, handler).await;
    };
    let Ok(stream) = tls.accept(tcp).await else { return };
    // A client that does not negotiate by ALPN is no client of APNs.
    if http2_only && stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return;
    }
    serve_http(TokioIo::new(stream), http2_only, number, handler).await;
}

async fn serve_http<H: Handler, S>(io: TokioIo<S>, http2_only: bool, number: u64, handler: Arc<H>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let orders = Arc::new(Orders::default());
    let for_requests = orders.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let handler = handler.clone();
        let orders = for_requests.clone();
        async move { answer(&*handler, &orders, number, request).await }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http2().max_concurrent_streams(1000);
    if http2_only {
        builder = builder.http2_only();
    }
    let mut connection = pin!(builder.serve_connection(io, service));
    loop {
        tokio::select! {
            _ = connection.as_mut() => return,
            () = orders.disconnect.notified() => return,
            () = orders.go_away.notified() => connection.as_mut().graceful_shutdown(),
        }
    }
}

/// Why a stream ends without an answer; hyper looks among the sources for the code to reset it with.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("the request broke off")]
    Body(#[from] hyper::Error),
    #[error("the stream was refused")]
    Refused(#[source] h2::Error),
}

async fn answer<H: Handler>(
    handler: &H,
    orders: &Orders,
    number: u64,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, NoAnswer> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    match handler.handle(number, Request::from_parts(head, body)).await {
        Reply::Answer(response) => Ok(response),
        Reply::AnswerAndGoAway(response) => {
            orders.go_away.notify_one();
            Ok(response)
        }
        Reply::Stall => std::future::pending().await,
        Reply::Disconnect => {
            orders.disconnect.notify_one();
            std::future::pending().await
        }
        Reply::RefuseStream => Err(NoAnswer::Refused(h2::Reason::REFUSED_STREAM.into())),
    }
}
