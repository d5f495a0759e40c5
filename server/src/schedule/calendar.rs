//! Opening hours: what a clock on the centre's wall shows when somebody is there.
//!
//! A calendar is open exactly while that clock shows a time within the hours of its day. When clocks go forward, hours
//! within the gap do not happen; when they go back, hours within the fold happen twice.

use super::hours::{DAY_S, Day, Hours, TimeOfDay, date_of, in_order, invalid, weekday_index};
use super::offsets::{Offsets, instant};
use super::wall;
use crate::refusal::Refusal;
use crate::routing::resources::check_name;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// How far ahead a next opening or closing is looked for.
const SEARCH_DAYS: i64 = 400;
/// How much of it is worked out at a time: mostly the answer is near.
const SEARCH_STEP_DAYS: i64 = 10;

/// A calendar: when a centre is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarSetup {
    /// 1 to 64 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// Where its clock hangs: an IANA zone, for example `Europe/Berlin`.
    pub zone: String,
    /// The hours of every week.
    #[serde(default)]
    pub hours: Vec<DayHours>,
    /// Days with hours of their own. They take precedence over holidays and over the week.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub special_days: Vec<SpecialDay>,
    /// Days on which the centre is closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<Holiday>,
}

/// Hours of one day of the week. A day may have several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DayHours {
    /// The day.
    pub day: Day,
    /// `09:00`
    #[schema(value_type = String, example = "09:00")]
    pub from: TimeOfDay,
    /// The first minute after it, at most `24:00`.
    #[schema(value_type = String, example = "17:30")]
    pub to: TimeOfDay,
}

/// One date with hours of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpecialDay {
    /// The date.
    #[schema(value_type = String, format = Date)]
    pub date: Date,
    /// Its hours; none is a closed day.
    pub hours: Vec<Hours>,
}

/// A day on which the centre is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// What it is called in lists.
    pub name: String,
    /// The date; or [`Holiday::yearly`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub date: Option<Date>,
    /// Month and day of every year, `12-25`. `02-29` is a holiday in leap years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "12-25")]
    pub yearly: Option<MonthDay>,
}

/// A day of any year, written `12-25`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MonthDay {
    month: i8,
    day: i8,
}

/// Why a text is no [`MonthDay`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a day of every year is written as month and day, for example 12-25")]
pub struct NoMonthDay;

impl TryFrom<String> for MonthDay {
    type Error = NoMonthDay;

    fn try_from(text: String) -> Result<Self, NoMonthDay> {
        // A leap year knows every day.
        let date: Date = format!("2024-{text}").parse().map_err(|_| NoMonthDay)?;
        let parsed = Self { month: date.month(), day: date.day() };
        if String::from(parsed) == text { Ok(parsed) } else { Err(NoMonthDay) }
    }
}

impl From<MonthDay> for String {
    fn from(day: MonthDay) -> Self {
        format!("{:02}-{:02}", day.month, day.day)
    }
}

/// A calendar ready to be asked.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
    week: [Vec<Hours>; 7],
    special_days: HashMap<Date, Vec<Hours>>,
    holidays: HashSet<Date>,
    yearly_holidays: HashSet<MonthDay>,
}

/// A stretch in which a calendar is open, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) start: i64,
    pub(super) end: i64,
}

impl TryFrom<&CalendarSetup> for Calendar {
    type Error = Refusal;

    /// Checks a setup. A refusal names the field.
    fn try_from(setup: &CalendarSetup) -> Result<Self, Refusal> {
        check_name(&setup.name)?;
        let zone = wall::zone(&setup.zone)?;
        let mut week: [Vec<Hours>; 7] = Default::default();
        for &DayHours { day, from, to } in &setup.hours {
            week[day as usize].push(Hours { from, to });
        }
        for day in &mut week {
            *day = in_order(std::mem::take(day), |hours| *hours, "hours")?;
        }
        let mut special_days = HashMap::new();
        for special in &setup.special_days {
            let hours = in_order(special.hours.clone(), |hours| *hours, "special_days")?;
            if special_days.insert(special.date, hours).is_some() {
                return Err(invalid(
                    "special_days",
                    "Each date stands there once. Put all its hours into one.",
                ));
            }
        }
        let (mut holidays, mut yearly_holidays) = (HashSet::new(), HashSet::new());
        for holiday in &setup.holidays {
            let is_new = match (holiday.date, holiday.yearly) {
                (Some(date), None) => holidays.insert(date),
                (None, Some(yearly)) => yearly_holidays.insert(yearly),
                _ => {
                    return Err(invalid(
                        "holidays",
                        "A holiday has either `date` or `yearly`. Give one of them.",
                    ));
                }
            };
            if !is_new {
                return Err(invalid("holidays", "Each day stands there once. Remove the second."));
            }
        }
        Ok(Self { zone, week, special_days, holidays, yearly_holidays })
    }
}

