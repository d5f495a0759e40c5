//! What can go wrong, as an app sees it.

use super::{ClientCode, FallbackNumber};
use crate::protocol::{Problem, ProblemCode, Slot, WallTime};
use crate::transport::TransportError;
use std::io;

/// What can go wrong. Nothing in it is private: texts are the server's and the client's own, and neither quotes a
/// phone number, a name, a token or a context value.
///
/// `pending_key` is set when the request still lies in the outbox: it may or may not have reached the server.
/// [`RingbackClient::resume`](super::RingbackClient::resume), or asking for the same thing again, sends it again under
/// this same idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Error))]
pub enum ClientError {
    /// The server said no, in a problem document (RFC 9457).
    #[error("{code}: {detail}")]
    Refused {
        /// Stable, for programs: see `docs/errors.md`.
        code: String,
        /// What kind of problem it is.
        title: String,
        /// What is wrong and what to do.
        detail: String,
        /// The HTTP status.
        status: u16,
        /// Which field or header is meant, when it is one.
        field: Option<String>,
        /// Which callback stands in the way.
        callback_id: Option<String>,
        /// When another try makes sense, in seconds.
        retry_after_s: Option<u32>,
        /// Free slots nearest to the one that was asked for, before and after it.
        slots: Vec<Slot>,
        /// What to choose from instead, when a wall time does not exist or exists twice.
        wall_times: Vec<WallTime>,
        /// Names the request in the server's logs.
        request_id: Option<String>,
        /// See above.
        pending_key: Option<String>,
    },
    /// No connection, or it was lost before the answer was complete.
    #[error("{detail}")]
    Unreachable {
        /// What happened to the connection.
        detail: String,
        /// The number to call instead, as it was last known.
        fallback: Option<FallbackNumber>,
        /// See above.
        pending_key: Option<String>,
    },
    /// No answer in time.
    #[error("the server did not answer in time")]
    TimedOut {
        /// The number to call instead, as it was last known.
        fallback: Option<FallbackNumber>,
        /// See above.
        pending_key: Option<String>,
    },
    /// The answer is not one of this server's: a sign-in page of the network, a redirect, too many bytes.
    #[error("the answer (status {status}) is not the server's: {detail}")]
    AnswerUnreadable {
        /// The HTTP status; 0 when none was read.
        status: u16,
        /// What is wrong with it. Never quotes it.
        detail: String,
        /// The number to call instead, as it was last known.
        fallback: Option<FallbackNumber>,
        /// See above.
        pending_key: Option<String>,
    },
    /// Refused before anything was sent or kept.
    #[error("{code}: {detail}")]
    InvalidRequest {
        /// Stable, for programs; the server's code where it would have refused the same.
        code: String,
        /// What is wrong and what to do.
        detail: String,
        /// Which field is meant, when it is one.
        field: Option<String>,
    },
    /// The host's secure store failed. Nothing was sent.
    #[error("the secure store failed: {detail}")]
    HostStorage {
        /// What failed.
        detail: String,
        /// See above.
        pending_key: Option<String>,
    },
    /// The outbox could not be read or written. Nothing was sent.
    #[error("the outbox failed: {detail}")]
    OutboxFailed {
        /// What failed and what to do.
        detail: String,
        /// See above. Without it nothing is kept either.
        pending_key: Option<String>,
    },
    /// The request outlived its use before it could be answered, and is no longer sent: see
    /// [`RequestState::Expired`](super::RequestState::Expired).
    #[error("the request outlived its use and is no longer sent")]
    Expired {
        /// It was sent and the answer did not arrive: the server may have accepted it.
        may_have_arrived: bool,
    },
    /// The host's HTTP stack called the request off.
    #[error("the request was called off")]
    Cancelled {
        /// See above.
        pending_key: Option<String>,
    },
    /// A mistake of the client or of the host's HTTP stack.
    #[error("{detail}")]
    Internal {
        /// What failed.
        detail: String,
        /// See above.
        pending_key: Option<String>,
    },
}

