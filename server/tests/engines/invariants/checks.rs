//! What must hold after each step. Every check is a sentence that comes back when it does not hold.

use super::centre::House;
use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;
use ringback_server::callbacks::model::Position;
use ringback_server::callbacks::{Record, find};
use ringback_server::refusal::Refusal;
use ringback_server::storage::Tx;
use std::collections::{BTreeMap, HashMap, HashSet};

impl House {
    /// What does not hold.
    pub(crate) async fn check(&self) -> Vec<String> {
        let broken = self.storage.read(|tx| {
            let mut broken = Vec::new();
            let records = records(tx, &mut broken)?;
            counts(tx, &records, &mut broken)?;
            agents(tx, &records, &mut broken)?;
            seats(tx, &records, &mut broken)?;
            events(tx, &records, &mut broken)?;
            questions(tx, &records, &mut broken)?;
            times(&records, &mut broken);
            Ok::<_, Refusal>(broken)
        });
        broken.await.expect("the checks can be made")
    }
}

/// Every callback can be read (its state, phase, reason and agent fit together), has a reason exactly when it is over, and
/// is due at its earliest deadline.
fn records(tx: &mut Tx<'_>, broken: &mut Vec<String>) -> Result<Vec<Record>, Refusal> {
    let stored = tx.query("select id, due_at, reason from callbacks", &[], |row| {
        Ok((row.get::<String>(0)?, row.get::<Option<Timestamp>>(1)?, row.get::<Option<String>>(2)?))
    })?;
    let mut records = Vec::new();
    for (id, due_at, reason) in stored {
        let record = find(tx, &id)?;
        if record.due_at() != due_at {
            broken.push(format!("{id} is due at {:?}, stored is {due_at:?}", record.due_at()));
        }
        if matches!(record.at, Position::Completed(_)) != reason.is_some() {
            broken.push(format!("{id} is {:?} with the reason {reason:?}", record.at));
        }
        if record.at == Position::Queued && record.entered_at.is_none() {
            broken.push(format!("{id} is in line since never"));
        }
        records.push(record);
    }
    Ok(records)
}

/// Counts are what counting gives (I1: nothing is lost from a line).
fn counts(tx: &mut Tx<'_>, records: &[Record], broken: &mut Vec<String>) -> Result<(), Refusal> {
    let mut counted: BTreeMap<String, i64> = BTreeMap::new();
    for record in records {
        if record.at == Position::Queued {
            *counted.entry(format!("line/{}/{}", record.queue_id, record.requirement_id)).or_default() += 1;
        }
        if !matches!(record.at, Position::Completed(_)) {
            *counted.entry(format!("open/{}", record.service_id)).or_default() += 1;
        }
    }
    let tallied = tx.query(
        "select key, cast(sum(n) as bigint) from tallies where key like 'line/%' or key like 'open/%' group by key",
        &[],
        |row| Ok((row.get::<String>(0)?, row.get::<i64>(1)?)),
    )?;
    let tallied: BTreeMap<_, _> = tallied.into_iter().filter(|(_, n)| *n != 0).collect();
    if tallied != counted {
        broken.push(format!("tallied {tallied:?}, counted {counted:?}"));
    }
    Ok(())
}

/// An agent is busy exactly with one callback (I2), and its spell is written down while it lasts.
fn agents(tx: &mut Tx<'_>, records: &[Record], broken: &mut Vec<String>) -> Result<(), Refusal> {
    let agents = tx.query("select id, state, spell_since from agents", &[], |row| {
        Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<Option<Timestamp>>(2)?))
    })?;
    for (id, state, spell_since) in agents {
        let held: Vec<_> = records.iter().filter(|record| record.agent_id.as_ref() == Some(&id)).collect();
        let wanted = match state.as_str() {
            "reserved" => held.len() == 1 && matches!(held[0].at, Position::Routing(_)),
            "on_call" => held.len() == 1 && held[0].at == Position::Processing,
            _ => held.is_empty(),
        };
        let busy = matches!(state.as_str(), "reserved" | "on_call" | "wrap_up");
        if !wanted || busy != spell_since.is_some() {
            let positions: Vec<_> = held.iter().map(|record| record.at).collect();
            broken.push(format!("{id} is {state} with {positions:?}, busy since {spell_since:?}"));
        }
    }
    Ok(())
}

