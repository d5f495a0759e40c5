//! What can go wrong, in words that say what to do next.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitStatus,
};

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Something this machine lacks and that is not ours to install here.
    #[error("{what} is missing: {remedy}")]
    Missing { what: String, remedy: String },

    /// A step ran and did what it should not.
    #[error("{0}")]
    Broken(String),

    #[error("`{program}` could not be started: {source}")]
    Start { program: String, source: io::Error },

    #[error("`{command}` failed ({status})")]
    Failed { command: String, status: ExitStatus },

    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },

    #[error("interrupted")]
    Interrupted,
}

impl Error {
    pub(crate) fn missing(what: &str, remedy: &str) -> Self {
        Self::Missing { what: what.to_owned(), remedy: remedy.to_owned() }
    }

    /// For `map_err`: names the file in an error of the file system.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}
