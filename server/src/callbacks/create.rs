//! Asking for a callback.

use super::admission::{admit, announce};
use super::model::Position;
use super::prepared::Prepared;
use super::record::{Record, later};
use super::times;
use crate::app::Effects;
use crate::captcha::{self, Evidence};
use crate::centre::Centre;
use crate::events;
use crate::http::{Answer, Intent, once};
use crate::line::{self, StoredPromise};
use crate::refusal::Refusal;
use crate::rules;
use crate::services::Service;
use crate::storage::{Tx, Vault};
use crate::words::word;
use ringback_core::protocol::{
    self, Callback, CallbackRequest, ContextFault, ContextValue, EventKind, ProblemCode, Timestamp,
};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// A request that has passed every check that needs no database.
#[derive(Debug, Clone)]
pub struct NewCallback {
    pub(super) installation_id: String,
    pub(super) address: Option<IpAddr>,
    pub(super) request: CallbackRequest,
    captcha: Evidence,
    prepared: Option<Arc<Prepared>>,
}

impl NewCallback {
    /// Checks a request.
    pub fn check(
        installation_id: String,
        address: Option<IpAddr>,
        request: CallbackRequest,
    ) -> Result<Self, Refusal> {
        check_context(&request.context)?;
        if let Some(journey) = &request.journey {
            protocol::check_journey(journey).map_err(|fault| context_refused(&fault, "journey"))?;
        }
        Ok(Self { installation_id, address, request, captcha: Evidence::default(), prepared: None })
    }

    /// The same request, with what is known of its CAPTCHA.
    #[must_use]
    pub fn with_captcha(self, captcha: Evidence) -> Self {
        Self { captcha, ..self }
    }

    /// The same request with what its service's rules make of it, as this node remembers them: what need not be done in
    /// the transaction, where others wait. A request that does not pass is left as it is: the transaction says why, in the
    /// order of the checks.
    #[must_use]
    pub fn prepare(self, centre: &Centre) -> Self {
        let setup = centre.remembered_setup();
        let service = setup.service(&self.request.service);
        let prepared = service.and_then(|service| self.prepared_for(&centre.vault, service)).ok();
        Self { prepared, ..self }
    }

    /// What the service's rules make of the request; done now if it was not, or if they have changed since.
    pub(super) fn prepared_for(
        &self,
        vault: &Vault,
        service: &Arc<Service>,
    ) -> Result<Arc<Prepared>, Refusal> {
        match &self.prepared {
            Some(prepared) if prepared.is_for(service) => Ok(prepared.clone()),
            _ => Ok(Arc::new(Prepared::new(vault, service, self)?)),
        }
    }
}

/// Refuses a context that cannot be kept whole.
pub(crate) fn check_context(context: &HashMap<String, ContextValue>) -> Result<(), Refusal> {
    protocol::check_context(context).map_err(|fault| context_refused(&fault, "context"))
}

fn context_refused(fault: &ContextFault, field: &str) -> Refusal {
    let sentence = format!("{fault}.");
    match fault {
        ContextFault::KeyInvalid { key } => {
            Refusal::of_field(ProblemCode::ContextKeyInvalid, &format!("{field}.{key}"), sentence)
        }
        ContextFault::TooLarge { .. } | ContextFault::JourneyTooLarge { .. } => {
            Refusal::of_field(ProblemCode::ContextTooLarge, field, sentence)
        }
    }
}

/// The transaction of `POST /v1/callbacks`.
pub fn request(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    intent: &Intent,
    new: &NewCallback,
    now: Timestamp,
) -> Result<Answer, Refusal> {
    if let Ok(service) = centre.announce_setup(tx)?.service(&new.request.service) {
        announce(tx, service, now)?;
    }
    once(tx, &centre.vault, intent, 201, now, |tx| create(tx, effects, centre, new, now))
}

