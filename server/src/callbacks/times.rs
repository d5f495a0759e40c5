//! Times: promising one, entering the line for it, and keeping out of closed hours.

use super::admission::may_call;
use super::model::{Input, Position};
use super::record::{Record, Seat, apply, later};
use crate::app::Effects;
use crate::centre::Centre;
use crate::push::outbox::{self, News};
use crate::push::texts::TextKey;
use crate::push::watch;
use crate::refusal::Refusal;
use crate::schedule::bookings;
use crate::schedule::wall::Chosen;
use crate::services::policy::AtClose;
use crate::storage::Tx;
use ringback_core::protocol::{ProblemCode, PushEvent, ScheduledTime, Timestamp, WallTime};

/// The longest a scheduled callback goes without a look at how long its line takes, in seconds.
const LOOK_ROUND_S: i64 = 60;

/// What a scheduled callback does when it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Its time is too long past.
    Expire,
    /// It enters the line, at the place of somebody who asked then.
    Enter {
        /// As if asked for at this instant.
        since: Timestamp,
    },
    /// It is too early; look again then.
    Again {
        /// When.
        at: Timestamp,
    },
}

/// Whether it is time to enter the line: as long before the promised time as the line takes now, at most `lead_max_s`.
fn look(now: Timestamp, promised: Timestamp, expires_at: Timestamp, wait_s: u32, lead_max_s: u32) -> Look {
    if expires_at <= now {
        return Look::Expire;
    }
    let enters = before(promised, i64::from(wait_s.min(lead_max_s)));
    if enters <= now {
        // After a time without a server it stands where it would stand.
        return Look::Enter { since: enters };
    }
    let first = before(promised, i64::from(lead_max_s));
    let again = if first > now { first } else { enters.min(after(now, LOOK_ROUND_S)) };
    Look::Again { at: again }
}

fn before(at: Timestamp, seconds: i64) -> Timestamp {
    after(at, -seconds)
}

fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(at)
}

/// Looks at a scheduled callback: is it time?
pub(super) fn look_at(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    record: &mut Record,
    now: Timestamp,
) -> Result<(), Refusal> {
    let promised =
        record.scheduled.as_ref().ok_or(Refusal::Damaged("a scheduled callback without a time"))?.at;
    let remind_at = remind_at(record, promised);
    if remind_at.is_some_and(|at| is_due(at, record.not_before, promised, now)) {
        remind(tx, effects, record, promised, None, now)?;
    }
    let wait_s = centre.board.median_wait_s(&record.queue_id, &record.requirement_id, now).unwrap_or(0);
    match look(now, promised, record.expires_at, wait_s, record.policy.lead_max_s) {
        Look::Expire => apply(tx, effects, record, Input::Expire, "system", now),
        Look::Enter { since } => {
            record.stand_at(since);
            // Nobody looks at it for the sake of a reminder while it is in line.
            if remind_at.is_some_and(|at| at > now) {
                remind(tx, effects, record, promised, remind_at, now)?;
            }
            // In line it may come first; it is called at its time and not before.
            record.not_before = (promised > now).then_some(promised);
            apply(tx, effects, record, Input::Enter, "system", now)?;
            watch::start_at_entry(tx, effects, centre, record, now)
        }
        Look::Again { at } => {
            let at = remind_at.filter(|remind_at| *remind_at > now).map_or(at, |remind_at| at.min(remind_at));
            record.not_before = Some(at);
            tx.execute(
                "update callbacks set not_before = $1, due_at = $2 where id = $3",
                &[&at, &record.due_at(), &record.id],
            )?;
            effects.clock = true;
            Ok(())
        }
    }
}

/// When the person is reminded of a promised time.
fn remind_at(record: &Record, promised: Timestamp) -> Option<Timestamp> {
    record.policy.push.reminder_before_s.map(|seconds| before(promised, seconds.into()))
}

/// Whether the person is to be reminded at this look: the moment has come since the look before, which was planned for
/// that moment at the latest. A time that was chosen when the moment was over is looked at after it only.
fn is_due(remind_at: Timestamp, planned: Option<Timestamp>, promised: Timestamp, now: Timestamp) -> bool {
    planned.is_some_and(|planned| planned <= remind_at) && remind_at <= now && now < promised
}

/// Reminds the person of a promised time, now or at a later moment.
fn remind(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &Record,
    promised: Timestamp,
    from: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let news = News {
        event: PushEvent::CallbackReminder,
        occasion: promised.as_microsecond(),
        text: TextKey::CallbackReminder,
        from,
        until: Some(promised),
    };
    outbox::enqueue(tx, effects, record, &news, now)
}

/// Promises a call at a time the person chose: checks it, takes a seat, and sets the record's times. The seat the record
/// held before is given back.
pub(super) fn promise(
    tx: &mut Tx<'_>,
    centre: &Centre,
    record: &mut Record,
    wall_time: &WallTime,
    now: Timestamp,
) -> Result<(), Refusal> {
    let setup = centre.setup(tx)?;
    let service = setup.service_of_id(&record.service_id)?;
    let timetable =
        service.timetable.as_ref().ok_or_else(|| Refusal::plain(ProblemCode::ScheduledNotOffered))?;
    give_up_seat(tx, record)?;
    let promised = timetable.promise(tx, wall_time, now)?;
    let Chosen { at, local, zone } = promised.chosen;
    let time = ScheduledTime { at, local, zone, local_now: None };
    let first_look = before(time.at, i64::from(record.policy.lead_max_s)).max(now);
    // Whoever chooses a time that is nearer than the reminder needs none.
    let first_look =
        remind_at(record, time.at).filter(|at| *at > now).map_or(first_look, |at| first_look.min(at));
    record.not_before = Some(first_look);
    record.expires_at = later(time.at, record.policy.late_max_s)?;
    record.seat = Some(Seat { capacity_rule_id: promised.capacity_rule_id, slot_start: promised.slot_start });
    record.scheduled = Some(time);
    Ok(())
}

