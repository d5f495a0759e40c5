//! The tables, for the terminal and for `docs/simulation.md`.

use crate::centre::Centre;
use crate::quotes::{ESTIMATORS, LAST_32, RINGBACK};
use crate::score::{Accuracy, Score};
use std::fmt::Write as _;

/// A row of cells under a row of titles, the first column to the left and the others to the right.
fn table(titles: &[String], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([titles[column].chars().count(), 3]).max().unwrap_or(3)
    };
    let widths: Vec<usize> = (0..titles.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        format!("| {} |\n", padded.collect::<Vec<_>>().join(" | "))
    };
    let rule: Vec<String> = widths
        .iter()
        .enumerate()
        .map(
            |(column, width)| {
                if column == 0 { "-".repeat(*width) } else { format!("{}:", "-".repeat(width - 1)) }
            },
        )
        .collect();
    let mut text = line(titles) + &line(&rule);
    for row in rows {
        text += &line(row);
    }
    text
}

fn titles(of: &[&str]) -> Vec<String> {
    of.iter().map(|title| (*title).to_owned()).collect()
}

fn by_estimator(scores: &[Score], cell: impl Fn(&Score, usize) -> String) -> String {
    let mut names = vec!["centre"];
    names.extend(ESTIMATORS);
    let rows: Vec<Vec<String>> = scores
        .iter()
        .map(|score| {
            let cells = (0..ESTIMATORS.len()).map(|estimator| cell(score, estimator));
            std::iter::once(score.centre.name.to_owned()).chain(cells).collect()
        })
        .collect();
    table(&titles(&names), &rows)
}