impl Calendar {
    /// Whether it is open at this instant.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let at = at.as_second();
        !self.openings(at, at + 1).is_empty()
    }

    /// When it closes; `None` if it is closed, or stays open for the next 400 days.
    pub fn closes_at(&self, at: Timestamp) -> Option<Timestamp> {
        let at = at.as_second();
        let mut open_until = at;
        for (from, to) in search_steps(at) {
            match self.openings(from, to).first() {
                Some(opening) if opening.start == open_until => open_until = opening.end,
                _ => {}
            }
            if open_until < to {
                break;
            }
        }
        let is_found = open_until > at && open_until < at + SEARCH_DAYS * DAY_S;
        is_found.then(|| instant(open_until))
    }

    /// When it is open next: `at` itself if it is open then; `None` if it does not open in the next 400 days.
    pub fn opens_at(&self, at: Timestamp) -> Option<Timestamp> {
        let next = search_steps(at.as_second())
            .find_map(|(from, to)| self.openings(from, to).first().map(|opening| opening.start))?;
        Some(instant(next).max(at))
    }

    /// When it is open from `from` to `to`, in order; what adjoins is one.
    pub(super) fn openings(&self, from: i64, to: i64) -> Vec<Opening> {
        let offsets = Offsets::around(&self.zone, from, to);
        let mut found: Vec<Opening> = Vec::new();
        for stretch in offsets.stretches() {
            let (start, end) = (stretch.start.max(from), stretch.end.min(to));
            if start >= end {
                continue;
            }
            let (first, last) = (start + stretch.offset, end + stretch.offset - 1);
            for day in first.div_euclid(DAY_S)..=last.div_euclid(DAY_S) {
                let midnight = day * DAY_S - stretch.offset;
                for hours in self.hours_of(day) {
                    let opens = (midnight + hours.from.seconds()).max(start);
                    let closes = (midnight + hours.to.seconds()).min(end);
                    if opens >= closes {
                        continue;
                    }
                    match found.last_mut() {
                        Some(before) if before.end == opens => before.end = closes,
                        _ => found.push(Opening { start: opens, end: closes }),
                    }
                }
            }
        }
        found
    }

    fn hours_of(&self, day: i64) -> &[Hours] {
        let date = date_of(day);
        if let Some(hours) = self.special_days.get(&date) {
            return hours;
        }
        let of_every_year = MonthDay { month: date.month(), day: date.day() };
        if self.holidays.contains(&date) || self.yearly_holidays.contains(&of_every_year) {
            return &[];
        }
        &self.week[weekday_index(day)]
    }
}

