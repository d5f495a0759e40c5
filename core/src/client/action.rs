//! What a notification's own actions mean.

use super::ClientError;
use crate::protocol::{
    ACTION_CANCEL, ACTION_OTHER_NUMBER, ACTION_READY, ACTION_SNOOZE, ConfirmAnswer, PhoneNumber, ProblemCode,
};

const SNOOZE_S: u32 = 600;

/// The answer that a notification's action stands for, with the text that was typed into it; `None` for an identifier that
/// is not one of ours, such as that of a tap on the notification itself.
///
/// # Errors
/// [`ClientError::InvalidRequest`] with the code `number_not_e164` when another number is wanted and none was typed. What
/// was typed is judged by the server.
pub fn answer_for_action(identifier: &str, text: Option<&str>) -> Result<Option<ConfirmAnswer>, ClientError> {
    Ok(Some(match identifier {
        ACTION_READY => ConfirmAnswer::Ready,
        ACTION_SNOOZE => ConfirmAnswer::Snooze { delay_s: SNOOZE_S },
        ACTION_CANCEL => ConfirmAnswer::Cancel,
        ACTION_OTHER_NUMBER => ConfirmAnswer::OtherNumber { number: typed_number(text.unwrap_or_default())? },
        _ => return Ok(None),
    }))
}

/// Numbers are written in groups; the groups mean nothing.
fn typed_number(text: &str) -> Result<PhoneNumber, ClientError> {
    let is_layout = |char: char| char.is_whitespace() || matches!(char, '-' | '.' | '/');
    let number: String = text.chars().filter(|char| !is_layout(*char)).collect();
    if number.is_empty() {
        let code = ProblemCode::NumberNotE164;
        return Err(ClientError::invalid(code.code(), code.advice(), "number"));
    }
    Ok(PhoneNumber::new(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_action_is_an_answer() {
        let answer = |identifier| answer_for_action(identifier, None).expect("no number is needed");
        assert_eq!(answer("ringback.ready"), Some(ConfirmAnswer::Ready));
        assert_eq!(answer("ringback.snooze"), Some(ConfirmAnswer::Snooze { delay_s: 600 }));
        assert_eq!(answer("ringback.cancel"), Some(ConfirmAnswer::Cancel));
        assert_eq!(answer("com.apple.UNNotificationDefaultActionIdentifier"), None);
        assert_eq!(answer(""), None);
    }

    #[test]
    fn a_number_is_taken_as_people_write_it() {
        let typed = |text| answer_for_action("ringback.other_number", text);
        let number = PhoneNumber::from("+4930901820");
        for text in ["+4930901820", " +49 30/90-18-20\n", "+49.30\u{a0}901820"] {
            let answer = typed(Some(text)).expect("a number");
            assert_eq!(answer, Some(ConfirmAnswer::OtherNumber { number: number.clone() }));
        }
        for text in [None, Some(""), Some(" - ")] {
            assert_eq!(typed(text).expect_err("none was typed").code(), "number_not_e164");
        }
    }
}
