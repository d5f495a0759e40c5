//! Prints a crate's public surface, one item a line. `cargo xtask api` runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(json) = std::env::args_os().nth(1) else {
        eprintln!("which file? It is what rustdoc writes with --output-format json");
        return ExitCode::FAILURE;
    };
    // What is implemented for everything, or by a derive, says nothing about this crate.
    let surface = public_api::Builder::from_rustdoc_json(std::path::PathBuf::from(json))
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build();
    match surface {
        Ok(surface) => {
            println!("{}", surface.to_string().trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
