//! Whether a number is called: every check in the order in which a request meets it. A request and its dry run share it.

use super::number::{Classified, Country, classify};
use super::rule_set::RuleSet;
use crate::refusal::Refusal;
use ringback_core::protocol::{Check, ProblemCode, Validation};
use std::sync::Arc;

/// What was found out about a number.
#[derive(Debug, Clone)]
pub struct NumberVerdict {
    /// Every check that was made: `number.form`, `number.plan`, `number.kind`, then `number.country` and
    /// `number.blocked` of each rule set.
    pub checks: Vec<Check>,
    /// The number, when it is one. It may still be one that is not called: see [`NumberVerdict::into_number`].
    pub number: Option<Classified>,
}

impl NumberVerdict {
    /// The number, if it is called; otherwise the refusal of the first check that did not pass. `field` names where the
    /// number stood.
    pub fn into_number(self, field: &str) -> Result<Classified, Refusal> {
        match (self.checks.iter().find(|check| !check.passed), self.number) {
            (None, Some(number)) => Ok(number),
            (failed, _) => {
                let code = failed.and_then(code_of).unwrap_or(ProblemCode::NumberImpossible);
                Err(Refusal::of_field(code, field, code.advice()))
            }
        }
    }
}

fn code_of(check: &Check) -> Option<ProblemCode> {
    ProblemCode::ALL.iter().copied().find(|code| Some(code.code()) == check.code.as_deref())
}

/// Judges a number by every rule set. Without any, numbers of ordinary kinds pass, whatever their country.
pub fn check_number(sets: &[Arc<RuleSet>], default_country: Option<Country>, text: &str) -> NumberVerdict {
    let mut checks = Vec::with_capacity(3 + 2 * sets.len());
    let number = match classify(text, default_country) {
        Ok(number) => number,
        Err(fault) => {
            if fault.code() == ProblemCode::NumberImpossible {
                checks.push(passed("number.form"));
                checks.push(failed("number.plan", fault.code(), None));
            } else {
                checks.push(failed("number.form", fault.code(), None));
            }
            return NumberVerdict { checks, number: None };
        }
    };
    checks.push(passed("number.form"));
    checks.push(passed("number.plan"));
    checks.push(kind(sets, &number));
    for set in sets {
        checks.push(if set.allows_country(&number) {
            Check { rule: Some(format!("{}: countries", set.name())), ..passed("number.country") }
        } else {
            let whose = number.country.map_or_else(|| "no country".to_owned(), |country| country.to_string());
            let rule = format!("{}: countries, not {whose}", set.name());
            failed("number.country", ProblemCode::NumberCountryNotAllowed, Some(rule))
        });
    }
    for set in sets {
        checks.push(match set.blocked_by(number.e164.expose()) {
            None => Check { rule: Some(format!("{}: blocked", set.name())), ..passed("number.blocked") },
            Some(place) => {
                let rule = format!("{}: {place}", set.name());
                failed("number.blocked", ProblemCode::NumberBlocked, Some(rule))
            }
        });
    }
    NumberVerdict { checks, number: Some(number) }
}

/// A satellite phone is called if there are rule sets and all of them say so.
fn kind(sets: &[Arc<RuleSet>], number: &Classified) -> Check {
    let refusing = sets.iter().find(|set| !set.allows_kind(number.kind));
    let called = if sets.is_empty() { number.kind.is_ordinary() } else { refusing.is_none() };
    let kind = crate::words::word(number.kind).unwrap_or_default();
    if called {
        Check { rule: Some(kind), ..passed("number.kind") }
    } else {
        let rule = refusing.map_or_else(|| kind.clone(), |set| format!("{}: not {kind}", set.name()));
        failed("number.kind", ProblemCode::NumberPremium, Some(rule))
    }
}

/// A check that passed.
pub(super) fn passed(check: &str) -> Check {
    Check { check: check.to_owned(), passed: true, code: None, detail: None, retry_at: None, rule: None }
}

/// A check that did not.
pub(super) fn failed(check: &str, code: ProblemCode, rule: Option<String>) -> Check {
    Check {
        check: check.to_owned(),
        passed: false,
        code: Some(code.code().to_owned()),
        detail: Some(code.advice().to_owned()),
        retry_at: None,
        rule,
    }
}

/// The answer for staff: everything.
pub fn for_staff(checks: Vec<Check>) -> Validation {
    Validation { accepted: checks.iter().all(|check| check.passed), checks }
}

