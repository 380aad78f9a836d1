//! What the hooks print, and what becomes of a start whose hook refuses, panics, ends the process, or begins a thread.

use nix::sys::signal::Signal;

use crate::home::Home;
use crate::settings::{WAYS, Way};
use crate::stages::{STAGES, hooks_of, stages_of};

#[test]
fn several_hooks_of_a_stage_are_called_in_the_order_given() {
    for way in WAYS {
        let home = Home::new();
        let settings = &[("BEFORE", "umask:b,umask:a,chroot:first,umask:c"), ("AFTER", "umask:e,umask:d")];
        let living = way.start(&home, settings);
        let moments = ["before(chroot) first", "before(umask) b", "before(umask) a", "before(umask) c"];
        assert_eq!(home.lines("notes")[..4], moments, "{way:?}");
        assert_eq!(home.lines("notes")[4..6], ["after(umask) e", "after(umask) d"], "{way:?}");
        living.stop(&home, settings);
    }
}

#[track_caller]
fn assert_heard_at_the_terminal(way: Way) {
    for (out, err) in [("out", "err"), ("/dev/null", "/dev/null")] {
        let home = Home::new();
        let settings = &[("BEFORE", "all:prints"), ("AFTER", "all:prints"), ("STDOUT", out), ("STDERR", err)];
        let told = way.program(&home, settings).run(&["start"]);
        let (after_streams, before) = hooks_of(way).split_last().map(|(a, b)| (a.clone(), b.to_vec())).expect("some");
        told.assert(0, &(printed(&before, "stdout") + &way.ok(home.pid())), &printed(&before, "stderr"));
        if out == "out" {
            assert_eq!(
                [home.read("out"), home.read("err")],
                ["stdout", "stderr"].map(|s| printed(std::slice::from_ref(&after_streams), s))
            );
        }
    }
}

fn printed(moments: &[String], stream: &str) -> String {
    moments.iter().fold(String::new(), |text, moment| text + moment + " on " + stream + "\n")
}

#[test]
fn the_streams_are_the_last_so_what_a_hook_prints_before_reaches_the_terminal() {
    assert_heard_at_the_terminal(Way::Background);
}

#[test]
fn what_a_hook_prints_reaches_the_terminal_also_where_the_program_is_begun_anew() {
    assert_heard_at_the_terminal(Way::Exec);
}

#[test]
fn what_a_hook_prints_in_the_foreground_comes_out_where_it_was_begun() {
    for way in [Way::Foreground, Way::Run] {
        let home = Home::new();
        let living = way.start(&home, &[("BEFORE", "all:prints"), ("AFTER", "all:prints")]);
        let pid = living.pid;
        living.signal(Signal::SIGTERM);
        let stdout = printed(&hooks_of(way), "stdout") + &way.ok(pid);
        living.ended().expect("it stayed").assert(0, &stdout, &printed(&hooks_of(way), "stderr"));
    }
}

/// Every hook that there is, as a setting.
fn every_hook(what: &str) -> Vec<(&'static str, &'static str, String, String)> {
    let of = |stage: &'static str| {
        [("BEFORE", "before"), ("AFTER", "after")]
            .map(|(key, when)| (key, stage, format!("{stage}:{what}"), format!("{when}({stage})")))
    };
    STAGES.into_iter().flat_map(of).collect()
}

#[test]
fn a_hook_that_refuses_fails_the_start_with_its_words_and_leaves_nothing() {
    for way in WAYS {
        for (key, stage, hook, moment) in every_hook("fails") {
            if stages_of(way).contains(&stage) {
                way.refuses(&Home::new(), &[(key, &hook)], 1, &format!("{moment}: the stars are not right"));
            }
        }
    }
}

#[test]
fn a_hook_that_panics_fails_the_start_with_the_panics_text_and_leaves_nothing() {
    for way in WAYS {
        for (key, stage, hook, moment) in every_hook("panics") {
            if !stages_of(way).contains(&stage) {
                continue;
            }
            let home = Home::new();
            let told = way.program(&home, &[(key, &hook)]).run(way.words());
            assert_eq!((told.code, told.stdout.as_str()), (1, way.failed()), "{way:?} {moment}");
            let error = format!("error: {moment}: it panicked: the sky is falling");
            assert_eq!(told.stderr.matches(&error).count(), 1, "{way:?}: {}", told.stderr);
            assert!(told.stderr.contains("tests/fixtures/settings.rs:"), "{way:?} {moment}: {}", told.stderr);
            home.assert_nothing_left();
        }
    }
}

#[test]
fn after_a_hook_refused_no_other_is_called_and_the_worker_does_not_begin() {
    for way in WAYS {
        let home = Home::new();
        let settings = &[("BEFORE", "workdir:fails,pidfile"), ("AFTER", "umask:seen,workdir,streams")];
        way.refuses(&home, settings, 1, "before(workdir): the stars are not right");
        assert_eq!(home.lines("notes"), ["after(umask) seen"], "{way:?}");
    }
}

#[track_caller]
fn assert_nothing_is_left_of_an_exit(way: Way, stderr: &str) {
    for (key, stage, hook, moment) in every_hook("exits") {
        // Before this one there is no daemon yet, so it is the launcher that ends.
        if !stages_of(way).contains(&stage) || moment == "before(detach)" {
            continue;
        }
        let home = Home::new();
        let told = way.program(&home, &[(key, &hook)]).run(way.words());
        assert_eq!((told.code, told.stderr.as_str()), (7, stderr), "{way:?} {moment}: {told:?}");
        home.assert_nothing_left();
    }
}

#[test]
fn a_hook_that_ends_the_daemon_fails_the_start_with_its_exit_code_and_leaves_nothing() {
    for way in [Way::Background, Way::Exec] {
        assert_nothing_is_left_of_an_exit(way, "error: the worker ended with exit code 7 before it was ready\n");
    }
}

#[test]
fn a_hook_that_ends_the_process_in_the_foreground_leaves_nothing_either() {
    for way in [Way::Foreground, Way::Run] {
        assert_nothing_is_left_of_an_exit(way, "");
    }
}

#[test]
fn a_hook_that_begins_a_thread_before_the_fork_is_refused_as_any_process_with_threads_is() {
    let error = "this process has 2 threads, and a fork would take only one of them along; call the daemon before any \
                 thread is started, or start the program anew with `detach = \"exec\"`";
    Way::Background.refuses(&Home::new(), &[("BEFORE", "detach:begins-a-thread")], 1, error);
}

#[test]
fn a_hook_that_begins_a_thread_before_the_environment_is_changed_is_refused_as_any_process_with_threads_is() {
    let error = "the environment cannot be changed while one of 2 threads could be reading it; call the daemon before any \
                 thread is started, or leave out `env`, `env_clear` and `user`";
    for way in [Way::Background, Way::Foreground, Way::Run] {
        for hook in [("AFTER", "core_dumps:begins-a-thread"), ("BEFORE", "privileges:begins-a-thread")] {
            way.refuses(&Home::new(), &[hook, ("ENV", "A=1")], 1, error);
            let (home, settings) = (Home::new(), &[hook]);
            way.start(&home, settings).stop(&home, settings);
        }
    }
}

#[test]
fn a_hook_may_begin_a_thread_where_nothing_is_forked_after_it() {
    for (way, key) in [(Way::Background, "AFTER"), (Way::Exec, "BEFORE"), (Way::Exec, "AFTER")] {
        let home = Home::new();
        let settings = &[(key, "detach:begins-a-thread")];
        let living = way.start(&home, settings);
        living.stop(&home, settings);
    }
}
