//! `ringback completion`: what a shell needs to complete commands, options and their values.

use crate::Failure;
use clap::Args;
use clap_complete::{Shell, generate};
use std::io::Write;

const INSTALL: &str = "\
Put this where your shell reads it when it starts:
  bash, in ~/.bashrc               source <(ringback completion bash)
  zsh, in ~/.zshrc after compinit  source <(ringback completion zsh)
  fish, once:
    ringback completion fish > ~/.config/fish/completions/ringback.fish";

#[derive(Args)]
#[command(after_help = INSTALL)]
pub(crate) struct Options {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(options: &Options, command: &mut clap::Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(options.shell, command, "ringback", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(())
}
