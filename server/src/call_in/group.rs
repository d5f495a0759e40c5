//! Groups: which numbers a service gives out, and how.

use crate::refusal::Refusal;
use crate::routing::resources::{check_name, name_taken};
use crate::rules::number;
use crate::storage::Tx;
use crate::words::{column_word, word};
use ringback_core::protocol::{PhoneNumber, ProblemCode, Timestamp};
use serde::{Deserialize, Serialize};

/// How the next number of a group is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum NumberSelection {
    /// One after the other.
    RoundRobin,
    /// Any.
    Random,
}

/// How the dialer gets the access code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum CodeEntry {
    /// The phone sends it by itself, a pause after the call is answered (`,`).
    Pause,
    /// The phone asks first whether to send it (`;`).
    Wait,
    /// It is not in the `tel:` URI: the person types it.
    ByHand,
}

/// A group to be made.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCallInGroup {
    /// Its name.
    pub name: String,
    /// The contact centre's own numbers, E.164, at least one.
    pub numbers: Vec<PhoneNumber>,
    /// How the next number is chosen; `round_robin` when absent.
    #[serde(default = "round_robin")]
    pub selection: NumberSelection,
    /// How many digits an access code has, 4 to 9; 6 when absent.
    #[serde(default = "six")]
    pub code_digits: u32,
    /// How long a code is good for, in seconds, 30 to 86 400; 600 when absent.
    #[serde(default = "ten_minutes")]
    pub expires_after_s: u32,
    /// How the dialer gets the code; `pause` when absent.
    #[serde(default = "pause")]
    pub code_entry: CodeEntry,
}

fn round_robin() -> NumberSelection {
    NumberSelection::RoundRobin
}

fn pause() -> CodeEntry {
    CodeEntry::Pause
}

fn six() -> u32 {
    6
}

fn ten_minutes() -> u32 {
    600
}

/// A group that exists.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CallInGroup {
    /// Its name.
    pub name: String,
    /// Its numbers in order.
    pub numbers: Vec<PhoneNumber>,
    /// How the next number is chosen.
    pub selection: NumberSelection,
    /// How many digits an access code has.
    pub code_digits: u32,
    /// How long a code is good for, in seconds.
    pub expires_after_s: u32,
    /// How the dialer gets the code.
    pub code_entry: CodeEntry,
}

/// Makes a group.
pub fn create_group(tx: &mut Tx<'_>, new: &NewCallInGroup, now: Timestamp) -> Result<CallInGroup, Refusal> {
    check_name(&new.name)?;
    let out_of_range =
        |field: &str, sentence: &str| Err(Refusal::of_field(ProblemCode::FieldInvalid, field, sentence));
    if !(1..=1000).contains(&new.numbers.len()) {
        return out_of_range("numbers", "A group has 1 to 1000 numbers. Name at least one.");
    }
    if !(4..=9).contains(&new.code_digits) {
        return out_of_range(
            "code_digits",
            "An access code has 4 to 9 digits. Choose a number in that range.",
        );
    }
    if !(30..=86_400).contains(&new.expires_after_s) {
        return out_of_range(
            "expires_after_s",
            "A code is good for 30 to 86400 seconds. Choose a number in that range.",
        );
    }
    for number in &new.numbers {
        number::check(number, "numbers")?;
    }
    let id = format!("cg_{}", uuid::Uuid::now_v7().simple());
    let made = tx.execute(
        "insert into call_in_groups (id, name, selection, code_digits, expires_after_s, next_number, created_at, \
         code_entry) values ($1, $2, $3, $4, $5, 0, $6, $7) on conflict (name) do nothing",
        &[
            &id,
            &new.name,
            &word(new.selection)?,
            &new.code_digits,
            &new.expires_after_s,
            &now,
            &word(new.code_entry)?,
        ],
    )?;
    if made == 0 {
        return Err(name_taken());
    }
    for (place, number) in (0_i64..).zip(&new.numbers) {
        tx.execute(
            "insert into call_in_numbers (group_id, place, number) values ($1, $2, $3)",
            &[&id, &place, &number.expose()],
        )?;
    }
    Ok(CallInGroup {
        name: new.name.clone(),
        numbers: new.numbers.clone(),
        selection: new.selection,
        code_digits: new.code_digits,
        expires_after_s: new.expires_after_s,
        code_entry: new.code_entry,
    })
}

/// All groups by name.
pub fn list_groups(tx: &mut Tx<'_>) -> Result<Vec<CallInGroup>, Refusal> {
    let groups = tx.query(
        "select id, name, selection, code_digits, expires_after_s, code_entry from call_in_groups order by name",
        &[],
        |row| {
            let group = CallInGroup {
                name: row.get(1)?,
                numbers: Vec::new(),
                selection: column_word(row, 2)?,
                code_digits: row.get(3)?,
                expires_after_s: row.get(4)?,
                code_entry: column_word(row, 5)?,
            };
            Ok((row.get::<String>(0)?, group))
        },
    )?;
    groups
        .into_iter()
        .map(|(id, group)| {
            let numbers = tx.query(
                "select number from call_in_numbers where group_id = $1 order by place",
                &[&id],
                |row| Ok(PhoneNumber::new(row.get::<String>(0)?)),
            )?;
            Ok(CallInGroup { numbers, ..group })
        })
        .collect()
}
