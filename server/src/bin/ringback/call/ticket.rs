//! What to dial. The person at the terminal asked for the number and the code, so here they are shown.

use crate::print::{Show, card, cell, coloured};
use crate::when;
use comfy_table::Color;
use ringback_core::protocol::{CallTicket, Confirmation, Timestamp};

impl Show for CallTicket {
    fn id(&self) -> String {
        self.id.clone()
    }

    fn for_people(&self) -> String {
        let left = when::left(self.expires_at, Timestamp::now()).unwrap_or_else(|| "no time".to_owned());
        card([
            ("Dial", Some(coloured(self.number.expose(), Color::DarkGreen))),
            ("Type", Some(coloured(self.access_code.expose(), Color::DarkGreen))),
            ("Until", cell(Some(format!("{} ({left} left)", when::clock(self.expires_at))))),
            ("Link", cell(Some(self.tel_uri.expose()))),
        ])
    }
}

impl Show for Confirmation {
    fn id(&self) -> String {
        self.callback.id.clone()
    }

    fn for_people(&self) -> String {
        let callback = self.callback.for_people();
        match &self.ticket {
            Some(ticket) => format!("{callback}\n\n{}", ticket.for_people()),
            None => callback,
        }
    }
}
