//! The push worker: takes what is due from the outbox, sends it, and writes down what became of it.

use super::apns::InvalidApnsPush;
use super::devices;
use super::fcm::InvalidFcmPush;
use super::lane::{Endpoints, Lane};
use super::outbox::{Claim, Settled, claim, release, renew, settle};
use super::outcome::{Outcome, backoff};
use super::{credentials, message};
use crate::app::{App, Effects};
use crate::callbacks::model::{Input, Phase, Position};
use crate::callbacks::{apply, find_for_update, open_text};
use crate::clock::now;
use crate::refusal::Refusal;
use crate::storage::Tx;
use ringback_core::protocol::{PushToken, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinError, JoinSet};

/// How many deliveries one transaction claims.
const CLAIM_AT_ONCE: usize = 64;
/// How often the outbox is looked at without being asked, for retries and for what a node that died left undone, and how
/// often the claims on what is under way are renewed.
const LOOK_ROUND: Duration = Duration::from_secs(1);
/// How long a lane rests that cannot get through until an operator acts.
const LANE_REST: Duration = Duration::from_secs(5);

type Lanes = HashMap<String, Arc<Lane>>;

/// Sends what is due, until the server stops; then finishes what is under way.
pub async fn run(app: App, endpoints: Endpoints) {
    let mut lanes = Lanes::new();
    let mut sending: JoinSet<String> = JoinSet::new();
    let mut held: BTreeMap<String, Claim> = BTreeMap::new();
    let mut round = tokio::time::interval(LOOK_ROUND);
    round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => break,
            () = app.pokes.push.notified() => {}
            Some(done) = sending.join_next() => forget(&mut held, done),
            _ = round.tick() => keep(&app, &held).await,
        }
        loop {
            while let Some(done) = sending.try_join_next() {
                forget(&mut held, done);
            }
            let room = app.settings.push.max_in_flight.saturating_sub(sending.len()).min(CLAIM_AT_ONCE);
            if room == 0 {
                break;
            }
            let claims = match take(&app, room).await {
                Ok(claims) => claims,
                Err(error) => {
                    tracing::warn!(%error, "the push outbox cannot be read; nothing is sent without a claim");
                    break;
                }
            };
            let full = claims.len() == room;
            if !claims.is_empty() {
                match open_lanes(&app, &endpoints, &lanes).await {
                    Ok(opened) => lanes = opened,
                    Err(error) => tracing::warn!(%error, "push credentials cannot be read"),
                }
            }
            for claim in claims {
                let lane =
                    lanes.values().find(|lane| lane.serves(&claim.provider, claim.topic.as_deref())).cloned();
                held.insert(claim.id.clone(), claim.clone());
                let app = app.clone();
                sending.spawn(async move {
                    deliver(&app, lane.as_deref(), &claim).await;
                    claim.id
                });
            }
            if !full {
                break;
            }
        }
    }
    let drain = Duration::from_secs(app.settings.http.drain_s);
    let finished = async {
        while !sending.is_empty() {
            tokio::select! {
                Some(done) = sending.join_next() => forget(&mut held, done),
                _ = round.tick() => keep(&app, &held).await,
            }
        }
    };
    if tokio::time::timeout(drain, finished).await.is_err() {
        sending.abort_all();
        let left = held.into_values().collect::<Vec<_>>();
        tracing::warn!(pushes = left.len(), "pushes are given back unfinished");
        let given_back = app.storage.write(move |tx| release(tx, &left, now())).await;
        if let Err(error) = given_back {
            tracing::warn!(%error, "pushes cannot be given back; they are sent again when their leases end");
        }
    }
}

fn forget(held: &mut BTreeMap<String, Claim>, done: Result<String, JoinError>) {
    match done {
        Ok(id) => {
            held.remove(&id);
        }
        Err(error) => {
            tracing::error!(%error, "a push task failed; its push is sent again when the lease ends");
        }
    }
}

/// Keeps what is under way from being claimed by others.
async fn keep(app: &App, held: &BTreeMap<String, Claim>) {
    if held.is_empty() {
        return;
    }
    let claims = held.values().cloned().collect::<Vec<_>>();
    if let Err(error) = app.storage.write(move |tx| renew(tx, &claims, now())).await {
        tracing::warn!(%error, "claims on pushes cannot be renewed; another node may send them as well");
    }
}

