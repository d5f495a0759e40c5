//! What can go wrong at the door. No message holds a value from a row: errors are logged, rows are not.

/// Why a transaction was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The settings cannot be used, or the database behind them cannot be opened.
    #[error("the database cannot be opened: {0}")]
    Open(String),
    /// The schema could not be brought up to date.
    #[error("the schema cannot be brought up to date: {0}")]
    Migration(String),
    /// `query_one` found no row.
    #[error("a row that should exist does not")]
    NotFound,
    /// A unique constraint or index refused a row.
    #[error("a row exists already ({})", .constraint.as_deref().unwrap_or("unnamed constraint"))]
    Unique {
        /// The name PostgreSQL gives it; on SQLite the same name is worked out from the columns.
        constraint: Option<String>,
    },
    /// A foreign key, a check or `not null` refused a row.
    #[error("a row breaks a constraint ({})", .constraint.as_deref().unwrap_or("unnamed"))]
    Constraint {
        /// Its name or, for `not null`, its column, where the engine tells.
        constraint: Option<String>,
    },
    /// The transaction lost against others, every time it was tried.
    #[error("the transaction collided with others too often")]
    Conflict,
    /// Another process held the SQLite file for too long.
    #[error("another process holds the database")]
    Busy,
    /// The database does not answer; nothing was changed.
    #[error("the database does not answer: {0}")]
    Unavailable(String),
    /// The connection was lost while the commit was under way: it may have been done or not.
    #[error("the connection was lost during the commit: its outcome is unknown")]
    Unclear,
    /// The transaction's own code panicked; nothing was changed.
    #[error("the transaction panicked")]
    Panicked,
    /// The storage was closed; nothing was changed.
    #[error("the storage is closed")]
    Closed,
    /// A column holds something else than the code asks for.
    #[error("column {index} is not {wanted}")]
    Column {
        /// Which column, counted from 0.
        index: usize,
        /// The type that was asked for.
        wanted: &'static str,
    },
    /// A statement failed for another reason.
    #[error("a statement failed ({code}): {message}")]
    Statement {
        /// SQLSTATE, or SQLite's extended result code.
        code: String,
        /// What the engine says, where that cannot hold values of a row.
        message: String,
    },
}

impl StorageError {
    /// Whether a row was refused because there is one already.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Unique { .. })
    }

    /// The constraint that refused a row, as [`StorageError::Unique`] and [`StorageError::Constraint`] name it.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Unique { constraint } | Self::Constraint { constraint } => constraint.as_deref(),
            _ => None,
        }
    }

    /// Whether the same call may succeed a little later. After [`StorageError::Unclear`] it may also have been done
    /// already, so only what is idempotent is repeated.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Conflict | Self::Busy | Self::Unavailable(_) | Self::Unclear | Self::Closed)
    }
}