/// Gives back the seat a record holds.
pub(super) fn give_up_seat(tx: &mut Tx<'_>, record: &mut Record) -> Result<(), Refusal> {
    match record.seat.take() {
        Some(seat) if record.at.is_waiting() => {
            Ok(bookings::release(tx, &seat.capacity_rule_id, seat.slot_start)?)
        }
        _ => Ok(()),
    }
}

/// The person, or the contact centre, chooses another time, or "now".
pub fn reschedule(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    record: &mut Record,
    scheduled_for: Option<&WallTime>,
    (actor, now): (&str, Timestamp),
) -> Result<(), Refusal> {
    match scheduled_for {
        Some(wall_time) => promise(tx, centre, record, wall_time, now)?,
        None => {
            give_up_seat(tx, record)?;
            record.scheduled = None;
            record.not_before = None;
            record.expires_at = later(now, record.policy.expires_after_s)?;
            if record.at == Position::Scheduled {
                // Whoever was in line already keeps the place.
                record.stand_at(now);
            }
        }
    }
    let was = record.at;
    apply(tx, effects, record, Input::Reschedule { now: scheduled_for.is_none() }, actor, now)?;
    if was == Position::Scheduled {
        watch::start_at_entry(tx, effects, centre, record, now)?;
    }
    Ok(())
}

/// When nobody may be called because the service is closed, puts its line aside until it opens, or ends this callback, as
/// the service wants; `false` when calls may be made.
pub(crate) fn sleep_while_closed(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    record: &Record,
    now: Timestamp,
) -> Result<bool, Refusal> {
    let setup = centre.setup(tx)?;
    let service = setup.service_of_id(&record.service_id)?;
    if may_call(service, now) {
        return Ok(false);
    }
    let opens_at = service.calendar.as_ref().and_then(|calendar| calendar.opens_at(now));
    match opens_at.filter(|_| service.policy.at_close == AtClose::Hold) {
        Some(opens_at) => {
            tx.execute(
                "update callbacks set not_before = $1, \
                 due_at = case when expires_at is not null and expires_at < $1 then expires_at else $1 end \
                 where service_id = $2 and state = 'queued' and not_before is null",
                &[&opens_at, &record.service_id],
            )?;
            effects.clock = true;
        }
        None => {
            let mut record = record.clone();
            apply(tx, effects, &mut record, Input::Expire, "system", now)?;
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn it_enters_as_long_before_its_time_as_the_line_takes() {
        let look = |now, wait_s| look(at(now), at(10_000), at(13_600), wait_s, 1800);
        assert_eq!(look(5_000, 600), Look::Again { at: at(8_200) }, "not before the longest lead");
        assert_eq!(look(8_200, 600), Look::Again { at: at(8_260) }, "the wait may change");
        assert_eq!(look(9_380, 600), Look::Again { at: at(9_400) });
        assert_eq!(look(9_400, 600), Look::Enter { since: at(9_400) });
        assert_eq!(look(8_200, 7_200), Look::Enter { since: at(8_200) }, "the lead is bounded");
        assert_eq!(look(9_999, 0), Look::Again { at: at(10_000) });
        assert_eq!(look(10_000, 0), Look::Enter { since: at(10_000) });
    }

    #[test]
    fn after_an_hour_without_a_server_it_has_its_old_place_or_is_over() {
        assert_eq!(look(at(13_000), at(10_000), at(13_600), 600, 1800), Look::Enter { since: at(9_400) });
        assert_eq!(look(at(13_600), at(10_000), at(13_600), 600, 1800), Look::Expire);
    }

    #[test]
    fn a_reminder_is_due_once_even_when_nobody_looked_in_time() {
        let due = |planned: i64, now| is_due(at(1000), Some(at(planned)), at(1600), at(now));
        assert!(due(1000, 1000) && due(1000, 1004), "as planned, and a little late");
        assert!(due(940, 1200), "a look before it was planned, and nobody was there");
        assert!(!due(940, 940), "too early");
        assert!(!due(1004, 1060), "the look after the reminder");
        assert!(!due(1000, 1600), "the time itself has come");
    }

    proptest! {
        /// Each look leads on: to the line, to the end, or to a later look that is not after the promised time.
        #[test]
        fn looking_never_stands_still(
            now in 0..200_000_i64, promised in 0..100_000_i64, wait_s in 0..20_000_u32, lead_max_s in 0..14_400_u32,
        ) {
            match look(at(now), at(promised), at(promised + 3600), wait_s, lead_max_s) {
                Look::Again { at: again } => {
                    prop_assert!(again > at(now) && again <= at(promised));
                }
                Look::Enter { since } => prop_assert!(since <= at(now) && since >= at(promised - i64::from(lead_max_s))),
                Look::Expire => prop_assert!(now >= promised + 3600),
            }
        }
    }
}
