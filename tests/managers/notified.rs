//! start-stop-daemon --background --notify-await: it returns when the daemon is ready, and not before.

use crate::home::{Home, Program, Told, eventually, is_over};
use crate::tool::{are_there, says, tool};

const ACTOR: &str = env!("CARGO_BIN_EXE_actor");

fn starting(home: &Home, role: &str) -> Program {
    let cast = home.actor(role);
    let mut program = tool(home, "start-stop-daemon");
    for (key, value) in cast.0.get_envs() {
        if let Some(value) = value {
            program.0.env(key, value);
        }
    }
    program.0.args([
        "--start",
        "--background",
        "--notify-await",
        "--notify-timeout",
        "60",
        "--exec",
        ACTOR,
        "--pidfile",
    ]);
    program.0.arg(home.pidfile()).args(["--", "run"]);
    program.set("ACTOR_READY", "notify")
}

#[test]
fn start_stop_daemon_waits_until_the_daemon_is_ready() {
    if !are_there("start_stop_daemon_waits_until_the_daemon_is_ready", &["start-stop-daemon"]) {
        return;
    }
    let home = Home::new();
    let mut waiting = starting(&home, "ready-on-go").spawn(&[]);
    eventually("the daemon", || home.pidfile().exists());
    assert!(waiting.try_wait().expect("it is our child").is_none());
    home.go();
    let code = Told::of_pid(waiting);
    assert_eq!(code, 0);
    let pid = home.pid();
    let pidfile = home.pidfile().display().to_string();
    let control =
        |words: &[&str]| says(&home, "start-stop-daemon", &[words, &["--pidfile", &pidfile, "--exec", ACTOR]].concat());
    assert_eq!(control(&["--status"]).code, 0);
    assert_eq!(control(&["--stop", "--retry", "TERM/30"]).code, 0);
    assert!(is_over(pid));
    home.assert_nothing_left();
}
