//! A daemon lives on when the terminal that it was started from goes away, and lets go of it.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use nix::libc;

use crate::home::{Home, Program, Told, eventually};
use crate::terminal::{Terminal, stop};

/// Starts it as somebody who logs in does: the launcher leads a session, and the terminal is the session's.
pub fn log_in(terminal: &Terminal, mut program: Program, words: &[&str]) -> Child {
    program.0.args(words).stdin(terminal.slave()).stdout(terminal.slave()).stderr(terminal.slave());
    let controlling = || {
        // SAFETY: setsid takes nothing, and may be called between fork and exec.
        if unsafe { libc::setsid() } < 0 {
            return Err(std::io::Error::last_os_error());
        }
        // SAFETY: the ioctl takes an integer, and may be called between fork and exec.
        match unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    // SAFETY: the closure makes two system calls and allocates nothing.
    unsafe { program.0.pre_exec(controlling) };
    program.0.spawn().expect("the program runs")
}

/// The terminal is gone: with its last master it hangs up.
fn hang_up(terminal: Terminal) {
    assert!(terminal.reader.is_none(), "a reader would keep it");
    drop(terminal);
}

/// The controlling terminal of a process; 0 is none. See proc(5), `tty_nr`.
fn controlling_terminal(pid: i32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let (_, after_name) = stat.rsplit_once(") ").expect("a name");
    after_name.split(' ').nth(4).and_then(|number| number.parse().ok()).expect("a number")
}

#[track_caller]
fn assert_lives(home: &Home) {
    let told = home.actor("plain").run(&["status"]);
    assert!(told.code == 0 && told.stdout.starts_with(&format!("actor -- pid: {},", home.pid())), "{told:?}");
    assert_eq!(controlling_terminal(home.pid()), 0);
}

#[test]
fn the_launcher_of_these_tests_has_the_terminal() {
    let home = Home::new();
    let terminal = Terminal::new();
    let child = log_in(&terminal, home.actor("plain"), &["run"]);
    let pid = i32::try_from(child.id()).expect("a pid");
    eventually("the work to begin", || home.lines("notes") == ["begun"]);
    assert_ne!(controlling_terminal(pid), 0);
    hang_up(terminal);
    assert_eq!(Told::of(child).code, 128 + libc::SIGHUP);
}

#[test]
fn a_terminal_that_goes_away_right_after_the_start_does_not_take_the_daemon_along() {
    for detach in ["true", "exec"] {
        for _ in 0..20 {
            let home = Home::new();
            let terminal = Terminal::new();
            let program = home.actor("plain").set("ACTOR_SETTLE", "5ms").set("ACTOR_DETACH", detach);
            let child = log_in(&terminal, program, &["start"]);
            assert_eq!(Told::of(child).code, 0);
            hang_up(terminal);
            assert_lives(&home);
            stop(&home);
        }
    }
}

#[test]
fn the_terminal_is_released_by_the_time_that_the_start_is_over() {
    for detach in ["true", "exec"] {
        for _ in 0..20 {
            let home = Home::new();
            let mut terminal = Terminal::new();
            terminal.read();
            let child = log_in(&terminal, home.actor("ready").set("ACTOR_DETACH", detach), &["start"]);
            // That this comes back means that nobody has the terminal any more, and the daemon is there.
            assert_eq!(terminal.end(child).code, 0);
            assert_lives(&home);
            stop(&home);
        }
    }
}

#[test]
fn a_daemon_cannot_get_a_terminal_by_opening_one() {
    for detach in ["true", "exec"] {
        let home = Home::new();
        let terminal = Terminal::new();
        let role = format!("opens-a-terminal:{}", terminal.name);
        let pid = crate::surroundings::start(&home, home.actor(&role).set("ACTOR_DETACH", detach));
        let is_open =
            |fd| std::fs::read_link(format!("/proc/{pid}/fd/{fd}")).is_ok_and(|to| to == Path::new(&terminal.name));
        assert!(crate::home::numbers_in(&format!("/proc/{pid}/fd")).into_iter().any(is_open), "it has opened it");
        assert_eq!(controlling_terminal(pid), 0);
        stop(&home);
    }
}

/// Who leads its session, and has no terminal, does get one in this way.
#[test]
fn a_leader_of_a_session_would_get_the_terminal_that_it_opens() {
    let home = Home::new();
    let terminal = Terminal::new();
    let mut program = home.actor(&format!("opens-a-terminal:{}", terminal.name));
    let lead = || Ok(nix::unistd::setsid().map(drop)?);
    // SAFETY: setsid may be called between fork and exec.
    unsafe { program.0.pre_exec(lead) };
    let child = program.spawn(&["run"]);
    let pid = i32::try_from(child.id()).expect("a pid");
    eventually("the terminal to be its", || controlling_terminal(pid) != 0);
    hang_up(terminal);
    assert_eq!(Told::of(child).code, 128 + libc::SIGHUP);
}

#[test]
fn what_nohup_starts_is_a_daemon_that_hears_the_hang_up() {
    for detach in ["true", "exec"] {
        let home = Home::new();
        let told = home.shell("ready").set("ACTOR_DETACH", detach).run(&["-c", "exec nohup \"$ACTOR\" start"]);
        told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
        let status = std::fs::read_to_string(format!("/proc/{}/status", home.pid())).expect("it runs");
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).expect("told");
        let ignored = u64::from_str_radix(ignored.trim(), 16).expect("a mask");
        assert_eq!(ignored & (1 << (libc::SIGHUP - 1)), 0, "{ignored:x}");
        stop(&home);
    }
}

