//! Judges evidence of whatever kind.

use super::android::{self, AndroidKeys, Weighed};
use super::app_attest::{self, APPLE_ROOT, Expected, Fault};
use super::challenge::Challenge;
use super::play_integrity::{self, Said};
use super::revocation::ListError;
use super::standing::{self, Judged, NewKey, in_days};
use crate::app::App;
use crate::clock::now;
use crate::config::{AttestationSettings, PushSettings};
use crate::identity::InstallationCaller;
use crate::push::connection::{ConnectionSettings, PushSettingsError};
use crate::refusal::Refusal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use ringback_core::protocol::{
    AttestationEvidence, AttestationRequest, AttestationResult, AttestationVerdict, ProblemCode,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::PathBuf;

const APP_ATTEST: &str = "app_attest";
const PLAY_INTEGRITY: &str = "play_integrity";
const ANDROID_KEY: &str = "android_key";
/// What could not be decided may be decided so long after.
const UNDECIDED: SignedDuration = SignedDuration::from_hours(1);

/// Why evidence cannot be judged as the settings want it.
#[derive(Debug, thiserror::Error)]
pub enum AttestationError {
    /// A file of the settings cannot be read.
    #[error("cannot read {path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The roots are none.
    #[error("attestation.{0} holds no PEM certificate")]
    Roots(&'static str),
    /// Whose keys are judged is not said well enough.
    #[error(
        "attestation.android_key_certificates needs the SHA-256 of each certificate that signs android_key_packages, in hexadecimal"
    )]
    Certificates,
    /// The list of revoked keys is not one.
    #[error("attestation.android_key_status_file {path}: {source}")]
    StatusList {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: ListError,
    },
    /// The service account cannot be used.
    #[error("attestation.play_integrity_service_account_file: {0}")]
    ServiceAccount(#[from] PushSettingsError),
    /// No TLS on this machine.
    #[error("no TLS client could be made")]
    Tls(#[source] reqwest::Error),
}

/// Judges evidence.
pub struct Attestation {
    settings: AttestationSettings,
    roots: Vec<CertificateDer<'static>>,
    play_integrity: Option<play_integrity::Client>,
    android_keys: Option<AndroidKeys>,
}

impl Attestation {
    /// Reads what the settings name.
    pub fn new(settings: &AttestationSettings, push: &PushSettings) -> Result<Self, AttestationError> {
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path)
                .map_err(|source| AttestationError::File { path: path.clone(), source })
        };
        let pem = settings.app_attest_root_file.as_ref().map(read).transpose()?;
        let pem = pem.unwrap_or_else(|| APPLE_ROOT.to_owned());
        let roots = pem_roots(&pem).ok_or(AttestationError::Roots("app_attest_root_file"))?;
        let extra_roots_pem = push.trust_roots_file.as_ref().map(read).transpose()?;
        let connection = ConnectionSettings { extra_roots_pem, ..ConnectionSettings::default() };
        let account = settings.play_integrity_service_account_file.as_ref().map(read).transpose()?;
        let play_integrity = account
            .map(|account| play_integrity::Client::new(settings, &account, &connection))
            .transpose()?;
        let google_pem = settings.android_key_root_file.as_ref().map(read).transpose()?;
        let android_keys = AndroidKeys::new(settings, google_pem, &connection)?;
        Ok(Self { settings: settings.clone(), roots, play_integrity, android_keys })
    }

    /// Whose evidence is judged here.
    pub(super) fn providers(&self) -> Vec<String> {
        let app_attest = (!self.settings.app_attest_apps.is_empty()).then_some(APP_ATTEST);
        let is_asked = self.play_integrity.is_some() && !self.settings.play_integrity_packages.is_empty();
        let play_integrity = is_asked.then_some(PLAY_INTEGRITY);
        let platforms = app_attest.into_iter().chain(play_integrity).map(str::to_owned);
        platforms.chain(self.key_providers()).collect()
    }

    /// Whose evidence is bound to what a key is made for.
    pub(super) fn key_providers(&self) -> Vec<String> {
        self.android_keys.iter().map(|_| ANDROID_KEY.to_owned()).collect()
    }

    fn judged(&self, provider: &'static str, said: Said) -> Judged {
        let (verdict, reason) = match said {
            Said::Genuine => (AttestationVerdict::Genuine, None),
            Said::Doubtful(reason) => (AttestationVerdict::Doubtful, Some(reason)),
            Said::Undecided(reason) => (AttestationVerdict::Undecided, Some(reason)),
        };
        let expires_at = match verdict {
            AttestationVerdict::Undecided => now().saturating_add(UNDECIDED).unwrap_or(now()),
            _ => in_days(self.settings.counts_for_days, now()),
        };
        Judged { provider, verdict, reason, expires_at, new_key: None }
    }
}

