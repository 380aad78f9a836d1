//! What a daemon that is another user leaves on disk, to whom it belongs, and what becomes of it at the end; needs root.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, umask};

use crate::home::{Home, NOBODY, Told, is_root};
use crate::settings::{Living, STOPPED, Settings, WAYS, Way, before, program};

const USER: (&str, &str) = ("USER", "nobody");

/// To whom it belongs, and its mode.
fn owner(path: &Path) -> (u32, u32, String) {
    let it = path.metadata().expect("it is there");
    (it.uid(), it.gid(), format!("{:o}", it.permissions().mode() & 0o7777))
}

#[test]
fn logs_and_the_folders_made_for_them_and_for_the_pidfile_are_the_users_and_the_pidfile_is_roots() {
    if !is_root("logs_and_the_folders_made_for_them_and_for_the_pidfile_are_the_users_and_the_pidfile_is_roots") {
        return;
    }
    for way in WAYS {
        for mask in [0o000, 0o022, 0o077] {
            let home = Home::new();
            let path = |name: &str| home.path(name).to_str().expect("text").to_owned();
            let (pidfile, out, err) = (path("new/run/settings.pid"), path("new/log/out"), path("new/log/err"));
            let settings = &[USER, ("PIDFILE", &pidfile), ("STDOUT", &out), ("STDERR", &err)][..];
            let living = way.begin(
                &home,
                before(way.program(&home, settings), move || {
                    umask(Mode::from_bits_truncate(mask));
                    Ok(())
                }),
            );
            let what = format!("{way:?} with umask {mask:o}");
            assert_eq!(owner(Path::new(&pidfile)), (0, 0, "644".to_owned()), "{what}");
            let folder = format!("{:o}", 0o755 & !mask);
            // Only the last one is the user's: in one above it he could put a link in its place. He must come through it.
            let above = format!("{:o}", 0o755 & !mask | 0o111);
            assert_eq!(owner(&home.path("new")), (0, 0, above), "{what}");
            assert_eq!(owner(&home.path("new/run")), (NOBODY, NOBODY, folder.clone()), "{what}");
            if way.is_in_background() {
                assert_eq!(owner(&home.path("new/log")), (NOBODY, NOBODY, folder), "{what}");
                for log in [&out, &err] {
                    assert_eq!(owner(Path::new(log)), (NOBODY, NOBODY, "640".to_owned()), "{what}: {log}");
                }
            }
            living.end(&home);
            // In a folder of its own the user can remove all of it.
            assert_eq!(fs::read_dir(home.path("new/run")).expect("there").count(), 0, "{what}");
        }
    }
}

#[test]
fn what_was_there_keeps_its_owner_and_its_mode() {
    if !is_root("what_was_there_keeps_its_owner_and_its_mode") {
        return;
    }
    for way in WAYS {
        for (folder, file) in [(0, 0), (0, 2), (1, 0), (1, NOBODY)] {
            let home = Home::new();
            fs::create_dir(home.path("log")).expect("made");
            fs::write(home.path("log/out"), "before\n").expect("written");
            chown(home.path("log"), Some(folder), Some(folder)).expect("root may");
            chown(home.path("log/out"), Some(file), Some(file)).expect("root may");
            let owners = || ["run", "log", "log/out"].map(|name| owner(&home.path(name)));
            let before = owners();
            let out = home.path("log/out");
            let settings = &[USER, ("STDOUT", out.to_str().expect("text"))];
            let living = way.start(&home, settings);
            assert_eq!(owners(), before, "{way:?} {folder} {file}");
            living.stop(&home, settings);
            assert_eq!(home.read("log/out"), "before\n");
        }
    }
}

#[test]
fn the_pidfile_is_sealed_before_the_user_could_not_do_it_any_more() {
    if !is_root("the_pidfile_is_sealed_before_the_user_could_not_do_it_any_more") {
        return;
    }
    for way in WAYS {
        let home = Home::new();
        let living = way.start(&home, &[USER]);
        assert_eq!(owner(&home.pidfile()), (0, 0, "644".to_owned()), "{way:?}");
        assert_eq!(home.pid(), living.pid, "{way:?}");
        living.stop(&home, &[USER]);
    }
}

#[track_caller]
fn assert_running(told: &Told, pid: i32) {
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    assert!(told.stdout.starts_with(&format!("settings -- pid: {pid}, status: running, ")), "{told:?}");
}

fn status(home: &Home) -> Told {
    program(home, &[USER]).run(&["status"])
}

#[test]
fn root_the_user_and_a_third_account_are_all_told_that_it_runs() {
    if !is_root("root_the_user_and_a_third_account_are_all_told_that_it_runs") {
        return;
    }
    for way in WAYS {
        // Asked by nobody, who is the user in the first row and a stranger in the second.
        for user in ["nobody", "daemon"] {
            let home = Home::new();
            let settings = &[("USER", user)];
            let living = way.start(&home, settings);
            assert_running(&program(&home, settings).run(&["status"]), living.pid);
            assert_running(&home.as_nobody(program(&home, settings)).run(&["status"]), living.pid);
            assert_running(&home.as_nobody(program(&home, &[])).run(&["status"]), living.pid);
            living.stop(&home, settings);
        }
    }
}

