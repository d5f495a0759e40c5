//! `cargo xtask session`: types commands into two real terminals, a customer's and an agent's, against a real server, and
//! puts what stands on the screens into docs/cli.md.

mod page;
mod picture;
mod terminal;

use clap::Parser;
use page::{Page, normal};
use ringback_e2e::{Centre, CentreSettings};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use terminal::Terminal;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Records a session of the command line.
#[derive(Parser)]
struct Options {
    /// The checkout, whose docs/cli.md holds the session
    root: PathBuf,
    /// Compare with what is there instead of writing: ids, times and durations may differ, nothing else
    #[arg(long)]
    check: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match run(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<(), Failure> {
    let mut centre = Centre::start(CentreSettings::default()).await?;
    let played = play(&centre).await;
    centre.stop().await?;
    let (customer, agent) = played?;
    let file = options.root.join("docs/cli.md");
    let mut page = Page::read(&file)?;
    for terminal in [&customer, &agent] {
        let (name, text) = (terminal.name(), terminal.text());
        if options.check {
            compare(name, page.session(name)?, &text)?;
        } else {
            page.put(name, &text)?;
            write_picture(&options.root.join("docs/session"), terminal)?;
        }
    }
    if options.check {
        println!("The session in {} is as the commands print it now.", file.display());
    } else {
        page.write(&file)?;
        println!("{}\n\n{}", customer.text(), agent.text());
    }
    Ok(())
}

/// The customer asks, waits, says "ready" and talks; the agent comes, dials and ends the talk.
async fn play(centre: &Centre) -> Result<(Terminal, Terminal), Failure> {
    let mut customer = Terminal::open("customer", centre).await?;
    let mut agent = Terminal::open("agent", centre).await?;
    customer.run("ringback call offer billing").await?;
    customer
        .run("ID=$(ringback call request billing +4930901820 --name Ann --context cart=17 --quiet)")
        .await?;
    customer.run("ringback call list").await?;
    customer.start("ringback call watch $ID --until reserved").await?;
    customer.shows("requested").await?;

    agent.run("ringback agent ready ada").await?;
    customer.finish().await?;
    customer.run("ringback call confirm $ID ready").await?;
    customer.start("ringback call watch $ID").await?;
    customer.shows("connecting").await?;

    agent.run("ringback agent desk ada").await?;
    agent.run("ID=$(ringback agent desk ada --quiet)").await?;
    agent.run("ringback agent result $ID connected").await?;
    customer.shows("processing").await?;
    agent.run("ringback agent complete $ID --note solved").await?;
    customer.finish().await?;
    Ok((customer, agent))
}

fn write_picture(folder: &Path, terminal: &Terminal) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    Ok(std::fs::write(folder.join(format!("{}.svg", terminal.name())), picture::draw(&terminal.styled()))?)
}

/// Says where the first difference is.
fn compare(name: &str, kept: &str, now: &str) -> Result<(), Failure> {
    let (kept, now) = (normal(kept), normal(now));
    if kept == now {
        return Ok(());
    }
    let mut lines = kept.lines().zip(now.lines());
    let (kept_line, now_line) =
        lines.find(|(kept, now)| kept != now).unwrap_or(("(its end)", "(another end)"));
    Err(format!(
        "the {name}'s session in docs/cli.md is not what the commands print now.\n  there: {kept_line}\n  now:   {now_line}\n\
         `cargo xtask session` records it again.\n\n{now}"
    )
    .into())
}
