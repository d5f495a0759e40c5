//! HTTP as the client needs it: one request and its answer, or one request and a stream of bytes.
//!
//! The platform's own HTTP stack implements [`Transport`] on phones; [`ReqwestTransport`] does everywhere else. What
//! must be the same everywhere (retries, time limits, parsing) is not in a transport.

#[cfg(feature = "transport-contract")]
pub mod contract;
pub(crate) mod pin;
#[cfg(feature = "reqwest")]
mod reqwest;
pub(crate) mod retry;
mod sink;
pub(crate) mod sse;
#[cfg(feature = "reqwest")]
mod tls;

#[cfg(feature = "reqwest")]
pub use self::reqwest::ReqwestTransport;
pub use sink::StreamSink;
pub(crate) use sink::Streaming;

use std::sync::Arc;

/// One header. Names are compared without regard to case.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record), uniffi::export(Debug))]
pub struct HttpHeader {
    /// The name.
    pub name: String,
    /// The value. May be a credential.
    pub value: String,
}

/// A request, ready to be sent as it is.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record), uniffi::export(Debug))]
pub struct HttpRequest {
    /// `GET`, `POST` or `PUT`.
    pub method: String,
    /// Absolute.
    pub url: String,
    /// To be sent besides what the HTTP stack adds by itself.
    pub headers: Vec<HttpHeader>,
    /// `None` for `GET`.
    pub body: Option<Vec<u8>>,
    /// Give up after this many milliseconds: the whole exchange with [`Transport::send`]; with [`Transport::stream`]
    /// the wait for the head, and later the silence between two chunks. The client keeps the same limit itself.
    pub timeout_ms: u32,
    /// The longest answer the client reads, in bytes after decompression. A transport may stop there with
    /// [`TransportError::AnswerTooLarge`]; the client looks again. Does not count for streams.
    pub max_answer_bytes: u32,
    /// Keys, one of which the server has to have in its verified chain of certificates, each as `sha256/` and the base64
    /// of the SHA-256 of its `SubjectPublicKeyInfo`; none when nothing is asked beyond the stack's own trust. A transport
    /// that cannot check them sends nothing and fails with [`TransportError::PinningUnsupported`].
    #[cfg_attr(feature = "uniffi", uniffi(default = []))]
    pub pins: Vec<String>,
}

/// An answer, whatever its status.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record), uniffi::export(Debug))]
pub struct HttpResponse {
    /// The HTTP status. A redirect is an answer like any other: it is not followed.
    pub status: u16,
    /// The headers. `Content-Length` and `Content-Encoding` are not looked at.
    pub headers: Vec<HttpHeader>,
    /// The whole body, decompressed.
    pub body: Vec<u8>,
}

/// Why there is no answer. Without text: what an HTTP stack says quotes addresses and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Error))]
pub enum TransportError {
    /// Not within the time limit.
    #[error("no answer in time")]
    TimedOut,
    /// The host called it off.
    #[error("called off by the host")]
    Cancelled,
    /// No connection: no network, an unknown name, a refused port.
    #[error("no connection to the server")]
    Unreachable,
    /// The server could not prove who it is, or no common encryption was found.
    #[error("no secure connection to the server")]
    TlsFailed,
    /// The server is trusted, but none of the request's pins is in its chain of certificates; nothing was sent.
    #[error(
        "the server has none of the pinned keys: somebody is between the app and the server, or the pins are outdated and \
         the app needs an update"
    )]
    PinMismatch,
    /// The request has pins and this HTTP stack cannot check them; nothing was sent.
    #[error(
        "this HTTP stack cannot check pins: leave `pins` empty on this platform, or give another transport"
    )]
    PinningUnsupported,
    /// The connection broke before the answer was complete.
    #[error("the connection was lost")]
    ConnectionLost,
    /// More bytes than `max_answer_bytes`.
    #[error("the answer is too large")]
    AnswerTooLarge,
    /// The host's HTTP stack failed in a way that is none of the above.
    #[error("the host's HTTP stack failed")]
    HostFailed,
}

#[cfg(feature = "uniffi")]
impl From<uniffi::UnexpectedUniFFICallbackError> for TransportError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::HostFailed
    }
}

/// An HTTP stack. It follows no redirect, keeps no cookie, answers from no cache and repeats nothing by itself.
///
/// Dropping a future ends the exchange at once.
#[cfg_attr(feature = "uniffi", uniffi::export(with_foreign))]
#[async_trait::async_trait]
pub trait Transport: Send + Sync {
    /// Sends the request and reads the whole answer.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError>;

    /// Sends the request and gives head and body to `sink` as they come. Returns when the body has ended; ends early
    /// when the sink says that nobody listens any more.
    async fn stream(&self, request: HttpRequest, sink: Arc<StreamSink>) -> Result<(), TransportError>;
}

/// The first header of this name.
pub(crate) fn header<'a>(headers: &'a [HttpHeader], name: &str) -> Option<&'a str> {
    headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.as_str())
}

impl std::fmt::Debug for HttpHeader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: …", self.name)
    }
}

impl std::fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body_bytes = self.body.as_ref().map(Vec::len);
        write!(f, "HttpRequest({}, headers {:?}, body bytes {body_bytes:?})", self.method, self.headers)
    }
}

impl std::fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HttpResponse({}, headers {:?}, body bytes {})", self.status, self.headers, self.body.len())
    }
}