#[test]
fn a_terminal_that_goes_away_while_the_daemon_settles_takes_the_launcher_along_and_not_the_daemon() {
    let home = Home::new();
    let terminal = Terminal::new();
    let child = log_in(&terminal, home.actor("plain").set("ACTOR_SETTLE", "1h"), &["start"]);
    eventually("the work to begin", || home.lines("notes") == ["begun"]);
    hang_up(terminal);
    assert_eq!(Told::of(child).code, 128 + libc::SIGHUP);
    assert_lives(&home);
    stop(&home);
}

#[test]
fn a_terminal_that_goes_away_at_the_end_of_settling_does_not_take_the_daemon_along() {
    for detach in ["true", "exec"].repeat(10) {
        let home = Home::new();
        let terminal = Terminal::new();
        let program = home.actor("plain").set("ACTOR_SETTLE", "5ms").set("ACTOR_DETACH", detach);
        let child = log_in(&terminal, program, &["start"]);
        eventually("the work to begin", || home.lines("notes") == ["begun"]);
        hang_up(terminal);
        // Whether it had finished by then is a matter of luck; the daemon must not be.
        let _ = Told::of(child);
        assert_lives(&home);
        stop(&home);
    }
}

#[test]
fn a_terminal_that_goes_away_at_any_moment_leaves_a_daemon_that_can_be_stopped_or_none() {
    for moment in 0..40 {
        let home = Home::new();
        let terminal = Terminal::new();
        let detach = if moment % 2 == 0 { "true" } else { "exec" };
        let child = log_in(&terminal, home.actor("ready").set("ACTOR_DETACH", detach), &["start"]);
        let (begun, delay) = (Instant::now(), Duration::from_micros(250) * moment);
        while begun.elapsed() < delay {
            std::thread::yield_now();
        }
        hang_up(terminal);
        let _ = Told::of(child);
        // What the launcher left may still be on its way; a stop waits for that.
        let told = home.actor("ready").run(&["stop"]);
        let (stdout, stderr) = match told.stdout.as_str() {
            "" => ("", "warning: actor is not running\n"),
            _ => ("Stopping actor ... OK\n", ""),
        };
        told.assert(0, stdout, stderr);
        home.assert_nothing_left();
    }
}
