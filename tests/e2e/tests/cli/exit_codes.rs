//! Each class of error has its exit code, and says its stable code.

use crate::tool::{Said, Tool, number, said};
use crate::{Failure, Outcome};
use serde_json::Value;
use std::collections::BTreeSet;

#[track_caller]
fn assert_ended(said: &Said, exit: i32, code: &str) {
    assert_eq!(said.code, Some(exit), "{said:?}");
    assert!(said.err.starts_with(&format!("error[{code}]: ")), "{said:?}");
    assert_eq!(said.out, "");
}

#[tokio::test]
async fn refusals_end_with_the_code_of_their_class() -> Outcome {
    let tool = Tool::start().await?;
    let (first, second) = (number(3), number(4));
    let id = tool.run(&["call", "request", "billing", &first, "-q"]).await?.id()?;
    assert_ended(&tool.run(&["call", "request", "billing", "12"]).await?, 3, "number_not_e164");
    assert_ended(&tool.run(&["call", "status", "not an id"]).await?, 3, "callback_id_invalid");
    assert_ended(&tool.run(&["call", "status", "cb_0"]).await?, 5, "callback_not_found");
    assert_ended(&tool.run(&["agent", "desk", "nobody"]).await?, 5, "agent_not_found");
    assert_ended(&tool.run(&["admin", "queue", "create", "support"]).await?, 6, "name_taken");
    let open = tool.run(&["call", "request", "billing", &first, "--name", "B"]).await?;
    assert_ended(&open, 6, "callback_already_open");
    assert!(open.err.contains(&id), "its own callback is named: {}", open.err);
    assert!(!open.err.contains(&first), "{}", open.err);
    tool.run(&["admin", "service", "pause", "billing"]).await?.id()?;
    assert_ended(&tool.run(&["call", "request", "billing", &second]).await?, 7, "service_paused");
    Ok(())
}

#[tokio::test]
async fn keys_servers_and_disks_have_codes_of_their_own() -> Outcome {
    let tool = Tool::start().await?;
    let with = async |name: &str, value: &str, arguments: &[&str]| {
        let mut command = tool.command(arguments)?;
        said({
            command.env(name, value);
            command
        })
        .await
    };
    let list = ["call", "list"];
    assert_ended(&with("RINGBACK_APP_KEY", "rb_pub_wrong", &list).await?, 4, "credentials_invalid");
    let desk = ["agent", "desk", "ada"];
    assert_ended(&with("RINGBACK_STAFF_KEY", "wrong", &desk).await?, 4, "credentials_invalid");
    assert_ended(&with("RINGBACK_URL", "http://127.0.0.1:9", &desk).await?, 8, "unreachable");
    // Something answers there, and it is no Ringback server.
    let apns = tool.centre.doubles.apns.endpoint().replace("https:", "http:");
    assert_eq!(with("RINGBACK_URL", &apns, &desk).await?.code, Some(8));
    let file = tool.centre.config_file();
    let request = ["call", "request", "billing", &number(5)];
    let said = with("RINGBACK_DATA", &file.to_string_lossy(), &request).await?;
    assert_eq!(said.code, Some(9), "a file where the folder should be: {said:?}");
    assert_eq!(with("RINGBACK_APP_KEY", "", &["call", "list", "--nonsense"]).await?.code, Some(2));
    assert_eq!(with("RINGBACK_CONFIG", "/nowhere.toml", &["admin", "queue", "list"]).await?.code, Some(1));
    Ok(())
}

#[tokio::test]
async fn programs_read_errors_as_json() -> Outcome {
    let tool = Tool::start().await?;
    let said = tool.run(&["call", "request", "billing", "12", "--json"]).await?;
    let error: Value = serde_json::from_str(&said.err)?;
    assert_eq!((error["code"].as_str(), error["exit"].as_i64()), (Some("number_not_e164"), Some(3)));
    assert_eq!((error["field"].as_str(), error["kept"].as_bool()), (Some("number"), Some(false)));
    // The page shows an error as it is.
    let shown =
        include_str!("../../../../docs/cli.md").split_once("```json\n").ok_or("the page shows none")?.1;
    let shown: Value = serde_json::from_str(shown.split_once("```").ok_or("no end")?.0)?;
    let error = full_slot(&tool).await?;
    let keys = |value: &Value| -> BTreeSet<String> {
        value.as_object().into_iter().flat_map(|fields| fields.keys().cloned()).collect()
    };
    assert_eq!(keys(&shown), keys(&error));
    for key in ["code", "title", "detail", "exit", "retryable", "kept", "status", "field"] {
        assert_eq!(shown[key], error[key], "{key}");
    }
    assert_eq!(keys(&shown["slots"][0]), keys(&error["slots"][0]));
    let number = number(6);
    let past = [
        "call",
        "request",
        "advice",
        &number,
        "--at",
        "2020-01-01T10:00",
        "--zone",
        "Europe/Berlin",
        "--json",
    ];
    let error: Value = serde_json::from_str(&tool.run(&past).await?.err)?;
    assert_eq!((error["code"].as_str(), error["exit"].as_i64()), (Some("time_past"), Some(3)));
    Ok(())
}

/// What is said when a slot has no seat left: one of `advice` has two.
async fn full_slot(tool: &Tool) -> Result<Value, Failure> {
    let listed =
        tool.run(&["call", "availability", "advice", "--zone", "Europe/Berlin", "--json"]).await?.out;
    let slots: Vec<Value> = listed.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let slot = slots.get(slots.len() / 2).ok_or("no slots")?;
    let local = slot["wall_time"]["local"].as_str().ok_or("no time")?;
    let mut last = Value::Null;
    for index in [15, 16, 17] {
        let number = number(index);
        let arguments =
            ["call", "request", "advice", &number, "--at", local, "--zone", "Europe/Berlin", "--json"];
        let said = tool.run(&arguments).await?;
        last = serde_json::from_str(if index < 17 { &said.out } else { &said.err })?;
    }
    Ok(last)
}

#[tokio::test]
async fn a_dry_run_ends_as_the_request_would() -> Outcome {
    let tool = Tool::start().await?;
    let number = number(7);
    let fine = tool.run(&["call", "validate", "billing", &number]).await?;
    assert_eq!(fine.code, Some(0));
    assert!(fine.out.ends_with("A request would be accepted.\n"), "{}", fine.out);
    tool.run(&["call", "request", "billing", &number]).await?.id()?;
    let (dry, real) = (
        tool.run(&["call", "validate", "billing", &number, "--name", "B"]).await?,
        tool.run(&["call", "request", "billing", &number, "--name", "B"]).await?,
    );
    assert_eq!((dry.code, real.code), (Some(6), Some(6)), "{dry:?}");
    assert!(dry.out.contains("callback_already_open"), "{}", dry.out);
    Ok(())
}
