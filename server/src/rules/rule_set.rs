//! A rule set: which countries and numbers may be called. A service names any number of them, and a number must pass
//! each. So a country is called when every set allows it, a satellite phone too, and one set that blocks is enough.
//!
//! A service that names none calls every country's ordinary numbers: a first try needs no rules, and what costs more
//! than a call is refused all the same.

use super::number::{Classified, Country, Kind};
use crate::refusal::Refusal;
use crate::routing::resources::check_name;
use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use ringback_core::protocol::ProblemCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// How many patterns of each sort a rule set has at most.
const PATTERNS_MAX: usize = 200;
/// How long a pattern is at most.
const PATTERN_MAX_CHARS: usize = 200;
/// How large a pattern becomes at most when it is compiled, and all of a set together. Matching takes time in proportion
/// to this and to the length of a number, whatever the pattern (`regex`: linear time).
const PATTERN_MAX_BYTES: usize = 64 * 1024;
const SET_MAX_BYTES: usize = 1024 * 1024;
/// What stands for every country.
const EVERY: &str = "*";
/// What stands in the place of a name in the path of the test box.
const TEST: &str = "test";

/// A pattern. It may be somebody's number, so it cannot be printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct Pattern(String);

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pattern(…)")
    }
}

impl From<&str> for Pattern {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A rule set as staff write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSetSetup {
    /// 1 to 64 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// The countries whose numbers are called, ISO 3166-1 alpha-2. What is not listed is refused; an empty list refuses
    /// every number. `["*"]` is every country, and the numbers that belong to none.
    pub countries: Vec<String>,
    /// Numbers that are not called, at most 200: `+`, digits, `?` for one digit, `*` for any number of digits. For
    /// example `+4930*`, or one whole number.
    #[serde(default)]
    pub blocked: Vec<Pattern>,
    /// The same as regular expressions over the whole E.164 number, at most 200 of 200 characters; `\d` is a digit, and
    /// there is neither looking around nor referring back.
    #[serde(default)]
    pub blocked_regex: Vec<Pattern>,
    /// Whether satellite phones and other networks without a country (+870, +881, +882, +883) are called; they need not
    /// be in `countries` then. No when absent.
    #[serde(default)]
    pub satellite: bool,
}

/// A rule set, ready to judge.
pub struct RuleSet {
    name: String,
    /// `None` is every country.
    countries: Option<BTreeSet<Country>>,
    blocked: RegexSet,
    /// How many of the patterns in `blocked` are simple; they come first.
    simple: usize,
    satellite: bool,
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuleSet").field("name", &self.name).finish_non_exhaustive()
    }
}

impl RuleSetSetup {
    /// Checks and compiles. A refusal names the field, and the place in it.
    pub fn compile(&self) -> Result<RuleSet, Refusal> {
        check_name(&self.name)?;
        if self.name == TEST {
            return Err(invalid("name", "`test` is the path of the test box. Choose another name."));
        }
        let simple = sources("blocked", &self.blocked, translate)?;
        let regular = sources("blocked_regex", &self.blocked_regex, |text| Some(text.to_owned()))?;
        let anchored = simple.iter().chain(&regular).map(|source| format!(r"\A(?:{source})\z"));
        let blocked =
            RegexSetBuilder::new(anchored).unicode(false).size_limit(SET_MAX_BYTES).build().map_err(|_| {
                Refusal::of_field(
                    ProblemCode::PatternTooLarge,
                    "blocked_regex",
                    "The patterns are too large together. Shorten them, or divide them among several rule sets.",
                )
            })?;
        Ok(RuleSet {
            name: self.name.clone(),
            countries: self.countries()?,
            blocked,
            simple: simple.len(),
            satellite: self.satellite,
        })
    }

    fn countries(&self) -> Result<Option<BTreeSet<Country>>, Refusal> {
        if self.countries.iter().any(|code| code == EVERY) {
            return if self.countries.len() == 1 {
                Ok(None)
            } else {
                Err(invalid(
                    "countries",
                    "`*` is every country already. Let it stand alone, or leave it out.",
                ))
            };
        }
        let known = self.countries.iter().enumerate();
        let known = known.map(|(place, code)| Country::named(code, &format!("countries[{place}]")));
        known.collect::<Result<_, _>>().map(Some)
    }
}

