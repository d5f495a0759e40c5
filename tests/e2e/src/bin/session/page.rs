//! The page that holds the sessions, between markers.

use crate::Failure;
use regex::Regex;
use std::path::Path;
use std::sync::LazyLock;

/// A Markdown page.
pub(crate) struct Page {
    text: String,
}

impl Page {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        Ok(Self { text: std::fs::read_to_string(path)? })
    }

    /// What stands between the markers of this name, without the fence around it.
    pub(crate) fn session(&self, name: &str) -> Result<&str, Failure> {
        let (from, to) = self.place(name)?;
        let block = self.text[from..to].trim();
        let inner = block.strip_prefix("```text\n").and_then(|block| block.strip_suffix("\n```"));
        inner.ok_or_else(|| format!("the session {name:?} is not a text block").into())
    }

    pub(crate) fn put(&mut self, name: &str, session: &str) -> Result<(), Failure> {
        let (from, to) = self.place(name)?;
        self.text.replace_range(from..to, &format!("\n```text\n{session}\n```\n"));
        Ok(())
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        Ok(std::fs::write(path, &self.text)?)
    }

    fn place(&self, name: &str) -> Result<(usize, usize), Failure> {
        let (begin, end) = (format!("<!-- session {name} -->"), format!("<!-- end of session {name} -->"));
        let found = self.text.find(&begin).map(|at| at + begin.len()).zip(self.text.find(&end));
        found.filter(|(from, to)| from < to).ok_or_else(|| format!("{begin} … {end} are missing").into())
    }
}

/// What differs from run to run, and what stands for it.
static CHANGING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"\b(cb|ci|dv)_[0-9a-f]{32}\b", "${1}_ID"),
        (r"\b[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d\b|\b\d\d:\d\d:\d\d\b", "TIME"),
        (r"\b\d+ (s|min|h|d)( \d+ (min|h))?\b", "SPAN"),
        (r"\b(Agent says|Say first) +\d{4}\b", "${1} CODE"),
        (r"127\.0\.0\.1:\d+", "ADDRESS"),
        // Columns are as wide as what stands in them.
        (r" {2,}", "  "),
    ]
    .into_iter()
    .filter_map(|(pattern, name)| Some((Regex::new(pattern).ok()?, name)))
    .collect()
});

/// The same for every run of the same commands.
pub(crate) fn normal(session: &str) -> String {
    let replaced = CHANGING
        .iter()
        .fold(session.to_owned(), |text, (pattern, name)| pattern.replace_all(&text, *name).into_owned());
    replaced.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_is_made_equal() {
        assert_eq!(CHANGING.len(), 6);
        let one = "cb_01a21bbf9f5874fca7f34b15f0fd78cd  billing   06:44:32  30 s left";
        let other = "cb_11a21bbf9f5874fca7f34b15f0fd78ce  billing  Fri 2026-11-27 23:59  1 min left";
        assert_eq!(normal(one), normal(other));
        assert_ne!(normal(one), normal(&one.replace("billing", "sales")));
        assert_ne!(normal(one), normal(&one.replace("left", "")));
    }

    #[test]
    fn a_session_is_put_where_it_was() -> Result<(), Failure> {
        let text = "# A\n<!-- session agent -->\n```text\nold\n```\n<!-- end of session agent -->\nrest\n";
        let mut page = Page { text: text.to_owned() };
        assert_eq!(page.session("agent")?, "old");
        page.put("agent", "new\nlines")?;
        assert_eq!(page.session("agent")?, "new\nlines");
        assert!(page.text.ends_with("<!-- end of session agent -->\nrest\n"));
        assert!(page.session("customer").is_err());
        Ok(())
    }
}
