//! How a command that failed says so.

use crate::Failure;
use crate::call::arguments;
use crate::exit::{Ended, Exit};
use crate::print::alarming;
use crate::when;
use ringback_core::client::ClientError;
use ringback_core::protocol::WallTime;
use ringback_server::refusal::Refusal;
use serde_json::json;

/// What to tell of a failure on standard error; nothing when all is said.
pub(crate) fn report(failure: &Failure, as_json: bool) -> Option<String> {
    if failure.is::<Ended>() {
        return None;
    }
    let exit = Exit::of(failure).number();
    let refused = match (failure.downcast_ref::<ClientError>(), failure.downcast_ref::<Refusal>()) {
        (Some(error), _) => Some(error.clone()),
        (None, Some(Refusal::Problem(problem))) => Some(ClientError::from((**problem).clone())),
        (None, _) => None,
    };
    Some(match (refused, as_json) {
        (Some(error), true) => client_json(&error, exit),
        (Some(error), false) => for_people(&error),
        (None, true) => json!({ "code": "failed", "detail": failure.to_string(), "exit": exit }).to_string(),
        (None, false) => format!("{} {}", alarming("error:"), failure.to_string().trim_end()),
    })
}

fn client_json(error: &ClientError, exit: u8) -> String {
    let mut told = json!({
        "code": error.code(), "title": error.title(), "detail": detail(error), "exit": exit,
        "retryable": error.is_retryable(), "kept": error.pending_key().is_some(),
    });
    if let ClientError::Refused {
        status,
        field,
        callback_id,
        retry_after_s,
        slots,
        wall_times,
        request_id,
        ..
    } = error
    {
        let more = json!({
            "status": status, "field": field, "callback_id": callback_id, "retry_after_s": retry_after_s,
            "slots": slots, "wall_times": wall_times, "request_id": request_id,
        });
        if let (Some(told), serde_json::Value::Object(more)) = (told.as_object_mut(), more) {
            let is_said = |value: &serde_json::Value| !value.is_null() && *value != json!([]);
            told.extend(more.into_iter().filter(|(_, value)| is_said(value)));
        }
    }
    told.to_string()
}

fn for_people(error: &ClientError) -> String {
    let (code, title, detail) = (alarming(format!("error[{}]:", error.code())), error.title(), detail(error));
    let mut lines = match error {
        // What is wrong with this very request, under what kind of problem it is.
        ClientError::Refused { .. } if !title.is_empty() => {
            vec![format!("{code} {title}"), format!("  {detail}")]
        }
        _ => vec![format!("{code} {detail}")],
    };
    if let ClientError::Refused { callback_id, retry_after_s, slots, wall_times, request_id, code, .. } =
        error
    {
        lines.extend(callback_id.as_ref().map(|id| format!("  callback: {id}")));
        lines.extend(retry_after_s.map(|seconds| format!("  again in: {}", when::span(seconds.into()))));
        let times = slots.iter().map(|slot| &slot.wall_time).chain(wall_times);
        lines.extend(times.map(|time: &WallTime| format!("  instead: {}", arguments(time))));
        let is_a_fault = code == "internal";
        lines.extend(request_id.as_ref().filter(|_| is_a_fault).map(|id| format!("  request: {id}")));
    }
    if error.pending_key().is_some() {
        lines.push("  It is kept: the same command, or `ringback call resume`, sends it again.".to_owned());
    }
    lines.join("\n")
}

/// Without the code that the error's own text begins with.
fn detail(error: &ClientError) -> String {
    match error {
        ClientError::Refused { detail, .. } | ClientError::InvalidRequest { detail, .. } => detail.clone(),
        other => other.to_string(),
    }
}