fn accuracy(scores: &[Score], figure: impl Fn(&Accuracy) -> f64) -> String {
    by_estimator(scores, |score, estimator| format!("{:.0}", figure(&score.accuracy[estimator])))
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn windows(scores: &[Score]) -> String {
    let rows: Vec<Vec<String>> = scores
        .iter()
        .map(|score| {
            let of_last_32 = score.ratio_to(LAST_32);
            let mut row = vec![score.centre.name.to_owned(), score.scored.to_string()];
            row.push(format!("{:.0}", score.mean_wait_s));
            row.push(format!("{of_last_32:.3}"));
            row.extend(score.below.map(percent));
            row.push(percent(score.outside()));
            row
        })
        .collect();
    let names =
        ["centre", "waits", "mean s", "RMSE / last 32", "below P10", "below P50", "below P90", "outside"];
    table(&titles(&names), &rows)
}

fn stability(scores: &[Score]) -> String {
    let mut names = vec!["centre"];
    names.extend(ESTIMATORS);
    names.extend(["as told", "windows told"]);
    let rows: Vec<Vec<String>> = scores
        .iter()
        .map(|score| {
            let stability = &score.stability;
            let mut row = vec![score.centre.name.to_owned()];
            row.extend(
                (0..ESTIMATORS.len()).map(|estimator| format!("{:.1}", stability.per_minute(estimator))),
            );
            row.push(format!("{:.1}", stability.told_per_minute()));
            row.push(format!("{:.1}", 1.0 + stability.told as f64 / stability.watched.max(1) as f64));
            row
        })
        .collect();
    table(&titles(&names), &rows)
}

fn routing(scores: &[Score]) -> String {
    let mut rows = Vec::new();
    for score in scores {
        for service in &score.service {
            rows.push(vec![
                score.centre.name.to_owned(),
                service.class.to_owned(),
                service.asked.to_string(),
                percent(service.reached),
                format!("{} in {:.0} min", percent(service.within_goal), score.centre.goal_s / 60.0),
                format!("{:.0}", service.mean_s),
                format!("{:.0}", service.p90_s),
                format!("{:.0}", service.longest_s),
            ]);
        }
    }
    let names = ["centre", "class", "asked", "reached", "service level", "mean s", "P90 s", "longest s"];
    table(&titles(&names), &rows)
}

/// All tables, each under its title.
pub fn tables(scores: &[Score]) -> String {
    let (questions, numbers) = scores.iter().fold((0, 0), |(questions, numbers), score| {
        (questions + score.unstaffed.questions, numbers + score.unstaffed.numbers)
    });
    let mut text = String::new();
    let mut section = |title: &str, about: &str, table: &str| {
        let _ = write!(text, "## {title}\n\n{about}\n\n{table}\n");
    };
    section(
        "RMSE",
        "Root of the mean squared error, in seconds: large errors weigh most.",
        &accuracy(scores, |accuracy| accuracy.rmse_s),
    );
    section("MAE", "Mean absolute error, in seconds.", &accuracy(scores, |accuracy| accuracy.mae_s));
    section(
        "Bias",
        "Mean error, in seconds: positive where people wait less than they were told.",
        &accuracy(scores, |accuracy| accuracy.bias_s),
    );
    section(
        "The window",
        "The share of waits below each number of our window; 10, 50 and 90 % would be perfect. Outside is below P10 or \
         above P90; 20 % would be.",
        &windows(scores),
    );
    section(
        "Stability",
        "By how many seconds a minute of waiting moves the instant at which somebody would be reached, as the estimator \
         has it; asked every 30 seconds. As told: our damped quotes, and how many windows one person is told.",
        &stability(scores),
    );
    section(
        "Routing",
        "Everybody who asked, also those who found an agent ready. Nobody starves: see the longest wait.",
        &routing(scores),
    );
    let _ = write!(
        text,
        "## Nobody there\n\n{questions} questions were asked while nobody who fits was logged in; {numbers} of them got a \
         number from Ringback.\n"
    );
    text
}

fn describe(centre: &Centre) -> String {
    format!("- **{}**: {}.\n", centre.name, centre.about)
}

/// The whole of `docs/simulation.md`.
pub fn document(scores: &[Score], missed: &[String], days: u64) -> String {
    let centres: String = scores.iter().map(|score| describe(&score.centre)).collect();
    let verdict = if missed.is_empty() {
        "Every gate of `cargo xtask sim --check` is met.\n".to_owned()
    } else {
        let list: String = missed.iter().map(|gate| format!("- {gate}\n")).collect();
        format!("These gates of `cargo xtask sim --check` are missed:\n\n{list}")
    };
    format!(
        "# Simulation\n\nWritten by `cargo xtask sim`; do not edit.\n\n{}\n\n{verdict}\n## The centres\n\n{}\n\n\
         {centres}\n{}\n## The estimators\n\n{}\n",
        INTRODUCTION.trim(),
        CENTRES.trim(),
        tables(scores).replacen("## RMSE", &format!("{CHARTS}\n## RMSE"), 1),
        ABOUT_ESTIMATORS.trim(),
    )
    .replace("{DAYS}", &days.to_string())
    .replace("{OURS}", ESTIMATORS[RINGBACK])
}

const INTRODUCTION: &str = "\
How true are the waits that customers are told, and how long do they wait? Eight simulated contact centres ask the
server's own code: `routing/matching.rs` decides who is next and who serves, `wait/` estimates. Only the clock, the
customers and the agents are made up. Every estimator sees what a server sees: who asks, leaves, is reached and is
done, and what agents are doing; nothing of what the customers and agents were drawn from. Seeds are fixed, so every
run gives the same figures on the same platform.";

const CENTRES: &str = "\
{DAYS} days of each, after a day of warm-up that is not scored. Arrivals are Poisson, talk is lognormal with a coefficient
of variation of 0.7, patience is Weibull with shape 1.2. Live calls take the same agents and go first. Agents take a
break of 10 minutes about every two hours (not in the small team). Who does not answer is tried once more, five
minutes later and at the old place in line. A wait is from the request to the first time that an agent is reserved.
Scored are those who had to wait and were served in the end: who left has no wait to compare with, and who found an
agent ready needed no estimate.";

const CHARTS: &str = "\
![RMSE by centre and estimator, as a part of the last-32 rate's](simulation/rmse.svg)

![Share of waits below P10, P50 and P90 by centre](simulation/coverage.svg)

![A day of the centre with a staffing change: promised windows and actual waits](simulation/day.svg)
";

const ABOUT_ESTIMATORS: &str = "\
- **{OURS}**: mean and variance from the line ahead, the agents who fit, those who leave and those who overtake
  (`server/src/wait/estimate.rs`), corrected by how earlier promises were kept (`measures.rs`); the tables score the
  median of its window.
- **last 32**: place in line × the mean interval between the last 32 starts of service.
- **LES**: as long as the last to enter service has waited.
- **HOL**: as long as the head of the line has waited.
- **AHT**: average handling time × place in line / agents logged in × (1 − share of those who abandon), over the last
  500 of each.
- **Asterisk**: the moving average of `app_queue`: three quarters of the old value and a quarter of the newest wait.

Each sees one line, that is, the callbacks that ask for the same skills.";
