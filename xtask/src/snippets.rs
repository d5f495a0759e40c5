//! The snippets of the book: taken out of its pages, put into their surroundings, compiled and run.
//!
//! The fence of a snippet names its surroundings: in `kotlin,scope=ask` it stands where `tests/guide/kotlin/scopes/ask.kt` says
//! `// the snippet`. All of one language are one program, which gives each a contact centre of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    counts::Counts,
    error::{Error, Result},
    kotlin, package,
    places::{self, Places, cargo},
    shipped::Runner,
    swift,
};

/// The page whose programs are whole, and checked as such.
pub(crate) const WHOLE_PROGRAMS: &str = "docs/first-call.md";
const PLACE: &str = "// the snippet";
/// What stands for the name of the snippet in its surroundings.
const NAME: &str = "SNIPPET";
/// The address in every snippet.
const ADDRESS: &str = "\"https://calls.example.com\"";

/// A fenced block of a page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fence<'a> {
    /// The line on which its text begins.
    line: usize,
    kind: &'a str,
    scope: Option<&'a str>,
    text: &'a str,
}

/// The fenced blocks of a page. One that has no end reaches to the end of the page.
pub(crate) fn fences(page: &str) -> Vec<Fence<'_>> {
    let (mut found, mut open, mut at) = (Vec::new(), None, 0);
    for (index, line) in page.split_inclusive('\n').enumerate() {
        let end = at + line.len();
        if let Some(info) = line.strip_prefix("```") {
            open = match open.take() {
                Some((number, info, from)) => {
                    found.push(fence(number, info, page.get(from..at).unwrap_or_default()));
                    None
                }
                None => Some((index + 2, info.trim(), end)),
            };
        }
        at = end;
    }
    found.extend(open.map(|(number, info, from)| fence(number, info, page.get(from..).unwrap_or_default())));
    found
}

fn fence<'a>(line: usize, info: &'a str, text: &'a str) -> Fence<'a> {
    let (kind, rest) = info.split_once(',').unwrap_or((info, ""));
    Fence { line, kind, scope: rest.strip_prefix("scope="), text }
}

/// The lines that are code by their indent alone: nobody knows of what kind.
pub(crate) fn indented(page: &str) -> Vec<usize> {
    let (mut found, mut in_fence, mut after_text) = (Vec::new(), false, false);
    for (index, line) in page.lines().enumerate() {
        if line.starts_with("```") {
            in_fence = !in_fence;
        }
        if !in_fence && !after_text && line.starts_with("    ") && !line.trim().is_empty() {
            found.push(index + 1);
        }
        after_text = !line.trim().is_empty();
    }
    found
}

/// What is wrong with the blocks of a page, if anything: each is of a kind that something checks.
pub(crate) fn unchecked(page: &str, text: &str) -> Option<String> {
    if let Some(line) = indented(text).first() {
        return Some(format!("{page}:{line}: put code into a fence that says what it is"));
    }
    let is_checked = |fence: &Fence<'_>| match fence.kind {
        "kotlin" | "swift" | "rust" => page == WHOLE_PROGRAMS || fence.scope.is_some(),
        "xml" => page == WHOLE_PROGRAMS,
        // tests/e2e/tests/pages runs the commands and reads the JSON of every page.
        "sh" | "json" => true,
        // What is printed, and what goes over the wire.
        "text" | "http" => true,
        _ => false,
    };
    let fence = fences(text).into_iter().find(|fence| !is_checked(fence))?;
    let hint = "nothing checks this block: write kotlin,scope=…, swift,scope=…, rust,scope=…, sh, json,scope=…, text or http";
    Some(format!("{page}:{}: {hint}", fence.line - 1))
}

