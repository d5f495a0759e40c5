//! `GET /v1/callbacks/{id}/line`: place and wait as they change; and for staff, how the lines are doing.

use super::place::place_of;
use crate::app::App;
use crate::callbacks::find_own;
use crate::callbacks::model::Position;
use crate::clock::now;
use crate::http::JsonBody;
use crate::identity::{InstallationCaller, Permission, StaffCaller};
use crate::refusal::Refusal;
use crate::wait::damp::{Told, tell};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use ringback_core::protocol::{LineUpdate, Problem, Timestamp, WaitEstimate, WaitStatus};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::time::Duration;

/// A line of silence is broken this often, so that dead connections are noticed on both sides.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often a line is looked at for somebody who watches it.
const LOOK_ROUND: Duration = Duration::from_secs(1);

/// Where one of the caller's callbacks stands, as server-sent events `line`: at once, and whenever place or wait have
/// changed enough to be told. `end` says that the callback is over; then the server closes. Not resumed: after a
/// reconnect the first event is the state of now.
#[utoipa::path(get, path = "/v1/callbacks/{id}/line", tag = "callbacks", operation_id = "stream_line",
    params(("id" = String, Path)),
    responses(
        (status = 200, content_type = "text/event-stream", body = LineUpdate),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn stream_line(
    State(app): State<App>,
    caller: InstallationCaller,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let mut watcher = Watcher { app, installation_id: caller.id, id, last: None, over: false };
    // The first look is made before the answer begins: a refusal is still a document.
    let first = watcher.look().await?;
    let stream = futures_util::stream::unfold((watcher, first), |(mut watcher, ready)| async move {
        let event = match ready {
            Some(event) => event,
            None => watcher.next().await?,
        };
        Some((Ok(event), (watcher, None)))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Watcher {
    app: App,
    installation_id: String,
    id: String,
    last: Option<(bool, Told)>,
    over: bool,
}

impl Watcher {
    async fn next(&mut self) -> Option<Event> {
        if self.over {
            return None;
        }
        loop {
            tokio::select! {
                () = self.app.stopping.cancelled() => return None,
                () = tokio::time::sleep(LOOK_ROUND) => {}
            }
            match self.look().await {
                Ok(Some(event)) => return Some(event),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "a line cannot be looked at; whoever watches it connects again");
                    return None;
                }
            }
        }
    }

    /// What is to be told now, if anything.
    async fn look(&mut self) -> Result<Option<Event>, Refusal> {
        let (id, installation_id, centre) =
            (self.id.clone(), self.installation_id.clone(), self.app.centre.clone());
        let (at, place) = self
            .app
            .storage
            .read(move |tx| {
                let record = find_own(tx, &installation_id, &id)?;
                let place = match record.at {
                    Position::Queued => Some(place_of(tx, &centre, &record, now())?),
                    _ => None,
                };
                Ok::<_, Refusal>((record.at, place))
            })
            .await?;
        if let Position::Completed(_) = at {
            self.over = true;
            return Ok(Some(Event::default().event("end").data("{}")));
        }
        let now = now();
        let (in_line, estimate) = match &place {
            Some(place) => (true, told(now, place.position, &place.wait)),
            None => (false, Told { at_us: now.as_microsecond(), position: 0, window_s: None }),
        };
        let last = self.last.as_ref().filter(|(was_in_line, _)| *was_in_line == in_line);
        let Some(news) = tell(last.map(|(_, told)| told), &estimate) else { return Ok(None) };
        self.last = Some((in_line, news));
        let update = LineUpdate {
            callback_id: self.id.clone(),
            at: now,
            position: place.as_ref().map(|_| news.position),
            wait: place.map(|place| told_wait(place.wait, news)),
        };
        Event::default()
            .event("line")
            .json_data(&update)
            .map(Some)
            .map_err(|_| Refusal::Damaged("a line update"))
    }
}

fn told(now: Timestamp, position: u32, wait: &WaitEstimate) -> Told {
    let window = wait.p10_s.zip(wait.p50_s).zip(wait.p90_s);
    Told {
        at_us: now.as_microsecond(),
        position,
        window_s: window
            .filter(|_| wait.status == WaitStatus::Estimated)
            .map(|((p10_s, p50_s), p90_s)| [p10_s, p50_s, p90_s]),
    }
}

/// The wait with the numbers that are told.
fn told_wait(wait: WaitEstimate, told: Told) -> WaitEstimate {
    match told.window_s {
        Some([p10_s, p50_s, p90_s]) => {
            WaitEstimate { p10_s: Some(p10_s), p50_s: Some(p50_s), p90_s: Some(p90_s), ..wait }
        }
        None => wait,
    }
}

/// How many agents come or go.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffChange {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How many more; negative when they leave.
    pub agents: i64,
}

/// Sets which shifts of a queue's agents begin or end, as far as they are known: waits are estimated with it.
#[utoipa::path(put, path = "/v1/staff/queues/{name}/planned-changes", tag = "queues", operation_id = "plan_changes",
    request_body = [StaffChange], params(("name" = String, Path)),
    responses((status = 200, body = [StaffChange]), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn plan_changes(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
    body: JsonBody<Vec<StaffChange>>,
) -> Result<Json<Vec<StaffChange>>, Refusal> {
    caller.require(Permission::RunFloor)?;
    let planned = body.value.clone();
    app.storage.write(move |tx| super::status::plan(tx, &name, &body.value)).await?;
    Ok(Json(planned))
}

/// Shows how a queue is doing: who waits for what, who is there, how long it takes and what that rests on.
#[utoipa::path(get, path = "/v1/staff/queues/{name}", tag = "queues", operation_id = "show_queue",
    params(("name" = String, Path)),
    responses((status = 200, body = super::status::QueueStatus), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn show_queue(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
) -> Result<Json<super::status::QueueStatus>, Refusal> {
    caller.require(Permission::View)?;
    let centre = app.centre.clone();
    Ok(Json(app.storage.read(move |tx| super::status::of_queue(tx, &centre, &name, now())).await?))
}
