//! What became of the numbers and codes that were given out, and whether there are enough of them.

use super::group::CallInGroup;
use crate::refusal::Refusal;
use crate::storage::Tx;
use crate::words::column_word;
use ringback_core::protocol::{PhoneNumber, Timestamp};
use serde::{Deserialize, Serialize};

/// What became of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallInState {
    /// Nobody has dialed yet.
    Waiting,
    /// The call came and was known.
    Matched,
    /// Nobody dialed in time.
    Expired,
}

/// A number and a code that were given out. The code itself is for the caller alone.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CallInRecord {
    /// `ci_…`
    pub id: String,
    /// The service that was asked for.
    pub service: String,
    /// The contact centre's number that was given out.
    pub number: PhoneNumber,
    /// What became of it.
    pub state: CallInState,
    /// The callback it belongs to, when it is one that the customer dials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_id: Option<String>,
    /// When it was given out.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Until when the code is good.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// When the call came.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub matched_at: Option<Timestamp>,
}

/// What was given out, newest first, 100 at a time.
pub fn list_records(tx: &mut Tx<'_>, after: Option<&str>) -> Result<Vec<CallInRecord>, Refusal> {
    Ok(tx.query(
        "select c.id, s.name, c.number, c.state, c.callback_id, c.created_at, c.expires_at, c.matched_at \
         from call_ins c join services s on s.id = c.service_id where c.id < $1 order by c.id desc limit 100",
        &[&after.unwrap_or("~")],
        |row| {
            Ok(CallInRecord {
                id: row.get(0)?,
                service: row.get(1)?,
                number: PhoneNumber::new(row.get::<String>(2)?),
                state: column_word(row, 3)?,
                callback_id: row.get(4)?,
                created_at: row.get(5)?,
                expires_at: row.get(6)?,
                matched_at: row.get(7)?,
            })
        },
    )?)
}

/// How a group's numbers are doing.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct GroupHealth {
    /// How many codes are waiting for a call now.
    pub waiting: u32,
    /// The share of all codes of the numbers that are waiting, 0 to 1. From a half on a new code takes several draws.
    pub used_share: f64,
    /// How many calls were known in the last 24 hours.
    pub matched_a_day: u32,
    /// How many codes nobody dialed in the last 24 hours.
    pub expired_a_day: u32,
    /// Whether there is room: less than half of the codes are waiting.
    pub is_healthy: bool,
}

/// How a group is doing.
pub fn health(tx: &mut Tx<'_>, group: &CallInGroup, now: Timestamp) -> Result<GroupHealth, Refusal> {
    let a_day_ago =
        now.checked_sub(jiff::SignedDuration::from_hours(24)).map_err(|_| Refusal::Damaged("the clock"))?;
    let (waiting, matched_a_day, expired_a_day): (u32, u32, u32) = tx.query_one(
        "select count(case state when 'waiting' then 1 end), \
         count(case when state = 'matched' and created_at > $2 then 1 end), \
         count(case when state = 'expired' and created_at > $2 then 1 end) \
         from call_ins where number in (select number from call_in_numbers n join call_in_groups g \
         on g.id = n.group_id where g.name = $1) and (state = 'waiting' or created_at > $2)",
        &[&group.name, &a_day_ago],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let codes = group.numbers.len() as f64 * 10_f64.powi(i32::try_from(group.code_digits).unwrap_or(9));
    let used_share = f64::from(waiting) / codes.max(1.0);
    Ok(GroupHealth { waiting, used_share, matched_a_day, expired_a_day, is_healthy: used_share < 0.5 })
}
