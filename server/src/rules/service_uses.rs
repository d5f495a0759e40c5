//! The limits of a service as a whole. Everybody's requests meet here, so they do not share a row: each storage thread
//! counts in a shard of its own, and in stretches of a sixtieth of the window.

use super::limits::{Full, Window};
use crate::refusal::Refusal;
use crate::storage::{FewRows, Param, Tx, few_rows};
use crate::tally::shard;
use ringback_core::protocol::Timestamp;
use std::collections::BTreeSet;

/// How many stretches a window is counted in, unless they became shorter than a second.
const STRETCHES: u32 = 60;

fn stretch_us(window_s: u32) -> i64 {
    i64::from(window_s.div_ceil(STRETCHES)) * 1_000_000
}

/// When the stretch begins in which an instant lies.
fn begin_us(window_s: u32, at_us: i64) -> i64 {
    let stretch_us = stretch_us(window_s);
    at_us.div_euclid(stretch_us) * stretch_us
}

/// Decides by how many requests were made in which stretch, given by its begin, the oldest first. A stretch counts in full
/// while any of it is in the window: never too few are counted, and room comes at most one stretch late. What lies in the
/// future because the clock was put back counts as made now.
fn decide(counted: &[(i64, u64)], window: Window, now_us: i64) -> Result<(), Full> {
    let current_us = begin_us(window.window_s, now_us);
    let free_at_us = |begin_us: i64| {
        begin_us.min(current_us).saturating_add(stretch_us(window.window_s) + window.length_us())
    };
    let held = || counted.iter().filter(|(begin_us, _)| free_at_us(*begin_us) > now_us);
    let mut sum: u64 = held().map(|(_, count)| count).sum();
    let mut retry_at_us = None;
    for (begin_us, count) in held() {
        if sum < u64::from(window.count) {
            break;
        }
        sum -= count;
        retry_at_us = Some(free_at_us(*begin_us));
    }
    retry_at_us.map_or(Ok(()), |retry_at_us| Err(Full { window, retry_at_us }))
}

const COUNTED: &str = "select window_s, begins_at, cast(sum(n) as bigint) from service_uses where service_id = $1 \
     and (window_s = $2 and begins_at >= $3 or window_s = $4 and begins_at >= $5) \
     group by window_s, begins_at order by begins_at";

/// Windows by twos, as [`COUNTED`] wants them. A single window is asked for twice, which finds it once.
fn pairs(windows: &[Window]) -> impl Iterator<Item = (&[Window], &Window, &Window)> {
    windows.chunks(2).filter_map(|pair| Some((pair, pair.first()?, pair.last()?)))
}

/// Where the oldest stretch begins that counts.
fn oldest_us(window: &Window, now_us: i64) -> i64 {
    begin_us(window.window_s, now_us.saturating_sub(window.length_us()))
}

/// Says that [`full`] will be asked.
pub(super) fn announce_full(
    tx: &mut Tx<'_>,
    service_id: &str,
    windows: &[Window],
    now: Timestamp,
) -> Result<(), Refusal> {
    let oldest_us = |window| oldest_us(window, now.as_microsecond());
    for (_, one, other) in pairs(windows) {
        let params: [&dyn Param; 5] =
            [&service_id, &one.window_s, &oldest_us(one), &other.window_s, &oldest_us(other)];
        tx.announce(COUNTED, &params)?;
    }
    Ok(())
}

/// The window without room that stays so the longest.
pub(super) fn full(
    tx: &mut Tx<'_>,
    service_id: &str,
    windows: &[Window],
    now: Timestamp,
) -> Result<Option<Full>, Refusal> {
    let now_us = now.as_microsecond();
    let oldest_us = |window| oldest_us(window, now_us);
    let mut full: Option<Full> = None;
    for (pair, one, other) in pairs(windows) {
        let counted = tx.query(
            COUNTED,
            &[&service_id, &one.window_s, &oldest_us(one), &other.window_s, &oldest_us(other)],
            |row| Ok((row.get::<u32>(0)?, row.get(1)?, row.get(2)?)),
        )?;
        for window in pair {
            let of_it = counted.iter().filter(|(window_s, ..)| *window_s == window.window_s);
            let of_it: Vec<_> = of_it.map(|(_, begins_at, n)| (*begins_at, *n)).collect();
            let found = decide(&of_it, *window, now_us).err();
            full = full.into_iter().chain(found).max_by_key(|full| full.retry_at_us);
        }
    }
    Ok(full)
}

