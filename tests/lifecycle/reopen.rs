//! Logs that were moved away are opened again under their names: at a `reload`, at a signal, or when the worker asks for it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, NOBODY, Program, Told, catches, eventually, is_root, numbers_in};
use crate::relay::{go, start, stop, until};

const SCRIBE: &str = env!("CARGO_BIN_EXE_scribe");

/// The ways in which a log can be written: by the daemon itself, or relayed; of each, the daemon forked, and begun anew.
const WAYS: [(&str, &str); 4] = [("direct", "true"), ("relayed", "true"), ("direct", "exec"), ("relayed", "exec")];

fn scribe(home: &Home, steps: &str, (output, detach): (&str, &str)) -> Program {
    let program = home.cast(Path::new(SCRIBE), steps).set("ACTOR_STDOUT", home.path("log"));
    program.set("ACTOR_OUTPUT", output).set("ACTOR_DETACH", detach)
}

/// A worker that waits, for the file `go`, between these steps.
fn around(home: &Home, before: &str, after: &str) -> String {
    format!("{before},ready,{},{after},sleep", until(home, "go"))
}

fn reload(home: &Home) -> Told {
    scribe(home, "", WAYS[0]).run(&["reload"])
}

#[track_caller]
fn reloads(home: &Home) {
    reload(home).assert(0, "Reloading actor ... OK\n", "");
}

fn rotate(home: &Home) {
    fs::rename(home.path("log"), home.path("log.1")).expect("it is there");
}

/// Waits until the daemon writes to a file of this name, and no more to one that was moved away.
#[track_caller]
fn writes_to(home: &Home, pid: i32, name: &str) {
    let (new, old) = (home.path(name), home.path("log.1"));
    let open = || numbers_in(&format!("/proc/{pid}/fd")).into_iter().filter_map(move |fd| link(pid, fd));
    eventually("the log to be opened again", || open().any(|file| file == new) && open().all(|file| file != old));
}

/// The log is moved away, and the daemon told so.
#[track_caller]
fn is_rotated(home: &Home, pid: i32) {
    rotate(home);
    reloads(home);
    writes_to(home, pid, "log");
}

fn link(pid: i32, fd: i32) -> Option<std::path::PathBuf> {
    fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok()
}

#[test]
fn what_is_printed_after_a_reload_is_in_a_new_file_of_the_same_name_and_mode() {
    for way in WAYS {
        let home = Home::new();
        let pid = start(&home, scribe(&home, &around(&home, "out:before", "out:after"), way));
        for _ in 0..3 {
            is_rotated(&home, pid);
        }
        go(&home, "go");
        eventually("the line", || home.read("log") == "after\n");
        stop(&home);
        let mode = home.path("log").metadata().expect("there").permissions().mode();
        assert_eq!((home.read("log"), mode & 0o7777), ("after\n".to_owned(), 0o640), "{way:?}");
    }
}

#[test]
fn what_was_printed_before_the_reload_stays_where_it_was_and_both_streams_are_in_one_file_again() {
    for way in WAYS {
        let home = Home::new();
        let steps = around(&home, "out:one,err:two", "out:three,err:four,out:five");
        let pid = start(&home, scribe(&home, &steps, way).set("ACTOR_STDERR", home.path("log")));
        is_rotated(&home, pid);
        go(&home, "go");
        eventually("the lines", || home.lines("log").len() == 3);
        stop(&home);
        let mut lines = [home.lines("log.1"), home.lines("log")];
        lines.iter_mut().for_each(|lines| lines.sort());
        assert_eq!(lines, [vec!["one", "two"], vec!["five", "four", "three"]], "{way:?}");
    }
}

#[test]
fn each_stream_has_its_own_file_again() {
    for way in WAYS {
        let home = Home::new();
        let steps = around(&home, "out:one,err:two", "out:three,err:four");
        let pid = start(&home, scribe(&home, &steps, way).set("ACTOR_STDERR", home.path("errors")));
        is_rotated(&home, pid);
        go(&home, "go");
        eventually("the lines", || home.read("log") == "three\n" && home.read("errors") == "two\nfour\n");
        stop(&home);
        assert_eq!(home.read("log.1"), "one\n", "{way:?}");
    }
}

