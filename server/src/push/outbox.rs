//! The push outbox: what is to be said, written in the transaction that made it true, and said until somebody takes it
//! or it is no longer true (I4).

use super::action;
use super::content::{ActivityEvent, Content};
use super::devices::Channel;
use super::dispatch::URGENCIES;
use super::policy::{Manner, urgency};
use super::standing::{standings, still_true};
use super::texts::{TextKey, text};
use crate::app::Effects;
use crate::callbacks::{Record, later};
use crate::refusal::Refusal;
use crate::storage::{ForEach, Param, Row, StorageError, Tx, Vault};
use crate::words::word;
use ringback_core::protocol::{ActionToken, PushEvent, Timestamp};
use serde::de::value::{Error as NoWord, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use std::sync::Arc;

/// How long a claimed delivery belongs to whoever claimed it, unless the claim is renewed. Short, so that what a node
/// that died held is still sent while its question is open.
const LEASE_S: i64 = 5;

/// Something to be said about a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct News {
    /// Why.
    pub event: PushEvent,
    /// Tells apart what is said again about the same.
    pub occasion: i64,
    /// In which words.
    pub text: TextKey,
    /// When it is said, if not now.
    pub from: Option<Timestamp>,
    /// When it stops being true by itself, if that is known.
    pub until: Option<Timestamp>,
}

/// A device that can be reached.
struct Reachable {
    id: String,
    provider: String,
    lane: String,
    locale: Option<String>,
}

/// Writes a push and one delivery for each device that shows notifications. Said already is said already.
pub fn enqueue(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &Record,
    news: &News,
    now: Timestamp,
) -> Result<(), Refusal> {
    let Some(manner) = record.policy.push.manner(news.event) else { return Ok(()) };
    let due_at = news.from.unwrap_or(now);
    let lasts = later(due_at, manner.ttl_s)?;
    let expires_at = news.until.map_or(lasts, |until| until.min(lasts));
    let Some(push_id) = say(tx, record, (news.event, news.occasion, false), expires_at, now)? else {
        return Ok(());
    };
    let devices = tx.query(
        "select id, provider, lane, locale from devices where installation_id = $1 and state = 'active' \
         and channel in ('apns', 'fcm', 'web_push')",
        &[&record.installation_id],
        |row| {
            Ok(Reachable { id: row.get(0)?, provider: row.get(1)?, lane: row.get(2)?, locale: row.get(3)? })
        },
    )?;
    for device in &devices {
        let content = alert(record, &manner, news.text, device.locale.as_deref());
        let draft =
            Draft { push_id: &push_id, record, event: news.event, occasion: news.occasion, withdrawn: false };
        draft.deliver(tx, device, &content, (due_at, expires_at), now)?;
    }
    effects.push |= !devices.is_empty();
    Ok(())
}

fn alert(record: &Record, manner: &Manner, key: TextKey, locale: Option<&str>) -> Content {
    Content::Alert {
        key,
        text: text(&record.policy.push, key, locale),
        interruption: manner.interruption,
        sound: manner.sound.clone(),
    }
}

/// A question was answered on one device: the others that were asked are told, so that none goes on asking.
pub fn withdraw(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &Record,
    answered_by: Option<&str>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let occasion = i64::from(record.asked);
    let (event, asked) = (PushEvent::AgentReady, word(PushEvent::AgentReady)?);
    let devices = tx.query(
        "select v.id, v.provider, v.lane, v.locale from push_deliveries d join devices v on v.id = d.device_id \
         where d.callback_id = $1 and d.event = $2 and d.occasion = $3 and d.withdrawn = 0 and v.state = 'active' \
         and d.attempts > 0 and d.state in ('pending', 'delivered') and d.id <> $4",
        &[&record.id, &asked, &occasion, &answered_by.unwrap_or("")],
        |row| Ok(Reachable { id: row.get(0)?, provider: row.get(1)?, lane: row.get(2)?, locale: row.get(3)? }),
    )?;
    // An app that answers without the push knows by itself which notification to take back, if it has the only one.
    if devices.is_empty() || (answered_by.is_none() && devices.len() == 1) {
        return Ok(());
    }
    let Some(manner) = record.policy.push.manner(event) else { return Ok(()) };
    let manner = Manner { interruption: super::policy::Interruption::Passive, sound: None, ..manner };
    let expires_at = later(now, manner.ttl_s)?;
    let Some(push_id) = say(tx, record, (event, occasion, true), expires_at, now)? else { return Ok(()) };
    for device in &devices {
        let content = alert(record, &manner, TextKey::AgentReadyAnswered, device.locale.as_deref());
        let draft = Draft { push_id: &push_id, record, event, occasion, withdrawn: true };
        draft.deliver(tx, device, &content, (now, expires_at), now)?;
    }
    effects.push = true;
    Ok(())
}

