//! The push worker: takes what is due from the outbox lane by lane, has it sent, and has written down what became of it.

use super::credentials;
use super::dispatch::{Dispatch, Job, PATIENCE, URGENCIES, Wanted};
use super::lane::{Endpoints, Lane};
use super::ledger::{Tried, write_down};
use super::outbox::{self, Claim, Held, claim};
use super::report::{count, report};
use super::sending::deliver;
use crate::app::App;
use crate::clock::now;
use crate::refusal::Refusal;
use crate::storage::Tx;
use crate::words::word;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::{JoinError, JoinSet};

/// How often the outbox is looked at without being asked, for retries and for what a node that died left undone, and how
/// often the claims on what is under way are renewed.
const LOOK_ROUND: Duration = Duration::from_secs(1);
/// How many tries are written down in one transaction, and how many such transactions are under way at once.
const WRITE_AT_ONCE: usize = 512;
const WRITERS: usize = 4;

/// Sends what is due, until the server stops; then finishes what is under way.
pub async fn run(app: App, endpoints: Endpoints) {
    let mut worker = Worker {
        dispatch: Arc::new(Dispatch::new(app.settings.push.max_in_flight.max(4))),
        app,
        endpoints,
        clients: HashMap::new(),
        sending: JoinSet::new(),
        writing: JoinSet::new(),
        taking: JoinSet::new(),
    };
    let stopping = worker.app.stopping.clone();
    let mut round = tokio::time::interval(LOOK_ROUND);
    round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (app, dispatch) = (worker.app.clone(), worker.dispatch.clone());
    let mut look = false;
    loop {
        let write_by = if worker.writing.len() < WRITERS { dispatch.write_by() } else { None };
        tokio::select! {
            () = stopping.cancelled() => break,
            () = at(write_by) => {}
            () = app.pokes.push.notified() => look = true,
            () = dispatch.news.notified() => {}
            Some(ended) = worker.sending.join_next() => note_end(ended),
            Some(written) = worker.writing.join_next() => note_written(written),
            Some(taken) = worker.taking.join_next() => worker.taken(taken).await,
            _ = round.tick() => {
                worker.keep().await;
                worker.expire().await;
                look = true;
            }
        }
        worker.give_back(PATIENCE).await;
        let takes = worker.taking.is_empty() && (look || dispatch.wants_more());
        // What is claimed and what is written down share a commit.
        worker.gather(takes);
        if takes {
            worker.take(std::mem::take(&mut look));
        }
    }
    worker.drain(round).await;
}

/// Waits until then; for ever without a time.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}

/// What one transaction found to be sent.
struct Taken {
    /// When they were claimed.
    since: Instant,
    /// The credentials there are now.
    credentials: Vec<String>,
    lanes: Vec<FromLane>,
}

struct FromLane {
    lane: String,
    claims: Vec<Claim>,
    /// Of which urgencies as much was found as there was room for.
    has_more: [bool; URGENCIES],
}

struct Worker {
    app: App,
    endpoints: Endpoints,
    dispatch: Arc<Dispatch>,
    clients: HashMap<String, Arc<Lane>>,
    sending: JoinSet<()>,
    writing: JoinSet<()>,
    /// At most one at a time.
    taking: JoinSet<Result<Taken, Refusal>>,
}

impl Worker {
    /// Claims what is due in each lane that has room: of `all`, or of what comes after what was claimed.
    fn take(&mut self, all: bool) {
        let (of_known, of_others) = self.dispatch.wanted(all);
        let app = self.app.clone();
        self.taking.spawn(async move {
            let wanted = move |lane: &str| of_known.get(lane).copied().unwrap_or(of_others);
            app.storage.write(move |tx| take(tx, &wanted)).await
        });
    }