#[test]
fn a_log_that_cannot_be_opened_again_stays_and_is_told_so_until_it_can() {
    for way in WAYS {
        let home = Home::new();
        let steps = around(&home, "out:before", "out:after");
        let pid = start(&home, scribe(&home, &steps, way).set("ACTOR_STDERR", home.path("log")));
        rotate(&home);
        fs::create_dir(home.path("log")).expect("made");
        reloads(&home);
        let path = home.path("log").display().to_string();
        let told = format!(
            "error: cannot open {path} for stdout: Is a directory; what is written here goes on to the old one\n"
        );
        eventually("it to be told", || home.read("log.1") == format!("before\n{told}"));
        fs::remove_dir(home.path("log")).expect("it is empty");
        reloads(&home);
        writes_to(&home, pid, "log");
        go(&home, "go");
        eventually("the line", || home.read("log") == "after\n");
        stop(&home);
        assert_eq!(home.read("log.1"), format!("before\n{told}"), "{way:?}");
    }
}

#[test]
fn a_signal_of_ones_choice_does_it_too_and_then_it_is_not_the_hangup_alone() {
    for way in WAYS {
        let home = Home::new();
        let pid = start(&home, scribe(&home, "ready,sleep", way).set("ACTOR_USR1", "reopen"));
        for signal in [Signal::SIGUSR1, Signal::SIGHUP] {
            rotate(&home);
            kill(Pid::from_raw(pid), signal).expect("it is there");
            writes_to(&home, pid, "log");
        }
        stop(&home);
    }
}

#[test]
fn a_worker_can_ask_for_it_and_learns_how_it_came_out() {
    for way in WAYS {
        let home = Home::new();
        let path = home.path("log").display().to_string();
        let moves = format!("go:{},reopen,out:after,{},reopen", home.path("go").display(), until(&home, "go on"));
        start(&home, scribe(&home, &format!("out:before,ready,{moves},sleep"), way));
        rotate(&home);
        go(&home, "go");
        eventually("the line", || home.read("log") == "after\n");
        fs::remove_file(home.path("log")).expect("it is there");
        fs::create_dir(home.path("log")).expect("made");
        go(&home, "go on");
        eventually("both answers", || home.lines("notes").len() == 2);
        let error = format!("Err(\"cannot open {path} for stdout: Is a directory\")");
        assert_eq!(
            (home.read("log.1"), home.lines("notes")),
            ("before\n".to_owned(), vec!["Ok(())".to_owned(), error])
        );
        stop(&home);
    }
}

#[test]
fn the_next_image_of_the_program_knows_the_path_too() {
    for way in WAYS {
        let home = Home::new();
        let steps = format!("ready,{},reload,out:anew,{},out:after,sleep", until(&home, "first"), until(&home, "go"));
        let pid = start(&home, scribe(&home, &steps, way));
        go(&home, "first");
        eventually("the next image", || home.read("log") == "anew\n");
        eventually("it to hear", || catches(pid, Signal::SIGHUP));
        is_rotated(&home, pid);
        go(&home, "go");
        eventually("the line", || home.read("log") == "after\n");
        stop(&home);
        assert_eq!(home.read("log.1"), "anew\n", "{way:?}");
    }
}

#[test]
fn what_the_worker_has_put_in_a_streams_place_stays_there() {
    for detach in ["true", "exec"] {
        let home = Home::new();
        let turn = format!("turn:{}", home.path("other").display());
        let program = scribe(&home, &around(&home, &turn, "out:after"), ("direct", detach));
        let pid = start(&home, program.set("ACTOR_STDERR", home.path("errors")));
        fs::rename(home.path("errors"), home.path("log.1")).expect("it is there");
        reloads(&home);
        writes_to(&home, pid, "errors");
        go(&home, "go");
        eventually("the line", || home.read("other") == "after\n");
        assert_eq!(home.read("log"), "");
        stop(&home);
    }
}

