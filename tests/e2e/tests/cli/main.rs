//! The command line as people, scripts and shells meet it, against the real server.

mod completion;
mod exit_codes;
mod help;
mod mistakes;
mod output;
mod terminal;
mod tool;
mod watching;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Outcome = Result<(), Failure>;
