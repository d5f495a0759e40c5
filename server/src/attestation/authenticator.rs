//! Authenticator data as App Attest sends it (`WebAuthn`, 6.1).

use super::app_attest::Fault;
use ciborium::Value;

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AuthenticatorData<'a> {
    /// SHA-256 of the app's id.
    pub(super) rp_id_hash: &'a [u8],
    /// Rises with every assertion.
    pub(super) counter: u32,
    /// Only in an attestation.
    pub(super) credential: Option<Credential<'a>>,
}

/// The key that is attested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Credential<'a> {
    /// Which environment of App Attest.
    pub(super) aaguid: &'a [u8],
    /// The key's id.
    pub(super) id: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    /// Reads that of an attestation: with the key, and from iOS 27 on with a CBOR map behind it.
    pub(super) fn of_attestation(data: &'a [u8]) -> Result<Self, Fault> {
        let (head, rest) = Self::head(data)?;
        let (aaguid, rest) = rest.split_at_checked(16).ok_or(Fault::Malformed)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(Fault::Malformed)?;
        let (id, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into()).ok_or(Fault::Malformed)?;
        // The certificate has the key too, and it is that one which counts.
        let rest = skip_map(rest)?;
        no_more_than_a_map(rest)?;
        Ok(Self { credential: Some(Credential { aaguid, id }), ..head })
    }

    /// Reads that of an assertion. Its flags are not looked at: Apple sets the one for a key without sending it, and not the one
    /// for the map of iOS 27.
    pub(super) fn of_assertion(data: &'a [u8]) -> Result<Self, Fault> {
        let (head, rest) = Self::head(data)?;
        no_more_than_a_map(rest)?;
        Ok(head)
    }

    fn head(data: &'a [u8]) -> Result<(Self, &'a [u8]), Fault> {
        let (rp_id_hash, rest) = data.split_at_checked(32).ok_or(Fault::Malformed)?;
        let (_flags, rest) = rest.split_first().ok_or(Fault::Malformed)?;
        let (counter, rest) = rest.split_first_chunk::<4>().ok_or(Fault::Malformed)?;
        Ok((Self { rp_id_hash, counter: u32::from_be_bytes(*counter), credential: None }, rest))
    }
}

/// What follows a CBOR map.
fn skip_map(mut data: &[u8]) -> Result<&[u8], Fault> {
    match ciborium::from_reader::<Value, _>(&mut data) {
        Ok(Value::Map(_)) => Ok(data),
        _ => Err(Fault::Malformed),
    }
}

fn no_more_than_a_map(data: &[u8]) -> Result<(), Fault> {
    if data.is_empty() || skip_map(data)?.is_empty() { Ok(()) } else { Err(Fault::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn assertion(tail: &[u8]) -> Vec<u8> {
        [&[7; 32][..], &[0x40], &[0, 0, 1, 2], tail].concat()
    }

    fn map() -> Vec<u8> {
        let mut written = Vec::new();
        let entries = ["apple_validation_category_01", "apple_bundle_version_01"];
        let entries = entries.map(|name| (Value::from(name), Value::from("1"))).to_vec();
        ciborium::into_writer(&Value::Map(entries), &mut written).unwrap();
        written
    }

    #[test]
    fn the_map_of_ios_27_may_follow_and_nothing_else() {
        let expected = AuthenticatorData { rp_id_hash: &[7; 32], counter: 258, credential: None };
        assert_eq!(AuthenticatorData::of_assertion(&assertion(&[])), Ok(expected.clone()));
        assert_eq!(AuthenticatorData::of_assertion(&assertion(&map())), Ok(expected));
        let twice = [map(), map()].concat();
        for tail in [&[0][..], &map()[..5], &twice, b"text"] {
            assert_eq!(AuthenticatorData::of_assertion(&assertion(tail)), Err(Fault::Malformed));
        }

        let key = &[0xa0][..];
        let attestation = |tail: &[u8]| [&assertion(&[])[..], &[1; 16], &[0, 3], b"key", tail].concat();
        for tail in [key.to_vec(), [key, &map()].concat()] {
            let data = attestation(&tail);
            let read = AuthenticatorData::of_attestation(&data).unwrap();
            assert_eq!(read.credential, Some(Credential { aaguid: &[1; 16], id: b"key" }));
        }
        for tail in [&[][..], &[0xa0, 0], &[0x80]] {
            assert_eq!(AuthenticatorData::of_attestation(&attestation(tail)), Err(Fault::Malformed));
        }
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_read_or_refused(data in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (AuthenticatorData::of_assertion(&data), AuthenticatorData::of_attestation(&data));
        }
    }
}
