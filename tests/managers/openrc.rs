//! OpenRC: supervise-daemon, by a service script and rc-service, in namespaces of its own. No init of OpenRC's runs there: its
//! state is a folder, and PID 1 is a shell that waits for whoever ends.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Told, eventually, is_root};
use crate::machine::{free_port, path_of};
use crate::readme::block;
use crate::supervised::{porter_pid, write_script};
use crate::tool::are_there;

/// What OpenRC finds: nobody's state, as after its boot, and no service but ours.
const SETUP: &str = "mount -t tmpfs tmpfs /run && mkdir /run/openrc && cd /run/openrc && touch softlevel &&
    mkdir daemons exclusive failed hotplugged inactive options scheduled started starting stopping tmp wasinactive &&
    mount --bind \"$1\" /etc/init.d && touch \"$2\" && { sleep 3600 & wait; }";

struct Namespace<'a> {
    home: &'a Home,
    outer: Child,
    /// Its PID 1, as it is seen from here.
    first: i32,
}

impl<'a> Namespace<'a> {
    fn new(test: &str, home: &'a Home) -> Option<Self> {
        if !is_root(test) || !are_there(test, &["unshare", "nsenter", "rc-service", "supervise-daemon"]) {
            return None;
        }
        let mut unshare = home.program(Path::new("unshare"));
        unshare.0.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", SETUP, "sh"]);
        let outer = unshare
            .0
            .args([home.path("init.d"), home.path("is-set-up")])
            .stdout(Stdio::null())
            .spawn()
            .expect("it runs");
        let children = format!("/proc/{0}/task/{0}/children", outer.id());
        let first = || fs::read_to_string(&children).ok()?.trim().parse::<i32>().ok();
        eventually("its PID 1", || home.path("is-set-up").exists());
        Some(Self { home, outer, first: first().expect("it was there") })
    }

    fn run(&self, words: &[&str]) -> Told {
        let mut program = self.home.program(Path::new("nsenter"));
        program.0.args(["--mount", "--pid", "--target", &self.first.to_string()]);
        program.run(words)
    }

    /// Its exit code, and what it said: into a file, because the supervisor keeps what it was begun with.
    fn service(&self, action: &str) -> (i32, String) {
        let said = self.home.path("said").display().to_string();
        let told = self.run(&["sh", "-c", "exec rc-service porter \"$1\" >\"$2\" 2>&1", "sh", action, &said]);
        (told.code, self.home.read("said"))
    }

    fn is_started(&self) -> bool {
        let (code, said) = self.service("status");
        code == 0 && said.contains("status: started")
    }
}

impl Drop for Namespace<'_> {
    fn drop(&mut self) {
        // With its PID 1 all others end.
        let _ = kill(Pid::from_raw(self.first), Signal::SIGKILL);
        let _ = self.outer.wait();
    }
}

fn name_of(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end().to_owned()
}

/// README's script, with what the test's porter needs in its environment, of which OpenRC hands on nothing.
fn script(home: &Home) -> String {
    let text = block("### OpenRC", &[("/usr/local/bin/porter", &path_of(home, "porter"))]);
    let (first, rest) = text.split_once('\n').expect("a line");
    let own = home.path("").display().to_string();
    let own = own.trim_end_matches('/');
    let own_porter = format!("PORTER_ADDRESS=127.0.0.1:{} PORTER_PIDFILE={own}/porter.pid", free_port());
    format!("{first}\nexport HOME={own} DAEMON_TEST_HOME={own} {own_porter}\n{rest}")
}

#[test]
fn openrc_tells_the_state_reloads_in_place_restarts_after_a_crash_and_stops_in_order() {
    let test = "openrc_tells_the_state_reloads_in_place_restarts_after_a_crash_and_stops_in_order";
    let home = Home::new();
    write_script(&home, "init.d/porter", &script(&home));
    let Some(openrc) = Namespace::new(test, &home) else { return };
    let (code, said) = openrc.service("start");
    assert_eq!(code, 0, "{said}");
    let pid = porter_pid(&home);
    assert!(openrc.is_started());

    let (code, said) = openrc.service("reload");
    assert!(code == 0 && said.contains("Reloading porter ... OK"), "{said}");
    assert!(openrc.is_started() && porter_pid(&home) == pid);

    assert_eq!(openrc.run(&["kill", "-KILL", &pid.to_string()]).code, 0);
    eventually("the next one", || home.path("porter.pid").exists() && porter_pid(&home) != pid);
    eventually("OpenRC to know it", || openrc.is_started());

    let (code, said) = openrc.service("stop");
    assert_eq!(code, 0, "{said}");
    assert_eq!(openrc.service("status").0, 3);
    for left in ["porter.pid", "porter.pid.claim", "porter.pid.record"] {
        assert!(!home.path(left).exists(), "{left}");
    }
    let is_of_the_namespace = |pid: &i32| ["sh", "sleep", "unshare"].contains(&name_of(*pid).as_str());
    eventually("supervisor and daemon to be gone", || home.processes().iter().all(is_of_the_namespace));
}
