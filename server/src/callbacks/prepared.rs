//! What of a request needs neither the database nor the clock: done before the transaction, where nobody waits for it.

use super::create::NewCallback;
use crate::refusal::Refusal;
use crate::rules::{Spending, Subjects, check_number};
use crate::services::Service;
use crate::storage::Vault;
use ringback_core::protocol::ContextValue;
use std::collections::HashMap;
use std::sync::Arc;

/// A request by its service's rules: its number judged, what is kept of it sealed, what it is counted under hashed.
#[derive(Debug)]
pub(super) struct Prepared {
    service: Arc<Service>,
    pub(super) number_hash: String,
    pub(super) number: Vec<u8>,
    pub(super) name: Option<Vec<u8>>,
    pub(super) context: Option<Vec<u8>>,
    pub(super) journey: Option<Vec<u8>>,
    pub(super) spending: Spending,
}

impl Prepared {
    /// Refuses a number that is not called.
    pub(super) fn new(vault: &Vault, service: &Arc<Service>, new: &NewCallback) -> Result<Self, Refusal> {
        let request = &new.request;
        let number = check_number(&service.rule_sets, service.default_country, request.number.expose())
            .into_number("number")?;
        let number = number.e164.expose();
        let subjects = Subjects {
            service_id: &service.id,
            number,
            installation_id: Some(&new.installation_id),
            address: new.address,
        };
        let name = request.name.as_ref().map(|name| vault.seal(name.expose().as_bytes(), "callbacks.name"));
        let journey = request.journey.as_ref().map(|journey| seal_json(vault, journey, "callbacks.journey"));
        Ok(Self {
            service: service.clone(),
            number_hash: vault.lookup("number", number),
            number: vault.seal(number.as_bytes(), "callbacks.number")?,
            name: name.transpose()?,
            context: seal_context(vault, &request.context, "callbacks.context")?,
            journey: journey.transpose()?,
            spending: Spending::new(vault, &service.policy.limits, &subjects),
        })
    }

    /// Whether it was made by these very rules.
    pub(super) fn is_for(&self, service: &Arc<Service>) -> bool {
        Arc::ptr_eq(&self.service, service)
    }
}

/// Seals a context; an empty one is none.
pub(crate) fn seal_context(
    vault: &Vault,
    context: &HashMap<String, ContextValue>,
    sealed_as: &str,
) -> Result<Option<Vec<u8>>, Refusal> {
    if context.is_empty() {
        return Ok(None);
    }
    Ok(Some(seal_json(vault, context, sealed_as)?))
}

fn seal_json(vault: &Vault, value: &impl serde::Serialize, sealed_as: &str) -> Result<Vec<u8>, Refusal> {
    let json = serde_json::to_vec(value).map_err(|_| Refusal::Damaged("a context that cannot be written"))?;
    Ok(vault.seal(&json, sealed_as)?)
}
