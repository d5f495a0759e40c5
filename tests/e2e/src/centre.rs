//! The server as a process of its own, with a centre in it.

use crate::Staff;
use ringback_doubles::{
    ApnsDoubleSettings, AttestationStatusDouble, Doubles, DoublesSettings, FcmDoubleSettings, Handout,
    PlayIntegrityDouble, Received, StartError,
};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The bundle id of the app that the tests pretend to be.
pub const TOPIC: &str = "com.example.ringback";

const START_LIMIT: Duration = Duration::from_secs(30);

/// What a centre is started with.
#[derive(Debug, Clone, Default)]
pub struct CentreSettings {
    /// The database; a fresh SQLite file when absent.
    pub database_url: Option<String>,
    /// What `ringback admin apply` is given; the demo's centre when absent.
    pub centre_file: Option<PathBuf>,
    /// Sections to add to the server's configuration: any but `storage`, `push` and `log`. `{play_integrity_endpoint}` and
    /// `{play_integrity_account}` in it start a double of Play Integrity, and stand for its address and for the file of an account
    /// that may ask it; `{attestation_status_url}` a double of Google's list of revoked keys, and stands for its address.
    pub config: String,
}

/// Why a centre could not be started.
#[derive(Debug, thiserror::Error)]
pub enum CentreError {
    /// The doubles could not start.
    #[error(transparent)]
    Doubles(#[from] StartError),
    /// A file or a process could not be had.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The server's binary is not where it should be.
    #[error(
        "there is no server binary at {0}; build it with `cargo build -p ringback-server`, or set RINGBACK_BIN"
    )]
    NoBinary(PathBuf),
    /// A command of the binary failed.
    #[error("`ringback {command}` failed: {message}")]
    Command {
        /// Its first words.
        command: String,
        /// What it said.
        message: String,
    },
    /// The server did not say where it listens.
    #[error("the server did not start; its log is {0}")]
    NotListening(PathBuf),
}

/// A running contact centre. It ends with this value.
pub struct Centre {
    /// APNs and FCM.
    pub doubles: Arc<Doubles>,
    /// Play Integrity, where the configuration names it.
    pub play_integrity: Option<PlayIntegrityDouble>,
    /// The list of revoked keys, where the configuration names it.
    pub attestation_status: Option<AttestationStatusDouble>,
    /// The app's publishable key.
    pub app_key: String,
    /// An administrator's key.
    pub staff_key: String,
    /// Where the server listens.
    pub url: String,
    folder: TempDir,
    log: PathBuf,
    server: Option<Child>,
    others: Vec<Child>,
}

impl Centre {
    /// Starts the doubles, seeds a database, and starts the server on it.
    pub async fn start(mut settings: CentreSettings) -> Result<Self, CentreError> {
        let folder = TempDir::new()?;
        let doubles = Arc::new(
            Doubles::start(DoublesSettings {
                apns: ApnsDoubleSettings {
                    topics: vec![TOPIC.to_owned()],
                    accept_any_device: true,
                    ..ApnsDoubleSettings::default()
                },
                fcm: FcmDoubleSettings {
                    accept_any_device: true,
                    record_to: std::env::var_os("RINGBACK_FCM_RECORD").map(PathBuf::from),
                    ..FcmDoubleSettings::default()
                },
                ..DoublesSettings::default()
            })
            .await?,
        );
        let handout = doubles.write_credentials(folder.path())?;
        let play_integrity = if settings.config.contains("{play_integrity_endpoint}") {
            let double = PlayIntegrityDouble::start(doubles.authority()).await?;
            let account = folder.path().join("play_integrity.json");
            fs::write(&account, &double.service_account().json)?;
            settings.config = settings.config.replace("{play_integrity_endpoint}", &double.endpoint());
            settings.config = settings.config.replace("{play_integrity_account}", &account.to_string_lossy());
            Some(double)
        } else {
            None
        };
        let attestation_status = if settings.config.contains("{attestation_status_url}") {
            let double = AttestationStatusDouble::start(doubles.authority()).await?;
            settings.config = settings.config.replace("{attestation_status_url}", &double.url());
            Some(double)
        } else {
            None
        };
        write_config(folder.path(), &settings, &handout)?;
        let mut centre = Self {
            doubles,
            play_integrity,
            attestation_status,
            app_key: String::new(),
            staff_key: String::new(),
            url: String::new(),
            log: log_file(folder.path())?,
            folder,
            server: None,
            others: Vec::new(),
        };
        centre.seed(&settings, &handout).await?;
        centre.start_server().await?;
        Ok(centre)
    }

