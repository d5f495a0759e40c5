//! The push worker: takes what is due from the outbox lane by lane, sends it, and has written down what became of it.

use super::apns::InvalidApnsPush;
use super::breaker::Breaker;
use super::fcm::InvalidFcmPush;
use super::lane::{Endpoints, Lane};
use super::ledger::{Tried, write_down};
use super::outbox::{self, Claim, Held, claim, release, renew};
use super::outcome::Outcome;
use super::verdict::{DELIVERED, Settled, Verdict, judge};
use super::web_push::InvalidWebPush;
use super::{credentials, message};
use crate::app::App;
use crate::callbacks::open_text;
use crate::clock::now;
use crate::refusal::Refusal;
use crate::words::word;
use ringback_core::protocol::{PushEvent, PushToken, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::{Id, JoinError, JoinSet};

/// How often the outbox is looked at without being asked, for retries and for what a node that died left undone, and how
/// often the claims on what is under way are renewed.
const LOOK_ROUND: Duration = Duration::from_secs(1);
/// How many tries are written down in one transaction, and how many such transactions are under way at once.
const WRITE_AT_ONCE: usize = 256;
const WRITERS: usize = 4;
/// While some are being written, this many more are worth a transaction of their own: many at once cost one statement.
const WORTH_A_WRITER: usize = 64;
/// The urgencies of the outbox, and the part of a lane's places that each may take: a question finds a place when
/// pictures are being refreshed by the thousand.
const SHARES: [(u32, usize, usize); 3] = [(0, 1, 1), (1, 3, 4), (2, 1, 2)];

/// Sends what is due, until the server stops; then finishes what is under way.
pub async fn run(app: App, endpoints: Endpoints) {
    let mut worker = Worker {
        places: app.settings.push.max_in_flight.max(4),
        app,
        endpoints,
        started: Instant::now(),
        clients: HashMap::new(),
        lanes: BTreeMap::new(),
        sending: JoinSet::new(),
        held: HashMap::new(),
        tries: Vec::new(),
        writing: JoinSet::new(),
    };
    let stopping = worker.app.stopping.clone();
    let mut round = tokio::time::interval(LOOK_ROUND);
    round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let app = worker.app.clone();
    loop {
        let mut look = false;
        tokio::select! {
            () = stopping.cancelled() => break,
            () = app.pokes.push.notified() => look = true,
            Some(done) = worker.sending.join_next_with_id() => worker.done(done),
            Some(written) = worker.writing.join_next() => worker.written(written),
            _ = round.tick() => {
                worker.keep().await;
                worker.expire().await;
                look = true;
            }
        }
        worker.gather();
        if look || worker.wants_more() {
            worker.take().await;
        }
    }
    worker.drain(round).await;
}

/// A lane as this node sees it.
#[derive(Default)]
struct LaneState {
    client: Option<Arc<Lane>>,
    breaker: Breaker,
    in_flight: usize,
    /// There may be more to send than there was room for; it is looked for when no more than so many are under way. Not at
    /// each place that becomes free: many at once cost one commit.
    refill_at: Option<usize>,
}

/// When a share of so many places is filled again.
fn refill_at(share: usize) -> usize {
    share - share / 2
}

/// A claim on its way.
struct UnderWay {
    claim: Held,
    since: Instant,
}

struct Worker {
    app: App,
    endpoints: Endpoints,
    places: usize,
    started: Instant,
    clients: HashMap<String, Arc<Lane>>,
    lanes: BTreeMap<String, LaneState>,
    sending: JoinSet<Tried>,
    held: HashMap<Id, UnderWay>,
    /// Done, and not yet on the way to the database.
    tries: Vec<Tried>,
    writing: JoinSet<()>,
}

impl Worker {
    /// A push is done: its lane learns from it, its place is free.
    fn done(&mut self, done: Result<(Id, Tried), JoinError>) {
        match done {
            Ok((id, tried)) => {
                self.held.remove(&id);
                let lane = self.lanes.entry(tried.claim.lane.clone()).or_default();
                lane.in_flight = lane.in_flight.saturating_sub(1);
                if let Some(signal) = tried.verdict.signal {
                    let reason = tried.verdict.settled.reason().unwrap_or_default();
                    if lane.breaker.learn(signal, reason, self.started.elapsed()) {
                        note_breaker(&tried.claim.lane, &lane.breaker);
                        lane.refill_at = lane.breaker.reason().is_none().then_some(self.places);
                    }
                } else {
                    lane.breaker.lost();
                }
                self.tries.push(tried);
            }
            Err(error) => {
                tracing::error!(%error, "a push task failed; its push is sent again when the lease ends");
                if let Some(UnderWay { claim, .. }) = self.held.remove(&error.id()) {
                    let lane = self.lanes.entry(claim.lane).or_default();
                    lane.in_flight = lane.in_flight.saturating_sub(1);
                    lane.breaker.lost();
                }
            }
        }
    }

    /// Takes up everything that is done, and sends it to be written down, much at a time.
    fn gather(&mut self) {
        while let Some(done) = self.sending.try_join_next_with_id() {
            self.done(done);
        }
        while self.writing.len() < WRITERS && self.tries.len() >= self.worth_writing() {
            let rest = self.tries.split_off(self.tries.len().min(WRITE_AT_ONCE));
            let tries = std::mem::replace(&mut self.tries, rest);
            self.writing.spawn(write(self.app.clone(), tries));
        }
    }

    fn worth_writing(&self) -> usize {
        if self.writing.is_empty() { 1 } else { WORTH_A_WRITER }
    }

    fn written(&self, written: Result<(), JoinError>) {
        if let Err(error) = written {
            tracing::error!(%error, "what became of pushes cannot be written; they may be sent again");
        }
    }

    /// Whether enough places are free in a lane that had more to send than places.
    fn wants_more(&self) -> bool {
        let wants = |lane: &LaneState| lane.refill_at.is_some_and(|at| lane.in_flight <= at);
        self.tries.len() < WRITE_AT_ONCE && self.lanes.values().any(wants)
    }

    /// How many more pushes of an urgency a lane takes.
    fn room(&self, lane: &LaneState, part: (usize, usize)) -> usize {
        let places = self.places * part.0 / part.1;
        lane.breaker.admits(places.saturating_sub(lane.in_flight), self.started.elapsed())
    }

    /// Claims what is due in each lane that has room, and sends it.
    async fn take(&mut self) {
        let rooms: HashMap<String, [usize; 3]> = self
            .lanes
            .iter()
            .map(|(name, lane)| (name.clone(), SHARES.map(|(_, part, of)| self.room(lane, (part, of)))))
            .collect();
        let all = SHARES.map(|(_, part, of)| self.places * part / of);
        let taken = self
            .app
            .storage
            .write(move |tx| {
                let now = now();
                let mut taken = Vec::new();
                for lane in outbox::lanes(tx)? {
                    let room = rooms.get(&lane).copied().unwrap_or(all);
                    let mut claims = Vec::new();
                    let mut refill = None;
                    for (((urgency, ..), share), room) in SHARES.into_iter().zip(all).zip(room) {
                        let room = room.saturating_sub(claims.len());
                        let found =
                            if room > 0 { claim(tx, (&lane, urgency), room, now)? } else { Vec::new() };
                        if found.len() == room {
                            refill = refill.max(Some(refill_at(share)));
                        }
                        claims.extend(found);
                    }
                    taken.push((lane, claims, refill));
                }
                Ok::<_, Refusal>(taken)
            })
            .await;
        let taken = match taken {
            Ok(taken) => taken,
            Err(error) => {
                tracing::warn!(%error, "the push outbox cannot be read; nothing is sent without a claim");
                return;
            }
        };
        if taken.iter().any(|(_, claims, _)| !claims.is_empty()) {
            self.open_clients().await;
        }
        for state in self.lanes.values_mut() {
            state.refill_at = None;
        }
        for (lane, claims, refill) in taken {
            let client = self.clients.values().find(|client| client.serves(&lane)).cloned();
            let state = self.lanes.entry(lane).or_default();
            state.client = client;
            state.refill_at = refill.filter(|_| state.breaker.reason().is_none());
            state.breaker.left(claims.len());
            state.in_flight += claims.len();
            for claim in claims {
                let (app, client, held) = (self.app.clone(), state.client.clone(), claim.held());
                let task = self.sending.spawn(deliver(app, client, claim));
                self.held.insert(task.id(), UnderWay { claim: held, since: Instant::now() });
            }
        }
    }

    /// The clients of today's credentials; those that exist already are kept, with their connections.
    async fn open_clients(&mut self) {
        let vault = self.app.centre.vault.clone();
        let entered = match self.app.storage.read(move |tx| credentials::open_all(tx, &vault)).await {
            Ok(entered) => entered,
            Err(error) => {
                tracing::warn!(%error, "push credentials cannot be read");
                return;
            }
        };
        let known = std::mem::take(&mut self.clients);
        for (id, credential) in entered {
            if let Some(client) = known.get(&id) {
                self.clients.insert(id, client.clone());
                continue;
            }
            match Lane::open(&credential, &self.endpoints) {
                Ok(client) => {
                    // With a new credential nothing is held against a lane that the old one closed.
                    for (name, lane) in &mut self.lanes {
                        if client.serves(name) {
                            lane.breaker = Breaker::default();
                        }
                    }
                    self.clients.insert(id, Arc::new(client));
                }
                Err(error) => tracing::error!(credential = id, %error, "a push credential cannot be used"),
            }
        }
    }

    /// Keeps what takes long from being claimed by others.
    async fn keep(&self) {
        let long = self.held.values().filter(|held| held.since.elapsed() >= LOOK_ROUND);
        let claims: Vec<Held> = long.map(|held| held.claim.clone()).collect();
        if claims.is_empty() {
            return;
        }
        if let Err(error) = self.app.storage.write(move |tx| renew(tx, &claims, now())).await {
            tracing::warn!(%error, "claims on pushes cannot be renewed; another node may send them as well");
        }
    }

    /// Marks what came too late to be sent at all.
    async fn expire(&self) {
        match self.app.storage.write(|tx| outbox::expire(tx, now())).await {
            Ok(expired) => {
                for (provider, event) in expired {
                    count(&provider, &word(event).unwrap_or_default(), "expired", 1);
                }
            }
            Err(error) => tracing::warn!(%error, "expired pushes cannot be marked; none of them is sent"),
        }
    }

    /// Finishes what is under way within the configured time, and gives back the rest.
    async fn drain(mut self, mut round: tokio::time::Interval) {
        let drain = Duration::from_secs(self.app.settings.http.drain_s);
        let finished = async {
            while !self.sending.is_empty() || !self.tries.is_empty() || !self.writing.is_empty() {
                tokio::select! {
                    Some(done) = self.sending.join_next_with_id() => self.done(done),
                    Some(written) = self.writing.join_next() => self.written(written),
                    _ = round.tick() => self.keep().await,
                }
                self.gather();
            }
        };
        if tokio::time::timeout(drain, finished).await.is_err() {
            self.sending.abort_all();
            let left: Vec<Held> = self.held.into_values().map(|held| held.claim).collect();
            tracing::warn!(pushes = left.len(), "pushes are given back unfinished");
            let given_back = self.app.storage.write(move |tx| release(tx, &left, now())).await;
            if let Err(error) = given_back {
                tracing::warn!(%error, "pushes cannot be given back; they are sent again when their leases end");
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

fn count(provider: &str, event: &str, outcome: &'static str, times: u64) {
    metrics::counter!(
        "ringback_pushes_total",
        "provider" => provider.to_owned(), "event" => event.to_owned(), "outcome" => outcome
    )
    .increment(times);
}

/// Writes down tries, together; one at a time if that fails, so that none keeps the others from being written.
async fn write(app: App, tries: Vec<Tried>) {
    report(&tries);
    let tries = Arc::new(tries);
    let all = tries.clone();
    if app.change(move |tx, effects| write_down(tx, effects, &all, now())).await.is_ok() {
        return;
    }
    for tried in tries.iter().cloned() {
        let id = tried.claim.id.clone();
        let written =
            app.change(move |tx, effects| write_down(tx, effects, std::slice::from_ref(&tried), now())).await;
        if let Err(error) = written {
            tracing::warn!(delivery = id, %error, "a push's outcome cannot be written; it may be sent again");
        }
    }
}

/// Says what became of pushes, in logs and metrics. A metric is looked up once for all that it counts.
fn report(tries: &[Tried]) {
    let mut alike: BTreeMap<(&str, PushEvent, &'static str), Vec<&Tried>> = BTreeMap::new();
    for tried in tries {
        let Tried { claim, verdict, .. } = tried;
        alike.entry((&claim.provider, claim.event, verdict.settled.label())).or_default().push(tried);
    }
    let now = now();
    for ((provider, event, outcome), tries) in alike {
        let event = word(event).unwrap_or_default();
        count(provider, &event, outcome, tries.len() as u64);
        if outcome != DELIVERED {
            tries.into_iter().for_each(report_failure);
            continue;
        }
        let waited = metrics::histogram!(
            "ringback_push_delivered_seconds", "provider" => provider.to_owned(), "event" => event
        );
        for Tried { claim, took_us, .. } in tries {
            waited.record(now.duration_since(claim.created_at).as_secs_f64());
            tracing::debug!(
                delivery = claim.id,
                callback = claim.callback_id,
                took_us,
                "a push is delivered"
            );
        }
    }
}

fn report_failure(Tried { claim, verdict: Verdict { settled, .. }, .. }: &Tried) {
    // What our own clients refuse to send is said in a sentence, which is no label.
    let reason = settled.reason().filter(|reason| !reason.contains(' ')).unwrap_or("not_made");
    metrics::counter!(
        "ringback_push_failures_total",
        "provider" => claim.provider.clone(), "reason" => reason.to_owned()
    )
    .increment(1);
    tracing::warn!(
        delivery = claim.id,
        callback = claim.callback_id,
        lane = claim.lane,
        reason = settled.reason(),
        outcome = settled.label(),
        "a push did not get through"
    );
}

/// Sends one delivery. If what came of it cannot be written down, the lease runs out and it is sent again under the same
/// ids.
async fn deliver(app: App, client: Option<Arc<Lane>>, claim: Claim) -> Tried {
    let (at, started) = (now(), Instant::now());
    let verdict = verdict(&app, client.as_deref(), &claim, at).await;
    let took_us = i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX);
    Tried { claim, verdict, at, took_us }
}

async fn verdict(app: &App, client: Option<&Lane>, claim: &Claim, at: Timestamp) -> Verdict {
    if claim.expires_at <= at {
        return Verdict::of(Settled::Expired { reason: None });
    }
    if !claim.still_true {
        return Verdict::of(Settled::Skipped);
    }
    let Some(client) = client else {
        return Verdict::of(Settled::Failed { reason: "no_credential".to_owned() });
    };
    let left = Duration::try_from(claim.expires_at.duration_since(at)).unwrap_or_default();
    match tokio::time::timeout(left, send(app, client, claim)).await {
        // Its time ran out on the way: a connection that opens later must not carry it.
        Err(_) => Verdict::of(Settled::Expired { reason: Some("timed_out".to_owned()) }),
        Ok(Ok(outcome)) => judge(outcome, claim, now()),
        Ok(Err(NotSent::Invalid(reason))) => Verdict::of(Settled::Failed { reason }),
        Ok(Err(NotSent::Fault(error))) => {
            tracing::error!(delivery = claim.id, %error, "a push cannot be made");
            Verdict::of(Settled::Failed { reason: "internal".to_owned() })
        }
    }
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

impl From<InvalidWebPush> for NotSent {
    fn from(invalid: InvalidWebPush) -> Self {
        Self::Invalid(invalid.to_string())
    }
}

impl From<InvalidFcmPush> for NotSent {
    fn from(invalid: InvalidFcmPush) -> Self {
        Self::Invalid(invalid.to_string())
    }
}

async fn send(app: &App, client: &Lane, claim: &Claim) -> Result<Outcome, NotSent> {
    let token = PushToken::new(open_text(&app.centre.vault, &claim.token, "devices.token")?);
    let action_token = claim.action_token(&app.centre.vault);
    Ok(match client {
        Lane::Apns { production, sandbox, .. } => {
            let client = if claim.kind == "production" { production } else { sandbox };
            client.send(&message::for_apns(claim, token, action_token)?).await?
        }
        Lane::Fcm(client) => client.send(&message::for_fcm(claim, token, action_token, now())?).await?,
        Lane::WebPush(client) => {
            let subscription = serde_json::from_str(token.expose())
                .map_err(|_| Refusal::Damaged("a browser's subscription"))?;
            client.send(&message::for_browser(claim, subscription, action_token, now())?).await?
        }
    })
}
