//! `cargo xtask size`: how large the library is that apps ship.

use std::{fs, process::ExitCode};

use clap::Args;

use crate::{
    counts::Counts,
    error::{Error, Result},
    places::Places,
    process,
    shipped::{self, Kind, Runner},
};

/// Builds the library as apps ship it, prints its size and compares it with its limit
///
/// Profile `mobile`, for this machine, linked as for Android and stripped. Fails when one is larger than its limit; why each limit is what it is, is
/// in docs/performance.md. Needs Rust, a C compiler and `strip`. Installs nothing.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {}

/// Which library, and the most bytes: what they were when this was last lowered. They should be 1 MiB and 2.9 MiB.
const LIMITS: [(Kind, u64); 2] = [(Kind::Host, 1_566_000), (Kind::Reqwest, 3_447_000)];

pub(crate) fn run(places: &Places) -> Result<ExitCode> {
    let (counts, lines) = check(places, &process::run)?;
    for line in lines {
        println!("{line}");
    }
    Ok(if counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A check for each kind of library, and a line to read.
pub(crate) fn check(places: &Places, run: Runner<'_>) -> Result<(Counts, Vec<String>)> {
    let mut counts = Counts::default();
    let mut lines = Vec::new();
    for ((kind, limit), (_, size)) in LIMITS.into_iter().zip(measure(places, run)?) {
        *(if size <= limit { &mut counts.passed } else { &mut counts.failed }) += 1;
        lines.push(line(kind, size, limit));
    }
    Ok((counts, lines))
}

/// How many bytes each kind of library has that apps ship, in the order of their limits.
pub(crate) fn measure(places: &Places, run: Runner<'_>) -> Result<Vec<(Kind, u64)>> {
    let size = |kind| {
        let library = shipped::build(places, kind, run)?;
        let weighed = shipped::weighed(&library, run)?;
        let size = fs::metadata(&weighed).map_err(Error::file(&weighed))?.len();
        Ok((kind, size))
    };
    LIMITS.into_iter().map(|(kind, _)| size(kind)).collect()
}

fn line(kind: Kind, size: u64, limit: u64) -> String {
    let verdict = if size <= limit { "of at most" } else { "TOO LARGE, at most" };
    format!("size: {:<8}{size:>8} bytes, {verdict} {limit}", kind.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_above_its_limit_is_said_loudly() {
        assert!(line(Kind::Host, 10, 10).contains("of at most 10"));
        assert!(line(Kind::Host, 11, 10).contains("TOO LARGE"));
    }
}
