//! Phone numbers at the edge: what comes in becomes E.164 and is classified, or it is refused. The numbering plans are
//! Google's, by way of `rlibphonenumber`; nothing else names that library.

use crate::refusal::Refusal;
use ringback_core::protocol::{PhoneNumber, ProblemCode};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberType, Region};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest text that is looked at.
const TEXT_MAX_BYTES: usize = 40;

/// A country, ISO 3166-1 alpha-2, that has a numbering plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(Region);

impl Country {
    /// The country of this code, two capital letters; `None` for one that has no numbers of its own.
    pub fn parse(code: &str) -> Option<Self> {
        let capital = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        let region = capital.then(|| Region::from_code(code).ok()).flatten()?;
        Self::all().find(|country| country.0 == region)
    }

    /// The country of this code, or the refusal that names the field it stood in.
    pub fn named(code: &str, field: &str) -> Result<Self, Refusal> {
        Self::parse(code).ok_or_else(|| {
            Refusal::of_field(
                ProblemCode::FieldInvalid,
                field,
                "A country is two capital letters, ISO 3166-1 alpha-2, for example DE. Correct the code.",
            )
        })
    }

    /// Every country, in no order.
    pub fn all() -> impl Iterator<Item = Self> {
        PHONE_NUMBER_UTIL.get_supported_regions().map(Self)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.as_region_str())
    }
}

/// What kind of line answers a number, as far as its digits tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A landline.
    FixedLine,
    /// A mobile phone.
    Mobile,
    /// One of the two: the plan does not tell them apart (North America).
    FixedLineOrMobile,
    /// Free for whoever calls it.
    TollFree,
    /// A line over the internet.
    Voip,
    /// Costs more than a call.
    PremiumRate,
    /// Its cost is shared by both sides.
    SharedCost,
    /// Follows a person from line to line, at a price nobody knows beforehand.
    PersonalNumber,
    /// One number for the many sites of a company.
    Uan,
    /// A pager.
    Pager,
    /// Somebody's mailbox.
    Voicemail,
    /// Satellite, or another network that belongs to no country.
    Satellite,
    /// In no plan, or in one that says nothing about its kind.
    Unknown,
}

impl Kind {
    /// The calling code decides first: to the plans a satellite phone is a mobile phone (ITU-T E.164, list of assigned
    /// country codes).
    fn of(calling_code: i32, listed: PhoneNumberType) -> Self {
        match (calling_code, listed) {
            (870 | 881 | 882 | 883, _) => Self::Satellite,
            (878, _) => Self::PersonalNumber,
            (979, _) => Self::PremiumRate,
            (808, _) => Self::SharedCost,
            (888, _) => Self::Unknown,
            (_, PhoneNumberType::FixedLine) => Self::FixedLine,
            (_, PhoneNumberType::Mobile) => Self::Mobile,
            (_, PhoneNumberType::FixedLineOrMobile) => Self::FixedLineOrMobile,
            (_, PhoneNumberType::TollFree) => Self::TollFree,
            (_, PhoneNumberType::VoIP) => Self::Voip,
            (_, PhoneNumberType::PremiumRate) => Self::PremiumRate,
            (_, PhoneNumberType::SharedCost) => Self::SharedCost,
            (_, PhoneNumberType::PersonalNumber) => Self::PersonalNumber,
            (_, PhoneNumberType::UAN) => Self::Uan,
            (_, PhoneNumberType::Pager) => Self::Pager,
            (_, PhoneNumberType::VoiceMail) => Self::Voicemail,
            (_, PhoneNumberType::Unknown) => Self::Unknown,
        }
    }

    /// Whether numbers of this kind are called without anybody having said so.
    pub fn is_ordinary(self) -> bool {
        match self {
            Self::FixedLine | Self::Mobile | Self::FixedLineOrMobile | Self::TollFree | Self::Voip => true,
            Self::PremiumRate
            | Self::SharedCost
            | Self::PersonalNumber
            | Self::Uan
            | Self::Pager
            | Self::Voicemail
            | Self::Satellite
            | Self::Unknown => false,
        }
    }
}

