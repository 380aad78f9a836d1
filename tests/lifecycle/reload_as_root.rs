//! A reload of a daemon that has become another user, or has another root directory. Only root can make one.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::home::{eventually, is_root};
use crate::reload::{Anew, identity};

#[test]
fn the_user_the_groups_and_the_environment_stay() {
    if !is_root("the_user_the_groups_and_the_environment_stay") {
        return;
    }
    for detach in ["true", "exec"] {
        let anew = Anew::new();
        let told = anew.program("").set("ACTOR_USER", "nobody").set("ACTOR_DETACH", detach).run(&["start"]);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""));
        let pid = anew.home.pid();
        let whose = || {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it is there");
            let kept = ["Uid:", "Gid:", "Groups:", "Cap"];
            let lines = status.lines().filter(|line| kept.iter().any(|key| line.starts_with(key)));
            lines.collect::<Vec<_>>().join(", ")
        };
        let before = (identity(&anew.home, pid), whose());
        assert!(before.1.contains("Uid:\t65534\t65534\t65534"), "{}", before.1);
        for _ in 0..3 {
            anew.reload(pid);
            let environ = fs::read_to_string(format!("/proc/{pid}/environ")).expect("it is there");
            assert!(environ.split('\0').any(|variable| variable == "USER=nobody"), "{environ}");
            assert_eq!((identity(&anew.home, pid), whose()), before);
        }
        anew.run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
        eventually("its end", || anew.home.processes().is_empty());
        assert_eq!(anew.run(&["status"]).code, 3);
    }
}

#[test]
fn in_another_root_without_the_program_it_is_an_error_and_the_daemon_goes_on() {
    if !is_root("in_another_root_without_the_program_it_is_an_error_and_the_daemon_goes_on") {
        return;
    }
    let anew = Anew::new();
    let root = anew.home.path("root");
    fs::create_dir(&root).expect("made");
    let told = anew.program("").set("ACTOR_CHROOT", &root).run(&["start"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    let pid = anew.home.pid();
    anew.ask(pid);
    let error = format!("cannot begin {} anew: No such file or directory", anew.home.path("program").display());
    eventually("the error", || anew.home.lines("log").len() == 3);
    assert_eq!(anew.home.lines("log")[1], error);
    anew.run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    anew.home.assert_nothing_left();
}

/// Puts the program, and what the dynamic linker wants for it, under another root, at the paths that they have here.
fn furnish(root: &Path, program: &Path) {
    let listed = Command::new("ldd").arg(program).output().expect("it runs");
    let listed = String::from_utf8(listed.stdout).expect("text");
    let libraries = listed.split_whitespace().filter(|word| word.starts_with('/'));
    for path in libraries.map(Path::new).chain([program]) {
        let copy = root.join(path.strip_prefix("/").expect("absolute"));
        let made = Command::new("install").args(["-D", "-m", "755"]).args([path, &copy]).status();
        assert!(made.is_ok_and(|status| status.success()), "{} can be copied", path.display());
    }
}

#[test]
fn in_another_root_with_the_program_it_works_again_and_again() {
    if !is_root("in_another_root_with_the_program_it_works_again_and_again") {
        return;
    }
    let anew = Anew::new();
    let root = anew.home.path("root");
    furnish(&root, &anew.home.path("program"));
    let told = anew.program("").set("ACTOR_CHROOT", &root).run(&["start"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    let pid = anew.home.pid();
    (0..3).for_each(|_| anew.reload(pid));
    let seen = fs::read_link(format!("/proc/{pid}/root")).expect("we are root");
    assert_eq!(seen, root);
    anew.run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    anew.home.assert_nothing_left();
}
