//! Keys of Android's Keystore: what the settings say of them, and what is said of the one that an installation has registered.

use super::AttestationError;
use super::android_key::{self, Apps, Expected, Fault, GOOGLE_ROOTS};
use super::challenge::{self, Audience, Challenge, Wrong};
use super::judge::pem_roots;
use super::play_integrity::Said;
use super::revocation::{Revocations, StatusList};
use super::standing::{self, NewKey};
use crate::app::App;
use crate::clock::now;
use crate::config::AttestationSettings;
use crate::push::connection::ConnectionSettings;
use crate::refusal::Refusal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::pki_types::CertificateDer;

/// What the settings say of keys.
pub(super) struct AndroidKeys {
    apps: Apps,
    roots: Vec<CertificateDer<'static>>,
    revocations: Revocations,
}

impl AndroidKeys {
    /// Reads them; nothing where no app's keys are judged.
    pub(super) fn new(
        settings: &AttestationSettings,
        root_pem: Option<String>,
        connection: &ConnectionSettings,
    ) -> Result<Option<Self>, AttestationError> {
        let packages = settings.android_key_packages.clone();
        if packages.is_empty() {
            return Ok(None);
        }
        let certificates: Option<Vec<_>> =
            settings.android_key_certificates.iter().map(|text| sha256_of_hex(text)).collect();
        let certificates = certificates.filter(|digests| !digests.is_empty());
        let certificates = certificates.ok_or(AttestationError::Certificates)?;
        let pem = root_pem.unwrap_or_else(|| GOOGLE_ROOTS.to_owned());
        let roots = pem_roots(&pem).ok_or(AttestationError::Roots("android_key_root_file"))?;
        let revocations = Revocations::new(settings, connection)?;
        Ok(Some(Self { apps: Apps { packages, certificates }, roots, revocations }))
    }
}

/// What is said of a key.
pub(super) struct Weighed {
    pub(super) said: Said,
    /// The key, where it is sound.
    pub(super) key: Option<NewKey>,
    /// What it was made for, to be used up where the key was not known.
    pub(super) made_for: Option<Challenge>,
}

impl From<Said> for Weighed {
    fn from(said: Said) -> Self {
        Self { said, key: None, made_for: None }
    }
}

/// Weighs the chain of the key that this installation has registered. That it holds the key it has shown by signing the request.
pub(super) async fn weigh(
    app: &App,
    keys: &AndroidKeys,
    installation_id: &str,
    certificates: &[String],
) -> Result<Weighed, Refusal> {
    let id = installation_id.to_owned();
    let registered = app.storage.read(move |tx| standing::registered(tx, &id)).await?;
    let Some(public_key) = registered.public_key else { return Ok(doubtful(Fault::Key)) };
    let id = format!("android_key:{}", URL_SAFE_NO_PAD.encode(digest(&SHA256, &public_key)));
    let wanted = id.clone();
    let is_known = app.storage.read(move |tx| standing::is_known(tx, &wanted)).await?;
    let chain: Result<Vec<_>, _> = certificates.iter().map(|text| STANDARD.decode(text)).collect();
    let Ok(chain) = chain else { return Ok(doubtful(Fault::Malformed)) };
    let revoked = keys.revocations.list(now()).await;
    let nothing = StatusList::default();
    let expected = Expected {
        public_key: &public_key,
        apps: &keys.apps,
        roots: &keys.roots,
        revoked: revoked.as_deref().unwrap_or(&nothing),
        is_known,
    };
    let made_for = match android_key::verify(&chain, &expected, now()) {
        Ok(made_for) => made_for,
        Err(fault) => return Ok(doubtful(fault)),
    };
    if revoked.is_none() {
        return Ok(Said::Undecided("revocations_unavailable").into());
    }
    // The key's challenge was looked at when the key came first, and is over since.
    let made_for = if is_known {
        None
    } else {
        let (vault, audience) = (&app.centre.vault, Audience::App(&registered.app_key_id));
        match challenge::read(vault, audience, &String::from_utf8_lossy(&made_for), now()) {
            Ok(made_for) => Some(made_for),
            Err(Wrong::Foreign) => return Ok(doubtful(Fault::Challenge)),
            Err(Wrong::Over) => return Ok(Said::Undecided("challenge_over").into()),
        }
    };
    Ok(Weighed { said: Said::Genuine, key: Some(NewKey { id, public_key: None }), made_for })
}

fn doubtful(fault: Fault) -> Weighed {
    Said::Doubtful(fault.word()).into()
}

/// The 32 bytes of a hash, as people copy it.
fn sha256_of_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<_>> =
        text.chars().filter(|one| *one != ':').map(|one| u8::try_from(one.to_digit(16)?).ok()).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    Some(digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_hash_is_read_as_tools_show_it() {
        let bytes: Vec<u8> = (0..32).map(|at| at * 7).collect();
        let small: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let colons = bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
        assert_eq!(sha256_of_hex(&small).as_ref(), Some(&bytes));
        assert_eq!(sha256_of_hex(&colons), Some(bytes));
        assert_eq!(sha256_of_hex(&small[2..]), None);
        assert_eq!(sha256_of_hex(&format!("{small}00")), None);
        assert_eq!(sha256_of_hex(&small.replace('0', "g")), None);
        assert_eq!(sha256_of_hex(""), None);
    }

    proptest! {
        #[test]
        fn any_text_is_a_hash_or_none(text in ".{0,80}") {
            prop_assert!(sha256_of_hex(&text).is_none_or(|bytes| bytes.len() == 32));
        }
    }

    #[test]
    fn packages_need_certificates() {
        let with = |certificates: &[&str]| {
            let settings = AttestationSettings {
                android_key_packages: vec!["com.example.ringback".to_owned()],
                android_key_certificates: certificates.iter().map(|one| (*one).to_owned()).collect(),
                ..AttestationSettings::default()
            };
            AndroidKeys::new(&settings, None, &ConnectionSettings::default()).map(|keys| keys.is_some())
        };
        let digest = "00".repeat(32);
        assert!(with(&[&digest]).is_ok_and(|is_judged| is_judged));
        assert!(matches!(with(&[]), Err(AttestationError::Certificates)));
        assert!(matches!(with(&[&digest, "00"]), Err(AttestationError::Certificates)));
        let none = AndroidKeys::new(&AttestationSettings::default(), None, &ConnectionSettings::default());
        assert!(none.is_ok_and(|keys| keys.is_none()));
    }
}
