//! What an agent sees. Here numbers and names are shown: the agent is to call that person.

use crate::Failure;
use crate::call::view::state_cell;
use crate::print::{self, Show, card, cell, coloured};
use crate::when;
use comfy_table::{Cell, Color};
use ringback_core::protocol::{ContextValue, Journey, PersonName, RoutingPhase};
use ringback_server::call_in::MatchedCallIn;
use ringback_server::callbacks::StaffCallback;
use ringback_server::routing::agents::{AgentState, Desk};
use ringback_server::words::word;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// Titles and where the values are.
pub(super) const PUSH_COLUMNS: &[(&str, &str)] = &[
    ("DELIVERY", "/id"),
    ("EVENT", "/event"),
    ("PROVIDER", "/provider"),
    ("STATE", "/state"),
    ("TRIES", "/attempts"),
    ("REASON", "/reason"),
    ("SENT", "/sent_at"),
    ("RECEIVED", "/received_at"),
    ("OPENED", "/opened_at"),
    ("ANSWERED", "/answered_at"),
];

/// What to do about pushes that did not get through, each reason once.
pub(super) fn advice(pushes: &[Value]) -> Result<(), Failure> {
    let text = |push: &Value, at: &str| push.pointer(at).and_then(Value::as_str).map(str::to_owned);
    let told: BTreeMap<_, _> = pushes
        .iter()
        .filter_map(|push| {
            Some((text(push, "/reason")?, (text(push, "/advice/meaning")?, text(push, "/advice/to_do")?)))
        })
        .collect();
    for (reason, (meaning, to_do)) in told {
        print::line(format!("\n{reason}\n  {meaning}\n  To do: {to_do}"))?;
    }
    Ok(())
}

impl Show for Desk {
    /// The callback at hand, which is what commands want; nothing when the desk is empty.
    fn id(&self) -> String {
        self.callback.as_ref().map(|at_hand| at_hand.callback.id.clone()).unwrap_or_default()
    }

    fn for_people(&self) -> String {
        let state = word(self.state).unwrap_or_default();
        let state = match &self.reason {
            Some(reason) => format!("{state} ({reason})"),
            None => state,
        };
        let color = match self.state {
            AgentState::Ready => Color::DarkGreen,
            AgentState::Reserved | AgentState::OnCall => Color::DarkYellow,
            AgentState::Offline | AgentState::NotReady | AgentState::WrapUp => Color::Reset,
        };
        let agent = [
            ("Agent", cell(Some(&self.name))),
            ("State", Some(coloured(state, color))),
            ("Since", cell(Some(when::clock(self.since)))),
            ("Then", cell(self.then_state.and_then(|state| word(state).ok()))),
        ];
        match &self.callback {
            None => card(agent),
            Some(at_hand) => card(agent.into_iter().chain(at_the_desk(at_hand))),
        }
    }
}

/// The callback at hand: whom to call and why.
fn at_the_desk(at_hand: &StaffCallback) -> Vec<(&'static str, Option<Cell>)> {
    let callback = &at_hand.callback;
    let number = at_hand.number.expose();
    let is_to_dial = callback.phase == Some(RoutingPhase::Connecting);
    let number =
        if is_to_dial { ("Dial", coloured(number, Color::DarkGreen)) } else { ("Number", Cell::new(number)) };
    let mut rows = vec![
        ("Callback", cell(Some(&callback.id))),
        ("Service", cell(Some(&callback.service))),
        ("State", Some(state_cell(callback))),
        (number.0, Some(number.1)),
        ("Say first", callback.spoken_code.as_ref().map(|code| coloured(code.expose(), Color::DarkGreen))),
        ("Name", cell(at_hand.name.as_ref().map(PersonName::expose))),
        ("Context", values(&at_hand.context)),
        ("Asked", cell(Some(when::clock(callback.created_at)))),
        ("Priority", cell((at_hand.priority > 0).then_some(at_hand.priority))),
        ("Calls so far", cell(calls(at_hand))),
    ];
    if let Some(Journey { screens, form }) = &at_hand.journey {
        let screens: Vec<_> = screens.iter().map(|screen| screen.name.expose()).collect();
        rows.insert(7, ("Screens", cell((!screens.is_empty()).then(|| screens.join(" > ")))));
        rows.insert(8, ("Form", values(form)));
    }
    rows
}

fn calls(at_hand: &StaffCallback) -> Option<String> {
    let calls = at_hand.calls.iter().map(|call| {
        format!("{} {}", when::clock(call.began_at), call.result.as_deref().unwrap_or("under way"))
    });
    let calls: Vec<_> = calls.collect();
    (!calls.is_empty()).then(|| calls.join("\n"))
}

/// One a line, by name.
fn values(values: &HashMap<String, ContextValue>) -> Option<Cell> {
    let mut lines: Vec<_> =
        values.iter().map(|(name, value)| format!("{name}: {}", value.expose())).collect();
    lines.sort();
    (!lines.is_empty()).then(|| Cell::new(lines.join("\n")))
}

impl Show for MatchedCallIn {
    fn id(&self) -> String {
        self.id.clone()
    }

    fn for_people(&self) -> String {
        card([
            ("Call-in", cell(Some(&self.id))),
            ("Service", cell(Some(&self.service))),
            ("Callback", cell(self.callback_id.as_ref())),
            ("Name", cell(self.name.as_ref().map(PersonName::expose))),
            ("Context", values(&self.context)),
        ])
    }
}
