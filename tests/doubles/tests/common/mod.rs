//! A client of its own for what the tests look at closely: h2 over rustls, and nothing that tries again.

#![allow(clippy::unwrap_used, reason = "clippy knows helpers of tests only inside `mod tests`")]
#![allow(dead_code, reason = "not every test file uses all of it")]

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use h2::SendStream;
use h2::client::{ResponseFuture, SendRequest};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ringback_doubles::{ApnsCredentials, ApnsDouble};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;

pub(crate) const TOPIC: &str = "com.example.ringback";

pub(crate) fn bearer(credentials: &ApnsCredentials, iat: i64) -> String {
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(credentials.key_id.clone());
    let claims = json!({"iss": credentials.team_id, "iat": iat});
    let key = EncodingKey::from_ec_pem(credentials.p8_pem.as_bytes()).unwrap();
    format!("bearer {}", jsonwebtoken::encode(&header, &claims, &key).unwrap())
}

pub(crate) fn now_s() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// A TLS connection that offers HTTP/2 and trusts this authority alone.
pub(crate) async fn tls(endpoint: &str, ca_pem: &str) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let port: u16 = endpoint.rsplit(':').next().unwrap().parse().unwrap();
    let tcp = TcpStream::connect(("127.0.0.1", port)).await?;
    let name = ServerName::try_from("localhost").unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

pub(crate) struct Raw {
    pub(crate) sender: SendRequest<Bytes>,
    pub(crate) connection: JoinHandle<Result<(), h2::Error>>,
    authorization: String,
    endpoint: String,
}

impl Raw {
    pub(crate) async fn to(double: &ApnsDouble) -> Self {
        Self::with(double, h2::client::Builder::new()).await
    }

    pub(crate) async fn with(double: &ApnsDouble, builder: h2::client::Builder) -> Self {
        let io = tls(&double.endpoint(), double.ca_pem()).await.unwrap();
        let (sender, connection) = builder.handshake(io).await.unwrap();
        Self {
            sender,
            connection: tokio::spawn(connection),
            authorization: bearer(double.credentials(), now_s()),
            endpoint: double.endpoint(),
        }
    }

    /// Sends a push; its answer is to be waited for.
    pub(crate) fn push(&mut self, device: &str) -> ResponseFuture {
        let (answer, body) = self.begin(device);
        end(body);
        answer
    }

    /// Sends the headers of a push alone; [`end`] sends its body.
    pub(crate) fn begin(&mut self, device: &str) -> (ResponseFuture, SendStream<Bytes>) {
        let request = http::Request::post(format!("{}/3/device/{device}", self.endpoint))
            .header("authorization", &self.authorization)
            .header("apns-topic", TOPIC)
            .header("apns-push-type", "alert")
            .body(())
            .unwrap();
        self.sender.send_request(request, false).unwrap()
    }
}

pub(crate) fn end(mut body: SendStream<Bytes>) {
    body.send_data(Bytes::from_static(br#"{"aps":{"alert":"hello"}}"#), true).unwrap();
}