/// A number that exists in a numbering plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classified {
    /// The number in the one form it is kept in, however it was written.
    pub e164: PhoneNumber,
    /// Whose number it is, by its digits and not by its calling code: +1 is shared by 25 countries. `None` for numbers
    /// that belong to no country.
    pub country: Option<Country>,
    /// What kind of line it is.
    pub kind: Kind,
}

/// Why a text is not the number of anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberFault {
    /// It is neither E.164 nor, where the country is known, in national format.
    #[error("not a number in E.164 form")]
    Form,
    /// No numbering plan has it.
    #[error("a number that no numbering plan has")]
    Plan,
}

impl NumberFault {
    /// The code a request is refused with.
    pub fn code(self) -> ProblemCode {
        match self {
            Self::Form => ProblemCode::NumberNotE164,
            Self::Plan => ProblemCode::NumberImpossible,
        }
    }
}

/// Reads and classifies a number. `default_country` is where a number without `+` is from; without it such a number is
/// refused.
pub fn classify(text: &str, default_country: Option<Country>) -> Result<Classified, NumberFault> {
    let written_right = match text.strip_prefix('+') {
        Some(digits) => {
            (3..=15).contains(&digits.len())
                && digits.bytes().all(|byte| byte.is_ascii_digit())
                && !digits.starts_with('0')
        }
        None => {
            // No letters: `1-800-FLOWERS` is a number to the library, and so is an extension.
            default_country.is_some()
                && text.len() <= TEXT_MAX_BYTES
                && text.bytes().any(|byte| byte.is_ascii_digit())
                && text.bytes().all(|byte| byte.is_ascii_digit() || b" -()./".contains(&byte))
        }
    };
    if !written_right {
        return Err(NumberFault::Form);
    }
    let region = default_country.map(|country| country.0);
    let number = rlibphonenumber::PhoneNumber::parse(text, region).map_err(|_| NumberFault::Plan)?;
    let listed = number.get_type();
    // What the plans give no type is what `is_valid` refuses; one look instead of two.
    if listed == PhoneNumberType::Unknown {
        return Err(NumberFault::Plan);
    }
    let country = number.get_region_code().filter(|region| *region != Region::World).map(Country);
    Ok(Classified {
        e164: PhoneNumber::new(number.format_as(rlibphonenumber::PhoneNumberFormat::E164)),
        country,
        kind: Kind::of(number.country_code, listed),
    })
}

