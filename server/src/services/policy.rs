//! What a service wants: every setting of it, each with its default.

use crate::captcha::CaptchaPolicy;
use crate::push::policy::PushPolicy;
use crate::refusal::Refusal;
use crate::routing::matching::{Ageing, AgentChoice, Levels};
use crate::rules::{Country, Limits, number};
use ringback_core::protocol::{Direction, PhoneNumber, ProblemCode};
use serde::{Deserialize, Serialize};

/// What a service does when nobody answers "are you ready?" in time.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmTimeout {
    /// Call anyway.
    Connect,
    /// Back to the same place in line, to be asked again; after the last attempt it ends with `no_answer`.
    Requeue,
    /// End with `no_answer`.
    Complete,
}

/// Whom the service calls first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum ConnectOrder {
    /// An agent is reserved, then the customer is called.
    AgentFirst,
    /// The customer is called as soon as an agent is likely to be free; whoever answers gets the next agent.
    CustomerFirst,
}

/// Where a callback stands after it was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// At its old place.
    Keep,
    /// At the end of the line, as if it were asked for now.
    End,
}

/// What follows a call that did not reach the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// How many calls with this result are made at most, the first included, 1 to 20.
    pub attempts: u32,
    /// How long until the next call, in seconds, 0 to 604 800.
    #[serde(default)]
    pub delay_s: u32,
    /// Where it stands then.
    #[serde(default = "keep")]
    pub place: Place,
}

fn keep() -> Place {
    Place::Keep
}

/// What follows each result of a call; one attempt for what is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// The line was busy.
    pub busy: Retry,
    /// It rang and nobody answered.
    pub no_answer: Retry,
    /// A machine answered.
    pub machine: Retry,
    /// A fax answered.
    pub fax: Retry,
    /// The network refused the call.
    pub failed: Retry,
    /// The customer refused the call.
    pub rejected: Retry,
    /// Somebody else answered.
    pub wrong_person: Retry,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        let times = |attempts, delay_s| Retry { attempts, delay_s, place: Place::Keep };
        Self {
            busy: times(3, 120),
            no_answer: times(2, 900),
            machine: times(2, 900),
            fax: times(1, 0),
            failed: times(2, 60),
            rejected: times(1, 0),
            wrong_person: times(1, 0),
        }
    }
}

/// How far ahead of free agents a customer-first service calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pacing {
    /// Calls beyond the free agents, at most, however few customers answer, 0 to 100.
    pub surplus_max: u32,
    /// How long somebody who has answered waits for an agent, in seconds, 1 to 120.
    pub hold_s: u32,
}

impl Default for Pacing {
    fn default() -> Self {
        Self { surplus_max: 0, hold_s: 10 }
    }
}

/// What happens to callbacks that are still in line when the service closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AtClose {
    /// They keep their places and are called when it opens again.
    Hold,
    /// They end with `expired`.
    Expire,
    /// They are still called. Nothing new is accepted.
    Finish,
}

/// What happens to the open callback of somebody who calls in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InboundPolicy {
    /// It moves to the front of its line.
    Front,
    /// It ends with `resolved_by_inbound`.
    Resolve,
    /// Nothing.
    Leave,
}

/// Whether a request for skills that no agent has is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unstaffed {
    /// It waits until somebody has them; staff see it in the queue's status.
    Accept,
    /// It is refused with `skill_unstaffed`.
    Refuse,
}

