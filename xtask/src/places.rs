//! Where things are: the checkout, the target folder, the cache.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    error::{Error, Result},
    process,
};

/// The folders every command works with, all absolute.
pub(crate) struct Places {
    /// The checkout.
    pub root: PathBuf,
    /// Cargo's target folder, `CARGO_TARGET_DIR` respected.
    pub target: PathBuf,
    /// Downloads and toolchains, outside the checkout so that they outlive it.
    pub cache: PathBuf,
}

impl Places {
    /// Asks cargo where the workspace is.
    pub(crate) fn find() -> Result<Self> {
        let mut command = cargo();
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        let metadata: serde_json::Value = serde_json::from_str(&process::output(&mut command)?)
            .map_err(|error| Error::Broken(format!("cargo metadata printed no JSON: {error}")))?;
        let folder = |name: &str| {
            metadata[name]
                .as_str()
                .map(PathBuf::from)
                .ok_or_else(|| Error::Broken(format!("cargo metadata names no {name}")))
        };
        Ok(Self { root: folder("workspace_root")?, target: folder("target_directory")?, cache: cache()? })
    }

    /// Where debug builds lie.
    pub(crate) fn debug(&self) -> PathBuf {
        self.target.join("debug")
    }

    /// The whole output of every part of the last `cargo xtask test`, its servers' logs and recorded pushes.
    pub(crate) fn logs(&self) -> PathBuf {
        self.target.join("test-logs")
    }
}

/// The cargo that started us.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Is there a program of this name in `PATH`?
pub(crate) fn in_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Makes a folder and its parents.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(Error::file(path))
}

/// Empties a folder, or makes it.
pub(crate) fn fresh_folder(path: &Path) -> Result<()> {
    if path.exists() {
        fs::remove_dir_all(path).map_err(Error::file(path))?;
    }
    make_folder(path)
}

/// All files below a folder; none if it does not exist.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        if !folder.exists() {
            continue;
        }
        for entry in fs::read_dir(&folder).map_err(Error::file(&folder))? {
            let entry = entry.map_err(Error::file(&folder))?;
            let kind = entry.file_type().map_err(Error::file(&entry.path()))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn cache() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("RINGBACK_CACHE").filter(|folder| !folder.is_empty()) {
        return std::path::absolute(&folder).map_err(Error::file(Path::new(&folder)));
    }
    env::home_dir()
        .map(|home| home.join(".cache/ringback"))
        .ok_or_else(|| Error::missing("a home folder", "set RINGBACK_CACHE to a folder for downloads"))
}
