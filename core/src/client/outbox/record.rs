//! A kept request as it stands on disk, and what became of it.

use super::age::Moment;
use super::state::{PendingKind, PendingRequest, RequestState};
use crate::client::exchange::Outgoing;
use crate::client::read_text;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

const FORMAT: u32 = 1;
/// The server dates a receipt when it arrives: an old one would tell a wrong time.
const RECEIPT_MAX_AGE_S: u32 = 3600;

/// A request before it is kept.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) kind: PendingKind,
    /// From `/v1` on.
    pub(crate) path: String,
    pub(crate) callback_id: Option<String>,
    /// JSON; empty for none.
    pub(crate) body: String,
}

/// For how long a request is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Any request, in seconds since it was asked for.
    pub(crate) max_age_s: u32,
    /// One that is about "now", in seconds since it was asked for.
    pub(crate) immediate_useful_s: u32,
}

/// A kept request: all that is needed to send it again, byte for byte.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    format: u32,
    pub(crate) key: String,
    /// Rises from one request to the next.
    pub(crate) seq: u64,
    pub(crate) kind: PendingKind,
    method: String,
    path: String,
    callback_id: Option<String>,
    body: String,
    pub(crate) asked: Moment,
}

/// How a request ended that nobody waited for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Ending {
    Refused { code: String, detail: String },
    Expired,
}

/// What became of a request, kept until the app has seen it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ended {
    pub(crate) record: Record,
    pub(crate) ending: Ending,
    pub(crate) may_have_arrived: bool,
    pub(crate) when: Moment,
}

impl Record {
    pub(crate) fn new(draft: Draft, key: String, seq: u64, now: Moment) -> Self {
        Self {
            format: FORMAT,
            key,
            seq,
            kind: draft.kind,
            method: method_of(draft.kind).to_owned(),
            path: draft.path,
            callback_id: draft.callback_id,
            body: draft.body,
            asked: now,
        }
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// `None` for anything that [`encode`](Self::encode) did not write.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let record: Self = serde_json::from_slice(bytes).ok()?;
        record.is_sound().then_some(record)
    }

    fn is_sound(&self) -> bool {
        self.format == FORMAT
            && is_key(&self.key)
            && self.method == method_of(self.kind)
            && self.path.starts_with("/v1/")
            && self.path.bytes().all(|byte| byte.is_ascii_graphic())
    }

    /// Requests of one lane leave in the order they were asked for, each after the one before is answered for good.
    /// `None` for one that has to wait for no other.
    pub(crate) fn lane(&self) -> Option<&str> {
        use PendingKind::{Cancel, ChangeNumber, Confirm, RegisterPush, Reschedule, Snooze, UnregisterPush};
        match self.kind {
            Cancel | Confirm | Reschedule | Snooze | ChangeNumber => self.callback_id.as_deref(),
            RegisterPush | UnregisterPush => Some("devices"),
            PendingKind::RequestCallback | PendingKind::RequestCallIn | PendingKind::PushReceipt => None,
        }
    }

    /// This one has to wait until `other` is answered.
    pub(crate) fn comes_after(&self, other: &Self) -> bool {
        other.seq < self.seq && self.lane().is_some() && self.lane() == other.lane()
    }

    /// Whoever asked wanted it at once: later it would surprise them.
    fn is_immediate(&self) -> bool {
        #[derive(Deserialize)]
        struct Chosen {
            scheduled_for: Option<IgnoredAny>,
        }
        match self.kind {
            PendingKind::RequestCallIn => true,
            PendingKind::RequestCallback => {
                read_text::<Chosen>(&self.body).is_ok_and(|chosen| chosen.scheduled_for.is_none())
            }
            _ => false,
        }
    }

    /// It is not to be sent any more.
    pub(crate) fn is_expired(&self, limits: Limits, now: Moment) -> bool {
        let age = self.asked.age(now);
        let max_age_s = match self.kind {
            PendingKind::PushReceipt => limits.max_age_s.min(RECEIPT_MAX_AGE_S),
            _ => limits.max_age_s,
        };
        age.is_over(max_age_s) || (self.is_immediate() && !age.is_within(limits.immediate_useful_s))
    }