/// A service: what people ask a call for. Every duration is in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceSetup {
    /// 1 to 64 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// Where its callbacks wait.
    pub queue: String,
    /// What an agent must be able to do: skills with their least levels, 1 to 10.
    #[serde(default)]
    pub skills: Levels,
    /// Its opening hours; always open when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// How many calls can be promised when; no scheduled callbacks when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<String>,
    /// The rule sets a number must pass, all of them. Without any, numbers of ordinary kinds of every country pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rule_sets: Vec<String>,
    /// Where a number without a country code is taken to be from (ISO 3166-1 alpha-2); such numbers are refused when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_country: Option<String>,
    /// How often anybody may ask.
    #[serde(default)]
    pub limits: Limits,
    /// When a CAPTCHA must be passed, and whose.
    #[serde(default)]
    pub captcha: CaptchaPolicy,
    /// Who dials; `customer_terminated` when absent.
    #[serde(default = "customer_terminated")]
    pub direction: Direction,
    /// The click-to-call group its numbers come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_in_group: Option<String>,
    /// The contact centre's number, E.164, for people whose app cannot reach the server. Apps learn it with the offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_number: Option<PhoneNumber>,

    /// Whether it offers a call as soon as an agent is free; yes when absent.
    #[serde(default = "yes")]
    pub immediate: bool,
    /// How far ahead a call can be promised, in days, 1 to 400; 30 when absent.
    #[serde(default = "thirty")]
    pub horizon_days: u32,
    /// The earliest a scheduled callback enters the line before its time, 0 to 14 400; 1800 when absent. The wait that
    /// is estimated then decides within this.
    #[serde(default = "half_an_hour")]
    pub lead_max_s: u32,
    /// The latest a scheduled callback is still made after its time, 60 to 86 400; 3600 when absent.
    #[serde(default = "an_hour")]
    pub late_max_s: u32,
    /// How long an immediate callback may stay in line, 60 to 2 592 000; 86 400 when absent.
    #[serde(default = "a_day")]
    pub expires_after_s: u32,
    /// What happens to callbacks in line at closing time; `hold` when absent.
    #[serde(default = "hold")]
    pub at_close: AtClose,

    /// How urgent its callbacks are, 0 to 1000; 0 when absent.
    #[serde(default)]
    pub priority: u32,
    /// The highest priority an app may ask for, 0 to 1000; 0 when absent.
    #[serde(default)]
    pub app_priority_max: u32,
    /// How waiting raises priority.
    #[serde(default)]
    pub ageing: Ageing,
    /// Which agent is taken; `longest_idle` when absent.
    #[serde(default = "longest_idle")]
    pub agent_choice: AgentChoice,
    /// Whether requests for skills that nobody has are taken; `accept` when absent.
    #[serde(default = "accept")]
    pub unstaffed: Unstaffed,

    /// Whether the customer is asked "are you ready?" first; yes when absent. A customer-first service does not ask.
    #[serde(default = "yes")]
    pub ask_customer: bool,
    /// How long the customer has to answer, 5 to 600; 30 when absent.
    #[serde(default = "half_a_minute")]
    pub confirm_window_s: u32,
    /// What happens when nobody answers in time; `requeue` when absent.
    #[serde(default = "requeue")]
    pub confirm_timeout: ConfirmTimeout,
    /// How often the customer is asked at most, 1 to 10; 3 when absent.
    #[serde(default = "three")]
    pub confirm_attempts: u32,
    /// Where a callback stands after a snooze; `keep` when absent.
    #[serde(default = "keep")]
    pub snooze_place: Place,

    /// Whom it calls first; `agent_first` when absent.
    #[serde(default = "agent_first")]
    pub connect_order: ConnectOrder,
    /// How far ahead it calls when `customer_first`.
    #[serde(default)]
    pub pacing: Pacing,
    /// How long the agent may look at a callback before it goes on, 5 to 600; no preview when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview_s: Option<u32>,
    /// Whether an agent who lets a preview pass, or rejects it, becomes `not_ready`; yes when absent.
    #[serde(default = "yes")]
    pub preview_not_ready: bool,
    /// What follows each result of a call.
    #[serde(default)]
    pub retry: RetryPolicy,
    /// After this long without a result a call counts as `failed`, 10 to 3600; 300 when absent.
    #[serde(default = "five_minutes")]
    pub connect_max_s: u32,
    /// After this long a talk counts as over, 60 to 86 400; 14 400 when absent.
    #[serde(default = "four_hours")]
    pub talk_max_s: u32,
    /// After this long in wrap-up an agent is ready again, 0 to 3600; only by the agent's own word when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrap_up_s: Option<u32>,

    /// What is said by push.
    #[serde(default)]
    pub push: PushPolicy,

    /// What happens to the open callback of somebody who calls in; `front` when absent.
    #[serde(default = "front")]
    pub inbound: InboundPolicy,
    /// Ended callbacks go to the archive after so many days, 1 to 3650; 30 when absent.
    #[serde(default = "thirty")]
    pub purge_after_days: u32,
    /// What the app knew is erased from the archive after so many days more, 0 to 3650; 60 when absent.
    #[serde(default = "sixty")]
    pub erase_after_days: u32,
}

