//! Making the call. A [`Dialer`] begins it; what came of it is reported to [`crate::callbacks::dialed`].

use crate::app::App;
use crate::callbacks::model::{DialResult, Input};
use crate::callbacks::{apply, dialed, find_for_update};
use crate::clock::now;
use crate::refusal::Refusal;
use crate::storage::Tx;
use std::time::Duration;

/// What makes calls.
#[async_trait::async_trait]
pub trait Dialer: Send + Sync {
    /// Begins the call of a callback that is already marked as `connecting`. Asked at most once for each call, so that
    /// nobody is rung twice; an error ends the callback as `unreachable`.
    async fn begin(&self, callback_id: &str) -> Result<(), DialError>;
}

/// The call cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the call cannot be made: {reason}")]
pub struct DialError {
    /// Why, in words for the log.
    pub reason: String,
}

/// No phone engine: the agent sees the number on the desk, dials it, and marks the result.
#[derive(Debug, Default)]
pub struct ByHand;

#[async_trait::async_trait]
impl Dialer for ByHand {
    async fn begin(&self, _: &str) -> Result<(), DialError> {
        Ok(())
    }
}

/// How often confirmed callbacks are looked for without being asked: for what a node that died left undone.
const LOOK_ROUND: Duration = Duration::from_secs(5);

/// Dials what is confirmed, until the server stops.
pub async fn run(app: App) {
    let mut round = tokio::time::interval(LOOK_ROUND);
    round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = app.pokes.dial.notified() => {}
            _ = round.tick() => {}
        }
        match app.storage.read(confirmed).await {
            Ok(ids) => {
                for id in ids {
                    if let Err(error) = connect(&app, id).await {
                        tracing::warn!(%error, "a confirmed callback cannot be dialed now");
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "confirmed callbacks cannot be listed"),
        }
    }
}

fn confirmed(tx: &mut Tx<'_>) -> Result<Vec<String>, Refusal> {
    Ok(tx.query(
        "select id from callbacks where phase = 'confirmed' order by changed_at limit 100",
        &[],
        |row| row.get(0),
    )?)
}

/// Marks first and dials then: after a crash between the two nobody is rung twice.
async fn connect(app: &App, id: String) -> Result<(), Refusal> {
    let callback_id = id.clone();
    let claimed = app
        .change(move |tx, effects| {
            let mut record = find_for_update(tx, &id)?;
            match apply(tx, effects, &mut record, Input::Dial, "system", now()) {
                Ok(()) => Ok(true),
                // Another node was faster, or the customer took it back.
                Err(Refusal::Problem(_)) => Ok(false),
                Err(fault) => Err(fault),
            }
        })
        .await?;
    if claimed { begin(app, callback_id).await } else { Ok(()) }
}

/// Begins the call of a callback that is marked as being called. If the server dies before it begins, the call counts as
/// failed when its time is over.
pub(crate) async fn begin(app: &App, callback_id: String) -> Result<(), Refusal> {
    if let Err(error) = app.dialer.begin(&callback_id).await {
        tracing::warn!(callback = callback_id, %error, "a call was not begun");
        app.change(move |tx, effects| {
            let mut record = find_for_update(tx, &callback_id)?;
            dialed(tx, effects, &mut record, DialResult::Failed, "system", now())
        })
        .await?;
    }
    Ok(())
}