/// A language of the book, and what its program is made of.
struct Language {
    name: &'static str,
    fence: &'static str,
    ending: &'static str,
    /// How surroundings begin that are to be run; others are compiled alone.
    runs: &'static str,
    /// What stands for the address.
    address: &'static str,
    check: fn(&Places, &[Snippet], Runner<'_>) -> Result<()>,
}

const LANGUAGES: [Language; 3] = [
    Language {
        name: "Kotlin",
        fence: "kotlin",
        ending: "kt",
        runs: "fun play(",
        address: "centre.url",
        check: kotlin,
    },
    Language {
        name: "Swift",
        fence: "swift",
        ending: "swift",
        runs: "func play(",
        address: "try centre.url",
        check: swift,
    },
    Language {
        name: "Rust",
        fence: "rust",
        ending: "rs",
        runs: "fn play(",
        address: "centre.url.as_str()",
        check: rust,
    },
];

/// A snippet in its surroundings.
#[derive(Debug, PartialEq, Eq)]
struct Snippet {
    /// Where it stands, for people.
    place: String,
    /// The same as a name in a program.
    name: String,
    code: String,
    runs: bool,
}

/// The snippets of all languages. The packages have to be there, and the programs of the tests.
pub(crate) fn check(places: &Places, run: Runner<'_>) -> Result<Counts> {
    let mut counts = Counts::default();
    for language in &LANGUAGES {
        let snippets = language.snippets(places)?;
        let running = snippets.iter().filter(|snippet| snippet.runs).count();
        match (language.check)(places, &snippets, run) {
            Ok(()) => {
                println!("    {} snippets in {}, {running} of them run", snippets.len(), language.name);
                counts.passed += 1;
            }
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(error) => {
                println!("    FAILED  the snippets in {}: {error}", language.name);
                counts.failed += 1;
            }
        }
    }
    Ok(counts)
}

/// The pages that have snippets: the book, and the page before it.
fn pages(places: &Places) -> Result<Vec<PathBuf>> {
    let mut pages = places::files_below(&places.root.join("docs"))?;
    pages.retain(|page| page.extension().is_some_and(|ending| ending == "md"));
    pages.push(places.root.join("README.md"));
    Ok(pages)
}

impl Language {
    fn snippets(&self, places: &Places) -> Result<Vec<Snippet>> {
        let mut snippets = Vec::new();
        for file in pages(places)? {
            let page = file.strip_prefix(&places.root).unwrap_or(&file).display().to_string();
            let text = read(&file)?;
            for fence in fences(&text).into_iter().filter(|fence| fence.kind == self.fence) {
                match fence.scope {
                    Some(scope) => {
                        let folder = ours(places, self.fence).join("scopes");
                        let around = read(&folder.join(format!("{scope}.{}", self.ending)))?;
                        snippets.push(self.snippet(&page, &fence, &around));
                    }
                    None if page == WHOLE_PROGRAMS => {}
                    None => {
                        return Err(Error::Broken(format!(
                            "{page}:{}: the block names no scope",
                            fence.line
                        )));
                    }
                }
            }
        }
        Ok(snippets)
    }

