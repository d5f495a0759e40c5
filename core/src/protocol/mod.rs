//! The wire between apps and the server.
//!
//! JSON is `snake_case`. Times are RFC 3339 instants in UTC, durations are seconds and end in `_s`, phone numbers are
//! E.164. Requests refuse unknown fields; answers tolerate them, and enums of answers have an `Unknown` value, so
//! that an app outlives the server it was built against.

mod attestation;
mod call_in;
mod callback;
mod captcha;
mod context;
mod event;
mod installation;
pub(crate) mod instant;
mod offer;
mod private;
mod problem;
mod push;
mod schedule;
mod signature;
mod wait;

pub use attestation::{
    AttestationChallenge, AttestationEvidence, AttestationRequest, AttestationResult, AttestationVerdict,
};
pub use call_in::{CallInRequest, CallTicket};
pub use callback::{
    Callback, CallbackList, CallbackRequest, CallbackState, ChangeNumberRequest, CompletedReason,
    ConfirmAnswer, ConfirmRequest, Confirmation, Direction, RoutingPhase,
};
pub use captcha::{CAPTCHA_HEADER, CaptchaChallenge, CaptchaChallengeRequest, CaptchaPurpose};
pub use context::{
    CONTEXT_KEY_MAX_CHARS, CONTEXT_MAX_BYTES, CONTEXT_MAX_KEYS, ContextFault, JOURNEY_MAX_BYTES,
    JOURNEY_MAX_SCREENS, Journey, Screen, check_context, check_journey,
};
pub use event::{CallbackEvent, EventKind};
pub use installation::{Installation, InstallationRequest};
pub use jiff::Timestamp;
pub use offer::{Check, Offer, OfferedKind, Validation};
pub use private::{
    AccessCode, ActionToken, BearerToken, CaptchaToken, ContextValue, InstallationSecret, PersonName,
    PhoneNumber, PushToken, SpokenCode,
};
pub use problem::{Problem, ProblemCode, ReachedLimit};
pub use push::{
    ACTION_CANCEL, ACTION_OTHER_NUMBER, ACTION_READY, ACTION_SNOOZE, ApnsEnvironment, CATEGORY_AGENT_READY,
    CATEGORY_CALLBACK_REMINDER, Device, FcmTokenKind, PUSH_DATA_KEY, PushData, PushEvent, PushReceipt,
    PushRegistration, PushTarget, ReceiptKind,
};
pub use schedule::{
    Availability, AvailabilityRequest, Fold, RescheduleRequest, ScheduledTime, Slot, SnoozeRequest, WallTime,
};
pub use signature::{
    CONTENT_DIGEST_HEADER, KeyAlgorithm, PublicKey, SIGNATURE_HEADER, SIGNATURE_INPUT_HEADER, SIGNATURE_TAG,
    SIGNATURE_WINDOW_S, signature_base, target_uri,
};
pub use wait::{Confidence, LineUpdate, WaitEstimate, WaitStatus};

#[cfg(feature = "uniffi")]
mod timestamp_for_hosts {
    use super::Timestamp;
    use std::time::SystemTime;

    // Kotlin and Swift see their own instant types.
    uniffi::custom_type!(Timestamp, SystemTime, {
        remote,
        // Every platform we ship to can hold any `Timestamp`; the epoch is for one that cannot.
        lower: |instant| SystemTime::try_from(instant).unwrap_or(SystemTime::UNIX_EPOCH),
        // Without the cause: the words that jiff has for it are many.
        try_lift: |time| Timestamp::try_from(time).map_err(|_| uniffi::deps::anyhow::anyhow!("a time out of range")),
    });
}

/// The header that carries an app's publishable key (`rb_pub_…`) when an installation registers.
pub const APP_KEY_HEADER: &str = "ringback-app-key";

/// The header that makes a state-changing request repeatable: one key for one intent, for ever
/// (draft-ietf-httpapi-idempotency-key-header). 1 to 128 visible ASCII characters.
pub const IDEMPOTENCY_KEY_HEADER: &str = "idempotency-key";
