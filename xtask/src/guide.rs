//! The guide's programs: taken out of its text, compiled and run against a real server.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{
    counts::Counts,
    error::{Error, Result},
    package,
    places::{self, Places},
    process,
    shipped::Runner,
    snippets, swift,
};

const PAGE: &str = snippets::WHOLE_PROGRAMS;
/// The most lines from nothing to an accepted callback, empty ones left out.
const MOST_LINES: usize = 15;

/// A chapter's app: its files, and what is typed to run it.
#[derive(Debug, PartialEq, Eq)]
struct App<'a> {
    language: &'a str,
    files: Vec<(&'a str, &'a str)>,
    command: &'a str,
}

/// The book and each app of it. The packages have to be there, and the programs of the tests.
pub(crate) fn check(places: &Places, run: Runner<'_>) -> Result<Counts> {
    let page = places.root.join(PAGE);
    let text = fs::read_to_string(&page).map_err(Error::file(&page))?;
    let apps = apps(&text);
    let languages: Vec<&str> = apps.iter().map(|app| app.language).collect();
    if languages != ["Kotlin", "Swift", "Rust"] {
        return Err(Error::Broken(format!("{PAGE} has no app for each language, but for {languages:?}")));
    }
    forget_packages()?;
    let mut counts = Counts::default();
    match check_book(places) {
        Ok(()) => counts.passed += 1,
        Err(error) => {
            println!("    FAILED  {error}");
            counts.failed += 1;
        }
    }
    for app in &apps {
        match app.check(places, run) {
            Ok(()) => counts.passed += 1,
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(error) => {
                println!("    FAILED  the guide's app in {}: {error}", app.language);
                counts.failed += 1;
            }
        }
    }
    counts += snippets::check(places, run)?;
    Ok(counts)
}

/// Maven keeps what it once fetched under a version, and ours is made anew under the same.
fn forget_packages() -> Result<()> {
    let Some(home) = std::env::home_dir() else { return Ok(()) };
    let kept = home.join(".m2/repository/dev/ringback");
    if kept.exists() { fs::remove_dir_all(&kept).map_err(Error::file(&kept)) } else { Ok(()) }
}

/// A fence after a line that is nothing but a file's name is that file; one of `sh` is what is typed.
fn apps(page: &str) -> Vec<App<'_>> {
    page.split("\n## ").skip(1).filter_map(app).collect()
}

fn app(chapter: &str) -> Option<App<'_>> {
    let language = chapter.lines().next()?;
    let (mut files, mut command) = (Vec::new(), None);
    let mut rest = chapter;
    while let Some((before, after)) = rest.split_once("\n```") {
        let (kind, after) = after.split_once('\n')?;
        let end = after.find("\n```")? + 1;
        let (content, after) = (after.get(..end)?, after.get(end..)?);
        let caption = before.lines().rfind(|line| !line.is_empty()).unwrap_or_default();
        let name = caption.strip_prefix('`').and_then(|name| name.strip_suffix("`:"));
        match (kind, name) {
            ("sh", _) => command = Some(content.trim()),
            (_, Some(name)) => files.push((name, content)),
            _ => {}
        }
        rest = after.get("```".len()..)?;
    }
    Some(App { language, files, command: command? })
}

impl App<'_> {
    fn check(&self, places: &Places, run: Runner<'_>) -> Result<()> {
        let (name, program) = self.files.last().ok_or_else(|| Error::Broken("it has no file".to_owned()))?;
        let lines = program.lines().filter(|line| !line.trim().is_empty()).count();
        if lines > MOST_LINES {
            return Err(Error::Broken(format!("{name} has {lines} lines: more than {MOST_LINES}")));
        }
        let folder = self.lay_out(places)?;
        let server = Server::start(places)?;
        let mut command = if self.language == "Swift" {
            swift::program(places, "sh", &folder)?
        } else {
            let mut shell = Command::new("sh");
            shell.current_dir(&folder);
            shell
        };
        command.args(["-e", "-c", self.command]);
        command.env("RINGBACK_PACKAGES", package::folder(places)).env("RINGBACK_CHECKOUT", &places.root);
        command.env("RINGBACK_URL", server.fact("url")?).env("RINGBACK_APP_KEY", server.fact("app_key")?);
        run(&mut command)?;
        let waiting = server.ask("/v1/staff/callbacks?state=queued")?;
        match waiting.as_array().map(Vec::as_slice) {
            Some([callback]) if callback["service"] == "billing" => Ok(()),
            _ => Err(Error::Broken("the server has not accepted exactly one callback".to_owned())),
        }
    }

    /// The folder in which the app runs, and is built unless the same text is committed: so it is in Rust.
    fn lay_out(&self, places: &Places) -> Result<PathBuf> {
        if self.language == "Rust" {
            for (name, content) in &self.files {
                let file = places.root.join(name);
                if fs::read_to_string(&file).map_err(Error::file(&file))? != *content {
                    return Err(Error::Broken(format!("{name} is not what {PAGE} says")));
                }
            }
        }
        let folder = places.target.join("guide").join(self.language);
        places::make_folder(&folder)?;
        // What an earlier app kept, a request in its outbox too, is not this one's.
        places::fresh_folder(&folder.join("ringback-data"))?;
        // In Rust the app is the committed file.
        let files = if self.language == "Rust" { &[] } else { self.files.as_slice() };
        for (name, content) in files {
            let file = folder.join(name);
            places::make_folder(file.parent().unwrap_or(&folder))?;
            fs::write(&file, content).map_err(Error::file(&file))?;
        }
        Ok(folder)
    }
}