/// Shows a callback's line on a Live Activity, in place of what was to be shown before.
pub fn show_progress(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &Record,
    (device_id, lane): (&str, &str),
    content: &Content,
    now: Timestamp,
) -> Result<(), Refusal> {
    let event = PushEvent::QueueProgress;
    let Some(manner) = record.policy.push.manner(event) else { return Ok(()) };
    tx.execute(
        "update push_deliveries set state = 'skipped', reason = 'superseded', changed_at = $1 \
         where device_id = $2 and state = 'pending' and callback_id = $3",
        &[&now, &device_id, &record.id],
    )?;
    // On all devices it starts with the same push.
    let starts = matches!(content, Content::Activity { event: ActivityEvent::Start, .. });
    let occasion = if starts { 0 } else { now.as_microsecond() };
    let expires_at = later(now, manner.ttl_s)?;
    let push_id = match say(tx, record, (event, occasion, false), expires_at, now)? {
        Some(push_id) => push_id,
        // Said to another device of the same person.
        None => tx.query_one(
            "select id from pushes where callback_id = $1 and event = $2 and occasion = $3 and withdrawn = 0",
            &[&record.id, &word(event)?, &occasion],
            |row| row.get(0),
        )?,
    };
    let device = Reachable {
        id: device_id.to_owned(),
        provider: "apns".to_owned(),
        lane: lane.to_owned(),
        locale: None,
    };
    Draft { push_id: &push_id, record, event, occasion, withdrawn: false }.deliver(
        tx,
        &device,
        content,
        (now, expires_at),
        now,
    )?;
    effects.push = true;
    Ok(())
}

/// Writes a push; `None` when the same was said already.
fn say(
    tx: &mut Tx<'_>,
    record: &Record,
    (event, occasion, withdrawn): (PushEvent, i64, bool),
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<Option<String>, Refusal> {
    let id = format!("pu_{}", uuid::Uuid::now_v7().simple());
    let said = tx.execute(
        "insert into pushes (id, callback_id, event, occasion, withdrawn, version, expires_at, created_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (callback_id, event, occasion, withdrawn) do nothing",
        &[
            &id, &record.id, &word(event)?, &occasion, &i64::from(withdrawn), &record.version, &expires_at, &now,
        ],
    )?;
    Ok((said == 1).then_some(id))
}

/// A push on its way to a device.
struct Draft<'a> {
    push_id: &'a str,
    record: &'a Record,
    event: PushEvent,
    occasion: i64,
    withdrawn: bool,
}

impl Draft<'_> {
    fn deliver(
        &self,
        tx: &mut Tx<'_>,
        device: &Reachable,
        content: &Content,
        (due_at, expires_at): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<(), Refusal> {
        // The id is also the `apns-id`: a UUID that stays the same over all tries.
        let id = uuid::Uuid::new_v4().to_string();
        tx.execute(
            "insert into push_deliveries (id, push_id, callback_id, device_id, provider, lane, event, occasion, \
             withdrawn, version, urgency, content, state, due_at, expires_at, fence, attempts, created_at, changed_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'pending', $13, $14, 0, 0, $13, $15)",
            &[
                &id, &self.push_id, &self.record.id, &device.id, &device.provider, &device.lane,
                &word(self.event)?, &self.occasion, &i64::from(self.withdrawn), &self.record.version,
                &urgency(self.event), &content.to_json()?, &due_at, &expires_at, &now,
            ],
        )?;
        Ok(())
    }
}

/// A delivery that belongs to this worker until its lease ends.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Its number in the outbox.
    pub seq: i64,
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
    pub event: PushEvent,
    /// Which time.
    pub occasion: i64,
    /// Whether it takes back what was said.
    pub withdrawn: bool,
    /// 0 goes first.
    pub urgency: u32,
    /// What it shows.
    pub content: Arc<Content>,
    /// When it may be tried.
    pub due_at: Timestamp,
    /// After this it is not sent.
    pub expires_at: Timestamp,
    /// When it was to be said.
    pub created_at: Timestamp,
    /// Which device.
    pub device_id: String,
    /// `apns`, `fcm` or `web_push`.
    pub provider: Arc<str>,
    /// By which lane.
    pub lane: Arc<str>,
    /// What kind of target the device is.
    pub channel: Channel,
    /// `sandbox`, `production`, `token` or `fid`.
    pub kind: Arc<str>,
    /// The app's bundle id, with APNs.
    pub topic: Arc<str>,
    /// Whether the app has the texts itself.
    pub has_texts: bool,
    /// The device token.
    pub token: Vec<u8>,
    /// When the token was registered.
    pub registered_at: Timestamp,
    /// Whether it is still true, and the device still there.
    pub still_true: bool,
}

