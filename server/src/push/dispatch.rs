//! What this node holds claims on: what waits for a place in its lane, and what is under way. Who finishes a push takes
//! the next one by itself, so that a lane stays full while the database is written.

use super::breaker::Breaker;
use super::lane::Lane;
use super::ledger::Tried;
use super::outbox::{Claim, Held, Turn};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The part of a lane's places that each urgency of the outbox may take: a question finds a place when pictures are being
/// refreshed by the thousand.
const SHARES: [(usize, usize); URGENCIES] = [(1, 1), (3, 4), (1, 2)];
/// How many urgencies there are.
pub(super) const URGENCIES: usize = 3;
/// As many times its places a lane claims ahead, so that there are many to claim at once.
const AHEAD: usize = 2;
/// So many tries are worth a commit of their own; fewer wait for company while more are on their way.
const WORTH_A_COMMIT: usize = 256;
/// How long they wait at most. What moves its callback on does not wait.
const COMPANY: Duration = Duration::from_millis(10);

/// How long a claim may wait for a place, or its node sleep: then it may no longer be true, and its lease comes to an end.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// From which turn on, and how many, by urgency.
pub(super) type Wanted = [(Turn, usize); URGENCIES];

/// A push that may leave now.
pub(super) struct Job {
    ticket: u64,
    lane: Arc<str>,
    /// By which clients; none where no credential speaks for the lane.
    pub(super) client: Option<Arc<Lane>>,
    /// What to send.
    pub(super) claim: Arc<Claim>,
}

/// A claim, and when it was asked for.
struct Taken {
    claim: Arc<Claim>,
    since: Instant,
}

/// A lane as this node sees it.
#[derive(Default)]
struct LaneState {
    client: Option<Arc<Lane>>,
    breaker: Breaker,
    /// By urgency.
    waiting: [VecDeque<Taken>; URGENCIES],
    in_flight: usize,
    /// What was claimed last, by urgency: before it are hardly any but those that are claimed already.
    claimed: [Option<Turn>; URGENCIES],
    /// Of which urgencies there may be more to send than was taken.
    has_more: [bool; URGENCIES],
}

impl LaneState {
    fn waiting(&self, urgency: usize) -> usize {
        self.waiting.iter().take(urgency + 1).map(VecDeque::len).sum()
    }

    /// The next to leave, if a place is free for it. What has waited too long does not.
    fn next(&mut self, places: usize, unwanted: &mut Vec<Held>) -> Option<Taken> {
        let in_flight = self.in_flight;
        let with_place =
            self.waiting.iter_mut().zip(SHARES).filter(|(_, share)| in_flight < part(places, *share));
        for (waiting, _) in with_place {
            give_up(waiting, PATIENCE, unwanted);
            if let Some(taken) = waiting.pop_front() {
                return Some(taken);
            }
        }
        None
    }
}

/// Takes out what has waited too long.
fn give_up(waiting: &mut VecDeque<Taken>, patience: Duration, unwanted: &mut Vec<Held>) {
    // The oldest are in front.
    while let Some(taken) = waiting.pop_front_if(|taken| taken.since.elapsed() >= patience) {
        unwanted.push(taken.claim.held());
    }
}

fn part(places: usize, (part, of): (usize, usize)) -> usize {
    places * part / of
}

struct State {
    lanes: BTreeMap<Arc<str>, LaneState>,
    under_way: HashMap<u64, Taken>,
    last_ticket: u64,
    /// Done, and not yet on the way to the database.
    tries: Vec<Tried>,
    /// When they are written down at the latest.
    write_by: Option<Instant>,
    /// Claimed and not to be sent now.
    unwanted: Vec<Held>,
}

/// The claims of this node.
pub(super) struct Dispatch {
    places: usize,
    started: Instant,
    state: Mutex<State>,
    /// There is something to write down, to give back or to claim.
    pub(super) news: Notify,
}

