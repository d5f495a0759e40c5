//! HTTP message signatures (RFC 9421), as they are read and checked: pure, with the time given.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ringback_core::protocol::{
    CONTENT_DIGEST_HEADER, IDEMPOTENCY_KEY_HEADER, KeyAlgorithm, PublicKey, SIGNATURE_WINDOW_S, Timestamp,
    signature_base,
};
use sfv::{BareItem, Dictionary, FieldType, InnerList, ListEntry, Parameters, Parser};

/// Longer nonces are not kept.
const NONCE_MAX_CHARS: usize = 64;
/// Of more components none would be ours.
const COMPONENTS_MAX: usize = 16;

/// Why a signature is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// The headers are not structured fields as the RFC has them.
    #[error("`Signature-Input` or `Signature` cannot be read. Write them as RFC 9421 does.")]
    Unreadable,
    /// There are signatures, but none for this API.
    #[error("No signature, or more than one, has the tag `ringback`.")]
    NotOurs,
    /// Something that was signed is not in the request, or is not supported.
    #[error("The signature covers a component that the request does not have or that is not known here.")]
    ComponentUnknown,
    /// Something that has to be signed is not.
    #[error("The signature does not cover `{0}`, which this request has.")]
    NotCovered(&'static str),
    /// A parameter is missing or has another type.
    #[error(
        "The signature needs the parameters `created`, a number, and `nonce`, a string of 1 to 64 characters."
    )]
    Parameters,
    /// It names another algorithm than the key's.
    #[error("The signature names another algorithm than the registered key's.")]
    Algorithm,
    /// It is from another time.
    #[error("The signature is of another time.")]
    Outdated,
    /// It was made by another key, or of another request.
    #[error("It was not made with the registered key, or not of this request as it arrived here.")]
    DoesNotVerify,
}

/// A signature as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    components: Vec<String>,
    /// As they stand in the last line of what was signed.
    parameters: String,
    signature: Vec<u8>,
    created_s: Option<i64>,
    expires_s: Option<i64>,
    nonce: Option<String>,
    algorithm: Option<String>,
}

impl Sent {
    /// Reads both headers. Labels are of no meaning: the one with this tag is taken, or with `None` the only one.
    pub(super) fn read(input: &str, signature: &str, tag: Option<&str>) -> Result<Self, Fault> {
        let parse = |text: &str| Parser::new(text).parse::<Dictionary>().map_err(|_| Fault::Unreadable);
        let (inputs, signatures) = (parse(input)?, parse(signature)?);
        let mut ours = inputs.iter().filter_map(|(label, entry)| match entry {
            ListEntry::InnerList(list) if tag.is_none() || text(&list.params, "tag").as_deref() == tag => {
                Some((label, list))
            }
            _ => None,
        });
        let (Some((label, list)), None) = (ours.next(), ours.next()) else { return Err(Fault::NotOurs) };
        let Some(ListEntry::Item(item)) = signatures.get(label) else { return Err(Fault::Unreadable) };
        let signature = item.bare_item.as_byte_sequence().ok_or(Fault::Unreadable)?.to_vec();
        if list.items.len() > COMPONENTS_MAX {
            return Err(Fault::ComponentUnknown);
        }
        Ok(Self {
            components: list.items.iter().map(component).collect::<Result<_, _>>()?,
            parameters: written(list)?,
            signature,
            created_s: integer(&list.params, "created"),
            expires_s: integer(&list.params, "expires"),
            nonce: text(&list.params, "nonce"),
            algorithm: text(&list.params, "alg"),
        })
    }

    /// What was signed; `value` gives the components of the request.
    pub(super) fn base(&self, value: impl Fn(&str) -> Option<String>) -> Result<String, Fault> {
        let values: Option<Vec<_>> =
            self.components.iter().map(|name| value(name).map(|value| (name.as_str(), value))).collect();
        let values = values.ok_or(Fault::ComponentUnknown)?;
        Ok(signature_base(values.iter().map(|(name, value)| (*name, value.as_str())), &self.parameters))
    }

    /// The nonce, when the signature covers what it has to and is of this time.
    pub(super) fn nonce(&self, needs: Needs, now: Timestamp) -> Result<&str, Fault> {
        let needed = [
            ("@method", true),
            ("@target-uri", true),
            (CONTENT_DIGEST_HEADER, needs.body),
            (IDEMPOTENCY_KEY_HEADER, needs.idempotency_key),
        ];
        let covers = |name: &str| self.components.iter().any(|component| component == name);
        if let Some((name, _)) = needed.into_iter().find(|(name, needed)| *needed && !covers(name)) {
            return Err(Fault::NotCovered(name));
        }
        let (Some(created_s), Some(nonce)) = (self.created_s, &self.nonce) else {
            return Err(Fault::Parameters);
        };
        if !(1..=NONCE_MAX_CHARS).contains(&nonce.len()) {
            return Err(Fault::Parameters);
        }
        let now_s = now.as_second();
        let is_over = self.expires_s.is_some_and(|expires_s| expires_s < now_s);
        if now_s.abs_diff(created_s) > u64::from(SIGNATURE_WINDOW_S) || is_over {
            return Err(Fault::Outdated);
        }
        Ok(nonce)
    }

