//! The program, with a server that it knows.

use crate::Failure;
use ringback_e2e::{Centre, CentreSettings, binary};
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::Command;

/// A number of the canaries: it must not turn up in any log.
pub(crate) fn number(index: usize) -> String {
    ringback_e2e::number(index).expose().to_owned()
}

pub(crate) struct Tool {
    pub(crate) centre: Centre,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: Option<i32>,
}

impl Said {
    /// The last word of a command that ended well.
    pub(crate) fn id(&self) -> Result<String, Failure> {
        if self.code != Some(0) {
            return Err(format!("{self:?}").into());
        }
        Ok(self.out.trim().to_owned())
    }
}

impl Tool {
    pub(crate) async fn start() -> Result<Self, Failure> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Ok(Self { centre: Centre::start(CentreSettings::default()).await? })
    }

    /// Where the customer's installation is kept.
    pub(crate) fn data(&self) -> PathBuf {
        self.centre.folder().join("customer")
    }

    /// The program with all that it needs to know.
    pub(crate) fn command(&self, arguments: &[&str]) -> Result<Command, Failure> {
        let mut command = Command::new(binary()?);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .env("RINGBACK_URL", &self.centre.url)
            .env("RINGBACK_APP_KEY", &self.centre.app_key)
            .env("RINGBACK_STAFF_KEY", &self.centre.staff_key)
            .env("RINGBACK_CONFIG", self.centre.config_file())
            .env("RINGBACK_DATA", self.data())
            .kill_on_drop(true);
        Ok(command)
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Result<Said, Failure> {
        said(self.command(arguments)?).await
    }
}

pub(crate) async fn said(mut command: Command) -> Result<Said, Failure> {
    let output = command.output().await?;
    Ok(Said {
        out: String::from_utf8(output.stdout)?,
        err: String::from_utf8(output.stderr)?,
        code: output.status.code(),
    })
}
