//! Pushes: from "agent ready" to the double, the outbox under load, a question in a flood, memory.

mod crowd;
mod memory;
mod outbox;
mod ready;

use crate::row::Row;
use crate::{Counts, Failure};

pub(crate) use ready::log_as_shipped;

/// Measures all of it on SQLite.
pub(crate) async fn run(counts: &Counts) -> Result<Vec<Row>, Failure> {
    println!("push: an agent becomes ready …");
    let mut rows = ready::rows(counts).await?;
    println!("push: the outbox …");
    rows.extend(outbox::rows(counts).await?);
    println!("push: memory …");
    rows.push(memory::row(counts).await?);
    Ok(rows)
}