    async fn seed(&mut self, settings: &CentreSettings, handout: &Handout) -> Result<(), CentreError> {
        let default_file = Path::new(env!("CARGO_MANIFEST_DIR")).join("centre.toml");
        let centre_file = settings.centre_file.clone().unwrap_or(default_file);
        let text = |path: &Path| path.to_string_lossy().into_owned();
        self.ringback(&["admin", "apply", &text(&centre_file)]).await?;
        self.ringback(&[
            "admin",
            "push",
            "apns",
            "team",
            "--key-file",
            &text(&handout.apns_key_file),
            "--key-id",
            &handout.apns_key_id,
            "--team-id",
            &handout.apns_team_id,
            "--topic",
            TOPIC,
        ])
        .await?;
        let account = text(&handout.fcm_service_account_file);
        self.ringback(&["admin", "push", "fcm", "project", "--service-account", &account]).await?;
        self.ringback(&["admin", "push", "web-push", "browsers", "--subject", "mailto:push@example.com"])
            .await?;
        self.app_key = self.ringback(&["admin", "key", "create-app", "app"]).await?;
        self.staff_key =
            self.ringback(&["admin", "key", "create", "boss", "--role", "administrator"]).await?;
        Ok(())
    }

    /// Runs a `ringback` command against this centre's database and gives what it prints.
    pub async fn ringback(&self, arguments: &[&str]) -> Result<String, CentreError> {
        let output = Command::new(binary()?)
            .arg("--config")
            .arg(self.config_file())
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .await?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            Err(CentreError::Command {
                command: arguments.iter().take(3).copied().collect::<Vec<_>>().join(" "),
                message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            })
        }
    }

    /// Starts the server, again after [`Centre::kill`] on the address it had.
    pub async fn start_server(&mut self) -> Result<(), CentreError> {
        let listen = self.url.strip_prefix("http://").unwrap_or("127.0.0.1:0").to_owned();
        let (server, url) = self.serve(&listen).await?;
        self.server = Some(server);
        self.url = url;
        Ok(())
    }

    /// Starts one more server on the same database and says where it listens. It ends with the centre.
    pub async fn start_another_server(&mut self) -> Result<String, CentreError> {
        let (server, url) = self.serve("127.0.0.1:0").await?;
        self.others.push(server);
        Ok(url)
    }

    async fn serve(&self, listen: &str) -> Result<(Child, String), CentreError> {
        let log = File::options().append(true).create(true).open(&self.log)?;
        let mut server = Command::new(binary()?)
            .arg("--config")
            .arg(self.config_file())
            .args(["serve", "--listen", listen])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let not_listening = || CentreError::NotListening(self.log.clone());
        let stdout = server.stdout.take().ok_or_else(not_listening)?;
        let mut lines = BufReader::new(stdout).lines();
        let line =
            tokio::time::timeout(START_LIMIT, lines.next_line()).await.map_err(|_| not_listening())??;
        let url =
            line.as_deref().and_then(|line| line.strip_prefix("listening on ")).ok_or_else(not_listening)?;
        Ok((server, url.to_owned()))
    }

    /// `kill -9`: the server gets no chance to say goodbye.
    pub async fn kill(&mut self) -> Result<(), CentreError> {
        if let Some(mut server) = self.server.take() {
            server.kill().await?;
        }
        Ok(())
    }

    /// `kill -9` of any one of this centre's servers, and a new one in its place.
    pub async fn kill_any(&mut self, choice: usize) -> Result<(), CentreError> {
        let choice = choice % (self.others.len() + 1);
        if choice == self.others.len() {
            self.kill().await?;
            return self.start_server().await;
        }
        self.others.remove(choice).kill().await?;
        self.start_another_server().await.map(drop)
    }

    /// Asks the server to stop and waits until it has; says whether it ended well.
    pub async fn stop(&mut self) -> Result<bool, CentreError> {
        let Some(mut server) = self.server.take() else { return Ok(true) };
        if let Some(id) = server.id() {
            Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
        }
        Ok(server.wait().await?.success())
    }

    /// The server's process, while it runs.
    pub fn server_id(&self) -> Option<u32> {
        self.server.as_ref().and_then(Child::id)
    }

    /// The staff API of this centre.
    pub fn staff(&self) -> Staff {
        Staff::new(&self.url, &self.staff_key)
    }

    /// A folder that ends with the centre.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server's configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.folder.path().join("ringback.toml")
    }

    /// The server's log so far.
    pub fn log_text(&self) -> std::io::Result<String> {
        fs::read_to_string(&self.log)
    }

    /// What both doubles received, in the order in which it arrived.
    pub fn pushes(&self) -> Vec<Received> {
        let mut pushes = self.doubles.apns.record().received();
        pushes.extend(self.doubles.fcm.record().received());
        pushes.sort_by_key(|push| push.at);
        pushes
    }
}

