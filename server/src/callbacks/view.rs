//! A callback as its owner sees it at this moment: with its place in line and how long that takes.

use super::model::Position;
use super::record::Record;
use crate::centre::Centre;
use crate::line;
use crate::refusal::Refusal;
use crate::schedule::wall;
use crate::storage::Tx;
use ringback_core::protocol::{Callback, Timestamp};

impl Record {
    /// The callback as its owner sees it, with its place in line and the code that the agent will say.
    pub fn own_view(&self, tx: &mut Tx<'_>, centre: &Centre, now: Timestamp) -> Result<Callback, Refusal> {
        let spoken_code = self.spoken_code(&centre.vault);
        Ok(Callback { spoken_code, ..self.view(tx, centre, now)? })
    }

    /// The same without the code, for everybody else.
    pub fn view(&self, tx: &mut Tx<'_>, centre: &Centre, now: Timestamp) -> Result<Callback, Refusal> {
        let mut view = self.snapshot();
        if let Some(scheduled) = &mut view.scheduled {
            scheduled.local_now = wall::local_now(scheduled.at, &scheduled.zone, &scheduled.local);
        }
        if self.at == Position::Queued {
            let place = line::place_of(tx, centre, self, now)?;
            view.position = Some(place.position);
            view.wait = Some(place.wait);
        }
        Ok(view)
    }
}
