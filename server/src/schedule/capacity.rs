//! How many calls can be promised when: slots, by the clock on the centre's wall.
//!
//! A slot that begins within a gap of the clock is left out; one that begins within a fold exists twice.

use super::hours::{DAY_S, Day, Hours, MINUTE_S, TimeOfDay, date_of, in_order, invalid, weekday_index};
use super::offsets::{Offsets, instant};
use super::wall;
use crate::refusal::Refusal;
use crate::routing::resources::check_name;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

const SLOT_MINUTES: [u32; 7] = [5, 10, 15, 20, 30, 60, 120];

/// A capacity rule: how many calls can be promised in each slot. Services that name the same rule share its seats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CapacitySetup {
    /// 1 to 64 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// Where its clock hangs: an IANA zone, for example `Europe/Berlin`.
    pub zone: String,
    /// How long a slot is, in minutes: 5, 10, 15, 20, 30, 60 or 120.
    pub slot_minutes: u32,
    /// The seats of every week.
    #[serde(default)]
    pub seats: Vec<DaySeats>,
    /// Dates with seats of their own, in place of those of the week.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<CapacityException>,
}

/// Seats of one day of the week. A day may have several stretches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DaySeats {
    /// The day.
    pub day: Day,
    /// When the first slot begins, `09:00`.
    #[schema(value_type = String, example = "09:00")]
    pub from: TimeOfDay,
    /// When the last slot ends, at most `24:00`: a whole number of slots later.
    #[schema(value_type = String, example = "17:30")]
    pub to: TimeOfDay,
    /// How many calls can be promised in each slot, 1 to 10000.
    pub capacity: u32,
}

/// One date with seats of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CapacityException {
    /// The date.
    #[schema(value_type = String, format = Date)]
    pub date: Date,
    /// Its seats; none is a day without slots.
    pub seats: Vec<Seats>,
}

/// Seats of a stretch of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Seats {
    /// When the first slot begins, `09:00`.
    #[schema(value_type = String, example = "09:00")]
    pub from: TimeOfDay,
    /// When the last slot ends, at most `24:00`: a whole number of slots later.
    #[schema(value_type = String, example = "17:30")]
    pub to: TimeOfDay,
    /// How many calls can be promised in each slot, 1 to 10000.
    pub capacity: u32,
}

/// A capacity rule ready to be asked.
#[derive(Debug, Clone)]
pub struct Capacity {
    /// `ca_…`: whose seats are booked.
    pub id: String,
    zone: TimeZone,
    slot_s: i64,
    week: [Vec<Seats>; 7],
    exceptions: HashMap<Date, Vec<Seats>>,
}

/// A slot as its rule makes it, whoever looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleSlot {
    /// Its first instant.
    pub start: Timestamp,
    /// The first instant after it. A change of the clock may make it shorter than others.
    pub end: Timestamp,
    /// How many calls can be promised in it in all.
    pub capacity: u32,
}

impl Capacity {
    /// Checks a setup. A refusal names the field. `id` is the stored rule's.
    pub fn new(id: &str, setup: &CapacitySetup) -> Result<Self, Refusal> {
        check_name(&setup.name)?;
        let zone = wall::zone(&setup.zone)?;
        if !SLOT_MINUTES.contains(&setup.slot_minutes) {
            return Err(invalid(
                "slot_minutes",
                "A slot has 5, 10, 15, 20, 30, 60 or 120 minutes. Choose one.",
            ));
        }
        let slot_s = i64::from(setup.slot_minutes) * MINUTE_S;
        let mut week: [Vec<Seats>; 7] = Default::default();
        for &DaySeats { day, from, to, capacity } in &setup.seats {
            week[day as usize].push(Seats { from, to, capacity });
        }
        for day in &mut week {
            *day = check_day(std::mem::take(day), slot_s, "seats")?;
        }
        let mut exceptions = HashMap::new();
        for exception in &setup.exceptions {
            let seats = check_day(exception.seats.clone(), slot_s, "exceptions")?;
            if exceptions.insert(exception.date, seats).is_some() {
                return Err(invalid(
                    "exceptions",
                    "Each date stands there once. Put all its seats into one.",
                ));
            }
        }
        Ok(Self { id: id.to_owned(), zone, slot_s, week, exceptions })
    }

    /// The slots that begin from `from` on and before `to`, in order.
    pub fn slots(&self, from: Timestamp, to: Timestamp) -> Vec<RuleSlot> {
        let whole_second = |at: Timestamp| at.as_second() + i64::from(at.subsec_nanosecond() > 0);
        self.slots_between(whole_second(from), whole_second(to))
    }

