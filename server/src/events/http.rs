//! `GET /v1/events`.

use super::{after, start_of_open};
use crate::app::App;
use crate::identity::InstallationCaller;
use crate::refusal::Refusal;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt};
use ringback_core::protocol::{CallbackEvent, Problem, ProblemCode};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;

/// A line of silence is broken this often, so that dead connections are noticed on both sides.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What happens to the caller's callbacks, as server-sent events.
///
/// Without `Last-Event-ID` the stream starts with the whole story of every callback that is not over.
#[utoipa::path(get, path = "/v1/events", tag = "events", operation_id = "stream_events",
    params(("Last-Event-ID" = Option<u64>, Header, description = "Resume after this event")),
    responses(
        (status = 200, content_type = "text/event-stream", body = CallbackEvent),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn stream_events(
    State(app): State<App>,
    caller: InstallationCaller,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    // Listening begins before the first read, so that nothing falls between the two.
    let wakes = app.storage.wakes().subscribe();
    let seq = match headers.get("last-event-id") {
        Some(id) => id.to_str().ok().and_then(|id| id.parse().ok()).ok_or_else(|| {
            Refusal::of_field(
                ProblemCode::FieldInvalid,
                "Last-Event-ID",
                "Last-Event-ID is the number of an event of this stream. Send one you have received, or leave it out.",
            )
        })?,
        None => {
            let id = caller.id.clone();
            app.storage.read(move |tx| start_of_open(tx, &id)).await?
        }
    };
    let topic = format!("installation/{}", caller.id);
    let listener =
        Listener { app, installation_id: caller.id, topic, seq, wakes, ready: Vec::new().into_iter() };
    // The first bytes say at once that nothing on the way holds the stream back.
    let opening = futures_util::stream::once(async { Ok(Event::default().comment("open")) });
    let stream = futures_util::stream::unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Ok(Sse::new(opening.chain(stream)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Listener {
    app: App,
    installation_id: String,
    topic: String,
    seq: u64,
    wakes: tokio::sync::broadcast::Receiver<std::sync::Arc<str>>,
    ready: std::vec::IntoIter<CallbackEvent>,
}

impl Listener {
    /// The next event; `None` ends the stream, and the client resumes elsewhere or later.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.next() {
                self.seq = event.seq;
                return Event::default().event("callback").id(event.seq.to_string()).json_data(&event).ok();
            }
            let (id, seq) = (self.installation_id.clone(), self.seq);
            let centre = self.app.centre.clone();
            match self.app.storage.read(move |tx| after(tx, &centre.vault, &id, seq)).await {
                Ok(events) if !events.is_empty() => self.ready = events.into_iter(),
                Ok(_) => self.wait().await?,
                Err(error) => {
                    tracing::warn!(%error, "an event stream ends early");
                    return None;
                }
            }
        }
    }

    /// Waits until there may be something new.
    async fn wait(&mut self) -> Option<()> {
        loop {
            let woken = tokio::select! {
                () = self.app.stopping.cancelled() => return None,
                woken = self.wakes.recv() => woken,
            };
            match woken {
                Ok(topic) if *topic == *self.topic || &*topic == "resync" => return Some(()),
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => return Some(()),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
