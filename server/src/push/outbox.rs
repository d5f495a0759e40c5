//! The push outbox: what is to be said, written in the transaction that made it true, and said until somebody takes it
//! or it is no longer true (I4).

use super::action;
use crate::app::Effects;
use crate::callbacks::Record;
use crate::refusal::Refusal;
use crate::storage::{Tx, Vault};
use crate::words::word;
use ringback_core::protocol::{ActionToken, PushEvent, Timestamp};

/// How long a claimed delivery belongs to whoever claimed it, unless the claim is renewed. Short, so that what a node
/// that died held is still sent while its question is open.
const LEASE_S: i64 = 5;

/// Writes a push and one delivery for each device that can be reached.
pub fn enqueue(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &Record,
    event: PushEvent,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), Refusal> {
    let push_id = format!("pu_{}", uuid::Uuid::now_v7().simple());
    tx.execute(
        "insert into pushes (id, callback_id, event, asked, expires_at, created_at) values ($1, $2, $3, $4, $5, $6)",
        &[&push_id, &record.id, &word(event)?, &record.asked, &expires_at, &now],
    )?;
    let devices = tx.query(
        "select id, provider from devices where installation_id = $1 and state = 'active'",
        &[&record.installation_id],
        |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)),
    )?;
    for (device_id, provider) in &devices {
        // The id is also the `apns-id`: a UUID that stays the same over all tries.
        let id = uuid::Uuid::new_v4().to_string();
        tx.execute(
            "insert into push_deliveries (id, push_id, callback_id, device_id, provider, state, due_at, fence, attempts, \
             changed_at) values ($1, $2, $3, $4, $5, 'pending', $6, 0, 0, $6)",
            &[&id, &push_id, &record.id, device_id, provider, &now],
        )?;
    }
    effects.push |= !devices.is_empty();
    Ok(())
}

/// A delivery that belongs to this worker until its lease ends.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Also the `apns-id`.
    pub id: String,
    /// Rises with every claim; an acknowledgement of an older claim counts for nothing.
    pub fence: i64,
    /// How often it was tried, this time included.
    pub attempts: u32,
    /// The push it belongs to; the same for all devices.
    pub push_id: String,
    /// What it is about.
    pub callback_id: String,
    /// Why it is sent.
    pub event: String,
    /// After this it is not sent.
    pub expires_at: Timestamp,
    /// Which device.
    pub device_id: String,
    /// `apns` or `fcm`.
    pub provider: String,
    /// `sandbox`, `production`, `token` or `fid`.
    pub kind: String,
    /// The app's bundle id, with APNs.
    pub topic: Option<String>,
    /// The device token.
    pub token: Vec<u8>,
    /// When the token was registered.
    pub registered_at: Timestamp,
    /// Whether the event is still true: the question is open, and is this one.
    pub still_true: bool,
}

impl Claim {
    /// The right to answer that rides along.
    pub fn action_token(&self, vault: &Vault) -> ActionToken {
        action::token(vault, &self.id)
    }
}

/// Takes up to `limit` deliveries that are due. Committed before anything is sent: a worker that dies leaves them to
/// be claimed again when the lease ends.
pub fn claim(tx: &mut Tx<'_>, limit: i64, now: Timestamp) -> Result<Vec<Claim>, Refusal> {
    let lease_until = crate::callbacks::later(now, LEASE_S)?;
    let claimed = tx.query(
        "update push_deliveries set due_at = $1, fence = fence + 1, attempts = attempts + 1, changed_at = $2 \
         where id in (select id from push_deliveries where state = 'pending' and due_at <= $2 \
         order by due_at limit $3 for update skip locked) returning id",
        &[&lease_until, &now, &limit],
        |row| row.get::<String>(0),
    )?;
    let mut claims = Vec::with_capacity(claimed.len());
    for id in claimed {
        claims.push(tx.query_one(
            "select d.id, d.fence, d.attempts, p.id, p.callback_id, p.event, p.expires_at, v.id, v.provider, v.kind, \
             v.topic, v.token_sealed, v.registered_at, \
             cast(case when c.phase in ('reserved', 'notified') and c.asked = p.asked and v.state = 'active' then 1 else 0 end as bigint) \
             from push_deliveries d join pushes p on p.id = d.push_id join devices v on v.id = d.device_id \
             join callbacks c on c.id = d.callback_id where d.id = $1",
            &[&id],
            |row| {
                Ok(Claim {
                    id: row.get(0)?,
                    fence: row.get(1)?,
                    attempts: row.get(2)?,
                    push_id: row.get(3)?,
                    callback_id: row.get(4)?,
                    event: row.get(5)?,
                    expires_at: row.get(6)?,
                    device_id: row.get(7)?,
                    provider: row.get(8)?,
                    kind: row.get(9)?,
                    topic: row.get(10)?,
                    token: row.get(11)?,
                    registered_at: row.get(12)?,
                    still_true: row.get(13)?,
                })
            },
        )?);
    }
    Ok(claims)
}

/// Keeps claims that take long, for one more lease each.
pub fn renew<'a>(
    tx: &mut Tx<'_>,
    claims: impl IntoIterator<Item = &'a Claim>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let lease_until = crate::callbacks::later(now, LEASE_S)?;
    for claim in claims {
        tx.execute(
            "update push_deliveries set due_at = $1 where id = $2 and fence = $3 and state = 'pending'",
            &[&lease_until, &claim.id, &claim.fence],
        )?;
    }
    Ok(())
}

/// Gives claims back that were not finished: they are due at once, for whoever comes next.
pub fn release(tx: &mut Tx<'_>, claims: &[Claim], now: Timestamp) -> Result<(), Refusal> {
    for claim in claims {
        tx.execute(
            "update push_deliveries set due_at = $1 where id = $2 and fence = $3 and state = 'pending'",
            &[&now, &claim.id, &claim.fence],
        )?;
    }
    Ok(())
}

/// How a delivery stands after a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// A provider took it.
    Delivered {
        /// The provider's name for it.
        provider_id: Option<String>,
    },
    /// It was no longer true.
    Skipped,
    /// Its time ran out.
    Expired,
    /// Nobody will take it.
    Failed {
        /// The provider's word, or ours.
        reason: String,
    },
    /// To be tried again.
    Retry {
        /// When.
        due_at: Timestamp,
        /// Why.
        reason: String,
        /// Whether this try counts.
        counts: bool,
    },
}

/// Writes down how a claimed delivery stands; `false` when the claim was lost meanwhile and says nothing any more.
pub fn settle(tx: &mut Tx<'_>, claim: &Claim, settled: &Settled, now: Timestamp) -> Result<bool, Refusal> {
    let (state, due_at, reason, provider_id, uncounted) = match settled {
        Settled::Delivered { provider_id } => ("delivered", now, None, provider_id.as_deref(), 0),
        Settled::Skipped => ("skipped", now, Some("moved_on"), None, 0),
        Settled::Expired => ("expired", now, Some("expired"), None, 0),
        Settled::Failed { reason } => ("failed", now, Some(reason.as_str()), None, 0),
        Settled::Retry { due_at, reason, counts } => {
            ("pending", *due_at, Some(reason.as_str()), None, i64::from(!counts))
        }
    };
    let settled = tx.execute(
        "update push_deliveries set state = $1, due_at = $2, reason = $3, provider_id = $4, attempts = attempts - $5, \
         changed_at = $6 where id = $7 and fence = $8 and state = 'pending'",
        &[&state, &due_at, &reason, &provider_id, &uncounted, &now, &claim.id, &claim.fence],
    )?;
    Ok(settled == 1)
}
