//! What a benchmark gives: figures, each beside its reference of the same run.

use std::time::Duration;

/// One figure.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// `benchmark/what`, by which gates name it.
    pub(crate) name: String,
    /// What was measured.
    pub(crate) figure: Measure,
    /// The limit or rival it is compared with, measured in the same run.
    pub(crate) reference: Measure,
    /// What both are, in a sentence.
    pub(crate) meaning: String,
}

/// A rate, a time or a size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Measure {
    /// How many in a second: more is better.
    PerSecond(f64),
    /// How long one takes: less is better.
    Takes(Duration),
    /// How much memory or disk: less is better.
    Bytes(f64),
}

impl Row {
    /// How close the figure comes to its reference: 1 is as fast, 2 twice as fast, 0.5 half as fast.
    pub(crate) fn ratio(&self) -> f64 {
        self.figure.speed() / self.reference.speed()
    }
}

impl Measure {
    /// Higher is faster, or smaller.
    pub(crate) fn speed(self) -> f64 {
        match self {
            Self::PerSecond(rate) => rate,
            Self::Takes(time) => 1.0 / time.as_secs_f64(),
            Self::Bytes(bytes) => 1.0 / bytes,
        }
    }
}

impl std::fmt::Display for Measure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::PerSecond(rate) => write!(f, "{rate:.0} /s"),
            Self::Bytes(bytes) => write!(f, "{bytes:.0} B"),
            Self::Takes(time) => {
                let ns = time.as_secs_f64() * 1e9;
                match ns {
                    ..1e3 => write!(f, "{ns:.1} ns"),
                    ..1e6 => write!(f, "{:.2} µs", ns / 1e3),
                    _ => write!(f, "{:.2} ms", ns / 1e6),
                }
            }
        }
    }
}

/// The nearest-rank quantile; zero of nothing.
pub(crate) fn quantile(samples: &[Duration], share: f64) -> Duration {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rank among samples is small and positive"
    )]
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(figure: Measure, reference: Measure) -> Row {
        Row { name: "a/b".to_owned(), figure, reference, meaning: String::new() }
    }

    #[test]
    fn a_ratio_above_one_is_faster_for_rates_and_for_times() {
        let rate = row(Measure::PerSecond(300.0), Measure::PerSecond(100.0));
        let ms = |ms| Measure::Takes(Duration::from_millis(ms));
        assert!((rate.ratio() - 3.0).abs() < 1e-9);
        assert!((row(ms(10), ms(30)).ratio() - 3.0).abs() < 1e-9);
    }

    #[test]
    fn measures_carry_their_unit() {
        assert_eq!(Measure::PerSecond(1234.6).to_string(), "1235 /s");
        assert_eq!(Measure::Takes(Duration::from_nanos(27)).to_string(), "27.0 ns");
        assert_eq!(Measure::Takes(Duration::from_nanos(1500)).to_string(), "1.50 µs");
        assert_eq!(Measure::Takes(Duration::from_micros(2500)).to_string(), "2.50 ms");
    }

    #[test]
    fn quantiles_are_samples() {
        let samples: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(quantile(&samples, 0.5), Duration::from_millis(50));
        assert_eq!(quantile(&samples, 0.99), Duration::from_millis(99));
        assert_eq!(quantile(&samples[..1], 0.99), Duration::from_millis(100));
        assert_eq!(quantile(&[], 0.5), Duration::ZERO);
    }
}
