//! What a customer's app learns, as people read it. States are called as everywhere else: see docs/states.md.

use crate::print::{Listed, Show, card, cell, coloured, table};
use crate::when;
use comfy_table::{Cell, Color};
use ringback_core::protocol::{
    Callback, CallbackEvent, CallbackState, CompletedReason, Confidence, Device, Offer, OfferedKind,
    ScheduledTime, Slot, SpokenCode, Timestamp, Validation, WaitEstimate, WaitStatus,
};
use ringback_server::words::word;
use serde::Serialize;

/// The wire's word for a value.
fn told<T: Serialize + Copy>(value: T) -> String {
    word(value).unwrap_or_default()
}

/// The state, and what it comes to: `queued`, `routing, notified`, `completed, handled`.
pub(crate) fn state(callback: &Callback) -> String {
    let more = callback.phase.map(told).or_else(|| callback.reason.map(told));
    let state = told(callback.state);
    more.map_or(state.clone(), |more| format!("{state}, {more}"))
}

pub(crate) fn state_cell(callback: &Callback) -> Cell {
    let color = match (callback.state, callback.reason) {
        _ if callback.confirm_by.is_some() => Color::DarkYellow,
        (CallbackState::Queued | CallbackState::Scheduled, _) => Color::DarkCyan,
        (CallbackState::Routing | CallbackState::Processing, _) | (_, Some(CompletedReason::Handled)) => {
            Color::DarkGreen
        }
        (_, Some(CompletedReason::Failed | CompletedReason::Unreachable | CompletedReason::NoAnswer)) => {
            Color::DarkRed
        }
        _ => return Cell::new(state(callback)),
    };
    coloured(state(callback), color)
}

/// The number to go by: nine in ten waits are shorter.
pub(crate) fn wait(wait: &WaitEstimate) -> String {
    match (wait.status, wait.p90_s) {
        (WaitStatus::Estimated, Some(p90_s)) => format!("up to {}", when::span(p90_s.into())),
        (WaitStatus::NoAgents, _) => "no agents".to_owned(),
        (WaitStatus::NoData, _) => "not known yet".to_owned(),
        (WaitStatus::Closed, _) => match wait.opens_at {
            Some(opens_at) => format!("opens {}", when::clock(opens_at)),
            None => "closed".to_owned(),
        },
        _ => "unknown".to_owned(),
    }
}

/// The same, with how sure it is and what half of all people wait.
fn wait_in_full(estimate: &WaitEstimate) -> String {
    let short = wait(estimate);
    let half = estimate.p50_s.map(|p50_s| format!("half of all: {}", when::span(p50_s.into())));
    let sure = estimate.confidence.map(|confidence: Confidence| format!("confidence: {}", told(confidence)));
    let more: Vec<_> = half.into_iter().chain(sure).collect();
    if more.is_empty() { short } else { format!("{short} ({})", more.join(", ")) }
}

fn promised(scheduled: &ScheduledTime) -> String {
    let shown = format!("{} {}", when::wall(&scheduled.local), scheduled.zone);
    match &scheduled.local_now {
        Some(local_now) => format!("{shown}, now {}", when::wall(local_now)),
        None => shown,
    }
}

fn place(position: u32) -> String {
    if position >= 1000 { "1000 or later".to_owned() } else { position.to_string() }
}

/// The question that is open, and how to answer it.
pub(crate) fn question(callback: &Callback, now: Timestamp) -> Option<String> {
    let left = when::left(callback.confirm_by?, now)?;
    Some(format!("{left} left: ringback call confirm {} ready", callback.id))
}

impl Show for Callback {
    fn id(&self) -> String {
        self.id.clone()
    }

    fn for_people(&self) -> String {
        let now = Timestamp::now();
        let not_before = self.not_before.filter(|not_before| *not_before > now);
        card([
            ("Callback", cell(Some(&self.id))),
            ("Service", cell(Some(&self.service))),
            ("State", Some(state_cell(self))),
            ("Answer", question(self, now).map(|question| coloured(question, Color::DarkYellow))),
            ("Agent says", cell(self.spoken_code.as_ref().map(SpokenCode::expose))),
            ("Place", cell(self.position.map(place))),
            ("Wait", cell(self.wait.as_ref().map(wait_in_full))),
            ("Promised", cell(self.scheduled.as_ref().map(promised))),
            ("Not before", cell(not_before.map(when::clock))),
            ("Calls so far", cell((self.attempts > 0).then_some(self.attempts))),
            ("Asked", cell(Some(when::clock(self.created_at)))),
        ])
    }
}

impl Listed for Callback {
    const HEAD: &'static [&'static str] = &["ID", "SERVICE", "STATE", "PLACE", "WAIT", "PROMISED", "ASKED"];

    fn id(&self) -> String {
        self.id.clone()
    }

    fn row(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.id),
            Cell::new(&self.service),
            state_cell(self),
            Cell::new(self.position.map(place).unwrap_or_default()),
            Cell::new(self.wait.as_ref().map(wait).unwrap_or_default()),
            Cell::new(self.scheduled.as_ref().map(promised).unwrap_or_default()),
            Cell::new(when::clock(self.created_at)),
        ]
    }
}

fn offered(kind: &OfferedKind) -> Cell {
    if kind.offered {
        return coloured("yes", Color::DarkGreen);
    }
    let why = kind.code.as_deref().unwrap_or("not offered");
    let again = kind.retry_at.map(|at| format!(", again {}", when::clock(at))).unwrap_or_default();
    coloured(format!("no: {why}{again}"), Color::DarkYellow)
}

