//! `watch` in a pipe: one line for each event, as it comes.

use crate::tool::{Tool, number};
use crate::{Failure, Outcome};
use ringback_core::protocol::{CallbackEvent, LineUpdate};
use ringback_e2e::LIMIT;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

struct Watch {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    fn start(tool: &Tool, arguments: &[&str]) -> Result<Self, Failure> {
        let mut child = tool.command(arguments)?.stdout(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        Ok(Self { child, lines })
    }

    async fn next(&mut self) -> Result<Option<String>, Failure> {
        Ok(tokio::time::timeout(LIMIT, self.lines.next_line()).await??)
    }

    /// The lines up to one with this text, and that one.
    async fn until(&mut self, text: &str) -> Result<Vec<String>, Failure> {
        let mut seen = Vec::new();
        while let Some(line) = self.next().await? {
            let is_last = line.contains(text);
            seen.push(line);
            if is_last {
                return Ok(seen);
            }
        }
        Err(format!("it ended without {text:?}: {seen:?}").into())
    }

    async fn ended(mut self) -> Result<Option<i32>, Failure> {
        Ok(tokio::time::timeout(LIMIT, self.child.wait()).await??.code())
    }
}

#[tokio::test]
async fn a_callback_is_followed_to_its_end() -> Outcome {
    let tool = Tool::start().await?;
    let id = tool.run(&["call", "request", "advice", &number(8), "-q"]).await?.id()?;
    let mut people = Watch::start(&tool, &["call", "watch", &id])?;
    people.until("requested").await?;
    tool.run(&["agent", "ready", "grace"]).await?.id()?;
    people.until("connecting").await?;
    tool.run(&["agent", "result", &id, "connected"]).await?.id()?;
    tool.run(&["agent", "complete", &id]).await?.id()?;
    let last = people.until("completed").await?.pop().unwrap_or_default();
    assert!(last.contains(&id) && last.ends_with("handled"), "{last}");
    assert_eq!(people.next().await?, None, "nothing comes after the end");
    assert_eq!(people.ended().await?, Some(0));
    // Told once: another watch has nothing to tell of it but how it stands.
    let again = tool.run(&["call", "watch", &id]).await?;
    assert_eq!(again.code, Some(0));
    assert!(again.out.contains("completed, handled") && !again.out.contains("requested"), "{}", again.out);
    Ok(())
}

#[tokio::test]
async fn programs_get_events_and_places_as_json() -> Outcome {
    let tool = Tool::start().await?;
    let id = tool.run(&["call", "request", "billing", &number(9), "-q"]).await?.id()?;
    let mut watch = Watch::start(&tool, &["call", "watch", &id, "--json"])?;
    let (mut kinds, mut places) = (Vec::new(), Vec::new());
    while kinds.is_empty() || places.is_empty() {
        let line = watch.next().await?.ok_or("it ended")?;
        match serde_json::from_str::<CallbackEvent>(&line) {
            Ok(event) => kinds.push(serde_json::to_value(event.kind)?),
            Err(_) => places.push(serde_json::from_str::<LineUpdate>(&line)?.position),
        }
    }
    assert_eq!((kinds[0].as_str(), places[0]), (Some("requested"), Some(1)));
    let mut line = Watch::start(&tool, &["call", "line", &id])?;
    assert!(line.next().await?.is_some_and(|line| line.contains("place 1")));
    tool.run(&["call", "cancel", &id]).await?.id()?;
    watch.until("cancelled_by_customer").await?;
    assert_eq!((watch.ended().await?, line.ended().await?), (Some(0), Some(0)));
    Ok(())
}

#[tokio::test]
async fn what_cannot_come_any_more_is_told_by_the_exit_code() -> Outcome {
    let tool = Tool::start().await?;
    let id = tool.run(&["call", "request", "billing", &number(10), "-q"]).await?.id()?;
    assert_eq!(
        tool.run(&["call", "watch", &id, "--until", "queued"]).await?.code,
        Some(0),
        "it is so already"
    );
    let mut watch = Watch::start(&tool, &["call", "watch", &id, "--until", "processing"])?;
    watch.until("requested").await?;
    tool.run(&["call", "cancel", &id]).await?.id()?;
    assert_eq!(watch.ended().await?, Some(6));
    assert_eq!(tool.run(&["call", "watch", "cb_0"]).await?.code, Some(5));
    assert_eq!(tool.run(&["call", "watch", &id, "--until", "nonsense"]).await?.code, Some(2));
    Ok(())
}