/// The regular expressions of a list of patterns, each checked by itself, so that none can close a bracket of another.
fn sources(
    field: &str,
    patterns: &[Pattern],
    translate: impl Fn(&str) -> Option<String>,
) -> Result<Vec<String>, Refusal> {
    if patterns.len() > PATTERNS_MAX {
        return Err(invalid(field, "There are at most 200 patterns in a list. Divide them among rule sets."));
    }
    let checked = patterns.iter().enumerate().map(|(place, Pattern(text))| {
        let field = format!("{field}[{place}]");
        let too_large = || {
            let code = ProblemCode::PatternTooLarge;
            Refusal::of_field(code, &field, code.advice())
        };
        if text.chars().count() > PATTERN_MAX_CHARS {
            return Err(too_large());
        }
        let source = translate(text).ok_or_else(|| {
            invalid(&field, "A pattern is `+` and then digits, `?` for one digit, `*` for any number of them.")
        })?;
        match compile(&source).and_then(|_| compile(&format!(r"\A(?:{source})\z"))) {
            Ok(_) => Ok(source),
            Err(regex::Error::CompiledTooBig(_)) => Err(too_large()),
            // The library's words would quote the pattern.
            Err(_) => Err(invalid(
                &field,
                "This is not a regular expression. Brackets must close, `+` for the plus sign is written `\\+`.",
            )),
        }
    });
    checked.collect()
}

fn compile(source: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(source).unicode(false).size_limit(PATTERN_MAX_BYTES).build()
}

fn invalid(field: &str, sentence: &str) -> Refusal {
    Refusal::of_field(ProblemCode::FieldInvalid, field, sentence)
}

/// A simple pattern as a regular expression.
fn translate(pattern: &str) -> Option<String> {
    let rest = pattern.strip_prefix('+').filter(|rest| !rest.is_empty())?;
    rest.chars().try_fold(r"\+".to_owned(), |mut source, character| {
        match character {
            '0'..='9' => source.push(character),
            '?' => source.push_str("[0-9]"),
            '*' => source.push_str("[0-9]*"),
            _ => return None,
        }
        Some(source)
    })
}

impl RuleSet {
    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether numbers of this kind are called.
    pub fn allows_kind(&self, kind: Kind) -> bool {
        kind.is_ordinary() || (self.satellite && kind == Kind::Satellite)
    }

    /// Whether the number's country is called.
    pub fn allows_country(&self, number: &Classified) -> bool {
        match (&self.countries, number.country) {
            (None, _) => true,
            (Some(listed), Some(country)) => listed.contains(&country),
            (Some(_), None) => self.satellite && number.kind == Kind::Satellite,
        }
    }

    /// Where the first pattern stands that blocks the number, for example `blocked[2]`.
    pub fn blocked_by(&self, e164: &str) -> Option<String> {
        let first = self.blocked.matches(e164.as_bytes()).into_iter().next()?;
        Some(match first.checked_sub(self.simple) {
            None => format!("blocked[{first}]"),
            Some(place) => format!("blocked_regex[{place}]"),
        })
    }

    fn lists(&self, country: Country) -> bool {
        self.countries.as_ref().is_none_or(|listed| listed.contains(&country))
    }
}

