//! What is free: the slots of a capacity rule, within opening hours, less what is booked.

use super::calendar::Calendar;
use super::capacity::{Capacity, RuleSlot};
use super::wall::{self, WallClock};
use crate::refusal::Refusal;
use jiff::Timestamp;
use ringback_core::protocol::{Availability, AvailabilityRequest, ProblemCode, Slot};
use std::collections::BTreeMap;

/// Slots shown at most when the request does not say.
const DEFAULT_LIMIT: u32 = 500;
const MAX_LIMIT: u32 = 5000;
/// Days shown when the request does not say until when.
const DEFAULT_DAYS: u32 = 7;
const MAX_DAYS: u32 = 62;

/// How many calls are promised, by the beginning of their slot.
pub(super) type Booked = BTreeMap<Timestamp, u32>;

/// What a request for availability comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// Slots begin then at the earliest.
    pub(super) from: Timestamp,
    /// Slots begin before.
    pub(super) to: Timestamp,
    /// At most so many are shown.
    pub(super) limit: usize,
}

/// Checks a request: nothing that is past or beyond the horizon is shown.
pub(super) fn window(
    request: &AvailabilityRequest,
    now: Timestamp,
    horizon_days: u32,
) -> Result<Window, Refusal> {
    let from = request.from.unwrap_or(now);
    let to = request.to.unwrap_or_else(|| wall::horizon(from, DEFAULT_DAYS));
    if to < from || to > wall::horizon(from, MAX_DAYS) {
        let sentence =
            format!("`to` is at most {MAX_DAYS} days after `from`, and not before it. Ask for less.");
        return Err(Refusal::of_field(ProblemCode::FieldInvalid, "to", sentence));
    }
    let limit = request.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let sentence =
            format!("At most {MAX_LIMIT} slots are shown, and at least one. Choose such a number.");
        return Err(Refusal::of_field(ProblemCode::FieldInvalid, "limit", sentence));
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok(Window { from: from.max(now), to: to.min(wall::horizon(now, horizon_days)), limit })
}

/// The slots that begin from `from` on and before `to` and lie within opening hours from beginning to end.
pub(super) fn bookable(
    capacity: &Capacity,
    calendar: Option<&Calendar>,
    from: Timestamp,
    to: Timestamp,
) -> Vec<RuleSlot> {
    within_hours(capacity.slots(from, to), calendar)
}

/// The slot that holds an instant, if it lies within opening hours.
pub(super) fn bookable_at(
    capacity: &Capacity,
    calendar: Option<&Calendar>,
    at: Timestamp,
) -> Option<RuleSlot> {
    within_hours(capacity.slot_of(at).into_iter().collect(), calendar).pop()
}

fn within_hours(mut slots: Vec<RuleSlot>, calendar: Option<&Calendar>) -> Vec<RuleSlot> {
    if let (Some(calendar), Some(first), Some(last)) = (calendar, slots.first(), slots.last()) {
        let openings = calendar.openings(first.start.as_second(), last.end.as_second());
        let mut openings = openings.iter().peekable();
        slots.retain(|slot| {
            let (start, end) = (slot.start.as_second(), slot.end.as_second());
            while openings.next_if(|opening| opening.end <= start).is_some() {}
            openings.peek().is_some_and(|opening| opening.start <= start && end <= opening.end)
        });
    }
    slots
}

/// Seats of a slot that are taken. A booking from before its rule changed counts in the slot that now has its instant.
pub(super) fn taken(slot: &RuleSlot, booked: &Booked) -> u32 {
    booked.range(slot.start..slot.end).fold(0, |sum, (_, booked)| sum.saturating_add(*booked))
}

/// Slots as a caller sees them.
pub(super) fn shown(slot: &RuleSlot, booked: &Booked, clock: &WallClock) -> Slot {
    Slot {
        start: slot.start,
        end: slot.end,
        wall_time: clock.shows(slot.start),
        capacity_left: slot.capacity.saturating_sub(taken(slot, booked)),
        capacity_total: slot.capacity,
    }
}

/// The first `limit` slots that are free, or all of them with `include_full`.
pub(super) fn page(
    slots: &[RuleSlot],
    booked: &Booked,
    clock: &WallClock,
    include_full: bool,
    limit: usize,
) -> Availability {
    let mut wanted = slots.iter().filter(|slot| include_full || taken(slot, booked) < slot.capacity);
    let slots = wanted.by_ref().take(limit).map(|slot| shown(slot, booked, clock)).collect();
    Availability { slots, next: wanted.next().map(|slot| slot.start) }
}

