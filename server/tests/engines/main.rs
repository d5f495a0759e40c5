//! What is kept in the database, on both engines. PostgreSQL's cases want `RINGBACK_TEST_POSTGRES`, which
//! `cargo xtask test` sets.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail the test")]

use std::time::Duration;

/// Each case as a test on SQLite and one on PostgreSQL.
macro_rules! on_both_engines {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                crate::within_patience(super::$case(super::Engine::Sqlite)).await;
            })*
        }
        mod postgresql {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                crate::within_patience(super::$case(super::Engine::Postgres)).await;
            })*
        }
    };
}

mod archive;
mod conformance;
mod invariants;
mod prepared;
mod push_registry;
mod push_seeing;
mod rules;
mod schedule;
mod sealed;
mod statements;
mod webhooks;

const PATIENCE: Duration = Duration::from_secs(120);

async fn within_patience(case: impl Future<Output = ()>) {
    tokio::time::timeout(PATIENCE, case).await.expect("the case did not end in time");
}
