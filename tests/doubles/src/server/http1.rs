//! One HTTP/1.1 connection.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::wire::{End, Wired};
use super::{Connection, Handler, Reply, Shared};

/// A chunked body whose first chunk has no size.
const GARBAGE: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n\xff\xff\r\n";

pub(super) async fn serve<H: Handler, S>(
    io: S,
    reset: Arc<AtomicBool>,
    shared: &Shared,
    number: u64,
    handler: Arc<H>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = shared.enter(number, false);
    let io = Wired::new(io, connection.wire.clone(), reset);
    let service = service_fn(|request: Request<Incoming>| {
        let (handler, connection) = (handler.clone(), connection.clone());
        let open = shared.open_stream(&connection);
        async move {
            let answer = answer(&*handler, &connection, request).await;
            drop(open);
            answer
        }
    });
    // What ends a connection is the script or the client, and neither is an error here.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(io), service).await;
}

async fn answer<H: Handler>(
    handler: &H,
    connection: &Connection,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let (last_words, end) = match handler.handle(connection.number, Request::from_parts(head, body)).await {
        Reply::Answer(response) => return Ok(response.map(Full::new)),
        Reply::AnswerAndGoAway(mut response) => {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            return Ok(response.map(Full::new));
        }
        Reply::Stall => return std::future::pending().await,
        Reply::CutBody(response) => (half(&response), End::Reset),
        Reply::Reset => (Bytes::new(), End::Reset),
        Reply::Garbage => (Bytes::from_static(GARBAGE), End::Close),
        Reply::Disconnect | Reply::RefuseStream | Reply::GoAwayUnprocessed => (Bytes::new(), End::Close),
    };
    connection.wire.end_with(last_words, end);
    std::future::pending().await
}

/// Status, headers and half of the body.
fn half(response: &Response<Bytes>) -> Bytes {
    let status = response.status();
    let mut text = format!(
        "HTTP/1.1 {} {}\r\ncontent-length: {}\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or(""),
        response.body().len().max(1)
    )
    .into_bytes();
    for (name, value) in response.headers() {
        text.extend_from_slice(format!("{name}: ").as_bytes());
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
    text.extend_from_slice(&response.body()[..response.body().len() / 2]);
    text.into()
}