    /// Sends what was claimed.
    async fn taken(&mut self, taken: Result<Result<Taken, Refusal>, JoinError>) {
        // A transaction that failed is not tried again before the next round.
        self.dispatch.nothing_more();
        let taken = match taken {
            Ok(Ok(taken)) => taken,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the push outbox cannot be read; nothing is sent without a claim");
                return;
            }
            Err(error) => {
                tracing::error!(%error, "the push outbox cannot be read; nothing is sent without a claim");
                return;
            }
        };
        self.open_clients(&taken).await;
        for FromLane { lane, claims, has_more } in taken.lanes {
            let client = self.clients.values().find(|client| client.serves(&lane)).cloned();
            for job in self.dispatch.accept(lane, client, (claims, taken.since), has_more) {
                self.sending.spawn(serve(self.app.clone(), self.dispatch.clone(), job));
            }
        }
    }

    /// The clients of today's credentials; those that exist already are kept, with their connections.
    async fn open_clients(&mut self, taken: &Taken) {
        let is_known = |id: &String| self.clients.contains_key(id);
        let same = taken.credentials.len() == self.clients.len() && taken.credentials.iter().all(is_known);
        if same || taken.lanes.iter().all(|from| from.claims.is_empty()) {
            return;
        }
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
                    self.dispatch.forgive(&client);
                    self.clients.insert(id, Arc::new(client));
                }
                Err(error) => tracing::error!(credential = id, %error, "a push credential cannot be used"),
            }
        }
    }

    /// Has written down what is done, much at a time; or `at_once`.
    fn gather(&mut self, at_once: bool) {
        while self.writing.len() < WRITERS
            && let Some(tries) = self.dispatch.tries(WRITE_AT_ONCE, at_once)
        {
            self.writing.spawn(write(self.app.clone(), tries));
        }
    }

    /// Gives back what is not sent, and what has waited for longer than `patience`. No attempt is burned.
    async fn give_back(&self, patience: Duration) {
        self.give_back_all(self.dispatch.unwanted(patience)).await;
    }

    async fn give_back_all(&self, claims: Vec<Held>) {
        if claims.is_empty() {
            return;
        }
        let given_back = self.app.storage.write(move |tx| outbox::give_back(tx, &claims, now())).await;
        if let Err(error) = given_back {
            tracing::warn!(%error, "pushes cannot be given back; they are sent again when their leases end");
        }
    }

    /// Keeps what takes long from being claimed by others.
    async fn keep(&self) {
        let claims = self.dispatch.under_way(LOOK_ROUND);
        if claims.is_empty() {
            return;
        }
        if let Err(error) = self.app.storage.write(move |tx| outbox::renew(tx, &claims, now())).await {
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
        if let Some(Ok(Ok(taken))) = self.taking.join_next().await {
            let claims = taken.lanes.iter().flat_map(|from| &from.claims);
            self.give_back_all(claims.map(Claim::held).collect()).await;
        }
        self.give_back(Duration::ZERO).await;
        let drain = Duration::from_secs(self.app.settings.http.drain_s);
        let finished = async {
            while !self.dispatch.is_empty() || !self.writing.is_empty() {
                self.gather(true);
                tokio::select! {
                    () = self.dispatch.news.notified() => {}
                    Some(ended) = self.sending.join_next() => note_end(ended),
                    Some(written) = self.writing.join_next() => note_written(written),
                    _ = round.tick() => self.keep().await,
                }
            }
        };
        if tokio::time::timeout(drain, finished).await.is_err() {
            let left = self.dispatch.under_way(Duration::ZERO);
            self.sending.abort_all();
            tracing::warn!(pushes = left.len(), "pushes are given back unfinished");
            let given_back = self.app.storage.write(move |tx| outbox::release(tx, &left, now())).await;
            if let Err(error) = given_back {
                tracing::warn!(%error, "pushes cannot be given back; they are sent again when their leases end");
            }
        }
    }
}

/// The transaction that claims.
fn take(tx: &mut Tx<'_>, wanted: &impl Fn(&str) -> Wanted) -> Result<Taken, Refusal> {
    let (now, since) = (now(), Instant::now());
    let credentials = credentials::ids(tx)?;
    let mut lanes = Vec::new();
    for lane in outbox::lanes(tx)? {
        let wanted = wanted(&lane);
        let mut from = FromLane { lane, claims: Vec::new(), has_more: [false; URGENCIES] };
        for (urgency, (after, room)) in wanted.into_iter().enumerate() {
            let room = room.saturating_sub(from.claims.len());
            let urgency_word = u32::try_from(urgency).unwrap_or(u32::MAX);
            let found = match room {
                0 => Vec::new(),
                room => claim(tx, (&from.lane, urgency_word), (after, room), now)?,
            };
            from.has_more[urgency] = found.len() == room;
            from.claims.extend(found);
        }
        lanes.push(from);
    }
    Ok(Taken { since, credentials, lanes })
}

/// Sends one push after the other, as long as there is one with a place.
async fn serve(app: App, dispatch: Arc<Dispatch>, first: Job) {
    let mut next = Some(first);
    while let Some(job) = next {
        let mut place = Place { dispatch: &dispatch, job, is_done: false };
        let tried = deliver(&app, place.job.client.as_deref(), place.job.claim.clone()).await;
        place.is_done = true;
        next = dispatch.done(&place.job, tried);
    }
}

/// A place in a lane, which becomes free whatever happens to who has it.
struct Place<'a> {
    dispatch: &'a Dispatch,
    job: Job,
    is_done: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            self.dispatch.lost(&self.job);
        }
    }
}

fn note_end(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a push task failed; its push is sent again when the lease ends");
    }
}

fn note_written(written: Result<(), JoinError>) {
    if let Err(error) = written {
        tracing::error!(%error, "what became of pushes cannot be written; they may be sent again");
    }
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
