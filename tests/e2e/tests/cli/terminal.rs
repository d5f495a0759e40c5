//! What a terminal gets: colours unless they are not wanted, and lines that fit; and the recorded session.

use crate::tool::{Tool, number};
use crate::{Failure, Outcome};
use std::process::Command;
use tokio::io::AsyncReadExt;

/// What the program prints on a terminal of so many columns, with all that it needs to know.
async fn on_terminal(
    tool: &Tool,
    columns: u16,
    no_color: bool,
    arguments: &[&str],
) -> Result<String, Failure> {
    let wanted = tool.command(arguments)?;
    let mut command = pty_process::Command::new(wanted.as_std().get_program());
    command = command.args(wanted.as_std().get_args()).env_remove("NO_COLOR");
    for (name, value) in wanted.as_std().get_envs() {
        command = command.env(name, value.unwrap_or_default());
    }
    if no_color {
        command = command.env("NO_COLOR", "1");
    }
    printed(command, columns).await
}

/// The same without a server, and without colours.
pub(crate) async fn shown(arguments: &[&str], columns: u16) -> Result<String, Failure> {
    let command = pty_process::Command::new(ringback_e2e::binary()?).args(arguments);
    printed(command.env("NO_COLOR", "1").env_remove("COLUMNS"), columns).await
}

async fn printed(command: pty_process::Command, columns: u16) -> Result<String, Failure> {
    let (mut pty, pts) = pty_process::open()?;
    pty.resize(pty_process::Size::new(24, columns))?;
    let command = command.env("TERM", "xterm-256color");
    let mut child = command.spawn(pts)?;
    let mut printed = Vec::new();
    // A terminal whose other side is gone ends with an error, not with an end of file.
    let _ = pty.read_to_end(&mut printed).await;
    assert!(child.wait().await?.success());
    Ok(String::from_utf8(printed)?)
}

#[tokio::test]
async fn colours_and_widths_are_the_terminals() -> Outcome {
    let tool = Tool::start().await?;
    let id = tool.run(&["call", "request", "billing", &number(11), "-q"]).await?.id()?;
    let coloured = on_terminal(&tool, 120, false, &["call", "list"]).await?;
    assert!(coloured.contains("\u{1b}["), "{coloured:?}");
    let plain = on_terminal(&tool, 64, true, &["call", "list"]).await?;
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    assert!(plain.lines().all(|line| line.chars().count() <= 64), "{plain}");
    assert!(plain.contains(&id), "an id is never broken: {plain}");
    assert_eq!(on_terminal(&tool, 64, false, &["call", "list", "-q"]).await?.trim_end(), id);
    Ok(())
}

#[test]
fn the_recorded_session_is_as_the_commands_print_it() -> Outcome {
    let session = Command::new(env!("CARGO_BIN_EXE_ringback-session"))
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .arg("--check")
        .env("RINGBACK_BIN", ringback_e2e::binary()?)
        .output()?;
    assert!(session.status.success(), "{}", String::from_utf8_lossy(&session.stderr));
    Ok(())
}
