//! A machine with a systemd of its own: namespaces of processes, mounts, names and control groups, in which nothing of the
//! machine around it can be changed but the test's own directory.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Program, Told, eventually, is_root};
use crate::tool::are_there;

/// All that is not the test's is read-only, or empty and forgotten at the end. The targets that pull in what sets up a real
/// machine (and cleans its /tmp up) are replaced by empty ones.
const BOOT: &str = r#"set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount -o remount,bind,ro /
for place in /run /var/log /lib/systemd/system/sysinit.target.wants; do mount -t tmpfs -o mode=755 none $place; done
case "$1" in /tmp/*) ;; *) mount -t tmpfs none /tmp;; esac
mount --bind "$1/units" /etc/systemd/system
mkdir -p /run/systemd/system /run/lock
for target in sysinit basic shutdown test; do
    printf '[Unit]\nDescription=%s\nDefaultDependencies=no\n' $target >/run/systemd/system/$target.target
done
exec env -i container=test PATH="$PATH" /lib/systemd/systemd --system --unit=test.target --log-target=null --show-status=no
"#;

pub struct Machine<'a> {
    home: &'a Home,
    outer: Child,
    /// Its systemd, as it is seen from here.
    first: i32,
    /// Machines have the control group of the tests for their root, and would end and remove each other's services.
    _alone: Flock<fs::File>,
}

impl<'a> Machine<'a> {
    /// Boots it; `None` where that cannot be, which is said.
    pub fn boot(test: &str, home: &'a Home) -> Option<Self> {
        if !is_root(test) || !are_there(test, &["systemctl", "unshare", "nsenter"]) {
            return None;
        }
        let alone = alone();
        fs::create_dir(home.path("units")).expect("the directory is ours");
        let mut unshare = home.program(Path::new("unshare")).0;
        unshare.args(["--pid", "--fork", "--kill-child", "--mount", "--uts", "--ipc", "--cgroup", "--mount-proc"]);
        unshare.args(["sh", "-c", BOOT, "sh"]).arg(home.path(""));
        let outer = unshare.stdout(Stdio::null()).stderr(fs::File::create(home.path("boot")).expect("made")).spawn();
        let mut outer = outer.expect("it runs");
        let children = format!("/proc/{0}/task/{0}/children", outer.id());
        let first = || fs::read_to_string(&children).ok()?.trim().parse::<i32>().ok();
        let is_systemd = |pid| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "systemd\n");
        let mut is_over = || outer.try_wait().expect("it is our child").is_some();
        eventually("systemd", || first().is_some_and(is_systemd) || is_over());
        assert!(!is_over(), "there is no machine: {}", home.read("boot"));
        let machine = Self { home, first: first().expect("it was there"), outer, _alone: alone };
        eventually("the machine to be up", || machine.systemctl(&["is-active", "test.target"]).stdout == "active\n");
        Some(machine)
    }

    /// A unit's file.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.home.path("units").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    /// What the test adds to a service: where its home is, and roles to play.
    pub fn surround(&self, service: &str, variables: &[(&str, &str)]) {
        let home = self.home.path("");
        let mut text =
            format!("[Service]\nEnvironment=\"HOME={}\"\n", home.display().to_string().trim_end_matches('/'));
        for (key, value) in variables {
            text.push_str(&format!("Environment=\"{key}={value}\"\n"));
        }
        // How it came to its end, as systemd has it: a unit that is over may be forgotten, and asked after it is as good as new.
        let [ends, said] = ["ends", "said"].map(|name| self.home.path(name).display().to_string());
        text.push_str(&format!("StandardOutput=append:{said}\nExecStopPost=/bin/sh -c 'echo $SERVICE_RESULT $EXIT_CODE $EXIT_STATUS >>{ends}'\n"));
        self.write(&format!("{service}.service.d/test.conf"), &text);
    }

    /// A program in the machine.
    pub fn program(&self, name: &str) -> Program {
        let mut program = self.home.program(Path::new("nsenter"));
        let first = self.first.to_string();
        program.0.args(["--target", &first, "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--", name]);
        program
    }

    pub fn systemctl(&self, words: &[&str]) -> Told {
        self.program("systemctl").run(words)
    }

    #[track_caller]
    pub fn succeeds(&self, words: &[&str]) {
        let told = self.systemctl(words);
        let said = (told.code, told.stdout.as_str(), told.stderr.as_str());
        assert_eq!(said, (0, "", ""), "{words:?}: {} {}", self.home.read("said"), self.home.read("ends"));
    }

    /// What systemd says of a unit's properties.
    pub fn show(&self, unit: &str, properties: &[&str]) -> Vec<String> {
        let told = self.systemctl(&["show", "--property", &properties.join(","), unit]).stdout;
        let value = |name: &&str| {
            let line = told.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
            line.unwrap_or_else(|| panic!("{name} is in {told}")).to_owned()
        };
        properties.iter().map(value).collect()
    }

    /// Waits until systemd says this of the unit.
    #[track_caller]
    pub fn await_state(&self, unit: &str, state: &str) {
        let begun = std::time::Instant::now();
        while self.show(unit, &["ActiveState"])[0] != state {
            if begun.elapsed() > Duration::from_secs(60) {
                panic!("{unit} is not {state}: {}", self.systemctl(&["status", unit]).stdout);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What a line of shell says inside.
    pub fn look(&self, words: &str) -> String {
        self.program("sh").run(&["-c", words]).stdout
    }
}

/// Waits until there is no other machine, of whatever run of tests.
fn alone() -> Flock<fs::File> {
    let file = fs::File::create(std::env::temp_dir().join("daemon-test-machine.lock")).expect("root can make it");
    Flock::lock(file, FlockArg::LockExclusive).expect("waited for")
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        // With its PID 1 all others end.
        let _ = kill(Pid::from_raw(self.first), Signal::SIGKILL);
        let _ = self.outer.wait();
    }
}

/// A port that nobody listens on, of those that the kernel gives to no connection: a guest of another test might have it.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 10_000).unwrap_or_default();
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Where an example was built.
pub fn path_of(home: &Home, example: &str) -> String {
    home.example(example).0.get_program().to_str().expect("text").to_owned()
}
