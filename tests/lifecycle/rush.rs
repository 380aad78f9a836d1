//! Two hundred starts at once: one daemon, and two hundred true answers.

use std::path::Path;
use std::thread;

use crate::history::{Deed, History, Tongue, liars, now, ours};
use crate::home::{Home, Told};

const MANY: usize = 200;
const LONE: &str = env!("CARGO_BIN_EXE_lone");
const LIAR: &str = env!("CARGO_BIN_EXE_liar");

/// All are begun before the first is waited for.
fn rush(home: &Home, program: &str, settings: &[(&str, &str)]) -> History {
    let one = || {
        let program = home.cast(Path::new(program), "ready");
        settings.iter().fold(program, |program, (key, value)| program.set(key, value)).spawn(&["start"])
    };
    let begun: Vec<_> = (0..MANY).map(|_| (now(), one())).collect();
    // Each has a reader of its own, so that its end is seen when it comes.
    let deeds = thread::scope(|scope| {
        let readers: Vec<_> = begun.into_iter().map(|(begun, child)| scope.spawn(move || deed(begun, child))).collect();
        readers.into_iter().map(|reader| reader.join().expect("read")).collect()
    });
    History { deeds, births: History::born_in(home), ..History::default() }
}

fn deed(begun: std::time::Duration, child: std::process::Child) -> Deed {
    let told = Told::of(child);
    Deed { verb: "start", begun, over: now(), cut_off: false, told }
}

/// What is wrong: with the answers, or with what there is afterwards.
fn wrongs(home: &Home, history: &History, tongue: Tongue) -> Vec<String> {
    let mut wrongs = history.lies(tongue);
    if home.processes().len() != 1 {
        wrongs.push(format!("{} processes", home.processes().len()));
    }
    wrongs
}

#[track_caller]
fn assert_one_daemon_and_true_answers(settings: &[(&str, &str)]) {
    let home = Home::new();
    let history = rush(&home, LONE, settings);
    assert_eq!(wrongs(&home, &history, ours), Vec::<String>::new());
    let pid = home.pid();
    let warning = format!("warning: actor is already running with pid {pid}\n");
    let (started, others): (Vec<_>, Vec<_>) = history.deeds.iter().partition(|deed| deed.told.stderr.is_empty());
    assert_eq!((started.len(), others.len()), (1, MANY - 1));
    started[0].told.assert(0, &format!("Starting actor ... OK (pid {pid})\n"), "");
    others.iter().for_each(|deed| deed.told.assert(0, "", &warning));
    assert_eq!((home.processes(), history.births.len()), (vec![pid], 1));
    let told = home.cast(Path::new(LONE), "").run(&["status", "--fields", "pid"]);
    told.assert(0, &format!("actor -- pid: {pid}\n"), "");
    home.cast(Path::new(LONE), "").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
    home.assert_never_two();
}

#[test]
fn of_two_hundred_starts_one_starts_the_daemon_and_the_others_name_it() {
    assert_one_daemon_and_true_answers(&[]);
}

#[test]
fn of_two_hundred_starts_one_settles_and_the_others_name_it() {
    assert_one_daemon_and_true_answers(&[("ACTOR_ROLE", "settles"), ("ACTOR_SETTLE", "300ms")]);
}

#[test]
fn of_two_hundred_starts_by_new_images_one_starts_the_daemon_and_the_others_name_it() {
    assert_one_daemon_and_true_answers(&[("ACTOR_DETACH", "exec")]);
}

#[test]
fn a_program_that_lies_is_found_lying() {
    let home = Home::new();
    let history = rush(&home, LIAR, &[]);
    let wrongs = wrongs(&home, &history, liars);
    assert!(wrongs.iter().any(|wrong| wrong.contains(" starts, and 0 ends")), "{wrongs:?}");
}