/// `ringback-centre`, a contact centre of its own. It ends when its input does.
struct Server {
    process: Child,
    facts: Value,
}

impl Server {
    fn start(places: &Places) -> Result<Self> {
        let program = places.debug().join("ringback-centre");
        let start = |source| Error::Start { program: program.display().to_string(), source };
        let mut command = Command::new(&program);
        command.env("RINGBACK_BIN", places.debug().join("ringback"));
        process::log_to(&mut command, &places.logs().join("guide-centre.log"))?;
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(start)?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut line).map_err(start)?;
        }
        let facts = serde_json::from_str(&line)
            .map_err(|_| Error::Broken("the centre has not told where it is".to_owned()))?;
        Ok(Self { process, facts })
    }

    fn fact(&self, name: &str) -> Result<&str> {
        self.facts[name].as_str().ok_or_else(|| Error::Broken(format!("the centre has not told its {name}")))
    }

    /// One request of the staff API.
    fn ask(&self, path: &str) -> Result<Value> {
        let broken = |error: &dyn std::fmt::Display| Error::Broken(format!("{path}: {error}"));
        let host = self.fact("url")?.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).map_err(|error| broken(&error))?;
        let key = self.fact("staff_key")?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n\r\n");
        stream.write_all(request.as_bytes()).map_err(|error| broken(&error))?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(|error| broken(&error))?;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        serde_json::from_str(body).map_err(|error| broken(&error))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Every page that the book lists is there, and every page that is there is listed.
fn check_book(places: &Places) -> Result<()> {
    let docs = places.root.join("docs");
    let book = fs::canonicalize(&docs).map_err(Error::file(&docs))?;
    let summary =
        fs::read_to_string(docs.join("SUMMARY.md")).map_err(Error::file(&docs.join("SUMMARY.md")))?;
    let listed: Vec<&str> = links(&summary).collect();
    for page in places::files_below(&docs)? {
        let name = page.strip_prefix(&docs).unwrap_or(&page).display().to_string();
        let is_page = name.ends_with(".md") && name != "SUMMARY.md";
        if is_page && !listed.contains(&name.as_str()) {
            return Err(Error::Broken(format!("docs/SUMMARY.md does not list {name}")));
        }
        if is_page || name == "SUMMARY.md" {
            check_links(&page, &book)?;
            let text = fs::read_to_string(&page).map_err(Error::file(&page))?;
            if let Some(fault) = snippets::unchecked(&format!("docs/{name}"), &text) {
                return Err(Error::Broken(fault));
            }
        }
    }
    Ok(())
}

/// Links to other pages and files lead somewhere, and not out of the book.
fn check_links(page: &Path, book: &Path) -> Result<()> {
    let text = fs::read_to_string(page).map_err(Error::file(page))?;
    let folder = page.parent().unwrap_or(page);
    for link in links(&text).filter(|link| !link.contains("://") && !link.starts_with('#')) {
        let target = folder.join(link.split('#').next().unwrap_or(link));
        let fault = match fs::canonicalize(&target) {
            Ok(found) if found.starts_with(book) => continue,
            Ok(_) => "leads out of the book",
            Err(_) => "leads nowhere",
        };
        return Err(Error::Broken(format!("{}: {link} {fault}", page.display())));
    }
    Ok(())
}

/// What follows `](`, as far as the next `)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A page\n\n## Kotlin\n\n`pom.xml`:\n\n```xml\n<project/>\n```\n\n`src/Main.kt`:\n\n\
                        ```kotlin\nfun main() {}\n\n```\n\n```sh\nmvn\n```\n\n## Words\n\nnone\n";

    #[test]
    fn a_chapter_with_something_to_type_is_an_app_with_its_files_as_they_stand() {
        let files = vec![("pom.xml", "<project/>\n"), ("src/Main.kt", "fun main() {}\n\n")];
        assert_eq!(apps(TEXT), [App { language: "Kotlin", files, command: "mvn" }]);
    }

    #[test]
    fn links_are_found() {
        assert_eq!(links("a [b](c.md) and [d](e.md#f)").collect::<Vec<_>>(), ["c.md", "e.md#f"]);
    }
}