fn customer_terminated() -> Direction {
    Direction::CustomerTerminated
}
fn yes() -> bool {
    true
}
fn hold() -> AtClose {
    AtClose::Hold
}
fn longest_idle() -> AgentChoice {
    AgentChoice::LongestIdle
}
fn accept() -> Unstaffed {
    Unstaffed::Accept
}
fn requeue() -> ConfirmTimeout {
    ConfirmTimeout::Requeue
}
fn agent_first() -> ConnectOrder {
    ConnectOrder::AgentFirst
}
fn front() -> InboundPolicy {
    InboundPolicy::Front
}
fn three() -> u32 {
    3
}
fn thirty() -> u32 {
    30
}
fn sixty() -> u32 {
    60
}
fn half_a_minute() -> u32 {
    30
}
fn five_minutes() -> u32 {
    300
}
fn half_an_hour() -> u32 {
    1800
}
fn an_hour() -> u32 {
    3600
}
fn four_hours() -> u32 {
    14_400
}
fn a_day() -> u32 {
    86_400
}

impl ServiceSetup {
    /// A service with every setting as by default.
    pub fn new(name: impl Into<String>, queue: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            queue: queue.into(),
            skills: Levels::new(),
            calendar: None,
            capacity: None,
            rule_sets: Vec::new(),
            default_country: None,
            limits: Limits::default(),
            captcha: CaptchaPolicy::default(),
            direction: customer_terminated(),
            call_in_group: None,
            fallback_number: None,
            immediate: yes(),
            horizon_days: thirty(),
            lead_max_s: half_an_hour(),
            late_max_s: an_hour(),
            expires_after_s: a_day(),
            at_close: hold(),
            priority: 0,
            app_priority_max: 0,
            ageing: Ageing::default(),
            agent_choice: longest_idle(),
            unstaffed: accept(),
            ask_customer: yes(),
            confirm_window_s: half_a_minute(),
            confirm_timeout: requeue(),
            confirm_attempts: three(),
            snooze_place: keep(),
            connect_order: agent_first(),
            pacing: Pacing::default(),
            preview_s: None,
            preview_not_ready: yes(),
            retry: RetryPolicy::default(),
            connect_max_s: five_minutes(),
            talk_max_s: four_hours(),
            wrap_up_s: None,
            push: PushPolicy::default(),
            inbound: front(),
            purge_after_days: thirty(),
            erase_after_days: sixty(),
        }
    }

    /// Refuses settings that cannot be kept; what they name is looked up elsewhere.
    pub fn check(&self) -> Result<(), Refusal> {
        self.limits.check()?;
        self.captcha.check()?;
        self.push.check()?;
        if let Some(code) = &self.default_country {
            Country::named(code, "default_country")?;
        }
        if let Some(number) = &self.fallback_number {
            number::check(number, "fallback_number")?;
        }
        let retry = |of: &Retry| (1..=20).contains(&of.attempts) && of.delay_s <= 604_800;
        let retries = [
            self.retry.busy,
            self.retry.no_answer,
            self.retry.machine,
            self.retry.fax,
            self.retry.failed,
            self.retry.rejected,
            self.retry.wrong_person,
        ];
        let within = |value: u32, least: u32, most: u32| (least..=most).contains(&value);
        let ranges = [
            ("horizon_days", within(self.horizon_days, 1, 400), "1 to 400"),
            ("lead_max_s", within(self.lead_max_s, 0, 14_400), "0 to 14400"),
            ("late_max_s", within(self.late_max_s, 60, 86_400), "60 to 86400"),
            ("expires_after_s", within(self.expires_after_s, 60, 2_592_000), "60 to 2592000"),
            ("priority", self.priority <= 1000, "0 to 1000"),
            ("app_priority_max", self.app_priority_max <= 1000, "0 to 1000"),
            ("ageing.increment", within(self.ageing.increment, 1, 1000), "1 to 1000"),
            ("ageing.interval_s", within(self.ageing.interval_s, 1, 86_400), "1 to 86400"),
            ("ageing.limit", self.ageing.limit <= 1000, "0 to 1000"),
            ("confirm_window_s", within(self.confirm_window_s, 5, 600), "5 to 600"),
            ("confirm_attempts", within(self.confirm_attempts, 1, 10), "1 to 10"),
            ("pacing.surplus_max", self.pacing.surplus_max <= 100, "0 to 100"),
            ("pacing.hold_s", within(self.pacing.hold_s, 1, 120), "1 to 120"),
            ("preview_s", self.preview_s.is_none_or(|value| within(value, 5, 600)), "5 to 600"),
            ("retry", retries.iter().all(retry), "1 to 20 attempts with 0 to 604800 seconds between"),
            ("connect_max_s", within(self.connect_max_s, 10, 3600), "10 to 3600"),
            ("talk_max_s", within(self.talk_max_s, 60, 86_400), "60 to 86400"),
            ("wrap_up_s", self.wrap_up_s.is_none_or(|value| value <= 3600), "0 to 3600"),
            ("purge_after_days", within(self.purge_after_days, 1, 3650), "1 to 3650"),
            ("erase_after_days", self.erase_after_days <= 3650, "0 to 3650"),
            ("skills", levels_fit(&self.skills), "levels 1 to 10 for at most 16 skills"),
        ];
        match ranges.iter().find(|(_, fits, _)| !fits) {
            None => Ok(()),
            Some((field, _, allowed)) => Err(Refusal::of_field(
                ProblemCode::FieldInvalid,
                field,
                format!("Allowed are {allowed}. Choose a value in that range."),
            )),
        }
    }
}

