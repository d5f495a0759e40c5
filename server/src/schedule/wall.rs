//! Times as clocks on walls show them: which instant a chosen time means, and what a clock shows at an instant.
//!
//! The rules of the zones come with the server, so that every node has the same and none depends on its system's files.

use super::hours::DAY_S;
use super::offsets::Offsets;
use crate::refusal::Refusal;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use ringback_core::protocol::{Fold, ProblemCode, WallTime};
use std::sync::LazyLock;

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
/// `2026-12-24T10:30` has so many characters; seconds are three more.
const LOCAL_CHARS: usize = 16;

/// A chosen time, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The instant.
    pub at: Timestamp,
    /// What the clock shows then, with seconds: `2026-12-24T10:30:00`.
    pub local: String,
    /// Where the clock hangs.
    pub zone: String,
}

/// The zone of an IANA name with a `/`, or `UTC`. Abbreviations, POSIX rules and offsets are refused: they mean several
/// things, or do not follow when a country changes its rules.
pub fn zone(name: &str) -> Result<TimeZone, Refusal> {
    let is_place = name.contains('/') || name == "UTC";
    let found = is_place.then(|| ZONES.get(name).ok()).flatten();
    found
        // Names are looked up without regard to case; one spelling is enough. `Etc/Unknown` is no place.
        .filter(|zone| zone.iana_name() == Some(name) && !zone.is_unknown())
        .ok_or_else(|| Refusal::of_field(ProblemCode::ZoneUnknown, "zone", ProblemCode::ZoneUnknown.advice()))
}

/// The instant a person means. Refused, with the two times to choose from, when the clock never shows that time, or shows
/// it twice and `fold` does not say which.
pub fn resolve(chosen: &WallTime) -> Result<Chosen, Refusal> {
    resolve_by(&zone(&chosen.zone)?, chosen)
}

/// [`resolve`] by these rules of the zone.
fn resolve_by(rules: &TimeZone, chosen: &WallTime) -> Result<Chosen, Refusal> {
    let local = parse(&chosen.local)?;
    let possible = rules.to_ambiguous_timestamp(local);
    let (earlier, later) = (possible.earlier(), possible.later());
    let (earlier, later) = (earlier.map_err(|_| not_local())?, later.map_err(|_| not_local())?);
    let at = match (possible.offset(), chosen.fold) {
        (AmbiguousOffset::Unambiguous { .. }, _) | (AmbiguousOffset::Fold { .. }, Some(Fold::Earlier)) => {
            earlier
        }
        (AmbiguousOffset::Fold { .. }, Some(Fold::Later)) => later,
        (refused, _) => {
            let code = match refused {
                AmbiguousOffset::Gap { .. } => ProblemCode::TimeInGap,
                _ => ProblemCode::TimeAmbiguous,
            };
            let clock = WallClock::by(rules, &chosen.zone, earlier, later);
            let mut refusal = Refusal::of_field(code, "local", code.advice());
            if let Refusal::Problem(problem) = &mut refusal {
                problem.wall_times = vec![clock.shows(earlier), clock.shows(later)];
            }
            return Err(refusal);
        }
    };
    Ok(Chosen { at, local: local.to_string(), zone: chosen.zone.clone() })
}

fn parse(text: &str) -> Result<DateTime, Refusal> {
    let local: DateTime = text.parse().map_err(|_| not_local())?;
    // The parser knows more of ISO 8601 than is wanted here, and takes an offset without using it.
    let canonical = local.to_string();
    let is_canonical = canonical == text || (text.len() == LOCAL_CHARS && canonical == format!("{text}:00"));
    if is_canonical && canonical.len() == LOCAL_CHARS + 3 { Ok(local) } else { Err(not_local()) }
}

fn not_local() -> Refusal {
    Refusal::of_field(
        ProblemCode::FieldInvalid,
        "local",
        "A time on the wall is written 2026-12-24T10:30, without an offset. Send it so.",
    )
}

