//! What commands print: one JSON object a line, for people and for `jq`.

use crate::Failure;
use serde::Serialize;

pub(crate) fn json_lines<T: Serialize>(values: &[T]) -> Result<(), Failure> {
    for value in values {
        json(value)?;
    }
    Ok(())
}

pub(crate) fn json<T: Serialize>(value: &T) -> Result<(), Failure> {
    println!("{}", serde_json::to_string(value)?);
    Ok(())
}
