//! Signs what changes something, each time it is sent: a kept request that leaves after days has a signature of that
//! moment. See [`protocol`](crate::protocol) for what is signed.

use super::exchange::{Failed, Outgoing};
#[cfg(feature = "software-key")]
use super::software_key::SoftwareKey;
use super::{Boxed, ClientCode, ClientError};
use crate::host::{Clock, HostError, InstallationSigner, SignerKey, Stalled, blocking};
use crate::protocol::{
    CONTENT_DIGEST_HEADER, IDEMPOTENCY_KEY_HEADER, InstallationSecret, ProblemCode, PublicKey,
    SIGNATURE_HEADER, SIGNATURE_INPUT_HEADER, SIGNATURE_TAG, Timestamp, signature_base, target_uri,
};
use crate::transport::{HttpHeader, HttpRequest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// What an installation signs with.
#[derive(Clone)]
pub(crate) enum Key {
    /// Made here; kept in the host's secure store.
    #[cfg(feature = "software-key")]
    Own(Arc<SoftwareKey>),
    /// The platform's.
    Host(Arc<dyn InstallationSigner>),
}

impl Key {
    /// The platform's key; without one a fresh key of our own, and the text it is read from again.
    pub(crate) fn fresh(
        signer: Option<Arc<dyn InstallationSigner>>,
    ) -> Result<(Self, Option<InstallationSecret>), ClientError> {
        if let Some(signer) = signer {
            return Ok((Self::Host(signer), None));
        }
        #[cfg(feature = "software-key")]
        {
            let (key, text) = SoftwareKey::generate().ok_or_else(no_random)?;
            Ok((Self::Own(Arc::new(key)), Some(text)))
        }
        #[cfg(not(feature = "software-key"))]
        Err(no_key())
    }

    /// The key that was registered; `None` when it cannot be had here.
    pub(crate) fn kept(
        private: Option<&InstallationSecret>,
        signer: Option<Arc<dyn InstallationSigner>>,
    ) -> Option<Self> {
        match private {
            #[cfg(feature = "software-key")]
            Some(text) => Some(Self::Own(Arc::new(SoftwareKey::read(text)?))),
            #[cfg(not(feature = "software-key"))]
            Some(_) => None,
            None => signer.map(Self::Host),
        }
    }

    /// The public half.
    pub(crate) async fn public(&self) -> Result<PublicKey, ClientError> {
        let SignerKey { algorithm, key } = match self {
            #[cfg(feature = "software-key")]
            Self::Own(key) => key.public(),
            Self::Host(signer) => {
                let signer = signer.clone();
                settle(blocking(move || signer.public_key()).await)?
            }
        };
        Ok(PublicKey { algorithm, key: URL_SAFE_NO_PAD.encode(key) })
    }

    async fn sign(&self, base: String) -> Result<Vec<u8>, ClientError> {
        match self {
            #[cfg(feature = "software-key")]
            Self::Own(key) => key.sign(base.as_bytes()).ok_or_else(no_random),
            Self::Host(signer) => {
                let signer = signer.clone();
                let signature = settle(blocking(move || signer.sign(base.into_bytes())).await)?;
                fixed(signature).ok_or_else(|| ClientError::storage("its signature is none"))
            }
        }
    }
}

/// Refuses a client that could not sign: no key of the platform's, in a build that makes none.
pub(crate) fn check_signer(signer: Option<&Arc<dyn InstallationSigner>>) -> Result<(), ClientError> {
    let can_sign = signer.is_some() || cfg!(feature = "software-key");
    can_sign.then_some(()).ok_or_else(no_key)
}

fn no_key() -> ClientError {
    let detail =
        "this build makes no key of its own; give the client a signer, or build it with `software-key`";
    ClientError::invalid(ClientCode::ConfigInvalid.code(), detail, "signer")
}

#[cfg(feature = "software-key")]
fn no_random() -> ClientError {
    ClientError::storage("the system has no random numbers")
}

fn settle<T>(outcome: Result<Result<T, HostError>, Stalled>) -> Result<T, ClientError> {
    match outcome {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(ClientError::storage(&error.to_string())),
        Err(Stalled) => Err(ClientError::storage("its key gave no answer")),
    }
}

/// The 64 bytes of a signature that may be in DER.
fn fixed(signature: Vec<u8>) -> Option<Vec<u8>> {
    if signature.len() == 64 && !is_der(&signature) {
        return Some(signature);
    }
    let body = signature.strip_prefix(&[0x30])?;
    let (length, body) = body.split_first()?;
    let (r, rest) = integer(body)?;
    let (s, rest) = integer(rest)?;
    (usize::from(*length) == body.len() && rest.is_empty()).then(|| [r, s].concat())
}

/// Whether it is a SEQUENCE as long as it says. Of 64 random bytes one in 65 536 looks so at its head; the rest is looked at too.
fn is_der(signature: &[u8]) -> bool {
    let whole = |body: &[u8]| {
        integer(body).and_then(|(_, rest)| integer(rest)).is_some_and(|(_, rest)| rest.is_empty())
    };
    signature.starts_with(&[0x30, 62]) && signature.get(2..).is_some_and(whole)
}

/// A DER INTEGER as 32 bytes, and what follows it.
fn integer(der: &[u8]) -> Option<([u8; 32], &[u8])> {
    let (length, rest) = der.strip_prefix(&[0x02])?.split_first()?;
    let (digits, rest) = rest.split_at_checked((*length).into())?;
    let digits = digits.strip_prefix(&[0]).unwrap_or(digits);
    let mut integer = [0; 32];
    integer[32_usize.checked_sub(digits.len())?..].copy_from_slice(digits);
    Some((integer, rest))
}

/// Signs requests, once the key is known.
pub(crate) struct Signatures {
    base_url: String,
    clock: Arc<dyn Clock>,
    key: Mutex<Option<Key>>,
    /// How far the server's clock is ahead of this one, in seconds.
    ahead_s: AtomicI64,
    /// For the request that is on its way to the disk.
    early: Mutex<Option<Early>>,
}

/// The headers that a signature adds.
struct Signed {
    created_s: i64,
    headers: Vec<HttpHeader>,
}

/// A signature that is being made.
struct Early {
    idempotency_key: String,
    made: oneshot::Receiver<Signed>,
}

/// How old a signature may be when its request is sent.
const MAX_EARLY_S: i64 = 5;

impl Signatures {
    pub(crate) fn new(base_url: String, clock: Arc<dyn Clock>) -> Self {
        Self { base_url, clock, key: Mutex::default(), ahead_s: AtomicI64::new(0), early: Mutex::default() }
    }

    /// From now on `key` signs.
    pub(crate) fn set_key(&self, key: Key) {
        *self.early() = None;
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }

    /// The request with its signature, if it changes something.
    pub(crate) async fn sign(&self, mut request: HttpRequest) -> Result<HttpRequest, ClientError> {
        let Some(key) = self.key().filter(|_| request.method != "GET") else { return Ok(request) };
        let idempotency_key = request.headers.iter().find(|header| header.name == IDEMPOTENCY_KEY_HEADER);
        let idempotency_key = idempotency_key.map(|header| header.value.as_str());
        let early = match idempotency_key {
            Some(idempotency_key) => self.made_early(idempotency_key).await,
            None => None,
        };
        let signed = if let Some(signed) = early {
            signed
        } else {
            let path = request.url.strip_prefix(&self.base_url).unwrap_or_default();
            self.make(&key, (&request.method, path), request.body.as_deref(), idempotency_key).await?
        };
        request.headers.extend(signed.headers);
        Ok(request)
    }

    /// Signs a request that is about to be sent, while the disk is waited for.
    pub(crate) async fn sign_early(&self, outgoing: &Outgoing) {
        let (Some(key), Some(idempotency_key)) = (self.key(), &outgoing.idempotency_key) else { return };
        let (tell, made) = oneshot::channel();
        *self.early() = Some(Early { idempotency_key: idempotency_key.clone(), made });
        let what = (outgoing.method, outgoing.path.as_str());
        // What fails now fails again, and is told, when it is sent.
        if let Ok(signed) = self.make(&key, what, outgoing.body.as_deref(), Some(idempotency_key)).await {
            drop(tell.send(signed));
        }
    }

    async fn made_early(&self, idempotency_key: &str) -> Option<Signed> {
        let is_meant = |early: &mut Early| early.idempotency_key == idempotency_key;
        let Early { made, .. } = self.early().take_if(is_meant)?;
        // A request that had to wait for its turn is signed when it is sent.
        made.await
            .ok()
            .filter(|signed| (0..=MAX_EARLY_S).contains(&(self.server_time_s() - signed.created_s)))
    }

    fn key(&self) -> Option<Key> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn early(&self) -> MutexGuard<'_, Option<Early>> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn server_time_s(&self) -> i64 {
        self.clock.now().as_second().saturating_add(self.ahead_s.load(Ordering::Relaxed))
    }

    /// Boxed, as it is awaited in two places.
    fn make<'a>(
        &'a self,
        key: &'a Key,
        (method, path): (&'a str, &'a str),
        body: Option<&'a [u8]>,
        idempotency_key: Option<&'a str>,
    ) -> Boxed<'a, Result<Signed, ClientError>> {
        Box::pin(async move {
            let target = target_uri(&self.base_url, path);
            let digest = body.map(|body| format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(body))));
            let mut components = vec![("@method", method), ("@target-uri", target.as_str())];
            components.extend(digest.as_deref().map(|digest| (CONTENT_DIGEST_HEADER, digest)));
            components.extend(idempotency_key.map(|key| (IDEMPOTENCY_KEY_HEADER, key)));
            let names: Vec<_> = components.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            let created_s = self.server_time_s();
            let nonce = URL_SAFE_NO_PAD.encode(uuid::Uuid::new_v4().into_bytes());
            let parameters = format!(
                "({});created={created_s};nonce=\"{nonce}\";tag=\"{SIGNATURE_TAG}\"",
                names.join(" ")
            );
            let signature = key.sign(signature_base(components, &parameters)).await?;
            let header = |name: &str, value| HttpHeader { name: name.to_owned(), value };
            let mut headers = vec![
                header(SIGNATURE_INPUT_HEADER, format!("sig={parameters}")),
                header(SIGNATURE_HEADER, format!("sig=:{}:", STANDARD.encode(signature))),
            ];
            headers.extend(digest.map(|digest| header(CONTENT_DIGEST_HEADER, digest)));
            Ok(Signed { created_s, headers })
        })
    }

    /// Whether the same request, signed anew, is another one to the server: its clock is known now, or something on the way
    /// had sent the first one twice.
    pub(crate) fn can_mend(&self, failed: &Failed) -> bool {
        if failed.error.code() == ProblemCode::SignatureReplayed.code() {
            return true;
        }
        let outdated = failed.error.code() == ProblemCode::SignatureOutdated.code();
        let Some(server_time) = failed.server_time.filter(|_| outdated) else { return false };
        self.ahead_s.store(seconds_between(self.clock.now(), server_time), Ordering::Relaxed);
        true
    }
}

