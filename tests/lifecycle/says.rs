//! What a daemon that does not repeat says that it is doing, and the record that it makes for that.

use std::fs;
use std::os::unix::fs::chown;
use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, NOBODY, eventually, is_over, is_root};
use crate::settings::{Settings, WAYS, Way, program};

const SAYS: &str = "actor.pid.record";

/// What `status` tells below the daemon's line.
#[track_caller]
fn below(home: &Home, settings: Settings<'_>) -> String {
    let told = program(home, settings).run(&["status"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    told.stdout.split_once('\n').expect("a line").1.to_owned()
}

#[track_caller]
fn start(home: &Home, role: &str) -> i32 {
    let told = home.actor(role).run(&["start"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    home.pid()
}

#[test]
fn status_tells_it_however_the_daemon_was_begun() {
    for way in WAYS {
        let home = Home::new();
        let settings = &[("ROLE", "says")];
        let living = way.start(&home, settings);
        assert_eq!(below(&home, settings), "  says: counting sheep\n", "{way:?}");
        let told = program(&home, settings).run(&["status", "--json", "--fields", "name,status_text"]);
        told.assert(0, "{\"name\":\"settings\",\"status_text\":\"counting sheep\"}\n", "");
        let told = program(&home, settings).run(&["status", "--json"]).stdout;
        assert!(told.contains("\"status_text\":\"counting sheep\"") && !told.contains("ticks"), "{told}");
        living.stop(&home, settings);
    }
}

#[test]
fn a_daemon_that_says_nothing_has_no_record() {
    let home = Home::new();
    let living = Way::Background.start(&home, &[]);
    assert_eq!(home.run_names(), ["actor.pid", "actor.pid.claim"]);
    assert_eq!(below(&home, &[]), "");
    program(&home, &[]).run(&["status", "--fields", "status_text,ticks"]).assert(
        0,
        "settings -- status_text: null, ticks: null\n",
        "",
    );
    living.stop(&home, &[]);
}

#[test]
fn nothing_of_it_is_left_after_a_failed_start() {
    for role in ["says-then-fails", "says-and-hangs"] {
        let home = Home::new();
        let actor = home.actor(role).set("ACTOR_READY", "notify").set("ACTOR_START_TIMEOUT", "300ms");
        assert_eq!(actor.set("ACTOR_STOP_TIMEOUT", "100ms").run(&["start"]).code, 1, "{role}");
        home.assert_nothing_left();
    }
}

#[test]
fn nothing_of_it_is_left_when_it_is_said_until_the_very_end() {
    for _ in 0..20 {
        let home = Home::new();
        assert_eq!(home.actor("says-without-end").run(&["run"]).code, 0);
        home.assert_nothing_left();
    }
}

#[test]
fn what_a_crash_leaves_of_it_is_believed_of_nobody_and_gone_at_the_next_end() {
    let home = Home::new();
    let living = Way::Background.start(&home, &[("ROLE", "says")]);
    living.signal(Signal::SIGKILL);
    living.ended();
    assert!(home.run_names().contains(&SAYS.to_owned()));
    let told = program(&home, &[]).run(&["status"]);
    assert!(told.code == 1 && !told.stdout.contains("sheep"), "{told:?}");
    let living = Way::Background.start(&home, &[]);
    assert_eq!(below(&home, &[]), "");
    living.stop(&home, &[]);
}

#[test]
fn it_is_still_told_after_a_reload() {
    let home = Home::new();
    let pid = start(&home, "says-and-reloads");
    eventually("what it says", || home.actor("").run(&["status"]).stdout.ends_with("  says: before the reload\n"));
    home.go();
    eventually("the next image", || home.lines("notes") == ["anew"]);
    assert_eq!(home.pid(), pid);
    let told = home.actor("").run(&["status"]);
    assert!(told.code == 0 && told.stdout.ends_with("  says: before the reload\n"), "{told:?}");
    home.actor("").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
}

#[test]
fn a_child_that_the_daemon_forks_does_not_say_it_in_its_name() {
    let home = Home::new();
    start(&home, "forks-and-says");
    assert_eq!(home.run_names(), ["actor.pid", "actor.pid.claim"]);
    home.actor("").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
}

#[test]
fn orders_to_a_daemon_that_only_says_something_are_refused_and_do_not_end_it() {
    let home = Home::new();
    let living = Way::Background.start(&home, &[("ROLE", "says")]);
    let told = home.actor("ticks").run(&["run-now"]);
    assert_eq!((told.code, told.stdout.as_str()), (3, "Running actor ... FAILED\n"), "{told:?}");
    assert!(!is_over(living.pid));
    living.stop(&home, &[("ROLE", "says")]);
}

#[test]
fn one_that_gave_up_root_tells_it_where_its_user_may_write_and_else_nothing() {
    if !is_root("one_that_gave_up_root_tells_it_where_its_user_may_write_and_else_nothing") {
        return;
    }
    let settings = &[("ROLE", "says"), ("USER", "65534")];
    let home = Home::new();
    let living = Way::Background.start(&home, settings);
    assert_eq!(below(&home, settings), "");
    assert!(!home.run_names().contains(&SAYS.to_owned()));
    living.signal(Signal::SIGTERM);
    living.ended();

    let home = Home::new();
    chown(home.path("run"), Some(NOBODY), Some(NOBODY)).expect("chowned");
    let living = Way::Background.start(&home, settings);
    assert_eq!(below(&home, settings), "  says: counting sheep\n");
    living.stop(&home, settings);
    // And what it leaves there is cleared away by root.
    let living = Way::Background.start(&home, settings);
    living.signal(Signal::SIGKILL);
    living.ended();
    program(&home, settings).run(&["stop"]).assert(0, "", "warning: settings is not running\n");
    home.assert_nothing_left();
}

#[test]
fn one_that_has_left_the_pidfiles_folder_for_its_root_directory_makes_nothing_there() {
    if !is_root("one_that_has_left_the_pidfiles_folder_for_its_root_directory_makes_nothing_there") {
        return;
    }
    let home = Home::new();
    for folder in ["root", "run"] {
        fs::create_dir_all(home.path(folder)).expect("made");
        chown(home.path(folder), Some(NOBODY), Some(NOBODY)).expect("chowned");
    }
    let root: PathBuf = home.path("root").canonicalize().expect("it is there");
    let settings = &[("ROLE", "says"), ("CHROOT", root.to_str().expect("text")), ("USER", "65534")];
    let living = Way::Background.start(&home, settings);
    assert_eq!(below(&home, settings), "");
    living.signal(Signal::SIGTERM);
    living.ended();
    assert_eq!(fs::read_dir(&root).expect("listed").count(), 0);
}

#[test]
fn a_file_of_anothers_in_its_place_is_left_alone_and_the_daemon_lives() {
    let home = Home::new();
    fs::write(home.path("precious"), "words").expect("written");
    std::os::unix::fs::symlink(home.path("precious"), home.path("run").join(SAYS)).expect("made");
    let living = Way::Background.start(&home, &[("ROLE", "says")]);
    assert_eq!((below(&home, &[]).as_str(), home.read("precious").as_str()), ("", "words"));
    kill(Pid::from_raw(living.pid), Signal::SIGTERM).expect("it is there");
    living.ended();
    assert_eq!(home.run_names(), [SAYS]);
}
