//! Tables for people, JSON for programs, ids for shells.

use crate::Outcome;
use crate::tool::{Tool, number, said};
use ringback_core::protocol::Callback;
use serde_json::Value;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn the_same_list_is_a_table_json_or_ids() -> Outcome {
    let tool = Tool::start().await?;
    let none = tool.run(&["call", "list"]).await?;
    assert_eq!((none.out.as_str(), none.err.as_str()), ("", "no callbacks\n"));
    let first = tool.run(&["call", "request", "billing", &number(0), "--quiet"]).await?.id()?;
    let second = tool.run(&["call", "request", "advice", &number(1), "-q"]).await?.id()?;

    let table = tool.run(&["call", "list"]).await?.out;
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["ID", "SERVICE", "STATE", "PLACE", "WAIT", "ASKED"], "{table}");
    assert_eq!(lines[1][..4], [second.as_str(), "advice", "queued", "2"], "{table}");
    assert_eq!(lines[2][..4], [first.as_str(), "billing", "queued", "1"], "{table}");
    assert!(!table.contains('\u{1b}'), "no colours in a pipe: {table:?}");
    assert!(!table.contains(&number(0)), "{table}");

    let json = tool.run(&["call", "list", "--json"]).await?.out;
    let listed = json.lines().map(serde_json::from_str).collect::<Result<Vec<Callback>, _>>()?;
    assert_eq!(listed.iter().map(|callback| &callback.id).collect::<Vec<_>>(), [&second, &first]);
    assert_eq!(tool.run(&["call", "list", "--quiet"]).await?.out, format!("{second}\n{first}\n"));

    tool.run(&["call", "cancel", &second]).await?.id()?;
    assert_eq!(tool.run(&["call", "list", "--open", "-q"]).await?.id()?, first);
    let shown = tool.run(&["call", "status", &second]).await?.out;
    assert!(shown.contains("completed, cancelled_by_customer"), "{shown}");
    Ok(())
}

#[tokio::test]
async fn an_agent_sees_whom_to_call() -> Outcome {
    let tool = Tool::start().await?;
    let (number, name) = (number(2), ringback_e2e::names()[0]);
    let request =
        ["call", "request", "advice", &number, "--name", name, "--context", "cart=17", "--screen", "bill"];
    let id = tool.run(&[&request[..], &["--quiet"]].concat()).await?.id()?;
    tool.run(&["agent", "ready", "grace"]).await?.id()?;
    tool.run(&["call", "watch", &id, "--until", "connecting"]).await?.id()?;

    let desk = tool.run(&["agent", "desk", "grace"]).await?.out;
    for (title, value) in [
        ("Dial", number.as_str()),
        ("Name", name),
        ("Context", "cart: 17"),
        ("Screens", "bill"),
        ("Callback", &id),
    ] {
        let row = desk.lines().find(|line| line.starts_with(title)).unwrap_or_default();
        assert_eq!(row.trim_start_matches(title).trim(), value, "{desk}");
    }
    assert_eq!(tool.run(&["agent", "desk", "grace", "-q"]).await?.id()?, id);
    let json: Value = serde_json::from_str(&tool.run(&["agent", "desk", "grace", "--json"]).await?.out)?;
    assert_eq!(json["callback"]["number"], number.as_str());
    assert_eq!(tool.run(&["agent", "desk", "ada", "-q"]).await?.id()?, "");
    Ok(())
}

#[tokio::test]
async fn whoever_stops_reading_is_no_error() -> Outcome {
    let tool = Tool::start().await?;
    let mut shell = tool.command(&[])?;
    let program = shell.as_std().get_program().to_owned();
    let mut piped = tokio::process::Command::new("bash");
    piped.args(["-c", "set -o pipefail; \"$0\" openapi | head -1"]).arg(program);
    for (name, value) in shell.as_std_mut().get_envs() {
        piped.env(name, value.unwrap_or_default());
    }
    let said = said(piped).await?;
    assert_eq!((said.out.as_str(), said.err.as_str(), said.code), ("{\n", "", Some(0)));
    Ok(())
}

#[tokio::test]
async fn captcha_credentials_are_entered_without_being_shown() -> Outcome {
    let tool = Tool::start().await?;
    let put = |provider: &'static str| {
        tool.command(&["admin", "captcha", "put", provider, "--secret-file", "-", "--place", "example.com"])
    };
    let enter = async |provider: &'static str, secret: &str| {
        let mut command = put(provider)?;
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        child.stdin.take().ok_or("no standard input")?.write_all(secret.as_bytes()).await?;
        let output = child.wait_with_output().await?;
        Ok::<_, crate::Failure>((String::from_utf8(output.stdout)?, output.status.code()))
    };
    let secret = "0x4AAA-not-a-real-secret";
    let (entered, code) = enter("turnstile", secret).await?;
    assert_eq!((entered.as_str(), code), ("CAPTCHA credential turnstile is entered and sealed\n", Some(0)));
    let (_, code) = enter("turnstile", "1x0000000000000000000000000000000AA\n").await?;
    assert_eq!(code, Some(3), "a key that passes everybody");
    assert_eq!(enter("altcha", secret).await?.1, Some(2), "it needs none");
    assert_eq!(enter("recaptcha_enterprise", secret).await?.1, Some(3), "its project is missing");

    let listed = tool.run(&["admin", "captcha", "list", "--json"]).await?.out;
    assert!(listed.contains("turnstile") && !listed.contains(secret), "{listed}");
    let running = tool.centre.staff().ask(reqwest::Method::GET, "captcha-credentials", None).await?;
    assert_eq!(running[0]["provider"], "turnstile", "the running server knows it");
    Ok(())
}
