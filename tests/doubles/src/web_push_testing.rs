//! A push service that nobody here wrote: the npm package web-push-testing.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::{Authority, StartError};

const PACKAGE: &str = "web-push-testing-1.2.2";

/// The npm package web-push-testing behind HTTPS, on loopback, until it is dropped. It checks VAPID, decrypts, and
/// answers 410 for what has expired.
///
/// Its orders are JSON over POST: `/subscribe {"applicationServerKey"}` answers `{"data": {"endpoint", "keys":
/// {"p256dh", "auth"}, "clientHash"}}`, `/get-notifications {"clientHash"}` answers `{"data": {"messages": […]}}`,
/// `/expire-subscription/{clientHash}`.
pub struct WebPushTesting {
    process: Child,
    port: u16,
    ca_pem: String,
}

impl WebPushTesting {
    /// Starts Node with it. `cargo xtask setup web-push` installs it; `cargo xtask test` does so by itself and says where
    /// it is in `RINGBACK_WEB_PUSH_TESTING`.
    pub fn start(authority: &Authority) -> Result<Self, StartError> {
        let modules = installed().ok_or(StartError::WebPushTesting)?.join("node_modules");
        let (certificate, key) = authority.issue(&["localhost", "127.0.0.1"])?;
        let folder = std::env::temp_dir().join(format!("ringback-web-push-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder)?;
        let started = Self::start_in(&folder, &modules, &certificate, &key);
        std::fs::remove_dir_all(&folder)?;
        let (process, port) = started?;
        Ok(Self { process, port, ca_pem: authority.pem() })
    }

    fn start_in(
        folder: &Path,
        modules: &Path,
        certificate: &str,
        key: &str,
    ) -> Result<(Child, u16), StartError> {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::File::create_new(&path)?.write_all(text.as_bytes())?;
            Ok::<_, std::io::Error>(path)
        };
        let mut process = Command::new("node")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../web-push-testing/serve.js"))
            .arg(write("certificate.pem", certificate)?)
            .arg(write("key.pem", key)?)
            .env("NODE_PATH", modules)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let port = line.trim().parse().map_err(|_| StartError::WebPushTesting)?;
        Ok((process, port))
    }

    /// `https://localhost:port`.
    pub fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The authority to trust.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }
}

impl Drop for WebPushTesting {
    fn drop(&mut self) {
        // Its end of input is its order to end.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Where `cargo xtask setup` installs it.
fn installed() -> Option<PathBuf> {
    let folder = std::env::var_os("RINGBACK_WEB_PUSH_TESTING").map(PathBuf::from).or_else(|| {
        let cache = std::env::var_os("RINGBACK_CACHE").filter(|cache| !cache.is_empty()).map(PathBuf::from);
        let cache = cache.or_else(|| std::env::home_dir().map(|home| home.join(".cache/ringback")))?;
        Some(cache.join(PACKAGE))
    })?;
    folder.join("node_modules/web-push-testing").is_dir().then_some(folder)
}
