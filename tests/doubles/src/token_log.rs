//! Signed tokens that a double believed, on disk for another judge: `check_tokens.py`.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::Value;

/// Appends each distinct token to a file, if there is one.
pub(crate) struct TokenLog(Option<Mutex<(File, HashSet<String>)>>);

impl TokenLog {
    pub(crate) fn open(path: Option<&Path>) -> std::io::Result<Self> {
        let Some(path) = path else { return Ok(Self(None)) };
        let file = File::options().append(true).create(true).open(path)?;
        Ok(Self(Some(Mutex::new((file, HashSet::new())))))
    }

    /// `key` is the public key, PEM; `expected` is what the token must say.
    pub(crate) fn add(&self, kind: &str, token: &str, key: &str, at: Timestamp, expected: &Value) {
        let Some(log) = &self.0 else { return };
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, seen) = &mut *log;
        if !seen.insert(token.to_owned()) {
            return;
        }
        let entry = serde_json::json!({
            "kind": kind,
            "token": token,
            "key": key,
            "at": at.as_second(),
            "expected": expected,
        });
        // One write a line: other processes may append to the same file.
        if let Err(error) = file.write_all(format!("{entry}\n").as_bytes()) {
            eprintln!("a token could not be recorded: {error}");
        }
    }
}

/// The file that the variable `RINGBACK_TOKEN_RECORD` names.
pub(crate) fn from_environment() -> Option<std::path::PathBuf> {
    std::env::var_os("RINGBACK_TOKEN_RECORD").map(Into::into)
}
