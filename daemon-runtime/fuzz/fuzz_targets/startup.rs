//! What may come through the start-up channel: any bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| daemon_runtime::fuzzing::startup(bytes));
