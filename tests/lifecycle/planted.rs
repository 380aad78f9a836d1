//! What another user has put on the way to the files of root's daemon: neither made, nor given away, nor written to, nor
//! believed; needs root.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::home::{Home, NOBODY, is_root};
use crate::hostile::{assert_running, assert_stops, start};
use crate::settings::{WAYS, Way};

/// Neither root, nor the user of any of these daemons.
const STRANGER: u32 = 1;

const USER: (&str, &str) = ("USER", "nobody");

fn in_background() -> impl Iterator<Item = Way> {
    WAYS.into_iter().filter(|way| way.is_in_background())
}

fn text(home: &Home, name: &str) -> String {
    home.path(name).to_str().expect("text").to_owned()
}

fn give(home: &Home, name: &str, uid: u32) {
    lchown(home.path(name), Some(uid), Some(uid)).expect("root may");
}

/// A folder of another user's, and in it a link of his to the folder `elsewhere`, which is root's.
fn plant_link(home: &Home, uid: u32) {
    for folder in ["elsewhere", "his"] {
        fs::create_dir(home.path(folder)).expect("made");
    }
    symlink(home.path("elsewhere"), home.path("his/link")).expect("made");
    for name in ["his", "his/link"] {
        give(home, name, uid);
    }
}

/// What is told of it.
fn link_of(home: &Home, uid: u32) -> String {
    format!("{} is a symbolic link of another user's (uid {uid})", home.path("his/link").display())
}

#[track_caller]
fn assert_empty(home: &Home, folder: &str) {
    assert_eq!(fs::read_dir(home.path(folder)).expect("there").count(), 0, "{folder}");
}

#[test]
fn nothing_is_made_or_opened_through_a_link_that_another_user_planted() {
    if !is_root("nothing_is_made_or_opened_through_a_link_that_another_user_planted") {
        return;
    }
    // The link is the user's own in the first row, and a stranger's in the second.
    for uid in [NOBODY, STRANGER] {
        for way in in_background() {
            let home = Home::new();
            plant_link(&home, uid);
            for name in ["his/link/2024/out.log", "his/link/out.log", "his/link"] {
                let path = text(&home, name);
                let error = format!("cannot open {path} for stdout: {}", link_of(&home, uid));
                way.refuses(&home, &[USER, ("STDOUT", &path)], 1, &error);
            }
            for name in ["his/link/run", "his/link"] {
                let folder = text(&home, name);
                let error = format!("cannot open the folder {folder}: {}", link_of(&home, uid));
                way.refuses(&home, &[USER, ("PIDFILE", &format!("{folder}/x.pid"))], 1, &error);
            }
            assert_empty(&home, "elsewhere");
        }
    }
}

#[test]
fn nothing_is_read_through_a_link_that_another_user_planted() {
    if !is_root("nothing_is_read_through_a_link_that_another_user_planted") {
        return;
    }
    for way in in_background() {
        let home = Home::new();
        plant_link(&home, NOBODY);
        fs::write(home.path("elsewhere/secret"), "for root\n").expect("written");
        symlink(home.path("elsewhere/secret"), home.path("his/input")).expect("made");
        give(&home, "his/input", NOBODY);
        for (name, link) in [("his/link/secret", "his/link"), ("his/input", "his/input")] {
            let (path, link) = (text(&home, name), text(&home, link));
            let error =
                format!("cannot open {path} for stdin: {link} is a symbolic link of another user's (uid {NOBODY})");
            way.refuses(&home, &[USER, ("STDIN", &path)], 1, &error);
        }
    }
}

#[test]
fn a_link_that_root_made_is_followed_to_folders_and_to_files() {
    if !is_root("a_link_that_root_made_is_followed_to_folders_and_to_files") {
        return;
    }
    for way in in_background() {
        let home = Home::new();
        fs::create_dir(home.path("disk")).expect("made");
        symlink("disk", home.path("link")).expect("made");
        symlink("../disk/err.log", home.path("disk/last")).expect("made");
        fs::write(home.path("disk/err.log"), "before\n").expect("written");
        let (out, err) = (text(&home, "link/new/out.log"), text(&home, "link/last"));
        let settings = &[USER, ("STDOUT", &out), ("STDERR", &err), ("AFTER", "streams:prints")];
        let living = way.start(&home, settings);
        assert_eq!(home.read("disk/new/out.log"), "after(streams) on stdout\n", "{way:?}");
        assert_eq!(home.read("disk/err.log"), "before\nafter(streams) on stderr\n", "{way:?}");
        living.stop(&home, settings);
    }
}

#[test]
fn the_user_cannot_swap_the_folders_that_root_made_for_him() {
    if !is_root("the_user_cannot_swap_the_folders_that_root_made_for_him") {
        return;
    }
    for way in in_background() {
        let home = Home::new();
        let (pidfile, err) = (text(&home, "opt/x/run/x.pid"), text(&home, "opt/x/log/err.log"));
        let settings = &[USER, ("PIDFILE", &pidfile), ("STDERR", &err)];
        let living = way.start(&home, settings);
        let uid = |name: &str| home.path(name).metadata().expect("made").uid();
        assert_eq!(["opt", "opt/x", "opt/x/run", "opt/x/log"].map(uid), [0, 0, NOBODY, NOBODY], "{way:?}");
        let moved = Command::new("mv").args([home.path("opt/x/log"), home.path("opt/x/old")]).uid(NOBODY).output();
        assert!(!moved.expect("it runs").status.success(), "{way:?}");
        living.stop(&home, settings);
    }
}

