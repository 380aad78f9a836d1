//! The stages in their order, each with its hooks before and after it, and what has and has not happened there.

#[path = "../fixtures/order.rs"]
mod order;

use std::fs;
use std::io;
use std::os::fd::AsRawFd;

use nix::libc;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::stat::{Mode, umask};

use crate::home::{Home, Program, Told, eventually};
use crate::settings::{Settings, WAYS, Way, before, moments, seen};
pub use order::STAGES;

const ALL: Settings<'_> = &[("BEFORE", "all"), ("AFTER", "all")];

/// Those that a daemon goes through that is begun in this way.
pub fn stages_of(way: Way) -> Vec<&'static str> {
    let is_of = |stage: &&str| way.is_in_background() || !["detach", "streams"].contains(stage);
    STAGES.into_iter().filter(is_of).collect()
}

pub fn hooks_of(way: Way) -> Vec<String> {
    stages_of(way).into_iter().flat_map(|stage| [format!("before({stage})"), format!("after({stage})")]).collect()
}

#[test]
fn the_hooks_are_called_once_each_and_in_the_order_of_the_stages() {
    for way in WAYS {
        let home = Home::new();
        let living = way.start(&home, ALL);
        let mut expected = hooks_of(way);
        expected.push("worker".to_owned());
        assert_eq!(moments(&home), expected, "{way:?}");
        living.stop(&home, ALL);
    }
}

#[test]
fn before_detach_is_the_launchers_and_all_others_are_the_daemons() {
    for way in [Way::Background, Way::Exec] {
        let home = Home::new();
        let child = way.program(&home, ALL).spawn(&["start"]);
        let launcher = child.id().to_string();
        assert_eq!(Told::of(child).code, 0);
        let daemon = home.pid().to_string();
        let first = seen(&home, "before(detach)");
        assert_eq!(first["pid"], launcher, "{way:?}");
        for moment in hooks_of(way).iter().skip(1) {
            let seen = seen(&home, moment);
            assert_eq!(seen["pid"], daemon, "{way:?} {moment}");
            assert!(![&daemon, &first["session"]].contains(&&seen["session"]), "{way:?} {moment}: {seen:?}");
        }
        assert_eq!(home.processes(), [home.pid()]);
    }
}

#[test]
fn in_the_foreground_all_are_of_the_process_that_was_run_and_of_its_session() {
    for way in [Way::Foreground, Way::Run] {
        let home = Home::new();
        let living = way.start(&home, ALL);
        let session = nix::unistd::getsid(None).expect("ours").to_string();
        for moment in hooks_of(way) {
            let seen = seen(&home, &moment);
            assert_eq!((&seen["pid"], &seen["session"]), (&living.pid.to_string(), &session), "{way:?} {moment}");
        }
        living.end(&home);
    }
}

/// A launcher with habits, so that it shows from which moment on they are gone.
fn habitual(home: &Home, program: Program) -> Program {
    let leaked = fs::File::create(home.path("leaked")).expect("made");
    before(program, move || {
        umask(Mode::from_bits_truncate(0o003));
        // SAFETY: to ignore it is no handler, so nothing runs in signal context.
        unsafe { signal(Signal::SIGUSR1, SigHandler::SigIgn) }?;
        // SAFETY: both are numbers; the second becomes what the launching program leaked.
        if unsafe { libc::dup2(leaked.as_raw_fd(), 200) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    })
}

#[test]
fn what_a_stage_does_has_not_happened_before_it_and_has_happened_after_it() {
    for way in WAYS {
        let home = Home::new();
        let here = home.path("").canonicalize().expect("it is there").to_str().expect("text").to_owned();
        let living = way.begin(&home, habitual(&home, way.program(&home, ALL)));
        let rows = [
            ("umask", "umask", "003", "027"),
            ("workdir", "cwd", here.as_str(), "/"),
            ("pidfile", "pidfile", "false", "true"),
            ("signals", "ignored", "SIGUSR1", ""),
            ("descriptors", "leaked", "file", "closed"),
        ];
        let hooks = hooks_of(way);
        for (stage, fact, expected_before, expected_after) in rows {
            let turn = hooks.iter().position(|moment| *moment == format!("after({stage})")).expect("a stage");
            for (at, moment) in hooks.iter().enumerate() {
                let expected = if at < turn { expected_before } else { expected_after };
                assert_eq!(seen(&home, moment)[fact], expected, "{way:?} {fact} {moment}");
            }
            assert_eq!(seen(&home, "worker")[fact], expected_after, "{way:?} {fact}");
        }
        assert_eq!(seen(&home, "after(core_dumps)")["core"], "0", "{way:?}");
        living.end(&home);
    }
}

#[test]
fn signals_are_blocked_until_there_is_somebody_to_hear_them() {
    for way in WAYS {
        let home = Home::new();
        let living = way.start(&home, ALL);
        for moment in hooks_of(way).iter().filter(|moment| *moment != "before(detach)") {
            assert_eq!(seen(&home, moment)["blocked"], "true", "{way:?} {moment}");
        }
        assert_eq!(seen(&home, "worker")["blocked"], "false", "{way:?}");
        living.end(&home);
    }
}

#[test]
fn a_start_that_finds_the_daemon_running_calls_no_hook() {
    for way in WAYS {
        let home = Home::new();
        let living = Way::Background.start(&home, &[]);
        let told = way.program(&home, ALL).run(way.words());
        told.assert(0, "", &format!("warning: settings is already running with pid {}\n", living.pid));
        assert_eq!(moments(&home), ["worker"], "{way:?}");
        living.stop(&home, &[]);
        eventually("its end", || home.processes().is_empty());
    }
}

#[test]
fn a_stage_that_there_is_not_is_told_with_those_that_there_are() {
    for way in WAYS {
        let all = STAGES.map(|stage| format!("{stage:?}")).join(", ");
        for (key, word) in [("BEFORE", "before"), ("AFTER", "after")] {
            let error = format!("`{word} = \"breakfast\"` cannot be: the stages are {all}");
            way.refuses(&Home::new(), &[(key, "breakfast")], 1, &error);
        }
    }
}
