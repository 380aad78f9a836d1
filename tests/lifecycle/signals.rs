//! What the signals do that the daemon was told of, and that nobody else who listens is any the worse for it.

use std::fs;

use nix::sys::signal::{SigHandler, Signal, signal};

use crate::home::{Home, Told, eventually};
use crate::settings::{Living, STOPPED, Settings, WAYS, Way, before, program};

fn calls(home: &Home) -> usize {
    home.lines("notes").iter().filter(|line| line.starts_with("call ")).count()
}

fn has_noted(home: &Home, line: &str) -> bool {
    home.lines("notes").iter().any(|noted| noted == line)
}

fn last_words(home: &Home) -> Vec<String> {
    home.lines("notes").into_iter().filter(|line| line.starts_with("the end: ")).collect()
}

/// Whether the signal is in a set of `/proc/PID/status`.
fn is_in(set: &str, pid: i32, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let bits = status.lines().find_map(|line| line.strip_prefix(set)?.strip_prefix(':')).expect("a set");
    u64::from_str_radix(bits.trim(), 16).expect("a number") & (1 << (signal as i32 - 1)) != 0
}

#[track_caller]
fn assert_stops(home: &Home, living: Living, settings: Settings<'_>, reason: &str) {
    living.stop(home, settings);
    assert_eq!(last_words(home), [format!("the end: {reason} [0]")]);
}

const BY_TERM: &str = "Terminated by SIGTERM (15)";

#[test]
fn a_function_is_called_at_every_signal() {
    for way in WAYS {
        for (setting, signal) in
            [("SIGHUP=call", Signal::SIGHUP), ("USR1=call", Signal::SIGUSR1), ("SIGINT=call", Signal::SIGINT)]
        {
            let home = Home::new();
            let settings = &[("SIGNALS", setting)];
            let living = way.start(&home, settings);
            for count in 1..=5 {
                living.signal(signal);
                eventually("the call", || calls(&home) == count);
            }
            assert_stops(&home, living, settings, BY_TERM);
            assert_eq!(calls(&home), 5, "{way:?} {setting}");
        }
    }
}

#[test]
fn with_a_function_for_the_hangup_reload_works() {
    for way in WAYS {
        let home = Home::new();
        let settings = &[("SIGNALS", "SIGHUP=call")];
        let living = way.start(&home, settings);
        for count in 1..=3 {
            let told = program(&home, settings).run(&["reload"]);
            assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{way:?}: {told:?}");
            eventually("the call", || calls(&home) == count);
        }
        assert_stops(&home, living, settings, BY_TERM);
    }
}

#[test]
fn a_function_is_called_also_where_the_launcher_ignored_the_signal() {
    for way in WAYS {
        let home = Home::new();
        let settings = &[("SIGNALS", "SIGHUP=call")];
        let under_nohup = before(way.program(&home, settings), || {
            // SAFETY: to ignore it is no handler, so nothing runs in signal context.
            unsafe { signal(Signal::SIGHUP, SigHandler::SigIgn) }?;
            Ok(())
        });
        let living = way.begin(&home, under_nohup);
        living.signal(Signal::SIGHUP);
        eventually("the call", || calls(&home) == 1);
        living.end(&home);
    }
}

#[track_caller]
fn assert_no_reload_by(action: &str) {
    for way in WAYS {
        let home = Home::new();
        let settings = &[("SIGNALS", action)];
        let living = way.start(&home, settings);
        let told = program(&home, settings).run(&["reload"]);
        assert_eq!((told.code, told.stdout.as_str()), (3, ""), "{way:?} {action}: {told:?}");
        let error = format!("error: pid {} ", living.pid);
        assert!(told.stderr.starts_with(&error) && told.stderr.contains("SIGHUP"), "{way:?} {action}: {told:?}");
        assert_stops(&home, living, settings, BY_TERM);
    }
}

#[test]
fn a_reload_that_nobody_would_hear_is_refused() {
    assert_no_reload_by("SIGHUP=ignore");
}

#[test]
fn a_reload_that_would_end_the_daemon_is_refused() {
    assert_no_reload_by("SIGHUP=terminate");
}

