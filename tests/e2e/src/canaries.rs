//! The personal data that tests use, and no other: so that a leak can be found by looking for it.

use ringback_core::protocol::PhoneNumber;

const FILE: &str = include_str!("../../privacy-canaries.txt");

fn values() -> impl Iterator<Item = &'static str> {
    FILE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// All phone numbers, each once.
pub fn numbers() -> impl Iterator<Item = PhoneNumber> {
    values().filter(|value| value.starts_with('+')).map(PhoneNumber::from)
}

/// One of the phone numbers.
///
/// # Panics
/// When there are not that many.
#[expect(clippy::expect_used, reason = "a test that asks for too many numbers is wrong")]
pub fn number(index: usize) -> PhoneNumber {
    numbers().nth(index).expect("tests/privacy-canaries.txt has fewer numbers")
}

/// Names of people.
pub fn names() -> Vec<&'static str> {
    values().filter(|value| !value.starts_with(['+', 'c'])).collect()
}

/// Values for a journey context.
pub fn context_values() -> Vec<&'static str> {
    values().filter(|value| value.starts_with("canary-")).collect()
}
