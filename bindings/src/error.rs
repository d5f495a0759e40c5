//! Errors at the border: what every one of them can say, and panics turned into one.

use ringback_core::client::{ClientError, FallbackNumber};
use ringback_core::protocol::{Slot, WallTime};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What every error can say, whatever kind it is.
#[derive(Debug, uniffi::Record)]
pub struct ErrorFacts {
    /// Stable, for programs: see `docs/errors.md`.
    pub code: String,
    /// What kind of problem it is; the same for every occurrence.
    pub title: String,
    /// What is wrong and what to do. Never private.
    pub detail: String,
    /// The same request may succeed later, as it is.
    pub retryable: bool,
    /// When another try makes sense, in seconds.
    pub retry_after_s: Option<u32>,
    /// Names the request in the server's logs.
    pub request_id: Option<String>,
    /// Which field or header is meant, when it is one.
    pub field: Option<String>,
    /// Which callback stands in the way.
    pub callback_id: Option<String>,
    /// Free slots nearest to the one that was asked for, before and after it; empty unless that was full or closed.
    pub slots: Vec<Slot>,
    /// What to choose from instead; empty unless the clock skips the wall time or shows it twice.
    pub wall_times: Vec<WallTime>,
    /// The number to call instead, as it was last known, when the server cannot be reached.
    pub fallback: Option<FallbackNumber>,
    /// The idempotency key under which the request still lies in the outbox.
    pub pending_key: Option<String>,
}

/// The facts of an error, for the hand-written layers to offer as properties.
#[uniffi::export]
pub fn error_facts(error: ClientError) -> Result<ErrorFacts, ClientError> {
    guarded(move || {
        let facts = ErrorFacts {
            code: error.code().to_owned(),
            title: error.title().to_owned(),
            detail: String::new(),
            retryable: error.is_retryable(),
            retry_after_s: error.retry_after_s(),
            fallback: error.fallback().cloned(),
            request_id: None,
            field: None,
            callback_id: None,
            slots: Vec::new(),
            wall_times: Vec::new(),
            pending_key: error.pending_key().map(str::to_owned),
        };
        Ok(match error {
            ClientError::Refused { detail, field, callback_id, slots, wall_times, request_id, .. } => {
                ErrorFacts { detail, field, callback_id, slots, wall_times, request_id, ..facts }
            }
            ClientError::InvalidRequest { detail, field, .. } => ErrorFacts { detail, field, ..facts },
            other => ErrorFacts { detail: other.to_string(), ..facts },
        })
    })
}

/// Runs `work`; a panic in it is an error. The panic's own text stays out of it: it may quote anything.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, ClientError>) -> Result<T, ClientError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked()))
}

/// The error for a panic.
pub(crate) fn panicked() -> ClientError {
    internal("the client met a mistake of its own and stopped this call")
}

pub(crate) fn internal(detail: &str) -> ClientError {
    ClientError::Internal { detail: detail.to_owned(), pending_key: None }
}

/// The error for a call that its owner called off.
pub(crate) fn cancelled() -> ClientError {
    ClientError::Cancelled { pending_key: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_that_does_not_quote_it() {
        let error = guarded::<()>(|| panic!("+4930901820")).unwrap_err();
        assert_eq!(error.code(), panicked().code());
        assert!(!error.to_string().contains("4930901820"));
    }

    #[test]
    fn a_refusal_keeps_all_it_says() {
        let facts = error_facts(ClientError::Refused {
            code: "callback_already_open".to_owned(),
            title: "A title".to_owned(),
            detail: "A detail.".to_owned(),
            status: 409,
            field: Some("number".to_owned()),
            callback_id: Some("cb_1".to_owned()),
            retry_after_s: Some(7),
            slots: Vec::new(),
            wall_times: vec![WallTime {
                local: "2026-12-24T10:30".to_owned(),
                zone: "UTC".to_owned(),
                fold: None,
            }],
            request_id: Some("rq_1".to_owned()),
            pending_key: None,
        })
        .unwrap();
        assert_eq!(facts.code, "callback_already_open");
        assert_eq!(facts.detail, "A detail.");
        assert_eq!(facts.callback_id.as_deref(), Some("cb_1"));
        assert_eq!((facts.retryable, facts.retry_after_s), (false, Some(7)));
        assert_eq!((facts.slots.len(), facts.wall_times.len()), (0, 1));
        assert_eq!(facts.request_id.as_deref(), Some("rq_1"));
    }
}
