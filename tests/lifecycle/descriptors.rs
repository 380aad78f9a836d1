//! What the daemon has open: its own, what the program opened, and nothing that was leaked into it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nix::libc;
use nix::sys::resource::{Resource, getrlimit};

use crate::clean::{start, stop};
use crate::home::{Home, Program, Told, eventually};
use crate::inspection::{channels, limits, open, target};
use crate::settings::before;
use crate::surroundings::{CHOICES, leaking, limited, succeeded, without};

/// What the daemon itself needs to have open.
fn its_own(home: &Home) -> BTreeMap<String, usize> {
    let run = home.path("run").canonicalize().expect("it is there");
    let name = |path: PathBuf| path.to_string_lossy().into_owned();
    let files = [run.clone(), run.join("actor.pid"), run.join("actor.pid.claim")].map(|path| (name(path), 1));
    // The signals are heard through one eventfd, and noted on another for a reload.
    files.into_iter().chain([("anon_inode".to_owned(), 2)]).collect()
}

#[test]
fn the_daemon_has_the_claim_the_pidfile_their_folder_and_the_way_of_the_signals_open_and_nothing_else() {
    for role in ["ready", "sleeper", "plain", "ticks"] {
        let home = Home::new();
        let pid = start(&home, home.actor(role).set("ACTOR_SETTLE", "20ms"));
        let mut its_own = its_own(&home);
        if role == "ticks" {
            // One that repeats tells of its ticks.
            its_own.insert(format!("{}.record", home.pidfile().canonicalize().expect("there").display()), 1);
        }
        // What belongs to the start goes when the daemon has heard that it is over.
        eventually(&format!("nothing else to be open: {:?}", open(pid)), || open(pid) == its_own);
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

#[test]
fn a_launcher_without_standard_streams_starts_a_daemon_that_has_them() {
    for closed in CHOICES {
        let home = Home::new();
        let told = without(home.actor("ready"), closed).run(&["start"]);
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
    let mut probe = before(Program(std::process::Command::new("true")), move || {
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
        let limited = |program| limited(program, Resource::RLIMIT_NOFILE, limit);
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
    let program = before(home.actor("ready"), move || {
        nix::sys::resource::setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
        // SAFETY: stdin is open, and nobody has anything under that number yet.
        succeeded(unsafe { libc::dup2(0, high) })?;
        Ok(nix::sys::resource::setrlimit(Resource::RLIMIT_NOFILE, 64, 64)?)
    });
    let pid = start(&home, program);
    eventually("nothing else to be open", || open(pid) == its_own(&home));
}
