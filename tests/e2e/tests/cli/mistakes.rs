//! What people get wrong: each mistake has its exit code, and what is said names the mistake and the way out.

use crate::tool::{Said, Tool, number, said};
use crate::{Failure, Outcome};
use std::fs;

/// Ends so, and says all of this on standard error; a number is never repeated.
#[track_caller]
fn assert_told(said: &Said, exit: i32, words: &[&str]) {
    assert_eq!(said.code, Some(exit), "{said:?}");
    for word in words {
        assert!(said.err.contains(word), "{word:?} is not in: {}", said.err);
    }
    assert_eq!(said.out, "", "what went wrong is told on standard error");
    assert!(!said.err.contains("49309018200"), "{}", said.err);
}

/// The command with one variable set otherwise, or taken away.
async fn with(tool: &Tool, name: &str, value: Option<&str>, arguments: &[&str]) -> Result<Said, Failure> {
    let mut command = tool.command(arguments)?;
    match value {
        Some(value) => command.env(name, value),
        None => command.env_remove(name),
    };
    said(command).await
}

#[tokio::test]
async fn the_address_and_the_keys() -> Outcome {
    let tool = Tool::start().await?;
    let (list, desk) = (["call", "list"], ["agent", "desk", "ada"]);
    for address in ["calls.example.com", "ftp://calls.example.com"] {
        for arguments in [&list[..], &desk] {
            let said = with(&tool, "RINGBACK_URL", Some(address), arguments).await?;
            assert_told(&said, 2, &["--url", "write it like https://calls.example.com"]);
        }
    }
    // Nobody listens on this port.
    let nowhere = Some("http://127.0.0.1:9");
    for arguments in [&list[..], &desk] {
        let said = with(&tool, "RINGBACK_URL", nowhere, arguments).await?;
        assert_told(&said, 8, &["error[unreachable]: ", "http://127.0.0.1:9", "is the server running?"]);
    }
    let request = ["call", "request", "billing", &number(12)];
    let kept = with(&tool, "RINGBACK_URL", nowhere, &request).await?;
    assert_told(&kept, 8, &["error[unreachable]: ", "It is kept", "`ringback call resume`"]);
    let resumed = tool.run(&["call", "resume", "--quiet"]).await?.id()?;
    assert_eq!(resumed, "0", "nothing is left once the server is there");

    let missing = with(&tool, "RINGBACK_APP_KEY", None, &list).await?;
    assert_told(&missing, 2, &["--app-key", "export RINGBACK_APP_KEY=$(ringback admin key create-app NAME)"]);
    let missing = with(&tool, "RINGBACK_STAFF_KEY", None, &desk).await?;
    assert_told(&missing, 2, &["--key", "export RINGBACK_STAFF_KEY=$(ringback admin key create NAME"]);
    for (name, arguments) in [("RINGBACK_APP_KEY", &list[..]), ("RINGBACK_STAFF_KEY", &desk)] {
        let empty = with(&tool, name, Some(""), arguments).await?;
        assert_told(&empty, 2, &["a value is required"]);
    }
    let wrong = with(&tool, "RINGBACK_STAFF_KEY", Some(&tool.centre.app_key), &desk).await?;
    assert_told(&wrong, 4, &["error[credentials_invalid]: "]);
    Ok(())
}

#[tokio::test]
async fn names_numbers_and_times() -> Outcome {
    let tool = Tool::start().await?;
    let number = number(13);
    let request = async |service: &str, number: &str, more: &[&str]| {
        tool.run(&[&["call", "request", service, number], more].concat()).await
    };
    let local = request("billing", "0309018200", &[]).await?;
    assert_told(&local, 3, &["error[number_not_e164]: "]);
    for command in ["offer", "availability"] {
        let said = tool.run(&["call", command, "biling", "--json"]).await?;
        assert_told(&said, 3, &["\"code\":\"service_unknown\""]);
    }
    let unknown = request("biling", &number, &[]).await?;
    assert_told(&unknown, 3, &["error[service_unknown]: ", "`ringback admin service list`"]);
    let time = |at: &'static str, zone: &'static str| ["--at", at, "--zone", zone];
    let word = request("advice", &number, &time("tomorrow", "Europe/Berlin")).await?;
    assert_told(&word, 3, &["error[field_invalid]: ", "2026-12-24T10:30"]);
    let zone = request("advice", &number, &time("2030-01-01T10:00", "Mars/Base")).await?;
    assert_told(&zone, 3, &["error[zone_unknown]: ", "`Europe/Berlin`"]);
    let alone = request("advice", &number, &["--at", "2030-01-01T10:00"]).await?;
    assert_told(&alone, 2, &["--zone"]);
    let snooze = tool.run(&["call", "snooze", "cb_0", "soon"]).await?;
    assert_told(&snooze, 2, &["soon", "write it in seconds, such as 600"]);
    assert_told(&tool.run(&["call", "canel"]).await?, 2, &["canel", "cancel"]);
    Ok(())
}

#[tokio::test]
async fn files() -> Outcome {
    let tool = Tool::start().await?;
    let file = |name: &str, content: &str| -> Result<String, Failure> {
        let path = tool.centre.folder().join(name);
        fs::write(&path, content)?;
        Ok(path.to_string_lossy().into_owned())
    };
    let nowhere = tool.run(&["admin", "apply", "nowhere.toml"]).await?;
    assert_told(&nowhere, 1, &["cannot read nowhere.toml"]);
    let cut = file("cut.toml", "[[queue]]\nname = \"support\n")?;
    let misspelt = file("misspelt.toml", "name = \"billing\"\nqueu = \"support\"\n")?;
    assert_told(&tool.run(&["admin", "apply", &cut]).await?, 1, &["cut.toml", "line 2"]);
    for kind in ["service", "calendar", "rule-set"] {
        let said = tool.run(&["admin", kind, "put", &misspelt]).await?;
        assert_told(&said, 1, &["misspelt.toml", "queu"]);
    }
    let config = Some(misspelt.as_str());
    let settings = with(&tool, "RINGBACK_CONFIG", config, &["admin", "queue", "list"]).await?;
    assert_told(&settings, 1, &["misspelt.toml", "line 1"]);
    let account = file("account.json", "{\"type\": \"service_account\"")?;
    let fcm = tool.run(&["admin", "push", "fcm", "project", "--service-account", &account]).await?;
    assert_told(&fcm, 3, &["error[field_invalid]: ", "JSON"]);
    Ok(())
}

/// Without a terminal and without a home, as under a service manager.
#[tokio::test]
async fn no_terminal() -> Outcome {
    let tool = Tool::start().await?;
    let id = tool.run(&["call", "request", "billing", &number(14), "-q"]).await?.id()?;
    let mut command = tool.command(&["call", "status", &id])?;
    command.env_remove("TERM").env_remove("HOME").env_remove("LANG");
    let said = said(command).await?;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    assert!(said.out.contains("queued") && !said.out.contains('\u{1b}'), "{said:?}");
    Ok(())
}