    /// Whether the key made the signature of this text.
    pub(super) fn verify(&self, key: &PublicKey, base: &str) -> Result<(), Fault> {
        let (name, algorithm): (_, &dyn aws_lc_rs::signature::VerificationAlgorithm) = match key.algorithm {
            KeyAlgorithm::EcdsaP256Sha256 => ("ecdsa-p256-sha256", &ECDSA_P256_SHA256_FIXED),
            KeyAlgorithm::Ed25519 => ("ed25519", &ED25519),
        };
        if self.algorithm.as_deref().is_some_and(|named| named != name) {
            return Err(Fault::Algorithm);
        }
        let bytes = key_bytes(key).ok_or(Fault::DoesNotVerify)?;
        UnparsedPublicKey::new(algorithm, bytes)
            .verify(base.as_bytes(), &self.signature)
            .map_err(|_| Fault::DoesNotVerify)
    }
}

/// What a request has that its signature must cover, besides method and address.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Needs {
    pub(super) body: bool,
    pub(super) idempotency_key: bool,
}

/// The key itself, if it has the length of one.
pub(super) fn key_bytes(key: &PublicKey) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(&key.key).ok()?;
    let fits = match key.algorithm {
        KeyAlgorithm::EcdsaP256Sha256 => bytes.len() == 65 && bytes.first() == Some(&4),
        KeyAlgorithm::Ed25519 => bytes.len() == 32,
    };
    fits.then_some(bytes)
}

/// A component's name. Parameters of components say how to read them; none is needed here.
fn component(item: &sfv::Item) -> Result<String, Fault> {
    match &item.bare_item {
        BareItem::String(name) if item.params.is_empty() => Ok(name.as_str().to_owned()),
        BareItem::String(_) => Err(Fault::ComponentUnknown),
        _ => Err(Fault::Unreadable),
    }
}

fn written(list: &InnerList) -> Result<String, Fault> {
    vec![ListEntry::InnerList(list.clone())].serialize().ok_or(Fault::Unreadable)
}

fn text(parameters: &Parameters, name: &str) -> Option<String> {
    parameters.get(name)?.as_string().map(|text| text.as_str().to_owned())
}

