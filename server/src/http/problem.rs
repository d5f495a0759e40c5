//! Refusals on their way out: RFC 9457 documents.

use crate::refusal::Refusal;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ringback_core::protocol::{Problem, ProblemCode};

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let problem = self.into_problem();
        metrics::counter!("ringback_refusals_total", "code" => problem.code.clone()).increment(1);
        respond(problem)
    }
}

/// A problem as a response. The problem also rides along as an extension, for [`with_request_id`].
pub(super) fn respond(problem: Problem) -> Response {
    let mut response =
        StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(seconds) = problem.retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(limit) = &problem.limit {
        // draft-ietf-httpapi-ratelimit-headers-11: a policy is named, and refused requests have nothing left of it.
        let policy = format!("\"{}\";q={};w={}", limit.limit, limit.count, limit.window_s);
        let left = format!("\"{}\";r=0;t={}", limit.limit, problem.retry_after_s.unwrap_or(limit.window_s));
        for (name, value) in [("ratelimit-policy", policy), ("ratelimit", left)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
    if problem.status == 401 {
        // RFC 6750, 3 asks for a parameter, and `URLSession` on Linux ends the app's process where there is none.
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"ringback\""));
    }
    response.extensions_mut().insert(problem);
    response
}

/// Gives every request an id, and writes it into the problem document, so that a report leads to the log line.
pub(super) async fn with_request_id(request: Request, next: Next) -> Response {
    let id = uuid::Uuid::now_v7().simple().to_string();
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    // The route with its placeholders: one label for all callbacks.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let started = std::time::Instant::now();
    let mut response = next.run(request).await;

    // A bare 400 is the router's answer to a path that is not UTF-8, which leads nowhere either.
    let leads_nowhere = matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST);
    if leads_nowhere && response.extensions().get::<Problem>().is_none() {
        response = respond(Problem::new(ProblemCode::RouteNotFound, ProblemCode::RouteNotFound.advice()));
    } else if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let allow = response.headers().get(header::ALLOW).cloned();
        response =
            respond(Problem::new(ProblemCode::MethodNotAllowed, ProblemCode::MethodNotAllowed.advice()));
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    let code = if let Some(mut problem) = response.extensions_mut().remove::<Problem>() {
        problem.request_id = Some(id.clone());
        let code = problem.code.clone();
        if let Ok(body) = serde_json::to_vec(&problem) {
            *response.body_mut() = body.into();
        }
        code
    } else {
        String::new()
    };
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", value);
    }
    let took_s = started.elapsed().as_secs_f64();
    let status = response.status().as_u16().to_string();
    metrics::histogram!("ringback_request_seconds", "route" => route, "status" => status).record(took_s);
    tracing::info!(
        request_id = id, %method, path, status = response.status().as_u16(), code,
        took_s, "request"
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringback_core::protocol::ReachedLimit;

    #[test]
    fn a_limit_is_told_in_the_headers_too() {
        let mut problem = Problem::new(ProblemCode::LimitReached, ProblemCode::LimitReached.advice());
        problem.retry_after_s = Some(1200);
        problem.limit = Some(ReachedLimit { limit: "number".to_owned(), count: 3, window_s: 3600 });
        let response = respond(problem);
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("retry-after"), "1200");
        assert_eq!(header("ratelimit-policy"), "\"number\";q=3;w=3600");
        assert_eq!(header("ratelimit"), "\"number\";r=0;t=1200");
    }
}
