//! What a daemon is when it has left its launcher: a clean process, seen through `/proc`.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::libc;
use nix::sys::resource::{Resource, getrlimit};

use crate::home::{Home, Program, Told, eventually, numbers_in};

/// What `/proc/PID/stat` tells of a process; see proc(5).
struct Stat {
    parent: i32,
    group: i32,
    session: i32,
    terminal: i32,
}

impl Stat {
    fn of(pid: i32) -> Self {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
        let (_, after_name) = text.rsplit_once(") ").expect("a name");
        let numbers: Vec<i32> = after_name.split(' ').skip(1).take(4).map(|n| n.parse().expect("a number")).collect();
        Self { parent: numbers[0], group: numbers[1], session: numbers[2], terminal: numbers[3] }
    }
}

/// A field of `/proc/PID/status`, or of that of a thread.
fn status(process: &str, field: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {field} in {text}")).trim().to_owned()
}

/// A row of `/proc/PID/limits`.
fn limits(process: &str, name: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{process}/limits")).expect("it runs");
    let row = text.lines().find_map(|line| line.strip_prefix(name)).expect("a row");
    row.split_whitespace().map(str::to_owned).collect()
}

fn target(pid: i32, fd: i32) -> PathBuf {
    fs::read_link(format!("/proc/{pid}/fd/{fd}")).expect("it is open")
}

/// The flags that a descriptor was opened with; see `/proc/PID/fdinfo/FD` in proc(5).
fn flags(pid: i32, fd: i32) -> i32 {
    let text = fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).expect("it is open");
    let octal = text.lines().find_map(|line| line.strip_prefix("flags:")).expect("its flags");
    i32::from_str_radix(octal.trim(), 8).expect("a number")
}

/// What the process has open above the standard three, each by what it is; how often, for what has no name.
fn open(pid: i32) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for fd in numbers_in(&format!("/proc/{pid}/fd")).into_iter().filter(|fd| *fd > 2) {
        // It may have been closed since it was listed.
        let Ok(target) = fs::read_link(format!("/proc/{pid}/fd/{fd}")) else { continue };
        let told = target.to_string_lossy().into_owned();
        let kind = told.split_once(":[").map_or(told.clone(), |(kind, _)| kind.to_owned());
        *kinds.entry(kind).or_default() += 1;
    }
    kinds
}

/// How many sockets of the start-up channel's type the process has; see the columns of `/proc/net/unix` in proc(5).
fn channels(pid: i32) -> usize {
    const SEQUENCED_PACKETS: &str = "0005";
    let table = fs::read_to_string("/proc/net/unix").expect("there are sockets");
    let is_ours = |inode: &str| {
        let socket = PathBuf::from(format!("socket:[{inode}]"));
        let has = |fd: &i32| fs::read_link(format!("/proc/{pid}/fd/{fd}")).is_ok_and(|target| target == socket);
        numbers_in(&format!("/proc/{pid}/fd")).iter().any(has)
    };
    let columns = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    columns.filter(|row| row[4] == SEQUENCED_PACKETS && is_ours(row[6])).count()
}

/// Has `change` called in the launcher, after its fork and before its exec.
fn before_exec(mut program: Program, change: impl Fn() -> io::Result<()> + Send + Sync + 'static) -> Program {
    // SAFETY: the changes in this file make system calls, and allocate nothing.
    unsafe { program.0.pre_exec(change) };
    program
}

