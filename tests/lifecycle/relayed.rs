//! `output = "relayed"` loses nothing that the logs take: whole lines, in order, over every end in order and every reload; and
//! leaves what else is promised of streams and descriptors as it is.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};

use crate::becoming::becoming;
use crate::home::{Home, NOBODY, Told, catches, eventually, is_over, is_root, numbers_in};
use crate::relay::{go, scribe, start, stop, threads, until};
use crate::reload::Anew;

fn lines(count: usize) -> String {
    (0..count).map(|number| format!("line {number}\n")).collect()
}

fn send(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("it is there");
}

/// A FIFO, with an end to read it by.
pub fn fifo(home: &Home, name: &str) -> File {
    mkfifo(&home.path(name), Mode::S_IRWXU).expect("made");
    let reader =
        File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(home.path(name)).expect("opened");
    fcntl(&reader, FcntlArg::F_SETFL(OFlag::empty())).expect("it waits now");
    reader
}

#[test]
fn whatever_the_end_what_was_written_before_is_in_the_log_when_it_has_ended() {
    let ends: [(&str, &[Signal], &str); 7] = [
        ("note:", &[], "Shutting down normally [0]"),
        ("exits:7", &[], "Exiting with non-zero exit code 7 [7]"),
        ("fails:no luck", &[], "Dying due to error: no luck [1]"),
        ("panics:oh", &[], "Dying due to panic: oh"),
        ("sleep", &[Signal::SIGTERM], "Terminated by SIGTERM (15) [0]"),
        ("sleep", &[Signal::SIGINT], "Terminated by SIGINT (2) [0]"),
        ("sleep,note:asked,deaf", &[Signal::SIGTERM, Signal::SIGTERM], "Terminated by SIGTERM (15) [143]"),
    ];
    for (end, signals, reason) in ends {
        for detach in ["true", "exec"] {
            let home = Home::new();
            // More than the FIFO holds, so that much of it is still on its way at the end; and nobody reads until then.
            let mut log = fifo(&home, "log");
            let steps = format!("ready,{},lines:10000,begin:no end,note:written,{end}", until(&home, "go"));
            let pid = start(&home, scribe(&home, &steps).set("ACTOR_DETACH", detach));
            go(&home, "go");
            eventually("all to be written", || home.read("notes").starts_with("written"));
            for (already, signal) in signals.iter().enumerate() {
                eventually("the signal before to be heard", || home.lines("notes").len() > already);
                send(pid, *signal);
            }
            eventually("its last words", || home.read("last-words").starts_with(reason));
            let mut text = String::new();
            log.read_to_string(&mut text).expect("read");
            assert!(text == lines(10_000) + "no end", "{end} {detach}: {} bytes", text.len());
            eventually("its end", || is_over(pid));
        }
    }
}

#[test]
fn a_hook_that_fails_or_ends_the_program_loses_nothing_either() {
    for (detach, hook, code) in [("true", "exits", 3), ("exec", "exits", 3), ("true", "fails", 1), ("exec", "fails", 1)]
    {
        let home = Home::new();
        let program = scribe(&home, "sleep").set("ACTOR_HOOK", hook).set("ACTOR_DETACH", detach);
        assert_eq!(program.run(&["start"]).code, code, "{detach} {hook}");
        assert_eq!(home.read("log"), "the hook's last words\n", "{detach} {hook}");
        home.assert_nothing_left();
    }
}

#[test]
fn a_log_that_hangs_is_waited_for_at_the_end_and_not_for_ever() {
    let home = Home::new();
    let _nobody_reads = fifo(&home, "log");
    let pid = start(&home, scribe(&home, "ready,lines:10000"));
    eventually("its end", || is_over(pid));
    assert_eq!(home.lines("last-words"), ["Shutting down normally [0]"]);
    home.assert_nothing_left();
}