async fn take(app: &App, room: usize) -> Result<Vec<Claim>, Refusal> {
    let limit = i64::try_from(room).unwrap_or(i64::MAX);
    app.storage.write(move |tx| claim(tx, limit, now())).await
}

/// The lanes of today's credentials; those that exist already are kept, with their connections.
async fn open_lanes(app: &App, endpoints: &Endpoints, lanes: &Lanes) -> Result<Lanes, Refusal> {
    let vault = app.centre.vault.clone();
    let entered = app.storage.read(move |tx| credentials::open_all(tx, &vault)).await?;
    let mut opened = Lanes::new();
    for (id, credential) in entered {
        if let Some(lane) = lanes.get(&id) {
            opened.insert(id, lane.clone());
            continue;
        }
        match Lane::open(&credential, endpoints) {
            Ok(lane) => {
                opened.insert(id, Arc::new(lane));
            }
            Err(error) => tracing::error!(credential = id, %error, "a push credential cannot be used"),
        }
    }
    Ok(opened)
}

/// Sends one delivery and settles it. If it cannot be settled, the lease runs out and it is sent again under the same
/// ids.
async fn deliver(app: &App, lane: Option<&Lane>, claim: &Claim) {
    let started = now();
    let sent = if claim.expires_at <= started {
        Sent::Settled(Settled::Expired)
    } else if !claim.still_true {
        Sent::Settled(Settled::Skipped)
    } else {
        match lane {
            None => Sent::Settled(Settled::Failed { reason: "no_credential".to_owned() }),
            Some(lane) => match tokio::time::timeout(left(claim, started), send(app, lane, claim)).await {
                // Its time ran out on the way: a connection that opens later must not carry it.
                Err(_) => Sent::Settled(Settled::Expired),
                Ok(Ok(outcome)) => Sent::Answered(outcome),
                Ok(Err(NotSent::Invalid(reason))) => Sent::Settled(Settled::Failed { reason }),
                Ok(Err(NotSent::Fault(error))) => {
                    tracing::error!(delivery = claim.id, %error, "a push cannot be made");
                    Sent::Settled(Settled::Failed { reason: "internal".to_owned() })
                }
            },
        }
    };
    let now = now();
    let (settled, device) = sent.judge(claim, now);
    let label = match &settled {
        Settled::Delivered { .. } => "delivered",
        Settled::Skipped => "skipped",
        Settled::Expired => "expired",
        Settled::Failed { .. } => "failed",
        Settled::Retry { .. } => "retry",
    };
    metrics::counter!("ringback_pushes_total", "provider" => claim.provider.clone(), "outcome" => label)
        .increment(1);
    if let Settled::Failed { reason } | Settled::Retry { reason, .. } = &settled {
        tracing::warn!(
            delivery = claim.id,
            callback = claim.callback_id,
            provider = claim.provider,
            reason,
            outcome = label,
            "a push did not get through"
        );
    } else {
        tracing::info!(
            delivery = claim.id,
            callback = claim.callback_id,
            provider = claim.provider,
            outcome = label,
            ms = now.duration_since(started).as_millis(),
            "a push is settled"
        );
    }
    let write_down = claim.clone();
    let written = app
        .change(move |tx, effects| {
            write_down_outcome(tx, effects, &write_down, &settled, device.as_ref(), now)
        })
        .await;
    if let Err(error) = written {
        tracing::warn!(delivery = claim.id, %error, "a push's outcome cannot be written; it may be sent again");
    }
}

/// How long it may still be sent.
fn left(claim: &Claim, now: Timestamp) -> Duration {
    Duration::try_from(claim.expires_at.duration_since(now)).unwrap_or_default()
}

/// What came of a try.
enum Sent {
    Answered(Outcome),
    Settled(Settled),
}

/// What a provider said about a device: its new state, why, and since when.
struct DeviceNews {
    state: &'static str,
    reason: String,
    since: Option<Timestamp>,
}

