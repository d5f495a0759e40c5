//! The task that keeps the view: one connection for all who listen, none while nobody does.

use super::hub::{Hub, Running};
use super::plan::{Plan, Step, poll_wait_ms};
use super::shelf::{self, Known};
use super::story::Story;
use crate::client::ClientError;
use crate::client::exchange::{Failed, Outgoing, random_fraction};
use crate::client::read_text;
use crate::client::stream::{Source, Start};
use crate::host::LogLevel;
use crate::protocol::{CallbackList, Installation};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const LOG_TARGET: &str = "ringback::live";
const PATH: &str = "/v1/events";

/// Runs until nobody listens.
pub(super) async fn run(mut running: Running) {
    let hub = running.hub.clone();
    let mut demand = hub.demand.subscribe();
    let mut driver = Driver { hub: hub.clone(), plan: Plan::default(), is_kept: true };
    driver.recall().await;
    loop {
        let wish = *demand.borrow_and_update();
        if wish.is_on() {
            hub.busy.send_replace(true);
            tokio::select! {
                biased;
                _ = demand.changed() => {}
                () = driver.listen() => {}
            }
            hub.show(|view| view.live = false);
            driver.keep().await;
            hub.busy.send_replace(false);
        } else {
            let may_end = !wish.wanted && running.may_end();
            if may_end || demand.changed().await.is_err() {
                return;
            }
        }
    }
}

struct Driver {
    hub: Arc<Hub>,
    plan: Plan,
    /// What is known is on disk.
    is_kept: bool,
}

#[async_trait::async_trait]
impl Start for Driver {
    /// After the last event that was heard. Another installation begins with nothing.
    async fn after(&mut self, installation: &Installation) -> Result<Option<u64>, ClientError> {
        let (after, is_other) = {
            let mut known = self.hub.known();
            let is_ours = known.as_ref().is_some_and(|known| known.installation_id == installation.id);
            if !is_ours {
                *known = None;
            }
            (known.as_ref().map(|known| known.story.seq).filter(|seq| *seq > 0), !is_ours)
        };
        if is_other {
            self.hub.show(|view| view.is_fresh = false);
        }
        Ok(after)
    }
}

impl Driver {
    /// Shows what is on disk, if it is this installation's and nothing newer is known.
    async fn recall(&mut self) {
        if self.hub.known().is_some() {
            return;
        }
        let (kept, installation) = tokio::join!(shelf::get(&self.hub.shelf), self.hub.session.known());
        let whose = installation.map(|installation| installation.id);
        let kept = kept.filter(|kept| Some(&kept.installation_id) == whose.as_ref());
        if kept.is_some() {
            *self.hub.known() = kept;
            self.hub.show(|_| {});
        }
    }

    /// Puts what is known on disk. What cannot be kept is known all the same.
    async fn keep(&mut self) {
        let known = self.hub.known().clone().filter(|_| !self.is_kept);
        let Some(known) = known else { return };
        shelf::put(&self.hub.shelf, &known).await;
        self.is_kept = true;
    }

    /// Streams or polls, for ever.
    async fn listen(&mut self) {
        self.plan.start_over();
        loop {
            let wait_ms = match self.plan.step() {
                Step::Stream => self.stream().await,
                Step::Poll => self.poll().await,
            };
            self.keep().await;
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
                () = self.hub.poke.notified() => self.plan.start_over(),
            }
        }
    }

    /// Holds a stream as long as it can be held. Says how long to wait then, in milliseconds.
    async fn stream(&mut self) -> u64 {
        let mut has_held = false;
        let Err(failed) = self.hold(&mut has_held).await;
        self.hub.show(|view| view.live = false);
        if failed.error.is_retryable() {
            self.plan.stream_lost(has_held);
        } else {
            self.plan.refused();
            self.tell(failed.error.clone());
        }
        self.back_off_ms("the stream", &failed)
    }

    async fn hold(&mut self, has_held: &mut bool) -> Result<std::convert::Infallible, Failed> {
        let source = Source::new(self.hub.session.clone(), PATH.to_owned(), self.hub.silence_ms);
        let mut connection = source.connect(self).await?;
        let opened = Instant::now();
        // What happened before the stream was open is in the list, what happens from now on in the stream.
        self.refresh().await?;
        loop {
            let events = connection.read(self.hub.silence_ms).await?;
            // One that ends again and again is as good as none.
            if opened.elapsed() >= Duration::from_millis(self.hub.poll_ms.into()) {
                *has_held = true;
                self.plan.stream_holds();
            }
            let mut is_news = !self.hub.view.borrow().live;
            for event in events {
                match read_text(&event.data).ok().filter(|_| event.name == "callback") {
                    Some(event) => is_news |= self.change(|story| story.hear(event)),
                    None => source.passed_over(),
                }
            }
            self.change(|_| false);
            if is_news {
                self.hub.show(|view| view.live = true);
                self.keep().await;
            }
        }
    }

    /// Says how long to wait, in milliseconds.
    async fn poll(&mut self) -> u64 {
        match self.refresh().await {
            Ok(()) => {
                let is_open = self.hub.known().as_ref().is_some_and(|known| known.story.is_open());
                let again = self.plan.polled();
                if again { poll_wait_ms(self.hub.poll_ms, is_open, random_fraction()) } else { 0 }
            }
            Err(failed) => {
                self.plan.poll_failed();
                if !failed.error.is_retryable() {
                    self.tell(failed.error.clone());
                }
                self.back_off_ms("the list", &failed)
            }
        }
    }

    /// Asks for the newest callbacks.
    async fn refresh(&mut self) -> Result<(), Failed> {
        let installation = self.hub.session.installation(None).await?;
        let before = self.hub.known().as_ref().map(|known| known.story.ids()).unwrap_or_default();
        let list: CallbackList = self.hub.session.call(&Outgoing::get("/v1/callbacks")).await?;
        let now = self.hub.session.exchange.clock.now();
        {
            let mut known = self.hub.known();
            let is_ours = |known: &Known| known.installation_id == installation.id;
            let mut next = known.take().filter(is_ours).unwrap_or_else(|| Known {
                installation_id: installation.id,
                as_of: now,
                story: Story::default(),
            });
            next.as_of = now;
            next.story.learn_list(list.callbacks, list.next.is_none(), &before);
            *known = Some(next);
        }
        self.is_kept = false;
        self.hub.show(|view| {
            view.is_fresh = true;
            view.trouble = None;
        });
        Ok(())
    }

    /// Changes what is known, which is so as of now.
    fn change(&mut self, change: impl FnOnce(&mut Story) -> bool) -> bool {
        let now = self.hub.session.exchange.clock.now();
        let mut known = self.hub.known();
        let Some(known) = known.as_mut() else { return false };
        known.as_of = now;
        self.is_kept = false;
        change(&mut known.story)
    }

    fn tell(&self, error: ClientError) {
        self.hub.show(|view| {
            view.troubles += 1;
            view.trouble = Some(error);
        });
    }

    fn back_off_ms(&self, what: &str, failed: &Failed) -> u64 {
        let exchange = &self.hub.session.exchange;
        let wait_ms =
            exchange.retry.endless_wait_ms(self.plan.failures, failed.retry_after_s, random_fraction());
        self.log(LogLevel::Info, format!("{what}: {}; again in {wait_ms} ms", failed.error.code()));
        wait_ms
    }

    fn log(&self, level: LogLevel, line: String) {
        self.hub.session.exchange.log.log(level, LOG_TARGET, line);
    }
}
