//! What every transport that can check pins has to keep.

use super::{ContractFinding, Outcome, answered, equal, failed, findings_of, get, read, say};
use crate::transport::{HttpRequest, Streaming, Transport, TransportError, pin};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData,
};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A server with TLS, for as long as the runtime lives. It sends its own certificate, that of the authority in between, and
/// one of somebody else, as anybody can.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct PinServer {
    /// Where it is. Each answer says how many requests there were.
    pub url: String,
    /// The certificate, in PEM, of the authority that a client has to trust.
    pub authority: String,
    /// The pin of the server's own key.
    pub own_pin: String,
    /// The pin of the authority in between.
    pub issuer_pin: String,
    /// The pin of a certificate that the server sends and that has nothing to do with its own.
    pub stranger_pin: String,
}

impl PinServer {
    /// Starts one on this machine.
    ///
    /// # Errors
    /// In words, when it cannot be started.
    pub async fn start() -> Result<Self, String> {
        let told = |error: &dyn std::fmt::Display| error.to_string();
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| told(&error))?;
        let address = listener.local_addr().map_err(|error| told(&error))?;
        let chain = Chain::new().map_err(|error| told(&error))?;
        let acceptor = chain.acceptor.map_err(|error| told(&error))?;
        let asked = Arc::new(AtomicUsize::new(0));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, asked) = (acceptor.clone(), Arc::clone(&asked));
                tokio::spawn(async move {
                    let mut stream = acceptor.accept(stream).await?;
                    read(&mut stream).await?;
                    let count = asked.fetch_add(1, Ordering::SeqCst) + 1;
                    say(stream, "200 OK", count.to_string().as_bytes()).await
                });
            }
        });
        Ok(Self { url: format!("https://{address}"), ..chain.server })
    }

    fn get(&self, pins: &[&String]) -> HttpRequest {
        let pins = pins.iter().map(|pin| (*pin).clone()).collect();
        HttpRequest { pins, ..get(format!("{}/v1/callbacks", self.url)) }
    }
}

struct Chain {
    server: PinServer,
    acceptor: Result<TlsAcceptor, tokio_rustls::rustls::Error>,
}

impl Chain {
    fn new() -> Result<Self, rcgen::Error> {
        let root = CertifiedIssuer::self_signed(authority("Ringback test authority")?, KeyPair::generate()?)?;
        let stranger = CertifiedIssuer::self_signed(authority("Somebody else")?, KeyPair::generate()?)?;
        let between_key = KeyPair::generate()?;
        let issuer_pin = pin_of(&between_key);
        let between = CertifiedIssuer::signed_by(authority("In between")?, between_key, &root)?;
        let own_key = KeyPair::generate()?;
        let issuer: &Issuer<'_, KeyPair> = &between;
        let own = CertificateParams::new(vec!["127.0.0.1".to_owned()])?.signed_by(&own_key, issuer)?;
        let server = PinServer {
            url: String::new(),
            authority: root.pem(),
            own_pin: pin_of(&own_key),
            issuer_pin,
            stranger_pin: pin_of(stranger.key()),
        };
        let chain = vec![own.der().clone(), between.der().clone(), stranger.der().clone()];
        let key = PrivateKeyDer::Pkcs8(own_key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key));
        Ok(Self { server, acceptor: config.map(|config| TlsAcceptor::from(Arc::new(config))) })
    }
}

