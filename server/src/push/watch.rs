//! Watching lines for those who wait elsewhere: "you will be called soon", its correction, and Live Activities. The lines
//! are looked at every other second; whoever is told is told under the row's lock, so that many nodes tell once.

use super::content::{ActivityEvent, ActivityState, Content};
use super::outbox::{self, News};
use super::texts::TextKey;
use crate::app::{App, Effects};
use crate::callbacks::model::Position;
use crate::callbacks::{Record, find, find_for_update};
use crate::centre::Centre;
use crate::clock::now;
use crate::line::place_of;
use crate::refusal::Refusal;
use crate::storage::Tx;
use crate::wait::damp::{Told, tell};
use jiff::SignedDuration;
use ringback_core::protocol::{PushEvent, Timestamp, WaitEstimate, WaitStatus};
use std::collections::BTreeMap;
use std::time::Duration;

const LOOK_ROUND: Duration = Duration::from_secs(2);
/// So many at the head of each line are looked at: whoever is further back is not called soon.
const HEAD: i64 = 200;
/// So many Live Activities are looked at in a round; the next round goes on behind them.
const ACTIVITIES: i64 = 500;
/// An activity that shows a wait is shown anew after so long at the latest, before it calls itself out of date.
const REFRESH_S: i64 = 90;
/// Whoever was told is not told otherwise for so long.
const CALM: SignedDuration = SignedDuration::from_secs(60);
/// "Soon" is said, corrected, and said again. Then nothing more.
const MOST_TOLD: u32 = 3;
/// A callback may be committed so long after its id was made.
const LATE: SignedDuration = SignedDuration::from_secs(10);

/// Watches, until the server stops.
pub async fn run(app: App) {
    let mut since = now();
    let mut seen_to = String::new();
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(LOOK_ROUND) => {}
        }
        let looked_at = now();
        let looks = [
            ("lines", look_at_lines(&app).await),
            ("activities", look_at_activities(&app, &mut seen_to).await),
            ("new activities", start_activities(&app, since).await),
        ];
        for (what, looked) in looks {
            if let Err(error) = looked {
                tracing::warn!(what, %error, "what is told of waiting cannot be looked at; it is tried again");
            }
        }
        since = looked_at.checked_sub(LATE).unwrap_or(looked_at);
    }
}

/// How near a call is, as far as people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nearness {
    Near,
    /// Neither one nor the other: what was said stands.
    Between,
    Far,
}

/// A wait is near at the threshold, and far again only half as much beyond it.
fn nearness(wait: &WaitEstimate, below_s: u32) -> Nearness {
    match (wait.status, wait.p50_s) {
        (WaitStatus::Estimated, Some(p50_s)) if p50_s <= below_s => Nearness::Near,
        (WaitStatus::Estimated, Some(p50_s)) if p50_s > below_s + below_s / 2 + 30 => Nearness::Far,
        (WaitStatus::NoAgents, _) => Nearness::Far,
        _ => Nearness::Between,
    }
}

/// What is said of a wait, given how often something was said: the first time and every other time "soon", between them
/// the correction.
fn to_tell(told: u32, nearness: Nearness) -> Option<TextKey> {
    match (told % 2, nearness) {
        _ if told >= MOST_TOLD => None,
        (0, Nearness::Near) => Some(TextKey::CallbackUpcoming),
        (1, Nearness::Far) => Some(TextKey::CallbackDelayed),
        _ => None,
    }
}

/// A callback at the head of its line.
struct InLine {
    id: String,
    service_id: String,
    told: u32,
    /// Whether it may be told anything now.
    hears: bool,
}

async fn look_at_lines(app: &App) -> Result<(), Refusal> {
    let centre = app.centre.clone();
    let telling = app.storage.read(move |tx| whom_to_tell(tx, &centre, now())).await?;
    for (id, told) in telling {
        let centre = app.centre.clone();
        app.change(move |tx, effects| tell_one(tx, effects, &centre, (&id, told), now())).await?;
    }
    Ok(())
}

