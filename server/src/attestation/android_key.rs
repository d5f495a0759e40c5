//! Android Key Attestation: whether a chain of certificates shows that a key was made in the hardware of a sound device, for one of our
//! apps. Pure, with the time, the roots, the apps and the list of what is revoked given.

use super::key_description::{
    Authorizations, GENERATED, KeyDescription, RootOfTrust, SIGN, SOFTWARE, VERIFIED,
};
use super::revocation::StatusList;
use ringback_core::protocol::Timestamp;
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use std::time::Duration;
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::oid_registry::OID_X509_SERIALNUMBER;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Google's roots for hardware attestation: `roots.json` of android/keyattestation.
pub(super) const GOOGLE_ROOTS: &str = include_str!("google_roots.pem");

/// Devices send four or five.
const CHAIN_MAX: usize = 8;
const CERTIFICATE_MAX_BYTES: usize = 8 * 1024;

/// What devices, their makers and Google have signed certificates with.
const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    webpki::aws_lc_rs::ECDSA_P256_SHA256,
    webpki::aws_lc_rs::ECDSA_P256_SHA384,
    webpki::aws_lc_rs::ECDSA_P384_SHA256,
    webpki::aws_lc_rs::ECDSA_P384_SHA384,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA384,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA512,
];

/// Why a chain is not taken. The words are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not what the Keystore gives.
    Malformed,
    /// The key was made without attestation.
    NotAttested,
    /// A certificate that is not the key's own has a description too: somebody has lengthened the chain.
    Lengthened,
    /// The certificates do not lead to Google.
    Untrusted,
    /// They do, but not at this time.
    Outdated,
    /// Google has revoked one of them.
    Revoked,
    /// The key was made for a challenge that is not ours.
    Challenge,
    /// The key is not the installation's.
    Key,
    /// The key was brought from elsewhere.
    Origin,
    /// The key may not sign.
    Purpose,
    /// Software says all this.
    Software,
    /// The device is unlocked, or has booted what its maker has not signed.
    Boot,
    /// It is of an app that is not ours.
    App,
}

impl Fault {
    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotAttested => "not_attested",
            Self::Lengthened => "chain_lengthened",
            Self::Untrusted => "certificate_untrusted",
            Self::Outdated => "certificate_outdated",
            Self::Revoked => "certificate_revoked",
            Self::Challenge => "challenge_mismatch",
            Self::Key => "key_mismatch",
            Self::Origin => "key_not_generated",
            Self::Purpose => "key_cannot_sign",
            Self::Software => "software_level",
            Self::Boot => "device_not_verified",
            Self::App => "app_unknown",
        }
    }
}

/// Apps of ours.
#[derive(Debug, Clone, Default)]
pub(super) struct Apps {
    /// Their package names.
    pub(super) packages: Vec<String>,
    /// SHA-256 of the certificates they are signed with.
    pub(super) certificates: Vec<Vec<u8>>,
}

/// What a chain is held against.
#[derive(Debug, Clone)]
pub(super) struct Expected<'a> {
    /// The point of the key that the installation has registered.
    pub(super) public_key: &'a [u8],
    /// The apps.
    pub(super) apps: &'a Apps,
    /// The roots of certificates, in DER.
    pub(super) roots: &'a [CertificateDer<'static>],
    /// What is revoked.
    pub(super) revoked: &'a StatusList,
    /// The same key was taken before: then its certificates may have run out since.
    pub(super) is_known: bool,
}

/// Judges the chain of a key, its own certificate first; gives the challenge that the key was made for, which is yet to be looked at.
pub(super) fn verify(chain: &[Vec<u8>], expected: &Expected<'_>, now: Timestamp) -> Result<Vec<u8>, Fault> {
    let too_long = chain.len() > CHAIN_MAX || chain.iter().any(|der| der.len() > CERTIFICATE_MAX_BYTES);
    let parsed: Option<Vec<_>> = chain.iter().map(|der| parsed(der)).collect();
    let parsed = parsed.filter(|_| !too_long).ok_or(Fault::Malformed)?;
    let (leaf, others) = parsed.split_first().ok_or(Fault::Malformed)?;
    // A key that may sign can sign a certificate too. Only what Google's own chain says of the key counts.
    if others.iter().any(|other| KeyDescription::of(other) != Ok(None)) {
        return Err(Fault::Lengthened);
    }
    let description = KeyDescription::of(leaf).map_err(|_| Fault::Malformed)?.ok_or(Fault::NotAttested)?;
    is_trusted(chain, &parsed, expected, now)?;
    if *leaf.public_key().subject_public_key.data != *expected.public_key {
        return Err(Fault::Key);
    }
    says_what_it_should(&description, expected.apps)?;
    Ok(description.challenge.to_vec())
}

/// Whether a key that describes itself so is a sound device's, for an app of ours.
fn says_what_it_should(description: &KeyDescription<'_>, apps: &Apps) -> Result<(), Fault> {
    let KeyDescription { attested_by, kept_by, hardware, software, .. } = description;
    if *attested_by == SOFTWARE || *kept_by == SOFTWARE {
        return Err(Fault::Software);
    }
    if hardware.origin != Some(GENERATED) {
        return Err(Fault::Origin);
    }
    if !hardware.purposes.as_ref().is_some_and(|purposes| purposes.contains(&SIGN)) {
        return Err(Fault::Purpose);
    }
    let is_sound = |boot: &RootOfTrust| boot.is_locked && boot.state == VERIFIED;
    if !hardware.root_of_trust.as_ref().is_some_and(is_sound) {
        return Err(Fault::Boot);
    }
    if is_ours(software, apps) || is_ours(hardware, apps) { Ok(()) } else { Err(Fault::App) }
}

