//! `/v1/staff/calendars` and `/v1/staff/capacity-rules`.

use super::calendar::CalendarSetup;
use super::capacity::CapacitySetup;
use super::hours::invalid;
use super::{store, timetable};
use crate::app::App;
use crate::clock::now;
use crate::http::{JsonBody, Params};
use crate::identity::{Permission, StaffCaller};
use crate::refusal::Refusal;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::civil::Date;
use ringback_core::protocol::{Problem, Slot};
use serde::Deserialize;

/// The handlers of one kind of setup: put, list, show, delete.
macro_rules! setups {
    ($setup:ty, $all:literal, $one:literal; $put_doc:literal, $put:ident; $list_doc:literal, $list:ident; $show_doc:literal, $show:ident; $delete_doc:literal, $delete:ident) => {
        #[doc = $put_doc]
        #[utoipa::path(put, path = $one, tag = "schedule", operation_id = stringify!($put), request_body = $setup,
            params(("name" = String, Path)),
            responses((status = 200, body = $setup), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
        pub async fn $put(
            State(app): State<App>,
            caller: StaffCaller,
            Path(name): Path<String>,
            body: JsonBody<$setup>,
        ) -> Result<Json<$setup>, Refusal> {
            caller.require(Permission::ManageResources)?;
            if body.value.name != name {
                return Err(invalid("name", "What is set up keeps its name. Send the name of the path."));
            }
            let set = body.value.clone();
            app.storage.write(move |tx| store::put(tx, &body.value, now())).await?;
            Ok(Json(set))
        }

        #[doc = $list_doc]
        #[utoipa::path(get, path = $all, tag = "schedule", operation_id = stringify!($list),
            responses((status = 200, body = [$setup]), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
        pub async fn $list(State(app): State<App>, caller: StaffCaller) -> Result<Json<Vec<$setup>>, Refusal> {
            caller.require(Permission::View)?;
            Ok(Json(app.storage.read(store::list).await?))
        }

        #[doc = $show_doc]
        #[utoipa::path(get, path = $one, tag = "schedule", operation_id = stringify!($show),
            params(("name" = String, Path)),
            responses((status = 200, body = $setup), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
        pub async fn $show(
            State(app): State<App>,
            caller: StaffCaller,
            Path(name): Path<String>,
        ) -> Result<Json<$setup>, Refusal> {
            caller.require(Permission::View)?;
            Ok(Json(app.storage.read(move |tx| store::find(tx, &name)).await?))
        }

        #[doc = $delete_doc]
        #[utoipa::path(delete, path = $one, tag = "schedule", operation_id = stringify!($delete),
            params(("name" = String, Path)),
            responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
        pub async fn $delete(
            State(app): State<App>,
            caller: StaffCaller,
            Path(name): Path<String>,
        ) -> Result<StatusCode, Refusal> {
            caller.require(Permission::ManageResources)?;
            app.storage.write(move |tx| store::delete::<$setup>(tx, &name)).await?;
            Ok(StatusCode::NO_CONTENT)
        }
    };
}

setups!(CalendarSetup, "/v1/staff/calendars", "/v1/staff/calendars/{name}";
    "Sets up a calendar, in place of one of the same name.", put_calendar;
    "Lists calendars.", list_calendars;
    "Shows a calendar.", show_calendar;
    "Removes a calendar that no service names.", delete_calendar);
setups!(CapacitySetup, "/v1/staff/capacity-rules", "/v1/staff/capacity-rules/{name}";
    "Sets up a capacity rule, in place of one of the same name. What is booked stays booked.", put_capacity_rule;
    "Lists capacity rules.", list_capacity_rules;
    "Shows a capacity rule.", show_capacity_rule;
    "Removes a capacity rule that no service names, with what is booked by it.", delete_capacity_rule);

/// Which day of a capacity rule is looked at.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DayOfRule {
    /// A date on the rule's own calendar, `2026-12-24`.
    #[param(value_type = String, format = Date)]
    date: Date,
}

/// Lists the slots a capacity rule has on a day, with the seats that are left. Opening hours of services are not
/// looked at: several may share the rule.
#[utoipa::path(get, path = "/v1/staff/capacity-rules/{name}/slots", tag = "schedule", operation_id = "list_rule_slots",
    params(("name" = String, Path), DayOfRule),
    responses((status = 200, body = [Slot]), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_rule_slots(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
    Params(day): Params<DayOfRule>,
) -> Result<Json<Vec<Slot>>, Refusal> {
    caller.require(Permission::View)?;
    Ok(Json(app.storage.read(move |tx| timetable::slots_of_day(tx, &name, day.date)).await?))
}
