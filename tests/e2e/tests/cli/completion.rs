//! Completion as bash does it: the script is loaded and asked.

use crate::{Failure, Outcome};
use std::process::Command;

/// What bash offers after these words, the last of which is being typed.
fn offered(words: &[&str]) -> Result<Vec<String>, Failure> {
    let script = r#"
        source <(ringback completion bash)
        complete -p ringback > /dev/null
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _ringback ringback "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let program = ringback_e2e::binary()?;
    let folder = program.parent().ok_or("the program is in no folder")?;
    let output = Command::new("bash")
        .args(["--norc", "-e", "-c", script, "bash"])
        .args(words)
        .env("PATH", format!("{}:{}", folder.display(), std::env::var("PATH")?))
        .output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && error.is_empty(), "{error}");
    Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
}

#[test]
fn commands_options_and_values_are_offered() -> Outcome {
    let mut requests = offered(&["ringback", "call", "re"])?;
    requests.sort();
    assert_eq!(requests, ["register-push", "request", "reschedule", "resume"]);
    assert!(offered(&["ringback", "call", "request", "--"])?.contains(&"--context".to_owned()));
    assert!(offered(&["ringback", "agent", "result", "cb_0", "no"])?.contains(&"no_answer".to_owned()));
    let states = offered(&["ringback", "call", "watch", "cb_0", "--until", "re"])?;
    assert!(states.contains(&"reserved".to_owned()), "{states:?}");
    assert_eq!(offered(&["ringback", "admin", "capt"])?, ["captcha"]);
    Ok(())
}
