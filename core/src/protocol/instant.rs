//! Instants as answers have them, RFC 3339. Not read by jiff: its reader knows every form of ISO 8601 and has words for each error,
//! which is 150 KB on a phone.

use super::Timestamp;
use serde::de::{Deserialize, Deserializer, Error};

const DAY_S: i64 = 86_400;

/// For `#[serde(deserialize_with)]`.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    parse(&String::deserialize(deserializer)?)
        .ok_or_else(|| D::Error::custom("this is no instant of RFC 3339"))
}

/// The same where there may be none.
pub(crate) fn read_optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    let text: Option<String> = Deserialize::deserialize(deserializer)?;
    let instant =
        text.map(|text| parse(&text).ok_or_else(|| D::Error::custom("this is no instant of RFC 3339")));
    instant.transpose()
}

fn parse(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let (time, rest) = rest.strip_prefix(['T', 't'])?.split_at_checked(8)?;
    let (fraction, offset) = match rest.strip_prefix('.') {
        Some(rest) => {
            rest.split_at(rest.find(|char: char| !char.is_ascii_digit()).filter(|length| *length > 0)?)
        }
        None => ("", rest),
    };
    let offset_s = match offset.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        ("+", ahead) => seconds(&format!("{ahead}:00"))?,
        ("-", behind) => -seconds(&format!("{behind}:00"))?,
        _ => return None,
    };
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    let nanoseconds =
        fraction.bytes().chain([b'0'; 9]).take(9).fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0'));
    let second = day_number(year, month, day)? * DAY_S + seconds(time)? - offset_s;
    Timestamp::new(second, nanoseconds).ok()
}

/// `Mon, 23 Nov 2026 10:00:30 GMT`, as HTTP has it (RFC 9110, 5.6.7), in seconds of Unix time.
#[cfg(feature = "client")]
pub(crate) fn http_date(text: &str) -> Option<i64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let (_, rest) = text.split_once(", ")?;
    let (day, rest) = rest.split_once(' ')?;
    let (month, rest) = rest.split_once(' ')?;
    let (year, time) = rest.strip_suffix(" GMT")?.split_once(' ')?;
    let month = MONTHS.find(month).filter(|at| month.len() == 3 && at % 3 == 0)? / 3 + 1;
    let day = day_number(number(year, 4)?, i64::try_from(month).ok()?, number(day, 2)?)?;
    Some(day * DAY_S + seconds(time)?)
}

fn number(text: &str, length: usize) -> Option<i64> {
    let is_one = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_one)
}

fn fields(text: &str, between: char, lengths: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(between);
    let [first, second, third] = lengths.map(|length| number(parts.next()?, length));
    parts.next().is_none().then_some([first?, second?, third?])
}

/// Of `10:00:30`, since midnight. A leap second is the one before it.
fn seconds(time: &str) -> Option<i64> {
    let [hour, minute, second] = fields(time, ':', [2, 2, 2])?;
    let is_time = hour < 24 && minute < 60 && second <= 60;
    is_time.then_some(hour * 3600 + minute * 60 + second.min(59))
}

/// Days since 1970-01-01. Years are counted from March, so that a leap day is the last of its year.
fn day_number(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let (from_march, year) = ((month + 9) % 12, if month < 3 { year - 1 } else { year });
    let before = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let is_date = (1..=12).contains(&month) && (1..=days).contains(&day);
    // 719 468 days lie between the first of March of the year 0 and the beginning of 1970.
    is_date.then_some(before + (153 * from_march + 2) / 5 + day - 1 - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "2026-11-23",
            "2026-11-23T10:00:00",
            "2026-11-23 10:00:00Z",
            "2026-02-29T10:00:00Z",
            "2026-13-01T10:00:00Z",
            "2026-00-01T10:00:00Z",
            "2026-04-31T10:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T10:60:00Z",
            "2026-11-23T10:00:00.Z",
            "2026-11-23T10:00:00Zz",
            "2026-11-23T10:00:00+1:00",
            "2026-11-23T10:00:00ü",
            "+026-11-23T10:00:00Z",
            "ü026-11-23T10:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn offsets_and_leap_seconds_are_understood() {
        for (text, same) in [
            ("2026-11-23T10:00:00+01:30", "2026-11-23T08:30:00Z"),
            ("2026-11-23t10:00:00-01:30", "2026-11-23T11:30:00Z"),
            ("2016-12-31T23:59:60z", "2016-12-31T23:59:59Z"),
            ("2024-02-29T00:00:00.1234567891Z", "2024-02-29T00:00:00.123456789Z"),
        ] {
            assert_eq!(parse(text), same.parse().ok(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(second in -62_000_000_000_i64..253_000_000_000, nanosecond in prop_oneof![Just(0), 0..1_000_000_000]) {
            let instant = Timestamp::new(second, nanosecond).unwrap();
            prop_assert_eq!(parse(&instant.to_string()), Some(instant));
        }

        #[test]
        fn jiff_reads_the_same(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-][01][0-9]:[0-5][0-9])") {
            prop_assert_eq!(parse(&text), text.parse().ok());
        }

        #[test]
        fn any_text_is_taken(text in ".{0,40}") {
            let _ = parse(&text);
        }

        #[cfg(feature = "client")]
        #[test]
        fn http_dates_are_read(second in -62_000_000_000_i64..253_000_000_000) {
            let instant = Timestamp::from_second(second).unwrap();
            let text = instant.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            prop_assert_eq!(http_date(&text), Some(second));
        }
    }
}
