#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringback_core::client::fuzzing::push(bytes));
