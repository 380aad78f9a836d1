#[cfg(unix)]
#[daemon(detach = false)]
#[allow(dead_code, reason = "kept")]
pub(crate) fn r#loop() {}
