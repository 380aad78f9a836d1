//! What a daemon is when it has left its launcher: a clean process, seen through `/proc`.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::libc;
use nix::sys::resource::{Resource, getrlimit};

use crate::home::{Home, Program, Told};
use crate::inspection::{Stat, flags, limits, status, target};
use crate::settings::before;

/// Starts it, and gives the daemon's pid.
#[track_caller]
pub fn start(home: &Home, program: Program) -> i32 {
    let told = program.run(&["start"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    assert_eq!(told.stdout, format!("Starting actor ... OK (pid {})\n", home.pid()));
    home.pid()
}

#[track_caller]
pub fn stop(home: &Home) {
    home.actor("ready").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
}

#[test]
fn the_daemon_has_a_session_that_it_does_not_lead_and_whose_leader_is_gone() {
    let home = Home::new();
    let child = home.actor("ready").spawn(&["start"]);
    let launcher = i32::try_from(child.id()).expect("a pid");
    assert_eq!(Told::of(child).code, 0);
    let (pid, stat) = (home.pid(), Stat::of(home.pid()));
    let own = Stat::of(i32::try_from(std::process::id()).expect("a pid"));
    assert!(stat.session != pid && stat.session != launcher && stat.session != own.session, "{}", stat.session);
    assert_eq!(stat.group, stat.session);
    assert!(!Path::new(&format!("/proc/{}", stat.session)).exists(), "the session leader is still there");
    assert!(stat.parent != launcher && stat.parent != stat.session, "{}", stat.parent);
    // Whoever takes in orphans here, init or a subreaper, is there.
    assert!(Path::new(&format!("/proc/{}", stat.parent)).exists(), "{}", stat.parent);
    assert_eq!(stat.terminal, 0);
    assert_eq!(home.processes(), [pid]);
}

#[test]
fn the_daemon_works_in_the_root_folder_unless_another_is_asked_for() {
    let home = Home::new();
    let folder = |pid: i32| fs::read_link(format!("/proc/{pid}/cwd")).expect("it runs");
    assert_eq!(folder(start(&home, home.actor("ready"))), Path::new("/"));
    stop(&home);
    fs::create_dir(home.path("work")).expect("made");
    let work = home.path("work").canonicalize().expect("it is there");
    // A relative path means the folder that it was launched in.
    for asked in [home.path("work"), PathBuf::from("work"), PathBuf::from("run/../work")] {
        assert_eq!(folder(start(&home, home.actor("ready").set("ACTOR_WORKDIR", asked))), work);
        stop(&home);
    }
}

#[test]
fn the_umask_is_027_unless_another_is_asked_for_and_never_the_launchers() {
    for (asked, expected) in [(None, "0027"), (Some("077"), "0077"), (Some("0o000"), "0000")] {
        for launchers in [0, 0o777] {
            let home = Home::new();
            let program = before(home.actor("ready"), move || {
                // SAFETY: umask(2) takes an integer and cannot fail.
                unsafe { libc::umask(launchers) };
                Ok(())
            });
            let program = asked.into_iter().fold(program, |program, mask| program.set("ACTOR_UMASK", mask));
            let pid = start(&home, program);
            assert_eq!(status(&pid.to_string(), "Umask"), expected);
        }
    }
}

#[test]
fn a_file_that_the_worker_makes_has_the_mode_that_the_umask_leaves() {
    let home = Home::new();
    let made = home.path("made");
    start(&home, home.actor(&format!("makes-a-file:{}", made.display())));
    assert_eq!(made.metadata().expect("made").permissions().mode() & 0o777, 0o640);
}

#[test]
fn the_standard_streams_are_the_null_device_unless_files_are_asked_for() {
    let home = Home::new();
    let pid = start(&home, home.actor("ready"));
    assert!((0..3).all(|fd| target(pid, fd) == Path::new("/dev/null")));
    stop(&home);

    fs::write(home.path("in"), "words").expect("written");
    let program = home.actor("copies-stdin").set("ACTOR_STDIN", home.path("in"));
    let program = program.set("ACTOR_STDOUT", home.path("out")).set("ACTOR_STDERR", home.path("err"));
    let pid = start(&home, program);
    let folder = home.path("").canonicalize().expect("it is there");
    for (fd, name) in [(0, "in"), (1, "out"), (2, "err")] {
        assert_eq!(target(pid, fd), folder.join(name));
        let flags = flags(pid, fd);
        assert_eq!(flags & libc::O_NONBLOCK, 0, "{name}");
        let (mode, appends) = if fd == 0 { (libc::O_RDONLY, 0) } else { (libc::O_WRONLY, libc::O_APPEND) };
        assert_eq!((flags & libc::O_ACCMODE, flags & libc::O_APPEND), (mode, appends), "{name}");
    }
    assert_eq!((home.read("out"), home.read("err")), ("stdout: words\n".into(), "stderr: words\n".into()));
}

#[test]
fn the_logs_are_appended_to_and_made_readable_for_the_group_only() {
    let home = Home::new();
    fs::write(home.path("out"), "before\n").expect("written");
    let program = home.actor("copies-stdin").set("ACTOR_STDOUT", home.path("out"));
    start(&home, program.set("ACTOR_STDERR", home.path("logs/deep/err")));
    assert_eq!(home.read("out"), "before\nstdout: \n");
    assert_eq!(home.path("logs/deep/err").metadata().expect("made").permissions().mode() & 0o7777, 0o640);
}

#[test]
fn the_daemon_dumps_no_core_unless_it_may() {
    const CORE: &str = "Max core file size";
    // As much as the tests' own limit lets it have.
    let at_most = |program| {
        before(program, || {
            let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
            Ok(nix::sys::resource::setrlimit(Resource::RLIMIT_CORE, hard, hard)?)
        })
    };
    let hard = limits("self", CORE)[1].clone();
    for (allowed, expected) in [(None, "0"), (Some("false"), "0"), (Some("true"), hard.as_str())] {
        let home = Home::new();
        let program = allowed.into_iter().fold(home.actor("ready"), |p, allowed| p.set("ACTOR_CORE_DUMPS", allowed));
        let pid = start(&home, at_most(program));
        assert_eq!(limits(&pid.to_string(), CORE)[..2], [expected, expected]);
    }
}

#[test]
fn the_environment_goes_along() {
    let home = Home::new();
    start(&home, home.actor("notes-variable:WORDS_FOR_THE_WORKER").set("WORDS_FOR_THE_WORKER", "a b  c"));
    assert_eq!(home.lines("notes"), ["a b  c"]);
}

#[test]
fn nobody_of_the_daemon_holds_a_pipe_of_the_launchers() {
    // The child of the second one has the daemon's streams, and lives as long as the daemon.
    for role in ["ready", "parent"] {
        let home = Home::new();
        let mut program = home.actor(role);
        program.0.stdin(Stdio::piped());
        let mut child = program.spawn(&["start"]);
        let mut stdin = child.stdin.take().expect("it has one");
        // That this ends means that nobody has the others any more.
        let told = Told::of(child);
        told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
        let refused = stdin.write(b"words").expect_err("nobody reads").kind();
        assert_eq!(refused, io::ErrorKind::BrokenPipe);
        assert!(home.processes().contains(&home.pid()));
    }
}