fn authority(name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn pin_of(key: &KeyPair) -> String {
    pin::of_key(&key.subject_public_key_info())
}

/// The key of nobody.
fn nobodys(number: u8) -> String {
    pin::of_key(&[number])
}

/// Checks every case about pins with a transport that trusts the server's authority.
pub async fn check_pins(transport: Arc<dyn Transport>, server: PinServer) -> Vec<ContractFinding> {
    let (one, server) = (transport, Arc::new(server));
    macro_rules! cases {
        ($($name:ident),+ $(,)?) => {
            vec![$((stringify!($name), Box::pin($name(Arc::clone(&one), Arc::clone(&server))) as Pin<Box<_>>)),+]
        };
    }
    findings_of(cases!(
        without_pins_trust_is_enough,
        the_servers_own_key_is_a_pin,
        an_issuers_key_is_a_pin,
        a_wrong_pin_lets_nothing_through,
        a_malformed_pin_fits_nothing,
        a_certificate_that_is_only_sent_is_no_pin,
        an_open_connection_is_no_way_around,
        a_stream_is_pinned_too,
        without_tls_there_is_no_pin,
    ))
    .await
}

/// Sends a request that gets through; how many there were.
async fn passes(
    transport: &Arc<dyn Transport>,
    server: &PinServer,
    pins: &[&String],
) -> Result<usize, String> {
    let answer = answered(transport.send(server.get(pins)).await)?;
    equal(answer.status, 200)?;
    String::from_utf8_lossy(&answer.body).parse().map_err(|_| "another server's answer".to_owned())
}

/// Sends a request that does not leave.
async fn is_refused(transport: &Arc<dyn Transport>, server: &PinServer, pins: &[&String]) -> Outcome {
    let before = passes(transport, server, &[]).await?;
    failed(transport.send(server.get(pins)).await, TransportError::PinMismatch)?;
    equal(passes(transport, server, &[]).await?, before + 1)
}

async fn without_pins_trust_is_enough(transport: Arc<dyn Transport>, server: Arc<PinServer>) -> Outcome {
    passes(&transport, &server, &[]).await.map(drop)
}

async fn the_servers_own_key_is_a_pin(transport: Arc<dyn Transport>, server: Arc<PinServer>) -> Outcome {
    passes(&transport, &server, &[&nobodys(1), &server.own_pin]).await.map(drop)
}

async fn an_issuers_key_is_a_pin(transport: Arc<dyn Transport>, server: Arc<PinServer>) -> Outcome {
    passes(&transport, &server, &[&nobodys(1), &server.issuer_pin]).await.map(drop)
}

async fn a_wrong_pin_lets_nothing_through(transport: Arc<dyn Transport>, server: Arc<PinServer>) -> Outcome {
    is_refused(&transport, &server, &[&nobodys(1), &nobodys(2)]).await
}

async fn a_malformed_pin_fits_nothing(transport: Arc<dyn Transport>, server: Arc<PinServer>) -> Outcome {
    let bare = server.own_pin.trim_start_matches("sha256/").to_owned();
    for malformed in [String::new(), bare, server.own_pin.replace("sha256", "sha1")] {
        is_refused(&transport, &server, &[&malformed]).await?;
    }
    Ok(())
}

async fn a_certificate_that_is_only_sent_is_no_pin(
    transport: Arc<dyn Transport>,
    server: Arc<PinServer>,
) -> Outcome {
    is_refused(&transport, &server, &[&server.stranger_pin, &nobodys(1)]).await
}

async fn an_open_connection_is_no_way_around(
    transport: Arc<dyn Transport>,
    server: Arc<PinServer>,
) -> Outcome {
    for _ in 0..3 {
        passes(&transport, &server, &[&server.own_pin, &nobodys(1)]).await?;
        is_refused(&transport, &server, &[&nobodys(1), &nobodys(2)]).await?;
    }
    Ok(())
}

async fn a_stream_is_pinned_too(transport: Arc<dyn Transport>, server: Arc<PinServer>) -> Outcome {
    let mut good = Streaming::begin(Arc::clone(&transport), server.get(&[&server.own_pin, &nobodys(1)]));
    let head = good.head().await.map_err(|error| format!("{error:?} instead of a head"))?;
    equal(head.status, 200)?;
    let mut bad = Streaming::begin(transport, server.get(&[&nobodys(1), &nobodys(2)]));
    failed(bad.head().await, TransportError::PinMismatch)
}

async fn without_tls_there_is_no_pin(transport: Arc<dyn Transport>, server: Arc<PinServer>) -> Outcome {
    let url = super::server(|_, stream| async move { say(stream, "200 OK", b"in clear").await }).await?;
    let request = HttpRequest { url, ..server.get(&[&server.own_pin, &nobodys(1)]) };
    failed(transport.send(request).await, TransportError::PinMismatch)
}