#[test]
fn a_third_account_cannot_stop_it_and_is_told_so_with_4() {
    if !is_root("a_third_account_cannot_stop_it_and_is_told_so_with_4") {
        return;
    }
    for way in WAYS {
        let home = Home::new();
        let settings = &[("USER", "daemon")];
        let living = way.start(&home, settings);
        let told = home.as_nobody(program(&home, settings)).run(&["stop"]);
        let error = format!("error: cannot send SIGTERM (15) to pid {}: Operation not permitted\n", living.pid);
        told.assert(4, "Stopping settings ... FAILED\n", &error);
        assert_running(&status(&home), living.pid);
        living.stop(&home, settings);
    }
}

#[test]
fn the_user_can_stop_it() {
    if !is_root("the_user_can_stop_it") {
        return;
    }
    for way in WAYS {
        let home = Home::new();
        let living = way.start(&home, &[USER]);
        let stop = home.as_nobody(program(&home, &[USER]));
        // One in the foreground is our child, and gone when we have waited for it.
        let ended = std::thread::spawn(move || living.ended());
        stop.run(&["stop"]).assert(0, STOPPED, "");
        let _ = ended.join().expect("joined");
        assert_over(way, &home, "stopped by the user");
    }
}

/// The daemon has ended by itself in a folder that its user may not write in: whatever is left, nobody is misled by it.
#[track_caller]
fn assert_over(way: Way, home: &Home, how: &str) {
    let left = fs::read_to_string(home.pidfile()).expect("it could not be removed");
    assert_eq!(left, "", "{way:?}, {how}");
    let line =
        format!("settings -- not running ({} was left behind, and names no process)\n", home.pidfile().display());
    status(home).assert(1, &line, "");
    // Who may not ask for the claim cannot know; but that nobody runs is no news of a daemon that does.
    let told = home.as_nobody(program(home, &[USER])).run(&["status"]);
    assert!([1, 4].contains(&told.code) && !told.stdout.contains("status: running"), "{way:?}, {how}: {told:?}");
    program(home, &[USER]).run(&["stop"]).assert(0, "", "warning: settings is not running\n");
    // Root can, and does.
    assert_eq!(home.run_names(), Vec::<String>::new(), "{way:?}, {how}");
}

#[track_caller]
fn assert_starts_again(way: Way, home: &Home, settings: Settings<'_>) {
    let living = way.start(home, settings);
    assert_eq!(home.pid(), living.pid);
    assert_running(&status(home), living.pid);
    living.stop(home, settings);
}

/// Ends it as it says, and waits for that.
fn end_by(how: &str, home: &Home, living: Living) {
    match how {
        "SIGTERM" => living.signal(Signal::SIGTERM),
        _ => home.go(),
    }
    let _ = living.ended();
}

#[test]
fn after_its_end_in_a_folder_of_roots_status_stop_and_start_tell_the_truth() {
    if !is_root("after_its_end_in_a_folder_of_roots_status_stop_and_start_tell_the_truth") {
        return;
    }
    for way in WAYS {
        for how in ["SIGTERM", "returns", "fails", "panics", "exits"] {
            let home = Home::new();
            let settings = &[USER, ("ROLE", "on-go"), ("END", how)];
            end_by(how, &home, way.start(&home, settings));
            assert_over(way, &home, how);
            assert_starts_again(way, &home, &[USER]);
            // And once more, with nothing asked in between.
            fs::remove_file(home.path("go")).unwrap_or_default();
            end_by(how, &home, way.start(&home, settings));
            assert_starts_again(way, &home, &[USER]);
        }
    }
}

#[test]
fn after_it_was_killed_its_pidfile_is_told_of_and_does_not_hinder_a_start() {
    if !is_root("after_it_was_killed_its_pidfile_is_told_of_and_does_not_hinder_a_start") {
        return;
    }
    for way in WAYS {
        let home = Home::new();
        let living = way.start(&home, &[USER]);
        let pid = living.pid;
        living.signal(Signal::SIGKILL);
        let _ = living.ended();
        let left = format!("{} was left behind by pid {pid}", home.pidfile().display());
        status(&home).assert(1, &format!("settings -- not running ({left})\n"), "");
        assert_starts_again(way, &home, &[USER]);
    }
}

#[test]
fn a_start_that_fails_as_the_user_leaves_nothing_where_somebody_is_left_who_may_remove_it() {
    if !is_root("a_start_that_fails_as_the_user_leaves_nothing_where_somebody_is_left_who_may_remove_it") {
        return;
    }
    for stage in ["privileges", "umask", "workdir", "pidfile", "signals", "descriptors"] {
        let hook = format!("{stage}:fails");
        let settings = &[USER, ("AFTER", hook.as_str())];
        let error = format!("after({stage}): the stars are not right");
        for way in WAYS {
            let home = Home::new();
            if way.is_in_background() {
                way.refuses(&home, settings, 1, &error);
                continue;
            }
            let told = way.program(&home, settings).run(way.words());
            told.assert(1, way.failed(), &format!("error: {error}\n"));
            assert_over(way, &home, stage);
            assert_starts_again(way, &home, &[USER]);
        }
    }
}

#[test]
fn the_one_that_runs_is_restarted_and_found_again() {
    if !is_root("the_one_that_runs_is_restarted_and_found_again") {
        return;
    }
    for way in WAYS.into_iter().filter(|way| way.is_in_background()) {
        let home = Home::new();
        let first = way.start(&home, &[USER]);
        let told = way.program(&home, &[USER]).run(&["restart"]);
        assert_ne!(home.pid(), first.pid);
        told.assert(0, &format!("{STOPPED}{}", way.ok(home.pid())), "");
        let warning = format!("warning: settings is already running with pid {}\n", home.pid());
        way.program(&home, &[USER]).run(&["start"]).assert(0, "", &warning);
        assert_running(&status(&home), home.pid());
    }
}
