//! Click-to-call groups.

use super::Direct;
use crate::Failure;
use clap::Subcommand;
use ringback_core::protocol::PhoneNumber;
use ringback_server::call_in::{self, CodeEntry, NewCallInGroup, NumberSelection};
use ringback_server::clock::now;

#[derive(Subcommand)]
pub(crate) enum GroupCommand {
    /// Make a group
    Create {
        /// 1 to 64 of a-z, 0-9 and -
        name: String,
        /// One of the contact centre's own numbers, E.164; repeat for more
        #[arg(long = "number", value_name = "NUMBER", required = true)]
        numbers: Vec<String>,
        /// How the next number is chosen
        #[arg(long, value_enum, default_value = "round-robin")]
        selection: NumberSelection,
        /// How many digits an access code has, 4 to 9
        #[arg(long, value_name = "COUNT", default_value_t = 6)]
        code_digits: u32,
        /// How long a code is good for, 30 to 86400
        #[arg(long, value_name = "SECONDS", default_value_t = 600)]
        expires_after_s: u32,
        /// How the dialer gets the code
        #[arg(long, value_enum, default_value = "pause")]
        code_entry: CodeEntry,
    },
    /// List all
    List,
}

const COLUMNS: &[(&str, &str)] = &[
    ("NAME", "/name"),
    ("NUMBERS", "/numbers"),
    ("SELECTION", "/selection"),
    ("DIGITS", "/code_digits"),
    ("GOOD FOR s", "/expires_after_s"),
];

pub(super) async fn run(direct: &Direct, command: GroupCommand) -> Result<(), Failure> {
    match command {
        GroupCommand::Create { name, numbers, selection, code_digits, expires_after_s, code_entry } => {
            let numbers = numbers.into_iter().map(PhoneNumber::new).collect();
            let made = name.clone();
            let group = NewCallInGroup { name, numbers, selection, code_digits, expires_after_s, code_entry };
            direct.write(move |tx| call_in::create_group(tx, &group, now())).await?;
            direct.done("click-to-call group", &made, "is there")
        }
        GroupCommand::List => {
            let groups = direct.read(call_in::list_groups).await?;
            direct.output.columns(&groups, COLUMNS, "no click-to-call groups")
        }
    }
}