fn seconds_between(earlier: Timestamp, later: Timestamp) -> i64 {
    later.as_second().saturating_sub(earlier.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::ecdsa::signature::{Signer, Verifier};
    use p256::ecdsa::{Signature, SigningKey};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn der_and_fixed_are_the_same_signature(
            message in prop::collection::vec(any::<u8>(), 0..40),
            key in prop::array::uniform32(1u8..255),
        ) {
            let key = SigningKey::from_slice(&key).expect("less than the order");
            let signature: Signature = key.sign(&message);
            let from_der = fixed(signature.to_der().as_bytes().to_vec()).unwrap();
            prop_assert_eq!(&from_der, &signature.to_bytes().to_vec());
            prop_assert_eq!(fixed(from_der.clone()), Some(from_der.clone()));
            let signature = Signature::from_slice(&from_der).unwrap();
            prop_assert!(key.verifying_key().verify(&message, &signature).is_ok());
        }

        #[test]
        fn whatever_a_host_gives_is_taken_apart(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = fixed(bytes);
        }
    }

    /// A clock that the test sets.
    struct Set(AtomicI64);

    impl Clock for Set {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.0.load(Ordering::SeqCst)).expect("a time")
        }
    }

    /// Says in its signatures which key it is.
    struct Numbered(u8);

    impl InstallationSigner for Numbered {
        fn public_key(&self) -> Result<SignerKey, HostError> {
            Err(HostError::Unavailable)
        }

        fn sign(&self, _: Vec<u8>) -> Result<Vec<u8>, HostError> {
            Ok(vec![self.0; 64])
        }
    }

    fn request(key: &str) -> (Outgoing, HttpRequest) {
        let outgoing = Outgoing {
            method: "POST",
            path: "/v1/callbacks".to_owned(),
            body: Some(b"{}".to_vec()),
            idempotency_key: Some(key.to_owned()),
            captcha: None,
        };
        let request = HttpRequest {
            method: "POST".to_owned(),
            url: "https://a.example/v1/callbacks".to_owned(),
            headers: vec![HttpHeader { name: IDEMPOTENCY_KEY_HEADER.to_owned(), value: key.to_owned() }],
            body: outgoing.body.clone(),
            timeout_ms: 1,
            max_answer_bytes: 1,
            pins: Vec::new(),
        };
        (outgoing, request)
    }

    #[tokio::test]
    async fn a_signature_made_early_is_used_once_soon_and_by_its_own_request() {
        let clock = Arc::new(Set(AtomicI64::new(1000)));
        let signatures = Signatures::new("https://a.example".to_owned(), clock.clone());
        signatures.set_key(Key::Host(Arc::new(Numbered(1))));
        let sign = async |key: &str| {
            let headers = signatures.sign(request(key).1).await.expect("signed").headers;
            let value =
                |name: &str| headers.iter().find(|header| header.name == name).expect(name).value.clone();
            assert_eq!(headers.iter().filter(|header| header.name == CONTENT_DIGEST_HEADER).count(), 1);
            (value(SIGNATURE_INPUT_HEADER), value(SIGNATURE_HEADER))
        };
        let created = |input: &str| {
            input.split(";created=").nth(1).and_then(|rest| rest.split(';').next()).map(str::to_owned)
        };
        let at = |second: &str| Some(second.to_owned());

        signatures.sign_early(&request("a").0).await;
        clock.0.store(1005, Ordering::SeqCst);
        let (other, _) = sign("b").await;
        let (early, _) = sign("a").await;
        let (again, _) = sign("a").await;
        assert_eq!(
            [&other, &early, &again].map(|input| created(input)),
            [at("1005"), at("1000"), at("1005")]
        );
        assert_ne!(other, again, "a nonce each");

        signatures.sign_early(&request("a").0).await;
        clock.0.store(1011, Ordering::SeqCst);
        assert_eq!(created(&sign("a").await.0), at("1011"), "too old");

        signatures.sign_early(&request("a").0).await;
        signatures.set_key(Key::Host(Arc::new(Numbered(2))));
        assert_eq!(sign("a").await.1, format!("sig=:{}:", STANDARD.encode([2; 64])), "by the key of now");
    }

    #[test]
    fn a_build_without_keys_of_its_own_wants_a_signer() {
        let checked = check_signer(None);
        if cfg!(feature = "software-key") {
            assert_eq!(checked, Ok(()));
        } else {
            assert_eq!(checked.unwrap_err().code(), "config_invalid");
        }
    }

    #[test]
    fn short_integers_are_filled_up() {
        let der = [&[0x30, 8, 2, 2, 0, 0xff, 2, 2, 1, 2][..]].concat();
        let fixed = fixed(der).unwrap();
        assert_eq!((fixed.len(), fixed[31], &fixed[62..]), (64, 0xff, &[1, 2][..]));
    }
}