    /// The slots that begin on a day of the rule's own zone, in order.
    pub fn slots_of_day(&self, date: Date) -> Vec<RuleSlot> {
        // A day's midnight may not exist or come twice; what the clock shows decides.
        let around = Offset::UTC.to_timestamp(date.at(12, 0, 0, 0)).map_or(0, Timestamp::as_second);
        let mut slots = self.slots_between(around - 2 * DAY_S, around + 2 * DAY_S);
        slots.retain(|slot| self.zone.to_datetime(slot.start).date() == date);
        slots
    }

    /// The slot that holds an instant.
    pub fn slot_of(&self, at: Timestamp) -> Option<RuleSlot> {
        let second = at.as_second();
        let slot = self.slots_between(second - self.slot_s + 1, second + 1).pop()?;
        (slot.end > at).then_some(slot)
    }

    fn slots_between(&self, from: i64, to: i64) -> Vec<RuleSlot> {
        // One slot further: where the clock changes, the next may begin before the last has its full length.
        let seen_to = to.saturating_add(self.slot_s);
        let offsets = Offsets::around(&self.zone, from, seen_to);
        let mut found: Vec<RuleSlot> = Vec::new();
        for stretch in offsets.stretches() {
            let (start, end) = (stretch.start.max(from), stretch.end.min(seen_to));
            if start >= end {
                continue;
            }
            let (first, last) = (start + stretch.offset, end + stretch.offset - 1);
            for day in first.div_euclid(DAY_S)..=last.div_euclid(DAY_S) {
                let midnight = day * DAY_S - stretch.offset;
                for seats in self.seats_of(day) {
                    let (opens, closes) = (midnight + seats.from.seconds(), midnight + seats.to.seconds());
                    // The first slot of the stretch that begins in sight.
                    let skipped = (start - opens).max(0);
                    let mut at = opens + skipped.div_euclid(self.slot_s) * self.slot_s;
                    if at < start {
                        at += self.slot_s;
                    }
                    while at < closes.min(end) {
                        if let Some(before) = found.last_mut() {
                            before.end = before.end.min(instant(at));
                        }
                        let (start, end) = (instant(at), instant(at + self.slot_s));
                        found.push(RuleSlot { start, end, capacity: seats.capacity });
                        at += self.slot_s;
                    }
                }
            }
        }
        found.truncate(found.partition_point(|slot| slot.start.as_second() < to));
        found
    }

    fn seats_of(&self, day: i64) -> &[Seats] {
        self.exceptions.get(&date_of(day)).unwrap_or(&self.week[weekday_index(day)])
    }
}

