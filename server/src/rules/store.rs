//! Rule sets in the database.

use super::rule_set::{RuleSet, RuleSetSetup};
use crate::refusal::Refusal;
use crate::routing::resources::name_taken;
use crate::services::{self, changed};
use crate::storage::{Tx, Vault};
use ringback_core::protocol::{ProblemCode, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;

const SEALED_AS: &str = "rule_sets.definition";

/// Makes a rule set; refuses a name that is taken.
pub fn create(tx: &mut Tx<'_>, vault: &Vault, setup: &RuleSetSetup, now: Timestamp) -> Result<(), Refusal> {
    let sealed = seal(vault, setup)?;
    changed(tx)?;
    let made = tx.execute(
        "insert into rule_sets (name, definition_sealed, changed_at) values ($1, $2, $3) \
         on conflict (name) do nothing",
        &[&setup.name, &sealed, &now],
    )?;
    if made == 1 { Ok(()) } else { Err(name_taken()) }
}

/// Makes a rule set, or puts it in place of the one of its name.
pub fn put(tx: &mut Tx<'_>, vault: &Vault, setup: &RuleSetSetup, now: Timestamp) -> Result<(), Refusal> {
    let sealed = seal(vault, setup)?;
    changed(tx)?;
    tx.execute(
        "insert into rule_sets (name, definition_sealed, changed_at) values ($1, $2, $3) on conflict (name) \
         do update set definition_sealed = excluded.definition_sealed, changed_at = excluded.changed_at",
        &[&setup.name, &sealed, &now],
    )?;
    Ok(())
}

/// Checks and seals.
fn seal(vault: &Vault, setup: &RuleSetSetup) -> Result<Vec<u8>, Refusal> {
    setup.compile()?;
    let json =
        serde_json::to_vec(setup).map_err(|_| Refusal::Damaged("a rule set that cannot be written"))?;
    Ok(vault.seal(&json, SEALED_AS)?)
}

/// The rule set of this name.
pub fn get(tx: &mut Tx<'_>, vault: &Vault, name: &str) -> Result<RuleSetSetup, Refusal> {
    let sealed: Option<Vec<u8>> =
        tx.query_opt("select definition_sealed from rule_sets where name = $1", &[&name], |row| row.get(0))?;
    open(vault, &sealed.ok_or_else(unknown)?)
}

/// All rule sets by name.
pub fn list(tx: &mut Tx<'_>, vault: &Vault) -> Result<Vec<RuleSetSetup>, Refusal> {
    let sealed: Vec<Vec<u8>> =
        tx.query("select definition_sealed from rule_sets order by name", &[], |row| row.get(0))?;
    sealed.iter().map(|sealed| open(vault, sealed)).collect()
}

/// Takes a rule set away.
pub fn delete(tx: &mut Tx<'_>, name: &str) -> Result<(), Refusal> {
    changed(tx)?;
    if services::names(tx, |service| service.rule_sets.iter().any(|named| named == name))?.is_some() {
        return Err(Refusal::of_field(ProblemCode::InUse, "name", ProblemCode::InUse.advice()));
    }
    match tx.execute("delete from rule_sets where name = $1", &[&name])? {
        0 => Err(unknown()),
        _ => Ok(()),
    }
}

/// Whether there is a rule set of this name.
pub fn exists(tx: &mut Tx<'_>, name: &str) -> Result<bool, Refusal> {
    Ok(tx.query_opt("select 1 from rule_sets where name = $1", &[&name], |_| Ok(()))?.is_some())
}

/// All rule sets, ready to judge.
pub fn load(tx: &mut Tx<'_>, vault: &Vault) -> Result<HashMap<String, Arc<RuleSet>>, Refusal> {
    list(tx, vault)?
        .into_iter()
        .map(|setup| {
            let set = setup.compile().map_err(|_| Refusal::Damaged("a rule set"))?;
            Ok((setup.name, Arc::new(set)))
        })
        .collect()
}

fn open(vault: &Vault, sealed: &[u8]) -> Result<RuleSetSetup, Refusal> {
    serde_json::from_slice(&vault.unseal(sealed, SEALED_AS)?).map_err(|_| Refusal::Damaged("a rule set"))
}

fn unknown() -> Refusal {
    Refusal::of_field(ProblemCode::ReferenceUnknown, "rule_sets", ProblemCode::ReferenceUnknown.advice())
}

/// The rule sets of these names; refuses a name that is not there, so that no rule is left out unseen.
pub fn of_names(
    sets: &HashMap<String, Arc<RuleSet>>,
    names: &[String],
) -> Result<Vec<Arc<RuleSet>>, Refusal> {
    names.iter().map(|name| sets.get(name).cloned().ok_or_else(unknown)).collect()
}