/// What the clock shows at that instant by the rules the zone has now; `None` while that is still `local`, what the person
/// saw on booking.
pub fn local_now(at: Timestamp, zone_name: &str, local: &str) -> Option<String> {
    local_by(&zone(zone_name).ok()?, at, local)
}

/// [`local_now`] by these rules of the zone.
fn local_by(rules: &TimeZone, at: Timestamp, local: &str) -> Option<String> {
    Some(rules.to_datetime(at).to_string()).filter(|shown| shown != local)
}

/// Refuses an instant that is past, or further ahead than calls are promised.
pub fn check_when(at: Timestamp, now: Timestamp, horizon_days: u32) -> Result<(), Refusal> {
    if at < now {
        return Err(Refusal::plain(ProblemCode::TimePast));
    }
    if at > horizon(now, horizon_days) {
        return Err(Refusal::new(
            ProblemCode::TimeBeyondHorizon,
            format!("Calls are promised at most {horizon_days} days ahead. Choose an earlier time."),
        ));
    }
    Ok(())
}

/// The last instant a call can be promised for.
pub(super) fn horizon(now: Timestamp, days: u32) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(i64::from(days) * DAY_S)).unwrap_or(Timestamp::MAX)
}

/// A clock on a wall, over a range of time.
pub(super) struct WallClock {
    zone: String,
    offsets: Offsets,
}

impl WallClock {
    /// The clock of a zone, right from `from` to `to`.
    pub(super) fn new(zone_name: &str, from: Timestamp, to: Timestamp) -> Result<Self, Refusal> {
        Ok(Self::by(&zone(zone_name)?, zone_name, from, to))
    }

    fn by(rules: &TimeZone, zone: &str, from: Timestamp, to: Timestamp) -> Self {
        let offsets = Offsets::around(rules, from.as_second(), to.as_second());
        Self { zone: zone.to_owned(), offsets }
    }

