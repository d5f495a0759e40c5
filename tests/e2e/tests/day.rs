//! The commands of pages, run as they stand there: every block in order, in one shell.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

type Failure = Box<dyn std::error::Error>;

/// The contents of the document's `sh` blocks.
fn blocks(document: &str) -> Vec<&str> {
    let parts = document.split("```sh\n").skip(1);
    parts.filter_map(|part| part.split_once("\n```").map(|(block, _)| block)).collect()
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
        .output()?;
    let said = [&run.stdout[..], &run.stderr[..]].concat();
    assert!(run.status.success(), "it did not end well:\n{}", String::from_utf8_lossy(&said));
    Ok(String::from_utf8_lossy(&run.stdout).into_owned())
}

#[test]
fn every_command_of_the_day_works() -> Result<(), Failure> {
    let document = std::fs::read_to_string(checkout().join("docs/day.md"))?;
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
