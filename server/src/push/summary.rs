//! Pushes in figures, for staff: what was said and what became of it, over a window of at most seven days. Everything is
//! read by the index on when a delivery was said.

use super::advice::{Advice, advice};
use crate::refusal::Refusal;
use crate::storage::Tx;
use jiff::SignedDuration;
use ringback_core::protocol::{ProblemCode, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const WINDOW: SignedDuration = SignedDuration::from_hours(24);
const LONGEST_WINDOW: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Percentiles are those of so many deliveries, the newest.
const SAMPLE: i64 = 20_000;

/// Since when figures are wanted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SummaryFilter {
    /// At most 7 days ago; a day when absent.
    pub since: Option<Timestamp>,
}

/// What became of pushes.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct PushSummary {
    /// What was said since then is counted.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// By provider and event.
    pub events: Vec<EventFigures>,
    /// What did not get through, by provider and reason, the most frequent first.
    pub reasons: Vec<ReasonFigures>,
    /// Devices that a failed push went to and that are not active now, by provider and reason.
    pub devices: Vec<DeviceFigures>,
}

/// How one event fares with one provider. One push to three devices counts three times.
#[derive(Debug, Clone, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct EventFigures {
    /// `apns`, `fcm` or `web_push`.
    pub provider: String,
    /// The event's word.
    pub event: String,
    /// All of them.
    pub said: i64,
    /// Not settled yet.
    pub pending: i64,
    /// Taken by the provider.
    pub delivered: i64,
    /// The app said that it got it.
    pub received: i64,
    /// The person opened it.
    pub opened: i64,
    /// The person answered by it.
    pub answered: i64,
    /// Not taken in time.
    pub expired: i64,
    /// Refused for good.
    pub failed: i64,
    /// No longer true when its turn came.
    pub skipped: i64,
    /// Delivered, of those delivered, expired or failed.
    pub delivered_rate: Option<f64>,
    /// Received, of those delivered.
    pub received_rate: Option<f64>,
    /// Opened, of those delivered.
    pub opened_rate: Option<f64>,
    /// From being said to being taken by the provider.
    pub delivery_s: Option<Percentiles>,
    /// From being taken by the provider to the app's receipt.
    pub receipt_s: Option<Percentiles>,
}

/// Seconds. Exact for the newest 20 000 delivered pushes of the window, all events together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Percentiles {
    /// Half are at most this.
    pub p50: f64,
    /// 99 in a hundred are at most this.
    pub p99: f64,
    /// Of so many.
    pub of: usize,
}

/// How often a reason kept pushes from getting through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ReasonFigures {
    /// `apns`, `fcm` or `web_push`.
    pub provider: String,
    /// `failed`, `expired`, or `pending` for what is still tried.
    pub state: String,
    /// The provider's word, or ours.
    pub reason: String,
    /// How many deliveries.
    pub count: i64,
    /// When last.
    #[schema(value_type = String, format = DateTime)]
    pub last_at: Timestamp,
    /// What it means and what to do.
    pub advice: Advice,
}

/// How many devices were lost for a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DeviceFigures {
    /// `apns`, `fcm` or `web_push`.
    pub provider: String,
    /// `gone` or `quarantined`.
    pub state: String,
    /// The provider's word, or ours.
    pub reason: String,
    /// How many.
    pub count: i64,
    /// What it means and what to do.
    pub advice: Advice,
}

