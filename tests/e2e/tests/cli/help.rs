//! The help of every command is as wide as the terminal and no wider.

use crate::terminal::shown;
use crate::{Failure, Outcome};

/// The commands in a help, without the one that shows help.
fn commands(help: &str) -> Vec<String> {
    let Some((_, list)) = help.split_once("\nCommands:\n") else { return Vec::new() };
    let names = list.lines().take_while(|line| !line.is_empty());
    let names =
        names.filter(|line| !line.starts_with("    ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// Every command below this one, itself included, and its help.
async fn helps(path: Vec<String>, columns: u16) -> Result<Vec<(String, String)>, Failure> {
    let (mut left, mut found) = (vec![path], Vec::new());
    while let Some(path) = left.pop() {
        let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = shown(&arguments, columns).await?.replace('\r', "");
        left.extend(commands(&help).into_iter().map(|name| [&path[..], &[name]].concat()));
        found.push((path.join(" "), help));
    }
    Ok(found)
}

#[tokio::test]
async fn every_help_fits_the_terminal() -> Outcome {
    for columns in [80, 120] {
        let helps = helps(Vec::new(), columns).await?;
        assert!(helps.len() > 70, "commands are missing: {}", helps.len());
        for (path, help) in helps {
            // A usage is one line, however long.
            let lines = help.lines().filter(|line| !line.starts_with("Usage: "));
            let width = lines.map(|line| line.chars().count()).max().unwrap_or_default();
            assert!(width <= usize::from(columns), "ringback {path}: {width} columns\n{help}");
        }
    }
    Ok(())
}
