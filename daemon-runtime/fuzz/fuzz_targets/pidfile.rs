//! What a pidfile or a claim may say: any bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| daemon_runtime::fuzzing::pidfile(bytes));
