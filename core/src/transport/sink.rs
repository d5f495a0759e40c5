//! The near end of a stream: a transport pushes in what arrives, the client takes it out.

use super::{HttpHeader, HttpRequest, Transport, TransportError};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// Chunks that wait for the client; a transport that has more is made to wait.
const CHUNKS_WAITING: usize = 8;

/// Status and headers of a streamed answer.
pub(crate) struct StreamHead {
    pub(crate) status: u16,
    pub(crate) headers: Vec<HttpHeader>,
}

/// Takes a streamed answer from a [`Transport`]: the head once, then the body chunk by chunk.
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
pub struct StreamSink {
    head: Mutex<Option<oneshot::Sender<StreamHead>>>,
    chunks: mpsc::Sender<Vec<u8>>,
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl StreamSink {
    /// Hands over status and headers, before the first chunk. [`TransportError::Cancelled`] when nobody listens any
    /// more, or when the head was handed over already.
    pub fn head(&self, status: u16, headers: Vec<HttpHeader>) -> Result<(), TransportError> {
        let head = self.head.lock().unwrap_or_else(PoisonError::into_inner).take();
        head.and_then(|head| head.send(StreamHead { status, headers }).ok()).ok_or(TransportError::Cancelled)
    }

    /// Hands over a piece of the body, of any size, and waits while the client is behind.
    /// [`TransportError::Cancelled`] when nobody listens any more: the transport then ends the exchange.
    pub async fn push(&self, chunk: Vec<u8>) -> Result<(), TransportError> {
        self.chunks.send(chunk).await.map_err(|_| TransportError::Cancelled)
    }
}

type Exchange = Pin<Box<dyn Future<Output = Result<(), TransportError>> + Send>>;

/// A streamed answer as the client reads it. Runs only while it is read; dropping it ends the exchange.
pub(crate) struct Streaming {
    /// `None` once it has ended.
    exchange: Option<Exchange>,
    ended: Result<(), TransportError>,
    head: oneshot::Receiver<StreamHead>,
    chunks: mpsc::Receiver<Vec<u8>>,
}

impl Streaming {
    pub(crate) fn begin(transport: Arc<dyn Transport>, request: HttpRequest) -> Self {
        let (head_in, head) = oneshot::channel();
        let (chunks_in, chunks) = mpsc::channel(CHUNKS_WAITING);
        let sink = Arc::new(StreamSink { head: Mutex::new(Some(head_in)), chunks: chunks_in });
        let exchange: Exchange = Box::pin(async move { transport.stream(request, sink).await });
        Self { exchange: Some(exchange), ended: Ok(()), head, chunks }
    }

    /// Status and headers; to be asked for once.
    pub(crate) async fn head(&mut self) -> Result<StreamHead, TransportError> {
        loop {
            let Some(exchange) = &mut self.exchange else {
                self.ended?;
                return self.head.try_recv().map_err(|_| TransportError::ConnectionLost);
            };
            tokio::select! {
                biased;
                Ok(head) = &mut self.head => return Ok(head),
                ended = exchange => self.end(ended),
            }
        }
    }

    /// The next piece of the body; `None` at its end. Cancel-safe.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        loop {
            let Some(exchange) = &mut self.exchange else {
                return match self.chunks.try_recv() {
                    Ok(chunk) => Ok(Some(chunk)),
                    Err(_) => self.ended.map(|()| None),
                };
            };
            tokio::select! {
                biased;
                Some(chunk) = self.chunks.recv() => return Ok(Some(chunk)),
                ended = exchange => self.end(ended),
            }
        }
    }

    fn end(&mut self, ended: Result<(), TransportError>) {
        self.exchange = None;
        self.ended = ended;
    }
}
