//! `unit` tells a service manager of the daemon, and does nothing else.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::home::{Home, Program, is_root};

fn ticks(home: &Home) -> Program {
    home.actor("ticks").set("ACTOR_EVERY", "5m")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// The first lines of what it says, when it says nothing on stderr and leaves nothing.
#[track_caller]
fn begins(home: &Home, program: Program, words: &[&str]) -> Vec<String> {
    let told = program.run(&[&["unit"][..], words].concat());
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{words:?}: {}", told.stdout);
    home.assert_nothing_left();
    told.stdout.lines().take(3).map(str::to_owned).collect()
}

#[test]
fn every_way_to_be_a_daemon_has_its_unit_by_the_name_and_the_words_it_was_given() {
    let home = Home::new();
    let function = |name: &str| {
        let program = home.program(Path::new(env!("CARGO_BIN_EXE_attributes")));
        program.set("ATTRIBUTES_FUNCTION", name)
    };
    let documented = begins(&home, function("documented"), &[]);
    assert_eq!(documented, ["# documented.service", "[Unit]", "Description=Says how it is."]);
    let whole = begins(&home, home.program(Path::new(env!("CARGO_BIN_EXE_whole_program"))), &[]);
    assert_eq!(whole, ["# whole_program.service", "[Unit]", "Description=Works until it is stopped."]);
    let built = begins(&home, home.actor("ready").set("ACTOR_NAME", "my own"), &[]);
    assert_eq!(built, ["# my\\x20own.service", "[Unit]", "Description=my own"]);
    let manifest = begins(&home, ticks(&home), &["--kubernetes"]);
    assert_eq!(manifest, ["# actor.yaml", "apiVersion: batch/v1", "kind: CronJob"]);
}

#[test]
fn two_files_follow_one_another_each_with_its_name_before_it() {
    let home = Home::new();
    let told = ticks(&home).run(&["unit", "--timer"]);
    let names: Vec<_> = told.stdout.lines().filter(|line| line.starts_with("# ")).collect();
    assert_eq!(names, ["# actor.service", "# actor.timer"]);
    assert!(told.stdout.contains("\n\n# actor.timer\n[Unit]\n"), "{told:?}");
}

#[test]
fn a_timer_for_what_does_not_repeat_is_refused_with_the_reason_and_2() {
    let home = Home::new();
    let told = home.actor("ready").run(&["unit", "--timer"]);
    let reason =
        "error: only a repeating daemon can have a timer (`#[repeat_daemon]`, `Daemon::repeat`): leave `--timer` out\n";
    told.assert(2, "", reason);
}

#[test]
fn options_that_do_not_go_together_are_refused_with_the_usage_and_2() {
    let home = Home::new();
    for words in [
        &["--timer", "--kubernetes"][..],
        &["--kubernetes", "--system"],
        &["--kubernetes", "--watchdog", "1s"],
        &["--timer", "--watchdog", "1s"],
        &["--system", "--user"],
        &["--image", "x"],
        &["--force"],
        &["--watchdog", "soon"],
        &["now"],
        &["--", "--no-such-flag"],
    ] {
        let told = ticks(&home).run(&[&["unit"][..], words].concat());
        assert_eq!((told.code, told.stdout.as_str()), (2, ""), "{words:?}: {told:?}");
        assert!(told.stderr.starts_with("error: "), "{words:?}: {}", told.stderr);
    }
}

#[test]
fn the_workers_own_flags_are_looked_at_before_a_unit_has_them() {
    let home = Home::new();
    let own = || home.program(Path::new(env!("CARGO_BIN_EXE_own")));
    for (words, reason) in
        [(&["unit"][..], "--port <PORT>"), (&["unit", "--", "--port", "none"], "invalid value 'none'")]
    {
        let told = own().run(words);
        assert_eq!((told.code, told.stdout.as_str()), (2, ""), "{words:?}");
        assert!(told.stderr.contains(reason), "{words:?}: {}", told.stderr);
    }
    let told = own().run(&["unit", "--", "--port", "7", "--tag", "a b"]);
    assert!(told.code == 0 && told.stdout.contains(" run --port 7 --tag \"a b\"\n"), "{told:?}");
}

#[test]
fn files_are_written_fresh_and_replaced_only_where_that_is_said() {
    let home = Home::new();
    let folder = home.path("units");
    fs::create_dir(&folder).expect("made");
    let write = |words: &[&str]| ticks(&home).run(&[&["unit", "--timer", "-o", text(&folder)][..], words].concat());
    let paths = ["actor.service", "actor.timer"].map(|name| folder.join(name));
    let told = format!("{}\n{}\n", paths[0].display(), paths[1].display());
    write(&[]).assert(0, &told, "");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert!(paths.iter().all(|path| mode(path) & !0o644 == 0 && mode(path) & 0o600 == 0o600));
    fs::write(&paths[1], "mine\n").expect("written");
    let refused = format!("error: {} is there already; `--force` replaces it\n", paths[0].display());
    write(&[]).assert(1, "", &refused);
    assert_eq!(home.read("units/actor.timer"), "mine\n");
    write(&["--force"]).assert(0, &told, "");
    assert!(home.read("units/actor.timer").starts_with("# actor.timer\n"));
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 2);
}