/// The answer for apps: each check once, and not a word about the rules behind it.
pub fn for_apps(checks: Vec<Check>) -> Validation {
    let mut told: Vec<Check> = Vec::with_capacity(checks.len());
    for check in checks {
        let check = Check { rule: None, ..check };
        match told.iter_mut().find(|earlier| earlier.check == check.check) {
            None => told.push(check),
            Some(earlier) if earlier.passed && !check.passed => *earlier = check,
            Some(_) => {}
        }
    }
    for_staff(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::rule_set::{Pattern, RuleSetSetup};

    fn set(name: &str, countries: &[&str], blocked: &[&str]) -> Arc<RuleSet> {
        let setup = RuleSetSetup {
            name: name.to_owned(),
            countries: countries.iter().map(|code| (*code).to_owned()).collect(),
            blocked: blocked.iter().copied().map(Pattern::from).collect(),
            blocked_regex: Vec::new(),
            satellite: false,
        };
        Arc::new(setup.compile().unwrap())
    }

    /// `check` or `check!rule` for each.
    fn trace(sets: &[Arc<RuleSet>], text: &str) -> Vec<String> {
        let told = |check: Check| match (check.passed, check.rule) {
            (true, _) => check.check,
            (false, rule) => format!("{}!{}", check.check, rule.unwrap_or_default()),
        };
        check_number(sets, None, text).checks.into_iter().map(told).collect()
    }

    fn code(sets: &[Arc<RuleSet>], text: &str) -> Option<String> {
        check_number(sets, None, text).into_number("number").err().map(|refusal| refusal.into_problem().code)
    }

    #[test]
    fn without_rules_ordinary_numbers_of_every_country_are_called() {
        for number in ["+4930901820", "+18765230123", "+498001234567"] {
            assert_eq!(code(&[], number), None);
        }
        for number in ["+499001234567", "+881612345678", "+979123456789", "+447012345678"] {
            assert_eq!(code(&[], number).as_deref(), Some("number_premium"), "{number}");
        }
    }

    #[test]
    fn checks_stop_where_there_is_no_number_to_look_at() {
        assert_eq!(trace(&[], "030901820"), ["number.form!"]);
        assert_eq!(trace(&[], "+49123"), ["number.form", "number.plan!"]);
        assert_eq!(code(&[], "030901820").as_deref(), Some("number_not_e164"));
        assert_eq!(code(&[], "+49123").as_deref(), Some("number_impossible"));
    }

    #[test]
    fn a_number_must_pass_every_set_and_each_that_refuses_is_named() {
        let sets = [
            set("europe", &["DE", "FR"], &[]),
            set("fraud", &["*"], &["+4930*"]),
            set("home", &["DE"], &["+49309*"]),
        ];
        assert_eq!(
            trace(&sets, "+4930901820"),
            [
                "number.form",
                "number.plan",
                "number.kind",
                "number.country",
                "number.country",
                "number.country",
                "number.blocked",
                "number.blocked!fraud: blocked[0]",
                "number.blocked!home: blocked[0]",
            ]
        );
        assert_eq!(trace(&sets, "+33123456789")[5], "number.country!home: countries, not FR");
        assert_eq!(code(&sets, "+33123456789").as_deref(), Some("number_country_not_allowed"));
        assert_eq!(code(&sets, "+4930901820").as_deref(), Some("number_blocked"));
        assert_eq!(code(&sets, "+4989123456"), None);
        assert_eq!(trace(&sets, "+499001234567")[2], "number.kind!europe: not premium_rate");
    }

    #[test]
    fn satellite_phones_need_the_word_of_every_set() {
        let open = |name: &str| {
            let setup = RuleSetSetup {
                name: name.to_owned(),
                countries: vec!["DE".to_owned()],
                blocked: Vec::new(),
                blocked_regex: Vec::new(),
                satellite: true,
            };
            Arc::new(setup.compile().unwrap())
        };
        let number = "+881612345678";
        assert_eq!(code(&[open("ships")], number), None);
        assert_eq!(code(&[open("ships"), open("planes")], number), None);
        assert_eq!(
            code(&[open("ships"), set("fraud", &["*"], &[])], number).as_deref(),
            Some("number_premium")
        );
    }

    #[test]
    fn apps_are_told_each_check_once_and_no_rule() {
        let sets = [set("europe", &["DE", "FR"], &[]), set("home", &["DE"], &[])];
        let told = for_apps(check_number(&sets, None, "+33123456789").checks);
        assert!(!told.accepted);
        let names: Vec<_> = told.checks.iter().map(|check| (check.check.as_str(), check.passed)).collect();
        assert_eq!(
            names,
            [
                ("number.form", true),
                ("number.plan", true),
                ("number.kind", true),
                ("number.country", false),
                ("number.blocked", true)
            ]
        );
        assert!(told.checks.iter().all(|check| check.rule.is_none()));
        let words = serde_json::to_string(&told).unwrap();
        assert!(!words.contains("home") && !words.contains("33123456789"), "{words}");
    }
}
