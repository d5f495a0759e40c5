//! Evidence of real devices, and what is wrong with it when one thing is changed.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    ios: String,
    team: String,
    bundle: String,
    key_id: String,
    client_data: String,
    attested_at: Timestamp,
    attestation: String,
    assertion_client_data: String,
    counter: u32,
    assertion: String,
}

fn vectors() -> Vec<Vector> {
    let vectors = serde_json::from_str::<Vectors>(include_str!("vectors.json")).unwrap().vectors;
    assert_eq!(vectors.len(), 2);
    vectors
}

fn base64(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

impl Vector {
    fn app(&self) -> String {
        format!("{}.{}", self.team, self.bundle)
    }

    fn judge(&self, change: impl FnOnce(&mut Case)) -> Result<AttestedKey, Fault> {
        let mut case = Case {
            object: base64(&self.attestation),
            key_id: base64(&self.key_id),
            client_data: base64(&self.client_data),
            apps: vec!["TEAM.com.example.other".to_owned(), self.app()],
            development: true,
            roots: vec![CertificateDer::from_pem_slice(APPLE_ROOT.as_bytes()).unwrap()],
            now: self.attested_at,
        };
        change(&mut case);
        let expected = Expected { apps: &case.apps, development: case.development, roots: &case.roots };
        attestation(&case.object, &case.key_id, &case.client_data, &expected, case.now)
    }

    fn assert(&self, public_key: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Result<u32, Fault> {
        let mut object = base64(&self.assertion);
        change(&mut object);
        assertion(&object, public_key, &base64(&self.assertion_client_data), &[self.app()])
    }
}

struct Case {
    object: Vec<u8>,
    key_id: Vec<u8>,
    client_data: Vec<u8>,
    apps: Vec<String>,
    development: bool,
    roots: Vec<CertificateDer<'static>>,
    now: Timestamp,
}

#[test]
fn real_devices_are_believed() {
    for vector in vectors() {
        let key = vector.judge(|_| ()).unwrap_or_else(|fault| panic!("iOS {}: {fault:?}", vector.ios));
        assert_eq!(sha256(&[&key.public_key]), base64(&vector.key_id));
        assert_eq!(vector.assert(&key.public_key, |_| ()), Ok(vector.counter));
    }
}

#[test]
fn whatever_does_not_fit_is_named() {
    for vector in vectors() {
        let days = |days: i64| jiff::SignedDuration::from_hours(24 * days);
        let later = vector.attested_at.checked_add(days(40)).unwrap();
        let earlier = vector.attested_at.checked_sub(days(40)).unwrap();
        assert_eq!(vector.judge(|case| case.client_data.push(0)), Err(Fault::Challenge));
        assert_eq!(vector.judge(|case| case.key_id[0] ^= 1), Err(Fault::Key));
        assert_eq!(vector.judge(|case| drop(case.apps.pop())), Err(Fault::App));
        assert_eq!(vector.judge(|case| case.development = false), Err(Fault::Environment));
        assert_eq!(vector.judge(|case| case.now = later), Err(Fault::Untrusted));
        assert_eq!(vector.judge(|case| case.now = earlier), Err(Fault::Untrusted));
        assert_eq!(vector.judge(|case| case.roots.clear()), Err(Fault::Untrusted));
        assert_eq!(vector.judge(|case| case.object.truncate(2000)), Err(Fault::Malformed));
        assert_eq!(vector.judge(|case| case.object.push(0)), Err(Fault::Malformed));
    }
}

#[test]
fn an_assertion_is_of_its_key_and_its_client_data() {
    let [first, second] = &vectors()[..] else { panic!("two") };
    let keys = [first, second].map(|vector| vector.judge(|_| ()).unwrap().public_key);
    assert_eq!(first.assert(&keys[1], |_| ()), Err(Fault::Signature));
    assert_eq!(first.assert(&keys[0], |object| object.truncate(40)), Err(Fault::Malformed));
    // The counter, the last byte, is signed too.
    assert_eq!(first.assert(&keys[0], |object| *object.last_mut().unwrap() = 9), Err(Fault::Signature));
    let other = assertion(&base64(&first.assertion), &keys[0], b"other", &[first.app()]);
    assert_eq!(other, Err(Fault::Signature));
    let elsewhere = ["TEAM.com.example.other".to_owned()];
    let client_data = base64(&first.assertion_client_data);
    assert_eq!(assertion(&base64(&first.assertion), &keys[0], &client_data, &elsewhere), Err(Fault::App));
}

proptest! {
    #[test]
    fn one_flipped_bit_is_noticed(at in 0_usize..3000, bit in 0_u8..8) {
        let vector = &vectors()[0];
        let object = base64(&vector.attestation);
        // Behind the certificates lies the receipt, which is for Apple's own service, and is not looked at.
        let receipt = object.windows(7).position(|window| window == b"receipt").unwrap();
        let at = at % receipt;
        let changed = vector.judge(|case| case.object[at] ^= 1 << bit);
        prop_assert!(changed.is_err(), "{at}");
    }
}
