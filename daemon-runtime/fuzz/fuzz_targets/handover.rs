//! What the variable that tells the next image what it is may hold: any text.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| daemon_runtime::fuzzing::handover(text));
