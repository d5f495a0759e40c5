//! A device with Android Key Attestation: an authority of its own stands in for Google's, and the rest is as Android documents it.

use crate::DeviceError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PublicKeyData, SerialNumber, SignatureAlgorithm,
};

/// The serial number of the certificate that signs keys, in hexadecimal.
pub const BATCH_SERIAL: &str = "65d2949536924da695f5ae1eb290cd4d";

/// Makes certificates for keys of devices, as Google and a device do.
pub struct AndroidAuthority {
    root_pem: String,
    above: Vec<Vec<u8>>,
    batch: Issuer<'static, KeyPair>,
}

/// A key as the Keystore describes it.
#[derive(Debug, Clone)]
pub struct AndroidKey {
    /// The uncompressed point of P-256.
    pub point: Vec<u8>,
    /// What it was made for.
    pub challenge: String,
    /// The app.
    pub package: String,
    /// SHA-256 of the certificate that the app is signed with.
    pub certificate: Vec<u8>,
    /// 0 is software, 1 the trusted environment, 2 a secure element (`StrongBox`).
    pub level: u8,
    /// 0 is made here, 2 brought from elsewhere.
    pub origin: u8,
    /// 2 is to sign, 3 to verify.
    pub purposes: Vec<u8>,
    /// Whether the bootloader is locked.
    pub is_locked: bool,
    /// 0 is verified, 1 self-signed, 2 not verified.
    pub boot: u8,
}

impl AndroidKey {
    /// A sound device's key for this challenge.
    pub fn new(point: Vec<u8>, challenge: &str, package: &str, certificate: &[u8]) -> Self {
        Self {
            point,
            challenge: challenge.to_owned(),
            package: package.to_owned(),
            certificate: certificate.to_vec(),
            level: 1,
            origin: 0,
            purposes: vec![2],
            is_locked: true,
            boot: 0,
        }
    }

    fn description(&self) -> Vec<u8> {
        let package = der(0x30, &[der(0x04, self.package.as_bytes()), integer(1)].concat());
        let application = [der(0x31, &package), der(0x31, &der(0x04, &self.certificate))].concat();
        let application = der(0x04, &der(0x30, &application));
        let locked = der(0x01, &[if self.is_locked { 0xff } else { 0 }]);
        let boot = [der(0x04, &[7; 32]), locked, der(0x0a, &[self.boot]), der(0x04, &[8; 32])].concat();
        let purposes: Vec<u8> = self.purposes.iter().flat_map(|purpose| integer(*purpose)).collect();
        let software = tagged(709, &application);
        let hardware = [
            tagged(1, &der(0x31, &purposes)),
            tagged(2, &integer(3)),
            tagged(503, &der(0x05, &[])),
            tagged(702, &integer(self.origin)),
            tagged(704, &der(0x30, &boot)),
        ];
        let fields = [
            der(0x02, &[1, 0x2c]),
            der(0x0a, &[self.level]),
            der(0x02, &[1, 0x2c]),
            der(0x0a, &[self.level]),
            der(0x04, self.challenge.as_bytes()),
            der(0x04, &[]),
            der(0x30, &software),
            der(0x30, &hardware.concat()),
        ];
        der(0x30, &fields.concat())
    }

    /// The key's own certificate, signed by whoever signs keys, or says so.
    fn signed_by(&self, issuer: &Issuer<'static, KeyPair>) -> Result<Certificate, DeviceError> {
        let oid = [1, 3, 6, 1, 4, 1, 11129, 2, 1, 17];
        let mut params = named("Android Keystore Key")?;
        params.custom_extensions.push(CustomExtension::from_oid_content(&oid, self.description()));
        Ok(params.signed_by(&Point(self.point.clone()), issuer)?)
    }
}

impl AndroidAuthority {
    /// A fresh authority, with a device of its own.
    pub fn new() -> Result<Self, DeviceError> {
        let authority = |name: &str| -> Result<CertificateParams, DeviceError> {
            let mut params = named(name)?;
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            Ok(params)
        };
        let (params, key) = (authority("Root")?, KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?);
        let root_certificate = params.self_signed(&key)?;
        let root = Issuer::new(params, key);
        let (params, key) = (authority("Droid CA2")?, KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?);
        let middle_der = params.signed_by(&key, &root)?.der().to_vec();
        let middle = Issuer::new(params, key);
        let (mut params, key) = (authority("TEE")?, KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?);
        let serial = u128::from_str_radix(BATCH_SERIAL, 16).map_err(|_| DeviceError::Key)?;
        params.serial_number = Some(SerialNumber::from_slice(&serial.to_be_bytes()));
        let batch_der = params.signed_by(&key, &middle)?.der().to_vec();
        let above = vec![batch_der, middle_der, root_certificate.der().to_vec()];
        Ok(Self { root_pem: root_certificate.pem(), above, batch: Issuer::new(params, key) })
    }

    /// What the server is told to trust.
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// What the Keystore gives as the chain of this key, in base64.
    pub fn chain(&self, key: &AndroidKey) -> Result<Vec<String>, DeviceError> {
        let leaf = key.signed_by(&self.batch)?.der().to_vec();
        Ok([leaf].iter().chain(&self.above).map(|der| STANDARD.encode(der)).collect())
    }

    /// A chain that a sound device's owner has lengthened: a key of the Keystore may sign anything, a certificate too.
    pub fn lengthened(&self, sound: &AndroidKey, posing: &AndroidKey) -> Result<Vec<String>, DeviceError> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let sound = AndroidKey { point: pair.public_key_raw().to_vec(), ..sound.clone() };
        let chain = self.chain(&sound)?;
        let posing = posing.signed_by(&Issuer::new(named("Android Keystore Key")?, pair))?;
        Ok([STANDARD.encode(posing.der())].into_iter().chain(chain).collect())
    }
}

/// A key of which nothing but the point is known.
struct Point(Vec<u8>);

impl PublicKeyData for Point {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

fn named(name: &str) -> Result<CertificateParams, DeviceError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag], &length(content.len())[..], content].concat()
}

/// `[number] EXPLICIT`.
fn tagged(number: u16, content: &[u8]) -> Vec<u8> {
    let [high, low] = [number >> 7, number & 0x7f].map(|digit| u8::try_from(digit).unwrap_or_default());
    let tag = match number {
        0..31 => vec![0xa0 | low],
        _ => vec![0xbf, 0x80 | high, low],
    };
    [&tag, &length(content.len())[..], content].concat()
}

fn integer(number: u8) -> Vec<u8> {
    der(0x02, &[number])
}

fn length(length: usize) -> Vec<u8> {
    let [.., high, low] = length.to_be_bytes();
    match length {
        0..128 => vec![low],
        128..256 => vec![0x81, low],
        _ => vec![0x82, high, low],
    }
}
