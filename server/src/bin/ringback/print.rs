//! How commands print: tables for people, JSON for programs, bare ids for shells. What is printed may be cut short by whoever
//! reads it (`| head`), which is no error of ours.

use crate::{Failure, when};
use anstyle::{AnsiColor, Style};
use clap::Args;
use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::Value;
use std::fmt::Display;
use std::io::{IsTerminal, Write};

/// Columns that a table on a terminal has at least: narrower, it could not be read.
const WIDTH_MIN: u16 = 40;

/// How many spaces are between columns.
const GAP: u16 = 2;
/// How narrow the last column of a table may get.
const LAST_MIN: u16 = 20;

#[derive(Args, Debug, Clone, Copy, Default)]
#[command(next_help_heading = "Output")]
pub(crate) struct Output {
    /// Print JSON, one object a line, and errors as JSON on standard error
    #[arg(long, global = true)]
    json: bool,
    /// Print only the ids or names, one a line
    #[arg(long, short, global = true)]
    quiet: bool,
}

/// What a command has to show.
pub(crate) trait Show: Serialize {
    /// What `--quiet` prints.
    fn id(&self) -> String;
    /// What people read.
    fn for_people(&self) -> String;
}

/// What is listed as rows of a table.
pub(crate) trait Listed: Serialize {
    /// The titles of its columns.
    const HEAD: &'static [&'static str];
    /// What `--quiet` prints.
    fn id(&self) -> String;
    /// Its cells, one for each title.
    fn row(&self) -> Vec<Cell>;
}

impl Output {
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Tables and sentences are wanted.
    pub(crate) fn is_for_people(self) -> bool {
        !self.json && !self.quiet
    }

    pub(crate) fn show<T: Show>(self, value: &T) -> Result<(), Failure> {
        if self.json {
            json(value)
        } else if self.quiet {
            line(value.id())
        } else {
            line(value.for_people())
        }
    }

    /// A table, or a sentence when there is nothing in it.
    pub(crate) fn list<T: Listed>(self, values: &[T], none: &str) -> Result<(), Failure> {
        if self.json {
            values.iter().try_for_each(json)
        } else if self.quiet {
            values.iter().try_for_each(|value| line(value.id()))
        } else if values.is_empty() {
            // Not on standard output, where a program would count it as a row.
            note(none)
        } else {
            line(table(T::HEAD, values.iter().map(Listed::row)))
        }
    }

    /// A table of what has a JSON form: titles, and where in it the values are. The first column is the name.
    pub(crate) fn columns<T: Serialize>(
        self,
        values: &[T],
        columns: &[(&str, &str)],
        none: &str,
    ) -> Result<(), Failure> {
        if self.json {
            return values.iter().try_for_each(json);
        }
        let values = values.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
        let text = |value: &Value, at: &str| value.pointer(at).map(plain).unwrap_or_default();
        if self.quiet {
            return columns
                .first()
                .map_or(Ok(()), |(_, at)| values.iter().try_for_each(|value| line(text(value, at))));
        }
        if values.is_empty() {
            return note(none);
        }
        let head: Vec<_> = columns.iter().map(|(title, _)| *title).collect();
        let row = |value: &Value| columns.iter().map(|(_, at)| Cell::new(text(value, at))).collect();
        line(table(&head, values.iter().map(row)))
    }

    /// What has happened: a sentence for people, `value` for programs, and its name alone.
    pub(crate) fn done<T: Serialize>(self, value: &T, name: &str, sentence: &str) -> Result<(), Failure> {
        if self.json {
            json(value)
        } else if self.quiet {
            line(name)
        } else {
            line(sentence)
        }
    }
}

/// A JSON value without its signs; instants as the clock shows them.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.parse().map_or_else(|_| text.clone(), when::clock),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect();
            fields.join(", ")
        }
    }
}

/// Columns under titles, without lines between them, as wide as the terminal lets them be. A column in which nothing stands
/// is left out, and only the last one is broken into lines.
pub(crate) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<Cell>>) -> String {
    let mut rows: Vec<Vec<Cell>> = rows.into_iter().collect();
    let is_used = |column: usize| {
        let mut cells = rows.iter().filter_map(|row| row.get(column));
        column == 0 || cells.any(|cell| !cell.content().is_empty())
    };
    let used: Vec<bool> = (0..head.len()).map(is_used).collect();
    for row in &mut rows {
        let mut used = used.iter();
        row.retain(|_| used.next().copied().unwrap_or_default());
    }
    let head: Vec<_> = head.iter().zip(&used).filter(|(_, used)| **used).map(|(title, _)| *title).collect();
    let mut table = plain_table();
    table.set_header(head.iter().map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    table.add_rows(rows.iter().cloned());
    let mut widths = table.column_max_content_widths();
    let last = widths.pop().unwrap_or_default();
    let needed: u16 = widths.iter().map(|width| width + GAP).sum::<u16>() + last.min(LAST_MIN);
    if terminal_width().is_some_and(|width| width < needed) {
        // Too narrow for columns: each row below the other.
        let cards = rows.into_iter().map(|row| card(head.iter().copied().zip(row.into_iter().map(Some))));
        return cards.collect::<Vec<_>>().join("\n\n");
    }
    for column in table.column_iter_mut().take(widths.len()) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    finished(&mut table)
}

/// Names and values below each other; what has no value is left out.
pub(crate) fn card<'a>(rows: impl IntoIterator<Item = (&'a str, Option<Cell>)>) -> String {
    let mut table = plain_table();
    for (name, value) in rows {
        if let Some(value) = value {
            table.add_row([Cell::new(name).add_attribute(Attribute::Dim), value]);
        }
    }
    finished(&mut table)
}

fn plain_table() -> Table {
    let mut table = Table::new();
    // Colours go out in any case: the stream takes them away where they are not wanted.
    table.load_style(presets::NOTHING).enforce_styling().style_text_only();
    if let Some(width) = terminal_width() {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.max(WIDTH_MIN));
    }
    table
}

fn finished(table: &mut Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    let lines: Vec<_> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

/// How many columns the terminal has that standard output is.
pub(crate) fn terminal_width() -> Option<u16> {
    let is_terminal = std::io::stdout().is_terminal();
    is_terminal.then(crossterm::terminal::size)?.ok().map(|(columns, _)| columns)
}

/// A cell in a colour.
pub(crate) fn coloured(text: impl Display, color: Color) -> Cell {
    Cell::new(text).fg(color)
}

/// A cell; none for nothing.
pub(crate) fn cell(text: Option<impl Display>) -> Option<Cell> {
    text.map(Cell::new)
}

/// One line on standard output, or several.
pub(crate) fn line(text: impl Display) -> Result<(), Failure> {
    writeln!(anstream::stdout().lock(), "{text}")?;
    Ok(())
}

/// One line on standard error: for whoever watches, not for what reads the output.
pub(crate) fn note(text: impl Display) -> Result<(), Failure> {
    writeln!(anstream::stderr().lock(), "{text}")?;
    Ok(())
}

/// One object, on one line.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<(), Failure> {
    line(serde_json::to_string(value)?)
}

/// Text in bold red, as errors begin.
pub(crate) fn alarming(text: impl Display) -> String {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    format!("{style}{text}{style:#}")
}
