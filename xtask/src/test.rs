//! `cargo xtask test`: runs the parts one after another and sums them up.

use std::{
    process::ExitCode,
    str::FromStr,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};

use crate::{
    counts::{self, Counts},
    error::{Error, Result},
    parts::{Part, Run},
    places::{self, Places},
    process,
};

/// Runs the tests and ends with their counts by language; non-zero if anything failed or could not run
///
///   all       rust, kotlin, swift, samples, fcm, tokens, size, api, guide, phones, fuzz, lint, privacy: what CI runs (default)
///   quick     core, doubles, server: Rust alone
///   rust      every Rust test of the workspace, on SQLite and PostgreSQL, with the journey, faults and kills
///   core      only the SDK core
///   server    only the server
///   doubles   only the stand-ins for the push servers of Apple, Google and browsers
///   e2e       only what crosses the parts
///   kotlin    the Kotlin library on the JVM against the real server
///   swift     the Swift package against the real server
///   samples   both samples and the adapters for Android, and whether their project files name what is there
///   fcm       the FCM requests of the last run against Google's description of them
///   tokens    the signed tokens of the last run, by PyJWT
///   size      how large the library is that apps ship, against its limits
///   api       the public surface in Rust, Kotlin and Swift against docs/api
///   guide     the guide's programs, exactly as printed, against the packages and the real server
///   phones    core and bindings type-checked for Android and iOS
///   fuzz      the fuzz targets, ten seconds each
///   lint      rustfmt, clippy, cargo-deny, ktlint, swift-format
///   privacy   looks for personal data in the logs and pushes of the last run
///
/// Needs Rust, a C compiler, a JDK 17 with Maven, Python with pip, Node with npm. Installs what `cargo xtask setup` installs, for the parts it
/// runs. Starts a throw-away PostgreSQL on a free loopback port and removes it. Everything that the parts print, their
/// servers' logs and the pushes they saw stay in target/test-logs.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {
    #[arg(default_value = "all")]
    what: Selection,
    /// Leave a part out; the summary says so. May be repeated
    #[arg(long, value_enum, hide_possible_values = true)]
    skip: Vec<Part>,
}

/// Parts to run, in this order.
#[derive(Clone)]
struct Selection(Vec<Part>);

impl FromStr for Selection {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Ok(Self(match name {
            "all" => vec![
                Part::Rust,
                Part::Kotlin,
                Part::Swift,
                Part::Samples,
                Part::Fcm,
                Part::Tokens,
                Part::Size,
                Part::Api,
                Part::Guide,
                Part::Phones,
                Part::Fuzz,
                Part::Lint,
                Part::Privacy,
            ],
            "quick" => vec![Part::Core, Part::Doubles, Part::Server],
            part => vec![Part::from_str(part, false)?],
        }))
    }
}