const ADD: FewRows = few_rows!(
    "insert into service_uses (service_id, window_s, begins_at, shard, n) values ",
    5,
    " on conflict (service_id, window_s, begins_at, shard) do update set n = service_uses.n + excluded.n"
);

/// Counts a request in every window.
pub(super) fn count(
    tx: &mut Tx<'_>,
    service_id: &str,
    windows: &[Window],
    now: Timestamp,
) -> Result<(), Refusal> {
    let lengths: BTreeSet<u32> = windows.iter().map(|window| window.window_s).collect();
    let stretches: Vec<_> =
        lengths.into_iter().map(|window_s| (window_s, begin_us(window_s, now.as_microsecond()))).collect();
    let shard = shard();
    let rows: Vec<[&dyn Param; 5]> = stretches
        .iter()
        .map(|(window_s, begins_at)| [&service_id as &dyn Param, window_s, begins_at, &shard, &1_i64])
        .collect();
    Ok(tx.write_later(&ADD, &rows)?)
}

/// Forgets what lies in no window any more, and counts as made now what lies in the future.
pub fn purge(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Refusal> {
    tx.execute("delete from service_uses where begins_at + 2000000 * window_s <= $1", &[&now])?;
    let ahead = tx.query(
        "delete from service_uses where begins_at > $1 returning service_id, window_s, n",
        &[&now],
        |row| Ok((row.get::<String>(0)?, row.get::<u32>(1)?, row.get::<i64>(2)?)),
    )?;
    for (service_id, window_s, n) in ahead {
        let begins_at = begin_us(window_s, now.as_microsecond());
        tx.write_later(&ADD, &[[&service_id, &window_s, &begins_at, &shard(), &n]])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const S: i64 = 1_000_000;

    /// What the table would hold.
    #[derive(Default)]
    struct Counted(BTreeMap<i64, u64>);

    impl Counted {
        fn add(&mut self, window: Window, at_us: i64) {
            *self.0.entry(begin_us(window.window_s, at_us)).or_default() += 1;
        }

        fn decide(&self, window: Window, now_us: i64) -> Result<(), Full> {
            let counted: Vec<_> = self.0.iter().map(|(begin_us, count)| (*begin_us, *count)).collect();
            decide(&counted, window, now_us)
        }
    }

    #[test]
    fn a_window_has_room_again_once_its_oldest_stretch_is_out() {
        let window = Window { count: 2, window_s: 120 };
        let mut counted = Counted::default();
        counted.add(window, 1_000_001 * S);
        counted.add(window, 1_000_010 * S);
        let full = counted.decide(window, 1_000_020 * S).unwrap_err();
        // Stretches of two seconds: this one began at 1 000 000.
        assert_eq!(full.retry_at_us, 1_000_122 * S);
        assert!(counted.decide(window, full.retry_at_us - 1).is_err());
        assert!(counted.decide(window, full.retry_at_us).is_ok());
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_its_count_and_room_comes_a_stretch_late_at_most(
            count in 1_u32..20, window_s in 1_u32..400,
            steps in prop::collection::vec(0_i64..30 * S, 1..120),
        ) {
            let window = Window { count, window_s };
            let (mut counted, mut made, mut now) = (Counted::default(), Vec::new(), 0);
            for step in steps {
                now += step;
                let held = |length_us: i64| made.iter().filter(|made: &&i64| **made > now - length_us).count();
                match counted.decide(window, now) {
                    Ok(()) => {
                        prop_assert!(held(window.length_us()) < count as usize);
                        counted.add(window, now);
                        made.push(now);
                    }
                    Err(full) => {
                        prop_assert!(held(window.length_us() + stretch_us(window_s)) >= count as usize);
                        prop_assert!(counted.decide(window, full.retry_at_us - 1).is_err());
                        prop_assert!(counted.decide(window, full.retry_at_us).is_ok());
                    }
                }
            }
        }
    }
}
