//! Log lines on their way to the host, off the thread that runs the client's tasks and in order.

use super::{LogLevel, LogSink};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Lines that wait while the host is slow; beyond it the oldest go.
const MAX_WAITING: usize = 256;

struct Line {
    level: LogLevel,
    target: &'static str,
    message: String,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Line>,
    /// Somebody is handing lines to the host.
    draining: bool,
}

/// Hands lines to the host's [`LogSink`], if it has one.
#[derive(Clone)]
pub(crate) struct Logger {
    sink: Option<Arc<dyn LogSink>>,
    waiting: Arc<Mutex<Waiting>>,
}

impl Logger {
    pub(crate) fn new(sink: Option<Arc<dyn LogSink>>) -> Self {
        Self { sink, waiting: Arc::default() }
    }

    /// Takes a line. Whoever writes one makes sure that nothing private is in it.
    pub(crate) fn log(&self, level: LogLevel, target: &'static str, message: String) {
        let (Some(sink), Ok(runtime)) = (&self.sink, tokio::runtime::Handle::try_current()) else { return };
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.lines.len() == MAX_WAITING {
            waiting.lines.pop_front();
        }
        waiting.lines.push_back(Line { level, target, message });
        if !waiting.draining {
            waiting.draining = true;
            let drain = Drain { sink: sink.clone(), waiting: self.waiting.clone() };
            runtime.spawn_blocking(move || drain.run());
        }
    }
}

/// Hands over lines until none is left; also when a line makes the host panic, the next one finds a way.
struct Drain {
    sink: Arc<dyn LogSink>,
    waiting: Arc<Mutex<Waiting>>,
}

impl Drain {
    fn run(&self) {
        while let Some(line) = self.next() {
            let _ = self.sink.log(line.level, line.target.to_owned(), line.message);
        }
    }

    fn next(&self) -> Option<Line> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let line = waiting.lines.pop_front();
        waiting.draining = line.is_some();
        line
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).draining = false;
        }
    }
}
