//! Phone numbers at the edge: what comes in is E.164 and can exist, or it is refused.

use crate::refusal::Refusal;
use ringback_core::protocol::{PhoneNumber, ProblemCode};

/// Refuses a number that is not E.164 or exists in no numbering plan; `field` names where it stood.
pub fn check(number: &PhoneNumber, field: &str) -> Result<(), Refusal> {
    let text = number.expose();
    let digits = text.strip_prefix('+').unwrap_or_default();
    let is_e164 = (3..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    if !is_e164 {
        return Err(Refusal::of_field(
            ProblemCode::NumberNotE164,
            field,
            ProblemCode::NumberNotE164.advice(),
        ));
    }
    let exists = rlibphonenumber::PhoneNumber::parse(text, None).is_ok_and(|parsed| parsed.is_valid());
    if exists {
        Ok(())
    } else {
        Err(Refusal::of_field(ProblemCode::NumberImpossible, field, ProblemCode::NumberImpossible.advice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(number: &str) -> Option<String> {
        check(&PhoneNumber::from(number), "number").err().map(|refusal| refusal.into_problem().code)
    }

    #[test]
    fn numbers_that_exist_pass() {
        for number in ["+4930901820", "+442079460018", "+14155552671", "+390612345678", "+819012345678"] {
            assert_eq!(code(number), None, "{number}");
        }
    }

    #[test]
    fn the_form_is_told_apart_from_the_plan() {
        for number in
            ["", "+", "030901820", "0049 30 901820", "+49 30 901820", "+49(30)901820", "tel:+4930901820"]
        {
            assert_eq!(code(number).as_deref(), Some("number_not_e164"), "{number}");
        }
        for number in ["+49123", "+999123456789", "+1555555"] {
            assert_eq!(code(number).as_deref(), Some("number_impossible"), "{number}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer(number in "\\PC{0,40}") {
            let accepted = code(&number).is_none();
            prop_assert!(!accepted || number.starts_with('+'));
        }
    }
}
