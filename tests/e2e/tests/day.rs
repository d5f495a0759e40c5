//! `docs/day.md`, run as it stands there: every block in order, in one shell.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

/// The contents of the document's `sh` blocks.
fn blocks(document: &str) -> Vec<&str> {
    let parts = document.split("```sh\n").skip(1);
    parts.filter_map(|part| part.split_once("\n```").map(|(block, _)| block)).collect()
}

#[test]
fn every_command_of_the_day_works() -> Result<(), Box<dyn std::error::Error>> {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/day.md"))?;
    let blocks = blocks(&document);
    assert!(blocks.len() > 10, "the document has lost its commands");
    // The page names the usual port; here it is one that is free.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let script = format!("set -e -o pipefail\n{}\n", blocks.join("\n"))
        .replace("127.0.0.1:8080", &format!("127.0.0.1:{port}"))
        .replace("ringback serve ", &format!("ringback serve --listen 127.0.0.1:{port} "));
    let ringback = std::env::var("RINGBACK_BIN")?;
    let programs = Path::new(&ringback).parent().ok_or("RINGBACK_BIN is not a path")?;
    let folder = tempfile::tempdir()?;
    let path = format!("{}:{}", programs.display(), std::env::var("PATH")?);
    let run = Command::new("bash")
        .args(["-x", "-c", &script])
        .current_dir(folder.path())
        .env("PATH", path)
        .env_remove("RINGBACK_CONFIG")
        .output()?;
    let said = [run.stdout, run.stderr].concat();
    assert!(run.status.success(), "the day did not end well:\n{}", String::from_utf8_lossy(&said));
    Ok(())
}
