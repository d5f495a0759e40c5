//! Words of the wire are words of the database: an enum is stored as it is sent.

use crate::refusal::Refusal;
use crate::storage::{Row, StorageError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The word for a value of an enum without data.
pub fn word<T: Serialize>(value: T) -> Result<String, Refusal> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        _ => Err(Refusal::Damaged("a value that is not a word")),
    }
}

/// Reads a word back.
pub fn unword<T: DeserializeOwned>(word: &str) -> Result<T, Refusal> {
    serde_json::from_value(serde_json::Value::String(word.to_owned()))
        .map_err(|_| Refusal::Damaged("a word that is not known"))
}

/// Reads a word back from a column.
pub fn column_word<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> Result<T, StorageError> {
    unword(&row.get::<String>(index)?)
        .map_err(|_| StorageError::Column { index, wanted: "a word that is known" })
}
