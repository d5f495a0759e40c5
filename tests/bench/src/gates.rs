//! Gates: how close a figure must at least come to its reference.

use crate::row::Row;

/// All gates.
pub(crate) const GATES: &[Gate] = &[];

/// One gate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Gate {
    /// The row's name.
    pub(crate) row: &'static str,
    /// The least ratio.
    pub(crate) least_ratio: f64,
}

/// A gate that does not hold.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum Shortfall {
    /// Too slow.
    #[error("gate {}: the ratio is {ratio:.2}, at least {:.2} is asked", .gate.row, .gate.least_ratio)]
    TooSlow {
        /// Which gate.
        gate: Gate,
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
            // A ratio that is not a number holds no gate.
            Some(row) if row.ratio() >= gate.least_ratio => None,
            Some(row) => Some(Shortfall::TooSlow { gate, ratio: row.ratio() }),
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
        shortfalls(&[Gate { row, least_ratio }], &["create"], &rows())
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
        assert_eq!(short[0].to_string(), "gate create/sqlite: the ratio is 4.00, at least 4.10 is asked");
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
        let gate = Gate { row: "create/sqlite", least_ratio: 0.1 };
        assert_eq!(shortfalls(&[gate], &["create"], &rows).len(), 1);
    }
}
