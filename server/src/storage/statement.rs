//! One SQL text, two engines: what SQLite is given.

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
                word(rest).len()
            }
            _ => first.len_utf8(),
        };
        rewritten.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    rewritten
}

/// A migration as SQLite takes it: it knows `bytea` as `blob`.
pub(super) fn migration_for_sqlite(sql: &str) -> String {
    let mut rewritten = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let taken =
            if first.is_ascii_alphanumeric() || first == '_' { word(rest).len() } else { first.len_utf8() };
        let token = &rest[..taken];
        rewritten.push_str(if token == "bytea" { "blob" } else { token });
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

/// The length of `for update` or `for no key update` at the start, with `skip locked` if that follows.
fn row_lock(text: &str) -> Option<usize> {
    let after = follow(text, &["for", "update"]).or_else(|| follow(text, &["for", "no", "key", "update"]))?;
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
            ("select waiting_for update_count", "select waiting_for update_count"),
            ("select a for updates", "select a for updates"),
        ] {
            assert_eq!(for_sqlite(sql), wanted);
        }
    }

    #[test]
    fn a_migration_knows_blobs() {
        assert_eq!(migration_for_sqlite("a bytea not null, bytea_b text"), "a blob not null, bytea_b text");
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
