//! Pidfile and logs by the Filesystem Hierarchy Standard.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::home::{Home, Program};

fn installed(home: &Home) -> Program {
    let prefix = home.path("srv");
    home.program(Path::new(env!("CARGO_BIN_EXE_installed"))).set("INSTALLED_PREFIX", prefix)
}

#[test]
fn a_prefix_leads_pidfile_and_logs_to_their_places() {
    let home = Home::new();
    let started = installed(&home).run(&["start"]);
    let pid = home.read("srv/run/installed.pid");
    started.assert(0, &format!("Starting installed ... OK (pid {})\n", pid.trim_end()), "");
    assert_eq!(home.read("srv/log/out.log"), "to stdout\n");
    assert_eq!(home.read("srv/log/err.log"), "to stderr\n");
    installed(&home).run(&["stop"]).assert(0, "Stopping installed ... OK\n", "");
    assert!(!home.path("srv/run/installed.pid").exists());
}

#[test]
fn folders_that_are_missing_are_made_for_the_daemon_alone_to_write() {
    let home = Home::new();
    assert_eq!(installed(&home).run(&["start"]).code, 0);
    for folder in ["srv", "srv/run", "srv/log"] {
        let metadata = fs::metadata(home.path(folder)).expect("made");
        assert_eq!(metadata.permissions().mode() & 0o7777 & 0o022, 0, "{folder}");
        assert_eq!(metadata.uid(), nix::unistd::geteuid().as_raw(), "{folder}");
    }
    assert_eq!(installed(&home).run(&["stop"]).code, 0);
}

#[test]
fn logs_of_a_prefix_have_the_beginning_that_was_asked_for_and_a_stream_that_was_named_stays() {
    let home = Home::new();
    let named =
        |program: Program| program.set("INSTALLED_LOG_PREFIX", "a-").set("INSTALLED_STDERR", home.path("named"));
    assert_eq!(named(installed(&home)).run(&["start"]).code, 0);
    assert_eq!(home.read("srv/log/a-out.log"), "to stdout\n");
    assert_eq!(home.read("named"), "to stderr\n");
    assert_eq!(fs::read_dir(home.path("srv/log")).expect("made").count(), 1);
    assert_eq!(named(installed(&home)).run(&["stop"]).code, 0);
}
