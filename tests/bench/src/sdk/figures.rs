//! Figures that others have found: lines of `kotlin start nanoseconds`, `size host bytes`.

use crate::Failure;
use crate::row::{Measure, Row};
use std::collections::HashMap;
use std::time::Duration;

/// From no client to one that is ready for its first request, on a phone's screen nobody sees less than a frame.
const START_MS: [(&str, u64); 2] = [("kotlin", 20), ("swift", 5)];
/// What the library was to be at most, in bytes.
const SIZE_AIMS: [(&str, f64, &str); 2] = [
    ("host", 1024.0 * 1024.0, "HTTP by the platform, as on phones"),
    ("reqwest", 2.9 * 1024.0 * 1024.0, "HTTP in Rust"),
];

pub(super) fn rows(text: &str) -> Result<Vec<Row>, Failure> {
    let mut found: HashMap<(&str, &str), f64> = HashMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[subject, what, number] = words.as_slice() else {
            return Err(format!("not a figure: {line}").into());
        };
        found.insert((subject, what), number.parse()?);
    }
    let figure = |subject, what| {
        let figure = found.get(&(subject, what)).copied();
        figure.ok_or_else(|| format!("no figure for {what} of {subject}"))
    };
    let mut rows = Vec::new();
    for (language, limit_ms) in START_MS {
        rows.push(Row {
            name: format!("sdk/{language}-start"),
            figure: Measure::Takes(Duration::from_secs_f64(figure(language, "start")? / 1e9)),
            reference: Measure::Takes(Duration::from_millis(limit_ms)),
            meaning: "From `Ringback(config)` to the end of its first call, which starts its thread and reads nothing: \
                      the median, in a process that has done it before. Reference: the limit."
                .to_owned(),
        });
        let takes =
            |what| Ok::<_, Failure>(Measure::Takes(Duration::from_secs_f64(figure(language, what)? / 1e9)));
        rows.push(Row {
            name: format!("sdk/{language}-call"),
            figure: takes("handle_push")?,
            reference: takes("empty_push")?,
            meaning: "A call of the library, `handlePush` with a push that is somebody else's. Reference: an empty \
                      UniFFI call of the same shape to the same thread, which takes that push and does nothing."
                .to_owned(),
        });
        rows.push(Row {
            name: format!("sdk/{language}-memory"),
            figure: Measure::Bytes(figure(language, "memory_after_all")?),
            reference: Measure::Bytes(figure(language, "memory_after_a_tenth")?),
            meaning: "The process after a million calls and ten thousand subscriptions that came and went. Reference: \
                      after a tenth of them."
                .to_owned(),
        });
    }
    for (http, aim, meaning) in SIZE_AIMS {
        rows.push(Row {
            name: format!("sdk/size-{http}"),
            figure: Measure::Bytes(figure("size", http)?),
            reference: Measure::Bytes(aim),
            meaning: format!("The stripped library, {meaning}. Reference: what it should be at most."),
        });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> String {
        let mut text = "size host 1048576\nsize reqwest 3000000\n".to_owned();
        for language in ["kotlin", "swift"] {
            for what in ["start", "handle_push", "empty_push", "memory_after_all", "memory_after_a_tenth"] {
                text.push_str(&format!("{language} {what} 1000000\n"));
            }
        }
        text
    }

    #[test]
    fn each_figure_stands_beside_its_limit() {
        let rows = rows(&text()).unwrap();
        let ratio = |name: &str| rows.iter().find(|row| row.name == name).unwrap().ratio();
        assert_eq!(rows.len(), 8);
        assert!((ratio("sdk/kotlin-start") - 20.0).abs() < 1e-9);
        assert!((ratio("sdk/size-host") - 1.0).abs() < 1e-9);
        assert!((ratio("sdk/swift-memory") - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_missing_or_garbled_is_an_error() {
        assert!(rows(&text().replace("swift start 1000000\n", "")).is_err());
        assert!(rows("swift start\n").is_err());
        assert!(rows("swift start soon\n").is_err());
    }
}
