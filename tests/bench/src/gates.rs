//! Gates: how close a figure must at least come to its reference, or how much it may take at most.

use crate::row::{Measure, Row};
use std::time::Duration;

/// All gates.
pub(crate) const GATES: &[Gate] = &[
    Gate { row: "line/reserve-100k", bound: Bound::Most(Measure::Takes(Duration::from_millis(10))) },
    // At most 1.3 times as long.
    Gate { row: "line/reserve-growth-p50", bound: Bound::LeastRatio(1.0 / 1.3) },
    Gate { row: "line/reserve-growth-p99", bound: Bound::LeastRatio(1.0 / 1.3) },
    Gate { row: "line/create-sqlite", bound: Bound::LeastRatio(3.0) },
    Gate { row: "line/create-postgresql", bound: Bound::LeastRatio(0.9) },
    Gate { row: "line/create-http", bound: Bound::LeastRatio(0.5) },
    Gate { row: "line/availability", bound: Bound::Most(Measure::Takes(Duration::from_millis(5))) },
    Gate { row: "push/question", bound: Bound::Most(Measure::Takes(Duration::from_millis(5))) },
    Gate { row: "push/outbox-apns", bound: Bound::LeastRatio(0.8) },
    Gate { row: "push/outbox-fcm", bound: Bound::LeastRatio(0.8) },
    Gate { row: "push/question-in-flood", bound: Bound::Most(Measure::Takes(Duration::from_millis(50))) },
    // At most a twentieth more.
    Gate { row: "push/memory", bound: Bound::LeastRatio(1.0 / 1.05) },
    Gate { row: "line/memory", bound: Bound::Most(Measure::Bytes(1024.0)) },
    Gate { row: "sdk/kotlin-start", bound: Bound::Most(Measure::Takes(Duration::from_millis(20))) },
    Gate { row: "sdk/swift-start", bound: Bound::Most(Measure::Takes(Duration::from_millis(5))) },
    // At most 1.2 times as long.
    Gate { row: "sdk/kotlin-call", bound: Bound::LeastRatio(1.0 / 1.2) },
    Gate { row: "sdk/swift-call", bound: Bound::LeastRatio(1.0 / 1.2) },
    Gate { row: "sdk/tap", bound: Bound::LeastRatio(1.0 / 1.2) },
    Gate { row: "sdk/altcha", bound: Bound::LeastRatio(1.0 / 1.1) },
    // At most a twentieth more: what a heap does by itself.
    Gate { row: "sdk/kotlin-memory", bound: Bound::LeastRatio(1.0 / 1.05) },
    Gate { row: "sdk/swift-memory", bound: Bound::LeastRatio(1.0 / 1.05) },
    // As in `cargo xtask size`: what they are. They should be 1 MiB and 2.9 MiB.
    Gate { row: "sdk/size-host", bound: Bound::Most(Measure::Bytes(1_566_000.0)) },
    Gate { row: "sdk/size-reqwest", bound: Bound::Most(Measure::Bytes(3_447_000.0)) },
];

/// One gate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Gate {
    /// The row's name.
    pub(crate) row: &'static str,
    /// What holds it.
    pub(crate) bound: Bound,
}

/// What a row must keep to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    /// The least ratio.
    LeastRatio(f64),
    /// The most that the figure may be.
    Most(Measure),
}

impl Bound {
    /// Nothing measured keeps to nothing.
    fn holds(self, row: &Row) -> bool {
        match self {
            Self::LeastRatio(least) => row.ratio() >= least,
            Self::Most(most) => row.figure.speed() >= most.speed() && row.figure.speed().is_finite(),
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::LeastRatio(least) => write!(f, "a ratio of at least {least:.2}"),
            Self::Most(most) => write!(f, "at most {most}"),
        }
    }
}

/// A gate that does not hold.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum Shortfall {
    /// Too slow, or too large.
    #[error("gate {}: {figure} with a ratio of {ratio:.2}, asked is {}", .gate.row, .gate.bound)]
    Missed {
        /// Which gate.
        gate: Gate,
        /// What was measured.
        figure: Measure,
        /// The ratio that was measured.
        ratio: f64,
    },
    /// No row has this name: a gate that looks at nothing would hold for ever.
    #[error("gate {}: there is no such row", .0.row)]
    NoRow(Gate),
}

/// The gates that do not hold, of the benchmarks that ran.
pub(crate) fn shortfalls(gates: &[Gate], ran: &[&str], rows: &[Row]) -> Vec<Shortfall> {
    let of_this_run =
        |gate: &&Gate| gate.row.split_once('/').is_none_or(|(benchmark, _)| ran.contains(&benchmark));
    gates
        .iter()
        .filter(of_this_run)
        .filter_map(|&gate| match rows.iter().find(|row| row.name == gate.row) {
            None => Some(Shortfall::NoRow(gate)),
            Some(row) if gate.bound.holds(row) => None,
            Some(row) => Some(Shortfall::Missed { gate, figure: row.figure, ratio: row.ratio() }),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Measure;

    fn rows() -> Vec<Row> {
        vec![Row {
            name: "create/sqlite".to_owned(),
            figure: Measure::PerSecond(400.0),
            reference: Measure::PerSecond(100.0),
            meaning: String::new(),
        }]
    }

    fn check(row: &'static str, least_ratio: f64) -> Vec<Shortfall> {
        shortfalls(&[Gate { row, bound: Bound::LeastRatio(least_ratio) }], &["create"], &rows())
    }

    #[test]
    fn a_gate_holds_at_its_ratio_and_above() {
        assert_eq!(check("create/sqlite", 4.0), []);
        assert_eq!(check("create/sqlite", 3.9), []);
    }

    #[test]
    fn a_gate_that_falls_short_is_named_with_its_ratio() {
        let short = check("create/sqlite", 4.1);
        assert_eq!(short.len(), 1);
        assert_eq!(
            short[0].to_string(),
            "gate create/sqlite: 400 /s with a ratio of 4.00, asked is a ratio of at least 4.10"
        );
    }

    #[test]
    fn a_gate_on_an_unknown_row_falls_short() {
        assert_eq!(check("create/oracle", 1.0)[0].to_string(), "gate create/oracle: there is no such row");
        assert_eq!(check("nonsense", 1.0).len(), 1);
    }

    #[test]
    fn a_gate_of_a_benchmark_that_did_not_run_is_left_alone() {
        assert_eq!(check("push/p50", 1.0), []);
    }

    #[test]
    fn nothing_measured_holds_no_gate() {
        let mut rows = rows();
        rows[0].figure = Measure::PerSecond(0.0);
        rows[0].reference = Measure::PerSecond(0.0);
        let gate = Gate { row: "create/sqlite", bound: Bound::LeastRatio(0.1) };
        assert_eq!(shortfalls(&[gate], &["create"], &rows).len(), 1);
    }

    #[test]
    fn a_figure_may_be_bounded_by_itself() {
        let took = |ms| {
            let figure = Measure::Takes(Duration::from_millis(ms));
            vec![Row { name: "create/sqlite".to_owned(), figure, reference: figure, meaning: String::new() }]
        };
        let gate =
            Gate { row: "create/sqlite", bound: Bound::Most(Measure::Takes(Duration::from_millis(10))) };
        assert_eq!(shortfalls(&[gate], &["create"], &took(10)), []);
        assert_eq!(
            shortfalls(&[gate], &["create"], &took(11))[0].to_string(),
            "gate create/sqlite: 11.00 ms with a ratio of 1.00, asked is at most 10.00 ms"
        );
        assert_eq!(shortfalls(&[gate], &["create"], &took(0)).len(), 1);
    }
}
