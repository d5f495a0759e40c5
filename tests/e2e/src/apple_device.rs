//! A device with App Attest: an authority of its own stands in for Apple's, and the rest is as Apple documents it.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ciborium::Value;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384,
};

/// A device, or what it says, could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// A certificate.
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
    /// A key or a signature.
    #[error("a key was refused")]
    Key,
}

/// Makes certificates for devices, as Apple does.
pub struct AppleAuthority {
    root_pem: String,
    intermediate: Issuer<'static, KeyPair>,
    intermediate_der: Vec<u8>,
}

impl AppleAuthority {
    /// A fresh authority.
    pub fn new() -> Result<Self, DeviceError> {
        let authority = |name: &str| -> Result<CertificateParams, DeviceError> {
            let mut params = CertificateParams::new(Vec::new())?;
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            Ok(params)
        };
        let (root_params, root_key) = (authority("Root")?, KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?);
        let root_pem = root_params.self_signed(&root_key)?.pem();
        let root = Issuer::new(root_params, root_key);
        let (params, key) = (authority("Intermediate")?, KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?);
        let intermediate_der = params.signed_by(&key, &root)?.der().to_vec();
        Ok(Self { root_pem, intermediate: Issuer::new(params, key), intermediate_der })
    }

    /// What the server is told to trust.
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// A device on which the app has made a key.
    pub fn device(&self, app: &str) -> Result<AppleDevice<'_>, DeviceError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let pkcs8 = key.serialize_der();
        let signing = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8);
        let signing = signing.map_err(|_| DeviceError::Key)?;
        Ok(AppleDevice { authority: self, app: app.to_owned(), key, signing })
    }
}

/// A device with a key.
pub struct AppleDevice<'a> {
    authority: &'a AppleAuthority,
    app: String,
    key: KeyPair,
    signing: EcdsaKeyPair,
}

impl AppleDevice<'_> {
    /// The key's id, as `generateKey` gives it.
    pub fn key_id(&self) -> String {
        STANDARD.encode(sha256(self.key.public_key_raw()))
    }

    /// What `attestKey` gives, in base64. With what iOS 27 appends.
    pub fn attest(&self, client_data: &[u8]) -> Result<String, DeviceError> {
        let mut data = self.authenticator_data(0);
        data.extend_from_slice(b"appattest\0\0\0\0\0\0\0");
        data.extend_from_slice(&[0, 32]);
        data.extend_from_slice(&sha256(self.key.public_key_raw()));
        data.extend(cbor(&Value::Map(vec![(Value::from(1), Value::from(2))])));
        data.extend(cbor(&appended()));
        let nonce = sha256(&[&data[..], &sha256(client_data)].concat());
        let extension = [&[0x30, 36, 0xa1, 34, 0x04, 32][..], &nonce].concat();
        let oid = [1, 2, 840, 113_635, 100, 8, 2];
        let mut params = CertificateParams::new(Vec::new())?;
        params.custom_extensions.push(CustomExtension::from_oid_content(&oid, extension));
        let leaf = params.signed_by(&self.key, &self.authority.intermediate)?;
        let chain = [leaf.der().to_vec(), self.authority.intermediate_der.clone()].map(Value::Bytes);
        let statement = Value::Map(vec![
            ("x5c".into(), Value::Array(chain.to_vec())),
            ("receipt".into(), Value::Bytes(vec![1, 2, 3])),
        ]);
        let object = Value::Map(vec![
            ("fmt".into(), "apple-appattest".into()),
            ("attStmt".into(), statement),
            ("authData".into(), Value::Bytes(data)),
        ]);
        Ok(STANDARD.encode(cbor(&object)))
    }

    /// What `generateAssertion` gives at this count, in base64.
    pub fn assert(&self, client_data: &[u8], counter: u32) -> Result<String, DeviceError> {
        let data = [self.authenticator_data(counter), cbor(&appended())].concat();
        let nonce = sha256(&[&data[..], &sha256(client_data)].concat());
        let signature = self.signing.sign(&SystemRandom::new(), &nonce).map_err(|_| DeviceError::Key)?;
        let object = Value::Map(vec![
            ("signature".into(), Value::Bytes(signature.as_ref().to_vec())),
            ("authenticatorData".into(), Value::Bytes(data)),
        ]);
        Ok(STANDARD.encode(cbor(&object)))
    }

    fn authenticator_data(&self, counter: u32) -> Vec<u8> {
        [&sha256(self.app.as_bytes())[..], &[0x40], &counter.to_be_bytes()].concat()
    }
}

fn appended() -> Value {
    Value::Map(vec![("apple_bundle_version_01".into(), "1".into())])
}

fn cbor(value: &Value) -> Vec<u8> {
    let mut written = Vec::new();
    // Writing to memory does not fail.
    let _ = ciborium::into_writer(value, &mut written);
    written
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}
