//! Random lives of callbacks and agents over the real functions and a real database, on both engines: after each step,
//! legal or refused, everything that must always hold is looked up (docs/ARCHITECTURE.md, "What always holds").

mod centre;
mod checks;
mod steps;

use centre::House;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use ringback_server::storage::Engine;
use steps::Step;

/// So many lives of so many steps.
fn walk(engine: Engine, lives: u32, length: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config {
        cases: lives,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    });
    let life = proptest::collection::vec(any::<Step>(), length / 2..length);
    let outcome = runner.run(&life, |steps| {
        runtime.block_on(async {
            let mut house = House::open(engine).await;
            for step in steps {
                let done = house.take(step).await;
                prop_assert!(done.is_ok(), "{step:?} broke: {:?}", done.err());
                let broken = house.check().await;
                prop_assert!(broken.is_empty(), "after {step:?} ({done:?}): {broken:?}");
            }
            house.close().await;
            Ok(())
        })
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn what_always_holds_holds_on_sqlite() {
    walk(Engine::Sqlite, 48, 400);
}

#[test]
fn what_always_holds_holds_on_postgresql() {
    walk(Engine::Postgres, 6, 300);
}
