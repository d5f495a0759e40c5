//! Rule sets, and the box in which staff tries numbers.

use super::asker::Asker;
use super::support::Failure;
use reqwest::Method;
use ringback_core::protocol::{ProblemCode as Code, Validation};
use serde_json::json;

/// A number of the tests' own.
const NUMBER: &str = "+4930901820350";

pub(crate) async fn rule_sets(asker: &Asker) -> Result<(), Failure> {
    let put = |name: &str, body: serde_json::Value| {
        asker.staff(Method::PUT, &format!("rule-sets/{name}")).json(&body)
    };
    let blocking =
        |pattern: &str| json!({ "name": "bad", "countries": ["DE"], "blocked_regex": ["1", pattern] });
    let large = put("bad", blocking("(1{100}){100}"));
    asker.refused_field(Code::PatternTooLarge, "blocked_regex[1]", large).await?;
    let broken = put("bad", blocking(&format!("({NUMBER}")));
    asker.refused_field(Code::FieldInvalid, "blocked_regex[1]", broken).await?;
    let country = put("bad", json!({ "name": "bad", "countries": ["Germany"] }));
    asker.refused_field(Code::FieldInvalid, "countries[0]", country).await?;
    let renamed = put("bad", json!({ "name": "good", "countries": [] }));
    asker.refused_field(Code::FieldInvalid, "name", renamed).await?;
    let show = asker.staff(Method::GET, "rule-sets/bad");
    asker.refused_field(Code::ReferenceUnknown, "rule_sets", show).await?;

    asker.taken(put("home", json!({ "name": "home", "countries": ["DE"], "blocked": [NUMBER] }))).await?;
    let test = |number: &str, sets: &[&str]| {
        let body = json!({ "number": number, "default_country": "DE", "rule_sets": sets });
        asker.staff(Method::POST, "rule-sets/test").json(&body)
    };
    let answer: Validation = serde_json::from_str(&asker.taken(test(NUMBER, &["home"])).await?)?;
    let fired = answer.checks.iter().find(|check| !check.passed).and_then(|check| check.rule.as_deref());
    assert_eq!((answer.accepted, fired), (false, Some("home: blocked[0]")));
    let answer: Validation = serde_json::from_str(&asker.taken(test(NUMBER, &[])).await?)?;
    assert!(answer.accepted);
    asker.refused_field(Code::ReferenceUnknown, "rule_sets", test(NUMBER, &["bad"])).await?;
    let body = json!({ "number": NUMBER, "service": "no-service" });
    let unknown = asker.staff(Method::POST, "rule-sets/test").json(&body);
    asker.refused_field(Code::ServiceUnknown, "service", unknown).await?;
    asker.taken(asker.staff(Method::DELETE, "rule-sets/home")).await?;
    Ok(())
}