/// The countries that every one of the sets allows, in alphabetical order: what an offer tells.
pub fn countries(sets: &[Arc<RuleSet>]) -> Vec<String> {
    let allowed: BTreeSet<Country> =
        Country::all().filter(|country| sets.iter().all(|set| set.lists(*country))).collect();
    allowed.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::number::classify;
    use proptest::prelude::*;

    fn setup(countries: &[&str]) -> RuleSetSetup {
        RuleSetSetup {
            name: "rules".to_owned(),
            countries: countries.iter().map(|code| (*code).to_owned()).collect(),
            blocked: Vec::new(),
            blocked_regex: Vec::new(),
            satellite: false,
        }
    }

    fn blocking(blocked: &[&str], regex: &[&str]) -> Result<RuleSet, Refusal> {
        let patterns = |list: &[&str]| list.iter().copied().map(Pattern::from).collect();
        RuleSetSetup { blocked: patterns(blocked), blocked_regex: patterns(regex), ..setup(&[EVERY]) }
            .compile()
    }

    fn refused(set: Result<RuleSet, Refusal>) -> (String, String) {
        let problem = set.map(|_| ()).unwrap_err().into_problem();
        (problem.code, problem.field.unwrap_or_default())
    }

    #[test]
    fn patterns_mean_the_whole_number() {
        let set =
            blocking(&["+4930901820", "+44*", "+1900???????", "+*0000"], &[r"\+49(15|16)\d+", "30"]).unwrap();
        for (number, rule) in [
            ("+4930901820", Some("blocked[0]")),
            ("+49309018200", None),
            ("+442079460018", Some("blocked[1]")),
            ("+19002345678", Some("blocked[2]")),
            ("+190023456789", None),
            ("+49309010000", Some("blocked[3]")),
            ("+4915123456789", Some("blocked_regex[0]")),
            ("+4917123456789", None),
            ("+4930123456", None),
        ] {
            assert_eq!(set.blocked_by(number).as_deref(), rule, "{number}");
        }
    }

    #[test]
    fn an_alternative_does_not_escape_its_anchors() {
        let set = blocking(&[], &[r"\+49|\+44"]).unwrap();
        assert_eq!(set.blocked_by("+4930901820"), None);
        assert_eq!(
            refused(blocking(&[], &[r"\+49)|(\+44"])),
            ("field_invalid".into(), "blocked_regex[0]".into())
        );
        assert_eq!(refused(blocking(&[], &["(?x)1 #"])), ("field_invalid".into(), "blocked_regex[0]".into()));
    }

    #[test]
    fn what_is_too_large_is_named() {
        let large = |field: &str| ("pattern_too_large".to_owned(), field.to_owned());
        let long = "1".repeat(PATTERN_MAX_CHARS + 1);
        assert_eq!(refused(blocking(&[&format!("+{long}")], &[])), large("blocked[0]"));
        assert_eq!(refused(blocking(&[], &["1", &long])), large("blocked_regex[1]"));
        assert_eq!(refused(blocking(&[], &["(1{100}){100}"])), large("blocked_regex[0]"));
        // Each for itself would do.
        let many = vec!["(1{30}){20}"; PATTERNS_MAX];
        assert!(blocking(&[], &many[..1]).is_ok());
        assert_eq!(refused(blocking(&[], &many)), large("blocked_regex"));
        let (code, field) = refused(blocking(&vec!["+1"; PATTERNS_MAX + 1], &[]));
        assert_eq!((code.as_str(), field.as_str()), ("field_invalid", "blocked"));
    }

    #[test]
    fn what_is_no_pattern_is_named() {
        for pattern in ["", "+", "4930*", "+49 30", "+49[0-9]", "*"] {
            assert_eq!(
                refused(blocking(&["+1", pattern], &[])),
                ("field_invalid".into(), "blocked[1]".into())
            );
        }
        for pattern in ["(", "+49", r"(?=a)", r"(a)\1"] {
            assert_eq!(
                refused(blocking(&[], &[pattern])),
                ("field_invalid".into(), "blocked_regex[0]".into())
            );
        }
        assert_eq!(refused(setup(&["DE", "de"]).compile()), ("field_invalid".into(), "countries[1]".into()));
        assert_eq!(refused(setup(&["DE", "*"]).compile()), ("field_invalid".into(), "countries".into()));
    }

    #[test]
    fn what_is_not_listed_is_refused() {
        let german = classify("+4930901820", None).unwrap();
        let jamaican = classify("+18765230123", None).unwrap();
        assert!(setup(&["DE", "US"]).compile().unwrap().allows_country(&german));
        assert!(!setup(&["DE", "US"]).compile().unwrap().allows_country(&jamaican));
        assert!(!setup(&[]).compile().unwrap().allows_country(&german));
        assert!(setup(&["*"]).compile().unwrap().allows_country(&jamaican));
    }

    #[test]
    fn satellite_phones_are_called_where_that_is_set() {
        let phone = classify("+881612345678", None).unwrap();
        let closed = setup(&["DE"]).compile().unwrap();
        assert!(!closed.allows_kind(phone.kind) && !closed.allows_country(&phone));
        let open = RuleSetSetup { satellite: true, ..setup(&["DE"]) }.compile().unwrap();
        assert!(open.allows_kind(phone.kind) && open.allows_country(&phone));
        assert!(!open.allows_kind(Kind::PremiumRate));
    }

    #[test]
    fn sets_allow_together_what_each_allows() {
        let sets = [setup(&["DE", "FR", "AT"]), setup(&["*"]), setup(&["FR", "DE"])]
            .map(|set| Arc::new(set.compile().unwrap()));
        assert_eq!(countries(&sets), ["DE", "FR"]);
        assert!(countries(&[]).len() > 240);
    }

    #[test]
    fn a_pattern_cannot_be_printed() {
        let mut set = setup(&["DE"]);
        set.blocked.push(Pattern::from("+4930901820"));
        assert!(!format!("{set:?} {:?}", set.compile()).contains("4930901820"));
    }

    proptest! {
        #[test]
        fn a_simple_pattern_matches_as_it_reads(
            pattern in "\\+[0-9?*]{1,8}", number in "\\+[0-9]{1,8}",
        ) {
            /// The pattern, read without a regular expression.
            fn reads(pattern: &[u8], number: &[u8]) -> bool {
                match (pattern, number) {
                    ([], []) => true,
                    ([b'*', rest @ ..], _) => {
                        reads(rest, number) || (!number.is_empty() && reads(pattern, &number[1..]))
                    }
                    ([b'?', rest @ ..], [_, number @ ..]) => reads(rest, number),
                    ([first, rest @ ..], [digit, number @ ..]) => first == digit && reads(rest, number),
                    _ => false,
                }
            }
            let set = blocking(&[&pattern], &[]).unwrap();
            prop_assert_eq!(set.blocked_by(&number).is_some(), reads(pattern.as_bytes(), number.as_bytes()));
        }

        #[test]
        fn any_regular_expression_gets_an_answer(pattern in "\\PC{0,60}|([(\\[{|*+?.\\d^$)}\\]1]){0,30}") {
            if let Ok(set) = blocking(&[], &[&pattern]) {
                set.blocked_by("+4930901820");
            }
        }
    }
}
