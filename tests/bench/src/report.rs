//! The table, for the terminal and for `docs/performance.md`.

use crate::Failure;
use crate::gates::Gate;
use crate::row::Row;
use std::fmt::Write as _;
use std::process::Command;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// Columns as wide as their widest cell; valid Markdown.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut cells = vec![["row", "figure", "reference", "ratio"].map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        [row.name.clone(), row.figure.to_string(), row.reference.to_string(), ratio(row.ratio())]
    }));
    let width =
        |column: usize| cells.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths = [0, 1, 2, 3].map(width);
    let mut lines: Vec<String> = cells
        .iter()
        .map(|line| {
            let [name, figure, reference, ratio] = line;
            let [a, b, c, d] = widths;
            format!("| {name:<a$} | {figure:>b$} | {reference:>c$} | {ratio:>d$} |")
        })
        .collect();
    // A colon at the right end aligns to the right.
    let rule = |width: usize| format!("{:->width$}", ":");
    let [a, b, c, d] = widths;
    lines.insert(1, format!("| {} | {} | {} | {} |", "-".repeat(a), rule(b), rule(c), rule(d)));
    lines.join("\n")
}

fn ratio(ratio: f64) -> String {
    if ratio < 0.1 { format!("{ratio:.4}") } else { format!("{ratio:.2}") }
}

/// The machine and the moment.
pub(crate) struct Surroundings {
    /// One line each.
    lines: Vec<String>,
}

impl Surroundings {
    /// Looks around. To be called before the machine is busy with us.
    pub(crate) fn now() -> Result<Self, Failure> {
        let kinds = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        let system = System::new_with_specifics(kinds)?;
        let cpu = system.cpus().first().map_or("unknown", |cpu| cpu.brand().trim());
        let memory_gib = system.total_memory() / (1 << 30);
        let (os, kernel) = (System::long_os_version()?, System::kernel_version()?);
        let rustc = Command::new("rustc").arg("--version").output()?;
        let rustc = String::from_utf8_lossy(&rustc.stdout);
        let load = System::load_average()?;
        Ok(Self {
            lines: vec![
                format!("Processor: {cpu}, {} cores seen", system.cpus().len()),
                format!("Memory: {memory_gib} GiB"),
                format!("System: {os}, kernel {kernel}"),
                format!("Compiler: {}, release profile", rustc.trim()),
                format!("Date: {}", jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC")),
                format!(
                    "Load average when the run began: {:.1} over one minute, {:.1} over fifteen",
                    load.one, load.fifteen
                ),
            ],
        })
    }
}

/// The whole document.
pub(crate) fn document(rows: &[Row], gates: &[Gate], surroundings: &Surroundings) -> String {
    let mut text = String::from(
        "# Performance\n\nWritten by `cargo xtask bench`; do not edit. Each figure stands beside a reference that was \
         measured in the same run on the same\nmachine. The ratio says how close the figure comes to it: 1 is as fast, 2 \
         twice as fast, 0.5 half as fast. One run is one\nsample: what else the machine does moves figures, and ratios \
         too where figure and reference wait for different things. Compare\nruns on an idle machine only, and see its load \
         below.\n\n",
    );
    let _ = writeln!(text, "{}\n", table(rows));
    text.push_str("## What the rows mean\n\n");
    for row in rows {
        let _ = writeln!(text, "- **{}**: {}", row.name, row.meaning);
    }
    text.push_str("\n## Gates\n\n`cargo xtask bench --check` fails and names each gate that falls short. ");
    if gates.is_empty() {
        text.push_str("No gates are set yet.\n");
    } else {
        text.push_str("They ask for:\n\n");
        for gate in gates {
            let _ = writeln!(text, "- {}: {}", gate.row, gate.bound);
        }
    }
    text.push_str("\n## The machine\n\n");
    for line in &surroundings.lines {
        let _ = writeln!(text, "- {line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::Bound;
    use crate::row::Measure;

    fn rows() -> Vec<Row> {
        vec![Row {
            name: "create/sqlite".to_owned(),
            figure: Measure::PerSecond(4321.0),
            reference: Measure::PerSecond(1000.0),
            meaning: "Durable requests.".to_owned(),
        }]
    }

    #[test]
    fn the_table_is_markdown_with_even_columns() {
        let table = table(&rows());
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[2], "| create/sqlite | 4321 /s |   1000 /s |  4.32 |");
        assert_eq!(lines[1], "| ------------- | ------: | --------: | ----: |");
        assert!(lines.iter().all(|line| line.chars().count() == lines[0].chars().count()));
    }

    #[test]
    fn the_document_names_the_machine_and_the_gates() {
        let surroundings = Surroundings { lines: vec!["Processor: one".to_owned()] };
        let open = document(&rows(), &[], &surroundings);
        for part in ["No gates are set yet.", "- Processor: one", "- **create/sqlite**: Durable requests."] {
            assert!(open.contains(part), "{part}");
        }
        let gate = Gate { row: "create/sqlite", bound: Bound::LeastRatio(3.5) };
        assert!(
            document(&rows(), &[gate], &surroundings).contains("- create/sqlite: a ratio of at least 3.50")
        );
    }
}
