//! A browser's side of message encryption: RFC 8291 over RFC 8188, one record.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};

const SALT: usize = 16;
const POINT: usize = 65;
const HEAD: usize = SALT + 4 + 1 + POINT;
const TAG: usize = 16;
const LAST_RECORD: u8 = 2;

/// The keys of one subscription.
pub(super) struct Keys {
    private: PrivateKey,
    pub(super) p256dh: Vec<u8>,
    pub(super) auth: [u8; 16],
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive<const N: usize>(from: &Prk, info: &[&[u8]]) -> Result<[u8; N], Unspecified> {
    let mut derived = [0; N];
    from.expand(info, Length(N))?.fill(&mut derived)?;
    Ok(derived)
}

impl Keys {
    pub(super) fn new(private: PrivateKey, auth: [u8; 16]) -> Result<Self, Unspecified> {
        let p256dh = private.compute_public_key()?.as_ref().to_vec();
        Ok(Self { private, p256dh, auth })
    }

    pub(super) fn generate() -> Result<Self, Unspecified> {
        let mut auth = [0; 16];
        aws_lc_rs::rand::fill(&mut auth)?;
        Self::new(PrivateKey::generate(&ECDH_P256)?, auth)
    }

    /// The plain text of an `aes128gcm` body.
    pub(super) fn decrypt(&self, body: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let (head, record) = body.split_at_checked(HEAD).ok_or(Unspecified)?;
        let (salt, rest) = head.split_at(SALT);
        let (size, sender) = (rest.first_chunk().ok_or(Unspecified)?, &rest[5..]);
        let fits = record.len() <= u32::from_be_bytes(*size) as usize;
        if usize::from(rest[4]) != POINT || !fits || record.len() <= TAG {
            return Err(Unspecified);
        }
        let info: [&[u8]; 3] = [b"WebPush: info\0", &self.p256dh, sender];
        let sender = UnparsedPublicKey::new(&ECDH_P256, sender);
        let input: [u8; 32] = agree(&self.private, sender, Unspecified, |secret| {
            derive(&Salt::new(HKDF_SHA256, &self.auth).extract(secret), &info)
        })?;
        let secret = Salt::new(HKDF_SHA256, salt).extract(&input);
        let key: [u8; 16] = derive(&secret, &[b"Content-Encoding: aes128gcm\0"])?;
        let nonce: [u8; 12] = derive(&secret, &[b"Content-Encoding: nonce\0"])?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?);
        let mut record = record.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let padded = key.open_in_place(nonce, Aad::empty(), &mut record)?;
        let end = padded.iter().rposition(|byte| *byte != 0).ok_or(Unspecified)?;
        if padded[end] == LAST_RECORD { Ok(padded[..end].to_vec()) } else { Err(Unspecified) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    /// RFC 8291, appendix A.
    #[test]
    fn the_example_of_the_rfc_is_read() {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let private = decode("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94");
        let keys = Keys::new(
            PrivateKey::from_private_key(&ECDH_P256, &private).unwrap(),
            decode("BTBZMqHH6r4Tts7J_aSIgg").try_into().unwrap(),
        )
        .unwrap();
        let public =
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
        assert_eq!(keys.p256dh, decode(public));
        let mut body = decode(concat!(
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz",
            "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
        ));
        let plain = keys.decrypt(&body).unwrap();
        assert_eq!(plain, b"When I grow up, I want to be a watermelon");
        *body.last_mut().unwrap() ^= 1;
        assert!(keys.decrypt(&body).is_err());
        assert!(keys.decrypt(&body[..HEAD]).is_err());
    }
}
