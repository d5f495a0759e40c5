//! Running other programs so that none outlives us.
//!
//! Each child leads a process group of its own. When it ends, what is left of its group is killed; on Ctrl-C
//! (or SIGTERM, SIGHUP) every group is ended and the waiting code sees [`Error::Interrupted`], so that its own
//! clean-up runs.

use std::{
    fs::{self, File},
    io,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use signal_hook::{consts::TERM_SIGNALS, consts::signal::SIGHUP, iterator::Signals};

use crate::error::{Error, Result};

/// How long a child may take to end after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(5);
/// No single step takes this long unless it hangs; CI would otherwise end without a word.
const LIMIT: Duration = Duration::from_secs(45 * 60);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static GROUPS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

fn groups() -> MutexGuard<'static, Vec<Pid>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From here on, a signal that asks us to end ends the children first.
pub(crate) fn watch_signals() -> Result<()> {
    let mut signals = Signals::new(TERM_SIGNALS.iter().copied().chain([SIGHUP]))
        .map_err(|source| Error::Start { program: "the signal handler".to_owned(), source })?;
    thread::spawn(move || {
        for _ in signals.forever() {
            INTERRUPTED.store(true, Ordering::SeqCst);
            end_groups(Signal::TERM);
            thread::sleep(GRACE);
            end_groups(Signal::KILL);
        }
    });
    Ok(())
}

/// An error once a signal has come.
pub(crate) fn check_interrupted() -> Result<()> {
    if INTERRUPTED.load(Ordering::SeqCst) { Err(Error::Interrupted) } else { Ok(()) }
}

fn end_groups(signal: Signal) {
    for &group in groups().iter() {
        // It may have ended meanwhile.
        let _ = kill_process_group(group, signal);
    }
}

/// Runs to the end and answers with the exit status.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    check_interrupted()?;
    let program = words(command);
    let mut child = command
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|source| Error::Start { program: program.clone(), source })?;
    let status = wait(&mut child).map_err(|source| Error::Start { program, source })?;
    check_interrupted()?;
    Ok(status)
}

/// Runs to the end; a failure is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if status.success() { Ok(()) } else { Err(Error::Failed { command: words(command), status }) }
}

/// Like [`run`], with all output appended to a log file.
pub(crate) fn run_logged(command: &mut Command, log: &Path) -> Result<()> {
    log_to(command, log)?;
    run(command)
}

/// Sends what a command will print to the end of a file.
pub(crate) fn log_to(command: &mut Command, log: &Path) -> Result<()> {
    let open = || File::options().create(true).append(true).open(log).map_err(Error::file(log));
    command.stdout(open()?).stderr(open()?);
    Ok(())
}

/// Runs a short command and returns what it printed; its errors go to the terminal.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| Error::Start { program: words(command), source })?;
    if !output.status.success() {
        return Err(Error::Failed { command: words(command), status: output.status });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Becomes the command: returns only if that could not be done.
pub(crate) fn become_command(command: &mut Command) -> Error {
    let source = command.exec();
    Error::Start { program: words(command), source }
}

/// Tries up to three times: downloads stall.
pub(crate) fn retry<T>(what: &str, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
    const ATTEMPTS: usize = 3;
    for number in 1..ATTEMPTS {
        match attempt() {
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(error) => println!("    {what}: attempt {number} of {ATTEMPTS} failed: {error}"),
            done => return done,
        }
    }
    attempt()
}

/// The last lines of a log, for a reader who wants to know why.
pub(crate) fn last_lines(log: &Path, count: usize) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

fn wait(child: &mut Child) -> io::Result<ExitStatus> {
    let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        return child.wait();
    };
    groups().push(group);
    let (ended, watch) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        if watch.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("no end after {} minutes: killed", LIMIT.as_secs() / 60);
            let _ = kill_process_group(group, Signal::KILL);
        }
    });
    // Look before reaping: until the leader is reaped its number cannot belong to another group.
    let looked = loop {
        match waitid(WaitId::Pid(group), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other,
        }
    };
    drop(ended);
    let _ = watchdog.join();
    let _ = kill_process_group(group, Signal::KILL);
    groups().retain(|&other| other != group);
    looked?;
    child.wait()
}

/// The command, for a message: without the program's folder, and not endless.
fn words(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut words = vec![program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    let mut text = words.join(" ");
    if let Some((end, _)) = text.char_indices().nth(90) {
        text.truncate(end);
        text.push('…');
    }
    text
}
