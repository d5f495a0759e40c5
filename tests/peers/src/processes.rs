//! Starts the processes and talks to them. Each ends when its input does.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::Failure;

/// What is told about a peer.
#[derive(Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) pushes_per_s: f64,
    /// Processor time of the client for each push.
    pub(crate) client_us: f64,
    /// Processor time of the double for each push; a client that sends in larger pieces spares it some.
    pub(crate) double_us: f64,
}

/// What a peer says about a round.
pub(crate) struct Round {
    pub(crate) pushes: f64,
    pub(crate) elapsed_us: f64,
    pub(crate) cpu_us: f64,
}

struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

impl Process {
    fn start(command: &mut Command) -> Result<Self, Failure> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or("no output")?;
        Ok(Self { child, input, output: BufReader::new(output) })
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err("the process has ended".into());
        }
        Ok(line.trim().to_owned())
    }

    fn ask(&mut self, order: &str) -> Result<String, Failure> {
        let input = self.input.as_mut().ok_or("no input")?;
        writeln!(input, "{order}")?;
        input.flush()?;
        self.line()
    }
}

pub(crate) struct DoubleProcess {
    process: Process,
    port: String,
    key_id: String,
    team_id: String,
}

impl DoubleProcess {
    pub(crate) fn start(check: &str, folder: &Path) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = Process::start(command.args(["double", check]).arg(folder))?;
        let line = process.line()?;
        let [port, key_id, team_id] = line.split(' ').collect::<Vec<_>>()[..] else {
            return Err("the double did not say where it is".into());
        };
        Ok(Self { port: port.to_owned(), key_id: key_id.to_owned(), team_id: team_id.to_owned(), process })
    }

    pub(crate) fn cpu_us(&mut self) -> Result<f64, Failure> {
        Ok(self.process.ask("")?.parse()?)
    }
}

pub(crate) struct PeerProcess {
    pub(crate) name: &'static str,
    process: Process,
}

impl PeerProcess {
    pub(crate) fn round(&mut self, in_flight: usize, length: Duration) -> Result<Round, Failure> {
        let line = self.process.ask(&format!("{in_flight} {}", length.as_millis()))?;
        let numbers: Result<Vec<f64>, _> = line.split(' ').map(str::parse).collect();
        match numbers.as_deref() {
            Ok([pushes, elapsed_us, cpu_us]) => {
                Ok(Round { pushes: *pushes, elapsed_us: *elapsed_us, cpu_us: *cpu_us })
            }
            _ => Err(line.into()),
        }
    }
}

/// Every peer that can be built here; of the others it is said what is missing.
pub(crate) fn start_all(double: &DoubleProcess, folder: &Path) -> Result<Vec<PeerProcess>, Failure> {
    let of_ours = |name: &str| {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(name);
        Ok::<_, Failure>(command)
    };
    let commands = [
        ("ours", Some(of_ours("ours")?)),
        ("a2", Some(of_ours("a2")?)),
        ("apns2", go(folder)?),
        ("pushy", java()?),
    ];
    let mut peers = Vec::new();
    for (name, command) in commands {
        let Some(mut command) = command else { continue };
        command.arg(&double.port).arg(folder).args([&double.key_id, &double.team_id]);
        // Go trusts what this names, and nothing else.
        command.env("SSL_CERT_FILE", folder.join("ca.pem"));
        peers.push(PeerProcess { name, process: Process::start(&mut command)? });
    }
    Ok(peers)
}

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Builds with `command`; false if the tool is not on this machine.
fn build(command: &mut Command, what: &str) -> Result<bool, Failure> {
    match command.stdout(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(true),
        Ok(status) => Err(format!("{what} could not be built: {status}").into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let tool = command.get_program().display();
            println!("MISSING: {what} is not in the table, because `{tool}` is not on this machine");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

fn go(folder: &Path) -> Result<Option<Command>, Failure> {
    let program = folder.join("apns2");
    let mut command = Command::new("go");
    command.arg("build").arg("-o").arg(&program).arg(".").current_dir(here("go"));
    Ok(build(&mut command, "apns2 (Go)")?.then(|| Command::new(program)))
}

fn java() -> Result<Option<Command>, Failure> {
    let mut command = Command::new("mvn");
    command.args(["-q", "-B", "compile"]).current_dir(here("pushy-client"));
    if !build(&mut command, "pushy (Java)")? {
        return Ok(None);
    }
    let built = here("pushy-client/target");
    let mut command = Command::new("java");
    command.arg("-cp").arg(format!("{0}/classes:{0}/dependency/*", built.display()));
    command.arg("dev.ringback.peers.Pushy");
    Ok(Some(command))
}
