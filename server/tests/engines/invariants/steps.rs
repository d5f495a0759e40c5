//! What can happen.

use super::centre::{AGENTS, House, INSTALLATIONS, QUEUES, SERVICES};
use proptest::prelude::*;
use ringback_core::protocol::{
    CallbackRequest, ConfirmAnswer, ConfirmRequest, ContextValue, PhoneNumber, WallTime,
};
use ringback_server::call_in::{InboundCaller, called_in};
use ringback_server::callbacks::deadlines;
use ringback_server::callbacks::model::{DialResult, Disposition, Input};
use ringback_server::callbacks::{self, Completion, NewCallback, find_for_update};
use ringback_server::refusal::Refusal;
use ringback_server::routing::agents::{self, ChosenState};
use ringback_server::routing::matcher;
use ringback_server::storage::Tx;

const NUMBERS: [&str; 4] = ["+4930901820", "+4930901821", "+442079460018", "+14155552671"];
const RESULTS: [DialResult; 7] = [
    DialResult::Connected,
    DialResult::Busy,
    DialResult::NoAnswer,
    DialResult::Machine,
    DialResult::Fax,
    DialResult::Failed,
    DialResult::Rejected,
];

const ANSWER: u8 = 27;
const DECIDE: u8 = 28;
const RESULT: u8 = 29;
const FINISH: u8 = 30;

/// One thing that happens; the numbers choose among what there is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    what: u8,
    which: u8,
    how: u8,
}

impl Arbitrary for Step {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        (0..48_u8, any::<u8>(), any::<u8>()).prop_map(|(what, which, how)| Self { what, which, how }).boxed()
    }
}

/// A time that is sometimes free, sometimes full, closed or past.
fn wall_time(how: u8) -> WallTime {
    let (day, hour, minute) = (23 + how % 3, 8 + (how / 3) % 11, 30 * (how % 2));
    WallTime {
        local: format!("2026-11-{day}T{hour:02}:{minute:02}"),
        zone: "Europe/Berlin".to_owned(),
        fold: None,
    }
}

