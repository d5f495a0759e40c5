//! In place of the crate of that name: trusts one authority, which is named at run time.

use std::sync::{LazyLock, OnceLock};

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor};

static AUTHORITY_PEM: OnceLock<String> = OnceLock::new();

/// What is trusted; nothing before [`trust`] was called.
pub static TLS_SERVER_ROOTS: LazyLock<Vec<TrustAnchor<'static>>> = LazyLock::new(|| {
    let certificate = AUTHORITY_PEM.get().and_then(|pem| CertificateDer::from_pem_slice(pem.as_bytes()).ok());
    let anchor = certificate.and_then(|der| Some(webpki::anchor_from_trusted_cert(&der).ok()?.to_owned()));
    anchor.into_iter().collect()
});

/// Names the authority, once, before the first connection.
pub fn trust(authority_pem: &str) {
    AUTHORITY_PEM.get_or_init(|| authority_pem.to_owned());
}
