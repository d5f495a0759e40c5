//! The webhook outbox: written in the transaction of the event, and sent until the endpoint takes it or it was tried often
//! enough. Of a callback's open deliveries to an endpoint only the earliest is `pending`: the next becomes it when that one
//! is over, so an endpoint hears of a callback in order.

use super::endpoints::{self, Target};
use super::message::{self, LoggedEvent};
use super::retry::{Attempt, Settled};
use crate::app::Effects;
use crate::config::WebhookSettings;
use crate::refusal::Refusal;
use crate::storage::Tx;
use ringback_core::protocol::{EventKind, Timestamp};

/// How long a claimed delivery belongs to whoever claimed it: longer than an attempt may take.
const LEASE_S: i64 = 20;

/// Tells the endpoints that want it of an event. The caller holds the callback's row, as does whoever settles one of
/// its deliveries: nobody is made to wait for a delivery that is over.
pub fn enqueue(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    (callback_id, version): (&str, u32),
    kind: EventKind,
    now: Timestamp,
) -> Result<(), Refusal> {
    let event_type = message::event_type(kind)?;
    let message_id = message_id(callback_id, version);
    // Nobody waits for it: a centre without webhooks pays a look at an empty table.
    tx.execute_later(
        "insert into webhook_deliveries (endpoint_id, message_id, callback_id, version, event_type, state, due_at, \
         fence, attempts, created_at, changed_at) \
         select w.id, cast($1 as text), cast($2 as text), cast($3 as bigint), cast($4 as text), \
         case when exists (select 1 from webhook_deliveries d where d.callback_id = $2 and d.endpoint_id = w.id \
         and d.state in ('pending', 'waiting')) then 'waiting' else 'pending' end, \
         cast($5 as bigint), 0, 0, cast($5 as bigint), cast($5 as bigint) \
         from webhook_endpoints w where w.enabled = 1 and (w.event_types is null or w.event_types like $6)",
        &[&message_id, &callback_id, &version, &event_type, &now, &format!("% {event_type} %")],
    )?;
    effects.webhooks = true;
    Ok(())
}

/// The `webhook-id` of an event: the same for every endpoint and however often it is sent.
fn message_id(callback_id: &str, version: u32) -> String {
    format!("{callback_id}_{version}")
}

/// Tries an endpoint out; the id of the message.
pub fn enqueue_test(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    endpoint: &str,
    now: Timestamp,
) -> Result<String, Refusal> {
    let endpoint_id = endpoints::enabled_id_of(tx, endpoint)?;
    let message_id = format!("test_{}", uuid::Uuid::now_v7().simple());
    tx.execute(
        "insert into webhook_deliveries (endpoint_id, message_id, version, event_type, state, due_at, fence, attempts, \
         created_at, changed_at) values ($1, $2, 0, $3, 'pending', $4, 0, 0, $4, $4)",
        &[&endpoint_id, &message_id, &message::TEST, &now],
    )?;
    effects.webhooks = true;
    Ok(message_id)
}

/// A delivery that belongs to this worker until its lease ends.
#[derive(Debug, Clone)]
pub struct Claim {
    /// To whom.
    pub endpoint_id: String,
    /// The `webhook-id`.
    pub message_id: String,
    /// Rises with every claim; an acknowledgement of an older claim counts for nothing.
    pub fence: i64,
    /// How often it was tried, this time included.
    pub attempts: u32,
    /// Whose event it is; a test has none.
    pub callback_id: Option<String>,
    /// What is sent; nothing when the event is no longer in the log.
    pub body: Option<String>,
}

/// Takes up to `limit` deliveries to an endpoint that are due. Committed before anything is sent: a worker that dies
/// leaves them to be claimed again when the lease ends.
pub fn claim(tx: &mut Tx<'_>, target: &Target, limit: i64, now: Timestamp) -> Result<Vec<Claim>, Refusal> {
    let lease_until = crate::callbacks::later(now, LEASE_S)?;
    let claimed = tx.query(
        "update webhook_deliveries set due_at = $1, fence = fence + 1, attempts = attempts + 1, changed_at = $2 \
         where endpoint_id = $3 and message_id in (select message_id from webhook_deliveries where endpoint_id = $3 \
         and state = 'pending' and due_at <= $2 order by due_at limit $4 for update skip locked) \
         returning message_id, fence, attempts, callback_id, version, event_type, created_at",
        &[&lease_until, &now, &target.id, &limit],
        |row| {
            let claim = Claim {
                endpoint_id: target.id.clone(),
                message_id: row.get(0)?,
                fence: row.get(1)?,
                attempts: row.get(2)?,
                callback_id: row.get(3)?,
                body: None,
            };
            Ok((claim, row.get::<u32>(4)?, row.get::<String>(5)?, row.get::<Timestamp>(6)?))
        },
    )?;
    let mut claims = Vec::with_capacity(claimed.len());
    for (mut claim, version, event_type, created_at) in claimed {
        claim.body = match &claim.callback_id {
            None => Some(message::test_body(created_at)?),
            Some(callback_id) => logged(tx, callback_id, version)?
                .map(|event| message::body(&event_type, &event))
                .transpose()?,
        };
        claims.push(claim);
    }
    Ok(claims)
}

