//! Between HTTP and TLS: puts in what no HTTP library would send, and ends a connection at a chosen byte.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::{self, Head};

const PREFACE: usize = 24;
/// As much waits to be sent before HTTP is held up.
const HIGH_WATER: usize = 64 * 1024;

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Close,
    Reset,
}

/// A SETTINGS frame that was sent and not acknowledged.
struct Unacknowledged {
    limit: u32,
    /// Ours: the HTTP library does not know of it and must not see its acknowledgement.
    ours: bool,
}

struct State {
    /// To be sent between two frames.
    inserted: VecDeque<Bytes>,
    end: Option<End>,
    /// The frame after which the connection is reset: its stream and kind.
    cut_after: Option<(u32, u8)>,
    limit: u32,
    acknowledged_limit: Option<u32>,
    unacknowledged: VecDeque<Unacknowledged>,
    reader: Option<Waker>,
}

/// The orders for one connection.
pub(super) struct Wire {
    http2: bool,
    state: Mutex<State>,
}

impl Wire {
    pub(super) fn new(http2: bool, limit: u32) -> Self {
        let state = State {
            inserted: VecDeque::new(),
            end: None,
            cut_after: None,
            limit,
            acknowledged_limit: None,
            unacknowledged: VecDeque::new(),
            reader: None,
        };
        Self { http2, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self, order: impl FnOnce(&mut State)) {
        let reader = {
            let mut state = self.state();
            order(&mut state);
            state.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    pub(super) fn insert(&self, bytes: Bytes) {
        self.order(|state| state.inserted.push_back(bytes));
    }

    /// Sends these bytes last.
    pub(super) fn end_with(&self, bytes: Bytes, end: End) {
        self.order(|state| {
            state.inserted.push_back(bytes);
            state.end = Some(end);
        });
    }

    /// Resets the connection once this frame is out.
    pub(super) fn cut_after(&self, stream: u32, kind: u8) {
        self.order(|state| state.cut_after = Some((stream, kind)));
    }

    /// Tells the client how many streams it may have open.
    pub(super) fn set_limit(&self, limit: u32) {
        self.order(|state| {
            state.limit = limit;
            // Before the first SETTINGS frame there is nothing to correct: it will have this limit.
            if state.acknowledged_limit.is_some() || !state.unacknowledged.is_empty() {
                state.unacknowledged.push_back(Unacknowledged { limit, ours: true });
                state.inserted.push_back(frames::settings(limit));
            }
        });
    }

    pub(super) fn is_http2(&self) -> bool {
        self.http2
    }

    pub(super) fn acknowledged_limit(&self) -> Option<u32> {
        self.state().acknowledged_limit
    }

    /// A frame of the HTTP library, on its way out. Whether the connection is to be reset after it.
    fn going_out(&self, head: Head, frame: &mut [u8]) -> bool {
        if !head.is_settings() && head.kind != frames::DATA && head.kind != frames::HEADERS {
            return false;
        }
        let mut state = self.state();
        if head.is_settings() {
            let limit = state.limit;
            frames::set_limit(frame, limit);
            state.unacknowledged.push_back(Unacknowledged { limit, ours: false });
        }
        state.cut_after == Some((head.stream, head.kind))
    }

    /// An acknowledgement has come; whether it is for a frame of ours.
    fn acknowledged(&self) -> bool {
        let mut state = self.state();
        let Some(settings) = state.unacknowledged.pop_front() else { return false };
        state.acknowledged_limit = Some(settings.limit);
        settings.ours
    }
}

/// A stream of bytes under the orders of its [`Wire`].
pub(super) struct Wired<S> {
    io: S,
    wire: Arc<Wire>,
    reset: Arc<AtomicBool>,
    /// The beginning of a frame of the HTTP library.
    frame: BytesMut,
    out: BytesMut,
    end: Option<End>,
    /// What came in and is not sorted yet.
    raw: BytesMut,
    /// So many bytes of `raw` are no frame head.
    skip: usize,
    /// What the HTTP library shall read.
    sorted: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wired<S> {
    pub(super) fn new(io: S, wire: Arc<Wire>, reset: Arc<AtomicBool>) -> Self {
        let buffer = BytesMut::new;
        Self {
            io,
            wire,
            reset,
            frame: buffer(),
            out: buffer(),
            end: None,
            raw: buffer(),
            skip: PREFACE,
            sorted: buffer(),
        }
    }

    fn take_in(&mut self, bytes: &[u8]) {
        if self.end.is_some() {
            return;
        }
        if !self.wire.http2 {
            self.out.extend_from_slice(bytes);
            return;
        }
        self.frame.extend_from_slice(bytes);
        while let Some(head) = Head::read(&self.frame)
            && self.frame.len() >= frames::HEAD + head.length
        {
            let mut frame = self.frame.split_to(frames::HEAD + head.length);
            let cut = self.wire.going_out(head, &mut frame);
            self.out.extend_from_slice(&frame);
            if cut {
                self.end = Some(End::Reset);
                return;
            }
        }
    }

    /// Sends what there is, and ends the connection if that is the order.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.frame.is_empty() && self.end.is_none() {
            let mut state = self.wire.state();
            for bytes in state.inserted.drain(..) {
                self.out.extend_from_slice(&bytes);
            }
            self.end = state.end;
        }
        let waited = !self.out.is_empty();
        while !self.out.is_empty() {
            let written = ready!(Pin::new(&mut self.io).poll_write(context, &self.out))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.out.advance(written);
        }
        if waited || self.end.is_some() {
            ready!(Pin::new(&mut self.io).poll_flush(context))?;
        }
        if let Some(end) = self.end {
            self.reset.store(end == End::Reset, Ordering::SeqCst);
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Poll::Ready(Ok(()))
    }

    /// Moves what the HTTP library shall see from `raw` to `sorted`.
    fn sort(&mut self) {
        loop {
            let passed = self.skip.min(self.raw.len());
            self.sorted.extend_from_slice(&self.raw.split_to(passed));
            self.skip -= passed;
            if self.skip > 0 {
                return;
            }
            let Some(head) = Head::read(&self.raw) else { return };
            if head.is_settings_ack() && self.wire.acknowledged() {
                self.raw.advance(frames::HEAD);
            } else {
                self.skip = frames::HEAD + head.length;
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Wired<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.wire.state().reader = Some(context.waker().clone());
        if let Poll::Ready(Err(error)) = this.poll_send(context) {
            return Poll::Ready(Err(error));
        }
        if !this.wire.http2 {
            return Pin::new(&mut this.io).poll_read(context, buffer);
        }
        while this.sorted.is_empty() {
            let mut chunk = [0; 16 * 1024];
            let mut read = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut this.io).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.raw.extend_from_slice(read.filled());
            this.sort();
        }
        let given = this.sorted.len().min(buffer.remaining());
        buffer.put_slice(&this.sorted.split_to(given));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wired<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.out.len() >= HIGH_WATER {
            ready!(self.poll_send(context))?;
        }
        self.take_in(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_send(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
