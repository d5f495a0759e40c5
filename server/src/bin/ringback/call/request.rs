//! What a request for a call is made of, on the command line.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
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
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What the agent should know; repeat for more
    #[arg(long = "context", value_name = "KEY=VALUE", value_parser = key_value)]
    context: Vec<(String, String)>,
    /// A screen the person saw; repeat for more, oldest first
    #[arg(long = "screen", value_name = "NAME")]
    screens: Vec<String>,
    /// What the person entered; repeat for more
    #[arg(long = "form", value_name = "KEY=VALUE", value_parser = key_value)]
    form: Vec<(String, String)>,
    /// What the agent must be able to do besides what the service asks for, at a level of 1 to 10; repeat for more
    #[arg(long = "skill", value_name = "NAME=LEVEL", value_parser = skill)]
    skills: Vec<(String, u32)>,
    /// How urgent it is, 0 to as much as the service lets apps say; the service's own when absent
    #[arg(long, value_name = "NUMBER")]
    priority: Option<u32>,
    #[command(flatten)]
    time: Time,
}

#[derive(Args)]
pub(super) struct Time {
    /// When to call, as the clock shows it: 2026-12-24T10:30
    #[arg(long, value_name = "TIME", requires = "zone")]
    at: Option<String>,
    /// Where that clock hangs, for example Europe/Berlin
    #[arg(long, value_name = "ZONE", requires = "at")]
    zone: Option<String>,
    /// Which of two equal times, when clocks go back
    #[arg(long, requires = "at", value_parser = fold())]
    fold: Option<Fold>,
}

#[derive(Args)]
pub(super) struct CallIn {
    /// The service
    service: String,
    /// The number the call will come from, E.164
    #[arg(long, value_name = "NUMBER")]
    caller_number: Option<String>,
    /// How to address the person
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What the agent should know; repeat for more
    #[arg(long = "context", value_name = "KEY=VALUE", value_parser = key_value)]
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

pub(super) fn seconds(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "write it in seconds, such as 600".to_owned())
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

fn fold() -> impl TypedValueParser<Value = Fold> {
    PossibleValuesParser::new(["earlier", "later"])
        .map(|word| if word == "earlier" { Fold::Earlier } else { Fold::Later })
}
