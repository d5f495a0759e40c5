//! The code that the agent says first, so that the person knows the call is genuine.
//!
//! Each attempt has a salt of its own, and the code is a keyed hash of it: it is stored nowhere, and whoever reads the
//! database without the vault's key learns nothing. It is told to the owner and to the desk, never in a push, an event
//! that is stored, or a webhook.

use super::model::Position;
use super::record::Record;
use crate::storage::Vault;
use ringback_core::protocol::SpokenCode;

/// Digits sound different from each other in every language; four are remembered at once and guessed once in 10 000.
const CODES: u64 = 10_000;

/// Whether the person is being called, or talked to: only then there is a code.
pub(super) fn is_due(at: Position) -> bool {
    matches!(at, Position::Routing(_) | Position::Processing)
}

/// 122 bits of the operating system's randomness.
pub(super) fn new_salt() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// The code that a salt stands for.
pub(crate) fn code(vault: &Vault, salt: &str) -> SpokenCode {
    let number = vault.secret_number("spoken_code", salt);
    SpokenCode::new(format!("{:04}", number % CODES))
}

impl Record {
    /// The code of this attempt; `None` while no call is due.
    pub fn spoken_code(&self, vault: &Vault) -> Option<SpokenCode> {
        self.spoken_salt.as_deref().map(|salt| code(vault, salt))
    }
}