/// Whom to tell something, and how often each was told.
fn whom_to_tell(tx: &mut Tx<'_>, centre: &Centre, now: Timestamp) -> Result<Vec<(String, u32)>, Refusal> {
    let mut telling = Vec::new();
    for requirement_id in centre.board.lines_with_people() {
        let head = tx.query(
            "select id, service_id, upcoming_told, upcoming_at, scheduled_at from callbacks where requirement_id = $1 \
             and state = 'queued' and not_before is null order by rank_us, id limit $2",
            &[&requirement_id, &HEAD],
            |row| {
                let calm = row.get::<Option<Timestamp>>(3)?.is_some_and(|at| is_calm(at, now));
                // A promised time is a matter of reminders.
                let hears = !calm && row.get::<Option<Timestamp>>(4)?.is_none();
                Ok(InLine { id: row.get(0)?, service_id: row.get(1)?, told: row.get(2)?, hears })
            },
        )?;
        // Each service has its own idea of "soon".
        let mut by_service: BTreeMap<&str, Vec<&InLine>> = BTreeMap::new();
        for one in &head {
            by_service.entry(&one.service_id).or_default().push(one);
        }
        for line in by_service.values().filter(|line| line.iter().any(|one| one.hears)) {
            // A line is in order, so where it is near ends once, and so does where it is not far.
            let near = boundary(line, |one| Ok(how_near(tx, centre, &one.id, now)? == Nearness::Near))?;
            let not_far = boundary(line, |one| Ok(how_near(tx, centre, &one.id, now)? != Nearness::Far))?;
            for (index, one) in line.iter().enumerate() {
                let nearness = match index {
                    _ if index < near => Nearness::Near,
                    _ if index < not_far => Nearness::Between,
                    _ => Nearness::Far,
                };
                if one.hears && to_tell(one.told, nearness).is_some() {
                    telling.push((one.id.clone(), one.told));
                }
            }
        }
    }
    Ok(telling)
}

fn is_calm(told_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(told_at) < CALM
}

