//! The times at which one service promises calls: what is free, and the promise of one of them.

use super::bookings;
use super::calendar::Calendar;
use super::capacity::{Capacity, RuleSlot};
use super::slots::{self, bookable, bookable_at};
use super::store;
use super::wall::{self, Chosen, WallClock};
use crate::refusal::Refusal;
use crate::storage::Tx;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use ringback_core::protocol::{Availability, AvailabilityRequest, ProblemCode, Slot, WallTime};
use std::sync::Arc;

/// Alternatives before the chosen time, and as many after it.
const ALTERNATIVES: usize = 3;
/// How far around the chosen time they are looked for, as long as there are too few.
const REACHES_DAYS: [i64; 3] = [2, 8, 31];

/// What decides which times a service offers.
#[derive(Debug, Clone)]
pub struct Timetable {
    /// Its opening hours; always open without.
    pub calendar: Option<Arc<Calendar>>,
    /// Its seats.
    pub capacity: Arc<Capacity>,
    /// How many days ahead calls are promised.
    pub horizon_days: u32,
}

/// A time a call is promised for, and the seat it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// The time.
    pub chosen: Chosen,
    /// The rule whose seat it is.
    pub capacity_rule_id: String,
    /// The beginning of the slot: with the rule what [`bookings::release`] wants.
    pub slot_start: Timestamp,
}

impl Timetable {
    /// The slots a request asks for.
    pub fn availability(
        &self,
        tx: &mut Tx<'_>,
        request: &AvailabilityRequest,
        now: Timestamp,
    ) -> Result<Availability, Refusal> {
        let window = slots::window(request, now, self.horizon_days)?;
        let clock = WallClock::new(&request.zone, window.from, window.to)?;
        let found = bookable(&self.capacity, self.calendar.as_deref(), window.from, window.to);
        let booked = self.booked(tx, &found)?;
        Ok(slots::page(&found, &booked, &clock, request.include_full, window.limit))
    }

    /// Takes a seat at a chosen time. A closed or full slot is refused with the nearest that are free.
    pub fn promise(&self, tx: &mut Tx<'_>, wanted: &WallTime, now: Timestamp) -> Result<Promise, Refusal> {
        let (chosen, slot) = self.find(tx, wanted, now)?;
        if !bookings::book(tx, &self.capacity.id, &slot)? {
            return Err(self.instead(tx, ProblemCode::SlotFull, &chosen, now)?);
        }
        Ok(Promise { chosen, capacity_rule_id: self.capacity.id.clone(), slot_start: slot.start })
    }

    /// Whether [`Timetable::promise`] would be kept now: the same refusals, and no seat is taken.
    pub fn check(&self, tx: &mut Tx<'_>, wanted: &WallTime, now: Timestamp) -> Result<Chosen, Refusal> {
        let (chosen, slot) = self.find(tx, wanted, now)?;
        if slots::taken(&slot, &self.booked(tx, &[slot])?) >= slot.capacity {
            return Err(self.instead(tx, ProblemCode::SlotFull, &chosen, now)?);
        }
        Ok(chosen)
    }

    fn find(
        &self,
        tx: &mut Tx<'_>,
        wanted: &WallTime,
        now: Timestamp,
    ) -> Result<(Chosen, RuleSlot), Refusal> {
        let chosen = wall::resolve(wanted)?;
        wall::check_when(chosen.at, now, self.horizon_days)?;
        match bookable_at(&self.capacity, self.calendar.as_deref(), chosen.at) {
            Some(slot) => Ok((chosen, slot)),
            None => Err(self.instead(tx, ProblemCode::SlotClosed, &chosen, now)?),
        }
    }

    /// The refusal of a time, with free slots near it.
    fn instead(
        &self,
        tx: &mut Tx<'_>,
        code: ProblemCode,
        chosen: &Chosen,
        now: Timestamp,
    ) -> Result<Refusal, Refusal> {
        let alternatives = self.alternatives(tx, chosen, now)?;
        let mut refusal = Refusal::of_field(code, "scheduled_for", code.advice());
        if let Refusal::Problem(problem) = &mut refusal {
            problem.slots = alternatives;
        }
        Ok(refusal)
    }

    fn alternatives(&self, tx: &mut Tx<'_>, chosen: &Chosen, now: Timestamp) -> Result<Vec<Slot>, Refusal> {
        let horizon = wall::horizon(now, self.horizon_days);
        let mut alternatives = Vec::new();
        for days in REACHES_DAYS {
            let reach = SignedDuration::from_hours(days * 24);
            let from = chosen.at.saturating_sub(reach).unwrap_or(Timestamp::MIN).max(now);
            let to = chosen.at.saturating_add(reach).unwrap_or(Timestamp::MAX).min(horizon);
            let found = bookable(&self.capacity, self.calendar.as_deref(), from, to);
            let booked = self.booked(tx, &found)?;
            let clock = WallClock::new(&chosen.zone, from, to)?;
            let (before, after) = slots::nearest(&found, &booked, chosen.at, ALTERNATIVES);
            let is_all_before = before.len() == ALTERNATIVES || from == now;
            let is_all_after = after.len() == ALTERNATIVES || to == horizon;
            alternatives =
                before.into_iter().chain(after).map(|slot| slots::shown(slot, &booked, &clock)).collect();
            if is_all_before && is_all_after {
                break;
            }
        }
        Ok(alternatives)
    }

    fn booked(&self, tx: &mut Tx<'_>, slots: &[RuleSlot]) -> Result<slots::Booked, Refusal> {
        match (slots.first(), slots.last()) {
            (Some(first), Some(last)) => Ok(bookings::booked(tx, &self.capacity.id, first.start, last.end)?),
            _ => Ok(slots::Booked::new()),
        }
    }
}

/// The slots a capacity rule has on a day of its own zone, with the seats that are left.
pub(super) fn slots_of_day(tx: &mut Tx<'_>, rule: &str, date: Date) -> Result<Vec<Slot>, Refusal> {
    let (capacity, zone) = store::capacity(tx, rule)?;
    let slots = capacity.slots_of_day(date);
    let (Some(first), Some(last)) = (slots.first(), slots.last()) else { return Ok(Vec::new()) };
    let booked = bookings::booked(tx, &capacity.id, first.start, last.end)?;
    let clock = WallClock::new(&zone, first.start, last.end)?;
    Ok(slots.iter().map(|slot| slots::shown(slot, &booked, &clock)).collect())
}
