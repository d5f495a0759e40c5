//! Installations: one copy of an app on one device.

use super::{BearerToken, InstallationSecret, PublicKey};
use serde::{Deserialize, Serialize};

/// The body of `POST /v1/installations`, sent with the app key. The same secret always gives the same installation,
/// and a new token, so a lost answer costs nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct InstallationRequest {
    /// 32 to 128 characters of the installation's own randomness.
    pub secret: InstallationSecret,
    /// The key with which the installation signs what it changes, beginning with this request. Registered once: from then on
    /// nothing is changed, and no token given, without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<PublicKey>,
}

/// The answer: who this installation is from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Installation {
    /// Opaque, `in_…`.
    pub id: String,
    /// For `Authorization: Bearer`; replaces every earlier one.
    pub token: BearerToken,
}
