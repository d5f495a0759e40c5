//! `watch` and `line`: on a terminal a picture that stays up to date, elsewhere one line for each thing that happens.

use super::view::{event_line, event_line_with_id, has_happened, is_called, line_line};
use crate::exit::{Ended, Exit};
use crate::print::{self, Listed, Output, Show, table};
use crate::{Failure, when};
use crossterm::cursor::MoveToPreviousLine;
use crossterm::queue;
use crossterm::terminal::{Clear, ClearType};
use ringback_core::client::{LineSubscription, RingbackClient};
use ringback_core::protocol::{Callback, CallbackEvent, CallbackState, LineUpdate, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::io::{IsTerminal, Write};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How many events the picture shows.
const EVENTS_SHOWN: usize = 12;
/// How often places in line are asked for anew where many callbacks are watched: they move without events.
const REFRESH: Duration = Duration::from_secs(5);
/// How long the end waits for the last event to be noted as told.
const TOLD_LIMIT: Duration = Duration::from_millis(200);
/// How long the last event of a callback may come after its line has ended.
const LAST_EVENT_LIMIT: Duration = Duration::from_secs(2);

/// All callbacks of the installation, until interrupted.
pub(super) async fn watch_all(client: &RingbackClient, output: Output) -> Result<(), Failure> {
    // Says at once when the server is not there; the stream would wait for it.
    let known = client.callbacks().await?;
    let events = client.events()?;
    if !is_live(output) {
        while let Some(event) = events.next().await? {
            print_event(output, &event)?;
        }
        return Ok(());
    }
    let mut board = Board::new(known);
    let (mut screen, mut second, mut refresh) =
        (Screen::default(), ticks(Duration::from_secs(1)), ticks(REFRESH));
    loop {
        screen.draw(&board.picture())?;
        tokio::select! {
            event = events.next() => match event? {
                Some(event) => board.hear(event),
                None => return Ok(()),
            },
            _ = second.tick() => {}
            // What cannot be asked now is asked again soon; the picture says as of when it is.
            _ = refresh.tick() => if let Ok(known) = client.callbacks().await { board.learn(known) },
        }
    }
}

/// One callback, until it is over, or until something has happened to it.
pub(super) async fn watch_one(
    client: &RingbackClient,
    output: Output,
    id: String,
    until: Option<String>,
) -> Result<(), Failure> {
    let awaited = until.as_deref();
    let callback = client.callback(id.clone()).await?;
    if callback.state == CallbackState::Completed || awaited.is_some_and(|word| is_called(&callback, word)) {
        output.show(&callback)?;
        return ended(&callback, awaited);
    }
    let (events, line) = (client.events()?, client.line(&id)?);
    let mut story = Story::new(callback);
    let is_live = is_live(output);
    let (mut screen, mut second) = (Screen::default(), ticks(Duration::from_secs(1)));
    let mut last_event_by = None;
    while story.callback.state != CallbackState::Completed {
        if is_live {
            screen.draw(&story.picture())?;
        }
        tokio::select! {
            event = events.next() => {
                let Some(event) = event? else { break };
                if event.callback.id == id {
                    if !is_live {
                        print_event(output, &event)?;
                    }
                    let is_awaited = awaited.is_some_and(|word| has_happened(&event, word));
                    story.hear(event);
                    if is_awaited {
                        break;
                    }
                }
            }
            update = next_update(&line, last_event_by.is_none()) => match update? {
                Some(update) => {
                    if !is_live {
                        print_update(output, &update)?;
                    }
                    story.learn(update);
                }
                None => last_event_by = Some(Instant::now() + LAST_EVENT_LIMIT),
            },
            () = at(last_event_by) => story.callback = client.callback(id.clone()).await?,
            _ = second.tick(), if is_live => {}
        }
    }
    if is_live {
        screen.draw(&story.picture())?;
    }
    // An event counts as told once the next is asked for. That one is not told, so it comes again.
    let _ = tokio::time::timeout(TOLD_LIMIT, events.next()).await;
    ended(&story.callback, awaited)
}

/// Somebody who waits for what cannot come any more is told by the exit code.
fn ended(callback: &Callback, awaited: Option<&str>) -> Result<(), Failure> {
    let is_over = callback.state == CallbackState::Completed;
    match awaited {
        Some(word) if is_over && !is_called(callback, word) => Err(Ended::with(Exit::Conflict)),
        _ => Ok(()),
    }
}

/// Where a callback stands in line, until it is over.
pub(super) async fn line(client: &RingbackClient, output: Output, id: &str) -> Result<(), Failure> {
    let line = client.line(id)?;
    let mut screen = Screen::default();
    while let Some(update) = line.next().await? {
        if is_live(output) {
            screen.draw(&line_line(&update))?;
        } else {
            print_update(output, &update)?;
        }
    }
    Ok(())
}

/// A picture is drawn over itself only for people at a terminal that can.
fn is_live(output: Output) -> bool {
    let can_move = std::env::var_os("TERM").is_some_and(|terminal| terminal != "dumb");
    output.is_for_people() && can_move && std::io::stdout().is_terminal()
}

fn print_event(output: Output, event: &CallbackEvent) -> Result<(), Failure> {
    if output.is_json() {
        print::json(event)
    } else if output.is_for_people() {
        print::line(event_line_with_id(event))
    } else {
        print::line(&event.callback.id)
    }
}

fn print_update(output: Output, update: &LineUpdate) -> Result<(), Failure> {
    if output.is_json() {
        print::json(update)
    } else if output.is_for_people() {
        print::line(line_line(update))
    } else {
        // Only ids are wanted, and this one is known.
        Ok(())
    }
}

async fn next_update(line: &LineSubscription, is_open: bool) -> Result<Option<LineUpdate>, Failure> {
    if is_open { Ok(line.next().await?) } else { std::future::pending().await }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn ticks(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

/// The last things that happened, oldest first.
#[derive(Default)]
struct Events(VecDeque<String>);

impl Events {
    fn push(&mut self, line: String) {
        if self.0.len() == EVENTS_SHOWN {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    fn picture(&self) -> String {
        self.0.iter().flat_map(|line| ["\n", line]).collect()
    }
}

/// One callback and what happened to it.
struct Story {
    callback: Callback,
    /// When place and wait were so.
    as_of: Timestamp,
    events: Events,
}

impl Story {
    fn new(callback: Callback) -> Self {
        Self { callback, as_of: Timestamp::now(), events: Events::default() }
    }

    /// Events that come up again are older than what is known.
    fn hear(&mut self, event: CallbackEvent) {
        self.events.push(event_line(&event));
        if event.callback.version >= self.callback.version {
            let (position, wait) = (self.callback.position, self.callback.wait.take());
            self.callback = event.callback;
            if self.callback.state == CallbackState::Queued {
                // Events leave the place out: it moves without them.
                self.callback.position = self.callback.position.or(position);
                self.callback.wait = self.callback.wait.take().or(wait);
            }
        }
    }

    fn learn(&mut self, update: LineUpdate) {
        (self.callback.position, self.callback.wait) = (update.position, update.wait);
        self.as_of = update.at;
    }

    fn picture(&self) -> String {
        let is_in_line = self.callback.position.is_some();
        let as_of = if is_in_line { format!("\nas of {}", when::clock(self.as_of)) } else { String::new() };
        format!("{}{as_of}\n{}", self.callback.for_people(), self.events.picture())
    }
}

/// All open callbacks and what happened lately.
struct Board {
    open: BTreeMap<String, Callback>,
    as_of: Timestamp,
    events: Events,
}

impl Board {
    fn new(known: Vec<Callback>) -> Self {
        let mut board = Self { open: BTreeMap::new(), as_of: Timestamp::now(), events: Events::default() };
        board.learn(known);
        board
    }

    fn learn(&mut self, known: Vec<Callback>) {
        let open = known.into_iter().filter(|callback| callback.state != CallbackState::Completed);
        self.open = open.map(|callback| (callback.id.clone(), callback)).collect();
        self.as_of = Timestamp::now();
    }

    fn hear(&mut self, event: CallbackEvent) {
        self.events.push(event_line_with_id(&event));
        let callback = event.callback;
        match self.open.get(&callback.id) {
            Some(known) if known.version > callback.version => {}
            _ if callback.state == CallbackState::Completed => drop(self.open.remove(&callback.id)),
            _ => drop(self.open.insert(callback.id.clone(), callback)),
        }
    }

    fn picture(&self) -> String {
        let rows = if self.open.is_empty() {
            "No open callbacks.".to_owned()
        } else {
            table(Callback::HEAD, self.open.values().map(Listed::row))
        };
        let now = Timestamp::now();
        let questions = self.open.values().filter_map(|callback| super::view::question(callback, now));
        let questions: String = questions.flat_map(|question| ["\n".to_owned(), question]).collect();
        let as_of = format!("as of {}, Ctrl-C ends this", when::clock(self.as_of));
        format!("{rows}{questions}\n{as_of}\n{}", self.events.picture())
    }
}

/// What stands on the terminal and is drawn over.
#[derive(Default)]
struct Screen {
    lines: u16,
}

impl Screen {
    fn draw(&mut self, picture: &str) -> Result<(), Failure> {
        let (columns, rows) = crossterm::terminal::size().unwrap_or((80, 24));
        // A line that wraps, or a picture that scrolls, could not be drawn over.
        let lines: Vec<_> = picture.lines().take(usize::from(rows.saturating_sub(1))).collect();
        let mut out = std::io::stdout().lock();
        if self.lines > 0 {
            queue!(out, MoveToPreviousLine(self.lines))?;
        }
        queue!(out, Clear(ClearType::FromCursorDown))?;
        out.flush()?;
        drop(out);
        let cut: Vec<_> = lines.iter().map(|line| cut(line, usize::from(columns))).collect();
        print::line(cut.join("\n"))?;
        self.lines = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        Ok(())
    }
}

/// At most so many characters; a line with colours is a table's and fits already.
fn cut(line: &str, columns: usize) -> String {
    if line.contains('\u{1b}') || line.chars().count() <= columns {
        return line.to_owned();
    }
    line.chars().take(columns.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringback_core::protocol::EventKind;

    fn callback(version: u64, state: &str) -> Callback {
        let json = serde_json::json!({
            "id": "cb_1", "service": "billing", "state": state, "direction": "customer_terminated",
            "created_at": "2026-12-24T09:30:00Z", "version": version,
        });
        serde_json::from_value(json).unwrap()
    }

    fn event(version: u64, state: &str) -> CallbackEvent {
        let callback = callback(version, state);
        CallbackEvent { seq: version, at: callback.created_at, kind: EventKind::Requested, callback }
    }

    #[test]
    fn an_old_event_changes_no_newer_callback() {
        let mut story = Story::new(callback(3, "routing"));
        story.hear(event(1, "queued"));
        assert_eq!(story.callback.state, CallbackState::Routing);
        story.hear(event(4, "completed"));
        assert_eq!(story.callback.state, CallbackState::Completed);
        let mut board = Board::new(vec![callback(3, "routing")]);
        board.hear(event(1, "completed"));
        assert_eq!(board.open.len(), 1);
        board.hear(event(4, "completed"));
        assert!(board.open.is_empty());
        assert_eq!(board.events.0.len(), 2);
    }

    #[test]
    fn lines_fit_the_terminal() {
        assert_eq!(cut("twelve chars", 12), "twelve chars");
        assert_eq!(cut("twelve chars", 7), "twelve…");
    }
}
