//! Requests for a call with every rule there is.

use super::ground::STRICT;
use super::{Counts, Ground, median};
use crate::Failure;
use crate::create::{CALLERS, ask, per_second};
use crate::row::Row;
use crate::seed::{self, Ask, address_of};
use futures_util::future::try_join_all;
use ringback_core::protocol::{APP_KEY_HEADER, IDEMPOTENCY_KEY_HEADER, Installation};
use ringback_server::storage::Engine;
use serde_json::json;
use std::time::Instant;

pub(super) async fn rows(counts: &Counts) -> Result<Vec<Row>, Failure> {
    let ground = Ground::new(Engine::Sqlite, 0).await?;
    let mut served = Ground::new(Engine::Sqlite, 0).await?;
    served.app.storage.close().await;
    served.centre.start_server().await?;
    let callers = Callers::register(&served).await?;

    let many = CALLERS * counts.creates_per_caller;
    let (mut together, mut alone, mut over_http) = (Vec::new(), Vec::new(), Vec::new());
    let mut number = 0;
    // The first round is not counted: statements are prepared and connections made in it.
    for round in 0..=counts.rounds {
        let mut asks = asks(&ground, number, 2 * many).await?;
        let for_one = asks.split_off(many);
        let started = Instant::now();
        let callbacks = asks
            .chunks(counts.creates_per_caller)
            .map(|asks| tokio::spawn(ask(ground.app.clone(), asks.to_vec())));
        for asked in try_join_all(callbacks).await? {
            asked?;
        }
        let (rate, started) = (per_second(many, started.elapsed()), Instant::now());
        ask(ground.app.clone(), for_one).await?;
        let one_rate = per_second(many, started.elapsed());
        let http_rate = callers.ask(number, counts.creates_per_caller).await?;
        number += 2 * many;
        if round > 0 {
            together.push(rate);
            alone.push(one_rate);
            over_http.push(http_rate);
        }
    }
    served.centre.stop().await?;
    let (together, alone, over_http) = (median(together), median(alone), median(over_http));
    Ok(vec![
        Row {
            name: "line/create-sqlite".to_owned(),
            figure: together,
            reference: alone,
            meaning: format!(
                "Requests with every rule there is (hours, rule sets, all kinds of limits, a ceiling, skills) made durable \
                 on SQLite, {CALLERS} callers at once. Reference: the same transactions one after the other, one commit \
                 each. Medians of rounds that take turns."
            ),
        },
        Row {
            name: "line/create-http".to_owned(),
            figure: over_http,
            reference: together,
            meaning: format!(
                "The same requests over HTTP to a server of its own, {CALLERS} connections kept open, client and server on \
                 this machine. Reference: the row above."
            ),
        },
    ])
}

async fn asks(ground: &Ground, first: usize, count: usize) -> Result<Vec<Ask>, Failure> {
    let installations = seed::installations(&ground.app.storage, count).await?;
    let mut asks = Vec::with_capacity(count);
    for (number, installation) in (first..).zip(&installations) {
        asks.push(Ask::new(STRICT, installation, number).await?);
    }
    Ok(asks)
}

/// Installations with a connection each.
struct Callers {
    url: String,
    /// One for each caller, with its credential.
    clients: Vec<(reqwest::Client, String)>,
}

impl Callers {
    async fn register(ground: &Ground) -> Result<Self, Failure> {
        let url = ground.centre.url.clone();
        let registered = (0..CALLERS).map(|_| async {
            let client = reqwest::Client::new();
            let body = json!({ "secret": format!("{0}{0}", uuid::Uuid::new_v4().simple()) });
            let request = client.post(format!("{url}/v1/installations"));
            let answer = request.header(APP_KEY_HEADER, &ground.centre.app_key).json(&body).send().await?;
            let installation: Installation = answer.error_for_status()?.json().await?;
            Ok::<_, Failure>((client, installation.token.expose().to_owned()))
        });
        let clients = try_join_all(registered).await?;
        Ok(Self { url, clients })
    }

    /// Everybody asks so many times; requests in a second.
    async fn ask(&self, first: usize, each: usize) -> Result<f64, Failure> {
        let started = Instant::now();
        let asking = self.clients.iter().enumerate().map(|(caller, (client, token))| {
            let (client, token, url) = (client.clone(), token.clone(), format!("{}/v1/callbacks", self.url));
            tokio::spawn(async move {
                for number in first + caller * each..first + (caller + 1) * each {
                    let answer = client
                        .post(&url)
                        .bearer_auth(&token)
                        .header(IDEMPOTENCY_KEY_HEADER, uuid::Uuid::new_v4().to_string())
                        .header("x-forwarded-for", address_of(number).to_string())
                        .json(&seed::request(STRICT, number))
                        .send()
                        .await?;
                    answer.error_for_status()?.bytes().await?;
                }
                Ok::<_, reqwest::Error>(())
            })
        });
        for asked in try_join_all(asking).await? {
            asked?;
        }
        Ok(per_second(self.clients.len() * each, started.elapsed()))
    }
}