    pub(crate) fn outgoing(&self) -> Outgoing {
        Outgoing {
            method: method_of(self.kind),
            path: self.path.clone(),
            body: (!self.body.is_empty()).then(|| self.body.clone().into_bytes()),
            idempotency_key: Some(self.key.clone()),
            captcha: None,
        }
    }

    pub(crate) fn pending(&self, state: RequestState, may_have_arrived: bool) -> PendingRequest {
        PendingRequest {
            key: self.key.clone(),
            kind: self.kind,
            callback_id: self.callback_id.clone(),
            requested_at: self.asked.at,
            state,
            may_have_arrived,
        }
    }

    /// The draft asks for what this record asks for. The order of keys in an object means nothing.
    pub(crate) fn is_same_intent(&self, draft: &Draft) -> bool {
        let value = |body: &str| read_text::<Value>(body).ok();
        self.kind == draft.kind
            && self.path == draft.path
            && (self.body == draft.body
                || (value(&self.body).is_some() && value(&self.body) == value(&draft.body)))
    }

    /// The draft makes this record pointless. None of them may arrive after the new one and take its place:
    /// an earlier choice of time, pause or number for the same callback; an earlier token of the same place. Which place an
    /// id means only the server knows, so between registering and unregistering the last word counts for all of them.
    pub(crate) fn is_superseded_by(&self, draft: &Draft) -> bool {
        use PendingKind::{ChangeNumber, RegisterPush, Reschedule, Snooze, UnregisterPush};
        match (self.kind, draft.kind) {
            (Reschedule | Snooze | ChangeNumber, _) => self.kind == draft.kind && self.path == draft.path,
            (RegisterPush, RegisterPush) => {
                let body = |body: &str| read_text::<Value>(body).ok();
                body(&self.body).zip(body(&draft.body)).is_some_and(|(old, new)| {
                    let place = place(&old);
                    place.is_some() && place == self::place(&new)
                })
            }
            (RegisterPush, UnregisterPush) | (UnregisterPush, RegisterPush) => true,
            _ => false,
        }
    }
}

impl Ended {
    pub(crate) fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// `None` for anything that [`encode`](Self::encode) did not write.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let ended: Self = serde_json::from_slice(bytes).ok()?;
        ended.record.is_sound().then_some(ended)
    }

    pub(crate) fn pending(&self) -> PendingRequest {
        let state = match &self.ending {
            Ending::Refused { code, detail } => {
                RequestState::Refused { code: code.clone(), detail: detail.clone() }
            }
            Ending::Expired => RequestState::Expired,
        };
        self.record.pending(state, self.may_have_arrived)
    }
}

/// Kind of target, and what tells apart the registrations of one kind, as the server has it: the callback of a Live Activity,
/// or the name. From the plain JSON: a reader of registrations is 13 KB that nothing else on a phone needs.
fn place(registration: &Value) -> Option<(&String, Option<&str>, Option<&str>)> {
    let (kind, target) = registration.get("target")?.as_object()?.iter().next()?;
    Some(match target.get("callback_id").and_then(Value::as_str) {
        Some(callback_id) => (kind, Some(callback_id), None),
        None => (kind, None, registration.get("name").and_then(Value::as_str)),
    })
}

