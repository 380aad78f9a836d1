//! A supervisor that lives as long as its test, with the porter of README under it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Program, eventually};
use crate::machine::{free_port, path_of};
use crate::readme;

/// A supervisor in the foreground; at the end it is ended, and its daemon with the test's directory.
pub struct Supervisor(pub Child);

impl Supervisor {
    pub fn begin(home: &Home, mut program: Program) -> Self {
        let log = fs::File::create(home.path("supervisor")).expect("made");
        let copy = log.try_clone().expect("a copy");
        Self(program.0.stdin(Stdio::null()).stdout(log).stderr(copy).spawn().expect("it runs"))
    }

    /// Waits until it has ended by itself.
    pub fn await_end(&mut self) {
        eventually("the supervisor's end", || self.0.try_wait().expect("it is our child").is_some());
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let _ = kill(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGKILL);
            let _ = self.0.wait();
        }
    }
}

/// A supervised program for the porter; it listens somewhere free, and has its pidfile in the test's directory.
pub fn with_porter(home: &Home, program: Program) -> Program {
    let program = program.set("PORTER_ADDRESS", format!("127.0.0.1:{}", free_port()));
    program.set("PORTER_PIDFILE", home.path("porter.pid"))
}

/// A script of README's, which runs the porter where it was built.
pub fn script(home: &Home, path: &str, heading: &str) {
    let text = readme::block(heading, &[("/usr/local/bin/porter", &path_of(home, "porter"))]);
    write_script(home, path, &text);
}

pub fn write_script(home: &Home, path: &str, text: &str) {
    let path = home.path(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(&path, text).expect("written");
    fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("it is ours");
}

/// The number in the porter's pidfile, once there is one.
pub fn porter_pid(home: &Home) -> i32 {
    let number = || home.read("porter.pid").trim_end().parse().ok();
    eventually("the pidfile", || number().is_some());
    number().expect("a number")
}
