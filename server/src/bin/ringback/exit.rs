//! Exit codes: one for each class of error, so that scripts need not read texts. `docs/cli.md` lists them.

use crate::Failure;
use ringback_core::client::ClientError;
use ringback_core::protocol::ProblemCode;
use ringback_server::refusal::Refusal;
use std::process::ExitCode;

/// The end of every long help.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done
  1  failed for another reason than those below
  2  the command line is wrong
  3  refused as it stands: change the request (HTTP 400, 405, 413, 415, 422)
  4  not allowed: the key, its role or a CAPTCHA (401, 403)
  5  not found (404)
  6  too late or taken: look at what is there now (409, 410)
  7  not now: try again later (429, 502, 503, 504)
  8  no answer of a Ringback server; a change is kept: `ringback call resume`
  9  this machine could not keep or read what it must

`--json` prints what went wrong as JSON on standard error; docs/errors.md explains its codes.";

/// Why a command failed, as its exit code says it. The numbers never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Failed = 1,
    Invalid = 3,
    Forbidden = 4,
    NotFound = 5,
    Conflict = 6,
    NotNow = 7,
    NoAnswer = 8,
    Device = 9,
}

impl Exit {
    pub(crate) fn of(failure: &Failure) -> Self {
        if let Some(exit) = failure.downcast_ref::<Ended>() {
            return exit.exit;
        }
        if let Some(error) = failure.downcast_ref::<ClientError>() {
            return Self::of_client(error);
        }
        match failure.downcast_ref::<Refusal>() {
            Some(Refusal::Problem(problem)) => Self::of_status(problem.status),
            Some(Refusal::Storage(_) | Refusal::Vault(_) | Refusal::Damaged(_)) => Self::Device,
            None => Self::Failed,
        }
    }

    fn of_client(error: &ClientError) -> Self {
        match error {
            ClientError::Refused { status, .. } => Self::of_status(*status),
            ClientError::InvalidRequest { .. } => Self::Invalid,
            ClientError::Unreachable { .. }
            | ClientError::TimedOut { .. }
            | ClientError::AnswerUnreadable { .. } => Self::NoAnswer,
            ClientError::HostStorage { .. } | ClientError::OutboxFailed { .. } => Self::Device,
            _ => Self::Failed,
        }
    }

    fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::Forbidden,
            404 => Self::NotFound,
            409 | 410 => Self::Conflict,
            429 | 502..=504 => Self::NotNow,
            400..=499 => Self::Invalid,
            _ => Self::Failed,
        }
    }

    /// What a request would end with that is refused with this code.
    pub(crate) fn of_code(code: &str) -> Self {
        let known = ProblemCode::ALL.iter().find(|known| known.code() == code);
        known.map_or(Self::Failed, |known| Self::of_status(known.status()))
    }

    pub(crate) fn number(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// All is said already; only the exit code is left.
#[derive(Debug, thiserror::Error)]
#[error("exit code {}", exit.number())]
pub(crate) struct Ended {
    exit: Exit,
}

impl Ended {
    pub(crate) fn with(exit: Exit) -> Failure {
        Box::new(Self { exit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_code_of_the_server_has_its_class() {
        let mut classes = BTreeMap::<u8, Vec<&str>>::new();
        for code in ProblemCode::ALL {
            classes.entry(Exit::of_code(code.code()).number()).or_default().push(code.code());
        }
        assert_eq!(classes[&1], ["internal"], "only a fault of the server has no class");
        assert!(classes[&3].contains(&"field_invalid") && classes[&3].contains(&"service_closed"));
        assert!(classes[&4].contains(&"credentials_invalid") && classes[&4].contains(&"challenge_required"));
        assert!(classes[&5].contains(&"callback_not_found"));
        assert!(classes[&6].contains(&"slot_full") && classes[&6].contains(&"confirm_expired"));
        assert!(classes[&7].contains(&"limit_reached") && classes[&7].contains(&"service_paused"));
        assert_eq!(classes.keys().copied().collect::<Vec<_>>(), [1, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn help_and_document_say_the_same() {
        let document = include_str!("../../../../docs/cli.md");
        for number in 0..=9 {
            assert!(HELP.contains(&format!("\n  {number}  ")), "{number} is missing in the help");
            assert!(document.contains(&format!("\n| {number} | ")), "{number} is missing in docs/cli.md");
        }
    }
}
