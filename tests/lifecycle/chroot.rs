//! A daemon in a root directory of its own, which need not hold more than the directory; needs root, but for the refusal.

use std::fs;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use nix::libc;
use nix::sys::signal::Signal;

use crate::home::{Home, NOBODY, is_root};
use crate::settings::{Living, Settings, WAYS, Way, before, program, seen};

/// The new root: nothing but a file by which it is known, and a folder.
fn new_root(home: &Home) -> String {
    fs::create_dir_all(home.path("root/inner")).expect("made");
    fs::write(home.path("root/marker"), "").expect("written");
    home.path("root").canonicalize().expect("it is there").to_str().expect("text").to_owned()
}

fn link(living: &Living, name: &str) -> PathBuf {
    fs::read_link(format!("/proc/{}/{name}", living.pid)).expect("it runs")
}

#[test]
fn the_folder_is_the_root_and_the_working_directory_unless_another_inside_is_asked_for() {
    if !is_root("the_folder_is_the_root_and_the_working_directory_unless_another_inside_is_asked_for") {
        return;
    }
    for way in WAYS {
        let home = Home::new();
        let root = new_root(&home);
        for (settings, cwd) in [
            (&[("CHROOT", root.as_str())][..], "/"),
            (&[("CHROOT", &root), ("WORKDIR", "/")], "/"),
            (&[("CHROOT", &root), ("WORKDIR", "/inner")], "/inner"),
            // As every path, a relative one means the directory of the launch.
            (&[("CHROOT", "root")], "/"),
        ] {
            let living = way.start(&home, settings);
            let outside = PathBuf::from(root.clone() + cwd.trim_end_matches('/'));
            assert_eq!((link(&living, "root"), link(&living, "cwd")), (PathBuf::from(&root), outside), "{way:?}");
            let seen = seen(&home, "worker");
            assert_eq!([&seen["marker"], &seen["cwd"]], ["true", cwd], "{way:?} {settings:?}");
            living.stop(&home, settings);
        }
    }
}

#[test]
fn pidfile_and_logs_are_outside_where_status_and_stop_look_for_them() {
    if !is_root("pidfile_and_logs_are_outside_where_status_and_stop_look_for_them") {
        return;
    }
    for way in WAYS {
        let home = Home::new();
        let root = new_root(&home);
        let settings = &[("CHROOT", root.as_str()), ("STDOUT", "logs/out"), ("AFTER", "streams:prints")];
        let living = way.start(&home, settings);
        assert_eq!(home.pid(), living.pid, "{way:?}");
        let told = program(&home, settings).run(&["status"]);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{way:?}");
        assert!(told.stdout.starts_with(&format!("settings -- pid: {}, status: running, ", living.pid)), "{told:?}");
        if way.is_in_background() {
            assert_eq!(home.read("logs/out"), "after(streams) on stdout\n", "{way:?}");
        }
        let mut inside: Vec<_> =
            fs::read_dir(&root).expect("there").map(|e| e.expect("an entry").file_name()).collect();
        inside.sort();
        assert_eq!(inside, ["inner", "marker"], "{way:?}");
        living.stop(&home, settings);
    }
}

#[test]
fn the_pidfile_goes_whichever_way_the_end_comes() {
    if !is_root("the_pidfile_goes_whichever_way_the_end_comes") {
        return;
    }
    for way in WAYS {
        for how in ["returns", "fails", "panics", "exits"] {
            let home = Home::new();
            let root = new_root(&home);
            let living = way.start(&home, &[("CHROOT", root.as_str()), ("ROLE", "on-go"), ("END", how)]);
            // What it waits for is inside of its root.
            let inside = PathBuf::from(root.clone() + home.path("go").to_str().expect("text"));
            fs::create_dir_all(inside.parent().expect("a folder")).expect("made");
            fs::write(inside, "").expect("written");
            let _ = living.ended();
            home.assert_nothing_left();
            assert!(home.read("notes").contains("the end: "), "{way:?} {how}: {}", home.read("notes"));
        }
        let home = Home::new();
        let living = way.start(&home, &[("CHROOT", &new_root(&home))]);
        living.end(&home);
        let last = home.lines("notes").pop();
        assert_eq!(last.as_deref(), Some("the end: Terminated by SIGTERM (15) [0]"), "{way:?}");
    }
}

