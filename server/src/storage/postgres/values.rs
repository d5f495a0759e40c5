//! Our four kinds of value as PostgreSQL sends and takes them.

use crate::storage::Value;
use ::postgres::types::private::BytesMut;
use ::postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::Row;

impl Value<'_> {
    pub(super) fn fits(&self, wanted: &Type) -> bool {
        match self {
            Self::Null => true,
            Self::Integer(_) => *wanted == Type::INT8,
            Self::Text(_) => *wanted == Type::TEXT,
            Self::Blob(_) => *wanted == Type::BYTEA,
        }
    }
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        wanted: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(integer) => integer.to_sql(wanted, out),
            Self::Text(text) => text.to_sql(wanted, out),
            Self::Blob(bytes) => bytes.to_sql(wanted, out),
        }
    }

    // Which kind goes where depends on the value, and is checked before.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value<'a> {
    fn from_sql(found: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *found {
            Type::INT8 => Self::Integer(i64::from_sql(found, raw)?),
            Type::INT4 => Self::Integer(i32::from_sql(found, raw)?.into()),
            // What `exists` and comparisons give; a flag is 0 or 1 on SQLite.
            Type::BOOL => Self::Integer(bool::from_sql(found, raw)?.into()),
            Type::BYTEA => Self::Blob(raw),
            _ => Self::Text(<&str>::from_sql(found, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(found: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::BOOL, Type::BYTEA, Type::TEXT, Type::VARCHAR].contains(found)
    }
}

/// A column's value; `None` if there is no such column or it holds a kind of value that is not ours.
pub(in crate::storage) fn column(row: &Row, index: usize) -> Option<Value<'_>> {
    row.try_get(index).ok()
}
