//! Has the platform vouch for app and device, and passes on what it says. Nothing depends on it: a request whose sender is not
//! vouched for is sent all the same.

use super::ClientError;
use super::exchange::{Credential, Failed, Outgoing};
use super::installation::Session;
use crate::host::{AttestationAsk, AttestationProvider, LogLevel};
use crate::protocol::{
    AttestationChallenge, AttestationEvidence, AttestationRequest, AttestationResult, Installation,
    ProblemCode, Timestamp,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const LOG_TARGET: &str = "ringback::attestation";
const VAULT_KEY: &str = "ringback.attestation";
/// The longest that a request waits for all of it.
const LIMIT: Duration = Duration::from_secs(10);

/// Until when what was said counts.
#[derive(Serialize, Deserialize)]
struct Kept {
    installation_id: String,
    #[serde(deserialize_with = "crate::protocol::instant::read")]
    expires_at: Timestamp,
}

/// Who vouches, and whether it was done since the app was started.
pub(crate) struct Attestation {
    provider: Option<Arc<dyn AttestationProvider>>,
    is_done: AtomicBool,
}

impl Attestation {
    pub(crate) fn new(provider: Option<Arc<dyn AttestationProvider>>) -> Self {
        Self { provider, is_done: AtomicBool::new(false) }
    }
}

impl Session {
    /// Sends evidence if there is a provider and what was said last is over. Of many callers one does; it is tried once after
    /// each start, and again while the network is away.
    pub(crate) async fn attest(&self, installation: &Installation) {
        let Some(provider) = &self.attestation.provider else { return };
        if self.attestation.is_done.swap(true, Ordering::AcqRel) {
            return;
        }
        let attested = tokio::time::timeout(LIMIT, self.attest_with(provider, installation)).await;
        let (level, line) = match attested {
            Ok(Ok(None)) => return,
            Ok(Ok(Some(result))) => {
                let reason = result.reason.unwrap_or_default();
                (LogLevel::Info, format!("the evidence is {:?} {reason}", result.verdict))
            }
            Ok(Err(failed)) => {
                self.attestation.is_done.store(!failed.passing, Ordering::Release);
                (LogLevel::Warn, format!("no evidence was given: {}", failed.error.code()))
            }
            Err(_) => (LogLevel::Warn, "no evidence was given in time".to_owned()),
        };
        self.exchange.log.log(level, LOG_TARGET, line);
    }

    /// Tells a provider that makes the installation's key what to make it for, where the server judges such keys. Without a network
    /// the key waits: nothing could be registered either, and a key is made once.
    pub(crate) async fn announce_key(&self) -> Result<(), ClientError> {
        let Some(provider) = &self.attestation.provider else { return Ok(()) };
        let outgoing = post("/v1/attestation-key-challenges", b"{}".to_vec());
        let answer = match self.exchange.send(&outgoing, &Credential::AppKey).await {
            Ok(answer) => answer,
            // A server, or what is before it, that does not know of keys.
            Err(failed) if !failed.passing && (failed.settled || failed.may_have_arrived) => return Ok(()),
            Err(failed) => return Err(failed.error),
        };
        let challenge: AttestationChallenge = self.exchange.read(&outgoing, &answer)?;
        if challenge.providers.is_empty() {
            return Ok(());
        }
        let ask = AttestationAsk { before_registration: true, ..ask(challenge, true) };
        let trouble = match tokio::time::timeout(LIMIT, provider.attest(ask)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it took too long".to_owned(),
        };
        let line = format!("the key is not one that the host can vouch for: {trouble}");
        self.exchange.log.log(LogLevel::Warn, LOG_TARGET, line);
        Ok(())
    }

    async fn attest_with(
        &self,
        provider: &Arc<dyn AttestationProvider>,
        installation: &Installation,
    ) -> Result<Option<AttestationResult>, Failed> {
        let kept = self.vault.read::<Kept>(VAULT_KEY).await?;
        let counts = kept.is_some_and(|kept| {
            kept.installation_id == installation.id && kept.expires_at > self.exchange.clock.now()
        });
        if counts {
            return Ok(None);
        }
        let mut result = self.attest_once(provider, installation, false).await;
        if let Err(failed) = &result
            && failed.error.code() == ProblemCode::AttestationKeyUnknown.code()
        {
            result = self.attest_once(provider, installation, true).await;
        }
        let result = result?;
        if let Some(result) = &result {
            let kept = Kept { installation_id: installation.id.clone(), expires_at: result.expires_at };
            self.vault.write(VAULT_KEY, &kept).await?;
        }
        Ok(result)
    }

    async fn attest_once(
        &self,
        provider: &Arc<dyn AttestationProvider>,
        installation: &Installation,
        new_key: bool,
    ) -> Result<Option<AttestationResult>, Failed> {
        let challenge: AttestationChallenge =
            self.ask(installation, post("/v1/attestation-challenges", b"{}".to_vec())).await?;
        if challenge.providers.is_empty() {
            return Ok(None);
        }
        let ask = ask(challenge, new_key);
        let challenge = ask.challenge.clone();
        let evidence: Option<AttestationEvidence> = match provider.attest(ask).await {
            Ok(evidence) => evidence,
            Err(error) => {
                let line = format!("the host could not vouch: {error}");
                self.exchange.log.log(LogLevel::Warn, LOG_TARGET, line);
                None
            }
        };
        let Some(evidence) = evidence else { return Ok(None) };
        let body = serde_json::to_vec(&AttestationRequest { challenge, evidence })
            .map_err(|_| ClientError::internal("a request has no JSON form"))?;
        self.ask(installation, post("/v1/attestations", body)).await.map(Some)
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        installation: &Installation,
        outgoing: Outgoing,
    ) -> Result<T, Failed> {
        let answer = self.exchange.try_mended(&outgoing, &Credential::Bearer(&installation.token)).await?;
        Ok(self.exchange.read(&outgoing, &answer)?)
    }
}

fn ask(challenge: AttestationChallenge, new_key: bool) -> AttestationAsk {
    let AttestationChallenge { challenge, providers, .. } = challenge;
    let request_hash = URL_SAFE_NO_PAD.encode(Sha256::digest(&challenge));
    AttestationAsk { providers, challenge, request_hash, new_key, before_registration: false }
}

fn post(path: &str, body: Vec<u8>) -> Outgoing {
    Outgoing { method: "POST", path: path.to_owned(), body: Some(body), idempotency_key: None, captcha: None }
}
