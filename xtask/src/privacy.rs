//! After the tests: nothing personal may be in any log or push of the run.
//!
//! The tests use phone numbers, names and context values from `tests/privacy-canaries.txt` and no others, so finding one
//! in an output is a leak.

use std::{fs, path::Path};

use crate::{
    counts::Counts,
    error::{Error, Result},
    places::{self, Places},
};

/// Looks for every canary in every file below the logs; finding one is an error that names the file but not the value.
pub(crate) fn check(places: &Places) -> Result<Counts> {
    let file = places.root.join("tests/privacy-canaries.txt");
    let text = fs::read_to_string(&file).map_err(Error::file(&file))?;
    let canaries = canaries(&text);
    if canaries.is_empty() {
        return Err(Error::Broken(format!("{} names no values", file.display())));
    }
    let logs = places.logs();
    // Finding nothing in nothing would prove nothing.
    for folder in ["servers", "pushes"] {
        let files = places::files_below(&logs.join(folder))?;
        let full = files.iter().any(|file| fs::metadata(file).is_ok_and(|file| file.len() > 0));
        if !full {
            let folder = logs.join(folder);
            return Err(Error::Broken(format!("{} is empty: the tests recorded nothing", folder.display())));
        }
    }
    let mut leaks = Vec::new();
    let files = places::files_below(&logs)?;
    for file in &files {
        leaks.extend(leaks_in(&fs::read(file).map_err(Error::file(file))?, &canaries, file));
    }
    println!("    {} values looked for in {} files", canaries.len(), files.len());
    if leaks.is_empty() {
        Ok(Counts { passed: 1, ..Counts::default() })
    } else {
        Err(Error::Broken(format!("personal data in the output of the tests:\n{}", leaks.join("\n"))))
    }
}

/// One a line; `#` starts a remark. A number is looked for without its plus sign, which some encodings change.
fn canaries(text: &str) -> Vec<(usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim().trim_start_matches('+')))
        .filter(|(_, value)| !value.is_empty() && !value.starts_with('#'))
        .collect()
}

fn leaks_in(content: &[u8], canaries: &[(usize, &str)], file: &Path) -> Vec<String> {
    let text = String::from_utf8_lossy(content);
    canaries
        .iter()
        .filter_map(|(line, value)| {
            let before = &text[..text.find(value)?];
            let place = before.lines().count().max(1);
            Some(format!("  {}:{place}: the value in line {line} of privacy-canaries.txt", file.display()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_number_however_its_plus_sign_is_written_and_says_where() {
        let canaries = canaries("# numbers\n+4915550001\n\nZaphod Quill\n");
        let leaks = leaks_in(b"ok\nto=%2B4915550001\n", &canaries, Path::new("a.log"));
        assert_eq!(leaks, ["  a.log:2: the value in line 2 of privacy-canaries.txt"]);
        assert!(leaks_in(b"nothing here", &canaries, Path::new("a.log")).is_empty());
    }
}
