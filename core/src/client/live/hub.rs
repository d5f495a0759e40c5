//! What all who listen share: the present view, the wish to have it, and the one task that keeps it.

use super::driver;
use super::shelf::Known;
use crate::client::ClientError;
use crate::client::copy::SealedCopy;
use crate::client::installation::Session;
use crate::protocol::{Callback, Timestamp};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// What there is to see at a moment. Who is slow sees the latest and misses what was in between.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    /// Newest first.
    pub(super) callbacks: Vec<Callback>,
    /// When the server last said so; `None` while nothing is known.
    pub(super) as_of: Option<Timestamp>,
    /// A stream is held: what changes is seen at once.
    pub(super) live: bool,
    /// The server was asked since this began.
    pub(super) is_fresh: bool,
    /// What waiting does not mend.
    pub(super) trouble: Option<ClientError>,
    /// How often there was such a thing.
    pub(super) troubles: u64,
}

/// Whether a connection is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Demand {
    /// Somebody listens.
    pub(super) wanted: bool,
    /// The app is in the background.
    pub(super) paused: bool,
}

impl Demand {
    pub(super) fn is_on(self) -> bool {
        self.wanted && !self.paused
    }
}

#[derive(Default)]
struct Listeners {
    count: usize,
    /// The task is there.
    running: bool,
}

/// See above. One for each client.
pub(crate) struct Hub {
    pub(super) session: Arc<Session>,
    /// What is known, on disk.
    pub(super) shelf: SealedCopy,
    pub(super) silence_ms: u32,
    pub(super) poll_ms: u32,
    pub(super) view: watch::Sender<Arc<View>>,
    pub(super) demand: watch::Sender<Demand>,
    /// Ends waits between two tries.
    pub(super) poke: Notify,
    /// The task has a connection, or a file to write.
    pub(super) busy: watch::Sender<bool>,
    known: Mutex<Option<Known>>,
    listeners: Mutex<Listeners>,
}

impl Hub {
    pub(crate) fn new(session: Arc<Session>, shelf: SealedCopy, silence_ms: u32, poll_ms: u32) -> Self {
        Self {
            session,
            shelf,
            silence_ms,
            poll_ms,
            view: watch::Sender::default(),
            demand: watch::Sender::default(),
            poke: Notify::new(),
            busy: watch::Sender::default(),
            known: Mutex::default(),
            listeners: Mutex::default(),
        }
    }

    /// What is known, to be read or changed at once.
    pub(super) fn known(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows what is known now.
    pub(super) fn show(&self, change: impl FnOnce(&mut View)) {
        let known = self.known().clone();
        self.view.send_modify(|view| {
            let mut next = View::clone(view);
            next.as_of = known.as_ref().map(|known| known.as_of);
            next.callbacks = known.map_or_else(Vec::new, |known| known.story.callbacks);
            change(&mut next);
            *view = Arc::new(next);
        });
    }

    /// A copy of a callback that came on another way. True when it is kept.
    pub(super) fn learn(&self, copy: Callback) -> bool {
        let id = copy.id.clone();
        let kept = self.known().as_mut().is_some_and(|known| {
            known.story.learn(copy);
            known.story.get(&id).is_some()
        });
        if kept {
            self.show(|_| {});
        }
        kept
    }

    /// One more listens. The task begins with the first.
    pub(super) fn join(self: &Arc<Self>) {
        self.listeners().count += 1;
        self.demand.send_if_modified(|demand| !std::mem::replace(&mut demand.wanted, true));
        self.keep_running();
    }

    /// The task is there as long as somebody listens, whatever became of the runtime that it was begun on.
    pub(super) fn keep_running(self: &Arc<Self>) {
        let mut listeners = self.listeners();
        if listeners.count > 0 && !listeners.running {
            listeners.running = true;
            tokio::spawn(driver::run(Running { hub: self.clone(), is_over: false }));
        }
    }

    /// One listens no more.
    pub(super) fn leave(&self) {
        let mut listeners = self.listeners();
        listeners.count = listeners.count.saturating_sub(1);
        if listeners.count == 0 {
            self.demand.send_if_modified(|demand| std::mem::replace(&mut demand.wanted, false));
        }
    }

    /// Closes the connection and returns once that is done and the last state is on disk.
    pub(in crate::client) async fn pause(&self) {
        self.demand.send_if_modified(|demand| !std::mem::replace(&mut demand.paused, true));
        // It fails only when the sender is gone, and `self` owns the sender.
        let _ = self.busy.subscribe().wait_for(|busy| !*busy).await;
    }

    /// Connects again if somebody listens, at once.
    pub(in crate::client) fn resume(&self) {
        self.demand.send_if_modified(|demand| std::mem::replace(&mut demand.paused, false));
        self.poke.notify_waiters();
    }
}

/// The task, as the hub knows of it. One that ends with its runtime is gone too.
pub(super) struct Running {
    pub(super) hub: Arc<Hub>,
    is_over: bool,
}

impl Running {
    /// Whether the task may end: nobody listens. Whoever comes from now on begins another.
    pub(super) fn may_end(&mut self) -> bool {
        let mut listeners = self.hub.listeners();
        if listeners.count == 0 {
            listeners.running = false;
            self.is_over = true;
        }
        self.is_over
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_over {
            self.hub.listeners().running = false;
            self.hub.busy.send_replace(false);
        }
    }
}
