//! What a call costs from Kotlin and from Swift: figures of programs in those languages, which `cargo xtask bench` runs.

use crate::Failure;
use crate::row::{Measure, Row};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

/// Reads lines of `language call nanoseconds`.
pub(crate) fn run(figures: &Path) -> Result<Vec<Row>, Failure> {
    rows(&std::fs::read_to_string(figures)?)
}

fn rows(figures: &str) -> Result<Vec<Row>, Failure> {
    let mut calls: HashMap<(&str, &str), Duration> = HashMap::new();
    for line in figures.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[language, call, ns] = words.as_slice() else {
            return Err(format!("not a figure: {line}").into());
        };
        calls.insert((language, call), Duration::from_secs_f64(ns.parse::<f64>()? / 1e9));
    }
    let mut rows = Vec::new();
    for (language, layer) in [("kotlin", "`suspend`"), ("swift", "`async`")] {
        let takes = |call| {
            let time = calls.get(&(language, call)).copied();
            time.map(Measure::Takes).ok_or_else(|| format!("no figure for {call} in {language}"))
        };
        rows.push(Row {
            name: format!("calls/{language}-handle-push"),
            figure: takes("handle_push")?,
            reference: takes("empty_async")?,
            meaning: format!(
                "The {layer} call `handlePush` of the library, with a push that is somebody else's: nothing to read, \
                 nothing to fetch. Reference: an empty asynchronous UniFFI call to the same thread, without the library."
            ),
        });
        rows.push(Row {
            name: format!("calls/{language}-async"),
            figure: takes("empty_async")?,
            reference: takes("empty")?,
            meaning: "That empty asynchronous call, to another thread and back. Reference: an empty UniFFI call that \
                      stays on its thread."
                .to_owned(),
        });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIGURES: &str = "kotlin empty 500\nkotlin empty_async 20000.5\nkotlin handle_push 30000\n\
                           swift empty 50\nswift empty_async 10000\nswift handle_push 15000\n";

    #[test]
    fn each_language_has_its_rows() {
        let rows = rows(FIGURES).unwrap();
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "calls/kotlin-handle-push",
                "calls/kotlin-async",
                "calls/swift-handle-push",
                "calls/swift-async"
            ]
        );
        assert!((rows[3].ratio() - 0.005).abs() < 1e-9);
    }

    #[test]
    fn what_is_missing_or_garbled_is_an_error() {
        assert!(rows("kotlin empty 500").is_err());
        assert!(rows(&FIGURES.replace("15000", "soon")).is_err());
        assert!(rows(&format!("{FIGURES}swift\n")).is_err());
    }
}