impl Claim {
    /// Its place among those of its lane and urgency.
    pub fn turn(&self) -> Turn {
        Turn { due_at: self.due_at, expires_at: self.expires_at, seq: self.seq }
    }

    /// The right to answer that rides along with a question.
    pub fn action_token(&self, vault: &Vault) -> Option<ActionToken> {
        (self.event == PushEvent::AgentReady && !self.withdrawn).then(|| action::token(vault, &self.id))
    }
}

/// The lanes in which anything is to be sent, now or later. Each is found by one step in an index, however much waits.
pub fn lanes(tx: &mut Tx<'_>) -> Result<Vec<String>, Refusal> {
    Ok(tx.query(
        "with recursive lanes (lane) as (\
         select min(lane) from push_deliveries where state = 'pending' \
         union all select (select min(d.lane) from push_deliveries d where d.state = 'pending' and d.lane > l.lane) \
         from lanes l where l.lane is not null) select lane from lanes where lane is not null",
        &[],
        |row| row.get(0),
    )?)
}

/// A place in the order in which a lane's deliveries are claimed: what is due first, and of that what ends first.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    due_at: Timestamp,
    expires_at: Timestamp,
    seq: i64,
}

impl Turn {
    /// Before all others.
    pub const FIRST: Self = Self { due_at: Timestamp::UNIX_EPOCH, expires_at: Timestamp::UNIX_EPOCH, seq: 0 };
}

/// Takes up to `limit` deliveries of a lane and an urgency that are due, from a turn on. Committed before anything is sent: a
/// worker that dies leaves them to be claimed again when the lease ends.
pub fn claim(
    tx: &mut Tx<'_>,
    (lane, urgency): (&str, u32),
    (after, limit): (Turn, usize),
    now: Timestamp,
) -> Result<Vec<Claim>, Refusal> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut seen = Seen { lane: lane.into(), urgency, words: Vec::new(), content: None };
    let mut claims = tx.query(
        "select d.id, d.fence + 1, d.attempts + 1, d.push_id, d.callback_id, d.event, d.occasion, d.withdrawn, \
         d.content, d.expires_at, d.created_at, d.device_id, d.provider, v.channel, v.kind, v.has_texts, v.state, \
         v.topic, v.token_sealed, v.registered_at, d.seq, d.due_at from push_deliveries d \
         join devices v on v.id = d.device_id where d.state = 'pending' and d.lane = $2 and d.urgency = $3 \
         and (d.due_at, d.expires_at, d.seq) > ($5, $6, $7) and d.due_at <= $1 and d.leased_to <= $1 \
         order by d.due_at, d.expires_at, d.seq limit $4 for update of d skip locked",
        &[&now, &lane, &urgency, &limit, &after.due_at, &after.expires_at, &after.seq],
        |row| read_claim(row, &mut seen),
    )?;
    let leased_to = later(now, LEASE_S)?;
    let rows: Vec<[&dyn Param; 2]> =
        claims.iter().map(|claim| [&leased_to as &dyn Param, &claim.seq]).collect();
    tx.execute_each(&CLAIM, &rows)?;
    let standings = standings(tx, claims.iter().map(|claim| claim.callback_id.as_str()))?;
    for claim in &mut claims {
        let said = (claim.event, claim.occasion, claim.withdrawn);
        let stands = standings.get(&claim.callback_id);
        claim.still_true &= stands.is_some_and(|stands| still_true(said, &claim.content, stands));
    }
    Ok(claims)
}

const CLAIM: ForEach = ForEach {
    one: "update push_deliveries set leased_to = $1, fence = fence + 1, attempts = attempts + 1 where seq = $2",
    all: "update push_deliveries set leased_to = claimed.until, fence = fence + 1, attempts = attempts + 1 \
          from (select cast(value ->> 0 as bigint) as until, cast(value ->> 1 as bigint) as number from json_rows($1)) claimed \
          where push_deliveries.seq = claimed.number",
};

/// Reads a word of an enum. For each claim four times, so it makes nothing on the way.
pub(super) fn column_word<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> Result<T, StorageError> {
    let reader: StrDeserializer<'_, NoWord> = row.text(index)?.into_deserializer();
    T::deserialize(reader).map_err(|_| StorageError::Column { index, wanted: "a word that is known" })
}

/// What comes again from claim to claim, and is kept once.
struct Seen {
    lane: Arc<str>,
    urgency: u32,
    words: Vec<Arc<str>>,
    content: Option<(String, Arc<Content>)>,
}

impl Seen {
    fn word(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.words.iter().find(|known| &***known == word) {
            return known.clone();
        }
        let word: Arc<str> = word.into();
        self.words.push(word.clone());
        word
    }

