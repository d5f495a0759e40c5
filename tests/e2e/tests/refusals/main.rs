//! Every refusal, over the wire: a problem document with a stable code and a sentence, and nothing private in it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail the test")]

use ringback_core::protocol::ProblemCode;
use ringback_doubles::CaptchaDouble;
use ringback_e2e::CentreSettings;
use ringback_server::storage::Engine;
use std::collections::BTreeSet;

mod admission;
mod asker;
mod callbacks;
mod captcha;
mod faults;
mod requests;
mod rules;
mod signatures;
mod staff;
#[path = "../support/mod.rs"]
mod support;

use asker::Asker;
use support::{Failure, World};

/// What no caller can bring about in a test, and why not.
const NOT_PROVOKED: &[(ProblemCode, &str)] = &[
    (ProblemCode::CallInNumbersBusy, "the shortest codes have 4 digits: it takes thousands of call-ins"),
    (ProblemCode::ShuttingDown, "only /readyz says so, on a connection that the stopping server still takes"),
    (ProblemCode::Internal, "a mistake of the server that nobody knows of"),
];

async fn every_code(engine: Engine) -> Result<(), Failure> {
    let captcha = CaptchaDouble::start().await?;
    // Short, so that a body that never ends is soon too late.
    let config = format!(
        "[http]\nrequest_timeout_s = 6\n[attestation]\napp_attest_apps = [\"TEAM.com.example\"]\n[captcha]\nchallenge_expires_s = 6\nturnstile_endpoint = {:?}",
        captcha.endpoint()
    );
    let settings = CentreSettings { config, ..Default::default() };
    let world = World::start_with(engine, settings).await?;
    let asker = Asker::new(&world);

    requests::bodies_and_fields(&asker).await?;
    requests::paths_and_methods(&asker).await?;
    requests::idempotency_keys(&asker).await?;
    requests::twenty_copies_at_once(&asker).await?;
    callbacks::a_number_waits_once(&world, &asker).await?;
    callbacks::what_belongs_to_others(&world, &asker).await?;
    callbacks::answers_out_of_turn(&world, &asker).await?;
    callbacks::action_tokens_of_two_devices(&asker, &world).await?;
    callbacks::action_tokens_of_earlier_questions(&asker, &world).await?;
    callbacks::push_tokens(&asker).await?;
    callbacks::devices_and_deliveries(&asker, &world).await?;
    signatures::signatures(&asker, &world.centre.app_key).await?;
    signatures::keys(&asker, &world.centre.app_key).await?;
    signatures::attestation(&asker).await?;
    staff::keys(&world, &asker).await?;
    staff::roles(&asker).await?;
    staff::agents(&world, &asker).await?;
    staff::names_and_references(&asker).await?;
    rules::rule_sets(&asker).await?;
    admission::numbers(&asker).await?;
    admission::limits(&asker).await?;
    admission::what_is_offered(&asker).await?;
    admission::chosen_times(&asker).await?;
    admission::skills_and_priority(&asker).await?;
    captcha::tokens(&asker).await?;
    captcha::providers(&asker, &captcha).await?;
    staff::call_ins(&world, &asker).await?;
    faults::a_body_that_never_ends(&asker).await?;
    faults::the_database_is_gone(&world, &asker, engine).await?;

    let mut expected: BTreeSet<String> = ProblemCode::ALL.iter().map(|code| code.code().to_owned()).collect();
    for (code, _) in NOT_PROVOKED {
        expected.remove(code.code());
    }
    if engine == Engine::Sqlite {
        // The file is the server's own; nobody can take it away.
        expected.remove(ProblemCode::StorageUnavailable.code());
    }
    assert_eq!(asker.seen(), expected, "a code is missing a test, or is no longer given");
    Ok(())
}

support::on_both_engines! {
    every_code_has_its_document => |engine| every_code(engine);
}
