//! A statement that writes a few rows, which nobody waits for.

/// The same insert for one row, two, three and four. SQLite is quickest when it runs the first again and again: for several
/// rows at once it makes a list of them and notes down how to undo a part. PostgreSQL is when it gets few statements.
pub struct FewRows(pub(crate) [&'static str; 4]);

/// What stands before the rows, how many parameters each has, what stands behind.
macro_rules! few_rows {
    ($head:literal, 3, $tail:literal) => {
        few_rows!(@ $head, $tail, "($1, $2, $3)", ", ($4, $5, $6)", ", ($7, $8, $9)", ", ($10, $11, $12)")
    };
    ($head:literal, 5, $tail:literal) => {
        few_rows!(@ $head, $tail, "($1, $2, $3, $4, $5)", ", ($6, $7, $8, $9, $10)", ", ($11, $12, $13, $14, $15)",
            ", ($16, $17, $18, $19, $20)")
    };
    (@ $head:literal, $tail:literal, $one:literal, $two:literal, $three:literal, $four:literal) => {
        $crate::storage::FewRows([
            concat!($head, $one, $tail),
            concat!($head, $one, $two, $tail),
            concat!($head, $one, $two, $three, $tail),
            concat!($head, $one, $two, $three, $four, $tail),
        ])
    };
}
pub(crate) use few_rows;