#[test]
fn a_folder_that_is_not_there_is_told_and_is_to_be_made() {
    let home = Home::new();
    let folder = home.path("nowhere");
    let told = home.actor("ready").run(&["unit", "--output", text(&folder)]);
    let folder = folder.display();
    let error = format!("error: cannot write {folder}/actor.service: there is no folder {folder}; make it first\n");
    told.assert(1, "", &error);
}

#[test]
fn files_that_may_not_grow_are_told_and_leave_nothing() {
    let home = Home::new();
    let folder = home.path("units");
    fs::create_dir(&folder).expect("made");
    for force in ["", "--force"] {
        let script = format!("ulimit -f 0; exec \"$ACTOR\" unit --timer -o '{}' {force}", folder.display());
        let told = home.shell("ticks").set("ACTOR_EVERY", "5m").run(&["-c", &script]);
        told.assert(1, "", &format!("error: cannot write {}/actor.service: File too large\n", folder.display()));
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 0);
    }
}

#[test]
fn a_disk_that_does_not_take_it_is_told_and_no_success() {
    let home = Home::new();
    let told = home.shell("ready").run(&["-c", "\"$ACTOR\" unit >/dev/full"]);
    told.assert(1, "", "error: cannot write to stdout: No space left on device\n");
}

#[test]
fn all_instances_have_one_unit_and_one_of_them_its_own() {
    let home = Home::new();
    let crew = || home.cast(Path::new(env!("CARGO_BIN_EXE_crew")), "").set("ACTOR_PIDFILE", home.path("run/{n}.pid"));
    assert_eq!(begins(&home, crew(), &[])[0], "# actor@.service");
    assert_eq!(begins(&home, crew(), &["--instance", "1"])[0], "# actor-1.service");
}

#[test]
fn a_program_that_was_removed_is_told_and_no_unit_of_it_made() {
    let home = Home::new();
    let copy = home.path("gone");
    fs::copy(env!("CARGO_BIN_EXE_actor"), &copy).expect("copied");
    let mut shell = home.program(Path::new("/bin/sh"));
    // It is removed once it has begun: an open file that is executed needs no name.
    shell.0.args(["-c", "exec 3<\"$0\"; rm \"$0\"; exec /proc/self/fd/3 unit"]).arg(&copy);
    let told = shell.run(&[]);
    assert_eq!((told.code, told.stdout.as_str()), (2, ""), "{told:?}");
    assert!(told.stderr.contains("is not at ") && told.stderr.contains("any more"), "{told:?}");
}

#[test]
fn an_account_of_a_containers_can_have_its_pidfile_where_the_manifest_says() {
    let test = "an_account_of_a_containers_can_have_its_pidfile_where_the_manifest_says";
    if !is_root(test) {
        return;
    }
    // As Kubernetes makes an `emptyDir`.
    let home = Home::new();
    fs::create_dir(home.path("volume")).expect("made");
    fs::set_permissions(home.path("volume"), Permissions::from_mode(0o777)).expect("ours");
    let actor = || {
        let mut program = home.program(Path::new(env!("CARGO_BIN_EXE_actor"))).set("ACTOR_ROLE", "ready");
        program.0.env("HOME", "/nonexistent").env("XDG_STATE_HOME", home.path("volume/state"));
        home.as_nobody(program)
    };
    assert_eq!(actor().run(&["start"]).code, 0);
    assert!(home.path("volume/state/actor.pid").exists());
    assert_eq!(actor().run(&["status"]).code, 0);
    actor().run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
}
