//! `cargo xtask size`: how large the library is that apps ship.

use std::{fs, process::ExitCode};

use clap::Args;

use crate::{
    counts::Counts,
    error::{Error, Result},
    places::Places,
    process,
    shipped::{self, Http, Runner},
};

/// Builds the library as apps ship it, prints its size and compares it with its limit
///
/// Profile `mobile`, stripped, for this machine. Fails when one is larger than its limit; why each limit is what it is, is
/// in docs/performance.md. Needs Rust, a C compiler and `strip`. Installs nothing.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {}

/// Who speaks HTTP, and the most bytes: what they were when this was last lowered. They should be 1 MiB and 2.9 MiB.
const LIMITS: [(Http, u64); 2] = [(Http::Host, 2_060_000), (Http::Reqwest, 4_800_000)];

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
    for ((http, limit), (_, size)) in LIMITS.into_iter().zip(measure(places, run)?) {
        *(if size <= limit { &mut counts.passed } else { &mut counts.failed }) += 1;
        lines.push(line(http, size, limit));
    }
    Ok((counts, lines))
}

/// How many bytes each kind of library has that apps ship, in the order of their limits.
pub(crate) fn measure(places: &Places, run: Runner<'_>) -> Result<Vec<(Http, u64)>> {
    let size = |http| {
        let library = shipped::build(places, http, run)?;
        let size = fs::metadata(&library.stripped).map_err(Error::file(&library.stripped))?.len();
        Ok((http, size))
    };
    LIMITS.into_iter().map(|(http, _)| size(http)).collect()
}

fn line(http: Http, size: u64, limit: u64) -> String {
    let verdict = if size <= limit { "of at most" } else { "TOO LARGE, at most" };
    format!("size: {:<8}{size:>8} bytes, {verdict} {limit}", http.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_above_its_limit_is_said_loudly() {
        assert!(line(Http::Host, 10, 10).contains("of at most 10"));
        assert!(line(Http::Host, 11, 10).contains("TOO LARGE"));
    }
}
