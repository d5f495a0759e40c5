//! What a benchmark finds in its database: a service, and installations that ask it for calls.

use axum::extract::FromRequestParts as _;
use ringback_core::protocol::{
    CallbackRequest, ContextValue, IDEMPOTENCY_KEY_HEADER, PersonName, PhoneNumber,
};
use ringback_server::app::Effects;
use ringback_server::callbacks::{self, NewCallback};
use ringback_server::centre::Centre;
use ringback_server::clock::now;
use ringback_server::http::{Answer, IdempotencyKey, Intent};
use ringback_server::identity::admin::create_app_key;
use ringback_server::refusal::Refusal;
use ringback_server::routing::resources::{Named, create_queue};
use ringback_server::services::{ServiceSetup, create_service};
use ringback_server::storage::{Storage, Tx};
use std::collections::HashMap;
use std::net::IpAddr;

use crate::Failure;

/// How many rows are written in one transaction.
pub(crate) const BATCH: usize = 500;

/// A queue and a service, both of this name, without skills.
pub(crate) async fn service(storage: &Storage, name: &str) -> Result<(), Refusal> {
    let setup = ServiceSetup::new(name, name);
    storage
        .write(move |tx| {
            create_queue(tx, &Named { name: setup.queue.clone() }, now())?;
            create_service(tx, &setup, now())
        })
        .await
}

/// So many installations of an app of their own; their ids.
pub(crate) async fn installations(storage: &Storage, count: usize) -> Result<Vec<String>, Refusal> {
    let mut ids = Vec::with_capacity(count);
    storage
        .write(|tx| {
            let known = tx.query_opt("select 1 from api_keys where name = 'bench'", &[], |_| Ok(()))?;
            if known.is_some() { Ok(()) } else { create_app_key(tx, "bench", now()).map(drop) }
        })
        .await?;
    while ids.len() < count {
        let batch = BATCH.min(count - ids.len());
        let made = move |tx: &mut Tx<'_>| (0..batch).map(|_| installation(tx)).collect::<Result<Vec<_>, _>>();
        ids.extend(storage.write(made).await?);
    }
    Ok(ids)
}

fn installation(tx: &mut Tx<'_>) -> Result<String, Refusal> {
    let id = format!("in_{}", uuid::Uuid::now_v7().simple());
    // Nobody presents these secrets, so any bytes do.
    tx.execute(
        "insert into installations (id, app_key_id, secret_hash, token_hash, event_seq, created_at) \
         select $1, k.id, $2, $2, 0, $3 from api_keys k where k.name = 'bench'",
        &[&id, &id.as_bytes().to_vec(), &now()],
    )?;
    Ok(id)
}

/// Everybody's own; neighbours do not share a prefix, as strangers do not.
fn number_of(number: usize) -> String {
    format!("+49151{:04}{:04}", number % 10_000, number / 10_000)
}

/// Neighbours do not share a network.
pub(crate) fn address_of(number: usize) -> IpAddr {
    IpAddr::from([10, (number % 256) as u8, (number / 256 % 256) as u8, 1])
}

/// What a customer asks.
pub(crate) fn request(service: &str, number: usize) -> CallbackRequest {
    CallbackRequest {
        name: Some(PersonName::from("Benchmark")),
        context: HashMap::from([
            ("screen".to_owned(), ContextValue::from("invoices")),
            ("invoice".to_owned(), ContextValue::from("2026-11-0815")),
        ]),
        ..CallbackRequest::new(service, PhoneNumber::from(number_of(number).as_str()))
    }
}

/// What `POST /v1/callbacks` does in its transaction, for one customer.
#[derive(Clone)]
pub(crate) struct Ask {
    new: NewCallback,
    intent: Intent,
}

impl Ask {
    /// The request of an installation. `number` tells customers apart.
    pub(crate) async fn new(service: &str, installation_id: &str, number: usize) -> Result<Self, Failure> {
        let request = request(service, number);
        let (mut parts, ()) = axum::http::Request::builder()
            .header(IDEMPOTENCY_KEY_HEADER, uuid::Uuid::new_v4().to_string())
            .body(())?
            .into_parts();
        let key = IdempotencyKey::from_request_parts(&mut parts, &()).await?;
        let owner = installation_id.to_owned();
        Ok(Self {
            new: NewCallback::check(installation_id.to_owned(), Some(address_of(number)), request)?,
            intent: Intent { owner, key, request_hash: vec![0; 32], nonce: None },
        })
    }

    /// What comes before the transaction, as in `POST /v1/callbacks`.
    pub(crate) fn prepare(self, centre: &Centre) -> Self {
        Self { new: self.new.prepare(centre), ..self }
    }

    /// The transaction's body.
    pub(crate) fn run(
        &self,
        tx: &mut Tx<'_>,
        effects: &mut Effects,
        centre: &Centre,
    ) -> Result<Answer, Refusal> {
        callbacks::request(tx, effects, centre, &self.intent, &self.new, now())
    }
}
