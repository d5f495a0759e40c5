//! The charts of `docs/simulation.md`, as SVG.

use crate::outcome::Day;
use crate::quotes::{ESTIMATORS, LAST_32};
use crate::score::Score;
use std::fmt::Write as _;

/// One colour per estimator, ours first; they differ for the colour-blind too (Okabe and Ito).
const COLOURS: [&str; ESTIMATORS.len()] = ["#0072b2", "#999999", "#e69f00", "#f0e442", "#009e73", "#cc79a7"];
const WIDTH: f64 = 960.0;
const LEFT: f64 = 60.0;
const TOP: f64 = 50.0;
const HEIGHT: f64 = 260.0;

/// A drawing with a title and a scale on the left.
struct Chart {
    body: String,
    highest: f64,
}

impl Chart {
    fn new(title: &str, highest: f64) -> Self {
        let mut chart = Self { body: String::new(), highest };
        let _ = writeln!(chart.body, r#"<text x="{LEFT}" y="20" font-size="15">{title}</text>"#);
        chart
    }

    fn y(&self, value: f64) -> f64 {
        TOP + HEIGHT * (1.0 - value.clamp(0.0, self.highest) / self.highest)
    }

    fn level(&mut self, value: f64, label: &str, colour: &str) {
        let y = self.y(value);
        let right = WIDTH - 20.0;
        let _ = writeln!(
            self.body,
            r#"<path d="M{LEFT} {y:.1}H{right}" stroke="{colour}"/><text x="{:.0}" y="{:.1}" text-anchor="end">{label}</text>"#,
            LEFT - 6.0,
            y + 4.0
        );
    }

    fn label(&mut self, x: f64, y: f64, text: &str) {
        let _ = writeln!(self.body, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="middle">{text}</text>"#);
    }

    fn bar(&mut self, x: f64, width: f64, value: f64, colour: &str) {
        let y = self.y(value);
        let height = TOP + HEIGHT - y;
        let _ = writeln!(
            self.body,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{colour}"/>"#
        );
    }

    fn dot(&mut self, x: f64, value: f64, radius: f64, colour: &str) {
        let y = self.y(value);
        let _ = writeln!(self.body, r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}" fill="{colour}"/>"#);
    }

    fn legend(&mut self, entries: &[(&str, &str)]) {
        for (at, (name, colour)) in entries.iter().enumerate() {
            let x = LEFT + 140.0 * at as f64;
            let _ = writeln!(
                self.body,
                r#"<rect x="{x}" y="29" width="10" height="10" fill="{colour}"/><text x="{}" y="38">{name}</text>"#,
                x + 15.0
            );
        }
    }

    fn finish(self) -> String {
        let height = TOP + HEIGHT + 40.0;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
             font-size=\"11\" fill=\"#222\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n{}</svg>\n",
            self.body
        )
    }
}

/// The middle of each centre's part of the width, and that width.
fn columns(count: usize) -> (impl Fn(usize) -> f64, f64) {
    let width = (WIDTH - LEFT - 20.0) / count.max(1) as f64;
    (move |at: usize| LEFT + width * (at as f64 + 0.5), width)
}

/// RMSE by centre and estimator, as a part of the last-32 rate's.
pub fn rmse(scores: &[Score]) -> String {
    let mut chart = Chart::new("RMSE as a part of the last-32 rate's: lower is better", 2.2);
    let (middle, width) = columns(scores.len());
    for level in [0.0, 0.4, 1.2, 1.6, 2.0] {
        chart.level(level, &format!("{level:.1}"), "#eee");
    }
    chart.level(0.8, "0.8", "#0072b2");
    let entries: Vec<(&str, &str)> = ESTIMATORS.into_iter().zip(COLOURS).collect();
    chart.legend(&entries);
    let bar = width * 0.8 / ESTIMATORS.len() as f64;
    for (at, score) in scores.iter().enumerate() {
        let from = middle(at) - width * 0.4;
        for (estimator, accuracy) in score.accuracy.iter().enumerate() {
            let part = accuracy.rmse_s / score.accuracy[LAST_32].rmse_s;
            chart.bar(from + bar * estimator as f64, bar - 1.0, part, COLOURS[estimator]);
        }
        chart.label(middle(at), TOP + HEIGHT + 18.0, score.centre.name);
    }
    chart.finish()
}

/// The share of waits below P10, P50 and P90, by centre.
pub fn coverage(scores: &[Score]) -> String {
    let mut chart =
        Chart::new("Share of waits below the promised P10, P50 and P90: on the lines is perfect", 1.0);
    let (middle, width) = columns(scores.len());
    let names = ["P10", "P50", "P90"];
    for (colour, level) in COLOURS.iter().zip([0.1, 0.5, 0.9]) {
        chart.level(level, &format!("{:.0} %", level * 100.0), colour);
    }
    let entries: Vec<(&str, &str)> = names.into_iter().zip(COLOURS).collect();
    chart.legend(&entries);
    for (at, score) in scores.iter().enumerate() {
        for (number, below) in score.below.iter().enumerate() {
            let x = middle(at) + width * 0.2 * (number as f64 - 1.0);
            chart.dot(x, *below, 5.0, COLOURS[number]);
            chart.label(x, chart.y(*below) - 9.0, &format!("{:.1}", below * 100.0));
        }
        chart.label(middle(at), TOP + HEIGHT + 18.0, score.centre.name);
    }
    chart.finish()
}

/// Promised windows and what came, over one day.
pub fn day(title: &str, day: &Day) -> String {
    let waits: Vec<(f64, [u32; 3], f64)> = day
        .outcomes
        .iter()
        .filter(|outcome| outcome.delayed)
        .filter_map(|outcome| {
            let hour = (outcome.asked_us as f64 / 3.6e9) % 24.0;
            Some((hour, outcome.said.window_s?, outcome.reached_after_s?))
        })
        .collect();
    let longest_s = waits.iter().map(|(.., waited_s)| *waited_s).fold(600.0, f64::max);
    let mut chart = Chart::new(title, (longest_s / 60.0).ceil() * 1.1);
    let x = |hour: f64| LEFT + (WIDTH - LEFT - 20.0) * hour / 24.0;
    let step = (chart.highest / 5.0).ceil();
    for line in 0..5 {
        let minutes = step * f64::from(line);
        chart.level(minutes, &format!("{minutes:.0} min"), "#eee");
    }
    chart.legend(&[("P10 to P90 promised", "#9ecae1"), ("waited", "#d55e00")]);
    // One path for all: a day has many.
    let (mut windows, mut dots) = (String::new(), String::new());
    for (hour, [p10_s, _, p90_s], waited_s) in &waits {
        let y = |seconds: f64| chart.y(seconds / 60.0);
        let _ = write!(windows, "M{:.1} {:.0}V{:.0}", x(*hour), y(f64::from(*p10_s)), y(f64::from(*p90_s)));
        let _ = write!(dots, "M{:.1} {:.0}h0", x(*hour), y(*waited_s));
    }
    let _ = writeln!(
        chart.body,
        r##"<path d="{windows}" stroke="#9ecae1"/><path d="{dots}" stroke="#d55e00" stroke-width="3" stroke-linecap="round"/>"##
    );
    for hour in (0..=24).step_by(3) {
        chart.label(x(f64::from(hour)), TOP + HEIGHT + 18.0, &format!("{hour}:00"));
    }
    chart.finish()
}
