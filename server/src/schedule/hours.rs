//! Days and times of day as setups write them, and the checks they share.

use crate::refusal::Refusal;
use jiff::civil::Date;
use ringback_core::protocol::ProblemCode;
use serde::{Deserialize, Serialize};

pub(super) const MINUTE_S: i64 = 60;
pub(super) const DAY_S: i64 = 24 * 60 * MINUTE_S;
const EPOCH: Date = Date::constant(1970, 1, 1);

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// What a clock shows, in whole minutes: `00:00` to `24:00`, the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay {
    minute: u16,
}

impl TimeOfDay {
    /// Seconds since the day's midnight, as the clock shows them.
    pub(super) fn seconds(self) -> i64 {
        i64::from(self.minute) * MINUTE_S
    }
}

/// Why a text is no [`TimeOfDay`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time of day is written 00:00 to 24:00")]
pub struct NoTimeOfDay;

impl TryFrom<String> for TimeOfDay {
    type Error = NoTimeOfDay;

    fn try_from(text: String) -> Result<Self, NoTimeOfDay> {
        let two_digits = |part: &str| {
            let fits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            fits.then(|| part.parse::<u16>().ok()).flatten().ok_or(NoTimeOfDay)
        };
        let (hour, minute) = text.split_once(':').ok_or(NoTimeOfDay)?;
        let (hour, minute) = (two_digits(hour)?, two_digits(minute)?);
        let is_shown = (hour < 24 && minute < 60) || (hour == 24 && minute == 0);
        if is_shown { Ok(Self { minute: hour * 60 + minute }) } else { Err(NoTimeOfDay) }
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        format!("{:02}:{:02}", time.minute / 60, time.minute % 60)
    }
}

/// A stretch of a day by the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// `09:00`
    #[schema(value_type = String, example = "09:00")]
    pub from: TimeOfDay,
    /// The first minute after it, at most `24:00`. What goes on after midnight begins anew at `00:00` of the next day.
    #[schema(value_type = String, example = "17:30")]
    pub to: TimeOfDay,
}

/// Puts the stretches of one day in order. Refuses one that is empty, and two that overlap; `field` names where they stand.
pub(super) fn in_order<T>(
    mut stretches: Vec<T>,
    hours: impl Fn(&T) -> Hours,
    field: &str,
) -> Result<Vec<T>, Refusal> {
    if stretches.iter().any(|stretch| hours(stretch).from >= hours(stretch).to) {
        let sentence =
            "Hours begin before they end. Put what goes on after midnight into the next day, from 00:00.";
        return Err(invalid(field, sentence));
    }
    stretches.sort_by_key(|stretch| hours(stretch).from);
    if stretches.windows(2).any(|pair| hours(&pair[0]).to > hours(&pair[1]).from) {
        return Err(invalid(field, "Hours of one day must not overlap. Join them or move one."));
    }
    Ok(stretches)
}

/// The refusal of a value in a setup.
pub(super) fn invalid(field: &str, sentence: impl Into<String>) -> Refusal {
    Refusal::of_field(ProblemCode::FieldInvalid, field, sentence)
}

/// Monday is 0. Days are counted from 1 January 1970, a Thursday.
pub(super) fn weekday_index(day: i64) -> usize {
    usize::try_from((day + 3).rem_euclid(7)).unwrap_or_default()
}

/// The date of a day counted from 1 January 1970. Days beyond the calendar are its last.
pub(super) fn date_of(day: i64) -> Date {
    EPOCH.saturating_add(jiff::SignedDuration::from_secs(day.saturating_mul(DAY_S)))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn time(text: &str) -> TimeOfDay {
        text.to_owned().try_into().unwrap()
    }

    #[test]
    fn a_time_of_day_has_one_spelling() {
        for text in ["00:00", "09:05", "23:59", "24:00"] {
            assert_eq!(String::from(time(text)), text);
        }
        for text in ["", "9:00", "09:60", "24:01", "25:00", "09:00:00", "+9:00", "0900", "09-00", "٠٩:٠٠"]
        {
            assert_eq!(TimeOfDay::try_from(text.to_owned()), Err(NoTimeOfDay), "{text}");
        }
    }

    #[test]
    fn days_are_counted_as_calendars_do() {
        for (day, date, weekday) in
            [(0, "1970-01-01", 3), (-1, "1969-12-31", 2), (19782, "2024-02-29", 3), (20815, "2026-12-28", 0)]
        {
            assert_eq!(date_of(day).to_string(), date);
            assert_eq!(weekday_index(day), weekday);
        }
    }
}
