//! What goes into a statement and what comes out of a row. Both engines keep the same four kinds of value.

use super::StorageError;
use jiff::Timestamp;

/// A value as both engines keep it.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// `bigint`: numbers, flags as 0 or 1, instants as microseconds since 1970.
    Integer(i64),
    /// `text`.
    Text(&'a str),
    /// `bytea` on PostgreSQL, `blob` on SQLite.
    Blob(&'a [u8]),
}

/// What may be given to a statement for `$1`, `$2` and so on.
pub trait Param {
    /// The value as it is kept.
    fn value(&self) -> Value<'_>;
}

macro_rules! integer_param {
    ($($integer:ty),*) => {$(
        impl Param for $integer {
            fn value(&self) -> Value<'_> {
                Value::Integer(i64::from(*self))
            }
        }
    )*};
}
integer_param!(i64, i32, u32, bool);

impl Param for Timestamp {
    fn value(&self) -> Value<'_> {
        Value::Integer(self.as_microsecond())
    }
}

impl Param for str {
    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl Param for String {
    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl Param for [u8] {
    fn value(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl Param for Vec<u8> {
    fn value(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl<P: Param + ?Sized> Param for &P {
    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

impl<P: Param> Param for Option<P> {
    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, Param::value)
    }
}

/// One row of an answer.
pub struct Row<'a>(pub(super) RowOf<'a>);

pub(super) enum RowOf<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a postgres::Row),
}

impl Row<'_> {
    /// The column at `index`, counted from 0. [`StorageError::Column`] if it holds something else.
    pub fn get<T: FromColumn>(&self, index: usize) -> Result<T, StorageError> {
        let wrong = || StorageError::Column { index, wanted: T::WANTED };
        let value = match &self.0 {
            RowOf::Sqlite(row) => super::sqlite::column(row, index),
            RowOf::Postgres(row) => super::postgres::column(row, index),
        };
        T::from_value(value.ok_or_else(wrong)?).ok_or_else(wrong)
    }

    /// The text at `index`, where it is only looked at.
    pub fn text(&self, index: usize) -> Result<&str, StorageError> {
        self.optional_text(index)?.ok_or(StorageError::Column { index, wanted: String::WANTED })
    }

    /// Like [`Row::text`], where there may be none.
    pub fn optional_text(&self, index: usize) -> Result<Option<&str>, StorageError> {
        let value = match &self.0 {
            RowOf::Sqlite(row) => super::sqlite::column(row, index),
            RowOf::Postgres(row) => super::postgres::column(row, index),
        };
        match value {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(StorageError::Column { index, wanted: String::WANTED }),
        }
    }
}

/// What a column can be read as.
pub trait FromColumn: Sized {
    /// The type's name in errors.
    const WANTED: &'static str;

    /// Reads it; `None` if the value is of another kind or out of range.
    fn from_value(value: Value<'_>) -> Option<Self>;
}

macro_rules! integer_column {
    ($($integer:ty),*) => {$(
        impl FromColumn for $integer {
            const WANTED: &'static str = stringify!($integer);

            fn from_value(value: Value<'_>) -> Option<Self> {
                let Value::Integer(integer) = value else { return None };
                Self::try_from(integer).ok()
            }
        }
    )*};
}
integer_column!(i64, i32, u32, u64);

impl FromColumn for bool {
    const WANTED: &'static str = "a flag";

    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Integer(0) => Some(false),
            Value::Integer(1) => Some(true),
            _ => None,
        }
    }
}

impl FromColumn for Timestamp {
    const WANTED: &'static str = "an instant";

    fn from_value(value: Value<'_>) -> Option<Self> {
        let Value::Integer(integer) = value else { return None };
        Self::from_microsecond(integer).ok()
    }
}

impl FromColumn for String {
    const WANTED: &'static str = "text";

    fn from_value(value: Value<'_>) -> Option<Self> {
        let Value::Text(text) = value else { return None };
        Some(text.to_owned())
    }
}

impl FromColumn for Vec<u8> {
    const WANTED: &'static str = "bytes";

    fn from_value(value: Value<'_>) -> Option<Self> {
        let Value::Blob(bytes) = value else { return None };
        Some(bytes.to_vec())
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    const WANTED: &'static str = T::WANTED;

    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// A value that is kept for later.
#[derive(PartialEq)]
pub(super) enum OwnedValue {
    Null,
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl From<Value<'_>> for OwnedValue {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Integer(integer) => Self::Integer(integer),
            Value::Text(text) => Self::Text(text.to_owned()),
            Value::Blob(bytes) => Self::Blob(bytes.to_vec()),
        }
    }
}

impl OwnedValue {
    pub(super) fn borrowed(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Integer(integer) => Value::Integer(*integer),
            Self::Text(text) => Value::Text(text),
            Self::Blob(bytes) => Value::Blob(bytes),
        }
    }
}
