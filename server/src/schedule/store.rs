//! Calendars and capacity rules in the database, each known by its name.

use super::calendar::{Calendar, CalendarSetup};
use super::capacity::{Capacity, CapacitySetup};
use crate::refusal::Refusal;
use crate::routing::resources::name_taken;
use crate::services::{self, ServiceSetup, changed};
use crate::storage::Tx;
use jiff::Timestamp;
use ringback_core::protocol::ProblemCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::sync::Arc;

/// What is kept by name, as the JSON it was set up with.
pub trait Definition: Serialize + DeserializeOwned {
    /// What it is called in refusals.
    const KIND: &'static str;
    /// What its ids begin with.
    const PREFIX: &'static str;
    /// Inserts `(id, name, definition, changed_at)` unless the name is there.
    const INSERT: &'static str;
    /// Sets `(name, definition, changed_at)`.
    const UPDATE: &'static str;
    /// All `(id, definition)` by name.
    const LIST: &'static str;
    /// The `(id, definition)` of a name.
    const FIND: &'static str;

    /// Its name.
    fn name(&self) -> &str;

    /// Refuses what makes no sense. The refusal names the field.
    fn check(&self) -> Result<(), Refusal>;

    /// Whether a service names this one.
    fn is_named(name: &str, service: &ServiceSetup) -> bool;

    /// Removes it, with what belongs to it alone.
    fn remove(tx: &mut Tx<'_>, id: &str) -> Result<(), Refusal>;
}

impl Definition for CalendarSetup {
    const KIND: &'static str = "calendar";
    const PREFIX: &'static str = "cd";
    const INSERT: &'static str = "insert into calendars (id, name, definition, changed_at) values ($1, $2, $3, $4) \
         on conflict (name) do nothing";
    const UPDATE: &'static str = "update calendars set definition = $2, changed_at = $3 where name = $1";
    const LIST: &'static str = "select id, definition from calendars order by name";
    const FIND: &'static str = "select id, definition from calendars where name = $1";

    fn name(&self) -> &str {
        &self.name
    }

    fn check(&self) -> Result<(), Refusal> {
        Calendar::try_from(self).map(drop)
    }

    fn is_named(name: &str, service: &ServiceSetup) -> bool {
        service.calendar.as_deref() == Some(name)
    }

    fn remove(tx: &mut Tx<'_>, id: &str) -> Result<(), Refusal> {
        tx.execute("delete from calendars where id = $1", &[&id])?;
        Ok(())
    }
}

impl Definition for CapacitySetup {
    const KIND: &'static str = "capacity rule";
    const PREFIX: &'static str = "ca";
    const INSERT: &'static str = "insert into capacity_rules (id, name, definition, changed_at) values ($1, $2, $3, $4) \
         on conflict (name) do nothing";
    const UPDATE: &'static str = "update capacity_rules set definition = $2, changed_at = $3 where name = $1";
    const LIST: &'static str = "select id, definition from capacity_rules order by name";
    const FIND: &'static str = "select id, definition from capacity_rules where name = $1";

    fn name(&self) -> &str {
        &self.name
    }

    fn check(&self) -> Result<(), Refusal> {
        Capacity::new("", self).map(drop)
    }

    fn is_named(name: &str, service: &ServiceSetup) -> bool {
        service.capacity.as_deref() == Some(name)
    }