/// More countries than this are counted, not listed.
const COUNTRIES_SHOWN: usize = 12;

impl Show for Offer {
    fn id(&self) -> String {
        self.service.clone()
    }

    fn for_people(&self) -> String {
        let countries = match self.countries.len() {
            0 => "none".to_owned(),
            1..=COUNTRIES_SHOWN => format!("from {}", self.countries.join(", ")),
            more => format!("from {more} countries"),
        };
        let captcha = (!self.captcha.is_empty()).then(|| self.captcha.join(", "));
        card([
            ("Service", cell(Some(&self.service))),
            ("Call now", Some(offered(&self.immediate))),
            ("Call later", Some(offered(&self.scheduled))),
            ("Wait", cell(Some(wait_in_full(&self.wait)))),
            ("Closes in", cell(self.closes_in_s.map(|closes_in_s| when::span(closes_in_s.into())))),
            ("Opens", cell(self.opens_at.map(when::clock))),
            ("Numbers", cell(Some(countries))),
            ("Without code", cell(self.default_country.as_ref())),
            ("CAPTCHA", cell(captcha)),
        ])
    }
}

impl Show for Validation {
    fn id(&self) -> String {
        if self.accepted { "accepted" } else { "refused" }.to_owned()
    }

    fn for_people(&self) -> String {
        let rows = self.checks.iter().map(|check| {
            let passed = if check.passed {
                coloured("ok", Color::DarkGreen)
            } else {
                coloured(check.code.as_deref().unwrap_or("refused"), Color::DarkRed)
            };
            let again = check.retry_at.map(|at| format!(" Again {}.", when::clock(at))).unwrap_or_default();
            let detail = format!("{}{again}", check.detail.as_deref().unwrap_or_default());
            vec![Cell::new(&check.check), passed, Cell::new(detail.trim())]
        });
        let verdict =
            if self.accepted { "A request would be accepted." } else { "A request would be refused." };
        format!("{}\n\n{verdict}", table(&["CHECK", "RESULT", "WHAT TO DO"], rows))
    }
}

impl Listed for Slot {
    const HEAD: &'static [&'static str] = &["TIME", "ZONE", "FREE", "TO TAKE IT"];

    fn id(&self) -> String {
        self.wall_time.local.clone()
    }

    fn row(&self) -> Vec<Cell> {
        let free = format!("{} of {}", self.capacity_left, self.capacity_total);
        vec![
            Cell::new(when::wall(&self.wall_time.local)),
            Cell::new(&self.wall_time.zone),
            if self.capacity_left == 0 { coloured(free, Color::DarkYellow) } else { Cell::new(free) },
            Cell::new(super::request::arguments(&self.wall_time)),
        ]
    }
}

impl Listed for Device {
    const HEAD: &'static [&'static str] = &["ID", "REGISTERED"];

    fn id(&self) -> String {
        self.id.clone()
    }

    fn row(&self) -> Vec<Cell> {
        vec![Cell::new(&self.id), Cell::new(when::clock(self.registered_at))]
    }
}

impl Show for Device {
    fn id(&self) -> String {
        self.id.clone()
    }

    fn for_people(&self) -> String {
        card([("Device", cell(Some(&self.id))), ("Registered", cell(Some(when::clock(self.registered_at))))])
    }
}

/// Whether a callback is where, or an event is what, somebody waits for.
pub(crate) fn is_called(callback: &Callback, word: &str) -> bool {
    let words = [Some(told(callback.state)), callback.phase.map(told), callback.reason.map(told)];
    words.into_iter().flatten().any(|own| own == word)
}

/// Whether that is what happened.
pub(crate) fn has_happened(event: &CallbackEvent, word: &str) -> bool {
    told(event.kind) == word || is_called(&event.callback, word)
}

/// One line for what happened: when, what, and what it means for the person.
pub(crate) fn event_line(event: &CallbackEvent) -> String {
    format!("{}  {}", when::clock(event.at), happened(event))
}

/// The same with the callback, where there are several.
pub(crate) fn event_line_with_id(event: &CallbackEvent) -> String {
    let callback = &event.callback;
    format!("{}  {}  {:<8}  {}", when::clock(event.at), callback.id, callback.service, happened(event))
}

fn happened(event: &CallbackEvent) -> String {
    let callback = &event.callback;
    let outcome = (callback.state == CallbackState::Completed).then(|| callback.reason.map(told)).flatten();
    let more = [
        outcome,
        callback.position.map(|position| format!("place {}", place(position))),
        callback.scheduled.as_ref().map(|scheduled| format!("for {}", promised(scheduled))),
        callback.confirm_by.map(|confirm_by| format!("answer by {}", when::clock(confirm_by))),
        callback.not_before.map(|not_before| format!("not before {}", when::clock(not_before))),
    ];
    let more: Vec<_> = more.into_iter().flatten().collect();
    format!("{:<14}  {}", told(event.kind), more.join(", ")).trim_end().to_owned()
}

/// Where a callback stands in line, in one line.
pub(crate) fn line_line(update: &ringback_core::protocol::LineUpdate) -> String {
    let place = match update.position {
        Some(position) => format!("place {}", place(position)),
        None => "not in line".to_owned(),
    };
    let wait = update.wait.as_ref().map(|estimate| format!(", wait {}", wait_in_full(estimate)));
    format!("{}  {place}{}", when::clock(update.at), wait.unwrap_or_default())
}
