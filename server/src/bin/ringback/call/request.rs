//! What a request for a call is made of, on the command line.

use clap::Args;
use ringback_core::protocol::{
    CallInRequest, CallbackRequest, ContextValue, Fold, Journey, PersonName, PhoneNumber, Screen, WallTime,
};
use std::collections::HashMap;

#[derive(Args)]
pub(super) struct Request {
    /// The service
    service: String,
    /// The number to call, E.164: +4930901820
    number: String,
    /// How to address the person
    #[arg(long)]
    name: Option<String>,
    /// What the agent should know, as KEY=VALUE; repeat for more
    #[arg(long = "context", value_parser = key_value)]
    context: Vec<(String, String)>,
    /// A screen the person saw; repeat for more, oldest first
    #[arg(long = "screen")]
    screens: Vec<String>,
    /// What the person entered, as KEY=VALUE; repeat for more
    #[arg(long = "form", value_parser = key_value)]
    form: Vec<(String, String)>,
    /// What the agent must be able to do, as NAME=LEVEL; repeat for more
    #[arg(long = "skill", value_parser = skill)]
    skills: Vec<(String, u32)>,
    /// How urgent it is
    #[arg(long)]
    priority: Option<u32>,
    #[command(flatten)]
    time: Time,
}

#[derive(Args)]
pub(super) struct Time {
    /// When to call, as the clock shows it: 2026-12-24T10:30
    #[arg(long, requires = "zone")]
    at: Option<String>,
    /// Where that clock hangs, for example Europe/Berlin
    #[arg(long, requires = "at")]
    zone: Option<String>,
    /// Which of two equal times, when clocks go back: earlier or later
    #[arg(long, requires = "at", value_parser = fold)]
    fold: Option<Fold>,
}

#[derive(Args)]
pub(super) struct CallIn {
    /// The service
    service: String,
    /// The number the call will come from, E.164
    #[arg(long)]
    caller_number: Option<String>,
    /// How to address the person
    #[arg(long)]
    name: Option<String>,
    /// What the agent should know, as KEY=VALUE; repeat for more
    #[arg(long = "context", value_parser = key_value)]
    context: Vec<(String, String)>,
}

impl CallIn {
    pub(super) fn call_in_request(self) -> CallInRequest {
        CallInRequest {
            service: self.service,
            caller_number: self.caller_number.map(PhoneNumber::new),
            name: self.name.map(PersonName::new),
            context: values(self.context),
        }
    }
}

impl Time {
    pub(super) fn wall_time(self) -> Option<WallTime> {
        let (local, zone) = self.at.zip(self.zone)?;
        Some(WallTime { local, zone, fold: self.fold })
    }
}

impl Request {
    pub(super) fn callback_request(self) -> CallbackRequest {
        let screen = |name| Screen { name: ContextValue::new(name), entered_at: None };
        let journey =
            Journey { screens: self.screens.into_iter().map(screen).collect(), form: values(self.form) };
        CallbackRequest {
            name: self.name.map(PersonName::new),
            context: values(self.context),
            journey: Some(journey).filter(|journey| *journey != Journey::default()),
            skills: self.skills.into_iter().collect(),
            priority: self.priority,
            scheduled_for: self.time.wall_time(),
            ..CallbackRequest::new(self.service, self.number)
        }
    }
}

fn values(pairs: Vec<(String, String)>) -> HashMap<String, ContextValue> {
    pairs.into_iter().map(|(key, value)| (key, ContextValue::new(value))).collect()
}

/// A time as the command line takes it, ready to be pasted.
pub(crate) fn arguments(time: &WallTime) -> String {
    let fold = match time.fold {
        None => "",
        Some(Fold::Earlier) => " --fold earlier",
        Some(Fold::Later) => " --fold later",
    };
    format!("--at {} --zone {}{fold}", time.local, time.zone)
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn skill(text: &str) -> Result<(String, u32), String> {
    let wrong = || "write it as NAME=LEVEL, with a level of 1 to 10".to_owned();
    let (name, level) = text.split_once('=').ok_or_else(wrong)?;
    Ok((name.to_owned(), level.parse().map_err(|_| wrong())?))
}

fn fold(text: &str) -> Result<Fold, String> {
    match text {
        "earlier" => Ok(Fold::Earlier),
        "later" => Ok(Fold::Later),
        _ => Err("earlier or later".to_owned()),
    }
}
