//! pandaemonium's README, as the example has it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;

use crate::examples::pid;
use crate::home::{Home, Program, Told, eventually};
use crate::seeds::{assert_left, at_once, signal};

const PIDFILE: &str = "pandaemonium.pid";
const LOG: &str = "pandaemonium.log";
const PRIVATE: &str = "pandaemonium.private";

fn rounds_of(home: &Home, interval: &str) -> Program {
    home.example("pandaemonium").set("PANDAEMONIUM_INTERVAL", interval)
}

fn launched(pid: i32) -> String {
    format!("launched {pid}\noutput:\nas whoever started it\nnearly ready\nerror:\nnothing is wrong\n")
}

fn rounds() -> Vec<String> {
    (1..=10).map(|round| format!("round {round}")).collect()
}

#[test]
fn the_launcher_has_the_output_and_the_error_of_the_launch_and_the_daemon_goes_on() {
    let home = Home::new();
    let told = rounds_of(&home, "1h").run(&[]);
    let daemon = pid(&home, PIDFILE).unwrap_or_else(|| panic!("no pidfile: {told:?}"));
    told.assert(0, &launched(daemon), "");
    assert_eq!(home.processes(), [daemon]);
    assert_eq!(home.lines(LOG), ["nearly ready"]);
    let private = home.path(PRIVATE).metadata().expect("the hook after the umask has made it");
    assert_eq!(private.permissions().mode() & 0o7777, 0o600);
    signal(daemon, Signal::SIGTERM);
    assert_left(&home, &[LOG, PRIVATE]);
}

#[test]
fn what_the_daemon_writes_after_it_was_ready_is_not_of_the_launch() {
    for _ in 0..20 {
        let home = Home::new();
        let told = rounds_of(&home, "0s").run(&[]);
        // Its end may be known before it was agreed on that it was ready.
        if let Some(rest) = told.stdout.strip_prefix("launched ") {
            let (_, texts) = rest.split_once('\n').expect("a line");
            assert_eq!(texts, "output:\nas whoever started it\nnearly ready\nerror:\nnothing is wrong\n");
        }
        assert_eq!((told.code, told.stderr.as_str()), (0, ""));
        assert_left(&home, &[LOG, PRIVATE]);
    }
}

#[test]
fn the_daemon_ends_when_its_program_does() {
    let home = Home::new();
    assert_eq!(rounds_of(&home, "50ms").run(&[]).code, 0);
    assert_left(&home, &[LOG, PRIVATE]);
    let log = home.lines(LOG);
    assert_eq!((log[0].as_str(), &log[1..]), ("nearly ready", &rounds()[..]));
}

#[test]
fn in_the_foreground_the_same_program_has_the_terminal_and_the_pidfile() {
    let home = Home::new();
    rounds_of(&home, "0s").run(&["--foreground"]).assert(0, &(rounds().join("\n") + "\n"), "");
    assert_left(&home, &[]);

    let mut running = rounds_of(&home, "50ms").spawn(&["--foreground"]);
    let mut first = String::new();
    BufReader::new(running.stdout.take().expect("piped")).read_line(&mut first).expect("read");
    assert_eq!((first.as_str(), pid(&home, PIDFILE)), ("round 1\n", i32::try_from(running.id()).ok()));
    running.kill().expect("killed");
    running.wait().expect("waited for");
    // What it could not remove is no hindrance.
    rounds_of(&home, "0s").run(&["--foreground"]).assert(0, &(rounds().join("\n") + "\n"), "");
    assert_left(&home, &[]);
}

#[test]
fn who_comes_second_is_refused_whichever_way_the_first_one_runs() {
    for first in [&["--foreground"][..], &[]] {
        let home = Home::new();
        let running = rounds_of(&home, "1h").spawn(first);
        eventually("the first one", || pid(&home, PIDFILE).is_some());
        let pid = pid(&home, PIDFILE).expect("a pidfile");
        let refused = format!("Error: already running with pid {pid}\n");
        for second in [&["--foreground"][..], &[]] {
            // While the first one's start is not over yet, the claim is held by one who is no daemon.
            eventually("a refusal that names it", || {
                let told = rounds_of(&home, "1h").run(second);
                assert_eq!((told.code, told.stdout.as_str()), (1, ""));
                told.stderr == refused
            });
        }
        signal(pid, Signal::SIGKILL);
        Told::of(running);
    }
}

#[test]
fn of_two_launches_one_works_and_one_is_refused() {
    let home = Home::new();
    let (one, other) = at_once(|| rounds_of(&home, "1h"), &[], |told| told.code == 0);
    let pid = pid(&home, PIDFILE).expect("a pidfile");
    one.assert(0, &launched(pid), "");
    // The claim may be held by one who is no daemon yet.
    assert_eq!((other.code, other.stdout.as_str()), (1, ""));
    assert!(other.stderr.starts_with("Error: "), "{other:?}");
    assert_eq!(home.processes(), [pid]);
}

#[test]
fn a_hook_that_fails_fails_the_launch_and_leaves_nothing() {
    let home = Home::new();
    fs::create_dir(home.path(PRIVATE)).expect("made");
    rounds_of(&home, "1h").run(&[]).assert(1, "", "Error: after(umask): Is a directory (os error 21)\n");
    assert_left(&home, &[LOG, PRIVATE]);
}