/// Refuses a number that is not E.164 or exists in no numbering plan, and asks nothing else of it: for numbers that are
/// not called, or are the contact centre's own. `field` names where it stood.
pub fn check(number: &PhoneNumber, field: &str) -> Result<(), Refusal> {
    classify(number.expose(), None).map(drop).map_err(|fault| {
        let code = fault.code();
        Refusal::of_field(code, field, code.advice())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn country(code: &str) -> Country {
        Country::parse(code).unwrap()
    }

    fn read(text: &str) -> (String, String, Kind) {
        let number = classify(text, None).unwrap();
        let country = number.country.map_or_else(|| "none".to_owned(), |country| country.to_string());
        (number.e164.expose().to_owned(), country, number.kind)
    }

    #[test]
    fn a_number_has_a_country_and_a_kind() {
        for (number, country, kind) in [
            ("+4930901820", "DE", Kind::FixedLine),
            ("+4915123456789", "DE", Kind::Mobile),
            ("+442079460018", "GB", Kind::FixedLine),
            ("+14155552671", "US", Kind::FixedLineOrMobile),
            ("+390612345678", "IT", Kind::FixedLine),
            ("+819012345678", "JP", Kind::Mobile),
            ("+498001234567", "DE", Kind::TollFree),
        ] {
            assert_eq!(read(number), (number.to_owned(), country.to_owned(), kind));
        }
    }

    #[test]
    fn the_country_is_not_the_calling_code() {
        for (number, country) in [
            ("+18765230123", "JM"),
            ("+18095550123", "DO"),
            ("+16135550123", "CA"),
            ("+441534456789", "JE"),
            ("+441481256789", "GG"),
            ("+441624756789", "IM"),
            ("+77710009998", "KZ"),
            ("+79123456789", "RU"),
            ("+390669812345", "VA"),
        ] {
            assert_eq!(read(number).1, country, "{number}");
        }
    }

    #[test]
    fn what_costs_more_is_told_apart() {
        for (number, kind) in [
            ("+499001234567", Kind::PremiumRate),
            ("+449012345678", Kind::PremiumRate),
            ("+19002345678", Kind::PremiumRate),
            ("+491803123456", Kind::SharedCost),
            ("+447012345678", Kind::PersonalNumber),
            ("+870773111632", Kind::Satellite),
            ("+881612345678", Kind::Satellite),
            ("+8823421234", Kind::Satellite),
            ("+883510012345", Kind::Satellite),
            ("+878101234567890", Kind::PersonalNumber),
            ("+979123456789", Kind::PremiumRate),
            ("+80812345678", Kind::SharedCost),
            ("+88812345678901", Kind::Unknown),
        ] {
            let number = classify(number, None).unwrap_or_else(|fault| panic!("{number}: {fault}"));
            assert_eq!(number.kind, kind);
            assert!(!number.kind.is_ordinary());
        }
    }

    #[test]
    fn the_form_is_told_apart_from_the_plan() {
        for number in
            ["", "+", "030901820", "0049 30 901820", "+49 30 901820", "+49(30)901820", "tel:+4930901820"]
        {
            assert_eq!(classify(number, None), Err(NumberFault::Form), "{number}");
        }
        for number in ["+49123", "+999123456789", "+1555555", "+49110"] {
            assert_eq!(classify(number, None), Err(NumberFault::Plan), "{number}");
        }
    }

    #[test]
    fn where_the_country_is_known_a_number_may_be_written_as_people_do_there() {
        for (text, from, e164) in [
            ("030 / 90 18 20", "DE", "+4930901820"),
            ("(030) 901820", "DE", "+4930901820"),
            ("0049 30 901820", "DE", "+4930901820"),
            ("020 7946 0018", "GB", "+442079460018"),
            ("(415) 555-2671", "US", "+14155552671"),
            ("06 1234 5678", "IT", "+390612345678"),
            ("+4930901820", "US", "+4930901820"),
        ] {
            let number = classify(text, Some(country(from))).unwrap();
            assert_eq!(number.e164.expose(), e164);
        }
        for text in ["1-800-FLOWERS", "415 555 2671 ext 5", "", "()", "٠٣٠٩٠١٨٢٠"] {
            assert_eq!(classify(text, Some(country("US"))), Err(NumberFault::Form), "{text}");
        }
    }

    #[test]
    fn one_number_has_one_form() {
        // The trunk zero that people leave in after the country code must not make another number of it.
        assert_eq!(read("+49030901820").0, "+4930901820");
    }

    #[test]
    fn a_country_is_two_capitals_with_a_numbering_plan() {
        assert_eq!(country("DE").to_string(), "DE");
        for code in ["de", "D", "DEU", "001", "ZZ", "QQ", "", "ÄÖ"] {
            assert_eq!(Country::parse(code), None, "{code}");
        }
        assert!(Country::all().count() > 240);
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer(text in "\\PC{0,40}", at_home in any::<bool>()) {
            if let Ok(number) = classify(&text, at_home.then(|| country("DE"))) {
                prop_assert!(number.e164.expose().starts_with('+'));
            }
        }

        #[test]
        fn what_is_accepted_is_valid_and_stays_the_same(text in "\\+[1-9][0-9]{6,13}") {
            let valid = rlibphonenumber::PhoneNumber::parse(&text, None).is_ok_and(|number| number.is_valid());
            let number = classify(&text, None);
            prop_assert_eq!(number.is_ok(), valid);
            if let Ok(number) = number {
                prop_assert_eq!(classify(number.e164.expose(), None), Ok(number));
            }
        }
    }
}
