//! The webhook worker: takes what is due from the outbox, endpoint by endpoint, sends it, and writes down what became of
//! it.

use super::client::Client;
use super::endpoints::{Target, targets};
use super::outbox::{Claim, Outcome, claim, release, settle};
use super::retry::{self, Attempt};
use crate::app::App;
use crate::clock::now;
use crate::refusal::Refusal;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::task::{Id, JoinError, JoinSet};

/// How often the outbox is looked at without being asked, for retries and for what a node that died left undone.
const LOOK_ROUND: Duration = Duration::from_secs(1);

/// What is under way, by its task.
type Held = HashMap<Id, Claim>;

/// Sends what is due, until the server stops; then finishes what is under way.
pub async fn run(app: App, client: Client) {
    let mut sending: JoinSet<()> = JoinSet::new();
    let mut held = Held::new();
    let mut round = tokio::time::interval(LOOK_ROUND);
    round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => break,
            () = app.pokes.webhooks.notified() => {}
            Some(done) = sending.join_next_with_id() => forget(&mut held, done),
            _ = round.tick() => {}
        }
        while let Some(done) = sending.try_join_next_with_id() {
            forget(&mut held, done);
        }
        match take(&app, &held).await {
            Ok(taken) => {
                for (target, claim) in taken {
                    let deliver = deliver(app.clone(), client.clone(), target, claim.clone());
                    held.insert(sending.spawn(deliver).id(), claim);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the webhook outbox cannot be read; nothing is sent without a claim");
            }
        }
    }
    let finished = async {
        while let Some(done) = sending.join_next_with_id().await {
            forget(&mut held, done);
        }
    };
    if tokio::time::timeout(Duration::from_secs(app.settings.http.drain_s), finished).await.is_err() {
        sending.abort_all();
        let left = held.into_values().collect::<Vec<_>>();
        tracing::warn!(webhooks = left.len(), "webhooks are given back unfinished");
        if let Err(error) = app.storage.write(move |tx| release(tx, &left, now())).await {
            tracing::warn!(%error, "webhooks cannot be given back; they are sent again when their leases end");
        }
    }
}

fn forget(held: &mut Held, done: Result<(Id, ()), JoinError>) {
    let id = match done {
        Ok((id, ())) => id,
        Err(error) => {
            tracing::error!(%error, "a webhook task failed; its webhook is sent again when the lease ends");
            error.id()
        }
    };
    held.remove(&id);
}

/// Claims for each endpoint what is due and what it has room for: a slow one fills its own room and nobody else's.
async fn take(app: &App, held: &Held) -> Result<Vec<(Arc<Target>, Claim)>, Refusal> {
    let vault = app.centre.vault.clone();
    let targets = app.storage.read(move |tx| targets(tx, &vault, now())).await?;
    app.pokes.has_webhooks.store(!targets.is_empty(), Ordering::Relaxed);
    let most = app.settings.webhooks.max_in_flight;
    let rooms: Vec<_> = targets
        .into_iter()
        .filter_map(|target| {
            let busy = held.values().filter(|claim| claim.endpoint_id == target.id).count();
            let room = i64::try_from(most.saturating_sub(busy)).unwrap_or(i64::MAX);
            (room > 0).then(|| (Arc::new(target), room))
        })
        .collect();
    if rooms.is_empty() {
        return Ok(Vec::new());
    }
    app.storage
        .write(move |tx| {
            let mut taken = Vec::new();
            for (target, room) in &rooms {
                taken.extend(
                    claim(tx, target, *room, now())?.into_iter().map(|claim| (target.clone(), claim)),
                );
            }
            Ok(taken)
        })
        .await
}

/// Sends one delivery and settles it. If it cannot be settled, the lease runs out and it is sent again under the same id.
async fn deliver(app: App, client: Client, target: Arc<Target>, claim: Claim) {
    let (began_at, started) = (now(), Instant::now());
    let attempt = match &claim.body {
        None => Attempt::EventGone,
        Some(body) => match client.send(&target, &claim.message_id, body, began_at).await {
            Ok(attempt) => attempt,
            Err(error) => {
                tracing::error!(message_id = claim.message_id, %error, "a webhook cannot be made");
                Attempt::NoAnswer("internal")
            }
        },
    };
    let now = now();
    let jitter = fraction(&claim.message_id, claim.attempts);
    let settled = retry::settle(&app.settings.webhooks, &attempt, claim.attempts, jitter, now);
    let duration_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    metrics::counter!("ringback_webhooks_total", "outcome" => settled.word()).increment(1);
    tracing::info!(
        endpoint = claim.endpoint_id,
        message_id = claim.message_id,
        attempt = claim.attempts,
        status = attempt.status(),
        reason = attempt.reason(),
        outcome = settled.word(),
        ms = duration_ms,
        "a webhook was tried"
    );
    let outcome = Outcome { attempt, settled, began_at, duration_ms };
    let settings = app.settings.webhooks.clone();
    let message_id = claim.message_id.clone();
    let written = app.change(move |tx, effects| settle(tx, effects, &settings, &claim, &outcome, now)).await;
    if let Err(error) = written {
        tracing::warn!(message_id, %error, "a webhook's outcome cannot be written; it may be sent again");
    }
}

/// A number from 0 to 1 that differs from message to message and try to try.
fn fraction(id: &str, attempts: u32) -> f64 {
    let hash = id.bytes().fold(attempts, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
    f64::from(hash % 1000) / 1000.0
}
