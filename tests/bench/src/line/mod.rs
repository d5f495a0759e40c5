//! The line under load: reservations among many who wait, requests with every rule, availability, memory. Figures and
//! their references take turns in many rounds, so that what else the machine does meets both.

mod create;
mod ground;
mod look;
mod pgbench;
mod recorder;
mod reserve;

use crate::Failure;
use crate::row::{Measure, Row};
use ground::Ground;
use ringback_server::storage::Engine;
use ringback_server::storage::scratch::POSTGRES_VARIABLE;
use std::path::Path;

/// How much is measured.
struct Counts {
    /// How many wait, the fewest first.
    lines: [u32; 3],
    /// How many agents become ready on each of them.
    reservations: usize,
    rounds: usize,
    /// Shorter ones, and more of them: disk and processor have a say each, and neither keeps its pace.
    create_rounds: usize,
    creates_per_caller: usize,
    /// Longer rounds: `pgbench` prepares its statements in each of them.
    postgres_creates_per_caller: usize,
    looks: usize,
}

const FULL: Counts = Counts {
    lines: [10_000, 100_000, 1_000_000],
    reservations: 600,
    rounds: 5,
    create_rounds: 31,
    creates_per_caller: 16,
    postgres_creates_per_caller: 96,
    looks: 500,
};
const QUICK: Counts = Counts {
    lines: [2000, 5000, 10_000],
    reservations: 30,
    rounds: 1,
    create_rounds: 1,
    creates_per_caller: 3,
    postgres_creates_per_caller: 4,
    looks: 20,
};

/// Measures SQLite, and of PostgreSQL what it is gated for. `pgbench` is where that program is.
pub(crate) async fn run(quick: bool, pgbench: Option<&Path>) -> Result<Vec<Row>, Failure> {
    let counts = if quick { QUICK } else { FULL };
    let mut rows = Vec::new();

    let mut grounds = Vec::new();
    for waiting in counts.lines {
        println!("line: {waiting} callbacks on SQLite …");
        grounds.push(Ground::new(Engine::Sqlite, waiting).await?);
    }
    rows.extend(reserve::sqlite(&grounds, &counts).await?);
    if let Some(largest) = grounds.pop() {
        drop(grounds);
        rows.push(look::memory(largest).await?);
    }

    if std::env::var_os(POSTGRES_VARIABLE).is_some() {
        let mut grounds = Vec::new();
        for waiting in &counts.lines[..2] {
            println!("line: {waiting} callbacks on PostgreSQL …");
            grounds.push(Ground::new(Engine::Postgres, *waiting).await?);
        }
        rows.extend(reserve::postgres(&grounds, &counts).await?);
        drop(grounds);
        match pgbench {
            Some(pgbench) => {
                println!("line: requests on PostgreSQL …");
                rows.push(create::postgres(pgbench, &counts).await?);
            }
            None => println!(
                "line: there is no pgbench beside PostgreSQL's server, so line/create-postgresql is missing"
            ),
        }
    } else {
        println!("line: {POSTGRES_VARIABLE} is not set, so PostgreSQL is left out");
    }

    println!("line: requests and availability …");
    rows.extend(create::rows(&counts).await?);
    rows.extend(look::availability(&counts).await?);
    Ok(rows)
}

/// The middle one.
fn median(mut rates: Vec<f64>) -> Measure {
    rates.sort_by(f64::total_cmp);
    Measure::PerSecond(rates.get(rates.len() / 2).copied().unwrap_or_default())
}
