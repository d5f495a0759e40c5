//! What commands print: one JSON object a line, for people and for `jq`; aligned columns where only people read.

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

/// Columns as wide as their widest cell; the last one is not filled up.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) {
    let width =
        |at: usize| rows.iter().map(|row| row[at].chars().count()).fold(head[at].chars().count(), usize::max);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |cells: [&str; N]| {
        let cells = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    println!("{}", line(head));
    for row in rows {
        println!("{}", line(row.each_ref().map(String::as_str)));
    }
}