#[test]
fn two_streams_in_one_file_do_not_part_each_others_lines_and_keep_their_order() {
    let home = Home::new();
    let told = scribe(&home, "both:20000").set("ACTOR_STDERR", home.path("log")).run(&["start"]);
    told.assert(0, "Starting actor ... OK (ended)\n", "");
    let log = home.lines("log");
    for stream in ["out ", "err "] {
        let of_stream = log.iter().filter_map(|line| line.strip_prefix(stream));
        let numbers = of_stream.filter_map(|line| line.strip_suffix(" of a line")?.parse::<usize>().ok());
        assert!(numbers.eq(0..20_000), "{stream}");
    }
    assert_eq!(log.len(), 40_000);
}

#[test]
fn a_line_too_long_to_be_kept_is_not_continued_by_the_other_stream() {
    let home = Home::new();
    let steps = format!("piece:70000,ready,err:words,{},out: end,sleep", until(&home, "go"));
    start(&home, scribe(&home, &steps).set("ACTOR_STDERR", home.path("log")));
    eventually("the other stream's line", || home.read("log").ends_with("words\n"));
    go(&home, "go");
    stop(&home);
    let lines = home.lines("log");
    assert_eq!((lines.len(), lines[1].as_str(), lines[2].trim_matches('x')), (3, "words", " end"));
    assert_eq!(lines.iter().map(|line| line.matches('x').count()).sum::<usize>(), 70_000);
}

#[test]
fn a_line_of_any_length_arrives_whole() {
    let home = Home::new();
    start(&home, scribe(&home, "ready,long:1000000,note:written,sleep"));
    eventually("all to be written", || home.lines("notes") == ["written"]);
    stop(&home);
    assert!(home.read("log") == "x".repeat(1_000_000) + "\n");
}

#[test]
fn a_million_lines_and_forty_reloads_and_none_is_lost() {
    let home = Home::new();
    let count = home.path("count");
    let child = format!(
        "child:i=0; while ! test -e {} && test $i -lt 2000000; do echo child $i; i=$((i+1)); done; echo $i >{}",
        home.path("done").display(),
        count.display()
    );
    let lines = ["lines:25000"; 40].join(",reload,");
    let pid = start(&home, scribe(&home, &format!("{child},ready,{lines},note:written,sleep")));
    eventually("all to be written", || home.lines("notes").last().is_some_and(|line| line == "written"));
    assert_eq!(home.pid(), pid);
    go(&home, "done");
    eventually("the child's end", || home.read("count").ends_with('\n'));
    stop(&home);
    let log = home.read("log");
    let numbers = |of: &'static str| log.lines().filter_map(move |line| line.strip_prefix(of)?.parse::<usize>().ok());
    assert!(numbers("line ").eq((0..40).flat_map(|_| 0..25_000)));
    let count = home.read("count").trim().parse().expect("a number");
    assert!(numbers("child ").eq(0..count));
    assert_eq!(log.lines().count(), 1_000_000 + count);
}

#[test]
fn what_the_program_says_on_its_way_through_a_reload_stands_in_its_place() {
    let home = Home::new();
    let program = scribe(&home, "out:before,begin:no end,reload,out:after,note:written,sleep");
    start_with_prelude(&home, program.set("ACTOR_PRELUDE", "on the way"));
    eventually("all to be written", || home.read("notes") == "reloads\nwritten\n");
    stop(&home);
    assert_eq!(home.read("log"), "before\nno endon the way\nafter\n");
}