fn integer(parameters: &Parameters, name: &str) -> Option<i64> {
    parameters.get(name)?.as_integer().map(i64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn pem_key(algorithm: KeyAlgorithm, spki: &str, length: usize) -> PublicKey {
        let spki = base64::engine::general_purpose::STANDARD.decode(spki).unwrap();
        PublicKey { algorithm, key: URL_SAFE_NO_PAD.encode(&spki[spki.len() - length..]) }
    }

    /// RFC 9421, B.1.3.
    fn rfc_p256() -> PublicKey {
        let spki = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==";
        pem_key(KeyAlgorithm::EcdsaP256Sha256, spki, 65)
    }

    /// RFC 9421, B.1.4.
    fn rfc_ed25519() -> PublicKey {
        let spki = "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=";
        pem_key(KeyAlgorithm::Ed25519, spki, 32)
    }

    /// RFC 9421, B.2.4: a response signed with ECDSA on P-256.
    #[test]
    fn the_rfcs_ecdsa_signature_verifies_and_only_as_it_is() {
        let input = r#"sig-b24=("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256""#;
        let signature = "sig-b24=:wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==:";
        let values = |length: &str| {
            let length = length.to_owned();
            move |name: &str| {
                let digest = "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:";
                match name {
                    "@status" => Some("200".to_owned()),
                    "content-type" => Some("application/json".to_owned()),
                    "content-digest" => Some(digest.to_owned()),
                    "content-length" => Some(length.clone()),
                    _ => None,
                }
            }
        };
        let sent = Sent::read(input, signature, None).unwrap();
        assert_eq!(sent.verify(&rfc_p256(), &sent.base(values("23")).unwrap()), Ok(()));
        let other = sent.base(values("24")).unwrap();
        assert_eq!(sent.verify(&rfc_p256(), &other), Err(Fault::DoesNotVerify));
        let other = PublicKey { algorithm: KeyAlgorithm::Ed25519, ..rfc_ed25519() };
        assert_eq!(sent.verify(&other, &sent.base(values("23")).unwrap()), Err(Fault::DoesNotVerify));
    }

    /// RFC 9421, B.2.6: a request signed with Ed25519.
    #[test]
    fn the_rfcs_ed25519_signature_verifies_and_only_as_it_is() {
        let input = r#"sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#;
        let signature = "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:";
        let value = |method: &'static str| {
            move |name: &str| {
                let value = match name {
                    "date" => "Tue, 20 Apr 2021 02:07:55 GMT",
                    "@method" => method,
                    "@path" => "/foo",
                    "@authority" => "example.com",
                    "content-type" => "application/json",
                    "content-length" => "18",
                    _ => return None,
                };
                Some(value.to_owned())
            }
        };
        let sent = Sent::read(input, signature, None).unwrap();
        assert_eq!(sent.verify(&rfc_ed25519(), &sent.base(value("POST")).unwrap()), Ok(()));
        let other = sent.base(value("PUT")).unwrap();
        assert_eq!(sent.verify(&rfc_ed25519(), &other), Err(Fault::DoesNotVerify));
    }

    const INPUT: &str =
        r#"sig=("@method" "@target-uri" "content-digest");created=1000;nonce="n";tag="ringback""#;

    fn ours(input: &str) -> Result<Sent, Fault> {
        Sent::read(input, "sig=:AAAA:, other=:BBBB:", Some("ringback"))
    }

    #[test]
    fn the_one_with_the_tag_is_ours() {
        let two = format!(r#"other=("@method");created=1, {INPUT}"#);
        assert_eq!(ours(&two).unwrap(), ours(INPUT).unwrap());
        assert_eq!(ours(r#"sig=("@method");created=1"#), Err(Fault::NotOurs));
        assert_eq!(ours(&format!("{INPUT}, {}", INPUT.replacen("sig", "other", 1))), Err(Fault::NotOurs));
        assert_eq!(ours(&INPUT.replacen("sig", "third", 1)), Err(Fault::Unreadable));
        assert_eq!(ours("sig="), Err(Fault::Unreadable));
        assert_eq!(ours(&INPUT.replace("\"@method\"", "\"@method\";req")), Err(Fault::ComponentUnknown));
    }

    #[test]
    fn it_covers_what_the_request_has() {
        let sent = ours(INPUT).unwrap();
        let nonce = |body, idempotency_key| sent.nonce(Needs { body, idempotency_key }, at(1000));
        assert_eq!(nonce(true, false), Ok("n"));
        assert_eq!(nonce(true, true), Err(Fault::NotCovered("idempotency-key")));
        let without = |gone: &str| ours(&INPUT.replace(gone, "")).unwrap();
        let needs = Needs { body: true, idempotency_key: false };
        let missing = |gone: &str| without(gone).nonce(needs, at(1000)).map(str::to_owned);
        assert_eq!(missing("\"content-digest\""), Err(Fault::NotCovered("content-digest")));
        assert_eq!(missing("\"@target-uri\" "), Err(Fault::NotCovered("@target-uri")));
        assert_eq!(missing("\"@method\" "), Err(Fault::NotCovered("@method")));
        assert_eq!(missing(";nonce=\"n\""), Err(Fault::Parameters));
        assert_eq!(missing(";created=1000"), Err(Fault::Parameters));
        let long = ours(&INPUT.replace("\"n\"", &format!("\"{}\"", "n".repeat(65)))).unwrap();
        assert_eq!(long.nonce(needs, at(1000)), Err(Fault::Parameters));
    }

    #[test]
    fn it_counts_for_five_minutes_either_way() {
        let needs = Needs::default();
        let sent = ours(INPUT).unwrap();
        let is_of = |second: i64| sent.nonce(needs, at(second)).is_ok();
        assert_eq!([699, 700, 1000, 1300, 1301].map(is_of), [false, true, true, true, false]);
        let short = ours(&INPUT.replace(";nonce", ";expires=1010;nonce")).unwrap();
        assert_eq!(short.nonce(needs, at(1010)), Ok("n"));
        assert_eq!(short.nonce(needs, at(1011)), Err(Fault::Outdated));
    }

    #[test]
    fn an_algorithm_that_is_named_is_the_keys() {
        let sent = ours(&INPUT.replace(";nonce", ";alg=\"ed25519\";nonce")).unwrap();
        assert_eq!(sent.verify(&rfc_p256(), "x"), Err(Fault::Algorithm));
    }

    #[test]
    fn keys_have_the_length_of_keys() {
        assert!(key_bytes(&rfc_p256()).is_some() && key_bytes(&rfc_ed25519()).is_some());
        for key in ["", "AAAA", "no base64 at all"] {
            assert_eq!(key_bytes(&PublicKey { key: key.to_owned(), ..rfc_p256() }), None);
        }
        assert_eq!(key_bytes(&PublicKey { key: rfc_ed25519().key, ..rfc_p256() }), None);
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_read_or_refused(input in ".{0,120}", signature in ".{0,60}", now in any::<i32>()) {
            if let Ok(sent) = Sent::read(&input, &signature, None) {
                let _ = sent.nonce(Needs::default(), at(now.into()));
                let _ = sent.verify(&rfc_ed25519(), &sent.base(|_| Some(String::new())).unwrap());
            }
        }
    }
}
