//! What the owner of a callback does with it. Somebody else's callback does not exist (I6).

use super::create::{already_open, snooze_until};
use super::model::Input;
use super::record::{self, Record, apply, find_for_update, later, moved_on, not_found, select_callback};
use super::times;
use crate::app::Effects;
use crate::call_in;
use crate::centre::Centre;
use crate::push::{action, outbox};
use crate::refusal::Refusal;
use crate::rules::check_number;
use crate::services::policy::Place;
use crate::storage::{Tx, Vault};
use ringback_core::protocol::{
    Callback, CallbackList, ConfirmAnswer, ConfirmRequest, Confirmation, Direction, PhoneNumber, ProblemCode,
    Timestamp, WallTime,
};

const ACTOR: &str = "customer";
const PAGE: usize = 50;

/// One callback of an installation.
pub fn show_own(
    tx: &mut Tx<'_>,
    centre: &Centre,
    installation_id: &str,
    id: &str,
    now: Timestamp,
) -> Result<Callback, Refusal> {
    find_own(tx, installation_id, id)?.own_view(tx, centre, now)
}

/// An installation's callbacks, newest first.
pub fn list_own(
    tx: &mut Tx<'_>,
    centre: &Centre,
    installation_id: &str,
    after: Option<&str>,
    now: Timestamp,
) -> Result<CallbackList, Refusal> {
    // Ids rise with time; `~` comes after every id.
    let rows = tx.query(
        select_callback!("where c.installation_id = $1 and c.id < $2 order by c.id desc limit 51"),
        &[&installation_id, &after.unwrap_or("~")],
        record::record,
    )?;
    let more = rows.len() > PAGE;
    let mut callbacks = Vec::with_capacity(PAGE);
    for row in rows.into_iter().take(PAGE) {
        callbacks.push(row.own_view(tx, centre, now)?);
    }
    let next = callbacks.last().filter(|_| more).map(|last| last.id.clone());
    Ok(CallbackList { callbacks, next })
}

/// The owner takes it back.
pub fn cancel_own(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    (installation_id, id): (&str, &str),
    now: Timestamp,
) -> Result<Callback, Refusal> {
    let mut record = own(installation_id, find_for_update(tx, id)?)?;
    apply(tx, effects, &mut record, Input::Cancel { by_staff: false }, ACTOR, now)?;
    record.own_view(tx, centre, now)
}

/// The owner wants to be left alone for a while, in line or when asked.
pub fn snooze_own(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    (installation_id, id): (&str, &str),
    delay_s: u32,
    now: Timestamp,
) -> Result<Callback, Refusal> {
    let mut record = own(installation_id, find_for_update(tx, id)?)?;
    snooze(tx, effects, &mut record, (delay_s, "delay_s"), now)?;
    record.own_view(tx, centre, now)
}

fn snooze(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &mut Record,
    (delay_s, field): (u32, &str),
    now: Timestamp,
) -> Result<(), Refusal> {
    let until = snooze_until(now, delay_s, field)?;
    record.not_before = Some(until);
    if record.policy.snooze_place == Place::End {
        record.stand_at(until);
    }
    // Who sleeps past the end would wake up to nothing.
    record.expires_at = record.expires_at.max(later(until, record.policy.expires_after_s)?);
    apply(tx, effects, record, Input::Snooze, ACTOR, now)
}

/// The owner chooses another time, or "now".
pub fn reschedule_own(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    (installation_id, id): (&str, &str),
    scheduled_for: Option<&WallTime>,
    now: Timestamp,
) -> Result<Callback, Refusal> {
    let mut record = own(installation_id, find_for_update(tx, id)?)?;
    times::reschedule(tx, effects, centre, &mut record, scheduled_for, (ACTOR, now))?;
    record.own_view(tx, centre, now)
}

/// The owner wants to be called on another number.
pub fn change_number_own(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    (installation_id, id): (&str, &str),
    number: &PhoneNumber,
    now: Timestamp,
) -> Result<Callback, Refusal> {
    let mut record = own(installation_id, find_for_update(tx, id)?)?;
    change_number(tx, centre, &record, number)?;
    apply(tx, effects, &mut record, Input::ChangeNumber, ACTOR, now)?;
    record.own_view(tx, centre, now)
}

