//! The demo, run as a newcomer runs it.

use std::process::{Command, Output};

fn demo(arguments: &[&str]) -> std::io::Result<(Output, String)> {
    let output = Command::new(env!("CARGO_BIN_EXE_ringback-demo")).args(arguments).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok((output, said))
}

#[test]
fn three_journeys_arrive_twice_in_a_row() -> std::io::Result<()> {
    for _ in 0..2 {
        let (output, said) = demo(&["--once"])?;
        assert!(output.status.success(), "{said}");
        assert!(said.contains("All three journeys arrived."), "{said}");
        assert_eq!(
            said.matches("are not in it: looked for each").count(),
            2,
            "both pushes are shown and clean"
        );
    }
    Ok(())
}

#[test]
fn a_refused_push_stops_the_journey_at_its_step() -> std::io::Result<()> {
    let (output, said) = demo(&["--once", "--refuse-push"])?;
    assert!(!output.status.success());
    assert!(said.contains("stopped at \"server writes the push"), "{said}");
    assert!(said.contains("APNs refused it with 410 Unregistered"), "{said}");
    Ok(())
}
