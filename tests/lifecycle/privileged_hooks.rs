//! What is done as root before the privileges go, what is not any more after it, and what the user cannot make of it;
//! needs root.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;

use crate::home::{Home, NOBODY, Program, is_root};
use crate::settings::{Settings, WAYS, Way, program, seen, skip};

const USER: (&str, &str) = ("USER", "nobody");

/// An address that only root may bind, and nobody has; none where everybody may.
fn address_of_roots() -> Option<SocketAddr> {
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap_or_default();
    let first = first.trim().parse::<u16>().unwrap_or(1024);
    (1..first).rev().find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()?.local_addr().ok())
}

#[test]
fn before_the_privileges_go_a_port_of_roots_is_bound_which_the_user_serves_then() {
    if !is_root("before_the_privileges_go_a_port_of_roots_is_bound_which_the_user_serves_then") {
        return;
    }
    let Some(address) = address_of_roots() else {
        let test = "before_the_privileges_go_a_port_of_roots_is_bound_which_the_user_serves_then";
        skip(test, "everybody may bind every port here, or none is free");
        return;
    };
    for way in WAYS {
        let home = Home::new();
        let text = address.to_string();
        let settings: Settings<'_> = &[
            USER,
            ("ADDRESS", &text),
            ("BEFORE", "privileges:binds"),
            ("AFTER", "privileges:may-not-bind"),
            ("ROLE", "serves"),
        ];
        let living = way.start(&home, settings);
        let mut told = String::new();
        TcpStream::connect(address).expect("it listens").read_to_string(&mut told).expect("an answer");
        assert_eq!(told, NOBODY.to_string(), "{way:?}");
        // In use it is, but that is not what is told to who has no right at all.
        assert!(home.lines("notes").contains(&"after(privileges): Some(PermissionDenied)".to_owned()), "{way:?}");
        living.stop(&home, settings);
    }
}

#[test]
fn the_hooks_up_to_the_privileges_are_roots_and_all_later_ones_are_the_users() {
    if !is_root("the_hooks_up_to_the_privileges_are_roots_and_all_later_ones_are_the_users") {
        return;
    }
    for way in WAYS {
        let home = Home::new();
        let settings = &[USER, ("BEFORE", "all"), ("AFTER", "all")];
        let living = way.start(&home, settings);
        let moments = crate::settings::moments(&home);
        let turn = moments.iter().position(|moment| moment == "after(privileges)").expect("it was called");
        for (at, moment) in moments.iter().enumerate() {
            let seen = seen(&home, moment);
            let expected = if at < turn { "0/0/0" } else { "65534/65534/65534" };
            assert_eq!([&seen["uids"], &seen["gids"]], [expected; 2], "{way:?} {moment}");
            // Sealed while there was the right to do it: right before the privileges go.
            assert_eq!(seen["pidfile"], (at >= turn).to_string(), "{way:?} {moment}");
        }
        living.stop(&home, settings);
    }
}

#[test]
fn a_hook_after_the_privileges_cannot_do_what_only_root_can_and_says_so() {
    if !is_root("a_hook_after_the_privileges_cannot_do_what_only_root_can_and_says_so") {
        return;
    }
    for way in [Way::Background, Way::Exec] {
        for moment in ["privileges", "streams"] {
            let hook = format!("{moment}:needs-root");
            let error = format!("after({moment}): EPERM: Operation not permitted");
            way.refuses(&Home::new(), &[USER, ("AFTER", &hook)], 1, &error);
        }
    }
}

/// Somebody whom nobody should end.
struct Bystander(Child);

impl Bystander {
    fn new() -> Self {
        Self(Command::new("sleep").arg("3600").spawn().expect("it runs"))
    }

    fn is_alive(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|end| end.is_none())
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A shell of the user's.
fn by_the_user(home: &Home, script: &str) -> Program {
    let mut shell = home.program(Path::new("/bin/sh"));
    std::os::unix::process::CommandExt::uid(&mut shell.0, NOBODY);
    shell.0.args(["-c", script]);
    shell
}

#[test]
fn whatever_the_user_puts_in_the_place_of_the_pidfile_root_signals_nobody_but_the_daemon() {
    if !is_root("whatever_the_user_puts_in_the_place_of_the_pidfile_root_signals_nobody_but_the_daemon") {
        return;
    }
    for way in WAYS {
        // With the claim there, it speaks for the daemon; without it nobody does.
        for (removed, stops) in [("run.pid", true), ("run.pid*", false)] {
            let home = Home::new();
            let pidfile = home.path("own/run.pid");
            let settings = &[USER, ("PIDFILE", pidfile.to_str().expect("text"))];
            let living = way.start(&home, settings);
            let mut bystander = Bystander::new();
            let script = format!("cd own && rm -f {removed} && echo {} >run.pid", bystander.0.id());
            by_the_user(&home, &script).run(&[]).assert(0, "", "");
            let told = program(&home, settings).run(&["stop"]);
            assert!(bystander.is_alive(), "{way:?} {removed}: {told:?}");
            if stops {
                assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{way:?}: {told:?}");
            } else {
                assert!(!told.stdout.contains("OK"), "{way:?}: {told:?}");
                living.signal(Signal::SIGTERM);
            }
            let _ = living.ended();
            assert!(bystander.is_alive(), "{way:?} {removed}");
        }
    }
}

#[test]
fn a_lock_that_the_user_holds_on_a_file_of_his_own_is_no_proof_for_root() {
    if !is_root("a_lock_that_the_user_holds_on_a_file_of_his_own_is_no_proof_for_root") {
        return;
    }
    for way in WAYS {
        let home = Home::new();
        let pidfile = home.path("own/run.pid");
        let settings = &[USER, ("PIDFILE", pidfile.to_str().expect("text"))];
        let living = way.start(&home, settings);
        by_the_user(&home, "rm -f own/run.pid* && : >own/run.pid").run(&[]).assert(0, "", "");
        let mut locker = home.as_nobody(home.program(Path::new(env!("CARGO_BIN_EXE_locker"))));
        locker.0.stdin(Stdio::piped());
        let mut locker = Bystander(locker.spawn(&["posix-write", pidfile.to_str().expect("text")]));
        let mut line = String::new();
        BufReader::new(locker.0.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        assert_eq!(line, "held\n");
        let number = format!("echo {} >own/run.pid", locker.0.id());
        by_the_user(&home, &number).run(&[]).assert(0, "", "");
        let told = program(&home, settings).run(&["stop"]);
        assert_eq!(told.code, 4, "{way:?}: {told:?}");
        assert!(told.stderr.starts_with("error: cannot tell whether the daemon of "), "{way:?}: {told:?}");
        assert!(locker.is_alive(), "{way:?}");
        living.signal(Signal::SIGTERM);
        let _ = living.ended();
    }
}
