//! TLS for reqwest, which may ask for a pinned key.

use super::{TransportError, pin};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use rustls_platform_verifier::Verifier;
use std::sync::Arc;

/// None of the pins is in the chain.
#[derive(Debug, thiserror::Error)]
#[error("none of the pinned keys is in the chain of certificates")]
pub(super) struct Mismatch;

/// TLS with the platform's trust and that of these authorities, and of what is trusted only what has one of these pins, if there
/// are any. With the cryptography that the program has chosen for itself, or `ring`.
pub(super) fn config(
    pins: Vec<String>,
    authorities: Vec<CertificateDer<'static>>,
) -> Result<ClientConfig, TransportError> {
    let provider = CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(ring::default_provider()));
    let trust = trust(authorities, provider.clone()).map_err(|_| TransportError::TlsFailed)?;
    let verifier = Arc::new(PinVerifier { trust, pins, provider: provider.clone() });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| TransportError::TlsFailed)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn trust(
    authorities: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Verifier, Error> {
    if authorities.is_empty() {
        return Verifier::new(provider);
    }
    #[cfg(not(target_os = "android"))]
    return Verifier::new_with_extra_roots(authorities, provider);
    #[cfg(target_os = "android")]
    Err(Error::General("Android takes no authorities of an app's own".to_owned()))
}

/// Trusts what the platform trusts, if one of the pins is in the chain or nothing is pinned.
#[derive(Debug)]
struct PinVerifier {
    trust: Verifier,
    pins: Vec<String>,
    provider: Arc<CryptoProvider>,
}

impl PinVerifier {
    fn is_pinned(&self, certificate: &CertificateDer<'_>) -> bool {
        let parsed = ParsedCertificate::try_from(certificate);
        parsed.is_ok_and(|parsed| self.pins.contains(&pin::of_key(&parsed.subject_public_key_info())))
    }

    /// The server's certificate was issued, itself or over others, by one that has a pinned key. Not that such a one was
    /// sent: anybody can send it.
    fn is_issued_by_pinned(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> bool {
        let mut issuers = RootCertStore::empty();
        let pinned = intermediates.iter().filter(|sent| self.is_pinned(sent)).cloned();
        issuers.add_parsable_certificates(pinned.map(CertificateDer::into_owned));
        // It fails without any issuer.
        let issued =
            WebPkiServerVerifier::builder_with_provider(Arc::new(issuers), self.provider.clone()).build();
        issued
            .is_ok_and(|issued| issued.verify_server_cert(end_entity, intermediates, name, &[], now).is_ok())
    }
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.trust.verify_server_cert(end_entity, intermediates, name, ocsp, now)?;
        if self.pins.is_empty()
            || self.is_pinned(end_entity)
            || self.is_issued_by_pinned(end_entity, intermediates, name, now)
        {
            return Ok(verified);
        }
        Err(Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(Mismatch)))))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trust.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trust.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.supported_verify_schemes()
    }
}