impl Sent {
    /// What follows for the delivery and for the device.
    fn judge(self, claim: &Claim, now: Timestamp) -> (Settled, Option<DeviceNews>) {
        let outcome = match self {
            Self::Settled(settled) => return (settled, None),
            Self::Answered(outcome) => outcome,
        };
        let later = |after: Duration, reason: String, counts: bool| {
            let due_at = now.checked_add(after).unwrap_or(claim.expires_at);
            // A try after the expiry would only find it expired.
            if due_at < claim.expires_at {
                Settled::Retry { due_at, reason, counts }
            } else {
                Settled::Failed { reason }
            }
        };
        match outcome {
            Outcome::Delivered { provider_id } => {
                (Settled::Delivered { provider_id: Some(provider_id) }, None)
            }
            Outcome::TokenGone { invalid_since, reason } => {
                let news = DeviceNews { state: "gone", reason: reason.clone(), since: invalid_since };
                (Settled::Failed { reason }, Some(news))
            }
            Outcome::TokenRejected { reason } => {
                let news = DeviceNews { state: "quarantined", reason: reason.clone(), since: None };
                (Settled::Failed { reason }, Some(news))
            }
            Outcome::RetryAt { after, reason } => {
                (later(backoff(after, claim.attempts, jitter(&claim.id, claim.attempts)), reason, true), None)
            }
            Outcome::LaneBlocked { reason } => (later(LANE_REST, reason, false), None),
            Outcome::RenewCredential => {
                (later(Duration::from_secs(1), "credential_expired".to_owned(), false), None)
            }
            Outcome::Permanent { reason } => (Settled::Failed { reason }, None),
        }
    }
}

/// A number from 0 to 1 that differs from delivery to delivery and try to try.
fn jitter(id: &str, attempts: u32) -> f64 {
    let hash = id.bytes().fold(attempts, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
    f64::from(hash % 1000) / 1000.0
}

enum NotSent {
    Invalid(String),
    Fault(Refusal),
}

impl From<Refusal> for NotSent {
    fn from(fault: Refusal) -> Self {
        Self::Fault(fault)
    }
}

impl From<InvalidApnsPush> for NotSent {
    fn from(invalid: InvalidApnsPush) -> Self {
        Self::Invalid(invalid.to_string())
    }
}

impl From<InvalidFcmPush> for NotSent {
    fn from(invalid: InvalidFcmPush) -> Self {
        Self::Invalid(invalid.to_string())
    }
}

async fn send(app: &App, lane: &Lane, claim: &Claim) -> Result<Outcome, NotSent> {
    let token = PushToken::new(open_text(&app.centre.vault, &claim.token, "devices.token")?);
    let action_token = claim.action_token(&app.centre.vault);
    Ok(match lane {
        Lane::Apns { production, sandbox, .. } => {
            let client = if claim.kind == "production" { production } else { sandbox };
            client.send(&message::for_apns(claim, token, action_token)?).await?
        }
        Lane::Fcm(client) => client.send(&message::for_fcm(claim, token, action_token, now())?).await?,
        Lane::WebPush(_) => return Err(Refusal::Damaged("a browser among the devices").into()),
    })
}

/// Writes down how a delivery stands, and what follows: a device that is gone, a question that has been put.
fn write_down_outcome(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    claim: &Claim,
    settled: &Settled,
    device: Option<&DeviceNews>,
    now: Timestamp,
) -> Result<(), Refusal> {
    // The callback first and the delivery then, as whoever answers the question does: neither waits for the other.
    let mut record = find_for_update(tx, &claim.callback_id)?;
    if !settle(tx, claim, settled, now)? {
        return Ok(());
    }
    if let Some(news) = device {
        devices::retire(tx, &claim.device_id, (news.state, &news.reason), news.since, claim.registered_at)?;
    }
    if matches!(settled, Settled::Delivered { .. }) {
        let asked: u32 =
            tx.query_one("select asked from pushes where id = $1", &[&claim.push_id], |row| row.get(0))?;
        if record.at == Position::Routing(Phase::Reserved) && record.asked == asked {
            apply(tx, effects, &mut record, Input::PushAccepted, "system", now)?;
        }
    }
    Ok(())
}
