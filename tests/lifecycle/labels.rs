//! Whatever a pidfile says: nobody is signalled for it, what is told is true, and the next start works.

use std::fs::{self, File};

use crate::home::Home;
use crate::hostile::{Innocent, NOT_RUNNING, assert_all_is_well, assert_running, assert_stops, start};

/// What may stand in a pidfile, and whom a reader who knows the rules takes it to name.
fn labels(innocent: u32) -> Vec<(Vec<u8>, Option<u32>)> {
    let nobody = [
        "0\n",
        "-1\n",
        "+12\n",
        "-12\n",
        "banana\n",
        "",
        "\n",
        "   \n",
        "\0\0\0\0\n",
        "2147483648\n",
        "18446744073709551616\n",
    ];
    let mut labels: Vec<_> = nobody.iter().map(|text| (text.as_bytes().to_vec(), None)).collect();
    let of_innocent = [
        format!(" {innocent}\n"),
        format!("{innocent} \n"),
        format!("+{innocent}\n"),
        format!("-{innocent}\n"),
        format!("0{innocent}\n"),
        format!("{innocent}\n{innocent}\n"),
        format!("{innocent}\0\n"),
        format!("{innocent}\r\n"),
    ];
    labels.extend(of_innocent.map(|text| (text.into_bytes(), None)));
    for text in ["1".to_owned(), format!("{innocent}\n"), format!("{innocent}")] {
        let named = text.trim().parse().ok();
        labels.push((text.into_bytes(), named));
    }
    labels
}

#[test]
fn whatever_a_pidfile_says_nobody_is_signalled_without_proof() {
    let home = Home::new();
    let mut innocent = Innocent::new();
    let path = home.pidfile();
    for (label, named) in labels(innocent.pid()) {
        fs::write(&path, &label).expect("written");
        let whose = named.map_or(", and names no process".to_owned(), |pid| format!(" by pid {pid}"));
        let why = format!("{} was left behind{whose}", path.display());
        home.actor("ready").run(&["status"]).assert(1, &format!("actor -- not running ({why})\n"), "");
        let error = "error: not running, so there is nothing to reload\n";
        home.actor("ready").run(&["reload"]).assert(7, "", error);
        home.actor("ready").run(&["stop", "--force", "--timeout", "0"]).assert(0, "", NOT_RUNNING);
        home.actor("ready").run(&["status"]).assert(3, "actor -- not running\n", "");
        innocent.assert_alive();
    }
}

#[test]
fn whatever_a_stale_pidfile_says_the_next_start_works() {
    let home = Home::new();
    let mut innocent = Innocent::new();
    for (label, _) in labels(innocent.pid()) {
        fs::write(home.pidfile(), &label).expect("written");
        assert_all_is_well(&home);
        innocent.assert_alive();
    }
}

#[test]
fn a_file_too_long_for_a_pidfile_is_somebodys_and_stays() {
    let home = Home::new();
    for size in [65, 1 << 30] {
        File::create(home.pidfile()).and_then(|file| file.set_len(size)).expect("made");
        let told = home.actor("ready").run(&["start"]);
        let path = home.pidfile();
        let found = format!("{} has {size} bytes, so it is no pidfile", path.display());
        let error = format!("error: {found}; move it away, or name another pidfile\n");
        told.assert(1, "Starting actor ... FAILED\n", &error);
        home.actor("ready").run(&["stop"]).assert(0, "", NOT_RUNNING);
        let told = home.actor("ready").run(&["status"]);
        assert!(told.code == 1 && told.stdout.starts_with("actor -- not running ("), "{told:?}");
        assert_eq!((home.run_names(), path.metadata().expect("there").len()), (vec!["actor.pid".to_owned()], size));
    }
}

#[test]
fn a_living_daemon_is_known_whatever_is_written_into_its_pidfile() {
    let mut innocent = Innocent::new();
    for (label, _) in labels(innocent.pid()) {
        let home = Home::new();
        let pid = start(&home);
        fs::write(home.pidfile(), &label).expect("written");
        assert_running(&home, pid);
        let warning = format!("warning: actor is already running with pid {pid}\n");
        home.actor("ready").run(&["start"]).assert(0, "", &warning);
        assert_stops(&home);
        innocent.assert_alive();
        assert_all_is_well(&home);
    }
}
