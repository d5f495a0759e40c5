//! From a host's name to an HTTP/2 connection.

use std::future::poll_fn;
use std::sync::Arc;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::connection::Connection;
use crate::push::connection::{ConnectionSettings, PushSettingsError};

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("no way to the host: {0}")]
    Tcp(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("TLS: {0}")]
    Tls(#[from] std::io::Error),
    #[error("the server does not speak HTTP/2")]
    NotHttp2,
    #[error("HTTP/2: {0}")]
    Http2(#[from] h2::Error),
    #[error("it took too long")]
    TimedOut(#[from] tokio::time::error::Elapsed),
}

/// Makes connections to one host. The name is looked up each time, so a provider may move.
#[derive(Clone)]
pub(super) struct Connector {
    uri: Uri,
    name: ServerName<'static>,
    tcp: HttpConnector,
    tls: TlsConnector,
    settings: ConnectionSettings,
}

impl Connector {
    pub(super) fn new(uri: Uri, settings: &ConnectionSettings) -> Result<Self, PushSettingsError> {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| PushSettingsError::Endpoint(uri.to_string()))?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // One address that does not answer must leave time for the next.
        tcp.set_connect_timeout(Some(settings.connect_timeout));
        let tls = TlsConnector::from(Arc::new(tls_config(settings)?));
        Ok(Self { uri, name, tcp, tls, settings: settings.clone() })
    }

    /// The host, for the log.
    pub(super) fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    pub(super) async fn connect(&self) -> Result<Connection, ConnectError> {
        tokio::time::timeout(self.settings.connect_timeout, self.connect_patiently()).await?
    }

    async fn connect_patiently(&self) -> Result<Connection, ConnectError> {
        let mut tcp = self.tcp.clone();
        let no_way = |error| ConnectError::Tcp(Box::new(error));
        poll_fn(|cx| tcp.poll_ready(cx)).await.map_err(no_way)?;
        let stream: TokioIo<TcpStream> = tcp.call(self.uri.clone()).await.map_err(no_way)?;
        let stream = self.tls.connect(self.name.clone(), stream.into_inner()).await?;
        // A server that negotiates nothing may still speak what is asked for, as pushy's does; one that chose otherwise does not.
        if stream.get_ref().1.alpn_protocol().is_some_and(|chosen| chosen != b"h2") {
            return Err(ConnectError::NotHttp2);
        }
        Ok(Connection::start(stream, &self.settings).await?)
    }
}

fn tls_config(settings: &ConnectionSettings) -> Result<ClientConfig, PushSettingsError> {
    let mut roots = RootCertStore::empty();
    let (platform, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if platform == 0 {
        tracing::warn!("the platform has no trust roots that can be read");
    }
    if let Some(pem) = &settings.extra_roots_pem {
        let wrong = |_| PushSettingsError::ExtraRoots;
        let extra: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| PushSettingsError::ExtraRoots)?;
        if extra.is_empty() {
            return Err(PushSettingsError::ExtraRoots);
        }
        for root in extra {
            roots.add(root).map_err(wrong)?;
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(PushSettingsError::TlsVersions)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}
