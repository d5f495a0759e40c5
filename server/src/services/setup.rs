//! The setup as a node remembers it: services with everything they name, ready to decide by. It is read anew when its
//! version has risen, which each transaction looks at, so no decision is made by an old setup.

use super::policy::ServiceSetup;
use crate::refusal::Refusal;
use crate::rules::{self, Country, RuleSet};
use crate::schedule::calendar::Calendar;
use crate::schedule::{Timetable, store};
use crate::storage::{Tx, Vault};
use ringback_core::protocol::{ProblemCode, Timestamp};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A service, ready to decide by.
#[derive(Debug)]
pub struct Service {
    /// `se_…`
    pub id: String,
    /// Where its callbacks wait.
    pub queue_id: String,
    /// What its callbacks need when they ask for no more.
    pub requirement_id: String,
    /// Whether anybody at all fits that, logged in or not: as with everything here, the version says when it changes.
    pub is_staffed: bool,
    /// Where a number to dial comes from.
    pub call_in_group_id: Option<String>,
    /// It takes no requests until then.
    pub paused_until: Option<Pause>,
    /// Its opening hours; always open when there are none.
    pub calendar: Option<Arc<Calendar>>,
    /// When calls can be promised.
    pub timetable: Option<Timetable>,
    /// The rules its numbers must pass.
    pub rule_sets: Vec<Arc<RuleSet>>,
    /// Where a number without a country code is taken to be from.
    pub default_country: Option<Country>,
    /// As it was set up.
    pub policy: ServiceSetup,
}

/// How long a service is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// Until somebody says otherwise.
    UntilToldOtherwise,
    /// Until then.
    Until(Timestamp),
}

/// Everything that is set up, as of a version.
#[derive(Debug, Default)]
pub struct Setup {
    version: i64,
    by_name: HashMap<String, Arc<Service>>,
    by_id: HashMap<String, Arc<Service>>,
    /// Whether any webhook is enabled.
    pub has_webhooks: bool,
}

impl Setup {
    /// The service of this name.
    pub fn service(&self, name: &str) -> Result<&Arc<Service>, Refusal> {
        self.by_name.get(name).ok_or_else(|| {
            Refusal::of_field(ProblemCode::ServiceUnknown, "service", ProblemCode::ServiceUnknown.advice())
        })
    }

    /// The service of this id.
    pub fn service_of_id(&self, id: &str) -> Result<&Arc<Service>, Refusal> {
        self.by_id.get(id).ok_or(Refusal::Damaged("a callback of a service that is not there"))
    }

    /// All services.
    pub fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.by_id.values()
    }
}

const VERSION: &str = "select version from setup";

/// What this node remembers of the setup.
#[derive(Debug, Default)]
pub struct SetupCache(Mutex<Arc<Setup>>);

impl SetupCache {
    /// Says that [`current`](Self::current) will be asked; the setup as it was, for guesses at what will be read.
    pub fn announce(&self, tx: &mut Tx<'_>) -> Result<Arc<Setup>, Refusal> {
        tx.announce(VERSION, &[])?;
        Ok(self.remembered())
    }

    /// The setup as it was when a transaction last looked.
    pub fn remembered(&self) -> Arc<Setup> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The setup as this transaction sees it.
    pub fn current(&self, tx: &mut Tx<'_>, vault: &Vault) -> Result<Arc<Setup>, Refusal> {
        let version: i64 = tx.query_one(VERSION, &[], |row| row.get(0))?;
        let remembered = self.remembered();
        if remembered.version == version {
            return Ok(remembered);
        }
        let read = Arc::new(load(tx, vault, version)?);
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A transaction that is rolled back may have seen a version that never came to be; a later one with its number
        // must not be taken for it. Only what others can see is remembered, and that is a version read before any change
        // of one's own: changing the setup and deciding by it do not happen in one transaction.
        if remembered.version < version {
            *remembered = read.clone();
        }
        Ok(read)
    }
}

fn load(tx: &mut Tx<'_>, vault: &Vault, version: i64) -> Result<Setup, Refusal> {
    let rows = tx.query(
        "select id, queue_id, requirement_id, call_in_group_id, paused_until, policy, exists (select 1 \
         from agent_requirements r where r.requirement_id = services.requirement_id) from services",
        &[],
        |row| {
            Ok((
                (row.get::<String>(0)?, row.get::<String>(1)?, row.get::<String>(2)?),
                (row.get::<Option<String>>(3)?, row.get::<Option<Timestamp>>(4)?, row.get::<String>(5)?),
                row.get::<bool>(6)?,
            ))
        },
    )?;
    let rule_sets = rules::store::load(tx, vault)?;
    let (calendars, capacities) = (store::load_calendars(tx)?, store::load_capacities(tx)?);
    let has_webhooks =
        tx.query_one("select exists (select 1 from webhook_endpoints where enabled = 1)", &[], |row| {
            row.get(0)
        })?;
    let mut setup = Setup { version, has_webhooks, ..Setup::default() };
    for ((id, queue_id, requirement_id), (call_in_group_id, paused_until, policy), is_staffed) in rows {
        let policy: ServiceSetup =
            serde_json::from_str(&policy).map_err(|_| Refusal::Damaged("a service's policy"))?;
        let paused_until = paused_until.map(|until| {
            if until == Timestamp::UNIX_EPOCH { Pause::UntilToldOtherwise } else { Pause::Until(until) }
        });
        let gone = || Refusal::Damaged("a service that names what is not there");
        let calendar = match &policy.calendar {
            Some(name) => Some(calendars.get(name).ok_or_else(gone)?.clone()),
            None => None,
        };
        let timetable = match &policy.capacity {
            Some(name) => Some(Timetable {
                calendar: calendar.clone(),
                capacity: capacities.get(name).ok_or_else(gone)?.clone(),
                horizon_days: policy.horizon_days,
            }),
            None => None,
        };
        let service = Arc::new(Service {
            id,
            queue_id,
            requirement_id,
            is_staffed,
            call_in_group_id,
            paused_until,
            calendar,
            timetable,
            rule_sets: rules::store::of_names(&rule_sets, &policy.rule_sets).map_err(|_| gone())?,
            default_country: policy.default_country.as_deref().and_then(Country::parse),
            policy,
        });
        setup.by_name.insert(service.policy.name.clone(), service.clone());
        setup.by_id.insert(service.id.clone(), service);
    }
    Ok(setup)
}

/// Marks the setup as changed, and keeps any other change of it waiting until this transaction is done.
pub fn changed(tx: &mut Tx<'_>) -> Result<(), Refusal> {
    tx.execute("update setup set version = version + 1", &[])?;
    Ok(())
}
