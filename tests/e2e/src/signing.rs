//! Signed requests as another client makes them, beside the SDK's own: RFC 9421 written out by hand.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

/// Why a request could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The request itself is wrong.
    #[error(transparent)]
    Request(#[from] reqwest::Error),
    /// The key refuses, or what it gives is no header.
    #[error("a key or a signature was refused")]
    Key,
}

impl From<Unspecified> for SigningError {
    fn from(_: Unspecified) -> Self {
        Self::Key
    }
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

/// A key to sign requests with.
pub struct Signing(Pair);

impl Signing {
    /// A fresh Ed25519 key.
    pub fn ed25519() -> Result<Self, SigningError> {
        Ok(Self(Pair::Ed25519(Ed25519KeyPair::generate()?)))
    }

    /// A fresh P-256 key.
    pub fn p256() -> Result<Self, SigningError> {
        Ok(Self(Pair::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?)))
    }

    /// The public half, as a registration takes it.
    pub fn public(&self) -> Value {
        let (algorithm, key) = match &self.0 {
            Pair::Ed25519(pair) => ("ed25519", pair.public_key().as_ref()),
            Pair::P256(pair) => ("ecdsa-p256-sha256", pair.public_key().as_ref()),
        };
        json!({ "algorithm": algorithm, "key": URL_SAFE_NO_PAD.encode(key) })
    }

    /// The request, signed as of this second under this nonce.
    pub fn sign(
        &self,
        request: RequestBuilder,
        created_s: i64,
        nonce: &str,
    ) -> Result<RequestBuilder, SigningError> {
        let (client, request) = request.build_split();
        let mut request = request?;
        let header = |text: String| HeaderValue::from_str(&text).map_err(|_| SigningError::Key);
        let mut base = format!("\"@method\": {}\n\"@target-uri\": {}\n", request.method(), request.url());
        let mut names = "\"@method\" \"@target-uri\"".to_owned();
        if let Some(body) = request.body().and_then(reqwest::Body::as_bytes) {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
            let digest = format!("sha-256=:{}:", STANDARD.encode(digest));
            base += &format!("\"content-digest\": {digest}\n");
            names += " \"content-digest\"";
            request.headers_mut().insert(HeaderName::from_static("content-digest"), header(digest)?);
        }
        if let Some(key) = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok()) {
            base += &format!("\"idempotency-key\": {key}\n");
            names += " \"idempotency-key\"";
        }
        let parameters = format!("({names});created={created_s};nonce=\"{nonce}\";tag=\"ringback\"");
        base += &format!("\"@signature-params\": {parameters}");
        let signature = match &self.0 {
            Pair::Ed25519(pair) => pair.sign(base.as_bytes()).as_ref().to_vec(),
            Pair::P256(pair) => pair.sign(&SystemRandom::new(), base.as_bytes())?.as_ref().to_vec(),
        };
        let headers = request.headers_mut();
        headers.insert("signature-input", header(format!("mine={parameters}"))?);
        headers.insert("signature", header(format!("mine=:{}:", STANDARD.encode(signature)))?);
        Ok(RequestBuilder::from_parts(client, request))
    }

    /// The request, signed now under a fresh nonce.
    pub fn sign_now(&self, request: RequestBuilder) -> Result<RequestBuilder, SigningError> {
        let mut nonce = [0; 16];
        aws_lc_rs::rand::fill(&mut nonce)?;
        self.sign(request, jiff::Timestamp::now().as_second(), &URL_SAFE_NO_PAD.encode(nonce))
    }

    /// Registers an installation with this key; its token.
    pub async fn register(&self, url: &str, app_key: &str, secret: &str) -> Result<String, SigningError> {
        let request = Client::new()
            .post(format!("{url}/v1/installations"))
            .header("Ringback-App-Key", app_key)
            .json(&json!({ "secret": secret, "public_key": self.public() }));
        let answer = self.sign_now(request)?.send().await?.error_for_status()?;
        Ok(answer.json::<Value>().await?["token"].as_str().unwrap_or_default().to_owned())
    }
}
