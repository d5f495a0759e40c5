//! A kept request as it stands on disk.

use super::{PendingKind, PendingRequest};
use crate::client::exchange::Outgoing;
use crate::protocol::{PushRegistration, PushTarget, Timestamp};
use serde::{Deserialize, Serialize};
use std::mem;

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

/// A kept request: all that is needed to send it again, byte for byte.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    format: u32,
    pub(crate) key: String,
    pub(crate) kind: PendingKind,
    method: String,
    path: String,
    callback_id: Option<String>,
    body: String,
    pub(crate) requested_at: Timestamp,
}

impl Record {
    pub(crate) fn new(draft: Draft, now: Timestamp) -> Self {
        Self {
            format: FORMAT,
            key: uuid::Uuid::new_v4().to_string(),
            kind: draft.kind,
            method: method_of(draft.kind).to_owned(),
            path: draft.path,
            callback_id: draft.callback_id,
            body: draft.body,
            requested_at: now,
        }
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// `None` for anything that [`encode`](Self::encode) did not write.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let record: Self = serde_json::from_slice(bytes).ok()?;
        let sound = record.format == FORMAT
            && is_key(&record.key)
            && record.method == method_of(record.kind)
            && record.path.starts_with("/v1/")
            && record.path.bytes().all(|byte| byte.is_ascii_graphic());
        sound.then_some(record)
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

    pub(crate) fn pending(&self) -> PendingRequest {
        PendingRequest {
            key: self.key.clone(),
            kind: self.kind,
            callback_id: self.callback_id.clone(),
            requested_at: self.requested_at,
        }
    }

    pub(crate) fn is_older_than(&self, age_s: u32, now: Timestamp) -> bool {
        let age_s = if self.kind == PendingKind::PushReceipt { age_s.min(RECEIPT_MAX_AGE_S) } else { age_s };
        now.as_second().saturating_sub(self.requested_at.as_second()) > i64::from(age_s)
    }

    /// The draft asks for what this record asks for. The order of keys in an object means nothing.
    pub(crate) fn is_same_intent(&self, draft: &Draft) -> bool {
        let value = |body: &str| serde_json::from_str::<serde_json::Value>(body).ok();
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
                let registration = |body: &str| serde_json::from_str::<PushRegistration>(body).ok();
                registration(&self.body).zip(registration(&draft.body)).is_some_and(|(old, new)| {
                    mem::discriminant(&old.target) == mem::discriminant(&new.target)
                        && place(&old) == place(&new)
                })
            }
            (RegisterPush, UnregisterPush) | (UnregisterPush, RegisterPush) => true,
            _ => false,
        }
    }
}

/// What tells apart the registrations of one kind of target, as the server has it.
fn place(registration: &PushRegistration) -> (Option<&String>, Option<&String>) {
    match &registration.target {
        PushTarget::LiveActivity { callback_id: Some(callback_id), .. } => (Some(callback_id), None),
        _ => (None, registration.name.as_ref()),
    }
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

    fn record(kind: PendingKind, body: &str) -> Record {
        Record::new(draft(kind, body), Timestamp::UNIX_EPOCH)
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
            let kept = Record::new(about(kind, "cb_1", r#"{"delay_s":60}"#), Timestamp::UNIX_EPOCH);
            assert!(kept.is_superseded_by(&about(kind, "cb_1", r#"{"delay_s":90}"#)));
            assert!(!kept.is_superseded_by(&about(kind, "cb_2", r#"{"delay_s":90}"#)));
            assert!(!kept.is_superseded_by(&about(PendingKind::Cancel, "cb_1", "{}")));
        }
    }

    #[test]
    fn age_counts_from_the_tap() {
        let kept = record(PendingKind::Cancel, "{}");
        let later = |second| Timestamp::from_second(second).expect("a time");
        assert!(!kept.is_older_than(60, later(60)));
        assert!(kept.is_older_than(60, later(61)));
        assert!(!kept.is_older_than(60, later(-1000)));
        let receipt = record(PendingKind::PushReceipt, "{}");
        assert!(!receipt.is_older_than(86_400, later(3600)));
        assert!(receipt.is_older_than(86_400, later(3601)));
    }

    proptest! {
        #[test]
        fn what_is_kept_comes_back(body in ".*", id in prop::option::of("cb_[a-z0-9]{1,20}")) {
            let draft = Draft { callback_id: id, ..draft(PendingKind::Confirm, &body) };
            let kept = Record::new(draft, Timestamp::UNIX_EPOCH);
            prop_assert!(Record::decode(&kept.encode().expect("encodes")) == Some(kept));
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Record::decode(&bytes);
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
