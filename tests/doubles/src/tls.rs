//! A certificate authority that lives as long as the process.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use crate::StartError;

/// Signs the doubles' certificates. Clients trust [`Authority::pem`].
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a new one.
    pub fn generate() -> Result<Self, StartError> {
        Self::named("Ringback test authority")
    }

    /// Another one, which nobody has heard of.
    pub(crate) fn unheard_of() -> Result<Self, StartError> {
        Self::named("Somebody's authority")
    }

    fn named(name: &str) -> Result<Self, StartError> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)? })
    }

    /// Its certificate as PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate and its key, both PEM, for a server that answers to `names`.
    pub fn issue(&self, names: &[&str]) -> Result<(String, String), StartError> {
        let key = KeyPair::generate()?;
        let certificate = params(names)?.signed_by(&key, &self.issuer)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    pub(crate) fn acceptor(&self, names: &[&str], alpn: &[&[u8]]) -> Result<TlsAcceptor, StartError> {
        self.acceptor_of(&params(names)?, alpn)
    }

    /// With a certificate that ran out long ago.
    pub(crate) fn expired_acceptor(&self, names: &[&str], alpn: &[&[u8]]) -> Result<TlsAcceptor, StartError> {
        let mut params = params(names)?;
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 2, 1);
        self.acceptor_of(&params, alpn)
    }

    fn acceptor_of(&self, params: &CertificateParams, alpn: &[&[u8]]) -> Result<TlsAcceptor, StartError> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn params(names: &[&str]) -> Result<CertificateParams, rcgen::Error> {
    CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
}