fn search_steps(at: i64) -> impl Iterator<Item = (i64, i64)> {
    let step = move |n: i64| at + n * SEARCH_STEP_DAYS * DAY_S;
    (0..SEARCH_DAYS / SEARCH_STEP_DAYS).map(move |n| (step(n), step(n + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn calendar(setup: &str) -> Calendar {
        Calendar::try_from(&toml::from_str::<CalendarSetup>(setup).unwrap()).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Monday to Friday 9:00 to 17:30 in Berlin, with two stretches on Monday, and days of all kinds.
    fn berlin() -> Calendar {
        calendar(
            r#"
            name = "berlin"
            zone = "Europe/Berlin"
            hours = [
                { day = "monday", from = "13:00", to = "17:30" },
                { day = "monday", from = "09:00", to = "12:00" },
                { day = "tuesday", from = "09:00", to = "17:30" },
                { day = "wednesday", from = "09:00", to = "17:30" },
                { day = "thursday", from = "09:00", to = "17:30" },
                { day = "friday", from = "09:00", to = "17:30" },
            ]
            special_days = [
                { date = "2026-12-24", hours = [{ from = "09:00", to = "12:00" }] },
                { date = "2026-12-30", hours = [] },
                { date = "2026-12-26", hours = [{ from = "10:00", to = "11:00" }] },
            ]
            holidays = [
                { name = "Christmas", yearly = "12-25" },
                { name = "Boxing Day", yearly = "12-26" },
                { name = "Leap day", yearly = "02-29" },
                { name = "Jubilee", date = "2026-10-05" },
            ]
            "#,
        )
    }

    #[test]
    fn the_week_repeats_and_pauses() {
        let berlin = berlin();
        // Monday, in winter time: 9:00 is 8:00 UTC.
        assert!(!berlin.is_open(at("2026-11-23T07:59:59Z")));
        assert!(berlin.is_open(at("2026-11-23T08:00:00Z")));
        assert_eq!(berlin.closes_at(at("2026-11-23T08:00:00Z")), Some(at("2026-11-23T11:00:00Z")));
        assert!(!berlin.is_open(at("2026-11-23T11:00:00Z")));
        assert_eq!(berlin.closes_at(at("2026-11-23T11:00:00Z")), None);
        assert_eq!(berlin.opens_at(at("2026-11-23T11:00:00Z")), Some(at("2026-11-23T12:00:00Z")));
        // Friday evening: next is Monday.
        assert_eq!(berlin.opens_at(at("2026-11-27T16:30:00Z")), Some(at("2026-11-30T08:00:00Z")));
        let within_a_second = at("2026-11-23T08:00:00.5Z");
        assert_eq!(berlin.opens_at(within_a_second), Some(within_a_second));
    }

    #[test]
    fn special_days_go_before_holidays_before_the_week() {
        let berlin = berlin();
        // Thursday the 24th closes early, Friday is Christmas, Saturday opens for an hour although it is a holiday.
        assert_eq!(berlin.closes_at(at("2026-12-24T10:00:00Z")), Some(at("2026-12-24T11:00:00Z")));
        assert_eq!(berlin.opens_at(at("2026-12-24T11:00:00Z")), Some(at("2026-12-26T09:00:00Z")));
        assert!(!berlin.is_open(at("2026-12-30T10:00:00Z")), "a special day without hours is closed");
        assert!(!berlin.is_open(at("2026-10-05T10:00:00Z")), "a holiday of one year");
        assert!(berlin.is_open(at("2027-10-05T10:00:00Z")), "and of that year only");
        assert!(!berlin.is_open(at("2027-12-24T23:30:00Z")), "it is already the 25th there");
    }

    #[test]
    fn a_leap_day_is_a_day() {
        let berlin = berlin();
        assert!(!berlin.is_open(at("2028-02-29T10:00:00Z")), "a Tuesday, and a holiday");
        assert_eq!(berlin.opens_at(at("2028-02-28T17:00:00Z")), Some(at("2028-03-01T08:00:00Z")));
        assert!(berlin.is_open(at("2027-03-01T10:00:00Z")), "no leap year, no holiday");
    }

    #[test]
    fn hours_that_meet_at_midnight_are_one() {
        let night = calendar(
            r#"
            name = "night"
            zone = "America/New_York"
            hours = [
                { day = "friday", from = "22:00", to = "24:00" },
                { day = "saturday", from = "00:00", to = "06:00" },
            ]
            "#,
        );
        assert_eq!(night.closes_at(at("2026-11-28T03:30:00Z")), Some(at("2026-11-28T11:00:00Z")));
        assert_eq!(night.opens_at(at("2026-11-28T11:00:00Z")), Some(at("2026-12-05T03:00:00Z")));
    }

    fn always(zone: &str) -> Calendar {
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let hours: Vec<_> = days
            .iter()
            .map(|day| format!("{{ day = \"{day}\", from = \"00:00\", to = \"24:00\" }}"))
            .collect();
        calendar(&format!("name = \"always\"\nzone = \"{zone}\"\nhours = [{}]", hours.join(",")))
    }

    #[test]
    fn what_never_closes_and_what_never_opens_is_told() {
        let now = at("2026-11-23T12:00:00Z");
        let always = always("Europe/Berlin");
        assert!(always.is_open(now));
        assert_eq!(always.closes_at(now), None);
        assert_eq!(always.opens_at(now), Some(now));
        let never = calendar("name = \"never\"\nzone = \"UTC\"");
        assert!(!never.is_open(now));
        assert_eq!(never.closes_at(now), None);
        assert_eq!(never.opens_at(now), None);
    }

    #[test]
    fn clocks_that_go_forward_take_hours_away() {
        let sunday = |zone: &str| {
            calendar(&format!(
                "name = \"early\"\nzone = \"{zone}\"\nhours = [{{ day = \"sunday\", from = \"01:00\", to = \"02:30\" }}]"
            ))
        };
        // Berlin, 29 March 2026: 2:00 is 3:00.
        let north = sunday("Europe/Berlin");
        assert_eq!(north.closes_at(at("2026-03-29T00:00:00Z")), Some(at("2026-03-29T01:00:00Z")));
        // Sydney, 4 October 2026: 2:00 is 3:00.
        let south = sunday("Australia/Sydney");
        assert_eq!(south.opens_at(at("2026-10-03T14:00:00Z")), Some(at("2026-10-03T15:00:00Z")));
        assert_eq!(south.closes_at(at("2026-10-03T15:00:00Z")), Some(at("2026-10-03T16:00:00Z")));
    }

    #[test]
    fn clocks_that_go_back_give_hours_twice() {
        // Berlin, 25 October 2026: 3:00 is 2:00. The hour from 2:00 happens twice, and so does its first half.
        let north = calendar(
            "name = \"early\"\nzone = \"Europe/Berlin\"\nhours = [{ day = \"sunday\", from = \"01:00\", to = \"02:30\" }]",
        );
        assert_eq!(north.closes_at(at("2026-10-24T23:00:00Z")), Some(at("2026-10-25T00:30:00Z")));
        assert_eq!(north.opens_at(at("2026-10-25T00:30:00Z")), Some(at("2026-10-25T01:00:00Z")));
        assert_eq!(north.closes_at(at("2026-10-25T01:00:00Z")), Some(at("2026-10-25T01:30:00Z")));
        // Santiago, 5 April 2026: 0:00 is 23:00 of the day before, which so has two of it.
        let south = calendar(
            "name = \"late\"\nzone = \"America/Santiago\"\nhours = [{ day = \"saturday\", from = \"22:00\", to = \"24:00\" }]",
        );
        assert_eq!(south.closes_at(at("2026-04-05T01:00:00Z")), Some(at("2026-04-05T04:00:00Z")));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_field() {
        let refused = |rest: &str| {
            let setup = format!("name = \"a\"\nzone = \"Europe/Berlin\"\n{rest}");
            let setup = toml::from_str::<CalendarSetup>(&setup).unwrap();
            Calendar::try_from(&setup).unwrap_err().into_problem().field.unwrap()
        };
        for (rest, field) in [
            ("hours = [{ day = \"monday\", from = \"09:00\", to = \"09:00\" }]", "hours"),
            ("hours = [{ day = \"monday\", from = \"22:00\", to = \"06:00\" }]", "hours"),
            (
                "hours = [{ day = \"monday\", from = \"09:00\", to = \"12:00\" }, { day = \"monday\", from = \"11:59\", to = \"13:00\" }]",
                "hours",
            ),
            (
                "special_days = [{ date = \"2026-12-24\", hours = [{ from = \"10:00\", to = \"10:00\" }] }]",
                "special_days",
            ),
            (
                "special_days = [{ date = \"2026-12-24\", hours = [] }, { date = \"2026-12-24\", hours = [] }]",
                "special_days",
            ),
            ("holidays = [{ name = \"none\" }]", "holidays"),
            ("holidays = [{ name = \"both\", date = \"2026-12-25\", yearly = \"12-25\" }]", "holidays"),
            (
                "holidays = [{ name = \"a\", yearly = \"12-25\" }, { name = \"b\", yearly = \"12-25\" }]",
                "holidays",
            ),
        ] {
            assert_eq!(refused(rest), field, "{rest}");
        }
        for text in ["12-32", "13-01", "2-3", "02-30", "12-25 ", "1225"] {
            assert_eq!(MonthDay::try_from(text.to_owned()), Err(NoMonthDay), "{text}");
        }
    }

    #[test]
    fn a_field_that_does_not_exist_is_refused() {
        for setup in [
            "name = \"a\"\nzone = \"UTC\"\nholiday = []",
            "name = \"a\"\nzone = \"UTC\"\nhours = [{ day = \"monday\", from = \"09:00\", to = \"10:00\", till = 1 }]",
        ] {
            assert!(toml::from_str::<CalendarSetup>(setup).is_err(), "{setup}");
        }
    }

    proptest! {
        /// The three answers agree with each other, at any instant, over both kinds of change.
        #[test]
        fn answers_agree(second in 1_767_225_600i64..1_830_297_600, zone in prop::sample::select(crate::schedule::wall::tests::ZONES)) {
            let mut calendar = berlin();
            calendar.zone = wall::zone(zone).unwrap();
            let at = instant(second);
            let local = calendar.zone.to_datetime(at);
            let day = (local.date() - date_of(0)).get_days();
            let since_midnight = i64::from(local.hour()) * 3600 + i64::from(local.minute()) * 60 + i64::from(local.second());
            let is_within = calendar
                .hours_of(i64::from(day))
                .iter()
                .any(|hours| (hours.from.seconds()..hours.to.seconds()).contains(&since_midnight));
            prop_assert_eq!(calendar.is_open(at), is_within);

            let opens_at = calendar.opens_at(at).unwrap();
            prop_assert_eq!(opens_at == at, is_within);
            prop_assert!(calendar.is_open(opens_at));
            if !is_within {
                prop_assert!(!calendar.is_open(instant(opens_at.as_second() - 1)));
                prop_assert_eq!(calendar.closes_at(at), None);
            } else {
                let closes_at = calendar.closes_at(at).unwrap();
                prop_assert!(closes_at > at && !calendar.is_open(closes_at));
                prop_assert!(calendar.is_open(instant(closes_at.as_second() - 1)));
            }
        }
    }
}
