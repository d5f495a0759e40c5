//! Times and durations as people read them.

use jiff::tz::TimeZone;
use ringback_core::protocol::Timestamp;

/// On this machine's clock: the time alone for today, the day too for other days.
pub(crate) fn clock(at: Timestamp) -> String {
    clock_in(at, Timestamp::now(), &TimeZone::system())
}

fn clock_in(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned_datetime(zone.clone()), now.to_zoned_datetime(zone.clone()));
    let form = if at.date() == now.date() { "%H:%M:%S" } else { "%a %Y-%m-%d %H:%M" };
    at.strftime(form).to_string()
}

/// What a clock on a wall shows, as the wire has it: `2026-12-24T10:30:00` becomes `Thu 2026-12-24 10:30`.
pub(crate) fn wall(local: &str) -> String {
    let read = local.parse::<jiff::civil::DateTime>();
    read.map_or_else(|_| local.to_owned(), |local| local.strftime("%a %Y-%m-%d %H:%M").to_string())
}

/// How long, never less than it is: `45 s`, `6 min`, `2 h 5 min`, `3 d 4 h`.
pub(crate) fn span(seconds: u64) -> String {
    let minutes = seconds.div_ceil(60);
    let two = |large: u64, large_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large} {large_unit}"),
        _ => format!("{large} {large_unit} {small} {small_unit}"),
    };
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3599 if minutes < 60 => format!("{minutes} min"),
        _ if minutes < 24 * 60 => two(minutes / 60, "h", minutes % 60, "min"),
        _ => {
            let hours = minutes.div_ceil(60);
            two(hours / 24, "d", hours % 24, "h")
        }
    }
}

/// How long until then; nothing once it is past.
pub(crate) fn left(until: Timestamp, now: Timestamp) -> Option<String> {
    let milliseconds = u64::try_from(until.as_millisecond() - now.as_millisecond()).ok()?;
    Some(span(milliseconds.div_ceil(1000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_never_told_shorter_than_they_are() {
        let told = [0, 59, 60, 61, 3599, 3600, 3601, 7500, 86_399, 86_400, 90_001].map(span);
        let wanted = [
            "0 s",
            "59 s",
            "1 min",
            "2 min",
            "1 h",
            "1 h",
            "1 h 1 min",
            "2 h 5 min",
            "1 d",
            "1 d",
            "1 d 2 h",
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn other_days_are_named() -> Result<(), jiff::Error> {
        let zone = TimeZone::get("Europe/Berlin")?;
        let now: Timestamp = "2026-12-24T22:30:00Z".parse()?;
        assert_eq!(clock_in("2026-12-24T09:30:00Z".parse()?, now, &zone), "10:30:00");
        assert_eq!(clock_in("2026-12-24T23:30:00Z".parse()?, now, &zone), "Fri 2026-12-25 00:30");
        assert_eq!(wall("2026-12-24T10:30:00"), "Thu 2026-12-24 10:30");
        assert_eq!(wall("soon"), "soon");
        Ok(())
    }

    #[test]
    fn what_is_past_has_nothing_left() -> Result<(), jiff::Error> {
        let (now, soon): (Timestamp, Timestamp) =
            ("2026-12-24T22:30:00Z".parse()?, "2026-12-24T22:30:29.5Z".parse()?);
        assert_eq!(left(soon, now).as_deref(), Some("30 s"));
        assert_eq!(left(now, soon), None);
        Ok(())
    }
}