#[test]
fn an_ignored_signal_does_nothing_and_the_programs_that_the_daemon_runs_ignore_it_too() {
    for way in WAYS {
        let home = Home::new();
        let settings = &[("SIGNALS", "SIGUSR1=ignore,SIGINT=ignore,SIGUSR2=call"), ("ROLE", "runs-a-child")];
        let living = way.start(&home, settings);
        let child = home.lines("notes").iter().find_map(|line| line.strip_prefix("child ")?.parse().ok()).expect("it");
        eventually("the child to be another program", || {
            fs::read_to_string(format!("/proc/{child}/comm")).is_ok_and(|name| name == "sleep\n")
        });
        for signal in [Signal::SIGUSR1, Signal::SIGINT] {
            assert!(is_in("SigIgn", living.pid, signal) && is_in("SigIgn", child, signal), "{way:?} {signal}");
            living.signal(signal);
        }
        assert!(!is_in("SigIgn", child, Signal::SIGUSR2) && !is_in("SigIgn", child, Signal::SIGTERM), "{way:?}");
        // Whatever comes later has come after those that do nothing.
        living.signal(Signal::SIGUSR2);
        eventually("the call", || calls(&home) == 1);
        program(&home, settings).run(&["status"]);
        living.signal(Signal::SIGTERM);
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(child), Signal::SIGKILL).expect("it runs");
        let _ = living.ended();
        assert_eq!(last_words(&home), [format!("the end: {BY_TERM} [0]")], "{way:?}");
    }
}

#[test]
fn a_signal_that_terminates_asks_for_the_end_and_is_its_reason() {
    for way in WAYS {
        for (setting, signal, name) in [
            ("SIGUSR2=terminate", Signal::SIGUSR2, "SIGUSR2 (12)"),
            ("HUP=terminate", Signal::SIGHUP, "SIGHUP (1)"),
            ("SIGTERM=terminate", Signal::SIGTERM, "SIGTERM (15)"),
        ] {
            let home = Home::new();
            let living = way.start(&home, &[("SIGNALS", setting)]);
            let pid = living.pid;
            living.signal(signal);
            if let Some(told) = living.ended() {
                told.assert(0, &way.ok(pid), "");
            }
            home.assert_nothing_left();
            assert_eq!(last_words(&home), [format!("the end: Terminated by {name} [0]")], "{way:?}");
        }
    }
}

#[test]
fn a_function_that_panics_is_told_on_stderr_and_the_daemon_goes_on() {
    for way in WAYS {
        let home = Home::new();
        let settings = &[("SIGNALS", "SIGHUP=panic,SIGUSR1=call"), ("STDERR", "err")];
        let living = way.start(&home, settings);
        for count in 1..=2 {
            living.signal(Signal::SIGHUP);
            living.signal(Signal::SIGUSR1);
            eventually("the call after the panic", || calls(&home) == count);
        }
        living.signal(Signal::SIGTERM);
        let told = living.ended();
        let stderr = told.map_or_else(|| home.read("err"), |told| told.stderr);
        let words = "error: the function of a signal panicked: the sky is falling (tests/fixtures/settings.rs:";
        eventually("both to be told", || stderr.matches(words).count() == 2);
        assert_eq!(last_words(&home), [format!("the end: {BY_TERM} [0]")], "{way:?}");
        home.assert_nothing_left();
    }
}

#[test]
fn a_function_that_takes_long_does_not_keep_a_stop_from_working() {
    for way in WAYS {
        for role in ["", "on-go"] {
            let home = Home::new();
            let settings = &[("SIGNALS", "SIGHUP=wait"), ("ROLE", role)];
            let living = way.start(&home, settings);
            living.signal(Signal::SIGHUP);
            eventually("the call", || calls(&home) == 1);
            assert_stops(&home, living, settings, BY_TERM);
        }
    }
}

