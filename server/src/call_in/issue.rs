//! Giving out a number and a code.

use super::group::{CodeEntry, NumberSelection};
use crate::app::Effects;
use crate::callbacks::{Record, check_context, later, seal_context};
use crate::captcha::{self, Evidence};
use crate::centre::Centre;
use crate::refusal::Refusal;
use crate::rules::number;
use crate::storage::{Tx, Vault};
use crate::words::column_word;
use aws_lc_rs::rand;
use ringback_core::protocol::{AccessCode, CallInRequest, CallTicket, PhoneNumber, ProblemCode, Timestamp};

/// A code is drawn this often before the group counts as busy. With half of all codes in use, one try in a million
/// meets only used ones.
const DRAWS: u32 = 20;

/// A request that has passed every check that needs no database.
#[derive(Debug, Clone)]
pub struct NewCallIn {
    installation_id: String,
    request: CallInRequest,
    captcha: Evidence,
}

impl NewCallIn {
    /// Checks a request.
    pub fn check(installation_id: String, request: CallInRequest) -> Result<Self, Refusal> {
        if let Some(number) = &request.caller_number {
            number::check(number, "caller_number")?;
        }
        check_context(&request.context)?;
        Ok(Self { installation_id, request, captcha: Evidence::default() })
    }

    /// The same request, with what is known of its CAPTCHA.
    #[must_use]
    pub fn with_captcha(self, captcha: Evidence) -> Self {
        Self { captcha, ..self }
    }
}

/// What a call-in row holds besides number and code.
struct Waiting<'a> {
    installation_id: &'a str,
    service_id: &'a str,
    callback_id: Option<&'a str>,
    caller_hash: Option<String>,
    caller: Option<Vec<u8>>,
    name: Option<Vec<u8>>,
    context: Option<Vec<u8>>,
}

/// Gives an app a number to dial.
pub fn issue(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    new: &NewCallIn,
    now: Timestamp,
) -> Result<CallTicket, Refusal> {
    let (request, vault) = (&new.request, &*centre.vault);
    let setup = centre.setup(tx)?;
    let service = setup.service(&request.service)?;
    let group_id = service.call_in_group_id.as_ref();
    let group_id = group_id.ok_or_else(|| Refusal::plain(ProblemCode::CallInNotOffered))?;
    captcha::demand(tx, &service.policy.captcha, &new.captcha)?;
    let caller = request.caller_number.as_ref();
    let waiting = Waiting {
        installation_id: &new.installation_id,
        service_id: &service.id,
        callback_id: None,
        caller_hash: caller.map(|number| vault.lookup("number", number.expose())),
        caller: caller.map(|number| vault.seal(number.expose().as_bytes(), "call_ins.caller")).transpose()?,
        name: request
            .name
            .as_ref()
            .map(|name| vault.seal(name.expose().as_bytes(), "call_ins.name"))
            .transpose()?,
        context: seal_context(vault, &request.context, "call_ins.context")?,
    };
    give_out(tx, effects, vault, group_id, &waiting, now)
}

/// Gives the customer of a customer-originated callback a number to dial.
pub fn issue_for_callback(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    vault: &Vault,
    record: &Record,
    now: Timestamp,
) -> Result<CallTicket, Refusal> {
    let group_id =
        record.call_in_group_id.as_ref().ok_or_else(|| Refusal::plain(ProblemCode::CallInNotOffered))?;
    let (service_id, number_hash) =
        tx.query_one("select service_id, number_hash from callbacks where id = $1", &[&record.id], |row| {
            Ok((row.get::<String>(0)?, row.get::<String>(1)?))
        })?;
    let waiting = Waiting {
        installation_id: &record.installation_id,
        service_id: &service_id,
        callback_id: Some(&record.id),
        caller_hash: Some(number_hash),
        caller: None,
        name: None,
        context: None,
    };
    give_out(tx, effects, vault, group_id, &waiting, now)
}