/// Judges evidence and writes down what it said, in one transaction with the use of its challenge.
pub(super) async fn judge(
    app: &App,
    caller: InstallationCaller,
    challenge: Challenge,
    request: AttestationRequest,
) -> Result<AttestationResult, Refusal> {
    let judge = &app.attestation;
    let AttestationRequest { challenge: client_data, evidence } = request;
    let provider = match evidence {
        AttestationEvidence::PlayIntegrity { .. } => PLAY_INTEGRITY,
        AttestationEvidence::AppAttest { .. } | AttestationEvidence::AppAttestAssertion { .. } => APP_ATTEST,
        AttestationEvidence::AndroidKey { .. } => ANDROID_KEY,
    };
    if !judge.providers().iter().any(|offered| offered == provider) {
        return Err(Refusal::plain(ProblemCode::AttestationNotOffered));
    }
    let mut made_for = None;
    let (judged, asserted) = match evidence {
        AttestationEvidence::AppAttest { key_id, attestation } => {
            let expected = Expected {
                apps: &judge.settings.app_attest_apps,
                development: judge.settings.app_attest_development,
                roots: &judge.roots,
            };
            let attested = STANDARD
                .decode(&attestation)
                .and_then(|object| Ok((object, STANDARD.decode(&key_id)?)))
                .map_err(|_| Fault::Malformed)
                .and_then(|(object, id)| {
                    app_attest::attestation(&object, &id, client_data.as_bytes(), &expected, now())
                });
            match attested {
                Ok(key) => {
                    let judged = judge.judged(provider, Said::Genuine);
                    let new_key = NewKey { id: key_id, public_key: Some(key.public_key) };
                    (Judged { new_key: Some(new_key), ..judged }, None)
                }
                Err(fault) => (judge.judged(provider, doubtful(fault)), None),
            }
        }
        AttestationEvidence::AppAttestAssertion { key_id, assertion } => {
            let (id, wanted) = (caller.id.clone(), key_id.clone());
            let known = app.storage.read(move |tx| standing::known_key(tx, &id, &wanted)).await?;
            let public_key = known.ok_or_else(|| Refusal::plain(ProblemCode::AttestationKeyUnknown))?;
            let apps = &judge.settings.app_attest_apps;
            let counter = STANDARD
                .decode(&assertion)
                .map_err(|_| Fault::Malformed)
                .and_then(|object| app_attest::assertion(&object, &public_key, client_data.as_bytes(), apps));
            match counter {
                Ok(counter) => (judge.judged(provider, Said::Genuine), Some((key_id, counter))),
                Err(fault) => (judge.judged(provider, doubtful(fault)), None),
            }
        }
        AttestationEvidence::PlayIntegrity { token } => {
            let client = judge.play_integrity.as_ref();
            let client = client.ok_or_else(|| Refusal::plain(ProblemCode::AttestationNotOffered))?;
            (judge.judged(provider, client.ask(&token, &client_data, &judge.settings, now()).await), None)
        }
        AttestationEvidence::AndroidKey { certificates } => {
            let keys = judge.android_keys.as_ref();
            let keys = keys.ok_or_else(|| Refusal::plain(ProblemCode::AttestationNotOffered))?;
            let weighed = android::weigh(app, keys, &caller.id, &certificates).await?;
            let Weighed { said, key, made_for: challenge } = weighed;
            made_for = challenge;
            (Judged { new_key: key, ..judge.judged(provider, said) }, None)
        }
    };
    let not_rising = judge.judged(provider, doubtful(Fault::Counter));
    let result = app.storage.write(move |tx| {
        caller.spend_signature(tx)?;
        challenge.spend(tx)?;
        if let (Some(made_for), Some(key)) = (&made_for, &judged.new_key)
            && !standing::is_known(tx, &key.id)?
        {
            made_for.spend(tx)?;
        }
        let rises = match &asserted {
            Some((key_id, counter)) => standing::raise_counter(tx, &caller.id, key_id, *counter)?,
            None => true,
        };
        let judged = if rises { &judged } else { &not_rising };
        // What says nothing takes nothing back.
        if judged.verdict != AttestationVerdict::Undecided {
            standing::note(tx, &caller.id, judged, now())?;
        }
        Ok::<_, Refusal>(AttestationResult {
            verdict: judged.verdict,
            reason: judged.reason.map(str::to_owned),
            expires_at: judged.expires_at,
        })
    });
    result.await
}

fn doubtful(fault: Fault) -> Said {
    Said::Doubtful(fault.word())
}

/// The certificates of a PEM file; nothing where there are none.
pub(super) fn pem_roots(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    let roots: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes()).flatten().collect();
    (!roots.is_empty()).then_some(roots)
}
