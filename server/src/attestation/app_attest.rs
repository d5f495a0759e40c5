//! App Attest, as Apple documents its validation: pure, with the time, the roots and the apps given.

use super::authenticator::AuthenticatorData;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use ciborium::Value;
use ringback_core::protocol::Timestamp;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use std::time::Duration;
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Apple's "App Attestation Root CA", as its site for certificate authorities has it.
pub(super) const APPLE_ROOT: &str = include_str!("apple_root.pem");

const NONCE_EXTENSION: &str = "1.2.840.113635.100.8.2";
const FORMAT: &str = "apple-appattest";
const PRODUCTION: &[u8; 16] = b"appattest\0\0\0\0\0\0\0";
const DEVELOPMENT: &[u8; 16] = b"appattestdevelop";

/// Why evidence is not taken. The words are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not what App Attest sends.
    Malformed,
    /// The certificates do not lead to Apple, or not at this time.
    Untrusted,
    /// It was made for another challenge.
    Challenge,
    /// The key is another than the one that is named.
    Key,
    /// It is of an app that is not ours.
    App,
    /// It is of App Attest's other environment.
    Environment,
    /// The counter is not one of a fresh key, or did not rise.
    Counter,
    /// The signature is not the key's.
    Signature,
}

impl Fault {
    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Untrusted => "certificate_untrusted",
            Self::Challenge => "challenge_mismatch",
            Self::Key => "key_mismatch",
            Self::App => "app_unknown",
            Self::Environment => "environment_mismatch",
            Self::Counter => "counter_not_rising",
            Self::Signature => "signature_invalid",
        }
    }
}

/// What evidence is held against.
#[derive(Debug, Clone)]
pub(super) struct Expected<'a> {
    /// The apps, as team and bundle id: `TEAM.com.example.app`.
    pub(super) apps: &'a [String],
    /// Whether builds for development count.
    pub(super) development: bool,
    /// The roots of certificates, in DER.
    pub(super) roots: &'a [CertificateDer<'static>],
}

/// A key whose device is genuine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AttestedKey {
    /// The uncompressed point.
    pub(super) public_key: Vec<u8>,
}

/// Judges the attestation of a new key.
pub(super) fn attestation(
    object: &[u8],
    key_id: &[u8],
    client_data: &[u8],
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<AttestedKey, Fault> {
    let object = Object::read(object)?;
    let leaf = object.chain.first().ok_or(Fault::Malformed)?;
    is_trusted(&object.chain, expected.roots, now)?;
    let (_, certificate) = X509Certificate::from_der(leaf).map_err(|_| Fault::Malformed)?;
    let nonce = sha256(&[&object.authenticator_data, &sha256(&[client_data])]);
    if nonce_of(&certificate)? != nonce {
        return Err(Fault::Challenge);
    }
    let public_key = certificate.public_key().subject_public_key.data.to_vec();
    if public_key.len() != 65 || sha256(&[&public_key]) != key_id {
        return Err(Fault::Key);
    }
    let data = AuthenticatorData::of_attestation(&object.authenticator_data)?;
    is_ours(data.rp_id_hash, expected.apps)?;
    let credential = data.credential.ok_or(Fault::Malformed)?;
    let environment_fits =
        credential.aaguid == PRODUCTION || expected.development && credential.aaguid == DEVELOPMENT;
    if !environment_fits {
        return Err(Fault::Environment);
    }
    if data.counter != 0 {
        return Err(Fault::Counter);
    }
    if credential.id == key_id { Ok(AttestedKey { public_key }) } else { Err(Fault::Key) }
}

/// Judges an assertion of a key that was attested; gives its counter, which has yet to be held against the last one.
pub(super) fn assertion(
    object: &[u8],
    public_key: &[u8],
    client_data: &[u8],
    apps: &[String],
) -> Result<u32, Fault> {
    let object = map(object)?;
    let (data, signature) = (bytes(&object, "authenticatorData")?, bytes(&object, "signature")?);
    let nonce = sha256(&[&data, &sha256(&[client_data])]);
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public_key)
        .verify(&nonce, &signature)
        .map_err(|_| Fault::Signature)?;
    let data = AuthenticatorData::of_assertion(&data)?;
    is_ours(data.rp_id_hash, apps)?;
    if data.counter == 0 { Err(Fault::Counter) } else { Ok(data.counter) }
}