    fn snippet(&self, page: &str, fence: &Fence<'_>, around: &str) -> Snippet {
        let place = format!("{page}:{}", fence.line);
        let name: String = place
            .chars()
            .map(|sign| if sign.is_alphanumeric() { sign.to_ascii_lowercase() } else { '_' })
            .collect();
        let text = fence.text.replace(ADDRESS, self.address);
        let code = around.replace(NAME, &name).replace(PLACE, text.trim_end());
        Snippet { place, name, code, runs: around.contains(self.runs) }
    }
}

fn ours(places: &Places, language: &str) -> PathBuf {
    places.root.join("tests/guide").join(language)
}

/// Lays a program out in a folder of its own: what is committed, and each snippet as a file.
fn lay_out(
    places: &Places,
    snippets: &[Snippet],
    language: &str,
    ending: &str,
    sources: &str,
) -> Result<PathBuf> {
    let folder = places.target.join("guide/snippets").join(language);
    let theirs = folder.join(sources);
    places::fresh_folder(&theirs)?;
    let ours = ours(places, language);
    for file in places::files_below(&ours)? {
        let name = file.strip_prefix(&ours).unwrap_or(&file);
        if !name.starts_with("scopes") {
            package::copy(&file, &folder.join(name))?;
        }
    }
    for snippet in snippets {
        write(&theirs.join(format!("{}.{ending}", snippet.name)), &snippet.code)?;
    }
    Ok(folder)
}

/// One line for each snippet that runs.
fn list(snippets: &[Snippet], line: impl Fn(&Snippet) -> String) -> String {
    snippets.iter().filter(|snippet| snippet.runs).map(line).collect()
}

fn kotlin(places: &Places, snippets: &[Snippet], run: Runner<'_>) -> Result<()> {
    let folder = lay_out(places, snippets, "kotlin", "kt", "src")?;
    let sources = folder.join("src");
    let library = places.root.join("bindings/kotlin/src/test/kotlin/dev/ringback/Centre.kt");
    package::copy(&library, &sources.join("Centre.kt"))?;
    // What Android's notifications need of the library beside.
    let android = places.root.join("bindings/kotlin-android/src/main/kotlin/dev/ringback/android");
    for file in ["NotificationTap.kt", "NotificationWords.kt", "RingbackNotifications.kt"] {
        package::copy(&android.join(file), &sources.join(file))?;
    }
    let all = list(snippets, |snippet| {
        format!(
            "    {:?} to {{ centre, folder -> guide.{}.play(centre, folder) }},\n",
            snippet.place, snippet.name
        )
    });
    write(
        &sources.join("All.kt"),
        &format!("package guide\n\ninternal val snippets = listOf<Pair<String, Play>>(\n{all})\n"),
    )?;
    let mut maven = kotlin::maven(&folder)?;
    maven.args(["--quiet", "compile", "exec:java"]).env("RINGBACK_PACKAGES", package::folder(places));
    run(maven.env("RINGBACK_BIN", places.debug().join("ringback")))
}

fn swift(places: &Places, snippets: &[Snippet], run: Runner<'_>) -> Result<()> {
    let folder = lay_out(places, snippets, "swift", "swift", "Sources")?;
    let tests = places.root.join("bindings/swift/Tests/RingbackTests");
    for file in ["Centre.swift", "Fixtures.swift"] {
        package::copy(&tests.join(file), &folder.join("Sources").join(file))?;
    }
    let all = list(snippets, |snippet| format!("    ({:?}, {}.play),\n", snippet.place, snippet.name));
    write(&folder.join("Sources/All.swift"), &format!("let snippets: [(String, Play)] = [\n{all}]\n"))?;
    let mut command = swift::program(places, "swift", &folder)?;
    // What the guide's app has built of the package need not be built again.
    command.arg("run").arg("--scratch-path").arg(places.target.join("guide/Swift/.build"));
    command.env("RINGBACK_PACKAGES", package::folder(places));
    run(command.env("RINGBACK_BIN", places.debug().join("ringback")))
}

fn rust(places: &Places, snippets: &[Snippet], run: Runner<'_>) -> Result<()> {
    let folder = places.target.join("guide/snippets/rust");
    places::fresh_folder(&folder)?;
    let mut text: String =
        snippets.iter().map(|snippet| format!("// {}\n{}\n", snippet.place, snippet.code)).collect();
    let all = list(snippets, |snippet| {
        format!(
            "    tell({:?}, async |centre, folder| {}::play(centre, folder).await).await?;\n",
            snippet.place, snippet.name
        )
    });
    text.push_str(&format!("pub(crate) async fn play_all() -> Outcome {{\n{all}    Ok(())\n}}\n"));
    let file = folder.join("snippets.rs");
    write(&file, &text)?;
    let mut command = cargo();
    command.args([
        "run",
        "--quiet",
        "--package",
        "ringback-e2e",
        "--example",
        "guide",
        "--features",
        "guide",
    ]);
    command.env("RINGBACK_GUIDE", &file).env("RINGBACK_BIN", places.debug().join("ringback"));
    run(command.current_dir(&places.root))
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).map_err(Error::file(file))
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).map_err(Error::file(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_are_found_with_their_lines_and_scopes() {
        let page = "# A\n\n```kotlin,scope=ask\nfirst\n```\n\n```sh\na\n\nb\n```\n";
        let kotlin = Fence { line: 4, kind: "kotlin", scope: Some("ask"), text: "first\n" };
        assert_eq!(fences(page), [kotlin, Fence { line: 8, kind: "sh", scope: None, text: "a\n\nb\n" }]);
        assert_eq!(fences("```text\nno end\n")[0].text, "no end\n");
    }

    #[test]
    fn code_that_nothing_checks_is_found() {
        let faults = |page: &str, text: &str| unchecked(page, text).is_some();
        assert!(faults("docs/a.md", "```kotlin\nval a = 1\n```\n"), "no surroundings are named");
        assert!(!faults(WHOLE_PROGRAMS, "```kotlin\nfun main() {}\n```\n"));
        assert!(faults("docs/a.md", "```java\nint a;\n```\n"));
        assert!(faults("docs/a.md", "```\nint a;\n```\n"));
        assert!(faults("docs/a.md", "Type:\n\n    ringback serve\n"));
        assert!(!faults("docs/a.md", "```sh\n    indented in a fence\n```\n\n- an item\n    goes on\n"));
    }

    #[test]
    fn a_snippet_stands_where_its_surroundings_say() {
        let text = "Ringback(\"https://calls.example.com\")\n";
        let fence = Fence { line: 7, kind: "kotlin", scope: Some("app"), text };
        let around = "package guide.SNIPPET\nfun play(centre: Centre) {\n// the snippet\n}\n";
        let snippet = LANGUAGES[0].snippet("docs/a.md", &fence, around);
        assert_eq!((snippet.place.as_str(), snippet.name.as_str()), ("docs/a.md:7", "docs_a_md_7"));
        assert_eq!(
            snippet.code,
            "package guide.docs_a_md_7\nfun play(centre: Centre) {\nRingback(centre.url)\n}\n"
        );
        assert!(snippet.runs);
    }
}
