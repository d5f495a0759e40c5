//! The token that came with a request.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use ringback_core::protocol::{CAPTCHA_HEADER, CaptchaToken};
use std::convert::Infallible;

/// Longer than any provider's token.
const TOKEN_MAX_BYTES: usize = 8192;

/// What stands in the CAPTCHA header. Whether it is needed is known only later, so nothing is refused here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presented {
    /// There is no such header.
    Nothing,
    /// It is not a provider and a token.
    Malformed,
    /// A token.
    Token {
        /// Whose it claims to be.
        provider: String,
        /// As it was sent.
        token: CaptchaToken,
    },
}

impl<S: Send + Sync> FromRequestParts<S> for Presented {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.headers.get(CAPTCHA_HEADER).map_or(Self::Nothing, |header| read(header.as_bytes())))
    }
}

fn read(header: &[u8]) -> Presented {
    let text = std::str::from_utf8(header).unwrap_or_default();
    match text.split_once(' ') {
        Some((provider, token))
            if (1..=TOKEN_MAX_BYTES).contains(&token.len())
                && token.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Presented::Token { provider: provider.to_owned(), token: token.into() }
        }
        _ => Presented::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_provider_and_a_token() {
        let token = Presented::Token { provider: "altcha".to_owned(), token: "eyJ9".into() };
        assert_eq!(read(b"altcha eyJ9"), token);
        for header in [&b""[..], b"altcha", b"altcha ", b"altcha a b", b"altcha \xff", &[b'a'; 9000]] {
            assert_eq!(read(header), Presented::Malformed);
        }
    }
}