#[test]
fn logs_of_root_are_not_appended_to_where_the_user_could_swap_their_folder() {
    if !is_root("logs_of_root_are_not_appended_to_where_the_user_could_swap_their_folder") {
        return;
    }
    for way in in_background() {
        let home = Home::new();
        plant_link(&home, NOBODY);
        fs::write(home.path("elsewhere/err.log"), "root's\n").expect("written");
        let path = text(&home, "his/link/err.log");
        let error = format!("cannot open {path} for stderr: {}", link_of(&home, NOBODY));
        way.refuses(&home, &[USER, ("STDERR", &path)], 1, &error);
        assert_eq!(home.read("elsewhere/err.log"), "root's\n");
    }
}

#[test]
fn no_question_is_answered_and_nobody_is_stopped_through_a_link_that_another_user_planted() {
    if !is_root("no_question_is_answered_and_nobody_is_stopped_through_a_link_that_another_user_planted") {
        return;
    }
    let home = Home::new();
    plant_link(&home, NOBODY);
    fs::remove_dir(home.path("elsewhere")).expect("empty");
    symlink("run", home.path("elsewhere")).expect("made");
    let pid = start(&home);
    for action in ["stop", "status", "reload", "restart", "start"] {
        let told = home.actor("ready").set("ACTOR_PIDFILE", home.path("his/link/actor.pid")).run(&[action]);
        assert!(told.code != 0 && told.stderr.contains(&link_of(&home, NOBODY)), "{action}: {told:?}");
        assert_running(&home, pid);
    }
    assert_stops(&home);
}

type Plant = fn(&Home, &Path);

/// What a stranger may put in the place of a log, by what is told of it.
const PLANTS: [(&str, Plant); 3] = [
    ("belongs to another user (uid 1)", |_, path| {
        fs::write(path, "").expect("written");
        chown(path, Some(STRANGER), Some(STRANGER)).expect("root may");
    }),
    ("has 2 names (hard links)", |home, path| {
        fs::write(home.path("secret"), "root's\n").expect("written");
        fs::hard_link(home.path("secret"), path).expect("made");
    }),
    ("belongs to another user (uid 1)", |_, path| {
        mkfifo(path, Mode::S_IRWXU).expect("made");
        chown(path, Some(STRANGER), Some(STRANGER)).expect("root may");
    }),
];

/// Folders that others than root may write to, by their owner and their mode.
const SHARED: [(u32, u32); 3] = [(0, 0o1777), (0, 0o775), (STRANGER, 0o755)];

fn folder(home: &Home, (uid, mode): (u32, u32)) {
    fs::create_dir(home.path("log")).expect("made");
    fs::set_permissions(home.path("log"), fs::Permissions::from_mode(mode)).expect("ours");
    give(home, "log", uid);
}

#[test]
fn a_log_that_a_stranger_planted_is_refused_where_he_could_plant_it() {
    if !is_root("a_log_that_a_stranger_planted_is_refused_where_he_could_plant_it") {
        return;
    }
    for way in in_background() {
        for shared in SHARED {
            for (found, plant) in PLANTS {
                let home = Home::new();
                folder(&home, shared);
                plant(&home, &home.path("log/out"));
                let path = text(&home, "log/out");
                // Of a FIFO the writer is let in only while somebody reads.
                let _reader = fs::File::options().read(true).write(true).open(&path).expect("root may");
                let error = format!("cannot open {path} for stdout: it {found}");
                way.refuses(&home, &[USER, ("STDOUT", &path)], 1, &error);
                assert!(["", "root's\n"].contains(&home.read("secret").as_str()), "{shared:?}");
            }
        }
    }
}

#[test]
fn a_log_of_the_users_or_of_roots_is_appended_to_there_and_any_in_a_folder_of_roots_alone() {
    if !is_root("a_log_of_the_users_or_of_roots_is_appended_to_there_and_any_in_a_folder_of_roots_alone") {
        return;
    }
    let alone = (0, 0o755);
    for (owner, folders) in [(0, &SHARED[..]), (NOBODY, &SHARED[..]), (STRANGER, &[alone])] {
        for shared in folders {
            let home = Home::new();
            folder(&home, *shared);
            fs::write(home.path("log/out"), "before\n").expect("written");
            give(&home, "log/out", owner);
            let out = text(&home, "log/out");
            let settings = &[USER, ("STDOUT", &out), ("AFTER", "streams:prints")];
            let living = Way::Background.start(&home, settings);
            assert_eq!(home.read("log/out"), "before\nafter(streams) on stdout\n", "{owner} {shared:?}");
            living.stop(&home, settings);
        }
    }
}