/// Whether these are levels that skills can have, and not too many skills.
pub fn levels_fit(levels: &Levels) -> bool {
    levels.len() <= 16 && levels.values().all(|level| (1..=10).contains(level))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(json: serde_json::Value) -> ServiceSetup {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_name_and_a_queue_are_enough() {
        let service = setup(serde_json::json!({"name": "billing", "queue": "support"}));
        assert_eq!(service, ServiceSetup::new("billing", "support"));
        service.check().unwrap();
        let again: ServiceSetup = serde_json::from_str(&serde_json::to_string(&service).unwrap()).unwrap();
        assert_eq!(again, service);
    }

    #[test]
    fn a_value_out_of_range_is_named() {
        for (field, value) in [
            ("confirm_window_s", serde_json::json!(4)),
            ("lead_max_s", serde_json::json!(14_401)),
            ("preview_s", serde_json::json!(1)),
            ("skills", serde_json::json!({"billing": 11})),
            ("retry", serde_json::json!({"busy": {"attempts": 0}})),
            ("fallback_number", serde_json::json!("030 901820")),
        ] {
            let mut json = serde_json::json!({"name": "billing", "queue": "support"});
            json[field] = value;
            let problem = setup(json).check().unwrap_err().into_problem();
            assert_eq!(problem.field.as_deref(), Some(field));
        }
    }

    #[test]
    fn a_misspelled_setting_is_refused() {
        let json = serde_json::json!({"name": "billing", "queue": "support", "confirm_windows_s": 30});
        assert!(serde_json::from_value::<ServiceSetup>(json).is_err());
    }
}