    fn content(&mut self, row: &Row<'_>, index: usize) -> Result<Arc<Content>, StorageError> {
        let text = row.text(index)?;
        if let Some((known, content)) = &self.content
            && known == text
        {
            return Ok(content.clone());
        }
        let wrong = || StorageError::Column { index, wanted: "what a push shows" };
        let content = Arc::new(Content::from_json(text).ok_or_else(wrong)?);
        self.content = Some((text.to_owned(), content.clone()));
        Ok(content)
    }
}

fn read_claim(row: &Row<'_>, seen: &mut Seen) -> Result<Claim, StorageError> {
    Ok(Claim {
        seq: row.get(20)?,
        due_at: row.get(21)?,
        id: row.get(0)?,
        fence: row.get(1)?,
        attempts: row.get(2)?,
        push_id: row.get(3)?,
        callback_id: row.get(4)?,
        event: column_word(row, 5)?,
        occasion: row.get(6)?,
        withdrawn: row.get(7)?,
        urgency: seen.urgency,
        still_true: row.text(16)? == "active",
        content: seen.content(row, 8)?,
        expires_at: row.get(9)?,
        created_at: row.get(10)?,
        device_id: row.get(11)?,
        provider: seen.word(row.text(12)?),
        lane: seen.lane.clone(),
        channel: column_word(row, 13)?,
        kind: seen.word(row.text(14)?),
        topic: seen.word(row.optional_text(17)?.unwrap_or_default()),
        has_texts: row.get(15)?,
        token: row.get(18)?,
        registered_at: row.get(19)?,
    })
}

/// A claim, as far as it is to be kept or given back.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// The delivery's number.
    pub seq: i64,
    /// Which claim on it.
    pub fence: i64,
}

impl Claim {
    /// What is remembered of it while it is under way.
    pub fn held(&self) -> Held {
        Held { seq: self.seq, fence: self.fence }
    }
}

/// Keeps claims that take long, for one more lease each.
pub fn renew(tx: &mut Tx<'_>, claims: &[Held], now: Timestamp) -> Result<(), Refusal> {
    lease(tx, claims, later(now, LEASE_S)?, 0)
}

/// Gives claims back that were not finished: they are due at once, for whoever comes next.
pub fn release(tx: &mut Tx<'_>, claims: &[Held], now: Timestamp) -> Result<(), Refusal> {
    lease(tx, claims, now, 0)
}

/// Gives claims back of which nothing was sent: they are due at once, and that was no attempt.
pub fn give_back(tx: &mut Tx<'_>, claims: &[Held], now: Timestamp) -> Result<(), Refusal> {
    lease(tx, claims, now, 1)
}

fn lease(tx: &mut Tx<'_>, claims: &[Held], leased_to: Timestamp, unsent: i64) -> Result<(), Refusal> {
    let rows: Vec<[&dyn Param; 4]> =
        claims.iter().map(|claim| [&leased_to as &dyn Param, &unsent, &claim.seq, &claim.fence]).collect();
    tx.execute_each(&LEASE, &rows)?;
    Ok(())
}

const LEASE: ForEach = ForEach {
    one: "update push_deliveries set leased_to = $1, attempts = attempts - $2 where seq = $3 and fence = $4 \
          and state = 'pending'",
    all: "update push_deliveries set leased_to = held.until, attempts = attempts - held.unsent \
          from (select cast(value ->> 0 as bigint) as until, cast(value ->> 1 as bigint) as unsent, \
          cast(value ->> 2 as bigint) as number, cast(value ->> 3 as bigint) as number_of_claim from json_rows($1)) held \
          where push_deliveries.seq = held.number and push_deliveries.fence = held.number_of_claim \
          and push_deliveries.state = 'pending'",
};

/// Marks what nobody may send any more, in lanes that rest or wait for their turn; says by provider how much that was.
pub fn expire(tx: &mut Tx<'_>, now: Timestamp) -> Result<Vec<(String, PushEvent)>, Refusal> {
    let mut expired = Vec::new();
    for lane in lanes(tx)? {
        for urgency in 0..URGENCIES {
            let urgency = u32::try_from(urgency).unwrap_or(u32::MAX);
            // Those that are claimed are settled by whoever holds them, or found here when the lease is over.
            expired.extend(tx.query(
                "update push_deliveries set state = 'expired', reason = coalesce(reason, 'expired'), changed_at = $1 \
                 where seq in (select seq from push_deliveries where state = 'pending' and lane = $2 and urgency = $3 \
                 and due_at <= $1 and expires_at <= $1 and leased_to <= $1 limit 1000 for update skip locked) \
                 returning provider, event",
                &[&now, &lane, &urgency],
                |row| Ok((row.get(0)?, column_word(row, 1)?)),
            )?);
        }
    }
    Ok(expired)
}
