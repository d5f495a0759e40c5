//! What is decided about a request, and what a fault makes of it.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use jiff::Timestamp;

use crate::{Answer, Fault};

/// What becomes of a request.
pub(crate) enum Reply {
    Answer(Response<Bytes>),
    AnswerAndGoAway(Response<Bytes>),
    CutBody(Response<Bytes>),
    Stall,
    Disconnect,
    Reset,
    Garbage,
    RefuseStream,
    GoAwayUnprocessed,
}

/// What was decided about a request, for the sender and for the record.
pub(crate) struct Handled {
    reply: Reply,
    pub(crate) answer: Option<Answer>,
    pub(crate) processed: bool,
    delay: Duration,
}

impl Handled {
    fn new(reply: Reply, reason: Option<String>) -> Self {
        let answer = match &reply {
            Reply::Answer(response) | Reply::AnswerAndGoAway(response) | Reply::CutBody(response) => {
                Some(Answer { status: response.status().as_u16(), reason })
            }
            _ => None,
        };
        let processed = !matches!(reply, Reply::RefuseStream | Reply::GoAwayUnprocessed);
        Self { reply, answer, processed, delay: Duration::ZERO }
    }

    pub(crate) fn refused(response: Response<Bytes>, reason: &str) -> Self {
        Self::new(Reply::Answer(response), Some(reason.to_owned()))
    }

    /// Plays a fault; `refused` gets the reason, `Retry-After` in seconds and the instant of the script.
    pub(crate) fn of(
        fault: Fault,
        accepted: impl FnOnce() -> Response<Bytes>,
        refused: impl FnOnce(&str, Option<u64>, Option<Timestamp>) -> Response<Bytes>,
    ) -> Self {
        let reply = match fault {
            Fault::Accept => Reply::Answer(accepted()),
            Fault::Delay { delay_ms } => {
                let delay = Duration::from_millis(delay_ms);
                return Self { delay, ..Self::new(Reply::Answer(accepted()), None) };
            }
            Fault::GoAway => Reply::AnswerAndGoAway(accepted()),
            Fault::Refuse { reason, retry_after_s, timestamp } => {
                return Self::refused(refused(&reason, retry_after_s, timestamp), &reason);
            }
            Fault::Answer { status, body, content_type } => {
                Reply::Answer(undocumented(status, body, content_type))
            }
            Fault::CutBody { reason: Some(reason) } => {
                return Self::new(Reply::CutBody(refused(&reason, None, None)), Some(reason));
            }
            Fault::CutBody { reason: None } => Reply::CutBody(accepted()),
            Fault::Stall => Reply::Stall,
            Fault::Disconnect => Reply::Disconnect,
            Fault::Reset => Reply::Reset,
            Fault::Garbage => Reply::Garbage,
            Fault::RefuseStream => Reply::RefuseStream,
            Fault::GoAwayUnprocessed => Reply::GoAwayUnprocessed,
        };
        Self::new(reply, None)
    }

    pub(crate) fn is_accepted(&self) -> bool {
        self.answer.as_ref().is_some_and(Answer::is_acceptance)
    }

    /// The reply, late if the script says so.
    pub(crate) async fn reply_in_time(self) -> Reply {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        self.reply
    }
}

fn undocumented(status: u16, body: String, content_type: Option<String>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(kind) = content_type.and_then(|kind| HeaderValue::from_str(&kind).ok()) {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response
}