/// One of a few, those first that are furthest along: most of what happens, happens to them.
fn any_callback(tx: &mut Tx<'_>, which: u8) -> Result<Option<(String, String)>, Refusal> {
    let open = tx.query(
        "select id, installation_id from callbacks order by case state when 'processing' then 0 when 'routing' then 1 \
         when 'completed' then 3 else 2 end, id desc limit 6",
        &[],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let count = open.len().max(1);
    Ok(open.into_iter().nth(usize::from(which) % count))
}

impl House {
    /// Lets one thing happen; an error is a fault, never a refusal.
    pub(crate) async fn take(&mut self, step: Step) -> Result<(), Refusal> {
        let Step { what, which, how } = step;
        match what {
            0..5 => self.request(which, how).await,
            5..9 => {
                // Mostly forward, sometimes a clock is put back.
                self.pass(if how.is_multiple_of(16) {
                    -30
                } else {
                    i64::from(how) * i64::from(which % 8 + 1)
                });
                Ok(())
            }
            9..13 => self.settle().await,
            13..17 => self.choose(which, how).await,
            17..23 => self.matched(which, how).await,
            23..32 => self.callback(what, which, how).await,
            // Agents and phone engines get on with it.
            32..36 => self.callback(ANSWER, which, how | 7).await,
            36..39 => self.callback(DECIDE, which, how | 1).await,
            39..43 => self.callback(RESULT, which, how).await,
            43..45 => self.callback(FINISH, which, how).await,
            45 => {
                let caller =
                    InboundCaller { caller_number: PhoneNumber::new(NUMBERS[usize::from(which) % 4]) };
                self.change(move |tx, effects, centre, now| {
                    called_in(tx, effects, centre, &caller, "staff", now).map(drop)
                })
                .await
                .map(drop)
            }
            _ => self.dial().await,
        }
    }

    async fn request(&self, which: u8, how: u8) -> Result<(), Refusal> {
        let service = SERVICES[usize::from(which) % SERVICES.len()];
        let mut request = CallbackRequest::new(service, NUMBERS[usize::from(how) % NUMBERS.len()]);
        if which.is_multiple_of(3) {
            request.scheduled_for = Some(wall_time(how));
        }
        if which.is_multiple_of(5) {
            request.skills = [("billing".to_owned(), u32::from(how % 4))].into();
        }
        request.priority = (how.is_multiple_of(7)).then_some(u32::from(how % 12));
        request.context = [("cart".to_owned(), ContextValue::from("17"))].into();
        let owner = INSTALLATIONS[usize::from(which / 8) % 2].to_owned();
        let Ok(new) = NewCallback::check(owner, None, request) else { return Ok(()) };
        let made = self.change(move |tx, effects, centre, now| {
            callbacks::create(tx, effects, centre, &new, now).map(drop)
        });
        made.await.map(drop)
    }

    /// Everything whose time has come.
    async fn settle(&self) -> Result<(), Refusal> {
        let now = self.now;
        for due in self.storage.read(move |tx| deadlines::due(tx, now)).await? {
            self.change(move |tx, effects, centre, now| deadlines::handle(tx, effects, centre, &due, now))
                .await?;
        }
        Ok(())
    }

    async fn choose(&self, which: u8, how: u8) -> Result<(), Refusal> {
        let agent = AGENTS[usize::from(which) % AGENTS.len()];
        let chosen = match how % 5 {
            0 => ChosenState::Offline,
            1 => ChosenState::NotReady,
            _ => ChosenState::Ready,
        };
        let moved = self.change(move |tx, effects, _, now| {
            let id = agents::id_of(tx, agent)?;
            agents::choose_state(tx, effects, &id, (chosen, Some("lunch")), "staff", now)
        });
        moved.await.map(drop)
    }

    async fn matched(&self, which: u8, how: u8) -> Result<(), Refusal> {
        let matched = self.change(move |tx, effects, centre, now| {
            if how.is_multiple_of(2) {
                let id = agents::id_of(tx, AGENTS[usize::from(which) % AGENTS.len()])?;
                return matcher::reserve_for_agent(tx, effects, centre, &id, now);
            }
            let name = QUEUES[usize::from(which) % QUEUES.len()];
            let queue: String =
                tx.query_one("select id from queues where name = $1", &[&name], |row| row.get(0))?;
            matcher::reserve(tx, effects, centre, &queue, now)
        });
        matched.await.map(drop)
    }

    /// The dialer marks what is confirmed.
    async fn dial(&self) -> Result<(), Refusal> {
        let dialed = self.change(|tx, effects, _, now| {
            let confirmed: Option<String> = tx.query_opt(
                "select id from callbacks where phase = 'confirmed' order by changed_at limit 1",
                &[],
                |row| row.get(0),
            )?;
            let Some(id) = confirmed else { return Ok(()) };
            let mut record = find_for_update(tx, &id)?;
            callbacks::apply(tx, effects, &mut record, Input::Dial, "system", now)
        });
        dialed.await.map(drop)
    }

    async fn callback(&self, what: u8, which: u8, how: u8) -> Result<(), Refusal> {
        let done = self.change(move |tx, effects, centre, now| {
            let Some((id, owner)) = any_callback(tx, which)? else { return Ok(()) };
            let own = (owner.as_str(), id.as_str());
            match what {
                23 => callbacks::cancel_own(tx, effects, centre, own, now).map(drop),
                24 => {
                    callbacks::snooze_own(tx, effects, centre, own, 60 + u32::from(how) * 10, now).map(drop)
                }
                25 => {
                    let time = (!how.is_multiple_of(4)).then(|| wall_time(how));
                    callbacks::reschedule_own(tx, effects, centre, own, time.as_ref(), now).map(drop)
                }
                26 => {
                    let number = PhoneNumber::new(NUMBERS[usize::from(how) % NUMBERS.len()]);
                    callbacks::change_number_own(tx, effects, centre, own, &number, now).map(drop)
                }
                ANSWER => {
                    let answer = match how % 6 {
                        0 => ConfirmAnswer::Cancel,
                        1 => ConfirmAnswer::Snooze { delay_s: 60 + u32::from(how) },
                        2 => ConfirmAnswer::OtherNumber { number: PhoneNumber::new(NUMBERS[1]) },
                        _ => ConfirmAnswer::Ready,
                    };
                    let request = ConfirmRequest { answer, action_token: None };
                    callbacks::answer(tx, effects, centre, own, &request, now).map(drop)
                }
                DECIDE => {
                    let mut record = find_for_update(tx, &id)?;
                    if how.is_multiple_of(3) {
                        callbacks::pass(tx, effects, &mut record, "agent", now)
                    } else {
                        callbacks::accept(tx, effects, &mut record, "agent", now)
                    }
                }
                RESULT => {
                    let mut record = find_for_update(tx, &id)?;
                    // Every other call is answered.
                    let result = if how.is_multiple_of(2) {
                        DialResult::Connected
                    } else {
                        RESULTS[usize::from(how) % 7]
                    };
                    callbacks::report(tx, effects, &mut record, result, "agent", now)
                }
                FINISH => {
                    let mut record = find_for_update(tx, &id)?;
                    let disposition = match how % 6 {
                        0 => Disposition::WrongPerson,
                        1 => Disposition::Reschedule,
                        2 => Disposition::Cancel,
                        _ => Disposition::Handled,
                    };
                    let scheduled_for = (disposition == Disposition::Reschedule).then(|| wall_time(how));
                    let said = Completion { disposition, note: None, scheduled_for };
                    callbacks::finish(tx, effects, centre, &mut record, &said, ("agent", now))
                }
                _ if how.is_multiple_of(2) => {
                    let mut record = find_for_update(tx, &id)?;
                    callbacks::apply(tx, effects, &mut record, Input::PushAccepted, "system", now)
                }
                _ => callbacks::cancel_by_staff(tx, effects, centre, &id, "staff", now).map(drop),
            }
        });
        done.await.map(drop)
    }
}