fn logged(tx: &mut Tx<'_>, callback_id: &str, version: u32) -> Result<Option<LoggedEvent>, Refusal> {
    Ok(tx.query_opt(
        "select installation_id, seq, actor, at, snapshot from events where callback_id = $1 and version = $2",
        &[&callback_id, &version],
        |row| {
            Ok(LoggedEvent {
                installation_id: row.get(0)?,
                seq: row.get(1)?,
                actor: row.get(2)?,
                at: row.get(3)?,
                snapshot: row.get(4)?,
            })
        },
    )?)
}

/// Gives claims back that were not finished: they are due at once, for whoever comes next.
pub fn release(tx: &mut Tx<'_>, claims: &[Claim], now: Timestamp) -> Result<(), Refusal> {
    for claim in claims {
        tx.execute(
            "update webhook_deliveries set due_at = $1, attempts = attempts - 1 \
             where endpoint_id = $2 and message_id = $3 and fence = $4 and state = 'pending'",
            &[&now, &claim.endpoint_id, &claim.message_id, &claim.fence],
        )?;
    }
    Ok(())
}

/// What an attempt came to, and when.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What it met with.
    pub attempt: Attempt,
    /// What follows.
    pub settled: Settled,
    /// When it began.
    pub began_at: Timestamp,
    /// How long it took.
    pub duration_ms: i64,
}

/// Writes down how a claimed delivery stands; `false` when the claim was lost meanwhile and says nothing any more.
pub fn settle(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    settings: &WebhookSettings,
    claim: &Claim,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<bool, Refusal> {
    if let Some(callback_id) = &claim.callback_id {
        hold(tx, callback_id)?;
    }
    let (state, due_at) = match outcome.settled {
        Settled::Delivered => ("delivered", now),
        Settled::Dead => ("dead", now),
        Settled::Retry(due_at) => ("pending", due_at),
        Settled::Unwanted => ("pending", now),
    };
    let settled = tx.execute(
        "update webhook_deliveries set state = $1, due_at = $2, changed_at = $3 \
         where endpoint_id = $4 and message_id = $5 and fence = $6 and state = 'pending'",
        &[&state, &due_at, &now, &claim.endpoint_id, &claim.message_id, &claim.fence],
    )?;
    if settled == 0 {
        return Ok(false);
    }
    tx.execute(
        "insert into webhook_attempts (endpoint_id, message_id, fence, at, duration_ms, status, reason) \
         values ($1, $2, $3, $4, $5, $6, $7)",
        &[
            &claim.endpoint_id,
            &claim.message_id,
            &claim.fence,
            &outcome.began_at,
            &outcome.duration_ms,
            &outcome.attempt.status().map(i64::from),
            &outcome.attempt.reason(),
        ],
    )?;
    if let (Settled::Delivered | Settled::Dead, Some(callback_id)) = (&outcome.settled, &claim.callback_id) {
        promote(tx, effects, &claim.endpoint_id, callback_id, now)?;
    }
    match outcome.attempt {
        Attempt::EventGone => {}
        _ if outcome.settled == Settled::Unwanted => endpoints::disable(tx, &claim.endpoint_id, "gone", now)?,
        _ => {
            let is_well = outcome.settled == Settled::Delivered;
            endpoints::note_health(tx, settings, &claim.endpoint_id, is_well, now)?;
        }
    }
    Ok(true)
}

/// Keeps a callback from changing until this transaction is done. One that is archived has no events to come.
pub(super) fn hold(tx: &mut Tx<'_>, callback_id: &str) -> Result<(), Refusal> {
    tx.query_opt("select id from callbacks where id = $1 for update", &[&callback_id], |_| Ok(()))?;
    Ok(())
}

/// Makes the earliest that waits due, unless one is under way. The caller holds the callback.
pub(super) fn promote(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    endpoint_id: &str,
    callback_id: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let promoted = tx.execute(
        "update webhook_deliveries set state = 'pending', due_at = $1 \
         where callback_id = $2 and endpoint_id = $3 and state = 'waiting' and version = \
         (select min(d.version) from webhook_deliveries d where d.callback_id = $2 and d.endpoint_id = $3 \
         and d.state = 'waiting') and not exists (select 1 from webhook_deliveries d where d.callback_id = $2 \
         and d.endpoint_id = $3 and d.state = 'pending')",
        &[&now, &callback_id, &endpoint_id],
    )?;
    effects.webhooks |= promoted > 0;
    Ok(())
}

/// Forgets what was delivered before `delivered_before`, what was given up before `dead_before`, and what is left of
/// endpoints that are gone.
pub fn purge(tx: &mut Tx<'_>, delivered_before: Timestamp, dead_before: Timestamp) -> Result<(), Refusal> {
    tx.execute(
        "delete from webhook_deliveries where (state = 'delivered' and changed_at < $1) \
         or (state = 'dead' and changed_at < $2)",
        &[&delivered_before, &dead_before],
    )?;
    tx.execute(
        "delete from webhook_deliveries where endpoint_id not in (select id from webhook_endpoints)",
        &[],
    )?;
    Ok(())
}
