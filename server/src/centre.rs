//! What a node knows of its contact centre besides what a transaction reads: the seal, the setup, the waits.

use crate::captcha::Watch;
use crate::line::Board;
use crate::refusal::Refusal;
use crate::services::{Setup, SetupCache};
use crate::storage::{Tx, Vault};
use std::sync::Arc;

/// What a node knows of its contact centre.
pub struct Centre {
    /// Seals and opens what must not be read in the database.
    pub vault: Arc<Vault>,
    setup: SetupCache,
    /// How long each line takes.
    pub board: Board,
    /// Who asked how often of late.
    pub captcha: Watch,
}

impl Centre {
    /// A node that knows nothing yet.
    pub fn new(vault: Arc<Vault>) -> Self {
        Self { vault, setup: SetupCache::default(), board: Board::default(), captcha: Watch::default() }
    }

    /// Says that [`setup`](Self::setup) will be asked; the setup as it was, for guesses at what will be read.
    pub fn announce_setup(&self, tx: &mut Tx<'_>) -> Result<Arc<Setup>, Refusal> {
        self.setup.announce(tx)
    }

    /// The setup as it was when a transaction last looked, for what can be done before the next does.
    pub fn remembered_setup(&self) -> Arc<Setup> {
        self.setup.remembered()
    }

    /// Services and what they name, as this transaction sees them.
    pub fn setup(&self, tx: &mut Tx<'_>) -> Result<Arc<Setup>, Refusal> {
        self.setup.current(tx, &self.vault)
    }
}
