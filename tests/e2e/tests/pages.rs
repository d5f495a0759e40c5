//! The commands of pages, run as they stand there: every block in order, in one shell. And their JSON, which is that of the
//! server.

use ringback_core::protocol::{Callback, EventKind, Timestamp};
use ringback_server::webhooks::message::{LoggedEvent, body, event_type};
use serde_json::Value;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

type Failure = Box<dyn std::error::Error>;

/// Pages of the book with commands: `cargo xtask test guide` runs those of the first, the tests below the others.
const PAGES_WITH_COMMANDS: [&str; 4] = ["first-call.md", "cli.md", "day.md", "webhooks.md"];
/// Pages of the book with JSON: `cli/exit_codes.rs` reads that of the first, a test below that of the other.
const PAGES_WITH_JSON: [&str; 2] = ["cli.md", "webhooks.md"];

/// A running server for the demo's centre, as a page takes it for granted.
const SERVER: &str = "\
ringback admin apply centre.toml
export RINGBACK_APP_KEY=$(ringback admin key create-app phone)
ringback serve 2> server.log &
until curl --silent --fail $RINGBACK_URL/readyz; do sleep 0.1; done
";

/// The contents of the document's `sh` blocks.
fn blocks(document: &str) -> Vec<&str> {
    fenced(document, "sh")
}

fn fenced<'a>(document: &'a str, kind: &str) -> Vec<&'a str> {
    let opening = format!("```{kind}\n");
    let parts = document.split(opening.as_str()).skip(1);
    parts.filter_map(|part| part.split_once("\n```").map(|(block, _)| block)).collect()
}

fn page(name: &str) -> Result<String, Failure> {
    Ok(std::fs::read_to_string(checkout().join("docs").join(name))?)
}

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs a script in a folder, with the server on a port that is free in place of the usual one. Gives what it printed.
fn run(script: &str, folder: &Path) -> Result<String, Failure> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    // A server left behind would keep its output open, and whoever reads it waiting.
    let script = format!("set -e -o pipefail\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n{script}\n")
        .replace("127.0.0.1:8080", &format!("127.0.0.1:{port}"))
        .replace("ringback serve ", &format!("ringback serve --listen 127.0.0.1:{port} "));
    let ringback = ringback_e2e::binary()?;
    let programs = ringback.parent().ok_or("the program is in no folder")?;
    let run = Command::new("bash")
        .args(["-x", "-c", &script])
        .current_dir(folder)
        .env("PATH", format!("{}:{}", programs.display(), std::env::var("PATH")?))
        .env("RINGBACK_URL", format!("http://127.0.0.1:{port}"))
        .env_remove("RINGBACK_CONFIG")
        // Where a page puts something into a home folder.
        .env("HOME", folder)
        .output()?;
    let said = [&run.stdout[..], &run.stderr[..]].concat();
    assert!(run.status.success(), "it did not end well:\n{}", String::from_utf8_lossy(&said));
    Ok(String::from_utf8_lossy(&run.stdout).into_owned())
}

#[test]
fn every_command_of_the_day_works() -> Result<(), Failure> {
    let document = page("day.md")?;
    let blocks = blocks(&document);
    assert!(blocks.len() > 10, "the document has lost its commands");
    run(&blocks.join("\n"), tempfile::tempdir()?.path())?;
    Ok(())
}

#[test]
fn every_command_of_the_readme_works() -> Result<(), Failure> {
    let document = std::fs::read_to_string(checkout().join("README.md"))?;
    let blocks = blocks(&document);
    let [block] = blocks[..] else { return Err("the README has one block of commands".into()) };
    // What is built already need not be built, and the path is that of what is tested.
    let (building, commands) = block.split_once("mkdir demo").ok_or("the README makes no folder")?;
    assert_eq!(building.lines().count(), 2, "{building}");
    let folder = tempfile::tempdir()?;
    let centre = folder.path().join("tests/e2e");
    std::fs::create_dir_all(&centre)?;
    std::fs::copy(checkout().join("tests/e2e/centre.toml"), centre.join("centre.toml"))?;
    let said = run(&format!("mkdir demo{commands}"), folder.path())?;
    assert!(said.contains("completed, handled"), "{said}");
    Ok(())
}

#[test]
fn every_command_of_the_command_line_page_works() -> Result<(), Failure> {
    let document = page("cli.md")?;
    let folder = tempfile::tempdir()?;
    std::fs::copy(checkout().join("tests/e2e/centre.toml"), folder.path().join("centre.toml"))?;
    let said = run(&format!("{SERVER}{}", blocks(&document).join("\n")), folder.path())?;
    assert!(said.contains("cancelled_by_customer"), "the page's callback is cancelled: {said}");
    Ok(())
}

#[test]
fn every_command_of_the_webhooks_page_works() -> Result<(), Failure> {
    let said = run(&blocks(&page("webhooks.md")?).join("\n"), tempfile::tempdir()?.path())?;
    assert_eq!(said.matches("whsec_").count(), 2, "the first secret and the one after it: {said}");
    Ok(())
}

/// The page shows what the server writes, to the letter.
#[test]
fn the_webhook_of_its_page_is_one() -> Result<(), Failure> {
    let document = page("webhooks.md")?;
    let [shown] = fenced(&document, "json")[..] else { return Err("the page shows one webhook".into()) };
    let shown: Value = serde_json::from_str(shown)?;
    let data = &shown["data"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let callback: Callback = serde_json::from_value(data["callback"].clone())?;
    let event = LoggedEvent {
        installation_id: text(&data["installation_id"]),
        seq: data["seq"].as_u64().ok_or("no seq")?,
        actor: text(&data["actor"]),
        at: text(&shown["timestamp"]).parse::<Timestamp>()?,
        snapshot: serde_json::to_string(&callback)?,
    };
    let written = body(&event_type(EventKind::Completed)?, &event)?;
    assert_eq!(serde_json::from_str::<Value>(&written)?, shown);
    Ok(())
}

#[test]
fn no_page_has_commands_or_json_that_nobody_tries() -> Result<(), Failure> {
    for entry in std::fs::read_dir(checkout().join("docs"))?
        .chain(std::fs::read_dir(checkout().join("docs/decisions"))?)
    {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|name| name.ends_with(".md"))
        else {
            continue;
        };
        let text = std::fs::read_to_string(&path)?;
        for (kind, known) in [("```sh", &PAGES_WITH_COMMANDS[..]), ("```json", &PAGES_WITH_JSON)] {
            assert_eq!(text.contains(kind), known.contains(&name), "{name}: {kind}");
        }
    }
    Ok(())
}