#[test]
fn in_the_foreground_and_without_a_path_the_hangup_is_what_it_was() {
    let home = Home::new();
    let child = scribe(&home, "ready,sleep", WAYS[0]).spawn(&["run"]);
    eventually("the pidfile", || home.pidfile().exists() && catches(home.pid(), Signal::SIGTERM));
    let told = reload(&home);
    assert_eq!((told.code, told.stdout.as_str()), (3, ""), "{told:?}");
    stop(&home);
    assert_eq!(Told::of(child).code, 0);
    let pid = start(&home, home.cast(Path::new(SCRIBE), "ready,sleep"));
    assert!(!catches(pid, Signal::SIGHUP));
    assert_eq!(reload(&home).code, 3);
    stop(&home);
}

#[test]
fn who_gave_up_root_opens_what_was_made_for_him_and_tells_of_what_he_may_not() {
    if !is_root("who_gave_up_root_opens_what_was_made_for_him_and_tells_of_what_he_may_not") {
        return;
    }
    for way in WAYS {
        let home = Home::new();
        let log = home.path("log");
        let steps = around(&home, "out:before", "out:after");
        let pid = start(&home, home.reachable(scribe(&home, &steps, way).set("ACTOR_USER", "nobody")));
        rotate(&home);
        // The folder is root's, so there is nothing that he could make in it.
        reloads(&home);
        let told = format!("error: cannot open {} for stdout: Permission denied; ", log.display());
        eventually("it to be told", || home.lines("log.1").iter().any(|line| line.starts_with(&told)));
        // As logrotate's `create 0640 nobody` does.
        fs::write(home.path("new"), "").expect("written");
        fs::set_permissions(home.path("new"), Permissions::from_mode(0o640)).expect("ours");
        lchown(home.path("new"), Some(NOBODY), Some(NOBODY)).expect("root may");
        fs::rename(home.path("new"), &log).expect("moved");
        reloads(&home);
        writes_to(&home, pid, "log");
        go(&home, "go");
        eventually("the line", || home.read("log") == "after\n");
        stop(&home);
    }
}

#[test]
fn a_strangers_link_in_the_logs_place_leads_nobody_elsewhere() {
    if !is_root("a_strangers_link_in_the_logs_place_leads_nobody_elsewhere") {
        return;
    }
    for way in WAYS {
        let home = Home::new();
        start(&home, scribe(&home, "out:before,ready,sleep", way));
        rotate(&home);
        fs::write(home.path("precious"), "").expect("written");
        symlink(home.path("precious"), home.path("log")).expect("made");
        lchown(home.path("log"), Some(NOBODY), Some(NOBODY)).expect("root may");
        reloads(&home);
        let told = format!("{} is a symbolic link of another user's (uid {NOBODY}); ", home.path("log").display());
        eventually("it to be told", || home.lines("log.1").iter().any(|line| line.contains(&told)));
        assert_eq!(home.read("precious"), "", "{way:?}");
        stop(&home);
    }
}

#[test]
fn in_a_root_directory_of_its_own_a_log_inside_is_opened_again_and_one_outside_is_no_path() {
    if !is_root("in_a_root_directory_of_its_own_a_log_inside_is_opened_again_and_one_outside_is_no_path") {
        return;
    }
    for output in ["direct", "relayed"] {
        let home = Home::new();
        fs::create_dir(home.path("root")).expect("made");
        let inside = scribe(&home, "out:before,ready,sleep", (output, "true")).set("ACTOR_CHROOT", home.path("root"));
        let pid = start(&home, inside.set("ACTOR_STDOUT", home.path("root/log")));
        fs::rename(home.path("root/log"), home.path("log.1")).expect("it is there");
        reloads(&home);
        writes_to(&home, pid, "root/log");
        let made = home.path("root/log").metadata().expect("there");
        assert_eq!((made.len(), made.permissions().mode() & 0o7777), (0, 0o640));
        stop(&home);
        let outside = scribe(&home, "out:before,ready,sleep", (output, "true")).set("ACTOR_CHROOT", home.path("root"));
        let pid = start(&home, outside);
        assert!(!catches(pid, Signal::SIGHUP));
        assert_eq!(reload(&home).code, 3);
        stop(&home);
    }
}