/// Starts a program that says something before it comes to its call.
fn start_with_prelude(home: &Home, program: crate::home::Program) {
    let told = program.run(&["start"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    assert_eq!(told.stdout, format!("on the way\nStarting actor ... OK (pid {})\n", home.pid()));
}

#[test]
fn a_new_image_that_fails_before_it_comes_to_the_call_is_heard() {
    let anew = Anew::new();
    let log = anew.home.path("log");
    let told = anew
        .program("")
        .set("ACTOR_OUTPUT", "relayed")
        .set("ACTOR_STDERR", log)
        .set("ACTOR_FATAL", "2")
        .run(&["start"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    let pid = anew.home.pid();
    anew.ask(pid);
    eventually("its end", || is_over(pid));
    assert_eq!(anew.home.lines("log").last().map(String::as_str), Some("no prelude today"));
}

#[test]
fn after_a_failed_reload_the_relay_goes_on_as_before() {
    let anew = Anew::new();
    let told = anew.program("").set("ACTOR_OUTPUT", "relayed").run(&["start"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    let (home, pid) = (&anew.home, anew.home.pid());
    let program = home.path("program");
    fs::rename(&program, home.path("away")).expect("renamed");
    // A link that leads to no program: it is there, and cannot be begun.
    fs::write(&program, "no program").expect("written");
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("ours");
    anew.ask(pid);
    eventually("the error", || home.lines("log").len() == 3);
    assert!(home.lines("log")[1].contains("Exec format error"), "{}", home.read("log"));
    assert_eq!(home.lines("log")[2], "changed: []");
    fs::rename(home.path("away"), &program).expect("renamed");
    anew.reload(pid);
    anew.run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
}

#[test]
fn a_failing_start_shows_stderr_whatever_the_log_takes() {
    for detach in ["true", "exec"] {
        for log in ["log", "/dev/full", "/dev/null"] {
            let home = Home::new();
            // An absolute name stands for itself.
            let program = scribe(&home, "out:said,err:words on stderr,fails:no such luck").set("ACTOR_DETACH", detach);
            let program = program.set("ACTOR_STDOUT", home.path(log)).set("ACTOR_STDERR", home.path(log));
            let stderr = "error: no such luck\nwhat it wrote to stderr:\n  words on stderr\n";
            program.run(&["start"]).assert(1, "Starting actor ... FAILED\n", stderr);
            home.assert_nothing_left();
            if log == "log" {
                let mut lines = home.lines("log");
                lines.sort();
                assert_eq!(lines, ["said", "words on stderr"], "{detach}");
            }
        }
    }
}

#[test]
fn a_launcher_has_exactly_what_was_written_until_the_daemon_was_ready() {
    for (out, err) in [("out", "err"), ("out", "out"), ("/dev/null", "/dev/full")] {
        let home = Home::new();
        fs::write(home.path("out"), "from before\n").expect("written");
        let steps = "say:one\n two ,flush,complain:three\n,ready,say:four\n,flush,sleep";
        let program = becoming(&home, steps).set("ACTOR_OUTPUT", "relayed");
        let told = program.set("ACTOR_STDOUT", home.path(out)).set("ACTOR_STDERR", home.path(err)).run(&["launch"]);
        told.assert(0, &format!("launched {}: {:?} {:?}\n", home.pid(), "one\n two ", "three\n"), "");
        if (out, err) == ("out", "err") {
            eventually("the rest", || home.read("out") == "from before\none\n two four\n");
            assert_eq!(home.read("err"), "three\n");
        }
    }
}

#[test]
fn a_launcher_has_also_what_the_log_was_slow_to_take() {
    let home = Home::new();
    let mut log = fifo(&home, "log");
    // More than the FIFO holds, so that what comes after it is still on its way when the daemon says that it is ready.
    let text = format!("{}\n", "x".repeat(100));
    let steps = format!("{}flush,complain:words\n,note:says,ready,sleep", format!("say:{text},").repeat(1000));
    let program = becoming(&home, &steps).set("ACTOR_OUTPUT", "relayed").set("ACTOR_STDERR", home.path("err"));
    let child = program.set("ACTOR_STDOUT", home.path("log")).spawn(&["launch"]);
    eventually("all to be written", || home.lines("notes") == ["says"]);
    let mut read = vec![0; 1000 * text.len()];
    log.read_exact(&mut read).expect("read");
    let told = Told::of(child);
    assert!(told.code == 0 && told.stdout.ends_with("\" \"words\\n\"\n"), "{}", told.stderr);
    assert_eq!(home.read("err"), "words\n");
}

#[test]
fn more_than_any_pipe_holds_before_it_is_ready_does_not_stand_still() {
    let home = Home::new();
    let program = becoming(&home, "flood,ready,note:ready,sleep").set("ACTOR_OUTPUT", "relayed");
    let program = program.set("ACTOR_STDOUT", home.path("out")).set("ACTOR_STDERR", home.path("err"));
    assert_eq!(program.run(&["launch"]).code, 0);
    let expected = |stream: &str| (0..10_000).map(|n| format!("{stream} {n:06}\n")).collect::<String>();
    assert!(home.read("out") == expected("out") && home.read("err") == expected("err"));
}

/// What a process has open above the standard three, by what it is, and whether a program that it runs would have it too.
fn open(pid: i32) -> Vec<String> {
    let numbers = numbers_in(&format!("/proc/{pid}/fd")).into_iter().filter(|fd| *fd > 2);
    let mut open: Vec<_> = numbers
        .filter_map(|fd| {
            let target = fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok()?.display().to_string();
            let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).ok()?;
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?.trim().to_owned();
            let is_closed = i32::from_str_radix(&flags, 8).ok()? & OFlag::O_CLOEXEC.bits() != 0;
            let kind = target.split(":[").next().unwrap_or_default().to_owned();
            Some(format!("{kind}{}", if is_closed { "" } else { " stays open over exec" }))
        })
        .collect();
    open.sort();
    open
}

#[test]
fn the_relay_has_two_descriptors_for_a_stream_and_one_besides_whatever_else_is_closed() {
    for close_fds in ["inherited", "all", "none"] {
        let opened = |output: &str| {
            let home = Home::new();
            let program = scribe(&home, "out:one,ready,reload,note:written,sleep").set("ACTOR_CLOSE_FDS", close_fds);
            let pid = start(&home, program.set("ACTOR_STDERR", home.path("err")).set("ACTOR_OUTPUT", output));
            eventually("the reload", || home.read("notes") == "reloads\nwritten\n");
            eventually("the line", || home.read("log") == "one\n");
            let folder = home.path("").canonicalize().expect("there").display().to_string();
            open(pid).into_iter().map(|name| name.replace(&folder, "")).collect::<Vec<_>>()
        };
        let (with, mut without) = (opened("relayed"), opened("direct"));
        without.extend(["/err", "/log", "anon_inode:[eventfd]", "pipe", "pipe"].map(str::to_owned));
        without.iter_mut().for_each(|name| *name = name.replace("anon_inode:[eventfd]", "anon_inode"));
        let mut with: Vec<_> =
            with.into_iter().map(|name| name.replace("anon_inode:[eventfd]", "anon_inode")).collect();
        without.sort();
        with.sort();
        assert_eq!(with, without, "{close_fds}");
    }
}

#[test]
fn a_child_that_the_worker_forks_writes_through_the_relay_and_has_no_part_in_it() {
    let home = Home::new();
    start(&home, scribe(&home, "ready,forks,out:mine,note:written,sleep"));
    eventually("all to be written", || home.lines("notes").last().is_some_and(|line| line == "written"));
    stop(&home);
    assert_eq!(home.lines("notes")[0], "child []");
    assert_eq!(home.lines("log"), ["the child's words", "mine"]);
    assert_eq!(home.lines("last-words").len(), 1);
}

#[test]
fn a_child_that_outlives_the_daemon_ends_when_it_writes() {
    let home = Home::new();
    start(&home, scribe(&home, "child:while :; do echo noise; sleep 0.01; done,ready,sleep"));
    eventually("the child's words", || home.read("log").starts_with("noise\n"));
    stop(&home);
}

#[test]
fn as_another_user_in_another_root_it_writes_to_the_logs_that_root_has_opened() {
    if !is_root("as_another_user_in_another_root_it_writes_to_the_logs_that_root_has_opened") {
        return;
    }
    let home = Home::new();
    fs::create_dir(home.path("root")).expect("made");
    let program = scribe(&home, "lines:1000,err:words,ready,sleep").set("ACTOR_CHROOT", home.path("root"));
    let pid = start(&home, program.set("ACTOR_USER", NOBODY.to_string()).set("ACTOR_STDERR", home.path("err")));
    assert_eq!((home.read("log"), home.read("err")), (lines(1000), "words\n".to_owned()));
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it is there");
    assert!(status.contains(&format!("Uid:\t{NOBODY}\t{NOBODY}\t{NOBODY}")));
    scribe(&home, "").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
}

#[test]
fn another_program_as_the_worker_is_relayed_too() {
    let home = Home::new();
    let program = home.cast(Path::new(env!("CARGO_BIN_EXE_supervisor")), "").set("ACTOR_OUTPUT", "relayed");
    let script = "i=0; while test $i -lt 3000; do echo line $i; i=$((i+1)); done; exit 7";
    let program = program.set("ACTOR_STDOUT", home.path("log")).set("ACTOR_PROGRAM", format!("sh|-c|{script}"));
    assert_eq!(program.set("ACTOR_SETTLE", "1m").run(&["start"]).code, 7);
    assert_eq!(home.read("log"), lines(3000));
    home.assert_nothing_left();
}

#[test]
fn an_open_file_of_the_programs_own_is_relayed_too() {
    let home = Home::new();
    let errors = File::create(home.path("errors")).expect("made");
    let mut streams = home.program(Path::new(env!("CARGO_BIN_EXE_streams"))).set("STREAMS_OUTPUT", "relayed");
    streams = streams.set("STREAMS_FILE", home.path("output"));
    let mut child = streams.0.arg("start").stdout(Stdio::null()).stderr(errors).spawn().expect("started");
    assert!(child.wait().expect("waited").success());
    assert_eq!(home.read("errors"), "kept\n");
    assert_eq!(threads(home.pid()).iter().filter(|name| *name == "relay").count(), 1);
    home.go();
    eventually("the daemon to end", || home.processes().is_empty());
    assert_eq!(home.read("output"), "read ");
}

#[test]
fn a_process_that_goes_on_after_its_daemon_has_the_logs_themselves_and_no_thread_more() {
    let home = Home::new();
    let steps = "ready,say:one\n,flush,drop,say:two\n,flush,note:over,await,say:three\n,flush";
    let program = becoming(&home, steps).set("ACTOR_OUTPUT", "relayed").set("ACTOR_STDOUT", home.path("log"));
    program.run(&["detach"]).assert(0, "", "");
    eventually("the daemon's end", || home.lines("notes") == ["over"]);
    let pid = home.processes()[0];
    assert_eq!(
        fs::read_link(format!("/proc/{pid}/fd/1")).expect("there"),
        home.path("log").canonicalize().expect("there")
    );
    assert_eq!(home.read("log"), "one\ntwo\n");
    eventually("its threads to be gone", || threads(pid).len() == 1);
    home.go();
    eventually("the process to end", || home.processes().is_empty());
    assert_eq!(home.read("log"), "one\ntwo\nthree\n");
}

#[test]
fn a_signal_that_ends_who_has_no_context_waits_for_the_log_too() {
    let home = Home::new();
    let mut log = fifo(&home, "log");
    let text = format!("{}\n", "x".repeat(100));
    let steps = format!("ready,{}flush,note:written,sleep", format!("say:{text},").repeat(1000));
    let program = becoming(&home, &steps).set("ACTOR_OUTPUT", "relayed").set("ACTOR_STDOUT", home.path("log"));
    program.run(&["detach"]).assert(0, "", "");
    let pid = home.pid();
    eventually("all to be written", || home.lines("notes") == ["written"]);
    eventually("a handler", || catches(pid, Signal::SIGTERM));
    send(pid, Signal::SIGTERM);
    eventually("its last words", || home.lines("last-words") == ["Terminated by SIGTERM (15) [0]"]);
    let mut written = String::new();
    log.read_to_string(&mut written).expect("read");
    assert!(written == text.repeat(1000), "{} bytes", written.len());
}

#[test]
fn in_the_foreground_the_streams_stay_what_they_are() {
    let home = Home::new();
    let child = scribe(&home, &format!("out:said,err:told,note:written,{}", until(&home, "go"))).spawn(&["run"]);
    eventually("its words", || home.lines("notes") == ["written"]);
    let pid = i32::try_from(child.id()).expect("a pid");
    assert!(!threads(pid).contains(&"relay".to_owned()));
    go(&home, "go");
    Told::of(child).assert(0, "said\n", "told\n");
    assert_eq!(home.read("log"), "");
}
