//! PostgreSQL: finding it, and a throw-away cluster for one run of the tests.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::{
    error::{Error, Result},
    places::{self, Places},
    process, setup,
};

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// Installs the server programs where that is ours to do.
pub(crate) fn set_up(_: &Places) -> Result<String> {
    if find().is_none() {
        setup::apt_install(&["postgresql"], "initdb")?;
    }
    programs().map(|folder| folder.display().to_string())
}

/// `pgbench`, where it came with the server.
pub(crate) fn pgbench() -> Option<PathBuf> {
    Some(find()?.join("pgbench")).filter(|program| program.is_file())
}

fn programs() -> Result<PathBuf> {
    find().ok_or_else(|| {
        Error::missing("PostgreSQL's server", "install it, or run `cargo xtask setup postgres`")
    })
}

/// The folder with `initdb` and `postgres`: from `PATH`, else Debian's newest.
fn find() -> Option<PathBuf> {
    let complete = |folder: &Path| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    let in_path = places::in_path("initdb")
        .and_then(|initdb| Some(fs::canonicalize(initdb).ok()?.parent()?.to_owned()));
    if let Some(folder) = in_path.filter(|folder| complete(folder)) {
        return Some(folder);
    }
    let version = |folder: &PathBuf| -> Option<u32> { folder.parent()?.file_name()?.to_str()?.parse().ok() };
    fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|folder| complete(folder))
        .max_by_key(version)
}

/// A cluster in a temporary folder on a free loopback port, with the durability it has by default. Dropping it
/// stops the server and removes the folder.
pub(crate) struct Cluster {
    /// A superuser's connection URL; tests make databases of their own.
    pub url: String,
    server: Child,
    _folder: tempfile::TempDir,
}

impl Cluster {
    /// Makes and starts one; its log goes to `log`.
    pub(crate) fn start(log: &Path) -> Result<Self> {
        let programs = programs()?;
        let folder = tempfile::Builder::new()
            .prefix("ringback-postgres-")
            .tempdir()
            .map_err(Error::file(&std::env::temp_dir()))?;
        let user = User::for_postgres()?;
        user.give(folder.path())?;

        let password = random_word().map_err(Error::file(Path::new("/dev/urandom")))?;
        let password_file = folder.path().join("password");
        fs::write(&password_file, &password).map_err(Error::file(&password_file))?;
        user.give(&password_file)?;

        let data = folder.path().join("data");
        let mut initdb = Command::new(programs.join("initdb"));
        initdb.args([
            "--username=ringback",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ]);
        initdb.arg(format!("--pwfile={}", password_file.display())).arg("--pgdata").arg(&data);
        user.run_as(&mut initdb, folder.path());
        process::run_logged(&mut initdb, log)?;

        let port = free_port().map_err(Error::file(Path::new("127.0.0.1:0")))?;
        let mut command = Command::new(programs.join("postgres"));
        command.arg("-D").arg(&data).args(["-p", &port.to_string()]);
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
        command.args(["-c", "max_connections=300"]);
        user.run_as(&mut command, folder.path());
        process::log_to(&mut command, log)?;
        // A group of its own: Ctrl-C must reach it after the tests that use it, by `drop`.
        let server = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Start { program: "postgres".to_owned(), source })?;
        let url = format!("postgres://ringback:{password}@127.0.0.1:{port}/postgres");
        let mut cluster = Self { url, server, _folder: folder };
        cluster.wait_until_ready(&data, log)?;
        Ok(cluster)
    }

    /// The server writes `ready` into its pid file once it takes connections.
    fn wait_until_ready(&mut self, data: &Path, log: &Path) -> Result<()> {
        let started = Instant::now();
        loop {
            process::check_interrupted()?;
            let pid_file = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
            if pid_file.lines().nth(7).is_some_and(|state| state.trim() == "ready") {
                return Ok(());
            }
            let ended = matches!(self.server.try_wait(), Ok(Some(_)));
            if ended || started.elapsed() > START_LIMIT {
                let lines = process::last_lines(log, 10);
                return Err(Error::Broken(format!("PostgreSQL did not start:\n{lines}")));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let Some(pid) = i32::try_from(self.server.id()).ok().and_then(Pid::from_raw) else { return };
        // INT: sessions are ended, then it stops. QUIT: at once.
        for signal in [Signal::INT, Signal::QUIT] {
            let _ = kill_process(pid, signal);
            let asked = Instant::now();
            while asked.elapsed() < STOP_LIMIT {
                if !matches!(self.server.try_wait(), Ok(None)) {
                    return;
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Whom the server runs as. It refuses to be root, so root lends it an account without rights.
struct User(Option<(u32, u32)>);

impl User {
    fn for_postgres() -> Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self(None));
        }
        let file = Path::new("/etc/passwd");
        let accounts = fs::read_to_string(file).map_err(Error::file(file))?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| {
                accounts.lines().find_map(|line| {
                    let mut fields = line.strip_prefix(name)?.strip_prefix(":x:")?.split(':');
                    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
                })
            })
            .map(|ids| Self(Some(ids)))
            .ok_or_else(|| Error::missing("an account for PostgreSQL", "add a user named postgres"))
    }

    fn give(&self, path: &Path) -> Result<()> {
        match self.0 {
            Some((user, group)) => chown(path, Some(user), Some(group)).map_err(Error::file(path)),
            None => Ok(()),
        }
    }

    fn run_as(&self, command: &mut Command, folder: &Path) {
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        // The checkout may be closed to that account.
        command.current_dir(folder);
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn random_word() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
