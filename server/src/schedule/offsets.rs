//! A zone's offsets over a range, looked up once: turning thousands of times of the clock into instants is then arithmetic.

use super::hours::DAY_S;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A stretch in which the zone's clock keeps one offset from UTC. Instants are seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) start: i64,
    pub(super) end: i64,
    /// What the clock shows minus UTC, in seconds.
    pub(super) offset: i64,
}

/// Stretches in order, without holes.
#[derive(Debug, Clone)]
pub(super) struct Offsets(Vec<Stretch>);

impl Offsets {
    /// The offsets from `from` to `to`, and of two days on both sides: no change of a clock is longer than one.
    pub(super) fn around(zone: &TimeZone, from: i64, to: i64) -> Self {
        let (from, to) = (from.saturating_sub(2 * DAY_S), to.saturating_add(2 * DAY_S));
        let mut stretches = vec![Stretch {
            start: from,
            end: to,
            offset: i64::from(zone.to_offset(instant(from)).seconds()),
        }];
        for change in zone.following(instant(from)) {
            let at = change.timestamp().as_second();
            if at >= to {
                break;
            }
            if let Some(last) = stretches.last_mut() {
                last.end = at;
            }
            stretches.push(Stretch { start: at, end: to, offset: i64::from(change.offset().seconds()) });
        }
        Self(stretches)
    }

    pub(super) fn stretches(&self) -> &[Stretch] {
        &self.0
    }

    /// Which stretch holds an instant; the nearest one for an instant outside.
    pub(super) fn index_of(&self, at: i64) -> usize {
        self.0.partition_point(|stretch| stretch.end <= at).min(self.0.len() - 1)
    }
}

/// The instant; beyond the calendar its last.
pub(super) fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(if second < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