/// Nobody is promised a seat that is not counted, and no slot has more than its capacity of one. A number has no more
/// callbacks open than the service allows (I3).
fn seats(tx: &mut Tx<'_>, records: &[Record], broken: &mut Vec<String>) -> Result<(), Refusal> {
    let mut held: HashMap<Timestamp, i64> = HashMap::new();
    for seat in
        records.iter().filter(|record| record.at.is_waiting()).filter_map(|record| record.seat.as_ref())
    {
        *held.entry(seat.slot_start).or_default() += 1;
    }
    let booked: HashMap<Timestamp, i64> = tx
        .query("select slot_start, booked from slot_bookings", &[], |row| Ok((row.get(0)?, row.get(1)?)))?
        .into_iter()
        .collect();
    for (slot, held) in held {
        let booked = booked.get(&slot).copied().unwrap_or(0);
        if booked < held || booked > 1 {
            broken.push(format!("{slot}: {held} hold a seat, {booked} are booked"));
        }
    }
    for record in records {
        if record.at == Position::Scheduled && (record.seat.is_none() || record.scheduled.is_none()) {
            broken.push(format!("{} is scheduled without a seat or a time", record.id));
        }
    }
    let open = tx.query(
        "select s.name, count(*) from callbacks c join services s on s.id = c.service_id \
         where c.state <> 'completed' group by s.name, c.number_hash",
        &[],
        |row| Ok((row.get::<String>(0)?, row.get::<u32>(1)?)),
    )?;
    for (service, open) in open {
        if open > if service == "asked" { 2 } else { 1 } {
            broken.push(format!("a number has {open} callbacks of {service} open"));
        }
    }
    Ok(())
}

/// Each change has its event, and each installation's events count without a gap (I1).
fn events(tx: &mut Tx<'_>, records: &[Record], broken: &mut Vec<String>) -> Result<(), Refusal> {
    let events = tx.query("select installation_id, seq, callback_id, version from events", &[], |row| {
        Ok((row.get::<String>(0)?, row.get::<i64>(1)?, row.get::<String>(2)?, row.get::<u32>(3)?))
    })?;
    let mut of_callback: HashMap<&str, HashSet<u32>> = HashMap::new();
    let mut of_installation: HashMap<&str, HashSet<i64>> = HashMap::new();
    for (installation, seq, callback, version) in &events {
        of_callback.entry(callback).or_default().insert(*version);
        of_installation.entry(installation).or_default().insert(*seq);
    }
    for record in records {
        let versions = of_callback.remove(record.id.as_str()).unwrap_or_default();
        if versions != (1..=record.version).collect() {
            broken.push(format!("{} has version {} and events {versions:?}", record.id, record.version));
        }
    }
    for (installation, seqs) in of_installation {
        if seqs != (1..=seqs.len() as i64).collect() {
            broken.push(format!("{installation} has events {seqs:?}"));
        }
    }
    Ok(())
}

/// Whoever is asked was sent the question, and has until a moment to answer (I4).
fn questions(tx: &mut Tx<'_>, records: &[Record], broken: &mut Vec<String>) -> Result<(), Refusal> {
    for record in records.iter().filter(|record| record.at.is_asking()) {
        let asked = tx.query_opt(
            "select expires_at from pushes where callback_id = $1 and occasion = $2 and event = 'agent_ready' and withdrawn = 0",
            &[&record.id, &record.asked],
            |row| row.get::<Timestamp>(0),
        )?;
        if asked.is_none() || asked != record.phase_by {
            broken
                .push(format!("{} is asked until {:?}, pushed until {asked:?}", record.id, record.phase_by));
        }
    }
    Ok(())
}

/// A promised time is what the person saw on the wall (I7), and nobody who was promised one is in line to be called before.
fn times(records: &[Record], broken: &mut Vec<String>) {
    let zones = TimeZoneDatabase::bundled();
    for record in records {
        let Some(scheduled) = &record.scheduled else { continue };
        let shown = zones.get(&scheduled.zone).unwrap().to_datetime(scheduled.at).to_string();
        if shown != scheduled.local {
            broken.push(format!("{} was promised {} and means {shown}", record.id, scheduled.local));
        }
    }
}
