//! How many tests ran, read from what the test runners print.

use std::ops::AddAssign;

/// Tests by how they ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub passed: u64,
    pub failed: u64,
    /// Left out by the test itself, which nobody asked for.
    pub ignored: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

/// From `cargo test`: the sum over its `test result:` lines.
pub(crate) fn cargo_test(output: &str) -> Counts {
    let mut sum = Counts::default();
    for line in output.lines() {
        // A test that prints without a newline may come first on the line.
        let Some((_, result)) = line.split_once("test result: ") else { continue };
        let count = |word: &str| {
            result
                .split([';', '.'])
                .find_map(|field| field.trim().strip_suffix(word)?.trim().parse().ok())
                .unwrap_or(0)
        };
        sum += Counts { passed: count("passed"), failed: count("failed"), ignored: count("ignored") };
    }
    sum
}

/// What the failed tests of `cargo test` printed: of each its name and the first lines.
pub(crate) fn cargo_failures(output: &str) -> Vec<String> {
    const LINES: usize = 12;
    let lines: Vec<&str> = output.lines().collect();
    let is_name = |line: &str| line.starts_with("---- ") && line.ends_with(" stdout ----");
    let starts = (0..lines.len()).filter(|&at| is_name(lines[at]));
    starts
        .map(|start| {
            let rest = lines[start + 1..].iter().take_while(|line| !is_name(line) && **line != "failures:");
            let said = std::iter::once(&lines[start]).chain(rest.take(LINES));
            said.map(|line| format!("    {}", line.chars().take(300).collect::<String>()))
                .collect::<Vec<_>>()
                .join("\n")
        })
        .collect()
}

/// From one report of Maven Surefire (`TEST-….xml`).
pub(crate) fn surefire(report: &str) -> Result<Counts, roxmltree::Error> {
    let document = roxmltree::Document::parse(report)?;
    let count = |name: &str| {
        document.root_element().attribute(name).and_then(|value| value.parse::<u64>().ok()).unwrap_or(0)
    };
    let (failed, ignored) = (count("failures") + count("errors"), count("skipped"));
    Ok(Counts { passed: count("tests").saturating_sub(failed + ignored), failed, ignored })
}

/// From `swift test`, which runs XCTest (`Test Case 'X.y' passed (…)`) and Swift Testing (`✔ Test y() passed after …`).
pub(crate) fn swift_test(output: &str) -> Counts {
    let mut sum = Counts::default();
    for line in output.lines() {
        let xctest = line.strip_prefix("Test Case '").map(|rest| rest.rsplit_once("' "));
        let ending = match xctest {
            Some(Some((_, ending))) => ending,
            Some(None) => continue,
            None => match swift_testing_ending(line) {
                Some(ending) => ending,
                None => continue,
            },
        };
        match ending.split([' ', ':']).next() {
            Some("passed") => sum.passed += 1,
            Some("failed") => sum.failed += 1,
            Some("skipped") => sum.ignored += 1,
            _ => {}
        }
    }
    sum
}

/// What follows the test's name in a line of Swift Testing: a mark, `Test`, a name `f()` or `"text"`, then how it ended.
fn swift_testing_ending(line: &str) -> Option<&str> {
    let (mark, rest) = line.split_once(" Test ")?;
    if mark.chars().count() != 1 {
        return None;
    }
    let (_, ending) =
        rest.strip_prefix('"').map_or_else(|| rest.split_once(") "), |rest| rest.split_once("\" "))?;
    // `with 3 test cases passed after …`
    let with_cases = ending.strip_prefix("with ").and_then(|rest| rest.split_once(" test case"));
    Some(with_cases.map_or(ending, |(_, rest)| rest.trim_start_matches('s').trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_the_results_of_all_cargo_test_binaries() {
        let output = "running 3 tests\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.01s\n\
            dottest result: FAILED. 10 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n";
        assert_eq!(cargo_test(output), Counts { passed: 12, failed: 3, ignored: 1 });
        assert_eq!(cargo_test("error: could not compile"), Counts::default());
    }

    #[test]
    fn says_which_tests_failed_and_how() {
        let log = "test a::b ... FAILED\n\nfailures:\n\n---- a::b stdout ----\npanicked at a.rs:1\n\nfailures:\n    a::b\n\n\
                   test result: FAILED. 0 passed; 1 failed";
        assert_eq!(cargo_failures(log), ["    ---- a::b stdout ----\n    panicked at a.rs:1\n    "]);
        assert!(cargo_failures("test result: ok. 1 passed").is_empty());
    }

    #[test]
    fn reads_a_surefire_report() {
        let report =
            r#"<?xml version="1.0"?><testsuite name="a" tests="9" errors="1" skipped="2" failures="3"/>"#;
        assert_eq!(surefire(report), Ok(Counts { passed: 3, failed: 4, ignored: 2 }));
        assert!(surefire("cut o").is_err());
    }

    #[test]
    fn counts_both_swift_test_libraries() {
        let output = "Test Suite 'X' passed at 2026-11-23 20:58:00.043\n\
            Test Case 'X.testA' started at 2026-11-23 20:58:00.041\n\
            Test Case 'X.testA' passed (0.001 seconds)\n\
            Test Case 'X.testB' failed (0.001 seconds)\n\
            Test Case '-[Y.X testC]' skipped (0.0 seconds)\n\
            \t Executed 3 tests, with 1 test skipped and 1 failures (0 unexpected) in 0.002 (0.002) seconds\n\
            ◇ Test run started.\n\
            ✘ Test c() skipped: \"not passed after all\"\n\
            ◇ Test b() started.\n\
            ✔ Test b() passed after 0.001 seconds.\n\
            ✔ Test \"has passed after noon\" failed after 0.001 seconds with 1 issue.\n\
            ✘ Test b() recorded an issue at T.swift:8:10: Expectation failed: a\n\
            ✔ Suite S passed after 0.001 seconds.\n\
            ✔ Test each(value:) with 3 test cases passed after 0.001 seconds.\n\
            ✔ Test run with 4 tests passed after 0.001 seconds.";
        assert_eq!(swift_test(output), Counts { passed: 3, failed: 2, ignored: 2 });
    }
}