/// Puts a callback in line. Everything is durable when the transaction is: the callback, its event (I1).
pub fn create(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    new: &NewCallback,
    now: Timestamp,
) -> Result<Callback, Refusal> {
    let request = &new.request;
    let setup = centre.setup(tx)?;
    let service = setup.service(&request.service)?;
    let policy = &service.policy;
    let admitted = admit(tx, centre, service, new, now)?;
    captcha::demand(tx, &policy.captcha, &new.captcha)?;
    let mut record = Record {
        id: format!("cb_{}", uuid::Uuid::now_v7().simple()),
        installation_id: new.installation_id.clone(),
        service_id: service.id.clone(),
        policy: Box::new(policy.clone()),
        call_in_group_id: service.call_in_group_id.clone(),
        queue_id: service.queue_id.clone(),
        requirement_id: admitted.requirement_id,
        direction: admitted.direction,
        priority: admitted.priority,
        at: Position::Queued,
        agent_id: None,
        waiting_since: now,
        rank_us: 0,
        not_before: None,
        asked: 0,
        phase_by: None,
        scheduled: None,
        seat: None,
        expires_at: later(now, policy.expires_after_s)?,
        attempts: 0,
        entered_at: Some(now),
        began_at: None,
        rejected_by: None,
        spoken_salt: None,
        created_at: now,
        version: 1,
    };
    record.stand_at(now);
    if let Some(wall_time) = &request.scheduled_for {
        record.at = Position::Scheduled;
        times::promise(tx, centre, &mut record, wall_time, now)?;
    }
    let mut view = record.snapshot();
    let mut promise = StoredPromise::default();
    if record.at == Position::Queued {
        let place = line::place_at_end(tx, centre, service, (&record, admitted.waiting), now)?;
        promise = place.promise()?;
        view.position = Some(place.position);
        view.wait = Some(place.wait);
    }
    let prepared = &admitted.prepared;
    // The lock is taken by `spend`, together with the next statement.
    rules::announce_spend(tx, &prepared.spending)?;
    insert(tx, &record, prepared, &promise, now)?;
    let event = if record.at == Position::Queued { EventKind::Requested } else { EventKind::Scheduled };
    let append = if setup.has_webhooks { events::append } else { events::append_untold };
    append(tx, effects, &record, event, "customer", now)?;
    line::counted_in(tx, effects, &record, now)?;
    // Neighbours of a prefix or an address wait for each other from here to the commit, so everything else is done before.
    rules::spend(tx, &prepared.spending, now)?;
    effects.clock = true;
    if record.at == Position::Queued {
        effects.queues.insert(record.queue_id.clone());
    }
    Ok(view)
}

fn insert(
    tx: &mut Tx<'_>,
    record: &Record,
    prepared: &Prepared,
    promise: &StoredPromise,
    now: Timestamp,
) -> Result<(), Refusal> {
    let Prepared { number_hash, number, name, context, journey, .. } = prepared;
    let scheduled = record.scheduled.as_ref();
    let seat = record.seat.as_ref();
    for open_place in 0..record.policy.limits.open_per_number {
        let inserted = tx.execute(
            "insert into callbacks (id, installation_id, service_id, queue_id, requirement_id, number_hash, \
             number_sealed, name_sealed, context_sealed, journey_sealed, direction, state, priority, open_place, \
             waiting_since, rank_us, not_before, scheduled_at, scheduled_local, scheduled_zone, capacity_rule_id, \
             slot_start, expires_at, due_at, promise, promise_model, entered_at, asked, created_at, changed_at, version) values ($1, $2, \
             $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, \
             $26, $27, 0, $27, $27, 1) \
             on conflict (number_hash, service_id, open_place) where state <> 'completed' do nothing",
            &[
                &record.id, &record.installation_id, &record.service_id, &record.queue_id, &record.requirement_id,
                number_hash, number, name, context, journey, &word(record.direction)?,
                &word(record.at.state())?, &record.priority, &open_place, &record.waiting_since, &record.rank_us,
                &record.not_before, &scheduled.map(|time| time.at), &scheduled.map(|time| time.local.as_str()),
                &scheduled.map(|time| time.zone.as_str()), &seat.map(|seat| seat.capacity_rule_id.as_str()),
                &seat.map(|seat| seat.slot_start), &record.expires_at, &record.due_at(), &promise.promise, &promise.model, &now,
            ],
        )?;
        if inserted == 1 {
            return Ok(());
        }
    }
    Err(already_open(tx, &record.service_id, number_hash, &record.installation_id)?)
}

/// Says that the number waits already; which callback it is, only to its owner.
pub(super) fn already_open(
    tx: &mut Tx<'_>,
    service_id: &str,
    number_hash: &str,
    installation_id: &str,
) -> Result<Refusal, Refusal> {
    let open = tx.query_opt(
        "select id from callbacks where service_id = $1 and number_hash = $2 and installation_id = $3 \
         and state <> 'completed'",
        &[&service_id, &number_hash, &installation_id],
        |row| row.get::<String>(0),
    )?;
    let code = ProblemCode::CallbackAlreadyOpen;
    let mut problem = ringback_core::protocol::Problem::new(code, code.advice());
    problem.field = Some("number".to_owned());
    problem.callback_id = open;
    Ok(Refusal::Problem(Box::new(problem)))
}

/// When a snooze of this length ends; refuses one that is too short or too long.
pub(super) fn snooze_until(now: Timestamp, delay_s: u32, field: &str) -> Result<Timestamp, Refusal> {
    if (60..=86_400).contains(&delay_s) {
        later(now, delay_s)
    } else {
        Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            field,
            "A snooze lasts 60 to 86400 seconds. Choose a delay in that range.",
        ))
    }
}