/// What the app sends of a new key.
struct Object {
    chain: Vec<Vec<u8>>,
    authenticator_data: Vec<u8>,
}

impl Object {
    fn read(object: &[u8]) -> Result<Self, Fault> {
        let object = map(object)?;
        if field(&object, "fmt")?.as_text() != Some(FORMAT) {
            return Err(Fault::Malformed);
        }
        let statement = field(&object, "attStmt")?.as_map().ok_or(Fault::Malformed)?;
        let chain = field(statement, "x5c")?.as_array().ok_or(Fault::Malformed)?;
        let chain: Option<Vec<_>> = chain.iter().map(|one| one.as_bytes().cloned()).collect();
        Ok(Self { chain: chain.ok_or(Fault::Malformed)?, authenticator_data: bytes(&object, "authData")? })
    }
}

fn map(mut object: &[u8]) -> Result<Vec<(Value, Value)>, Fault> {
    match ciborium::from_reader(&mut object) {
        Ok(Value::Map(map)) if object.is_empty() => Ok(map),
        _ => Err(Fault::Malformed),
    }
}

fn field<'a>(map: &'a [(Value, Value)], name: &str) -> Result<&'a Value, Fault> {
    map.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value).ok_or(Fault::Malformed)
}

fn bytes(map: &[(Value, Value)], name: &str) -> Result<Vec<u8>, Fault> {
    field(map, name)?.as_bytes().cloned().ok_or(Fault::Malformed)
}

fn is_trusted(chain: &[Vec<u8>], roots: &[CertificateDer<'static>], now: Timestamp) -> Result<(), Fault> {
    let mut chain = chain.iter().map(|der| CertificateDer::from(der.as_slice()));
    let leaf = chain.next().ok_or(Fault::Malformed)?;
    let intermediates: Vec<_> = chain.collect();
    let leaf = EndEntityCert::try_from(&leaf).map_err(|_| Fault::Malformed)?;
    let anchors: Result<Vec<TrustAnchor<'_>>, _> =
        roots.iter().map(webpki::anchor_from_trusted_cert).collect();
    let seconds = u64::try_from(now.as_second()).map_err(|_| Fault::Untrusted)?;
    leaf.verify_for_usage(
        &[
            webpki::aws_lc_rs::ECDSA_P256_SHA256,
            webpki::aws_lc_rs::ECDSA_P256_SHA384,
            webpki::aws_lc_rs::ECDSA_P384_SHA256,
            webpki::aws_lc_rs::ECDSA_P384_SHA384,
        ],
        &anchors.map_err(|_| Fault::Untrusted)?,
        &intermediates,
        UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
        KeyUsage::client_auth(),
        None,
        None,
    )
    .map(drop)
    .map_err(|_| Fault::Untrusted)
}

/// The octet string in `SEQUENCE { [1] OCTET STRING }` of Apple's extension.
fn nonce_of<'a>(certificate: &X509Certificate<'a>) -> Result<&'a [u8], Fault> {
    let mut found = certificate.extensions().iter().filter(|one| one.oid.to_id_string() == NONCE_EXTENSION);
    let (Some(extension), None) = (found.next(), found.next()) else { return Err(Fault::Malformed) };
    // 0x30 length, 0xa1 length, 0x04 32, and the 32 bytes of the hash: there is one way to write it.
    let nonce = extension.value.strip_prefix(&[0x30, 36, 0xa1, 34, 0x04, 32]).ok_or(Fault::Malformed)?;
    if nonce.len() == 32 { Ok(nonce) } else { Err(Fault::Malformed) }
}

fn is_ours(rp_id_hash: &[u8], apps: &[String]) -> Result<(), Fault> {
    let is_ours = apps.iter().any(|app| sha256(&[app.as_bytes()]) == rp_id_hash);
    if is_ours { Ok(()) } else { Err(Fault::App) }
}

fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    digest(&SHA256, &parts.concat()).as_ref().to_vec()
}

#[cfg(test)]
#[path = "app_attest_tests.rs"]
mod tests;
