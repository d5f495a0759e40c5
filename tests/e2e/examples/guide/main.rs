//! The Rust of the book as one program: `cargo xtask test guide` takes it out of the pages and names the file.

mod stage;

use stage::{Outcome, tell};

include!(env!("RINGBACK_GUIDE"));

#[tokio::main]
async fn main() -> Outcome {
    play_all().await
}
