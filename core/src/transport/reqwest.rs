//! HTTP by reqwest, for Rust programs, the command line and the desktop.

use super::{HttpHeader, HttpRequest, HttpResponse, StreamSink, Transport, TransportError, tls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// HTTP by `reqwest` with rustls and the platform's trust. Connections are kept and used again. Pins may be of the server's
/// own key, or of an intermediate certificate that it sends.
#[derive(Debug, Clone)]
pub struct ReqwestTransport {
    http: reqwest::Client,
    /// Trusted besides what the platform trusts.
    authorities: Vec<CertificateDer<'static>>,
    /// The client that asks for the pins of the last request that had any. One client of ours has always the same.
    pinned: Arc<Mutex<Option<Pinned>>>,
}

#[derive(Debug, Clone)]
struct Pinned {
    pins: Vec<String>,
    http: reqwest::Client,
}

impl ReqwestTransport {
    /// A transport with a pool of its own.
    ///
    /// # Errors
    /// [`TransportError::TlsFailed`] when TLS cannot be set up, for example without any trusted root.
    pub fn new() -> Result<Self, TransportError> {
        Self::with_authorities(Vec::new())
    }

    /// The same, which also trusts the certificates in this PEM: for a contact centre that has an authority of its own. Not
    /// on Android.
    ///
    /// # Errors
    /// [`TransportError::TlsFailed`] also when the PEM holds no certificate.
    pub fn trusting(authorities: &str) -> Result<Self, TransportError> {
        let authorities: Vec<_> = CertificateDer::pem_slice_iter(authorities.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| TransportError::TlsFailed)?;
        if authorities.is_empty() {
            Err(TransportError::TlsFailed)
        } else {
            Self::with_authorities(authorities)
        }
    }

    fn with_authorities(authorities: Vec<CertificateDer<'static>>) -> Result<Self, TransportError> {
        let tls = tls::config(Vec::new(), authorities.clone())?;
        let http = built(builder().tls_backend_preconfigured(tls))?;
        Ok(Self { http, authorities, pinned: Arc::default() })
    }

    /// The client that asks for these pins.
    async fn http_for(&self, pins: Vec<String>) -> Result<reqwest::Client, TransportError> {
        if pins.is_empty() {
            return Ok(self.http.clone());
        }
        let made = self.pinned.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(made) = made.filter(|made| made.pins == pins) {
            return Ok(made.http);
        }
        let authorities = self.authorities.clone();
        // It reads the machine's trusted roots from disk.
        let making = tokio::task::spawn_blocking(move || {
            let tls = tls::config(pins.clone(), authorities)?;
            let http = built(builder().https_only(true).tls_backend_preconfigured(tls))?;
            Ok(Pinned { pins, http })
        });
        let made: Pinned = making.await.unwrap_or(Err(TransportError::HostFailed))?;
        *self.pinned.lock().unwrap_or_else(PoisonError::into_inner) = Some(made.clone());
        Ok(made.http)
    }

    async fn prepare(&self, request: HttpRequest) -> Result<reqwest::RequestBuilder, TransportError> {
        let method = request.method.parse::<reqwest::Method>().map_err(|_| TransportError::HostFailed)?;
        if !request.pins.is_empty() && !request.url.starts_with("https:") {
            return Err(TransportError::PinMismatch);
        }
        let mut prepared = self.http_for(request.pins).await?.request(method, request.url);
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
        let mut answer = self
            .prepare(request)
            .await?
            .timeout(limit)
            .send()
            .await
            .map_err(|error| kind_of(&error, false))?;
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
        let opening = self.prepare(request).await?.send();
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

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("ringback-core/", env!("CARGO_PKG_VERSION")))
}

fn built(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, TransportError> {
    builder.build().map_err(|_| TransportError::TlsFailed)
}

/// Only the kind: the text of the error quotes the address.
fn kind_of(error: &reqwest::Error, in_body: bool) -> TransportError {
    if error.is_timeout() {
        TransportError::TimedOut
    } else if error.is_connect() && is_mismatch(error) {
        TransportError::PinMismatch
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
    causes(error)
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|io| io.kind() == io::ErrorKind::InvalidData)
}

fn is_mismatch(error: &reqwest::Error) -> bool {
    let is_ours = |error: &rustls::Error| match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) => {
            other.0.downcast_ref::<tls::Mismatch>().is_some()
        }
        _ => false,
    };
    causes(error).filter_map(|error| error.downcast_ref()).any(is_ours)
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |error| cause_of(*error))
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