#[test]
fn the_signal_of_stop_can_only_terminate_and_another_may_be_named_for_stop() {
    let why = "it is the signal that `stop` sends, so it can only be \"terminate\"; or name another `stop_signal`";
    for way in WAYS {
        for action in ["call", "ignore"] {
            let term = format!("SIGTERM={action}");
            way.refuses(&Home::new(), &[("SIGNALS", &term)], 1, &format!("`signals = SIGTERM (15)` cannot be: {why}"));
            let settings = &[("SIGNALS", "SIGUSR1=ignore"), ("STOP_SIGNAL", "SIGUSR1")];
            way.refuses(&Home::new(), settings, 1, &format!("`signals = SIGUSR1 (10)` cannot be: {why}"));

            let home = Home::new();
            let both = format!("{term},SIGUSR1=call");
            let settings = &[("SIGNALS", both.as_str()), ("STOP_SIGNAL", "SIGUSR2")];
            let living = way.start(&home, settings);
            living.signal(Signal::SIGTERM);
            living.signal(Signal::SIGUSR1);
            let expected = if action == "call" { 2 } else { 1 };
            eventually("the calls", || calls(&home) == expected);
            assert_stops(&home, living, settings, "Terminated by SIGUSR2 (12)");
        }
    }
}

#[test]
fn of_two_actions_for_a_signal_the_later_one_holds_and_none_is_none() {
    for way in WAYS {
        let home = Home::new();
        let settings = &[("SIGNALS", "SIGUSR1=terminate,SIGHUP=terminate,SIGHUP,SIGUSR1=call")];
        let living = way.start(&home, settings);
        living.signal(Signal::SIGUSR1);
        eventually("the call", || calls(&home) == 1);
        living.signal(Signal::SIGHUP);
        let _ = living.ended();
        assert_eq!(last_words(&home), ["the end: Terminated by SIGHUP (1) [0]"], "{way:?}");
    }
}

#[test]
fn what_cannot_be_is_told() {
    let fault = "it tells of a fault in the program, after which nothing can be done in order";
    let rows = [
        ("SIGKILL=call", "\"SIGKILL\"", "no program can catch it; `stop --force` kills what will not stop"),
        ("SIGSEGV=ignore", "\"SIGSEGV\"", fault),
        ("SIGFOO=call", "\"SIGFOO\"", "signals are named as in signal(7), like \"SIGTERM\""),
        ("SIGHUP=die", "\"die\"", "a signal calls a function, or is one of \"ignore\", \"terminate\", \"reopen\""),
    ];
    for way in WAYS {
        for (setting, value, why) in rows {
            way.refuses(&Home::new(), &[("SIGNALS", setting)], 1, &format!("`signals = {value}` cannot be: {why}"));
        }
    }
}

#[test]
fn the_workers_own_handlers_are_called_beside_ours() {
    for way in WAYS {
        for role in ["signal-hook", "tokio"] {
            let home = Home::new();
            let settings = &[("SIGNALS", "SIGHUP=call"), ("ROLE", role)];
            let living = way.start(&home, settings);
            living.signal(Signal::SIGHUP);
            eventually("both calls", || calls(&home) == 1 && has_noted(&home, "heard 1"));
            living.stop(&home, settings);
            // The worker is waited for, so what it heard is noted before it ends.
            assert!(has_noted(&home, "heard 15"), "{way:?} {role}: {}", home.read("notes"));
            assert_eq!(has_noted(&home, "asked"), role == "tokio", "{way:?} {role}");
            assert_eq!(last_words(&home), [format!("the end: {BY_TERM} [0]")], "{way:?} {role}");
        }
    }
}

#[test]
fn a_signal_with_a_function_that_comes_during_the_start_ends_nobody() {
    for way in [Way::Background, Way::Exec] {
        let home = Home::new();
        let settings = &[("SIGNALS", "SIGHUP=call"), ("AFTER", "pidfile:waits")];
        let launcher = way.program(&home, settings).spawn(&["start"]);
        eventually("the daemon to be there", || home.pidfile().exists());
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(home.pid()), Signal::SIGHUP).expect("it is there");
        home.go();
        Told::of(launcher).assert(0, &way.ok(home.pid()), "");
        eventually("the call", || calls(&home) == 1);
        program(&home, settings).run(&["stop"]).assert(0, STOPPED, "");
    }
}
