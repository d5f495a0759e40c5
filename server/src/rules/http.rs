//! `/v1/staff/rule-sets`: whom services call, and a box to try numbers in.

use super::number::Country;
use super::rule_set::RuleSetSetup;
use super::{store, verdict};
use crate::app::App;
use crate::clock::now;
use crate::http::JsonBody;
use crate::identity::{Permission, StaffCaller};
use crate::refusal::Refusal;
use crate::services::list_services;
use crate::storage::{Tx, Vault};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ringback_core::protocol::{PhoneNumber, Problem, ProblemCode, Validation};
use serde::Deserialize;

/// Makes a rule set, or puts it in place of the one of its name.
#[utoipa::path(put, path = "/v1/staff/rule-sets/{name}", tag = "rules", operation_id = "put_rule_set",
    params(("name" = String, Path)), request_body = RuleSetSetup,
    responses((status = 200, body = RuleSetSetup), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn put_rule_set(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
    body: JsonBody<RuleSetSetup>,
) -> Result<Json<RuleSetSetup>, Refusal> {
    caller.require(Permission::ManageResources)?;
    if body.value.name != name {
        return Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "name",
            "What is set up keeps its name. Send the name of the path.",
        ));
    }
    let set = body.value.clone();
    let vault = app.centre.vault.clone();
    app.storage.write(move |tx| store::put(tx, &vault, &body.value, now())).await?;
    Ok(Json(set))
}

/// Lists rule sets.
#[utoipa::path(get, path = "/v1/staff/rule-sets", tag = "rules", operation_id = "list_rule_sets",
    responses((status = 200, body = [RuleSetSetup]), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_rule_sets(
    State(app): State<App>,
    caller: StaffCaller,
) -> Result<Json<Vec<RuleSetSetup>>, Refusal> {
    caller.require(Permission::View)?;
    let vault = app.centre.vault.clone();
    Ok(Json(app.storage.read(move |tx| store::list(tx, &vault)).await?))
}

/// Shows a rule set.
#[utoipa::path(get, path = "/v1/staff/rule-sets/{name}", tag = "rules", operation_id = "show_rule_set",
    params(("name" = String, Path)),
    responses((status = 200, body = RuleSetSetup), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn show_rule_set(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
) -> Result<Json<RuleSetSetup>, Refusal> {
    caller.require(Permission::View)?;
    let vault = app.centre.vault.clone();
    Ok(Json(app.storage.read(move |tx| store::get(tx, &vault, &name)).await?))
}

/// Takes a rule set away.
#[utoipa::path(delete, path = "/v1/staff/rule-sets/{name}", tag = "rules", operation_id = "delete_rule_set",
    params(("name" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn delete_rule_set(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
) -> Result<StatusCode, Refusal> {
    caller.require(Permission::ManageResources)?;
    app.storage.write(move |tx| store::delete(tx, &name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A number to be tried.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NumberTest {
    /// E.164, or as people write it in `default_country`.
    pub number: PhoneNumber,
    /// Where a number without a country code is from, ISO 3166-1 alpha-2.
    #[serde(default)]
    pub default_country: Option<String>,
    /// The rule sets to try it against; none is what a service without rule sets does.
    #[serde(default)]
    pub rule_sets: Vec<String>,
    /// The service whose rule sets and default country are taken instead.
    #[serde(default)]
    pub service: Option<String>,
}

/// Tries a number against rule sets and says which rule decided. Nothing is counted or called.
#[utoipa::path(post, path = "/v1/staff/rule-sets/test", tag = "rules", operation_id = "test_number",
    request_body = NumberTest,
    responses((status = 200, body = Validation), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn test_number(
    State(app): State<App>,
    caller: StaffCaller,
    body: JsonBody<NumberTest>,
) -> Result<Json<Validation>, Refusal> {
    caller.require(Permission::View)?;
    let vault = app.centre.vault.clone();
    Ok(Json(app.storage.read(move |tx| try_number(tx, &vault, &body.value)).await?))
}

/// What the test box answers.
pub fn try_number(tx: &mut Tx<'_>, vault: &Vault, test: &NumberTest) -> Result<Validation, Refusal> {
    let (names, country) = match &test.service {
        None => (test.rule_sets.clone(), test.default_country.clone()),
        Some(_) if !test.rule_sets.is_empty() || test.default_country.is_some() => {
            return Err(Refusal::of_field(
                ProblemCode::FieldInvalid,
                "service",
                "A service has its own rule sets and default country. Name it alone, or leave it out.",
            ));
        }
        Some(name) => {
            let service = list_services(tx)?.into_iter().find(|service| service.name == *name);
            let service = service.ok_or_else(|| {
                let code = ProblemCode::ServiceUnknown;
                Refusal::of_field(code, "service", code.advice())
            })?;
            (service.rule_sets, service.default_country)
        }
    };
    let country = country.as_deref().map(|code| Country::named(code, "default_country")).transpose()?;
    let sets = store::of_names(&store::load(tx, vault)?, &names)?;
    let judged = verdict::check_number(&sets, country, test.number.expose());
    Ok(verdict::for_staff(judged.checks))
}