#[test]
fn without_devices_and_proc_inside_what_was_leaked_is_closed_and_the_streams_are_open() {
    if !is_root("without_devices_and_proc_inside_what_was_leaked_is_closed_and_the_streams_are_open") {
        return;
    }
    for way in WAYS {
        for close_fds in ["inherited", "all"] {
            let home = Home::new();
            let root = new_root(&home);
            let settings = &[("CHROOT", root.as_str()), ("CLOSE_FDS", close_fds)];
            let leaked = fs::File::create(home.path("leaked")).expect("made");
            let leaking = before(way.program(&home, settings), move || {
                // SAFETY: both are numbers.
                if unsafe { libc::dup2(leaked.as_raw_fd(), 200) } < 0 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
            if close_fds == "all" {
                // The notes would be closed too, and inside of the root there is no way to them.
                let folder = home.path("root").join(home.path("").strip_prefix("/").expect("absolute"));
                fs::create_dir_all(&folder).expect("made");
                std::os::unix::fs::symlink("/notes", folder.join("notes")).expect("made");
                fs::write(home.path("notes"), "").expect("written");
                fs::hard_link(home.path("notes"), home.path("root/notes")).expect("made");
            }
            let living = way.begin(&home, leaking);
            assert_eq!(seen(&home, "worker")["leaked"], "closed", "{way:?} {close_fds}");
            if way.is_in_background() {
                for stream in 0..3 {
                    assert_eq!(link(&living, &format!("fd/{stream}")), PathBuf::from("/dev/null"), "{way:?}");
                }
            }
            living.stop(&home, settings);
        }
    }
}

#[test]
fn a_user_is_looked_up_outside_and_is_in_the_new_root() {
    if !is_root("a_user_is_looked_up_outside_and_is_in_the_new_root") {
        return;
    }
    for way in WAYS {
        let home = Home::new();
        let root = new_root(&home);
        let settings: Settings<'_> = &[
            ("CHROOT", &root),
            ("USER", "nobody"),
            ("WORKDIR", "/inner"),
            ("ROLE", "takes-root-back"),
            ("BEFORE", "all"),
            ("AFTER", "all"),
        ];
        let living = way.start(&home, settings);
        assert_eq!(living.status("Uid"), vec![NOBODY.to_string(); 4], "{way:?}");
        assert_eq!(link(&living, "root"), PathBuf::from(&root), "{way:?}");
        for (moment, marker, uids) in [
            ("before(chroot)", "false", "0/0/0"),
            ("after(chroot)", "true", "0/0/0"),
            ("before(privileges)", "true", "0/0/0"),
            ("after(privileges)", "true", "65534/65534/65534"),
            ("worker", "true", "65534/65534/65534"),
            ("then", "true", "65534/65534/65534"),
        ] {
            let seen = seen(&home, moment);
            assert_eq!([&seen["marker"], &seen["uids"]], [marker, uids], "{way:?} {moment}");
        }
        assert_eq!(seen(&home, "after(chroot)")["cwd"], "/", "{way:?}");
        living.stop(&home, settings);
    }
}

#[test]
fn a_working_directory_that_the_user_may_not_enter_is_told() {
    if !is_root("a_working_directory_that_the_user_may_not_enter_is_told") {
        return;
    }
    for way in [Way::Background, Way::Exec] {
        let home = Home::new();
        let root = new_root(&home);
        fs::set_permissions(home.path("root/inner"), std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .expect("ours");
        let error = "cannot enter the working directory /inner: Permission denied";
        way.refuses(&home, &[("CHROOT", &root), ("USER", "nobody"), ("WORKDIR", "/inner")], 4, error);
    }
}

#[test]
fn a_root_that_is_not_there_and_a_folder_that_is_not_inside_are_told_and_nothing_is_left() {
    if !is_root("a_root_that_is_not_there_and_a_folder_that_is_not_inside_are_told_and_nothing_is_left") {
        return;
    }
    for way in WAYS {
        let home = Home::new();
        let root = new_root(&home);
        let told = |path: &str, why: &str| format!("cannot make {path} the root directory: {why}");
        let file = root.clone() + "/marker";
        way.refuses(&home, &[("CHROOT", "/no/where")], 1, &told("/no/where", "No such file or directory"));
        way.refuses(&home, &[("CHROOT", &file)], 1, &told(&file, "Not a directory"));
        let error = "cannot enter the working directory /no/where: No such file or directory";
        way.refuses(&home, &[("CHROOT", &root), ("WORKDIR", "/no/where")], 1, error);
    }
}

#[test]
fn a_running_daemon_is_not_changed_by_a_start_with_another_root() {
    if !is_root("a_running_daemon_is_not_changed_by_a_start_with_another_root") {
        return;
    }
    let home = Home::new();
    let root = new_root(&home);
    let living = Way::Background.start(&home, &[("CHROOT", &root)]);
    let warning = format!("warning: settings is already running with pid {}\n", living.pid);
    program(&home, &[("CHROOT", "/")]).run(&["start"]).assert(0, "", &warning);
    assert_eq!(link(&living, "root"), PathBuf::from(&root));
    living.signal(Signal::SIGTERM);
    let _ = living.ended();
    home.assert_nothing_left();
}

#[test]
fn who_is_not_root_is_told_so_with_4() {
    for way in WAYS {
        let home = Home::new();
        let root = new_root(&home);
        let program = way.program(&home, &[("CHROOT", &root)]);
        let program = if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(home.path("run"), Some(NOBODY), Some(NOBODY)).expect("root may");
            home.as_nobody(program)
        } else {
            program
        };
        let error = format!("error: cannot make {root} the root directory: Operation not permitted\n");
        program.run(way.words()).assert(4, way.failed(), &error);
        home.assert_nothing_left();
    }
}
