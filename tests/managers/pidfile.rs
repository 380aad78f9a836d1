//! Tools that go by the pidfile: each says of the daemon what is, while it runs, after it was stopped, and after a crash.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Child;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Program, Told, catches, eventually, is_over};
use crate::tool::{are_there, says, tool};

const SCRIBE: &str = env!("CARGO_BIN_EXE_scribe");

fn daemon(home: &Home) -> Program {
    home.cast(Path::new(SCRIBE), "ready,sleep")
}

#[track_caller]
fn start(home: &Home) -> i32 {
    let told = daemon(home).run(&["start"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    home.pid()
}

#[track_caller]
fn stop(home: &Home) {
    daemon(home).run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
}

fn crash(home: &Home, pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it is there");
    eventually("its end", || is_over(pid));
    assert!(home.pidfile().exists());
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// What start-stop-daemon(8) says; of a pidfile that is not root's it wants to know the program too.
fn debians(home: &Home, words: &[&str]) -> Told {
    let pidfile = home.pidfile();
    says(home, "start-stop-daemon", &[words, &["--pidfile", text(&pidfile), "--exec", SCRIBE]].concat())
}

#[test]
fn start_stop_daemon_tells_the_status_and_stops_it_in_order() {
    if !are_there("start_stop_daemon_tells_the_status_and_stops_it_in_order", &["start-stop-daemon"]) {
        return;
    }
    let home = Home::new();
    assert_eq!(debians(&home, &["--status"]).code, 3);
    let pid = start(&home);
    assert_eq!(debians(&home, &["--status"]).code, 0);
    let told = debians(&home, &["--stop", "--retry", "TERM/30/KILL/5"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    assert!(is_over(pid));
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
    home.assert_nothing_left();
    assert_eq!((debians(&home, &["--stop"]).code, debians(&home, &["--stop", "--oknodo"]).code), (1, 0));
    let pid = start(&home);
    crash(&home, pid);
    assert_eq!(debians(&home, &["--status"]).code, 1);
    start(&home);
    assert_eq!(debians(&home, &["--status"]).code, 0);
    stop(&home);
}

#[test]
fn pgrep_finds_it_by_its_pidfile_and_pidof_by_its_program() {
    if !are_there("pgrep_finds_it_by_its_pidfile_and_pidof_by_its_program", &["pgrep", "pidof"]) {
        return;
    }
    let home = Home::new();
    let pidfile = home.pidfile();
    let pgrep = || says(&home, "pgrep", &["-F", text(&pidfile)]);
    let pidof = |pid: i32| {
        let told = says(&home, "pidof", &[SCRIBE]);
        told.stdout.split_whitespace().any(|found| found.parse() == Ok(pid))
    };
    let pid = start(&home);
    assert_eq!((pgrep().code, pgrep().stdout), (0, format!("{pid}\n")));
    assert!(pidof(pid));
    stop(&home);
    assert!(pgrep().code != 0 && pgrep().stdout.is_empty() && !pidof(pid));
    let pid = start(&home);
    crash(&home, pid);
    // Until its parent has heard of its end, the dead process still is in the kernel's table.
    eventually("pgrep and pidof to see the end", || pgrep().code == 1 && pgrep().stdout.is_empty() && !pidof(pid));
}

/// monit(1) at work, ended with this.
struct Monit<'a> {
    home: &'a Home,
    process: Child,
}

impl<'a> Monit<'a> {
    /// Watches the daemon, and starts it anew where it has ended.
    fn watch(home: &'a Home) -> Self {
        let environment: Vec<_> = daemon(home)
            .0
            .get_envs()
            .filter_map(|(key, value)| Some(format!("{}={}", key.to_string_lossy(), value?.to_string_lossy())))
            .collect();
        let program = format!("/usr/bin/env {} {SCRIBE}", environment.join(" "));
        let path = |name: &str| home.path(name).display().to_string();
        let config = format!(
            "set daemon 1\nset log {}\nset pidfile {}\nset idfile {}\nset statefile {}\n\
             set httpd unixsocket {} allow user:word\n\
             check process actor with pidfile {}\n  start program = \"{program} start\"\n  stop program = \"{program} stop\"\n",
            path("monit.log"),
            path("monit.pid"),
            path("monit.id"),
            path("monit.state"),
            path("monit.socket"),
            home.pidfile().display(),
        );
        fs::write(home.path("monitrc"), config).expect("written");
        fs::set_permissions(home.path("monitrc"), Permissions::from_mode(0o600)).expect("ours");
        let rc = home.path("monitrc");
        let process = tool(home, "monit").spawn(&["-I", "-c", text(&rc)]);
        Self { home, process }
    }

    /// What it says of the daemon: its state, and its pid.
    fn status(&self) -> (String, Option<i32>) {
        let rc = self.home.path("monitrc");
        let told = says(self.home, "monit", &["-B", "-c", text(&rc), "status", "actor"]);
        let value = |key: &str| {
            let mut lines = told.stdout.lines().map(str::trim);
            lines.find_map(|line| Some(line.strip_prefix(key)?.strip_prefix(' ')?.trim().to_owned()))
        };
        (value("status").unwrap_or_default(), value("pid").and_then(|pid| pid.parse().ok()))
    }

    fn asks(&self, action: &str) {
        let rc = self.home.path("monitrc");
        let told = says(self.home, "monit", &["-c", text(&rc), action, "actor"]);
        assert_eq!(told.code, 0, "{told:?}");
    }
}

impl Drop for Monit<'_> {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn monit_sees_it_run_starts_it_anew_after_a_crash_and_stops_it() {
    if !are_there("monit_sees_it_run_starts_it_anew_after_a_crash_and_stops_it", &["monit"]) {
        return;
    }
    let home = Home::new();
    let first = start(&home);
    let monit = Monit::watch(&home);
    eventually("monit to see it", || monit.status() == ("OK".to_owned(), Some(first)));
    crash(&home, first);
    eventually("monit to start it anew", || {
        let (status, pid) = monit.status();
        status == "OK" && pid.is_some_and(|pid| pid != first)
    });
    let second = home.pid();
    assert_eq!(monit.status().1, Some(second));
    assert!(catches(second, Signal::SIGTERM));
    monit.asks("stop");
    eventually("its end", || is_over(second));
    eventually("monit to know", || monit.status().0 == "Not monitored");
    assert!(home.run_names().is_empty(), "{:?}", home.run_names());
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
}