    fn remove(tx: &mut Tx<'_>, id: &str) -> Result<(), Refusal> {
        tx.execute("delete from slot_bookings where capacity_rule_id = $1", &[&id])?;
        tx.execute("delete from capacity_rules where id = $1", &[&id])?;
        Ok(())
    }
}

/// Makes one; refused if the name is taken.
pub fn create<K: Definition>(tx: &mut Tx<'_>, setup: &K, now: Timestamp) -> Result<(), Refusal> {
    setup.check()?;
    if insert(tx, setup, now)? { Ok(()) } else { Err(name_taken()) }
}

/// Makes one, or sets the one of that name anew. What is booked stays booked.
pub fn put<K: Definition>(tx: &mut Tx<'_>, setup: &K, now: Timestamp) -> Result<(), Refusal> {
    setup.check()?;
    if !insert(tx, setup, now)? {
        tx.execute(K::UPDATE, &[&setup.name(), &json(setup)?, &now])?;
    }
    Ok(())
}

fn insert<K: Definition>(tx: &mut Tx<'_>, setup: &K, now: Timestamp) -> Result<bool, Refusal> {
    changed(tx)?;
    let id = format!("{}_{}", K::PREFIX, uuid::Uuid::now_v7().simple());
    Ok(tx.execute(K::INSERT, &[&id, &setup.name(), &json(setup)?, &now])? == 1)
}

/// All of them by name.
pub fn list<K: Definition>(tx: &mut Tx<'_>) -> Result<Vec<K>, Refusal> {
    Ok(load(tx)?.into_iter().map(|(_, setup)| setup).collect())
}

/// The one of that name.
pub fn find<K: Definition>(tx: &mut Tx<'_>, name: &str) -> Result<K, Refusal> {
    Ok(row_of(tx, name)?.1)
}

/// Removes the one of that name; refused while a service names it.
pub fn delete<K: Definition>(tx: &mut Tx<'_>, name: &str) -> Result<(), Refusal> {
    // First, so that no service comes to name it meanwhile.
    changed(tx)?;
    let (id, _) = row_of::<K>(tx, name)?;
    if let Some(service) = services::names(tx, |service| K::is_named(name, service))? {
        let sentence = format!("The service {service:?} names this {}. Take it out of there first.", K::KIND);
        return Err(Refusal::of_field(ProblemCode::InUse, "name", sentence));
    }
    K::remove(tx, &id)
}

/// Every calendar by name, ready to be asked.
pub fn load_calendars(tx: &mut Tx<'_>) -> Result<HashMap<String, Arc<Calendar>>, Refusal> {
    let calendars = load::<CalendarSetup>(tx)?.into_iter();
    calendars.map(|(_, setup)| Ok((setup.name.clone(), Arc::new(Calendar::try_from(&setup)?)))).collect()
}

/// Every capacity rule by name, ready to be asked.
pub fn load_capacities(tx: &mut Tx<'_>) -> Result<HashMap<String, Arc<Capacity>>, Refusal> {
    let rules = load::<CapacitySetup>(tx)?.into_iter();
    rules.map(|(id, setup)| Ok((setup.name.clone(), Arc::new(Capacity::new(&id, &setup)?)))).collect()
}

/// The capacity rule of that name, ready to be asked, and its zone.
pub(super) fn capacity(tx: &mut Tx<'_>, name: &str) -> Result<(Capacity, String), Refusal> {
    let (id, setup) = row_of::<CapacitySetup>(tx, name)?;
    Ok((Capacity::new(&id, &setup)?, setup.zone))
}

fn load<K: Definition>(tx: &mut Tx<'_>) -> Result<Vec<(String, K)>, Refusal> {
    let rows = tx.query(K::LIST, &[], |row| Ok((row.get(0)?, row.get::<String>(1)?)))?;
    rows.into_iter().map(|(id, definition)| Ok((id, parse(&definition)?))).collect()
}

fn row_of<K: Definition>(tx: &mut Tx<'_>, name: &str) -> Result<(String, K), Refusal> {
    let row = tx.query_opt(K::FIND, &[&name], |row| Ok((row.get(0)?, row.get::<String>(1)?)))?;
    let (id, definition) = row.ok_or_else(|| {
        let sentence = format!("There is no {} {name:?}. Create it first, or correct the name.", K::KIND);
        Refusal::of_field(ProblemCode::ReferenceUnknown, "name", sentence)
    })?;
    Ok((id, parse(&definition)?))
}

fn json<K: Serialize>(setup: &K) -> Result<String, Refusal> {
    serde_json::to_string(setup).map_err(|_| Refusal::Damaged("a setup that is not JSON"))
}

fn parse<K: DeserializeOwned>(definition: &str) -> Result<K, Refusal> {
    serde_json::from_str(definition).map_err(|_| Refusal::Damaged("a stored setup"))
}
