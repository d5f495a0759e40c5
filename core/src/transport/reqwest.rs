//! HTTP by reqwest, for Rust programs, the command line and the desktop.

use super::{HttpHeader, HttpRequest, HttpResponse, StreamSink, Transport, TransportError};
use rustls::crypto::CryptoProvider;
use rustls_platform_verifier::BuilderVerifierExt;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// HTTP by `reqwest` with rustls and the platform's trust. Connections are kept and used again.
#[derive(Debug, Clone)]
pub struct ReqwestTransport {
    http: reqwest::Client,
}

impl ReqwestTransport {
    /// A transport with a pool of its own.
    ///
    /// # Errors
    /// [`TransportError::TlsFailed`] when TLS cannot be set up, for example without any trusted root.
    pub fn new() -> Result<Self, TransportError> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls().map_err(|_| TransportError::TlsFailed)?)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("ringback-core/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| TransportError::TlsFailed)?;
        Ok(Self { http })
    }

    fn prepare(&self, request: HttpRequest) -> Result<reqwest::RequestBuilder, TransportError> {
        let method = request.method.parse::<reqwest::Method>().map_err(|_| TransportError::HostFailed)?;
        let mut prepared = self.http.request(method, request.url);
        for header in request.headers {
            let mut value = reqwest::header::HeaderValue::from_str(&header.value)
                .map_err(|_| TransportError::HostFailed)?;
            value.set_sensitive(true);
            prepared = prepared.header(header.name, value);
        }
        Ok(match request.body {
            Some(body) => prepared.body(body),
            None => prepared,
        })
    }
}

#[async_trait::async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let limit = Duration::from_millis(request.timeout_ms.into());
        let max_bytes = request.max_answer_bytes as usize;
        let mut answer =
            self.prepare(request)?.timeout(limit).send().await.map_err(|error| kind_of(&error, false))?;
        let (status, headers) = (answer.status().as_u16(), headers_of(&answer));
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| kind_of(&error, true))? {
            if body.len() + chunk.len() > max_bytes {
                return Err(TransportError::AnswerTooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpResponse { status, headers, body })
    }

    async fn stream(&self, request: HttpRequest, sink: Arc<StreamSink>) -> Result<(), TransportError> {
        let limit = Duration::from_millis(request.timeout_ms.into());
        let opening = self.prepare(request)?.send();
        let mut answer = match tokio::time::timeout(limit, opening).await {
            Ok(answer) => answer.map_err(|error| kind_of(&error, false))?,
            Err(_) => return Err(TransportError::TimedOut),
        };
        sink.head(answer.status().as_u16(), headers_of(&answer))?;
        loop {
            match tokio::time::timeout(limit, answer.chunk()).await {
                Ok(Ok(Some(chunk))) => sink.push(chunk.to_vec()).await?,
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => return Err(kind_of(&error, true)),
                Err(_) => return Err(TransportError::TimedOut),
            }
        }
    }
}

/// With the cryptography that the program has chosen for itself, or `ring`.
fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    let chosen = CryptoProvider::get_default().cloned();
    let provider = chosen.unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()));
    let config =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = config.with_platform_verifier()?.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Only the kind: the text of the error quotes the address.
fn kind_of(error: &reqwest::Error, in_body: bool) -> TransportError {
    if error.is_timeout() {
        TransportError::TimedOut
    } else if error.is_connect() && is_tls(error) {
        TransportError::TlsFailed
    } else if error.is_builder() {
        TransportError::HostFailed
    } else if error.is_connect() {
        TransportError::Unreachable
    } else if in_body || error.is_request() || error.is_body() || error.is_decode() {
        TransportError::ConnectionLost
    } else {
        TransportError::HostFailed
    }
}

/// A failed handshake comes as an I/O error of this kind, somewhere among the causes.
fn is_tls(error: &reqwest::Error) -> bool {
    std::iter::successors(error.source(), |error| cause_of(*error))
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|io| io.kind() == io::ErrorKind::InvalidData)
}

/// The next cause. An I/O error's `source` passes over the error that it wraps.
fn cause_of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|wrapped| wrapped as _),
        None => error.source(),
    }
}

/// Headers that are not text are left out: the client needs none of them.
fn headers_of(answer: &reqwest::Response) -> Vec<HttpHeader> {
    let headers = answer.headers().iter();
    headers
        .filter_map(|(name, value)| {
            Some(HttpHeader { name: name.as_str().to_owned(), value: value.to_str().ok()?.to_owned() })
        })
        .collect()
}