impl Dispatch {
    /// With so many places a lane.
    pub(super) fn new(places: usize) -> Self {
        let state = State {
            lanes: BTreeMap::new(),
            under_way: HashMap::new(),
            last_ticket: 0,
            tries: Vec::new(),
            write_by: None,
            unwanted: Vec::new(),
        };
        Self { places, started: Instant::now(), state: Mutex::new(state), news: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many claims of each urgency a lane takes: as many as have a place or soon will.
    fn room(&self, lane: &LaneState, urgency: usize) -> usize {
        // While a lane rests, only what finds a place at once.
        let ahead = if lane.breaker.reason().is_some() { 0 } else { AHEAD * self.places };
        let most = part(self.places, SHARES[urgency]) + ahead;
        let wanted = most.saturating_sub(lane.in_flight + lane.waiting(urgency));
        lane.breaker.admits(wanted, self.started.elapsed())
    }

    /// What every lane that this node knows takes of each urgency, and any other lane: from which turn on, and how many.
    /// `all` of a lane is looked at, or only what comes after what was claimed.
    pub(super) fn wanted(&self, all: bool) -> (HashMap<String, Wanted>, Wanted) {
        let of = |lane: &LaneState| {
            std::array::from_fn(|urgency| {
                let after = lane.claimed[urgency].filter(|_| !all).unwrap_or(Turn::FIRST);
                (after, self.room(lane, urgency))
            })
        };
        let state = self.state();
        let known = state.lanes.iter().map(|(name, lane)| (name.to_string(), of(lane))).collect();
        (known, of(&LaneState::default()))
    }

    /// Whether there may be more to claim, and enough room to be worth it. Not at each place that becomes free: many at
    /// once cost one commit.
    pub(super) fn wants_more(&self) -> bool {
        self.state().lanes.values().any(|lane| self.lane_wants_more(lane))
    }

    fn lane_wants_more(&self, lane: &LaneState) -> bool {
        let worth = self.places;
        (0..URGENCIES).any(|urgency| lane.has_more[urgency] && self.room(lane, urgency) >= worth)
    }

    /// Everything was looked at: there is no more to claim but where [`Self::accept`] is told so.
    pub(super) fn nothing_more(&self) {
        for lane in self.state().lanes.values_mut() {
            lane.has_more = [false; URGENCIES];
        }
    }

    /// Takes over what was claimed for a lane, and when that was asked for; `has_more` where as much was found as there was room for. What may leave at
    /// once is returned.
    pub(super) fn accept(
        &self,
        lane: String,
        client: Option<Arc<Lane>>,
        (claims, since): (Vec<Claim>, Instant),
        has_more: [bool; URGENCIES],
    ) -> Vec<Job> {
        let mut state = self.state();
        let name: Arc<str> = lane.into();
        let lane = state.lanes.entry(name.clone()).or_default();
        lane.client = client;
        let rests = lane.breaker.reason().is_some();
        lane.has_more = has_more.map(|more| more && !rests);
        lane.breaker.left(claims.len());
        for claim in claims {
            let urgency = (claim.urgency as usize).min(URGENCIES - 1);
            lane.claimed[urgency] = Some(claim.turn());
            lane.waiting[urgency].push_back(Taken { claim: Arc::new(claim), since });
        }
        std::iter::from_fn(|| self.start(&mut state, &name)).collect()
    }

    fn start(&self, state: &mut State, name: &Arc<str>) -> Option<Job> {
        let State { lanes, unwanted, .. } = state;
        let lane = lanes.get_mut(name)?;
        let taken = lane.next(self.places, unwanted)?;
        lane.in_flight += 1;
        let (client, claim) = (lane.client.clone(), taken.claim.clone());
        state.last_ticket += 1;
        state.under_way.insert(state.last_ticket, taken);
        Some(Job { ticket: state.last_ticket, lane: name.clone(), client, claim })
    }

    /// A push is done: its lane learns from it, and its place goes to the next one.
    pub(super) fn done(&self, job: &Job, tried: Tried) -> Option<Job> {
        let mut state = self.state();
        let State { lanes, under_way, tries, write_by, unwanted, .. } = &mut *state;
        // Given back meanwhile.
        under_way.remove(&job.ticket)?;
        let lane = lanes.get_mut(&job.lane)?;
        lane.in_flight = lane.in_flight.saturating_sub(1);
        match tried.verdict.signal {
            None => lane.breaker.lost(),
            Some(signal) => {
                let reason = tried.verdict.settled.reason().unwrap_or_default();
                if lane.breaker.learn(signal, reason, self.started.elapsed()) {
                    note_breaker(&job.lane, &lane.breaker);
                    lane.has_more = [lane.breaker.reason().is_none(); URGENCIES];
                }
                if lane.breaker.reason().is_some() {
                    let waiting = lane.waiting.iter_mut().flat_map(std::mem::take);
                    unwanted.extend(waiting.map(|taken| taken.claim.held()));
                }
            }
        }
        let wants_more = self.lane_wants_more(lane);
        let asks = tried.asks();
        if asks || tries.is_empty() {
            *write_by = Some(Instant::now() + if asks { Duration::ZERO } else { COMPANY });
        }
        tries.push(tried);
        let is_worth_writing = asks || tries.len() == 1 || tries.len() % WORTH_A_COMMIT == 0;
        let next = self.start(&mut state, &job.lane);
        let is_news =
            wants_more || is_worth_writing || state.under_way.is_empty() || !state.unwanted.is_empty();
        drop(state);
        if is_news {
            self.news.notify_one();
        }
        next
    }

    /// Nobody knows what became of a push: it is sent again when its lease ends.
    pub(super) fn lost(&self, job: &Job) {
        let mut state = self.state();
        if state.under_way.remove(&job.ticket).is_some()
            && let Some(lane) = state.lanes.get_mut(&job.lane)
        {
            lane.in_flight = lane.in_flight.saturating_sub(1);
            lane.breaker.lost();
        }
    }

    /// Up to `most` tries to write down, if it is time: there are many, or no more will come soon, or they may not wait.
    pub(super) fn tries(&self, most: usize, at_once: bool) -> Option<Vec<Tried>> {
        let mut state = self.state();
        let State { tries, write_by, under_way, .. } = &mut *state;
        let is_late = || write_by.is_some_and(|by| by <= Instant::now());
        let is_time = at_once || tries.len() >= WORTH_A_COMMIT || under_way.is_empty() || is_late();
        if tries.is_empty() || !is_time {
            return None;
        }
        let rest = tries.split_off(tries.len().min(most));
        if rest.is_empty() {
            *write_by = None;
        }
        Some(std::mem::replace(tries, rest))
    }

    /// When tries are to be written down that wait for company.
    pub(super) fn write_by(&self) -> Option<Instant> {
        self.state().write_by
    }

    /// Claims that are to be given back: their lane rests, or they have waited for a place for longer than `patience` and
    /// may no longer be true.
    pub(super) fn unwanted(&self, patience: Duration) -> Vec<Held> {
        let mut state = self.state();
        let State { lanes, unwanted, .. } = &mut *state;
        for LaneState { waiting, breaker, .. } in lanes.values_mut() {
            let before = unwanted.len();
            waiting.iter_mut().for_each(|waiting| give_up(waiting, patience, unwanted));
            if unwanted.len() > before {
                breaker.lost();
            }
        }
        std::mem::take(unwanted)
    }

    /// What has been under way for so long.
    pub(super) fn under_way(&self, age: Duration) -> Vec<Held> {
        let state = self.state();
        let long = state.under_way.values().filter(|taken| taken.since.elapsed() >= age);
        long.map(|taken| taken.claim.held()).collect()
    }

    /// Whether all is sent and taken to be written down.
    pub(super) fn is_empty(&self) -> bool {
        let state = self.state();
        state.under_way.is_empty() && state.tries.is_empty()
    }

    /// With a new credential nothing is held against a lane that the old one closed.
    pub(super) fn forgive(&self, client: &Lane) {
        for (name, lane) in &mut self.state().lanes {
            if client.serves(name) {
                lane.breaker = Breaker::default();
            }
        }
    }
}

fn note_breaker(lane: &str, breaker: &Breaker) {
    let gauge = metrics::gauge!("ringback_push_lane_resting", "lane" => lane.to_owned());
    match breaker.reason() {
        Some(reason) => {
            gauge.set(1.0);
            tracing::error!(lane, reason, "a push lane rests: see `ringback admin push check`");
        }
        None => {
            gauge.set(0.0);
            tracing::info!(lane, "a push lane is open again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::breaker::Signal;
    use crate::push::content::Content;
    use crate::push::devices::Channel;
    use crate::push::policy::Interruption;
    use crate::push::texts::{Text, TextKey};
    use crate::push::verdict::{Settled, Verdict};
    use proptest::prelude::*;
    use ringback_core::protocol::{PushEvent, Timestamp};

    const PLACES: usize = 8;

    fn claim(id: usize, urgency: u32) -> Claim {
        let at = Timestamp::UNIX_EPOCH;
        let text = Text { title: "t".into(), body: "b".into() };
        let (key, interruption) = (TextKey::CallbackCancelled, Interruption::Active);
        Claim {
            seq: i64::try_from(id).unwrap(),
            id: id.to_string(),
            fence: 1,
            attempts: 1,
            push_id: "pu_1".into(),
            callback_id: "cb_1".into(),
            event: PushEvent::CallbackChanged,
            occasion: 1,
            withdrawn: false,
            urgency,
            content: Content::Alert { key, text, interruption, sound: None }.into(),
            due_at: at,
            expires_at: at,
            created_at: at,
            device_id: "dv_1".into(),
            provider: "fcm".into(),
            lane: "fcm".into(),
            channel: Channel::Fcm,
            kind: "token".into(),
            topic: "".into(),
            has_texts: false,
            token: Vec::new(),
            registered_at: at,
            still_true: true,
        }
    }

    fn claims(urgency: u32, ids: std::ops::Range<usize>) -> Vec<Claim> {
        ids.map(|id| claim(id, urgency)).collect()
    }

    fn accept(dispatch: &Dispatch, claims: Vec<Claim>) -> Vec<Job> {
        dispatch.accept("fcm".to_owned(), None, (claims, Instant::now()), [true; URGENCIES])
    }

    fn done(dispatch: &Dispatch, job: &Job, signal: Signal) -> Option<Job> {
        let settled = Settled::Failed { reason: "BadTopic".into() };
        let verdict = Verdict { settled, device: None, signal: Some(signal) };
        let tried = Tried { claim: job.claim.clone(), verdict, at: Timestamp::UNIX_EPOCH, took_us: 1 };
        dispatch.done(job, tried)
    }

    #[test]
    fn a_question_overtakes_what_waits_and_finds_a_place() {
        let dispatch = Dispatch::new(PLACES);
        let pictures = accept(&dispatch, claims(1, 0..20));
        assert_eq!(pictures.len(), PLACES * 3 / 4, "the share of their urgency");
        let questions = accept(&dispatch, claims(0, 20..21));
        assert_eq!(questions[0].claim.id, "20");
        // Its place is beyond the share of the others, and is left empty.
        assert!(done(&dispatch, &questions[0], Signal::Through).is_none());
        let next = done(&dispatch, &pictures[0], Signal::Through).unwrap();
        assert_eq!(next.claim.id, "6", "in the order in which they were claimed");
    }

    #[test]
    fn a_lane_that_rests_keeps_nothing_and_takes_one() {
        let dispatch = Dispatch::new(PLACES);
        let jobs = accept(&dispatch, claims(1, 0..10));
        assert!(done(&dispatch, &jobs[0], Signal::Refused).is_none());
        let unwanted = dispatch.unwanted(Duration::from_secs(60));
        assert_eq!(unwanted.iter().map(|held| held.seq).collect::<Vec<_>>(), [6, 7, 8, 9]);
        assert_eq!(dispatch.wanted(true).0["fcm"].map(|(_, room)| room), [0; URGENCIES]);
        assert!(!dispatch.wants_more());
        for job in &jobs[1..] {
            assert!(done(&dispatch, job, Signal::Through).is_none());
        }
        assert_eq!(dispatch.tries(100, false).map(|tries| tries.len()), Some(6));
        assert!(dispatch.is_empty() && dispatch.wants_more(), "one got through: it is open again");
    }

    #[test]
    fn who_slept_sends_nothing_of_what_was_claimed_before() {
        let dispatch = Dispatch::new(PLACES);
        let long_ago = Instant::now().checked_sub(PATIENCE).unwrap();
        let jobs = dispatch.accept("fcm".to_owned(), None, (claims(0, 0..3), long_ago), [false; URGENCIES]);
        assert!(jobs.is_empty());
        assert_eq!(dispatch.unwanted(PATIENCE).len(), 3);
    }

    #[test]
    fn what_waits_too_long_is_given_back_and_what_is_under_way_kept() {
        let dispatch = Dispatch::new(PLACES);
        let jobs = accept(&dispatch, claims(2, 0..9));
        assert_eq!((jobs.len(), dispatch.under_way(Duration::ZERO).len()), (4, 4));
        assert!(dispatch.unwanted(Duration::from_secs(60)).is_empty());
        assert_eq!(dispatch.unwanted(Duration::ZERO).len(), 5);
        dispatch.lost(&jobs[0]);
        assert_eq!(dispatch.under_way(Duration::ZERO).len(), 3);
        assert!(done(&dispatch, &jobs[0], Signal::Through).is_none(), "lost is lost");
        assert!(dispatch.tries(100, false).is_none());
    }

    #[test]
    fn a_few_tries_wait_for_those_under_way() {
        let dispatch = Dispatch::new(PLACES);
        let jobs = accept(&dispatch, claims(0, 0..3));
        done(&dispatch, &jobs[0], Signal::Through);
        assert!(dispatch.write_by().is_some_and(|by| by > Instant::now()));
        assert!(dispatch.tries(100, false).is_none());
        done(&dispatch, &jobs[1], Signal::Through);
        assert_eq!(dispatch.tries(1, true).map(|tries| tries.len()), Some(1), "those that are taken along");
        assert!(dispatch.write_by().is_some(), "one is left");
        done(&dispatch, &jobs[2], Signal::Through);
        assert_eq!(dispatch.tries(100, false).map(|tries| tries.len()), Some(2), "nobody else is on the way");
        assert!(dispatch.write_by().is_none());
    }

    proptest! {
        /// Whatever comes in which order: each is sent once, no urgency beyond its share, and nobody claims without end.
        #[test]
        fn each_leaves_once_within_its_share(urgencies in prop::collection::vec(0u32..3, 0..60), order in any::<u64>()) {
            let dispatch = Dispatch::new(PLACES);
            let all: Vec<Claim> = urgencies.iter().enumerate().map(|(id, urgency)| claim(id, *urgency)).collect();
            let mut under_way = accept(&dispatch, all);
            let (mut sent, mut order) = (Vec::new(), order);
            while !under_way.is_empty() {
                let [_, of_news, of_pictures] = [0, 1, 2].map(|urgency| part(PLACES, SHARES[urgency]));
                let least = |urgency| under_way.iter().filter(|job| job.claim.urgency >= urgency).count();
                prop_assert!(under_way.len() <= PLACES && least(1) <= of_news && least(2) <= of_pictures);
                order = order.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let job = under_way.swap_remove((order >> 33) as usize % under_way.len());
                under_way.extend(done(&dispatch, &job, Signal::Through));
                sent.push(job.claim.id.clone());
            }
            sent.sort();
            sent.dedup();
            prop_assert_eq!(sent.len(), urgencies.len());
            for (urgency, (_, room)) in dispatch.wanted(true).1.into_iter().enumerate() {
                prop_assert!(room <= part(PLACES, SHARES[urgency]) + AHEAD * PLACES);
            }
        }
    }
}
