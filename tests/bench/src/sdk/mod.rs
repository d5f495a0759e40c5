//! What an app feels of the SDK: its start, a tap, proof of work, calls, memory, size.

mod altcha;
mod figures;
mod tap;
mod wire;

use crate::Failure;
use crate::row::Row;
use std::path::Path;

/// Measures what is measured in Rust, and reads what the programs in Kotlin and Swift and the build have found.
pub(crate) async fn run(quick: bool, figures: &Path) -> Result<Vec<Row>, Failure> {
    let mut rows = figures::rows(&std::fs::read_to_string(figures)?)?;
    println!("sdk: a tap …");
    rows.push(tap::row(if quick { 20 } else { 1000 }).await?);
    println!("sdk: proof of work …");
    rows.push(altcha::row(if quick { 2 } else { 21 }).await?);
    Ok(rows)
}