/// When a window begins.
pub(super) fn window_start(since: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, Refusal> {
    let ago = |window| now.checked_sub(window).unwrap_or(Timestamp::UNIX_EPOCH);
    match since {
        None => Ok(ago(WINDOW)),
        Some(since) if since >= ago(LONGEST_WINDOW) => Ok(since),
        Some(_) => {
            Err(Refusal::of_field(ProblemCode::FieldInvalid, "since", "A window begins at most 7 days ago."))
        }
    }
}

/// What became of pushes.
pub fn summarize(tx: &mut Tx<'_>, filter: &SummaryFilter, now: Timestamp) -> Result<PushSummary, Refusal> {
    let since = window_start(filter.since, now)?;
    let mut events = count_events(tx, since)?;
    for (key, waits) in sample(tx, since)? {
        if let Some(figures) = events.get_mut(&key) {
            figures.delivery_s = percentiles(waits.delivery_s);
            figures.receipt_s = percentiles(waits.receipt_s);
        }
    }
    Ok(PushSummary {
        since,
        events: events.into_values().map(with_rates).collect(),
        reasons: count_reasons(tx, since)?,
        devices: count_devices(tx, since)?,
    })
}

/// A provider and an event.
type Key = (String, String);

fn count_events(tx: &mut Tx<'_>, since: Timestamp) -> Result<BTreeMap<Key, EventFigures>, Refusal> {
    let rows = tx.query(
        "select provider, event, state, count(*), count(received_at), count(opened_at), count(answered_at) \
         from push_deliveries where created_at >= $1 group by provider, event, state",
        &[&since],
        |row| {
            let key: Key = (row.get(0)?, row.get(1)?);
            let counts: [i64; 4] = [row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?];
            Ok((key, row.get::<String>(2)?, counts))
        },
    )?;
    let mut events: BTreeMap<Key, EventFigures> = BTreeMap::new();
    for (key, state, [count, received, opened, answered]) in rows {
        let figures = events.entry(key.clone()).or_insert_with(|| EventFigures {
            provider: key.0,
            event: key.1,
            ..EventFigures::default()
        });
        figures.said += count;
        figures.received += received;
        figures.opened += opened;
        figures.answered += answered;
        match state.as_str() {
            "pending" => figures.pending += count,
            "delivered" => figures.delivered += count,
            "expired" => figures.expired += count,
            "failed" => figures.failed += count,
            _ => figures.skipped += count,
        }
    }
    Ok(events)
}

fn with_rates(mut figures: EventFigures) -> EventFigures {
    let rate = |part: i64, of: i64| (of > 0).then(|| f64_of(part) / f64_of(of));
    figures.delivered_rate = rate(figures.delivered, figures.delivered + figures.expired + figures.failed);
    figures.received_rate = rate(figures.received, figures.delivered);
    figures.opened_rate = rate(figures.opened, figures.delivered);
    figures
}

/// Counts stay far below where a `f64` becomes coarse.
#[allow(clippy::cast_precision_loss, reason = "counts of rows are below 2^52")]
fn f64_of(count: i64) -> f64 {
    count as f64
}

/// How long single deliveries took, in seconds.
#[derive(Default)]
struct Waits {
    delivery_s: Vec<f64>,
    receipt_s: Vec<f64>,
}

fn sample(tx: &mut Tx<'_>, since: Timestamp) -> Result<BTreeMap<Key, Waits>, Refusal> {
    let rows = tx.query(
        "select provider, event, created_at, sent_at, received_at from push_deliveries \
         where created_at >= $1 and state = 'delivered' order by created_at desc limit $2",
        &[&since, &SAMPLE],
        |row| {
            let key: Key = (row.get(0)?, row.get(1)?);
            let said: Timestamp = row.get(2)?;
            Ok((key, said, row.get::<Option<Timestamp>>(3)?, row.get::<Option<Timestamp>>(4)?))
        },
    )?;
    // A receipt may be faster than the note that the provider took the push, and clocks of nodes differ.
    let seconds = |from: Timestamp, to: Timestamp| to.duration_since(from).as_secs_f64().max(0.0);
    let mut waits: BTreeMap<Key, Waits> = BTreeMap::new();
    for (key, said, sent, received) in rows {
        let waits = waits.entry(key).or_default();
        if let Some(sent) = sent {
            waits.delivery_s.push(seconds(said, sent));
            waits.receipt_s.extend(received.map(|received| seconds(sent, received)));
        }
    }
    Ok(waits)
}

/// By nearest rank.
fn percentiles(mut values: Vec<f64>) -> Option<Percentiles> {
    values.sort_by(f64::total_cmp);
    let rank = |percent: usize| values.get((values.len() * percent).div_ceil(100).saturating_sub(1));
    Some(Percentiles { p50: *rank(50)?, p99: *rank(99)?, of: values.len() })
}

fn count_reasons(tx: &mut Tx<'_>, since: Timestamp) -> Result<Vec<ReasonFigures>, Refusal> {
    Ok(tx.query(
        "select provider, state, reason, count(*) as times, max(changed_at) from push_deliveries \
         where created_at >= $1 and state in ('failed', 'expired', 'pending') and reason is not null \
         group by provider, state, reason order by times desc, provider, state, reason limit 200",
        &[&since],
        |row| {
            let (provider, reason): (String, String) = (row.get(0)?, row.get(2)?);
            Ok(ReasonFigures {
                state: row.get(1)?,
                count: row.get(3)?,
                last_at: row.get(4)?,
                advice: advice(&provider, &reason),
                provider,
                reason,
            })
        },
    )?)
}

fn count_devices(tx: &mut Tx<'_>, since: Timestamp) -> Result<Vec<DeviceFigures>, Refusal> {
    Ok(tx.query(
        "select provider, state, coalesce(state_reason, ''), count(*) from devices where state <> 'active' \
         and id in (select device_id from push_deliveries where created_at >= $1 \
         and state in ('failed', 'skipped')) \
         group by provider, state, state_reason order by count(*) desc, provider, state, state_reason limit 200",
        &[&since],
        |row| {
            let (provider, reason): (String, String) = (row.get(0)?, row.get(2)?);
            Ok(DeviceFigures {
                state: row.get(1)?,
                count: row.get(3)?,
                advice: advice(&provider, &reason),
                provider,
                reason,
            })
        },
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn percentiles_are_values_that_were_there() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentiles(hundred), Some(Percentiles { p50: 50.0, p99: 99.0, of: 100 }));
        assert_eq!(percentiles(vec![7.0]), Some(Percentiles { p50: 7.0, p99: 7.0, of: 1 }));
        assert_eq!(percentiles(vec![1.0, 2.0]), Some(Percentiles { p50: 1.0, p99: 2.0, of: 2 }));
        assert_eq!(percentiles(Vec::new()), None);
    }

    #[test]
    fn a_window_has_at_most_seven_days() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-26T12:00:00Z");
        assert_eq!(window_start(None, now).unwrap(), at("2026-11-25T12:00:00Z"));
        let week = at("2026-11-19T12:00:00Z");
        assert_eq!(window_start(Some(week), now).unwrap(), week);
        assert!(window_start(Some(at("2026-11-19T11:59:59Z")), now).is_err());
    }

    proptest! {
        #[test]
        fn enough_values_are_at_most_a_percentile(values in prop::collection::vec(0.0_f64..1e6, 1..300)) {
            let found = percentiles(values.clone()).unwrap();
            for (percent, bound) in [(50, found.p50), (99, found.p99)] {
                let at_most = values.iter().filter(|value| **value <= bound).count();
                prop_assert!(at_most * 100 >= values.len() * percent);
                let below = values.iter().filter(|value| **value < bound).count();
                prop_assert!(below * 100 < values.len() * percent);
            }
        }
    }
}
