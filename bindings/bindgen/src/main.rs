//! `uniffi-bindgen` at the version the library was built with.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The generated Kotlin imports this without using it. An explicit import wins over our own `Callback`.
const UNUSED_IMPORT: &str = "import com.sun.jna.Callback\n";

fn main() -> io::Result<()> {
    uniffi::uniffi_bindgen_main();
    match out_dir() {
        Some(folder) => drop_unused_import(&folder),
        None => Ok(()),
    }
}

fn out_dir() -> Option<PathBuf> {
    env::args_os().skip_while(|argument| argument != "--out-dir").nth(1).map(PathBuf::from)
}

fn drop_unused_import(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            drop_unused_import(&path)?;
        } else if path.extension().is_some_and(|end| end == "kt") {
            let source = fs::read_to_string(&path)?;
            fs::write(&path, source.replacen(UNUSED_IMPORT, "", 1))?;
        }
    }
    Ok(())
}
