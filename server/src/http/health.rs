//! `/healthz`, `/readyz`, `/metrics`: for whoever runs the server.

use crate::app::App;
use crate::refusal::Refusal;
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use ringback_core::protocol::ProblemCode;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready)).route("/metrics", get(metrics))
}

/// The process runs.
async fn alive() -> &'static str {
    "ok\n"
}

/// The database answers and the server is not going down: send traffic here.
async fn ready(State(app): State<App>) -> Result<&'static str, Refusal> {
    if app.stopping.is_cancelled() {
        return Err(Refusal::plain(ProblemCode::ShuttingDown));
    }
    app.storage
        .read(|tx| {
            Ok::<_, Refusal>(tx.query_one("select count(*) from queues", &[], |row| row.get::<i64>(0))?)
        })
        .await?;
    Ok("ready\n")
}

/// Figures in the Prometheus text format.
async fn metrics(State(app): State<App>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], app.metrics.render())
}