pub(crate) fn run(places: &Places, options: &Options) -> Result<ExitCode> {
    let parts = &options.what.0;
    // Of this run alone, or the last check would read old pages. Alone, it reads the last run's.
    if !matches!(parts[..], [Part::Privacy | Part::Fcm | Part::Tokens]) {
        places::fresh_folder(&places.logs())?;
        places::make_folder(&places.logs().join("servers"))?;
        places::make_folder(&places.logs().join("pushes"))?;
    }
    let run = Run::new(places, parts.contains(&Part::Rust));
    let mut rows = Vec::new();
    for &part in parts {
        let ending = if options.skip.contains(&part) { Ending::Skipped } else { run_part(&run, part)? };
        rows.push((part, ending));
    }
    // PostgreSQL stops before the last word.
    drop(run);
    println!("\n{}", summary(&rows));
    let succeeded = rows.iter().all(|(_, ending)| ending.failure().is_none());
    Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_part(run: &Run<'_>, part: Part) -> Result<Ending> {
    let name = part.name();
    println!("{name}: {}", run.log(name).display());
    let started = Instant::now();
    let ending = match run.part(part) {
        Ok((counts, notes)) => Ending::Ran { counts, notes, took: started.elapsed() },
        Err(Error::Interrupted) => return Err(Error::Interrupted),
        Err(error) => Ending::Broke { error: error.to_string(), took: started.elapsed() },
    };
    if let Some(failure) = ending.failure() {
        println!("    FAILED  {failure}");
        // The end of a long log seldom says which test it was.
        for said in counts::cargo_failures(&process::last_lines(&run.log(name), usize::MAX)) {
            println!("{said}");
        }
        let lines = process::last_lines(&run.log(name), 60);
        if !lines.is_empty() {
            println!("    the end of {}:\n{lines}", run.log(name).display());
        }
    }
    Ok(ending)
}

/// How a part ended.
enum Ending {
    Ran { counts: Counts, notes: Vec<String>, took: Duration },
    Broke { error: String, took: Duration },
    Skipped,
}

impl Ending {
    /// Why it counts as failed.
    fn failure(&self) -> Option<String> {
        match self {
            Self::Ran { counts, .. } if counts.failed > 0 => Some(format!("{} failed", counts.failed)),
            Self::Ran { counts, .. } if counts.ignored > 0 => {
                Some(format!("{} left out by the tests themselves", counts.ignored))
            }
            Self::Ran { counts, .. } if counts.passed == 0 => Some("ran no test".to_owned()),
            Self::Ran { .. } | Self::Skipped => None,
            Self::Broke { error, .. } => Some(error.clone()),
        }
    }
}

/// The table and, on the last line, the sum: a part that failed without a failed test counts as one.
fn summary(rows: &[(Part, Ending)]) -> String {
    let mut lines =
        vec![format!("{:<9}{:<9}{:>7}{:>8}{:>9}", "part", "language", "passed", "failed", "time")];
    let mut notes = Vec::new();
    let mut sum = Counts::default();
    let mut skipped = 0;
    for (part, ending) in rows {
        let (counts, time) = match ending {
            Ending::Ran { counts, notes: more, took } => {
                notes.extend(more.iter().map(String::as_str));
                let failed = if ending.failure().is_some() { counts.failed.max(1) } else { 0 };
                (Counts { failed, ..*counts }, format!("{} s", took.as_secs()))
            }
            Ending::Broke { took, .. } => {
                (Counts { failed: 1, ..Counts::default() }, format!("{} s", took.as_secs()))
            }
            Ending::Skipped => {
                skipped += 1;
                (Counts::default(), "skipped".to_owned())
            }
        };
        sum += counts;
        let (name, language) = (part.name(), part.language());
        lines.push(format!("{name:<9}{language:<9}{:>7}{:>8}{time:>9}", counts.passed, counts.failed));
        // Only the first line: the rest was printed when it failed.
        let failure = ending.failure();
        if let Some(failure) = failure.as_deref().and_then(|text| text.lines().next()) {
            lines.push(format!("         {failure}"));
        }
    }
    lines.extend(notes.into_iter().map(str::to_owned));
    let asked = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    lines.push(format!("{} passed, {} failed{asked}", sum.passed, sum.failed));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(passed: u64, failed: u64, ignored: u64) -> Ending {
        let counts = Counts { passed, failed, ignored };
        Ending::Ran { counts, notes: vec!["a note".to_owned()], took: Duration::from_secs(3) }
    }

    fn last_line(rows: &[(Part, Ending)]) -> String {
        summary(rows).lines().next_back().unwrap_or_default().to_owned()
    }

    #[test]
    fn the_last_line_sums_up() {
        assert_eq!(
            last_line(&[(Part::Rust, ran(5, 0, 0)), (Part::Lint, ran(2, 0, 0))]),
            "7 passed, 0 failed"
        );
        assert_eq!(
            last_line(&[(Part::Rust, ran(5, 2, 0)), (Part::Swift, Ending::Skipped)]),
            "5 passed, 2 failed, 1 skipped"
        );
        assert!(summary(&[(Part::Lint, ran(1, 0, 0))]).contains("a note"));
    }

    #[test]
    fn what_ran_no_test_or_left_one_out_or_broke_has_failed() {
        let broke = Ending::Broke { error: "no compiler\nat all".to_owned(), took: Duration::ZERO };
        for (ending, line) in [
            (ran(0, 0, 0), "0 passed, 1 failed"),
            (ran(4, 0, 1), "4 passed, 1 failed"),
            (broke, "0 passed, 1 failed"),
        ] {
            assert!(ending.failure().is_some());
            assert_eq!(last_line(&[(Part::Kotlin, ending)]), line);
        }
        assert!(ran(1, 0, 0).failure().is_none());
        assert!(Ending::Skipped.failure().is_none());
    }
}