fn check_day(seats: Vec<Seats>, slot_s: i64, field: &str) -> Result<Vec<Seats>, Refusal> {
    for Seats { from, to, capacity } in &seats {
        if !(1..=10_000).contains(capacity) {
            return Err(invalid(field, "A slot has a capacity of 1 to 10000. Leave out what has no seats."));
        }
        if (to.seconds() - from.seconds()) % slot_s != 0 {
            return Err(invalid(field, "From `from` to `to` is a whole number of slots. Move one of them."));
        }
    }
    in_order(seats, |seats| Hours { from: seats.from, to: seats.to }, field)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn capacity(setup: &str) -> Capacity {
        Capacity::new("ca_test", &toml::from_str::<CapacitySetup>(setup).unwrap()).unwrap()
    }

    /// Seats at every hour of every day.
    pub(crate) fn all_day(zone: &str, slot_minutes: u32, capacity_of_slot: u32) -> Capacity {
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let seats = days.map(|day| {
            format!("{{ day = \"{day}\", from = \"00:00\", to = \"24:00\", capacity = {capacity_of_slot} }}")
        });
        capacity(&format!(
            "name = \"all-day\"\nzone = \"{zone}\"\nslot_minutes = {slot_minutes}\nseats = [{}]",
            seats.join(",")
        ))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Beginnings and lengths in minutes, as the rule's own clock shows them.
    fn shown(capacity: &Capacity, from: &str, to: &str) -> Vec<String> {
        capacity
            .slots(at(from), at(to))
            .iter()
            .map(|slot| {
                let local = capacity.zone.to_datetime(slot.start);
                let minutes = slot.start.duration_until(slot.end).as_mins();
                format!("{:02}:{:02}+{minutes}", local.hour(), local.minute())
            })
            .collect()
    }

    #[test]
    fn slots_follow_the_week_and_its_exceptions() {
        let berlin = capacity(
            r#"
            name = "berlin"
            zone = "Europe/Berlin"
            slot_minutes = 30
            seats = [
                { day = "monday", from = "13:15", to = "14:15", capacity = 5 },
                { day = "monday", from = "09:00", to = "10:00", capacity = 2 },
                { day = "tuesday", from = "23:00", to = "24:00", capacity = 1 },
            ]
            exceptions = [
                { date = "2026-11-30", seats = [{ from = "11:00", to = "11:30", capacity = 9 }] },
                { date = "2026-12-07", seats = [] },
            ]
            "#,
        );
        let week = ("2026-11-23T00:00:00Z", "2026-11-29T00:00:00Z");
        assert_eq!(
            shown(&berlin, week.0, week.1),
            ["09:00+30", "09:30+30", "13:15+30", "13:45+30", "23:00+30", "23:30+30"]
        );
        let capacities: Vec<_> =
            berlin.slots(at(week.0), at(week.1)).iter().map(|slot| slot.capacity).collect();
        assert_eq!(capacities, [2, 2, 5, 5, 1, 1]);
        assert_eq!(shown(&berlin, "2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"), ["11:00+30"]);
        assert!(shown(&berlin, "2026-12-07T00:00:00Z", "2026-12-08T00:00:00Z").is_empty());
        // Only what begins in the range: 9:00 is 8:00 UTC.
        assert_eq!(shown(&berlin, "2026-11-23T08:00:00.5Z", "2026-11-23T08:30:01Z"), ["09:30+30"]);
        assert!(shown(&berlin, "2026-11-23T08:00:00.5Z", "2026-11-23T08:30:00Z").is_empty());

        assert_eq!(berlin.slot_of(at("2026-11-23T08:29:59.9Z")).unwrap().start, at("2026-11-23T08:00:00Z"));
        assert_eq!(berlin.slot_of(at("2026-11-23T08:30:00Z")).unwrap().start, at("2026-11-23T08:30:00Z"));
        assert_eq!(berlin.slot_of(at("2026-11-23T09:00:00Z")), None);
        assert_eq!(berlin.slot_of(at("2026-11-23T07:59:59Z")), None);
    }

    #[test]
    fn a_leap_day_has_the_slots_of_its_weekday() {
        let tuesday = capacity(
            "name = \"a\"\nzone = \"Pacific/Auckland\"\nslot_minutes = 60\n\
             seats = [{ day = \"tuesday\", from = \"09:00\", to = \"11:00\", capacity = 1 }]",
        );
        assert_eq!(shown(&tuesday, "2028-02-28T11:00:00Z", "2028-02-29T11:00:00Z"), ["09:00+60", "10:00+60"]);
    }

    #[test]
    fn slots_in_a_gap_are_left_out_and_slots_in_a_fold_come_twice() {
        for (zone, minutes, from, to, slots) in [
            // North: forward in March, back in October.
            (
                "Europe/Berlin",
                30,
                "2026-03-29T00:00:00Z",
                "2026-03-29T02:00:00Z",
                &["01:00+30", "01:30+30", "03:00+30", "03:30+30"][..],
            ),
            (
                "Europe/Berlin",
                60,
                "2026-10-24T23:00:00Z",
                "2026-10-25T03:00:00Z",
                &["01:00+60", "02:00+60", "02:00+60", "03:00+60"],
            ),
            // South: forward in October, back in April.
            (
                "Australia/Sydney",
                60,
                "2026-10-03T15:00:00Z",
                "2026-10-03T17:00:00Z",
                &["01:00+60", "03:00+60"],
            ),
            (
                "Australia/Sydney",
                60,
                "2026-04-04T14:00:00Z",
                "2026-04-04T17:00:00Z",
                &["01:00+60", "02:00+60", "02:00+60"],
            ),
            // Half an hour: the hour from 2:00 does not begin, and 1:30 comes twice.
            (
                "Australia/Lord_Howe",
                60,
                "2026-10-03T14:30:00Z",
                "2026-10-03T17:00:00Z",
                &["01:00+60", "03:00+60"],
            ),
            (
                "Australia/Lord_Howe",
                30,
                "2026-04-04T14:00:00Z",
                "2026-04-04T16:00:00Z",
                &["01:00+30", "01:30+30", "01:30+30", "02:00+30"],
            ),
            // A slot that would run into the next one ends where that begins.
            (
                "Australia/Lord_Howe",
                120,
                "2026-04-04T12:00:00Z",
                "2026-04-04T16:00:00Z",
                &["00:00+120", "02:00+120"],
            ),
            // Two hours at once.
            (
                "Antarctica/Troll",
                60,
                "2026-03-29T00:00:00Z",
                "2026-03-29T02:00:00Z",
                &["00:00+60", "03:00+60"],
            ),
        ] {
            assert_eq!(shown(&all_day(zone, minutes, 1), from, to), slots, "{zone} {from}");
        }
    }

    #[test]
    fn a_day_has_the_slots_its_clock_shows() {
        for (zone, date, count) in [
            ("Europe/Berlin", "2026-11-23", 24),
            ("Europe/Berlin", "2026-03-29", 23),
            ("Europe/Berlin", "2026-10-25", 25),
            // The day begins at one; the day has its last hour twice; the day never was.
            ("America/Santiago", "2026-09-06", 23),
            ("America/Santiago", "2026-04-04", 25),
            ("Pacific/Apia", "2011-12-30", 0),
            ("Pacific/Kiritimati", "2026-11-23", 24),
        ] {
            let slots = all_day(zone, 60, 1).slots_of_day(date.parse().unwrap());
            assert_eq!(slots.len(), count, "{zone} {date}");
        }
    }

    #[test]
    fn a_slot_is_cut_where_the_next_begins_after_a_change() {
        // Half-past starts in Lord Howe, 4 October 2026: 2:00 is 2:30, where the next slot begins.
        let half_past = capacity(
            "name = \"a\"\nzone = \"Australia/Lord_Howe\"\nslot_minutes = 60\n\
             seats = [{ day = \"sunday\", from = \"01:30\", to = \"03:30\", capacity = 1 }]",
        );
        assert_eq!(
            shown(&half_past, "2026-10-03T14:00:00Z", "2026-10-03T17:00:00Z"),
            ["01:30+30", "02:30+60"]
        );
        assert_eq!(shown(&half_past, "2026-10-03T14:00:00Z", "2026-10-03T15:01:00Z"), ["01:30+30"]);
        let second = half_past.slot_of(at("2026-10-03T15:30:00Z")).unwrap();
        assert_eq!(second.start, at("2026-10-03T15:30:00Z"));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_field() {
        let refused = |rest: &str| {
            let setup = format!("name = \"a\"\nzone = \"UTC\"\n{rest}");
            let setup = toml::from_str::<CapacitySetup>(&setup).unwrap();
            Capacity::new("ca_test", &setup).unwrap_err().into_problem().field.unwrap()
        };
        let seats = |from: &str, to: &str, capacity: u32| {
            format!(
                "slot_minutes = 30\nseats = [{{ day = \"monday\", from = \"{from}\", to = \"{to}\", capacity = {capacity} }}]"
            )
        };
        assert_eq!(refused("slot_minutes = 25"), "slot_minutes");
        assert_eq!(refused("slot_minutes = 0"), "slot_minutes");
        assert_eq!(refused(&seats("09:00", "10:15", 1)), "seats");
        assert_eq!(refused(&seats("09:00", "09:00", 1)), "seats");
        assert_eq!(refused(&seats("09:00", "08:00", 1)), "seats");
        assert_eq!(refused(&seats("09:00", "10:00", 0)), "seats");
        assert_eq!(refused(&seats("09:00", "10:00", 10_001)), "seats");
        let exception = |date: &str, from: &str| {
            format!(
                "{{ date = \"{date}\", seats = [{{ from = \"{from}\", to = \"10:00\", capacity = 1 }}] }}"
            )
        };
        let twice = (exception("2026-12-24", "09:00"), exception("2026-12-24", "09:30"));
        assert_eq!(
            refused(&format!("slot_minutes = 30\nexceptions = [{}, {}]", twice.0, twice.1)),
            "exceptions"
        );
        assert_eq!(
            refused(&format!("slot_minutes = 30\nexceptions = [{}]", exception("2026-12-24", "10:30"))),
            "exceptions"
        );
    }

    proptest! {
        #[test]
        fn slots_are_in_order_apart_and_aligned(
            second in 1_293_840_000i64..2_208_988_800,
            zone in prop::sample::select(wall::tests::ZONES),
            minutes in prop::sample::select(&SLOT_MINUTES[..]),
        ) {
            let capacity = all_day(zone, minutes, 3);
            let (from, to) = (instant(second), instant(second + 3 * DAY_S));
            let slots = capacity.slots(from, to);
            prop_assert!(!slots.is_empty());
            for slot in &slots {
                prop_assert!((from..to).contains(&slot.start) && slot.start < slot.end);
                let local = capacity.zone.to_datetime(slot.start);
                let minute = u32::try_from(local.hour()).unwrap() * 60 + u32::try_from(local.minute()).unwrap();
                prop_assert_eq!((minute % minutes, local.second()), (0, 0));
                prop_assert_eq!(capacity.slot_of(slot.start), Some(*slot));
                prop_assert_eq!(capacity.slot_of(instant(slot.end.as_second() - 1)), Some(*slot));
            }
            for pair in slots.windows(2) {
                prop_assert!(pair[0].end <= pair[1].start);
            }
        }
    }
}