impl Drop for Centre {
    /// Leaves the pushes for whoever looks for personal data in them.
    fn drop(&mut self) {
        let Some(logs) = std::env::var_os("RINGBACK_TEST_LOGS") else { return };
        let Ok(mut file) = fs::create_dir_all(Path::new(&logs).join("pushes"))
            .and_then(|()| File::create(unique(&Path::new(&logs).join("pushes"), "jsonl")))
        else {
            return;
        };
        for push in self.pushes() {
            let _ = writeln!(file, "{}", serde_json::to_string(&push).unwrap_or_default());
        }
    }
}

/// The `ringback` that is tested.
///
/// # Errors
/// [`CentreError::NoBinary`] when it has not been built.
pub fn binary() -> Result<PathBuf, CentreError> {
    let path = std::env::var_os("RINGBACK_BIN").map_or_else(beside_this_program, PathBuf::from);
    if path.is_file() { Ok(path) } else { Err(CentreError::NoBinary(path)) }
}

/// `target/debug/ringback`, from `target/debug/deps/test-…` or `target/debug/ringback-demo`.
fn beside_this_program() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let folder = program.parent().unwrap_or(Path::new("."));
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    folder.join("ringback")
}

fn write_config(folder: &Path, settings: &CentreSettings, handout: &Handout) -> Result<(), CentreError> {
    let default_url = format!("sqlite:{}", folder.join("ringback.db").display());
    let config = format!(
        "[storage]\nurl = {:?}\nkey_file = {:?}\n[push]\napns_production_endpoint = {:?}\napns_sandbox_endpoint = {:?}\n\
         fcm_endpoint = {:?}\ntrust_roots_file = {:?}\nweb_push_allow = [\"127.0.0.0/8\"]\n[log]\nfilter = \"debug,refinery_core=warn\"\n{}\n",
        settings.database_url.as_ref().unwrap_or(&default_url),
        folder.join("ringback.key"),
        handout.apns_endpoint,
        handout.apns_endpoint,
        handout.fcm_endpoint,
        handout.ca_file,
        settings.config,
    );
    Ok(fs::write(folder.join("ringback.toml"), config)?)
}

fn log_file(folder: &Path) -> Result<PathBuf, CentreError> {
    let Some(logs) = std::env::var_os("RINGBACK_TEST_LOGS") else { return Ok(folder.join("server.log")) };
    let servers = Path::new(&logs).join("servers");
    fs::create_dir_all(&servers)?;
    Ok(unique(&servers, "log"))
}

fn unique(folder: &Path, extension: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    folder.join(format!("{}-{number}.{extension}", std::process::id()))
}