/// The free slots nearest to an instant: up to `count` that begin before it or at it, and up to `count` after it.
pub(super) fn nearest<'a>(
    slots: &'a [RuleSlot],
    booked: &Booked,
    at: Timestamp,
    count: usize,
) -> (Vec<&'a RuleSlot>, Vec<&'a RuleSlot>) {
    let (before, after) = slots.split_at(slots.partition_point(|slot| slot.start <= at));
    let is_free = |slot: &&RuleSlot| taken(slot, booked) < slot.capacity;
    let mut before: Vec<_> = before.iter().rev().filter(is_free).take(count).collect();
    before.reverse();
    (before, after.iter().filter(is_free).take(count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::calendar::CalendarSetup;
    use crate::schedule::capacity::tests::{all_day, capacity};
    use proptest::prelude::*;
    use ringback_core::protocol::{Fold, WallTime};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn calendar(setup: &str) -> Calendar {
        Calendar::try_from(&toml::from_str::<CalendarSetup>(setup).unwrap()).unwrap()
    }

    fn starts(slots: &[RuleSlot]) -> Vec<String> {
        slots.iter().map(|slot| slot.start.to_string()).collect()
    }

    fn request(from: Option<&str>, to: Option<&str>, limit: Option<u32>) -> AvailabilityRequest {
        AvailabilityRequest {
            service: "billing".to_owned(),
            zone: "UTC".to_owned(),
            from: from.map(at),
            to: to.map(at),
            include_full: false,
            limit,
        }
    }

    #[test]
    fn a_window_is_bounded() {
        let now = at("2026-11-23T12:00:00Z");
        let shown = |from, to, horizon_days| window(&request(from, to, None), now, horizon_days).unwrap();
        let week = shown(None, None, 30);
        assert_eq!((week.from, week.to, week.limit), (now, at("2026-11-30T12:00:00Z"), 500));
        // What is past, and what is beyond the horizon, is cut off.
        let cut = shown(Some("2026-11-20T00:00:00Z"), Some("2026-12-20T00:00:00Z"), 3);
        assert_eq!((cut.from, cut.to), (now, at("2026-11-26T12:00:00Z")));

        let field = |request| window(&request, now, 30).unwrap_err().into_problem().field.unwrap();
        assert_eq!(field(request(Some("2026-11-24T00:00:00Z"), Some("2026-11-23T00:00:00Z"), None)), "to");
        assert_eq!(field(request(None, Some("2027-01-24T12:00:01Z"), None)), "to");
        assert_eq!(field(request(None, None, Some(0))), "limit");
        assert_eq!(field(request(None, None, Some(5001))), "limit");
    }

    #[test]
    fn slots_lie_within_opening_hours() {
        let rule = capacity(
            "name = \"a\"\nzone = \"Europe/Berlin\"\nslot_minutes = 60\n\
             seats = [{ day = \"monday\", from = \"08:00\", to = \"14:00\", capacity = 2 }]",
        );
        // Breaks at half past eleven: the slot from eleven is not wholly open.
        let hours = calendar(
            "name = \"a\"\nzone = \"Europe/London\"\nhours = [\
             { day = \"monday\", from = \"08:00\", to = \"10:30\" }, { day = \"monday\", from = \"11:00\", to = \"13:00\" }]",
        );
        let (from, to) = (at("2026-11-23T00:00:00Z"), at("2026-11-24T00:00:00Z"));
        assert_eq!(
            starts(&bookable(&rule, Some(&hours), from, to)),
            ["2026-11-23T08:00:00Z", "2026-11-23T09:00:00Z", "2026-11-23T11:00:00Z", "2026-11-23T12:00:00Z"]
        );
        assert_eq!(bookable(&rule, None, from, to).len(), 6);
        assert!(bookable_at(&rule, Some(&hours), at("2026-11-23T09:59:00Z")).is_some());
        assert!(bookable_at(&rule, Some(&hours), at("2026-11-23T10:00:00Z")).is_none());
        assert!(bookable_at(&rule, None, at("2026-11-23T10:00:00Z")).is_some());
    }

    #[test]
    fn a_caller_sees_the_own_wall_across_the_date_line() {
        let auckland = capacity(
            "name = \"a\"\nzone = \"Pacific/Auckland\"\nslot_minutes = 120\n\
             seats = [{ day = \"friday\", from = \"09:00\", to = \"11:00\", capacity = 2 }]",
        );
        let (from, to) = (at("2026-12-31T00:00:00Z"), at("2027-01-02T00:00:00Z"));
        let clock = WallClock::new("Pacific/Honolulu", from, to).unwrap();
        let found = bookable(&auckland, None, from, to);
        let page = page(&found, &Booked::new(), &clock, false, 10);
        // New Year's morning there is the morning before here.
        let wall_times: Vec<_> = page.slots.iter().map(|slot| slot.wall_time.local.as_str()).collect();
        assert_eq!(wall_times, ["2026-12-31T10:00:00"]);
    }

    #[test]
    fn full_slots_are_left_out_or_shown_as_full() {
        let rule = all_day("UTC", 60, 2);
        let (from, to) = (at("2026-11-23T00:00:00Z"), at("2026-11-23T05:00:00Z"));
        let clock = WallClock::new("UTC", from, to).unwrap();
        // Three are booked in the second: its capacity was lowered. The third has one from when it began at half past.
        let booked = Booked::from([(at("2026-11-23T01:00:00Z"), 3), (at("2026-11-23T02:30:00Z"), 1)]);
        let found = bookable(&rule, None, from, to);
        let left = |include_full, limit| {
            let page = page(&found, &booked, &clock, include_full, limit);
            (page.slots.iter().map(|slot| slot.capacity_left).collect::<Vec<_>>(), page.next)
        };
        assert_eq!(left(true, 9), (vec![2, 0, 1, 2, 2], None));
        assert_eq!(left(false, 9), (vec![2, 1, 2, 2], None));
        assert_eq!(left(false, 1), (vec![2], Some(at("2026-11-23T02:00:00Z"))));
        assert_eq!(left(true, 1), (vec![2], Some(at("2026-11-23T01:00:00Z"))));
        assert_eq!(left(true, 5), (vec![2, 0, 1, 2, 2], None));
    }

    #[test]
    fn the_nearest_free_slots_stand_around_a_time() {
        let rule = all_day("UTC", 60, 1);
        let found = bookable(&rule, None, at("2026-11-23T00:00:00Z"), at("2026-11-23T09:00:00Z"));
        let full = |hours: &[i64]| -> Booked {
            hours.iter().map(|hour| (found[usize::try_from(*hour).unwrap()].start, 1)).collect()
        };
        let hours = |booked: &Booked, time: &str| {
            let (before, after) = nearest(&found, booked, at(time), 2);
            let hour = |slot: &&RuleSlot| slot.start.to_string()[11..13].to_owned();
            (before.iter().map(hour).collect::<Vec<_>>(), after.iter().map(hour).collect::<Vec<_>>())
        };
        let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            hours(&full(&[4, 5, 3]), "2026-11-23T04:30:00Z"),
            (strings(&["01", "02"]), strings(&["06", "07"]))
        );
        assert_eq!(hours(&full(&[0, 1]), "2026-11-23T01:00:00Z"), (strings(&[]), strings(&["02", "03"])));
        assert_eq!(hours(&full(&[8]), "2026-11-23T08:00:00Z"), (strings(&["06", "07"]), strings(&[])));
    }

    #[test]
    fn a_fold_on_the_caller_s_wall_is_told_apart() {
        let rule = all_day("UTC", 60, 1);
        let (from, to) = (at("2026-10-25T00:00:00Z"), at("2026-10-25T02:00:00Z"));
        let clock = WallClock::new("Europe/Berlin", from, to).unwrap();
        let page = page(&bookable(&rule, None, from, to), &Booked::new(), &clock, false, 9);
        let shown: Vec<_> = page.slots.into_iter().map(|slot| slot.wall_time).collect();
        let two = |fold| WallTime {
            local: "2026-10-25T02:00:00".to_owned(),
            zone: "Europe/Berlin".to_owned(),
            fold: Some(fold),
        };
        assert_eq!(shown, [two(Fold::Earlier), two(Fold::Later)]);
    }

    proptest! {
        /// Whatever zones caller and centre are in, a slot's wall time sent back is that slot, and pages lose nothing.
        #[test]
        fn a_slot_s_wall_time_leads_back_to_it(
            second in 1_293_840_000i64..2_208_988_800,
            centre in prop::sample::select(wall::tests::ZONES),
            caller in prop::sample::select(wall::tests::ZONES),
            near_a_change in any::<bool>(),
        ) {
            let mut from = Timestamp::from_second(second).unwrap();
            if near_a_change && let Some(change) = wall::zone(caller).unwrap().following(from).next() {
                from = change.timestamp().saturating_sub(jiff::SignedDuration::from_hours(20)).unwrap();
            }
            let to = wall::horizon(from, 2);
            let rule = all_day(centre, 30, 1);
            let clock = WallClock::new(caller, from, to).unwrap();
            let found = bookable(&rule, None, from, to);
            let all = page(&found, &Booked::new(), &clock, false, 1000);
            prop_assert_eq!(all.slots.len(), found.len());
            for slot in &all.slots {
                prop_assert_eq!(wall::resolve(&slot.wall_time).unwrap().at, slot.start);
            }
            let first = page(&found, &Booked::new(), &clock, false, 7);
            let rest = bookable(&rule, None, first.next.unwrap(), to);
            let rest = page(&rest, &Booked::new(), &clock, false, 1000);
            prop_assert_eq!([first.slots, rest.slots].concat(), all.slots);
        }
    }
}