/// A key that this client made: it is a file name and a header as well.
pub(crate) fn is_key(key: &str) -> bool {
    key.len() == 36 && key.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

fn method_of(kind: PendingKind) -> &'static str {
    match kind {
        PendingKind::RegisterPush => "PUT",
        PendingKind::UnregisterPush => "DELETE",
        PendingKind::RequestCallback
        | PendingKind::Cancel
        | PendingKind::Confirm
        | PendingKind::Reschedule
        | PendingKind::Snooze
        | PendingKind::ChangeNumber
        | PendingKind::RequestCallIn
        | PendingKind::PushReceipt => "POST",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn draft(kind: PendingKind, body: &str) -> Draft {
        Draft { kind, path: "/v1/callbacks".to_owned(), callback_id: None, body: body.to_owned() }
    }

    fn key() -> String {
        uuid::Uuid::new_v4().to_string()
    }

    fn record(kind: PendingKind, body: &str) -> Record {
        Record::new(draft(kind, body), key(), 1, Moment::at(0, 0))
    }

    #[test]
    fn the_same_intent_is_the_same_whatever_the_order() {
        let kept = record(PendingKind::RequestCallback, r#"{"a":1,"b":{"x":1,"y":2}}"#);
        assert!(kept.is_same_intent(&draft(PendingKind::RequestCallback, r#"{"b":{"y":2,"x":1},"a":1}"#)));
        assert!(!kept.is_same_intent(&draft(PendingKind::RequestCallback, r#"{"a":1,"b":{"x":1,"y":3}}"#)));
        assert!(!kept.is_same_intent(&draft(PendingKind::RequestCallIn, r#"{"a":1,"b":{"x":1,"y":2}}"#)));
    }

    #[test]
    fn a_new_push_token_supersedes_those_of_its_place() {
        let body = |target: &str, rest: &str| format!(r#"{{"target":{target}{rest}}}"#);
        let apns =
            |token: &str| format!(r#"{{"apns":{{"token":"{token}","environment":"sandbox","topic":"t"}}}}"#);
        let activity = |rest: &str| {
            format!(r#"{{"live_activity":{{"token":"00","environment":"sandbox","topic":"t"{rest}}}}}"#)
        };
        let fcm = r#"{"fcm":{"token":"f","kind":"token"}}"#;
        let (phone, tablet) = (r#","name":"phone""#, r#","name":"tablet","locale":"de""#);
        let (one, two) = (r#","callback_id":"cb_1""#, r#","callback_id":"cb_2""#);
        let supersedes = |new: String, old: String| {
            let kept = record(PendingKind::RegisterPush, &old);
            kept.is_superseded_by(&draft(PendingKind::RegisterPush, &new))
        };
        assert!(supersedes(body(&apns("11"), phone), body(&apns("00"), phone)));
        assert!(supersedes(body(&apns("11"), tablet), body(&apns("00"), r#","name":"tablet""#)));
        assert!(supersedes(body(&apns("11"), ""), body(&apns("00"), "")));
        assert!(!supersedes(body(&apns("11"), phone), body(&apns("00"), tablet)));
        assert!(!supersedes(body(&apns("11"), phone), body(&apns("00"), "")));
        assert!(!supersedes(body(&apns("11"), phone), body(fcm, phone)));
        assert!(!supersedes(body(&apns("11"), ""), body(&activity(""), "")));
        assert!(supersedes(body(&activity(one), phone), body(&activity(one), tablet)));
        assert!(!supersedes(body(&activity(two), ""), body(&activity(one), "")));
        assert!(!supersedes(body(&activity(one), ""), body(&activity(""), "")));
        assert!(!record(PendingKind::Cancel, "{}").is_superseded_by(&draft(PendingKind::Cancel, "{}")));
    }

    #[test]
    fn registering_and_unregistering_supersede_each_other() {
        let (registers, unregisters) = (PendingKind::RegisterPush, PendingKind::UnregisterPush);
        assert!(record(registers, "{}").is_superseded_by(&draft(unregisters, "")));
        assert!(record(unregisters, "").is_superseded_by(&draft(registers, "{}")));
        assert!(!record(unregisters, "").is_superseded_by(&draft(unregisters, "")));
    }

    #[test]
    fn a_new_choice_supersedes_earlier_ones_about_the_same_callback() {
        let about =
            |kind, id: &str, body: &str| Draft { path: format!("/v1/callbacks/{id}/x"), ..draft(kind, body) };
        for kind in [PendingKind::Reschedule, PendingKind::Snooze, PendingKind::ChangeNumber] {
            let kept = Record::new(about(kind, "cb_1", r#"{"delay_s":60}"#), key(), 1, Moment::at(0, 0));
            assert!(kept.is_superseded_by(&about(kind, "cb_1", r#"{"delay_s":90}"#)));
            assert!(!kept.is_superseded_by(&about(kind, "cb_2", r#"{"delay_s":90}"#)));
            assert!(!kept.is_superseded_by(&about(PendingKind::Cancel, "cb_1", "{}")));
        }
    }

    const LIMITS: Limits = Limits { max_age_s: 86_400, immediate_useful_s: 900 };

    /// The last second at which a request is sent.
    fn last_s(kind: PendingKind, body: &str) -> u64 {
        let kept = record(kind, body);
        let is_sent = |second: &u64| !kept.is_expired(LIMITS, Moment::at(*second as i64, *second));
        let last = (0..100_000).take_while(is_sent).last().unwrap();
        assert!(!is_sent(&1_000_000));
        last
    }

    #[test]
    fn age_counts_from_the_tap() {
        assert_eq!(last_s(PendingKind::Cancel, "{}"), 86_400);
        assert_eq!(last_s(PendingKind::PushReceipt, "{}"), 3_600);
        assert_eq!(last_s(PendingKind::RequestCallback, r#"{"service":"a"}"#), 900);
        assert_eq!(last_s(PendingKind::RequestCallback, r#"{"scheduled_for":null}"#), 900);
        assert_eq!(last_s(PendingKind::RequestCallback, r#"{"scheduled_for":{"local":"x"}}"#), 86_400);
        assert_eq!(last_s(PendingKind::RequestCallIn, "{}"), 900);
    }

    #[test]
    fn what_cannot_be_dated_is_not_sent_as_fresh_and_not_lost() {
        let at = |kind| Record::new(draft(kind, "{}"), key(), 1, Moment::at(1_000_000, 500));
        // The device was restarted with its clock set back by a day.
        let now = Moment::at(913_600, 40);
        assert!(at(PendingKind::RequestCallback).is_expired(LIMITS, now));
        assert!(!at(PendingKind::Cancel).is_expired(LIMITS, now));
    }

    #[test]
    fn commands_for_one_callback_wait_for_each_other() {
        let about = |kind, id: &str, seq| {
            let draft = Draft { callback_id: Some(id.to_owned()), ..draft(kind, "{}") };
            Record::new(draft, key(), seq, Moment::at(0, 0))
        };
        let snooze = about(PendingKind::Snooze, "cb_1", 1);
        assert!(about(PendingKind::Cancel, "cb_1", 2).comes_after(&snooze));
        assert!(!about(PendingKind::Cancel, "cb_2", 2).comes_after(&snooze));
        assert!(!about(PendingKind::PushReceipt, "cb_1", 2).comes_after(&snooze));
        assert!(!snooze.comes_after(&about(PendingKind::Cancel, "cb_1", 2)));
        let device = |kind, seq| Record::new(draft(kind, "{}"), key(), seq, Moment::at(0, 0));
        assert!(device(PendingKind::UnregisterPush, 2).comes_after(&device(PendingKind::RegisterPush, 1)));
        let tap = |seq| device(PendingKind::RequestCallback, seq);
        assert!(!tap(2).comes_after(&tap(1)), "one call does not wait for another");
    }

    proptest! {
        #[test]
        fn what_is_kept_comes_back(body in ".*", id in prop::option::of("cb_[a-z0-9]{1,20}")) {
            let draft = Draft { callback_id: id, ..draft(PendingKind::Confirm, &body) };
            let record = Record::new(draft, key(), 7, Moment::at(5, 6));
            prop_assert!(Record::decode(&record.encode().expect("encodes")).as_ref() == Some(&record));
            let ending = Ending::Refused { code: body.clone(), detail: body };
            let ended = Ended { record, ending, may_have_arrived: true, when: Moment::at(7, 8) };
            prop_assert!(Ended::decode(&ended.encode().expect("encodes")) == Some(ended));
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Record::decode(&bytes).is_none());
            prop_assert!(Ended::decode(&bytes).is_none());
        }

        #[test]
        fn a_damaged_record_is_noticed_or_harmless(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = record(PendingKind::Cancel, "{}").encode().expect("encodes");
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Some(read) = Record::decode(&bytes) {
                prop_assert!(is_key(&read.key) && read.path.starts_with("/v1/"));
            }
        }
    }
}