fn give_out(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    vault: &Vault,
    group_id: &str,
    waiting: &Waiting<'_>,
    now: Timestamp,
) -> Result<CallTicket, Refusal> {
    // Counting up locks the group's row, so that round-robin is exact and numbers do not collide.
    let (turn, selection, code_digits, expires_after_s, code_entry) = tx.query_one(
        "update call_in_groups set next_number = next_number + 1 where id = $1 \
         returning next_number, selection, code_digits, expires_after_s, code_entry",
        &[&group_id],
        |row| {
            let (turn, selection) = (row.get::<u64>(0)?, column_word(row, 1)?);
            Ok((turn, selection, row.get::<u32>(2)?, row.get::<u32>(3)?, column_word(row, 4)?))
        },
    )?;
    let numbers = tx.query(
        "select number from call_in_numbers where group_id = $1 order by place",
        &[&group_id],
        |row| row.get::<String>(0),
    )?;
    let turn = match selection {
        NumberSelection::RoundRobin => turn - 1,
        NumberSelection::Random => random()?,
    };
    let number = usize::try_from(turn % (numbers.len().max(1) as u64)).ok().and_then(|at| numbers.get(at));
    let number = number.ok_or(Refusal::Damaged("a call-in group without numbers"))?;
    let expires_at = later(now, expires_after_s)?;
    for _ in 0..DRAWS {
        let code = access_code(random()?, code_digits);
        let id = format!("ci_{}", uuid::Uuid::now_v7().simple());
        let kept = tx.execute(
            "insert into call_ins (id, installation_id, service_id, callback_id, number, access_code_hash, \
             access_code_sealed, caller_hash, caller_sealed, name_sealed, context_sealed, state, created_at, expires_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'waiting', $12, $13) \
             on conflict (number, access_code_hash) where state = 'waiting' do nothing",
            &[
                &id, &waiting.installation_id, &waiting.service_id, &waiting.callback_id, number,
                &vault.lookup("access_code", &code), &vault.seal(code.as_bytes(), "call_ins.access_code")?,
                &waiting.caller_hash, &waiting.caller, &waiting.name, &waiting.context, &now, &expires_at,
            ],
        )?;
        if kept == 1 {
            effects.clock = true;
            let tel_uri = PhoneNumber::new(tel_uri(number, &code, code_entry));
            let (number, access_code) = (PhoneNumber::new(number.clone()), AccessCode::new(code));
            return Ok(CallTicket { id, number, access_code, tel_uri, expires_at });
        }
    }
    let mut problem = Refusal::plain(ProblemCode::CallInNumbersBusy).into_problem();
    problem.retry_after_s = Some(60);
    Err(Refusal::Problem(Box::new(problem)))
}

/// What the dialer takes.
fn tel_uri(number: &str, code: &str, code_entry: CodeEntry) -> String {
    match code_entry {
        CodeEntry::Pause => format!("tel:{number},{code}"),
        CodeEntry::Wait => format!("tel:{number};{code}"),
        CodeEntry::ByHand => format!("tel:{number}"),
    }
}

/// So many digits, zeros in front included.
fn access_code(random: u64, digits: u32) -> String {
    let width = digits as usize;
    format!("{:0width$}", random % 10_u64.pow(digits))
}

fn random() -> Result<u64, Refusal> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).map_err(|_| Refusal::Damaged("no randomness"))?;
    Ok(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::{CodeEntry, access_code, tel_uri};
    use proptest::prelude::*;

    #[test]
    fn leading_zeros_are_kept() {
        assert_eq!(access_code(42, 6), "000042");
        assert_eq!(access_code(1_000_042, 6), "000042");
    }

    #[test]
    fn the_code_follows_as_the_group_wants_it() {
        let uri = |code_entry| tel_uri("+493023125001", "0042", code_entry);
        assert_eq!(uri(CodeEntry::Pause), "tel:+493023125001,0042");
        assert_eq!(uri(CodeEntry::Wait), "tel:+493023125001;0042");
        assert_eq!(uri(CodeEntry::ByHand), "tel:+493023125001");
    }

    proptest! {
        #[test]
        fn a_code_has_exactly_its_digits(random: u64, digits in 4_u32..=9) {
            let code = access_code(random, digits);
            prop_assert_eq!(code.len(), digits as usize);
            prop_assert!(code.bytes().all(|byte| byte.is_ascii_digit()));
        }
    }
}