/// How many at the beginning hold, when all that hold come first.
fn boundary<T>(items: &[T], mut holds: impl FnMut(&T) -> Result<bool, Refusal>) -> Result<usize, Refusal> {
    let (mut from, mut to) = (0, items.len());
    while from < to {
        let middle = from.midpoint(to);
        if holds(&items[middle])? {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    Ok(from)
}

fn how_near(tx: &mut Tx<'_>, centre: &Centre, id: &str, now: Timestamp) -> Result<Nearness, Refusal> {
    let record = find(tx, id)?;
    let Some(below_s) = record.policy.push.upcoming_below_s else { return Ok(Nearness::Between) };
    Ok(nearness(&place_of(tx, centre, &record, now)?.wait, below_s))
}

/// Tells one person, if it is still so under the lock.
fn tell_one(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    (id, told): (&str, u32),
    now: Timestamp,
) -> Result<(), Refusal> {
    let record = find_for_update(tx, id)?;
    let (now_told, told_at, promise) = tx.query_one(
        "select upcoming_told, upcoming_at, promise from callbacks where id = $1",
        &[&id],
        |row| Ok((row.get::<u32>(0)?, row.get::<Option<Timestamp>>(1)?, row.get::<Option<String>>(2)?)),
    )?;
    let calm = told_at.is_some_and(|at| is_calm(at, now));
    let waits = record.at == Position::Queued && record.not_before.is_none() && record.scheduled.is_none();
    if now_told != told || !waits || calm {
        return Ok(());
    }
    let Some(below_s) = record.policy.push.upcoming_below_s else { return Ok(()) };
    let place = place_of(tx, centre, &record, now)?;
    let Some(text) = to_tell(told, nearness(&place.wait, below_s)) else { return Ok(()) };
    let told = told + 1;
    tx.execute(
        "update callbacks set upcoming_told = $1, upcoming_at = $2 where id = $3",
        &[&told, &now, &id],
    )?;
    if told == 1 && was_promised_soon(promise.as_deref(), below_s) {
        // Said in the answer to the request; only if it turns out wrong there is more to say.
        return Ok(());
    }
    let news =
        News { event: PushEvent::CallbackUpcoming, occasion: told.into(), text, from: None, until: None };
    outbox::enqueue(tx, effects, &record, &news, now)
}

fn was_promised_soon(promise: Option<&str>, below_s: u32) -> bool {
    let promise = promise.and_then(|promise| serde_json::from_str::<WaitEstimate>(promise).ok());
    promise.is_some_and(|wait| nearness(&wait, below_s) == Nearness::Near)
}

/// A Live Activity that is shown somewhere.
#[derive(Clone)]
struct Activity {
    device_id: String,
    lane: String,
    callback_id: String,
}

/// Looks at the next activities behind `seen_to`, or at the first again.
async fn look_at_activities(app: &App, seen_to: &mut String) -> Result<(), Refusal> {
    let after = seen_to.clone();
    let activities = app
        .storage
        .read(move |tx| {
            Ok::<_, Refusal>(tx.query(
                "select id, lane, name from devices where channel = 'activity' and state = 'active' and id > $1 \
                 order by id limit $2",
                &[&after, &ACTIVITIES],
                |row| Ok(Activity { device_id: row.get(0)?, lane: row.get(1)?, callback_id: row.get(2)? }),
            )?)
        })
        .await?;
    let all = activities.len() < usize::try_from(ACTIVITIES).unwrap_or(usize::MAX);
    *seen_to = activities.last().filter(|_| !all).map(|last| last.device_id.clone()).unwrap_or_default();
    for activity in activities {
        let (centre, looked_at) = (app.centre.clone(), activity.clone());
        let news = app.storage.read(move |tx| news_for(tx, &centre, &looked_at, now())).await?;
        if news.is_some() {
            let centre = app.centre.clone();
            app.change(move |tx, effects| show(tx, effects, &centre, &activity, now())).await?;
        }
    }
    Ok(())
}

/// What an activity is to show, if that is anything new.
fn news_for(
    tx: &mut Tx<'_>,
    centre: &Centre,
    activity: &Activity,
    now: Timestamp,
) -> Result<Option<(Record, Content)>, Refusal> {
    let record = find(tx, &activity.callback_id)?;
    let last = tx.query_opt(
        // What ran out before anybody took it was not shown.
        "select content from push_deliveries where device_id = $1 and state <> 'expired' \
         order by created_at desc limit 1",
        &[&activity.device_id],
        |row| row.get::<Option<String>>(0),
    )?;
    let last = match last.flatten().as_deref().and_then(Content::from_json) {
        Some(Content::Activity { state, .. }) => Some(state),
        _ => None,
    };
    let state = state_of(tx, centre, &record, now)?;
    let over = matches!(record.at, Position::Completed(_));
    let event = if over { ActivityEvent::End } else { ActivityEvent::Update };
    let Some(last) = last else { return Ok(Some((record, Content::Activity { event, state }))) };
    let moved = last.state != state.state || last.phase != state.phase;
    let rested_s = now.duration_since(last.at).as_secs();
    let every_s = i64::from(record.policy.push.progress_every_s);
    let fades = state.position.is_some() && rested_s >= REFRESH_S.max(every_s);
    let state = if moved || fades {
        Some(state)
    } else if rested_s >= every_s {
        tell(Some(&told(&last)), &told(&state)).map(|told| ActivityState {
            position: (told.position > 0).then_some(told.position),
            wait_p50_s: told.window_s.map(|window| window[1]),
            wait_p90_s: told.window_s.map(|window| window[2]),
            ..state
        })
    } else {
        None
    };
    Ok(state.map(|state| (record, Content::Activity { event, state })))
}

/// Has an activity shown anew, if it is still so under the lock.
fn show(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    activity: &Activity,
    now: Timestamp,
) -> Result<(), Refusal> {
    find_for_update(tx, &activity.callback_id)?;
    let Some((record, content)) = news_for(tx, centre, activity, now)? else { return Ok(()) };
    outbox::show_progress(tx, effects, &record, (&activity.device_id, &activity.lane), &content, now)?;
    if matches!(content, Content::Activity { event: ActivityEvent::End, .. }) {
        // The last word still goes out: it is on its way already. Nothing follows it.
        tx.execute("update devices set channel = 'activity_ended' where id = $1", &[&activity.device_id])?;
    }
    Ok(())
}

fn told(state: &ActivityState) -> Told {
    Told {
        at_us: state.at.as_microsecond(),
        position: state.position.unwrap_or(0),
        // The activity shows no P10; it moves with the median.
        window_s: state.wait_p50_s.zip(state.wait_p90_s).map(|(p50_s, p90_s)| [p50_s, p50_s, p90_s]),
    }
}

fn state_of(
    tx: &mut Tx<'_>,
    centre: &Centre,
    record: &Record,
    now: Timestamp,
) -> Result<ActivityState, Refusal> {
    let place = match record.at {
        Position::Queued => Some(place_of(tx, centre, record, now)?),
        _ => None,
    };
    Ok(ActivityState {
        state: record.at.state(),
        phase: record.at.phase(),
        position: place.as_ref().map(|place| place.position),
        wait_p50_s: place.as_ref().and_then(|place| place.wait.p50_s),
        wait_p90_s: place.as_ref().and_then(|place| place.wait.p90_s),
        at: now,
    })
}

/// Starts an activity for each new callback in line, on devices that let activities be started by push.
async fn start_activities(app: &App, since: Timestamp) -> Result<(), Refusal> {
    let new = app
        .storage
        .read(move |tx| {
            Ok::<_, Refusal>(tx.query(
                "select v.id, v.lane, c.id from callbacks c join devices v on v.installation_id = c.installation_id \
                 where c.id >= $1 and c.state = 'queued' and v.channel = 'activity_start' and v.state = 'active' \
                 and not exists (select 1 from push_deliveries d where d.callback_id = c.id and d.device_id = v.id) \
                 order by c.id limit $2",
                &[&first_id_of(since), &ACTIVITIES],
                |row| Ok(Activity { device_id: row.get(0)?, lane: row.get(1)?, callback_id: row.get(2)? }),
            )?)
        })
        .await?;
    for activity in new {
        let centre = app.centre.clone();
        app.change(move |tx, effects| {
            let record = find_for_update(tx, &activity.callback_id)?;
            start(tx, effects, &centre, &record, &activity, now())
        })
        .await?;
    }
    Ok(())
}

/// Starts an activity for a callback that comes into line some time after it was made.
pub fn start_at_entry(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    record: &Record,
    now: Timestamp,
) -> Result<(), Refusal> {
    let activities = tx.query(
        "select id, lane from devices where installation_id = $1 and channel = 'activity_start' and state = 'active'",
        &[&record.installation_id],
        |row| Ok(Activity { device_id: row.get(0)?, lane: row.get(1)?, callback_id: record.id.clone() }),
    )?;
    for activity in &activities {
        start(tx, effects, centre, record, activity, now)?;
    }
    Ok(())
}

/// Starts an activity, once on each device.
fn start(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    record: &Record,
    activity: &Activity,
    now: Timestamp,
) -> Result<(), Refusal> {
    let started = tx.query_opt(
        "select 1 from push_deliveries where callback_id = $1 and device_id = $2 limit 1",
        &[&record.id, &activity.device_id],
        |_| Ok(()),
    )?;
    if started.is_some() || record.at != Position::Queued {
        return Ok(());
    }
    let state = state_of(tx, centre, record, now)?;
    let content = Content::Activity { event: ActivityEvent::Start, state };
    outbox::show_progress(tx, effects, record, (&activity.device_id, &activity.lane), &content, now)
}

/// The id that a callback of this moment would have at least: ids begin with their time (RFC 9562, version 7).
fn first_id_of(at: Timestamp) -> String {
    format!("cb_{:012x}", at.as_millisecond().max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(status: WaitStatus, p50_s: Option<u32>) -> WaitEstimate {
        WaitEstimate { status, p10_s: p50_s, p50_s, p90_s: p50_s, confidence: None, opens_at: None }
    }

    #[test]
    fn near_and_far_lie_apart() {
        let at = |p50_s| nearness(&wait(WaitStatus::Estimated, Some(p50_s)), 300);
        assert_eq!([at(0), at(300)], [Nearness::Near; 2]);
        assert_eq!([at(301), at(480)], [Nearness::Between; 2]);
        assert_eq!(at(481), Nearness::Far);
        assert_eq!(nearness(&wait(WaitStatus::NoAgents, None), 300), Nearness::Far);
        assert_eq!(nearness(&wait(WaitStatus::NoData, None), 300), Nearness::Between);
    }

    #[test]
    fn soon_is_said_corrected_said_again_and_left_at_that() {
        let mut told = 0;
        let mut said = Vec::new();
        for nearness in [
            Nearness::Far,
            Nearness::Near,
            Nearness::Near,
            Nearness::Between,
            Nearness::Far,
            Nearness::Far,
            Nearness::Near,
            Nearness::Far,
            Nearness::Near,
        ] {
            if let Some(text) = to_tell(told, nearness) {
                said.push(text);
                told += 1;
            }
        }
        use TextKey::{CallbackDelayed, CallbackUpcoming};
        assert_eq!(said, [CallbackUpcoming, CallbackDelayed, CallbackUpcoming]);
    }

    #[test]
    fn the_boundary_is_where_it_stops_to_hold() {
        let numbers: Vec<u32> = (0..37).collect();
        for limit in 0..=37 {
            assert_eq!(boundary(&numbers, |number| Ok(*number < limit)).unwrap(), limit as usize);
        }
    }

    #[test]
    fn ids_of_a_moment_come_after_its_first_id() {
        let id = format!("cb_{}", uuid::Uuid::now_v7().simple());
        let now = Timestamp::now();
        assert!(id.as_str() > first_id_of(now.checked_sub(SignedDuration::from_secs(1)).unwrap()).as_str());
        assert!(id.as_str() < first_id_of(now.checked_add(SignedDuration::from_secs(1)).unwrap()).as_str());
    }
}
