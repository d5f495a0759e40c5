//! A shell in a pseudo-terminal, and what stands on its screen.

use crate::{Failure, picture};
use anstyle::{AnsiColor, Style};
use pty_process::{Command, OwnedReadPty, OwnedWritePty, Size};
use ringback_e2e::{Centre, LIMIT};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;

/// So many that nothing scrolls away.
const ROWS: NonZeroU16 = NonZeroU16::new(200).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(100).unwrap();
/// What terminals call the end of a command, with its exit code, and the end of a prompt (OSC 133).
const ENDED: &str = "\u{1b}]133;D;";
const PROMPTED: &str = "\u{1b}]133;B\u{7}";

pub(crate) struct Terminal {
    name: &'static str,
    prompt: String,
    read: OwnedReadPty,
    write: OwnedWritePty,
    screen: vt100::Parser,
    /// What came since the last prompt.
    unseen: String,
    /// Ends with this value.
    _shell: Child,
}

impl Terminal {
    /// Opens one with the keys of this centre in its environment, and waits for the prompt.
    pub(crate) async fn open(name: &'static str, centre: &Centre) -> Result<Self, Failure> {
        let home = centre.folder().join(name);
        std::fs::create_dir_all(&home)?;
        let (pty, pts) = pty_process::open()?;
        pty.resize(Size::new(ROWS.get(), COLUMNS.get()))?;
        let shell = Command::new("bash")
            .args(["--norc", "--noprofile", "--noediting", "-i"])
            .current_dir(&home)
            .env_clear()
            .env("HOME", &home)
            .env("PATH", path()?)
            .env("PS1", format!("\\[\\e[1m\\]{name}$\\[\\e[0m\\] \\[\\e]133;B\\a\\]"))
            .env("PROMPT_COMMAND", "printf '\\033]133;D;%d\\007' $?")
            .env("TERM", "xterm-256color")
            .env("LANG", "C.UTF-8")
            .env("TZ", "Europe/Berlin")
            .env("RINGBACK_URL", &centre.url)
            .env("RINGBACK_APP_KEY", &centre.app_key)
            .env("RINGBACK_STAFF_KEY", &centre.staff_key)
            .kill_on_drop(true)
            .spawn(pts)?;
        let (read, write) = pty.into_split();
        let mut terminal = Self {
            name,
            prompt: format!("{name}$"),
            read,
            write,
            screen: vt100::Parser::new(ROWS, COLUMNS, 0),
            unseen: String::new(),
            _shell: shell,
        };
        terminal.finish().await?;
        Ok(terminal)
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Types a command and waits for its end, which must be a good one.
    pub(crate) async fn run(&mut self, command: &str) -> Result<(), Failure> {
        self.start(command).await?;
        self.finish().await
    }

    /// Types a command.
    pub(crate) async fn start(&mut self, command: &str) -> Result<(), Failure> {
        Ok(self.write.write_all(format!("{command}\n").as_bytes()).await?)
    }

    /// Waits until this stands on the screen.
    pub(crate) async fn shows(&mut self, text: &str) -> Result<(), Failure> {
        self.until(&format!("{text:?} on the screen"), |terminal| {
            terminal.screen.screen().contents().contains(text)
        })
        .await
    }

    /// Waits for the end of what was started.
    pub(crate) async fn finish(&mut self) -> Result<(), Failure> {
        self.until("the prompt", |terminal| terminal.unseen.contains(PROMPTED)).await?;
        let unseen = std::mem::take(&mut self.unseen);
        let exit_code = unseen.rsplit_once(ENDED).and_then(|(_, rest)| rest.split_once('\u{7}'));
        match exit_code {
            Some(("0", _)) => Ok(()),
            _ => Err(format!("a command of the {} failed:\n{}", self.name, self.text()).into()),
        }
    }

    async fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) -> Result<(), Failure> {
        let reading = async {
            let mut bytes = [0; 4096];
            while !is_so(self) {
                let count = self.read.read(&mut bytes).await?;
                self.screen.process(&bytes[..count]);
                self.unseen.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
            Ok(())
        };
        match tokio::time::timeout(LIMIT, reading).await {
            Ok(read) => read,
            Err(_) => Err(format!("the {} waits for {what} in vain:\n{}", self.name, self.text()).into()),
        }
    }

    /// What stands on the screen, without the last prompt.
    pub(crate) fn text(&self) -> String {
        let text = self.screen.screen().rows(0, COLUMNS.get()).map(|row| row.trim_end().to_owned());
        let text = text.collect::<Vec<_>>().join("\n");
        text.trim_end().trim_end_matches(&self.prompt).trim_end().to_owned()
    }

    /// The same with its colours, as escape sequences.
    pub(crate) fn styled(&self) -> String {
        let (screen, mut styled) = (self.screen.screen(), String::new());
        for row in 0..u16::try_from(self.text().lines().count()).unwrap_or(ROWS.get()) {
            let (mut line, mut last) = (String::new(), Style::new());
            for column in 0..COLUMNS.get() {
                let Some(cell) = screen.cell(row, column) else { continue };
                let style = style(cell);
                if style != last {
                    line.push_str(&format!("{last:#}{style}"));
                    last = style;
                }
                line.push_str(if cell.has_contents() { cell.contents() } else { " " });
            }
            line.push_str(&format!("{last:#}"));
            styled.push_str(line.trim_end());
            styled.push('\n');
        }
        styled
    }
}

fn style(cell: &vt100::Cell) -> Style {
    let mut style = Style::new();
    if let vt100::Color::Idx(index) = cell.fgcolor() {
        style = style.fg_color(named(index).map(Into::into));
    }
    if cell.bold() {
        style = style.bold();
    }
    if cell.dim() {
        style = style.fg_color(Some(picture::DIM.into()));
    }
    style
}

/// The colours that every terminal has.
fn named(index: u8) -> Option<AnsiColor> {
    use AnsiColor::*;
    let all = [
        Black,
        Red,
        Green,
        Yellow,
        Blue,
        Magenta,
        Cyan,
        White,
        BrightBlack,
        BrightRed,
        BrightGreen,
        BrightYellow,
        BrightBlue,
        BrightMagenta,
        BrightCyan,
        BrightWhite,
    ];
    all.get(usize::from(index)).copied()
}

/// The folder of the `ringback` that is tried, before everything else.
fn path() -> Result<String, Failure> {
    let program = std::env::var_os("RINGBACK_BIN")
        .map_or_else(std::env::current_exe, |path| Ok(PathBuf::from(path)))?;
    let folder = program.parent().unwrap_or(Path::new("."));
    Ok(format!("{}:{}", folder.display(), std::env::var("PATH")?))
}
