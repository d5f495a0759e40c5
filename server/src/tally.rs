//! Counts that many transactions change at once: how many wait in a queue, how many callbacks of a service are open.
//!
//! A count is the sum of shards. A storage thread always writes the same shard, and no two of a node the same, so no
//! transaction waits for another over a count, and adding up sees everything that is committed. A transaction collects
//! its changes in [`Effects`](crate::app::Effects) and writes them last and in order of their keys.

use crate::refusal::Refusal;
use crate::storage::{FewRows, Param, Tx, few_rows};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// More shards than one node has connections; nodes that share a shard merely wait for each other now and then.
const SHARDS: u64 = 64;

/// Changes of counts by key, to be written at the end of a transaction.
pub type Changes = BTreeMap<String, i64>;

/// Which shard the next thread takes. Each node begins somewhere else.
static NEXT: LazyLock<AtomicU64> =
    LazyLock::new(|| AtomicU64::new(uuid::Uuid::new_v4().as_u64_pair().0 % SHARDS));

thread_local! {
    static SHARD: Cell<Option<i64>> = const { Cell::new(None) };
}

/// The shard this thread counts in.
pub(crate) fn shard() -> i64 {
    SHARD.with(|shard| {
        shard.get().unwrap_or_else(|| {
            let taken = (NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS) as i64;
            shard.set(Some(taken));
            taken
        })
    })
}

const ADD: FewRows = few_rows!(
    "insert into tallies (key, shard, n) values ",
    3,
    " on conflict (key, shard) do update set n = tallies.n + excluded.n"
);

/// Writes changes down.
pub fn write(tx: &mut Tx<'_>, changes: &Changes) -> Result<(), Refusal> {
    let shard = shard();
    let rows: Vec<[&dyn Param; 3]> = changes
        .iter()
        .filter(|(_, change)| **change != 0)
        .map(|(key, change)| [key as &dyn Param, &shard, change])
        .collect();
    Ok(tx.write_later(&ADD, &rows)?)
}
