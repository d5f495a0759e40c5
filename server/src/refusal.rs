//! Why something was not done: a problem for the caller, or a fault of ours.

use crate::storage::{StorageError, VaultError};
use ringback_core::protocol::{Problem, ProblemCode};

/// The one error of the feature modules. Whatever it is, a caller gets a problem document with a stable code.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The caller can do something about it.
    #[error("{}: {}", .0.code, .0.detail)]
    Problem(Box<Problem>),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Something sealed could not be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A stored record contradicts itself.
    #[error("a stored record does not make sense: {0}")]
    Damaged(&'static str),
}

impl Refusal {
    /// A problem with a sentence of its own.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self::Problem(Box::new(Problem::new(code, detail)))
    }

    /// A problem about one field or header.
    pub fn of_field(code: ProblemCode, field: &str, detail: impl Into<String>) -> Self {
        let mut problem = Problem::new(code, detail);
        problem.field = Some(field.to_owned());
        Self::Problem(Box::new(problem))
    }

    /// A problem for which the table's advice says all there is to say.
    pub fn plain(code: ProblemCode) -> Self {
        Self::new(code, code.advice())
    }

    /// The document a caller gets. What is our fault is not explained to strangers; the log has it.
    pub fn into_problem(self) -> Problem {
        match self {
            Self::Problem(problem) => *problem,
            Self::Storage(error) if error.is_transient() => {
                let mut problem = plain(ProblemCode::StorageUnavailable);
                problem.retry_after_s = Some(1);
                tracing::warn!(%error, "the database does not answer");
                problem
            }
            fault => {
                tracing::error!(error = %fault, "internal fault");
                plain(ProblemCode::Internal)
            }
        }
    }
}

fn plain(code: ProblemCode) -> Problem {
    Problem::new(code, code.advice())
}
