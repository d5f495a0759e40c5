//! One SQL text, two engines: what each of them is given.
//!
//! `json_rows($1)` stands for the elements of a JSON array in a text parameter, one a row, in the column `value`: many rows
//! in one statement. `value ->> 0` is the first word of such a row on both.

const JSON_ROWS: &str = "json_rows";

/// The text as SQLite takes it: `$1` becomes `?1`, and row locks are left out. Quoted text and comments stay as they are.
pub(super) fn for_sqlite(sql: &str) -> String {
    let mut rewritten = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '\'' | '"' => quoted(rest, first),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '$' => {
                rewritten.push('?');
                rest = &rest[1..];
                continue;
            }
            _ if first.is_ascii_alphanumeric() || first == '_' => {
                if let Some(lock) = row_lock(rest) {
                    rest = &rest[lock..];
                    continue;
                }
                let word = word(rest);
                if word == JSON_ROWS {
                    rewritten.push_str("json_each");
                    rest = &rest[word.len()..];
                    continue;
                }
                word.len()
            }
            _ => first.len_utf8(),
        };
        rewritten.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    rewritten
}

/// The text as PostgreSQL takes it: it takes rows from a value of type `json` only.
pub(super) fn for_postgres(sql: &str) -> String {
    let mut parts = sql.split("json_rows(");
    let mut rewritten = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (parameter, rest) = part.split_once(')').unwrap_or((part, ""));
        rewritten.push_str("json_array_elements(cast(cast(");
        rewritten.push_str(parameter);
        rewritten.push_str(" as text) as json))");
        rewritten.push_str(rest);
    }
    rewritten
}

/// A migration as SQLite takes it: it knows `bytea` as `blob`, and a number that rises by itself as an `integer` that is the
/// primary key.
pub(super) fn migration_for_sqlite(sql: &str) -> String {
    let mut rewritten = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let taken =
            if first.is_ascii_alphanumeric() || first == '_' { word(rest).len() } else { first.len_utf8() };
        let token = &rest[..taken];
        rewritten.push_str(match token {
            "bytea" => "blob",
            "bigserial" => "integer",
            token => token,
        });
        rest = &rest[taken..];
    }
    rewritten
}

/// The length of a quoted stretch at the start; a doubled quote inside begins the next stretch, which is just as well.
fn quoted(text: &str, quote: char) -> usize {
    text[1..].find(quote).map_or(text.len(), |end| end + 2)
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    &text[..end]
}

/// The length of `for update` or `for no key update` at the start, with `of` a table and `skip locked` if those follow.
fn row_lock(text: &str) -> Option<usize> {
    let after = follow(text, &["for", "update"]).or_else(|| follow(text, &["for", "no", "key", "update"]))?;
    let after = follow(after, &["of"]).map_or(after, |table| {
        let table = table.trim_start();
        &table[word(table).len()..]
    });
    Some(follow(after, &["skip", "locked"]).map_or(text.len() - after.len(), |end| text.len() - end.len()))
}

/// What is left after these words.
fn follow<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    words.iter().try_fold(text, |rest, wanted| {
        let rest = rest.trim_start();
        (word(rest) == *wanted).then(|| &rest[wanted.len()..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parameters_and_row_locks_change_and_nothing_else_does() {
        for (sql, wanted) in [
            ("select a from t where b = $2 and c = $11", "select a from t where b = ?2 and c = ?11"),
            (
                "select '$1' from \"for update\" -- for update $1\n",
                "select '$1' from \"for update\" -- for update $1\n",
            ),
            ("select 'it''s $1' where a = $1", "select 'it''s $1' where a = ?1"),
            ("select a from t where b = $1 for update", "select a from t where b = ?1 "),
            (
                "update t set a = 1 where id in (select id from t limit $1\n for update\n skip locked) returning id",
                "update t set a = 1 where id in (select id from t limit ?1\n ) returning id",
            ),
            ("select a from t where b = $1 for no key update", "select a from t where b = ?1 "),
            ("select a from t, u for update of t skip locked", "select a from t, u "),
            ("select a from t for update of t", "select a from t "),
            ("select waiting_for update_count", "select waiting_for update_count"),
            ("select a for updates", "select a for updates"),
            ("select value ->> 0 from json_rows($1) t", "select value ->> 0 from json_each(?1) t"),
        ] {
            assert_eq!(for_sqlite(sql), wanted);
        }
    }

    #[test]
    fn postgres_takes_rows_from_json() {
        assert_eq!(for_postgres("select a from t where b = $1"), "select a from t where b = $1");
        assert_eq!(
            for_postgres("select value ->> 0 from json_rows($12) t, u"),
            "select value ->> 0 from json_array_elements(cast(cast($12 as text) as json)) t, u"
        );
    }

    #[test]
    fn a_migration_knows_blobs_and_numbers_that_rise() {
        assert_eq!(migration_for_sqlite("a bytea not null, bytea_b text"), "a blob not null, bytea_b text");
        assert_eq!(migration_for_sqlite("a bigserial primary key"), "a integer primary key");
    }

    proptest! {
        #[test]
        fn text_without_parameters_or_locks_stays(sql in "[a-eg-z '\"(),.é\n-]{0,60}") {
            prop_assert_eq!(for_sqlite(&sql), sql);
        }

        #[test]
        fn any_text_is_taken(sql in "(for|update|skip locked|[$'\" a1é-]){0,20}") {
            for_sqlite(&sql);
            migration_for_sqlite(&sql);
        }
    }
}