impl ClientError {
    /// Stable, for programs. The server's own code when the server refused.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } | Self::InvalidRequest { code, .. } => code,
            Self::Unreachable { .. } => ClientCode::Unreachable.code(),
            Self::TimedOut { .. } => ClientCode::TimedOut.code(),
            Self::AnswerUnreadable { .. } => ClientCode::AnswerUnreadable.code(),
            Self::HostStorage { .. } => ClientCode::HostStorageFailed.code(),
            Self::OutboxFailed { .. } => ClientCode::OutboxFailed.code(),
            Self::Expired { .. } => ClientCode::RequestExpired.code(),
            Self::Cancelled { .. } => ClientCode::Cancelled.code(),
            Self::Internal { .. } => ClientCode::ClientFailed.code(),
        }
    }

    /// What kind of problem it is; the same for every occurrence of a code.
    pub fn title(&self) -> &str {
        if let Self::Refused { title, .. } = self {
            return title;
        }
        let own = self.own_code().map(ClientCode::title);
        let of_the_server = || ProblemCode::ALL.iter().find(|known| known.code() == self.code());
        own.or_else(|| of_the_server().map(|known| known.title())).unwrap_or_default()
    }

    /// The same request may succeed later, as it is.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused { status, .. } => crate::transport::retry::is_passing(*status),
            _ => self.own_code().is_some_and(ClientCode::is_retryable),
        }
    }

    /// The code as one of the client's own; `None` for the server's.
    fn own_code(&self) -> Option<ClientCode> {
        ClientCode::ALL.iter().copied().find(|own| own.code() == self.code())
    }

    /// When the server would like another try, in seconds.
    pub fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Refused { retry_after_s, .. } => *retry_after_s,
            _ => None,
        }
    }

    /// The number to call instead, as it was last known: when the server cannot be reached, and an earlier offer of the
    /// same service had one.
    pub fn fallback(&self) -> Option<&FallbackNumber> {
        match self {
            Self::Unreachable { fallback, .. }
            | Self::TimedOut { fallback, .. }
            | Self::AnswerUnreadable { fallback, .. } => fallback.as_ref(),
            _ => None,
        }
    }

    /// The idempotency key under which the request still lies in the outbox.
    pub fn pending_key(&self) -> Option<&str> {
        match self {
            Self::Refused { pending_key, .. }
            | Self::Unreachable { pending_key, .. }
            | Self::TimedOut { pending_key, .. }
            | Self::AnswerUnreadable { pending_key, .. }
            | Self::HostStorage { pending_key, .. }
            | Self::OutboxFailed { pending_key, .. }
            | Self::Cancelled { pending_key }
            | Self::Internal { pending_key, .. } => pending_key.as_deref(),
            Self::InvalidRequest { .. } | Self::Expired { .. } => None,
        }
    }

    /// The same error about a request that stays in the outbox.
    pub(crate) fn still_pending(mut self, key: &str) -> Self {
        match &mut self {
            Self::Refused { pending_key, .. }
            | Self::Unreachable { pending_key, .. }
            | Self::TimedOut { pending_key, .. }
            | Self::AnswerUnreadable { pending_key, .. }
            | Self::HostStorage { pending_key, .. }
            | Self::OutboxFailed { pending_key, .. }
            | Self::Cancelled { pending_key }
            | Self::Internal { pending_key, .. } => *pending_key = Some(key.to_owned()),
            Self::InvalidRequest { .. } | Self::Expired { .. } => {}
        }
        self
    }

    /// Whether it says that the server cannot be reached.
    pub(crate) fn takes_fallback(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::TimedOut { .. } | Self::AnswerUnreadable { .. })
    }

    /// The same error with a number to call instead.
    pub(crate) fn with_fallback(mut self, number: Option<FallbackNumber>) -> Self {
        if let Self::Unreachable { fallback, .. }
        | Self::TimedOut { fallback, .. }
        | Self::AnswerUnreadable { fallback, .. } = &mut self
        {
            *fallback = number;
        }
        self
    }

    pub(crate) fn invalid(code: &str, detail: impl Into<String>, field: &str) -> Self {
        Self::InvalidRequest { code: code.to_owned(), detail: detail.into(), field: Some(field.to_owned()) }
    }

    pub(crate) fn internal(detail: &str) -> Self {
        Self::Internal { detail: detail.to_owned(), pending_key: None }
    }

    pub(crate) fn storage(detail: &str) -> Self {
        Self::HostStorage { detail: detail.to_owned(), pending_key: None }
    }

    pub(crate) fn outbox(error: &io::Error) -> Self {
        use io::ErrorKind::{
            NotADirectory, NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, ResourceBusy,
            StorageFull,
        };
        let advice = match error.kind() {
            StorageFull | QuotaExceeded => "make room on the device and ask again",
            PermissionDenied | ReadOnlyFilesystem | NotFound | NotADirectory => {
                "see that `data_dir` is a folder that the app may write to"
            }
            ResourceBusy => "another process of the app holds it; ask again",
            _ => "ask again",
        };
        // The kind alone: the error itself may quote a path.
        Self::outbox_detail(&format!("{}; {advice}", error.kind()))
    }

    pub(crate) fn outbox_detail(detail: &str) -> Self {
        Self::OutboxFailed { detail: detail.to_owned(), pending_key: None }
    }

    pub(crate) fn unreadable(status: u16, detail: &str) -> Self {
        Self::AnswerUnreadable { status, detail: detail.to_owned(), fallback: None, pending_key: None }
    }
}

impl From<Problem> for ClientError {
    fn from(problem: Problem) -> Self {
        Self::Refused {
            code: problem.code,
            title: problem.title,
            detail: problem.detail,
            status: problem.status,
            field: problem.field,
            callback_id: problem.callback_id,
            retry_after_s: problem.retry_after_s,
            slots: problem.slots,
            wall_times: problem.wall_times,
            request_id: problem.request_id,
            pending_key: None,
        }
    }
}

impl From<TransportError> for ClientError {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::TimedOut => Self::TimedOut { fallback: None, pending_key: None },
            TransportError::Cancelled => Self::Cancelled { pending_key: None },
            TransportError::AnswerTooLarge => Self::unreadable(0, "it is too large"),
            TransportError::HostFailed => Self::internal("the host's HTTP stack failed"),
            TransportError::PinningUnsupported => Self::internal(&error.to_string()),
            TransportError::Unreachable
            | TransportError::TlsFailed
            | TransportError::PinMismatch
            | TransportError::ConnectionLost => {
                Self::Unreachable { detail: error.to_string(), fallback: None, pending_key: None }
            }
        }
    }
}