fn is_ours(list: &Authorizations<'_>, apps: &Apps) -> bool {
    list.application.as_ref().is_some_and(|application| {
        let mut packages = application.packages.iter();
        let mut certificates = application.certificates.iter();
        packages.any(|name| apps.packages.iter().any(|ours| ours.as_bytes() == *name))
            && certificates.any(|digest| apps.certificates.iter().any(|ours| ours == digest))
    })
}

/// Whether the chain leads to a root, each certificate counts at this time, and none is revoked.
fn is_trusted(
    chain: &[Vec<u8>],
    parsed: &[X509Certificate<'_>],
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<(), Fault> {
    let chain: Vec<_> = chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let ([leaf, issuer, ..], [leaf_der, ..]) = (parsed, &chain[..]) else { return Err(Fault::Untrusted) };
    // Until 2018 or so what signs keys was made no authority: then the path begins with it.
    let (end, signer) = if issuer.is_ca() { (leaf_der, None) } else { (&chain[1], Some(issuer)) };
    let certified = chain.iter().zip(parsed).skip(if signer.is_some() { 2 } else { 1 });
    let others = certified.filter(|(_, one)| !is_a_root(one)).map(|(der, _)| der.clone());
    let others: Vec<_> = others.collect();
    let end = EndEntityCert::try_from(end).map_err(|_| Fault::Malformed)?;
    // It reads more strictly, also where the key's own certificate is not on the path.
    EndEntityCert::try_from(leaf_der).map_err(|_| Fault::Malformed)?;
    if signer.is_some_and(|signer| !has_signed(&end, signer, leaf)) {
        return Err(Fault::Untrusted);
    }
    let anchors: Result<Vec<TrustAnchor<'_>>, _> =
        expected.roots.iter().map(webpki::anchor_from_trusted_cert).collect();
    let anchors = anchors.map_err(|_| Fault::Untrusted)?;
    let now_s = now.as_second();
    let seconds = u64::try_from(moment_for(parsed, now_s)).map_err(|_| Fault::Outdated)?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let usage = KeyUsage::client_auth();
    let path =
        end.verify_for_usage(ALGORITHMS, &anchors, &others, time, usage, None, None).map_err(|error| {
            match error {
                webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. } => Fault::Outdated,
                _ => Fault::Untrusted,
            }
        })?;
    let above: Vec<_> = path.intermediate_certificates().map(webpki::Cert::der).collect();
    let above: Option<Vec<_>> = above.iter().map(|der| self::parsed(der)).collect();
    let above = above.ok_or(Fault::Malformed)?;
    let issuers: Vec<_> = signer.into_iter().chain(&above).collect();
    // The certificates of a factory are made once and never again.
    let may_be_over = expected.is_known || issuers.last().is_some_and(|highest| is_of_a_factory(highest));
    let counts = |one: &&X509Certificate<'_>| {
        let validity = one.validity();
        validity.not_before.timestamp() <= now_s && (may_be_over || now_s <= validity.not_after.timestamp())
    };
    if !issuers.iter().all(counts) {
        return Err(Fault::Outdated);
    }
    let is_revoked = |one: &X509Certificate<'_>| expected.revoked.names(one.raw_serial());
    if is_revoked(leaf) || issuers.into_iter().any(is_revoked) { Err(Fault::Revoked) } else { Ok(()) }
}

/// Whether this certificate's key has signed the other one.
fn has_signed(key: &EndEntityCert<'_>, signer: &X509Certificate<'_>, signed: &X509Certificate<'_>) -> bool {
    let (message, signature) = (signed.tbs_certificate.as_ref(), &signed.signature_value.data);
    let mut algorithms = ALGORITHMS.iter();
    signed.issuer().as_raw() == signer.subject().as_raw()
        && algorithms.any(|algorithm| key.verify_signature(*algorithm, message, signature).is_ok())
}

/// A moment at which every certificate counts, as near to now as there is one: the path is looked for at that time, and judged at
/// this. When its own certificate begins and ends a key has from its device, whose clock may be wrong.
fn moment_for(parsed: &[X509Certificate<'_>], now_s: i64) -> i64 {
    let begins = parsed.first().map_or(now_s, |leaf| leaf.validity().not_before.timestamp());
    let ends = parsed.iter().filter(|one| !is_a_root(one));
    ends.map(|one| one.validity().not_after.timestamp()).fold(now_s.max(begins), i64::min)
}

/// What comes along of a root may be an earlier copy, and need not be looked at: ours are what counts.
fn is_a_root(one: &X509Certificate<'_>) -> bool {
    one.issuer() == one.subject()
}

/// Google gives the authorities of factories a serial number for a name; those of remote provisioning have a common name.
fn is_of_a_factory(highest: &X509Certificate<'_>) -> bool {
    highest.subject().iter_by_oid(&OID_X509_SERIALNUMBER).next().is_some()
}

fn parsed(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der)
        .ok()
        .filter(|(rest, _)| rest.is_empty())
        .map(|(_, certificate)| certificate)
}

#[cfg(test)]
#[path = "android_key_tests.rs"]
mod tests;
