//! Requests that change something are signed by the installation's key: HTTP message signatures (RFC 9421) over method,
//! address, body digest (RFC 9530) and idempotency key, with the time and a nonce. Both sides build the text that is
//! signed from here; the server reads what was sent by itself.

use serde::{Deserialize, Serialize};

/// The header with the signature.
pub const SIGNATURE_HEADER: &str = "signature";
/// The header that says what is signed, when, and under which nonce.
pub const SIGNATURE_INPUT_HEADER: &str = "signature-input";
/// The header with the digest of the body.
pub const CONTENT_DIGEST_HEADER: &str = "content-digest";
/// The `tag` of signatures that are meant for this API.
pub const SIGNATURE_TAG: &str = "ringback";
/// A signature counts for so many seconds before and after the server's time.
pub const SIGNATURE_WINDOW_S: u32 = 300;

/// How an installation signs; the names of the HTTP signature algorithms registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum KeyAlgorithm {
    /// ECDSA on P-256 with SHA-256, which key stores of phones have in hardware. The key is the uncompressed point, 65
    /// bytes.
    #[serde(rename = "ecdsa-p256-sha256")]
    EcdsaP256Sha256,
    /// Ed25519. The key has 32 bytes.
    #[serde(rename = "ed25519")]
    Ed25519,
}

/// The public half of an installation's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PublicKey {
    /// How it signs.
    pub algorithm: KeyAlgorithm,
    /// The key, in base64url without padding.
    pub key: String,
}

/// The text that is signed: a line for each component, and one for the parameters (RFC 9421, 2.5).
pub fn signature_base<'a>(
    components: impl IntoIterator<Item = (&'a str, &'a str)>,
    parameters: &str,
) -> String {
    let mut base = String::new();
    for (name, value) in components {
        base.extend(["\"", name, "\": ", value, "\n"]);
    }
    base.extend(["\"@signature-params\": ", parameters]);
    base
}

/// `@target-uri` of a request to `path` behind `base_url`. Scheme and host are in lower case and the scheme's own port is
/// left out, as HTTP stacks on the way do.
pub fn target_uri(base_url: &str, path: &str) -> String {
    let (scheme, rest) = base_url.split_once("://").unwrap_or(("https", base_url));
    let (authority, prefix) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (scheme, authority) = (scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
    let own_port = if scheme == "http" { ":80" } else { ":443" };
    let authority = authority.strip_suffix(own_port).unwrap_or(&authority);
    format!("{scheme}://{authority}{}{path}", prefix.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_the_same_are_written_the_same() {
        for base in
            ["https://calls.example.com", "HTTPS://Calls.Example.com:443/", "https://calls.example.com/"]
        {
            assert_eq!(target_uri(base, "/v1/callbacks?x=Y"), "https://calls.example.com/v1/callbacks?x=Y");
        }
        assert_eq!(target_uri("http://[::1]:80", "/v1"), "http://[::1]/v1");
        assert_eq!(target_uri("http://127.0.0.1:8080", "/v1"), "http://127.0.0.1:8080/v1");
        assert_eq!(target_uri("https://example.com/Calls", "/v1"), "https://example.com/Calls/v1");
        assert_eq!(target_uri("https://example.com:80", "/v1"), "https://example.com:80/v1");
    }

    /// RFC 9421, B.2.6.
    #[test]
    fn the_base_is_the_one_of_the_rfc() {
        let components = [("date", "Tue, 20 Apr 2021 02:07:55 GMT"), ("@method", "POST"), ("@path", "/foo")];
        let base = signature_base(components, "(\"date\" \"@method\" \"@path\");created=1618884473");
        let lines = [
            "\"date\": Tue, 20 Apr 2021 02:07:55 GMT",
            "\"@method\": POST",
            "\"@path\": /foo",
            "\"@signature-params\": (\"date\" \"@method\" \"@path\");created=1618884473",
        ];
        assert_eq!(base, lines.join("\n"));
    }
}