/// The owner answers "are you ready?". The first answer counts: it spends the action tokens of all devices.
pub fn answer(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    (installation_id, id): (&str, &str),
    request: &ConfirmRequest,
    now: Timestamp,
) -> Result<Confirmation, Refusal> {
    let vault = &centre.vault;
    let mut record = own(installation_id, find_for_update(tx, id)?)?;
    let token = request.action_token.as_ref();
    let answered_by = token.map(|token| action::check(tx, vault, token, &record, now)).transpose()?;
    let confirm_by = record.phase_by.filter(|_| record.at.is_asking()).ok_or_else(|| moved_on(&record))?;
    if confirm_by <= now {
        return Err(Refusal::plain(ProblemCode::ConfirmExpired));
    }
    action::spend(tx, &record, answered_by.as_deref(), now)?;
    outbox::withdraw(tx, effects, &record, answered_by.as_deref(), now)?;
    let mut ticket = None;
    match &request.answer {
        ConfirmAnswer::Ready => ready(tx, effects, vault, &mut record, &mut ticket, now)?,
        ConfirmAnswer::OtherNumber { number } => {
            change_number(tx, centre, &record, number)?;
            ready(tx, effects, vault, &mut record, &mut ticket, now)?;
        }
        ConfirmAnswer::Snooze { delay_s } => {
            snooze(tx, effects, &mut record, (*delay_s, "answer.snooze.delay_s"), now)?;
        }
        ConfirmAnswer::Cancel => {
            apply(tx, effects, &mut record, Input::Cancel { by_staff: false }, ACTOR, now)?;
        }
    }
    Ok(Confirmation { callback: record.own_view(tx, centre, now)?, ticket })
}

fn ready(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    vault: &Vault,
    record: &mut Record,
    ticket: &mut Option<ringback_core::protocol::CallTicket>,
    now: Timestamp,
) -> Result<(), Refusal> {
    apply(tx, effects, record, Input::Ready, ACTOR, now)?;
    if record.direction == Direction::CustomerOriginated {
        // The customer dials: the answer to "ready" is what to dial.
        *ticket = Some(call_in::issue_for_callback(tx, effects, vault, record, now)?);
        apply(tx, effects, record, Input::Dial, ACTOR, now)?;
    }
    Ok(())
}

/// Has another number called, which passes the same rules as the first.
fn change_number(
    tx: &mut Tx<'_>,
    centre: &Centre,
    record: &Record,
    number: &PhoneNumber,
) -> Result<(), Refusal> {
    let setup = centre.setup(tx)?;
    let service = setup.service_of_id(&record.service_id)?;
    let number =
        check_number(&service.rule_sets, service.default_country, number.expose()).into_number("number")?;
    let hash = centre.vault.lookup("number", number.e164.expose());
    let places = tx.query(
        "select open_place from callbacks where service_id = $1 and number_hash = $2 and state <> 'completed' \
         and id <> $3",
        &[&record.service_id, &hash, &record.id],
        |row| row.get::<u32>(0),
    )?;
    let free = (0..service.policy.limits.open_per_number).find(|place| !places.contains(place));
    let Some(open_place) = free else {
        return Err(already_open(tx, &record.service_id, &hash, &record.installation_id)?);
    };
    let sealed = centre.vault.seal(number.e164.expose().as_bytes(), "callbacks.number")?;
    tx.execute(
        "update callbacks set number_hash = $1, number_sealed = $2, open_place = $3 where id = $4",
        &[&hash, &sealed, &open_place, &record.id],
    )?;
    Ok(())
}

/// One of an installation's callbacks, as it is stored.
pub(crate) fn find_own(tx: &mut Tx<'_>, installation_id: &str, id: &str) -> Result<Record, Refusal> {
    own(installation_id, record::find(tx, id)?)
}

fn own(installation_id: &str, record: Record) -> Result<Record, Refusal> {
    if record.installation_id == installation_id { Ok(record) } else { Err(not_found()) }
}
