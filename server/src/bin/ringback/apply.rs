//! `ringback admin apply`: a contact centre from one file. What is there already stays as it is.

use crate::Failure;
use crate::admin::{Direct, read};
use ringback_core::protocol::ProblemCode;
use ringback_server::call_in::{NewCallInGroup, create_group};
use ringback_server::clock::now;
use ringback_server::refusal::Refusal;
use ringback_server::routing::resources::{AgentSetup, Named, create_agent, create_queue, create_skill};
use ringback_server::rules::{RuleSetSetup, store as rule_sets};
use ringback_server::schedule::calendar::CalendarSetup;
use ringback_server::schedule::capacity::CapacitySetup;
use ringback_server::schedule::store;
use ringback_server::services::{ServiceSetup, create_service};
use ringback_server::storage::{Tx, Vault};
use serde::Deserialize;
use serde_json::json;
use std::path::Path;

/// The file: tables of what to make, in the words of the staff API.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Centre {
    queue: Vec<Named>,
    skill: Vec<Named>,
    call_in_group: Vec<NewCallInGroup>,
    rule_set: Vec<RuleSetSetup>,
    calendar: Vec<CalendarSetup>,
    capacity: Vec<CapacitySetup>,
    service: Vec<ServiceSetup>,
    agent: Vec<AgentSetup>,
}

/// What was made, and what was there.
type Report = Vec<(String, bool)>;

pub(crate) async fn run(direct: &Direct, file: &Path) -> Result<(), Failure> {
    let text = read(file)?;
    let centre: Centre = toml::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let vault = direct.vault.clone();
    // One transaction: a mistake at the end of the file leaves nothing half made.
    for (what, is_new) in direct.write(move |tx| make(tx, &vault, &centre)).await? {
        let sentence =
            format!("{what} {}", if is_new { "is there" } else { "was there, and stays as it is" });
        direct.output.done(&json!({ "what": what, "is_new": is_new }), &what, &sentence)?;
    }
    Ok(())
}

fn make(tx: &mut Tx<'_>, vault: &Vault, centre: &Centre) -> Result<Report, Refusal> {
    let now = now();
    let mut report = Report::new();
    let mut note = |kind: &str, name: &str, made: Result<(), Refusal>| {
        report.push((format!("{kind} {name}"), is_new(made)?));
        Ok::<_, Refusal>(())
    };
    for queue in &centre.queue {
        note("queue", &queue.name, create_queue(tx, queue, now))?;
    }
    for skill in &centre.skill {
        note("skill", &skill.name, create_skill(tx, skill, now))?;
    }
    for group in &centre.call_in_group {
        note("click-to-call group", &group.name, create_group(tx, group, now).map(drop))?;
    }
    for set in &centre.rule_set {
        note("rule set", &set.name, rule_sets::create(tx, vault, set, now))?;
    }
    for calendar in &centre.calendar {
        note("calendar", &calendar.name, store::create(tx, calendar, now))?;
    }
    for rule in &centre.capacity {
        note("capacity rule", &rule.name, store::create(tx, rule, now))?;
    }
    for service in &centre.service {
        note("service", &service.name, create_service(tx, service, now))?;
    }
    for agent in &centre.agent {
        note("agent", &agent.name, create_agent(tx, agent, now))?;
    }
    Ok(report)
}

fn is_new(made: Result<(), Refusal>) -> Result<bool, Refusal> {
    match made {
        Ok(()) => Ok(true),
        Err(Refusal::Problem(problem)) if problem.code == ProblemCode::NameTaken.code() => Ok(false),
        Err(other) => Err(other),
    }
}
