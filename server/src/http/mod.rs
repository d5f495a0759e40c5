//! The router: which path leads where, and what every request passes through.

mod body;
mod client_address;
mod health;
mod idempotency;
mod openapi;
mod params;
mod problem;
mod public_url;

pub use body::{BODY_MAX_BYTES, JsonBody};
pub use client_address::{ClientAddress, ForwardedHeader};
pub use idempotency::{Answer, IdempotencyKey, Intent, once};
pub use openapi::document;
pub use params::Params;
pub use public_url::{PublicUrl, public_urls};

use crate::app::App;
use crate::{
    attestation, call_in, callbacks, captcha, events, identity, line, push, routing, rules, schedule,
    services, webhooks,
};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, map_response};
use axum::response::Response;
use ringback_core::protocol::{Problem, ProblemCode};
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every path of the API, with its description.
fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(identity::http::register_installation))
        .routes(routes!(callbacks::http::request_callback, callbacks::http::list_callbacks))
        .routes(routes!(callbacks::http::validate_callback))
        .routes(routes!(callbacks::http::show_callback))
        .routes(routes!(callbacks::http::show_offer))
        .routes(routes!(callbacks::http::list_availability))
        .routes(routes!(callbacks::http::cancel_callback))
        .routes(routes!(callbacks::http::confirm_callback))
        .routes(routes!(callbacks::http::reschedule_callback))
        .routes(routes!(callbacks::http::snooze_callback))
        .routes(routes!(callbacks::http::change_number))
        .routes(routes!(push::http::register_device, push::http::list_devices))
        .routes(routes!(push::http::unregister_device))
        .routes(routes!(push::http::send_receipt))
        .routes(routes!(call_in::http::request_call_in))
        .routes(routes!(attestation::http::create_attestation_challenge))
        .routes(routes!(attestation::http::create_attestation_key_challenge))
        .routes(routes!(attestation::http::attest))
        .routes(routes!(captcha::http::create_challenge))
        .routes(routes!(captcha::http::put_captcha_credential))
        .routes(routes!(captcha::http::list_captcha_credentials))
        .routes(routes!(identity::http::create_app_key))
        .routes(routes!(identity::http::update_app_key))
        .routes(routes!(identity::http::create_staff_key, identity::http::list_keys))
        .routes(routes!(identity::http::revoke_key))
        .routes(routes!(routing::resources_http::create_queue, routing::resources_http::list_queues))
        .routes(routes!(routing::resources_http::create_skill, routing::resources_http::list_skills))
        .routes(routes!(
            routing::resources_http::create_agent,
            routing::resources_http::list_agents,
            routing::resources_http::update_agent
        ))
        .routes(routes!(services::http::staff_create_service, services::http::staff_list_services))
        .routes(routes!(services::http::staff_update_service))
        .routes(routes!(services::http::staff_pause_service))
        .routes(routes!(line::http::show_queue))
        .routes(routes!(line::http::plan_changes))
        .routes(routes!(routing::http::show_desk))
        .routes(routes!(routing::http::choose_state))
        .routes(routes!(callbacks::staff_http::staff_list_callbacks))
        .routes(routes!(callbacks::staff_http::staff_show_callback))
        .routes(routes!(callbacks::staff_http::staff_cancel_callback))
        .routes(routes!(callbacks::staff_http::staff_reschedule_callback))
        .routes(routes!(callbacks::staff_http::accept_callback))
        .routes(routes!(callbacks::staff_http::reject_callback))
        .routes(routes!(callbacks::staff_http::report_result))
        .routes(routes!(callbacks::staff_http::complete_callback))
        .routes(routes!(callbacks::staff_http::list_pushes))
        .routes(routes!(call_in::http::match_call_in))
        .routes(routes!(call_in::http::report_inbound_call))
        .routes(routes!(call_in::http::list_call_ins))
        .routes(routes!(call_in::http::show_group_health))
        .routes(routes!(call_in::http::create_call_in_group, call_in::http::list_call_in_groups))
        .routes(routes!(rules::http::list_rule_sets))
        .routes(routes!(rules::http::put_rule_set, rules::http::show_rule_set, rules::http::delete_rule_set))
        .routes(routes!(rules::http::test_number))
        .routes(routes!(schedule::http::list_calendars))
        .routes(routes!(
            schedule::http::put_calendar,
            schedule::http::show_calendar,
            schedule::http::delete_calendar
        ))
        .routes(routes!(schedule::http::list_capacity_rules))
        .routes(routes!(
            schedule::http::put_capacity_rule,
            schedule::http::show_capacity_rule,
            schedule::http::delete_capacity_rule
        ))
        .routes(routes!(schedule::http::list_rule_slots))
        .routes(routes!(push::http::put_push_credential, push::http::list_push_credentials))
        .routes(routes!(push::http::staff_list_pushes))
        .routes(routes!(push::http::staff_summarize_pushes))
        .routes(routes!(push::http::staff_replay_push))
        .routes(routes!(push::http::check_push_credential))
        .routes(routes!(webhooks::http::create_webhook, webhooks::http::list_webhooks))
        .routes(routes!(
            webhooks::http::show_webhook,
            webhooks::http::update_webhook,
            webhooks::http::delete_webhook
        ))
        .routes(routes!(webhooks::http::rotate_webhook_secret))
        .routes(routes!(webhooks::http::test_webhook))
        .routes(routes!(webhooks::http::replay_webhook))
        .routes(routes!(webhooks::http::list_webhook_deliveries))
        .routes(routes!(webhooks::http::show_webhook_delivery))
        .routes(routes!(webhooks::http::replay_webhook_delivery))
}

/// Streams last as long as they last; everything else is bounded in time.
fn streams() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(events::http::stream_events)).routes(routes!(line::http::stream_line))
}

/// The server's router.
pub fn router(app: App) -> Router {
    let limit = Duration::from_secs(app.settings.http.request_timeout_s);
    let (api, _) = api().split_for_parts();
    let (streams, _) = streams().split_for_parts();
    api.layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, limit))
        .layer(map_response(explain_timeout))
        .merge(streams)
        .merge(health::routes())
        .merge(openapi::routes())
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(CatchPanicLayer::custom(|_| {
            tracing::error!("a handler panicked");
            problem::respond(Problem::new(ProblemCode::Internal, ProblemCode::Internal.advice()))
        }))
        .layer(from_fn(problem::with_request_id))
        .with_state(app)
}

/// The time limit answers with a bare status, which no handler of ours uses; here it gets its document.
async fn explain_timeout(response: Response) -> Response {
    if response.status() == StatusCode::GATEWAY_TIMEOUT {
        problem::respond(Problem::new(ProblemCode::RequestTimeout, ProblemCode::RequestTimeout.advice()))
    } else {
        response
    }
}
