//! The readers of what comes from outside, for the fuzz targets in `core/fuzz`. Never in a build that ships.
//!
//! Each takes any bytes and panics only when something is wrong with the reader.

use super::exchange::judge;
use super::outbox::{Draft, Record, RequestState};
use super::{answer_for_action, push};
use crate::protocol::{
    Availability, CallTicket, Callback, CallbackEvent, Confirmation, Device, Installation, LineUpdate, Offer,
    PUSH_DATA_KEY, Timestamp, Validation,
};
use crate::transport::sse::SseParser;
use crate::transport::{HttpHeader, HttpResponse};
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// A push as an app gets it.
pub fn push(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let data = HashMap::from([(PUSH_DATA_KEY.to_owned(), text)]);
    // What is ours is read or refused, never taken for somebody else's.
    assert!(!matches!(push::read(&data), Ok(None)));
}

/// A file of the outbox, once it is unsealed. What is read is written the same and asks for the same.
pub fn outbox_record(bytes: &[u8]) {
    let Some(record) = Record::decode(bytes) else { return };
    let outgoing = record.outgoing();
    assert!(outgoing.path.starts_with("/v1/"), "it can only go to our server");
    let body = String::from_utf8(outgoing.body.unwrap_or_default());
    let pending = record.pending(RequestState::NotSent, false);
    let draft = Draft {
        kind: pending.kind,
        path: outgoing.path,
        callback_id: pending.callback_id,
        body: body.unwrap_or_default(),
    };
    assert!(record.is_same_intent(&draft));
    assert!(!record.comes_after(&record), "nothing waits for itself");
    let _ = (record.is_superseded_by(&draft), record.lane());
    let again = record.encode().ok().and_then(|written| Record::decode(&written));
    assert!(again == Some(record), "what was read is written the same");
}

/// A whole answer: two bytes of status, a line for `Retry-After`, the body.
pub fn answer(bytes: &[u8]) {
    let Some((&[high, low], rest)) = bytes.split_first_chunk() else { return };
    let (wait, body) = rest.split_at(rest.iter().position(|&byte| byte == b'\n').unwrap_or(0));
    let body = body.strip_prefix(b"\n").unwrap_or(body);
    let value = String::from_utf8_lossy(wait).into_owned();
    let answer = HttpResponse {
        status: u16::from_be_bytes([high, low]),
        headers: vec![HttpHeader { name: "Retry-After".to_owned(), value }],
        body: body.to_vec(),
    };
    match judge(answer, Timestamp::UNIX_EPOCH) {
        Ok(answer) => {
            for read in [
                reads::<Callback>,
                reads::<Vec<Callback>>,
                reads::<Offer>,
                reads::<Availability>,
                reads::<Validation>,
                reads::<Confirmation>,
                reads::<CallTicket>,
                reads::<Vec<Device>>,
                reads::<Installation>,
            ] {
                read(&answer.body);
            }
        }
        Err(failed) => {
            // What an app shows and compares.
            assert!(!failed.error.code().is_empty() && !failed.error.to_string().is_empty());
        }
    }
}

/// A stream of server-sent events: the same events however its bytes arrive.
pub fn event_stream(bytes: &[u8]) {
    let Some((&cut, stream)) = bytes.split_first() else { return };
    let whole = SseParser::default().feed(stream);
    let mut parser = SseParser::default();
    let parts = stream.chunks(usize::from(cut).max(1));
    let parts: Result<Vec<_>, _> = parts.map(|chunk| parser.feed(chunk)).collect();
    assert!(parts.map(|events| events.concat()) == whole);
    for event in whole.unwrap_or_default() {
        reads::<CallbackEvent>(event.data.as_bytes());
        reads::<LineUpdate>(event.data.as_bytes());
    }
}

/// What a notification's action says: its identifier, a line end, what the person typed.
pub fn action(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (identifier, typed) = text.split_once('\n').unwrap_or((&text, ""));
    let _ = (answer_for_action(identifier, None), answer_for_action(identifier, Some(typed)));
}

fn reads<T: DeserializeOwned>(bytes: &[u8]) {
    drop(serde_json::from_slice::<T>(bytes));
}