    /// What it shows, so that [`resolve`] finds the same instant again. Whole seconds.
    pub(super) fn shows(&self, at: Timestamp) -> WallTime {
        let at = at.as_second();
        let stretches = self.offsets.stretches();
        let index = self.offsets.index_of(at);
        let local = at + stretches[index].offset;
        let also_in = |neighbour: Option<usize>| {
            neighbour
                .and_then(|index| stretches.get(index))
                .is_some_and(|other| (other.start..other.end).contains(&(local - other.offset)))
        };
        let fold = if also_in(index.checked_sub(1)) {
            Some(Fold::Later)
        } else if also_in(index.checked_add(1)) {
            Some(Fold::Earlier)
        } else {
            None
        };
        let shown = jiff::tz::Offset::UTC.to_datetime(super::offsets::instant(local));
        WallTime { local: shown.to_string(), zone: self.zone.clone(), fold }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Zones with every kind of change: north and south, half an hour, two hours, a whole day, at midnight, none.
    pub(crate) const ZONES: &[&str] = &[
        "Europe/Berlin",
        "Europe/Dublin",
        "America/New_York",
        "America/Santiago",
        "America/St_Johns",
        "Australia/Sydney",
        "Australia/Lord_Howe",
        "Pacific/Auckland",
        "Pacific/Chatham",
        "Pacific/Apia",
        "Pacific/Kiritimati",
        "Pacific/Honolulu",
        "Antarctica/Troll",
        "Africa/Casablanca",
        "Africa/Cairo",
        "Asia/Beirut",
        "Asia/Kathmandu",
        "UTC",
    ];

    fn wall(local: &str, zone: &str, fold: Option<Fold>) -> WallTime {
        WallTime { local: local.to_owned(), zone: zone.to_owned(), fold }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn instant_of(local: &str, zone: &str, fold: Option<Fold>) -> Timestamp {
        resolve(&wall(local, zone, fold)).unwrap().at
    }

    /// The code, and the times to choose from.
    fn refused(local: &str, zone: &str) -> (String, Vec<WallTime>) {
        let problem = resolve(&wall(local, zone, None)).unwrap_err().into_problem();
        (problem.code, problem.wall_times)
    }

    #[test]
    fn a_time_is_what_the_clock_shows_there() {
        let chosen = resolve(&wall("2026-12-24T10:30", "Europe/Berlin", None)).unwrap();
        assert_eq!(chosen.at, at("2026-12-24T09:30:00Z"));
        assert_eq!(chosen.local, "2026-12-24T10:30:00");
        assert_eq!(instant_of("2026-07-01T10:30:15", "Europe/Berlin", None), at("2026-07-01T08:30:15Z"));
        assert_eq!(instant_of("2028-02-29T23:59", "UTC", None), at("2028-02-29T23:59:00Z"));
        // Saying which when there is one only has no effect.
        assert_eq!(instant_of("2026-12-24T10:30", "Europe/Berlin", Some(Fold::Later)), chosen.at);
    }

    #[test]
    fn a_time_in_a_gap_is_refused_with_its_neighbours() {
        for (local, zone, before, after) in [
            // Clocks go forward in the north in March, in the south in October.
            ("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30:00", "2026-03-29T03:30:00"),
            ("2026-03-08T02:00", "America/New_York", "2026-03-08T01:00:00", "2026-03-08T03:00:00"),
            ("2026-10-04T02:59:59", "Australia/Sydney", "2026-10-04T01:59:59", "2026-10-04T03:59:59"),
            ("2026-10-04T02:15", "Australia/Lord_Howe", "2026-10-04T01:45:00", "2026-10-04T02:45:00"),
            ("2026-09-06T00:30", "America/Santiago", "2026-09-05T23:30:00", "2026-09-06T01:30:00"),
            ("2026-03-29T01:30", "Antarctica/Troll", "2026-03-28T23:30:00", "2026-03-29T03:30:00"),
            // Samoa crossed the date line and left out a day.
            ("2011-12-30T10:00", "Pacific/Apia", "2011-12-29T10:00:00", "2011-12-31T10:00:00"),
        ] {
            let (code, neighbours) = refused(local, zone);
            assert_eq!(code, "time_in_gap", "{local} {zone}");
            assert_eq!(neighbours, [wall(before, zone, None), wall(after, zone, None)]);
            for neighbour in &neighbours {
                resolve(neighbour).unwrap();
            }
        }
    }

    #[test]
    fn a_time_in_a_fold_is_asked_about() {
        for (local, zone, earlier, later) in [
            ("2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
            ("2026-11-01T01:00:00", "America/New_York", "2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z"),
            ("2026-04-05T02:59:00", "Australia/Sydney", "2026-04-04T15:59:00Z", "2026-04-04T16:59:00Z"),
            ("2026-04-05T01:45:00", "Australia/Lord_Howe", "2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z"),
            ("2026-10-25T02:00:00", "Antarctica/Troll", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z"),
        ] {
            let (code, both) = refused(local, zone);
            assert_eq!(code, "time_ambiguous", "{local} {zone}");
            assert_eq!(both, [wall(local, zone, Some(Fold::Earlier)), wall(local, zone, Some(Fold::Later))]);
            assert_eq!(resolve(&both[0]).unwrap().at, at(earlier));
            assert_eq!(resolve(&both[1]).unwrap().at, at(later));
        }
    }

    #[test]
    fn the_date_line_lies_between_caller_and_centre() {
        // One instant, three dates on three walls.
        let honolulu = instant_of("2026-12-31T23:30", "Pacific/Honolulu", None);
        assert_eq!(honolulu, instant_of("2027-01-01T23:30", "Pacific/Kiritimati", None));
        assert_eq!(honolulu, instant_of("2027-01-01T22:30", "Pacific/Auckland", None));
    }

    #[test]
    fn only_places_are_zones() {
        for name in [
            "CET",
            "EST5EDT",
            "EST",
            "GMT",
            "Z",
            "+01:00",
            "CET-1CEST,M3.5.0,M10.5.0/3",
            "europe/berlin",
            "Europe/Bonn",
            "",
            "Etc/Unknown",
            "../etc/localtime",
            "posix/Europe/Berlin",
            "local",
            "Factory",
        ] {
            let problem = zone(name).unwrap_err().into_problem();
            assert_eq!(
                (problem.code.as_str(), problem.field.as_deref()),
                ("zone_unknown", Some("zone")),
                "{name}"
            );
        }
        for name in ZONES {
            zone(name).unwrap();
        }
    }

    #[test]
    fn a_time_has_one_spelling() {
        for local in [
            "",
            "2026-12-24",
            "2026-12-24T10",
            "2026-12-24T10:30+01:00",
            "2026-12-24T10:30Z",
            "2026-12-24 10:30",
            "20261224T1030",
            "2026-12-24T10:30:00.5",
            "2026-12-24T24:00",
            "2026-02-29T10:00",
            "2026-12-24T10:30:60",
            "2026-12-24T10:30[Europe/Berlin]",
            "-002026-12-24T10:30",
            "2026-12-24t10:30",
        ] {
            let problem = resolve(&wall(local, "Europe/Berlin", None)).unwrap_err().into_problem();
            assert_eq!(
                (problem.code.as_str(), problem.field.as_deref()),
                ("field_invalid", Some("local")),
                "{local}"
            );
        }
    }

    #[test]
    fn rules_that_change_after_booking_are_noticed() {
        // Booked while clocks went back in autumn; the law then keeps summer time for good.
        let (before, after) =
            (TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap(), TimeZone::posix("CEST-2").unwrap());
        let booked = resolve_by(&before, &wall("2026-12-24T10:30", "Europe/Berlin", None)).unwrap();
        assert_eq!(local_by(&before, booked.at, &booked.local), None);
        assert_eq!(local_by(&after, booked.at, &booked.local).as_deref(), Some("2026-12-24T11:30:00"));
        assert_eq!(local_now(booked.at, "Europe/Berlin", &booked.local), None);
        assert_eq!(
            local_now(booked.at, "Europe/Berlin", "2026-12-24T11:30:00").as_deref(),
            Some("2026-12-24T10:30:00")
        );
    }

    #[test]
    fn a_call_is_promised_within_the_horizon() {
        let now = at("2026-11-23T12:00:00Z");
        let code = |at, days| check_when(at, now, days).unwrap_err().into_problem().code;
        check_when(now, now, 1).unwrap();
        check_when(at("2026-11-24T12:00:00Z"), now, 1).unwrap();
        assert_eq!(code(at("2026-11-23T11:59:59Z"), 1), "time_past");
        assert_eq!(code(at("2026-11-24T12:00:01Z"), 1), "time_beyond_horizon");
        check_when(Timestamp::MAX, now, u32::MAX).unwrap();
    }

    proptest! {
        /// From 2007 to 2040, with Samoa's missing day.
        #[test]
        fn what_a_clock_shows_leads_back(second in 1_167_609_600i64..2_208_988_800, zone in prop::sample::select(ZONES)) {
            let at = Timestamp::from_second(second).unwrap();
            let shown = WallClock::new(zone, at, at).unwrap().shows(at);
            prop_assert_eq!(resolve(&shown).unwrap().at, at);
            prop_assert_eq!(local_now(at, zone, &shown.local), None);
        }

        /// Near changes, where the random instants above seldom are.
        #[test]
        fn it_leads_back_around_changes_too(
            change in 0usize..40, seconds in -10_000i64..10_000, name in prop::sample::select(ZONES)
        ) {
            let rules = zone(name).unwrap();
            let since: Timestamp = "2007-01-01T00:00:00Z".parse().unwrap();
            let Some(change) = rules.following(since).nth(change) else { return Ok(()) };
            let at = Timestamp::from_second(change.timestamp().as_second() + seconds).unwrap();
            let shown = WallClock::new(name, at, at).unwrap().shows(at);
            prop_assert_eq!(resolve(&shown).unwrap().at, at, "{:?}", shown);
        }

        #[test]
        fn any_text_is_answered(local in "\\PC{0,24}|[0-9T:+-]{0,24}", zone in "\\PC{0,24}|[A-Za-z/+-]{0,24}") {
            let _ = resolve(&wall(&local, &zone, None));
            let _ = resolve(&wall(&local, "Europe/Berlin", None));
        }
    }
}