fn succeeded(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Starts it, and gives the daemon's pid.
#[track_caller]
fn start(home: &Home, program: Program) -> i32 {
    let told = program.run(&["start"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    assert_eq!(told.stdout, format!("Starting actor ... OK (pid {})\n", home.pid()));
    home.pid()
}

#[track_caller]
fn stop(home: &Home) {
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
            let program = before_exec(home.actor("ready"), move || {
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

/// What the daemon itself needs to have open.
fn its_own(home: &Home) -> BTreeMap<String, usize> {
    let run = home.path("run").canonicalize().expect("it is there");
    let name = |path: PathBuf| path.to_string_lossy().into_owned();
    let files = [run.clone(), run.join("actor.pid"), run.join("actor.pid.claim")].map(|path| (name(path), 1));
    // The signals come through a pair of sockets, and are noted on an eventfd for a reload.
    files.into_iter().chain([("socket".to_owned(), 2), ("anon_inode".to_owned(), 1)]).collect()
}

#[test]
fn the_daemon_has_the_claim_the_pidfile_their_folder_and_the_way_of_the_signals_open_and_nothing_else() {
    for role in ["ready", "sleeper", "plain", "ticks"] {
        let home = Home::new();
        let pid = start(&home, home.actor(role).set("ACTOR_SETTLE", "20ms"));
        // What belongs to the start goes when the daemon has heard that it is over.
        eventually(&format!("nothing else to be open: {:?}", open(pid)), || open(pid) == its_own(&home));
    }
}

#[test]
fn the_start_up_channel_is_open_during_the_start_and_closed_after_it() {
    let home = Home::new();
    let child = home.actor("ticks").set("ACTOR_TICK", "waits").set("ACTOR_SETTLE", "1h").spawn(&["start"]);
    eventually("the first tick", || home.lines("notes") == ["tick 0"]);
    assert_eq!(channels(home.pid()), 1);
    home.go();
    assert_eq!(Told::of(child).code, 0);
    eventually("the channel to be closed", || channels(home.pid()) == 0);
}

/// Leaks a file, a pipe and a pair of sockets into the launcher, none of them close-on-exec, and nothing else.
fn leaking(home: &Home, program: Program) -> Program {
    let path = CString::new(home.path("leaked").as_os_str().as_bytes()).expect("no NUL in it");
    before_exec(program, move || {
        for fd in 3..1024 {
            // Whoever runs these tests may have leaked something into them. Most of the numbers are not open.
            // SAFETY: it only sets a flag, which everything of the tests has already.
            unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
        // SAFETY: the path is a C string, and the flags want a mode, which is there.
        succeeded(unsafe { libc::open(path.as_ptr(), libc::O_RDWR | libc::O_CREAT, 0o600) })?;
        let mut fds = [0; 2];
        // SAFETY: there is room for the two numbers that are written.
        succeeded(unsafe { libc::pipe(fds.as_mut_ptr()) })?;
        // SAFETY: as above.
        succeeded(unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, fds.as_mut_ptr()) })
    })
}

#[test]
fn what_the_launching_program_leaked_is_closed_and_what_this_program_opened_stays() {
    let home = Home::new();
    fs::write(home.path("opened"), "").expect("written");
    let path =
        |name: &str| home.path("").canonicalize().expect("it is there").join(name).to_string_lossy().into_owned();
    let its_own_and = |more: &[(String, usize)]| {
        let mut kinds = its_own(&home);
        more.iter().for_each(|(kind, count)| *kinds.entry(kind.clone()).or_default() += count);
        kinds
    };
    let leaked = [(path("leaked"), 1), ("pipe".to_owned(), 2), ("socket".to_owned(), 2)];
    let opened = [(path("opened"), 1)];
    for (close_fds, expected) in [
        ("inherited", its_own_and(&opened)),
        ("all", its_own(&home)),
        ("none", its_own_and(&[&leaked[..], &opened[..]].concat())),
    ] {
        let program = home.actor("ready").set("ACTOR_OPENS", home.path("opened")).set("ACTOR_CLOSE_FDS", close_fds);
        let pid = start(&home, leaking(&home, program));
        eventually(&format!("{close_fds}: {expected:?} of {:?}", open(pid)), || open(pid) == expected);
        stop(&home);
    }
}

#[test]
fn a_start_with_every_descriptor_closed_that_can_be_still_tells_a_failure() {
    for close_fds in ["inherited", "all", "none"] {
        let home = Home::new();
        let program = home.actor("complains").set("ACTOR_CLOSE_FDS", close_fds);
        let stderr = "error: no such luck\nwhat it wrote to stderr:\n  words on stderr\n";
        leaking(&home, program).run(&["start"]).assert(1, "Starting actor ... FAILED\n", stderr);
        home.assert_nothing_left();
    }
}

/// All signals that a program can ignore.
fn ignorable() -> impl Iterator<Item = libc::c_int> {
    // 32 and 33 are the C library's own, which lets nobody set them.
    (1..=64).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP, 32, 33].contains(signal))
}

fn ignoring(program: Program, signals: Vec<libc::c_int>) -> Program {
    before_exec(program, move || {
        for signal in &signals {
            // SAFETY: SIG_IGN is no handler, so nothing of ours runs in signal context.
            if unsafe { libc::signal(*signal, libc::SIG_IGN) } == libc::SIG_ERR {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    })
}

fn blocking(program: Program, signals: Vec<libc::c_int>) -> Program {
    before_exec(program, move || {
        // SAFETY: all-zero is a valid set of signals; it is emptied all the same.
        let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: the set is ours.
        succeeded(unsafe { libc::sigemptyset(&raw mut set) })?;
        for signal in &signals {
            // SAFETY: the set is ours.
            succeeded(unsafe { libc::sigaddset(&raw mut set, *signal) })?;
        }
        // SAFETY: the set is valid, and the old one is not asked for.
        succeeded(unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut()) })
    })
}

/// For which of those signals the disposition or the mask is so, by the bits of `/proc/PID/status`.
fn signals(process: &str, field: &str) -> Vec<libc::c_int> {
    let bits = u64::from_str_radix(&status(process, field), 16).expect("a number");
    ignorable().filter(|signal| bits & (1 << (signal - 1)) != 0).collect()
}

#[test]
fn whatever_the_launcher_ignores_and_blocks_the_daemon_ignores_sigpipe_only_and_blocks_nothing() {
    for role in ["ready", "ticks", "plain"] {
        let home = Home::new();
        let program = home.actor(role).set("ACTOR_SETTLE", "20ms");
        let pid = start(&home, blocking(ignoring(program, ignorable().collect()), ignorable().collect()));
        assert_eq!(signals(&pid.to_string(), "SigIgn"), [libc::SIGPIPE]);
        for thread in numbers_in(&format!("/proc/{pid}/task")) {
            assert_eq!(signals(&format!("{pid}/task/{thread}"), "SigBlk"), Vec::<libc::c_int>::new());
        }
        stop(&home);
    }
}

#[test]
fn a_start_a_stop_and_a_restart_work_with_every_signal_ignored_and_blocked() {
    let home = Home::new();
    let actor = || blocking(ignoring(home.actor("ready"), ignorable().collect()), ignorable().collect());
    let before = start(&home, actor());
    let told = actor().run(&["restart"]);
    told.assert(0, &format!("Stopping actor ... OK\nStarting actor ... OK (pid {})\n", home.pid()), "");
    assert_ne!(home.pid(), before);
    actor().run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"; 2]);
}

#[test]
fn a_launcher_that_ignores_or_blocks_sigchld_hears_the_truth_of_a_failing_start() {
    for (role, code, error) in [
        ("exits:42", 42, "the worker ended with exit code 42 before it was ready"),
        ("dies:SIGKILL", 137, "SIGKILL (9) ended the daemon before it was ready"),
        ("fails", 1, "no such luck"),
    ] {
        for deafen in [ignoring, blocking] {
            let home = Home::new();
            let told = deafen(home.actor(role), vec![libc::SIGCHLD]).run(&["start"]);
            told.assert(code, "Starting actor ... FAILED\n", &format!("error: {error}\n"));
            home.assert_nothing_left();
        }
    }
}

#[test]
fn the_daemon_dumps_no_core_unless_it_may() {
    const CORE: &str = "Max core file size";
    // As much as the tests' own limit lets it have.
    let at_most = |program| {
        before_exec(program, || {
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
fn a_launcher_without_standard_streams_starts_a_daemon_that_has_them() {
    for closed in [&[0][..], &[1], &[2], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]] {
        let home = Home::new();
        let program = before_exec(home.actor("ready"), move || {
            // SAFETY: they are the standard streams, and what comes after exec has no idea of them yet.
            closed.iter().try_for_each(|fd| succeeded(unsafe { libc::close(*fd) }))
        });
        let told = program.run(&["start"]);
        let stdout = format!("Starting actor ... OK (pid {})\n", home.pid());
        told.assert(0, if closed.contains(&1) { "" } else { &stdout }, "");
        assert!((0..3).all(|fd| target(home.pid(), fd) == Path::new("/dev/null")), "{closed:?}");
        eventually("nothing else to be open", || open(home.pid()) == its_own(&home));
        stop(&home);
    }
}

/// As many descriptors as a process may have at most, where the kernel lets us have them: in a container root may be denied.
fn most_that_root_may_have() -> u64 {
    let most = fs::read_to_string("/proc/sys/fs/nr_open").expect("there is a limit").trim().parse().expect("a number");
    let mut probe = before_exec(Program(std::process::Command::new("true")), move || {
        Ok(nix::sys::resource::setrlimit(Resource::RLIMIT_NOFILE, most, most)?)
    });
    probe.0.spawn().map_or(0, |child| {
        Told::of(child);
        most
    })
}

#[test]
fn neither_few_nor_very_many_descriptors_make_a_difference() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("there is a limit");
    let many = hard.max(most_that_root_may_have());
    for limit in [64, many] {
        let home = Home::new();
        let limited = |program| {
            before_exec(program, move || Ok(nix::sys::resource::setrlimit(Resource::RLIMIT_NOFILE, limit, limit)?))
        };
        let pid = start(&home, limited(leaking(&home, home.actor("ready"))));
        eventually("nothing else to be open", || open(pid) == its_own(&home));
        assert_eq!(limits(&pid.to_string(), "Max open files")[0], limit.to_string());
        limited(home.actor("ready")).run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
        home.assert_nothing_left();
    }
}

#[test]
fn what_was_leaked_under_a_high_number_is_closed_under_a_low_limit_too() {
    let home = Home::new();
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("there is a limit");
    let high = i32::try_from(hard.min(1024)).expect("a small number") - 1;
    let program = before_exec(home.actor("ready"), move || {
        nix::sys::resource::setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
        // SAFETY: stdin is open, and nobody has anything under that number yet.
        succeeded(unsafe { libc::dup2(0, high) })?;
        Ok(nix::sys::resource::setrlimit(Resource::RLIMIT_NOFILE, 64, 64)?)
    });
    let pid = start(&home, program);
    eventually("nothing else to be open", || open(pid) == its_own(&home));
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
