//! The installation: who this copy of the app is to the server.

use super::attestation::Attestation;
use super::exchange::{Answer, Credential, Exchange, Failed, Outgoing};
use super::signature::Key;
use super::vault::Vault;
use super::{Boxed, ClientError};
use crate::host::{AttestationProvider, InstallationSigner, LogLevel};
use crate::protocol::{
    BearerToken, Installation, InstallationRequest, InstallationSecret, ProblemCode, PublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Mutex;

const VAULT_KEY: &str = "ringback.installation";

/// What is kept of an installation. A token is never shown to another server than the one that gave it.
#[derive(Serialize, Deserialize)]
struct Kept {
    base_url: String,
    secret: InstallationSecret,
    key: KeptKey,
    installation: Option<Installation>,
}

/// The key that an installation has registered.
#[derive(Serialize, Deserialize)]
struct KeptKey {
    public: PublicKey,
    /// The private half; absent when the host holds it.
    private: Option<InstallationSecret>,
}

#[derive(Default)]
struct State {
    installation: Option<Installation>,
    /// How the last registration failed, for those who waited for it.
    failed: Option<ClientError>,
}

/// Speaks to the server as this installation, and makes it one on first use.
pub(crate) struct Session {
    pub(crate) exchange: Exchange,
    pub(crate) vault: Vault,
    pub(crate) attestation: Attestation,
    signer: Option<Arc<dyn InstallationSigner>>,
    state: Mutex<State>,
    /// Rises with every registration, whatever comes of it.
    registrations: AtomicU64,
}

impl Session {
    pub(crate) fn new(
        exchange: Exchange,
        vault: Vault,
        signer: Option<Arc<dyn InstallationSigner>>,
        provider: Option<Arc<dyn AttestationProvider>>,
    ) -> Self {
        let attestation = Attestation::new(provider);
        Self {
            exchange,
            vault,
            attestation,
            signer,
            state: Mutex::default(),
            registrations: AtomicU64::new(0),
        }
    }

    /// Sends a request as this installation.
    pub(crate) async fn call<T: DeserializeOwned>(&self, outgoing: &Outgoing) -> Result<T, Failed> {
        let answer = self.send(outgoing).await?;
        Ok(self.exchange.read(outgoing, &answer)?)
    }

    /// The same, and the answer is yet to be read.
    pub(crate) fn send<'a>(&'a self, outgoing: &'a Outgoing) -> Boxed<'a, Result<Answer, Failed>> {
        Box::pin(async move {
            let installation = self.installation(None).await?;
            if outgoing.method != "GET" {
                self.attest(&installation).await;
            }
            let answer = self.exchange.send(outgoing, &Credential::Bearer(&installation.token)).await;
            match answer {
                Err(failed) if failed.is_credential_refused() => {
                    let installation = self.installation(Some(&installation.token)).await?;
                    self.exchange.send(outgoing, &Credential::Bearer(&installation.token)).await
                }
                answer => answer,
            }
        })
    }

    /// The installation as this device knows it. Asks nobody else.
    pub(crate) async fn known(&self) -> Option<Installation> {
        if let Some(installation) = &self.state.lock().await.installation {
            return Some(installation.clone());
        }
        let kept = self.vault.read::<Kept>(VAULT_KEY).await.ok().flatten();
        kept.filter(|kept| kept.base_url == self.exchange.base_url)?.installation
    }

    /// The installation, registered if need be. With the token that the server just `refused` it is another token.
    /// Of many callers at once one registers; the others share what comes of it.
    pub(crate) fn installation<'a>(
        &'a self,
        refused: Option<&'a BearerToken>,
    ) -> Boxed<'a, Result<Installation, ClientError>> {
        Box::pin(self.known_or_registered(refused))
    }

    async fn known_or_registered(&self, refused: Option<&BearerToken>) -> Result<Installation, ClientError> {
        let registrations_before = self.registrations.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        let is_good = |installation: &&Installation| Some(&installation.token) != refused;
        if let Some(installation) = state.installation.as_ref().filter(is_good) {
            return Ok(installation.clone());
        }
        let registered_meanwhile = self.registrations.load(Ordering::Acquire) != registrations_before;
        if let Some(error) = state.failed.as_ref().filter(|_| registered_meanwhile) {
            return Err(error.clone());
        }
        let kept = self.identity().await?;
        if let Some(installation) = kept.installation.as_ref().filter(is_good) {
            state.installation = Some(installation.clone());
            return Ok(installation.clone());
        }
        let registered = self.register(kept).await;
        state.failed = registered.as_ref().err().cloned();
        state.installation = registered.as_ref().ok().cloned();
        self.registrations.fetch_add(1, Ordering::Release);
        registered
    }

    /// Who this is: what was kept, or somebody new. It is kept before the network is touched, so that a registration that is
    /// cut short is made again as the same.
    async fn identity(&self) -> Result<Kept, ClientError> {
        let kept = self.vault.read::<Kept>(VAULT_KEY).await?;
        let Some(kept) = kept.filter(|kept| kept.base_url == self.exchange.base_url) else {
            return self.new_identity(None).await;
        };
        if let Some(key) = self.key_of(&kept)
            && key.public().await? == kept.key.public
        {
            self.exchange.signatures.set_key(key);
            return Ok(kept);
        }
        // The platform's key is another one, and the registered one cannot be had again.
        self.new_identity(Some(kept.secret)).await
    }

    fn key_of(&self, kept: &Kept) -> Option<Key> {
        Key::kept(kept.key.private.as_ref(), self.signer.clone())
    }

    /// Somebody new, in place of whoever has the secret that is `given_up`. Of two processes that come at once both are the same.
    async fn new_identity(&self, given_up: Option<InstallationSecret>) -> Result<Kept, ClientError> {
        if self.signer.is_some() {
            self.announce_key().await?;
        }
        let (key, private) = Key::fresh(self.signer.clone())?;
        let base_url = self.exchange.base_url.clone();
        let is_good = {
            let base_url = base_url.clone();
            move |kept: &Kept| kept.base_url == base_url && Some(&kept.secret) != given_up.as_ref()
        };
        let key = KeptKey { public: key.public().await?, private };
        let make = || Ok(Kept { base_url, secret: new_secret(), key, installation: None });
        let kept = self.vault.read_or_make(VAULT_KEY, is_good, make).await?;
        let key = self.key_of(&kept).ok_or_else(|| ClientError::internal("a key is not one"))?;
        self.exchange.signatures.set_key(key);
        Ok(kept)
    }

    async fn register(&self, kept: Kept) -> Result<Installation, ClientError> {
        let secret = kept.secret.clone();
        match self.register_as(kept).await {
            // The secret is known with a key that is lost.
            Err(error) if error.code() == ProblemCode::InstallationKeyMismatch.code() => {
                let kept = self.new_identity(Some(secret)).await?;
                self.register_as(kept).await
            }
            registered => registered,
        }
    }

    async fn register_as(&self, kept: Kept) -> Result<Installation, ClientError> {
        let public_key = Some(kept.key.public.clone());
        let body = serde_json::to_vec(&InstallationRequest { secret: kept.secret.clone(), public_key })
            .map_err(|_| ClientError::internal("a request has no JSON form"))?;
        let outgoing = Outgoing {
            method: "POST",
            path: "/v1/installations".to_owned(),
            body: Some(body),
            idempotency_key: Some(uuid::Uuid::new_v4().to_string()),
            captcha: None,
        };
        let answer = self.exchange.send(&outgoing, &Credential::AppKey).await;
        let answer = answer.map_err(|failed| failed.error)?;
        let installation: Installation = self.exchange.read(&outgoing, &answer)?;
        // It becomes a header: anything but visible ASCII in it would be somebody else's doing.
        if !installation.token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ClientError::unreadable(201, "its token is not one"));
        }
        self.vault.write(VAULT_KEY, &Kept { installation: Some(installation.clone()), ..kept }).await?;
        self.exchange.log.log(
            LogLevel::Info,
            "ringback::installation",
            "the installation is registered".to_owned(),
        );
        Ok(installation)
    }
}

/// Three version 4 UUIDs: 366 random bits from the operating system.
fn new_secret() -> InstallationSecret {
    let random = [(); 3].map(|()| uuid::Uuid::new_v4().into_bytes()).concat();
    InstallationSecret::new(URL_SAFE_NO_PAD.encode(random))
}
