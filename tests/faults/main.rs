//! Every system call of every action fails, once each, in launcher, session leader and daemon; every process is killed before
//! every call that changes anything, and stands still there. Whatever happens: the terminal tells the truth, whole work is
//! done or none, and the next command works.
//!
//! What is run by default takes a few minutes. `FAULTS=all cargo test --test faults` runs the full product of actions,
//! accounts, ways to be a daemon, calls and errors; `FAULTS_ONLY=TEXT` only the calls whose place has this text.
//!
//! The calls are known by x86-64's registers; on other processors the tests skip themselves.

#![cfg(target_arch = "x86_64")]

mod call;
mod fault;
mod harmless;
#[path = "../lifecycle/home.rs"]
#[allow(dead_code, reason = "the lifecycle tests use the rest of it")]
mod home;
mod judge;
mod mode;
mod page;
mod portrait;
mod scene;
mod survey;
mod tracer;

use std::io::Write;

use mode::{Account, Cast, Mode, Verb};
use scene::Scene;
use survey::{Kinds, Survey, is_everything_asked_for, only, survey, survey_by};

/// Whoever runs the tests.
fn caller() -> Account {
    if nix::unistd::geteuid().is_root() { Account::Root } else { Account::Caller }
}

/// The modes that are run: the plain one; where all are asked for, all that this account can try.
fn modes() -> Vec<Mode> {
    match (is_everything_asked_for(), caller()) {
        (false, account) => vec![Mode::plain(account)],
        (true, Account::Root) => [Account::Root, Account::Nobody].into_iter().flat_map(Mode::all).collect(),
        (true, account) => Mode::all(account),
    }
}

/// Those that need root to be tried, or are but another way: by default they are run for `start` only.
fn other_modes() -> Vec<Mode> {
    let exec = Mode { exec: true, ..Mode::plain(caller()) };
    match caller() {
        _ if is_everything_asked_for() => Vec::new(),
        Account::Root => {
            let becoming = Mode { user: true, chroot: true, ..Mode::plain(Account::Root) };
            vec![Mode::plain(Account::Nobody), becoming, exec]
        }
        _ => vec![exec],
    }
}

fn cast(verb: Verb, mode: Mode) -> Cast {
    Cast { program: env!("CARGO_BIN_EXE_subject"), verb, mode }
}

#[track_caller]
fn assert_nothing_found(verb: Verb, kinds: Kinds) {
    for mode in modes().into_iter().filter(|mode| can_be(verb, *mode)) {
        assert_sound(&survey(cast(verb, mode), kinds));
    }
}

/// What is tried at each call of the actions that are made of those of a start.
fn errors() -> Kinds {
    if is_everything_asked_for() { Kinds::Errors } else { Kinds::SomeErrors }
}

/// A new image of the program must be found, also in another root directory.
fn can_be(verb: Verb, mode: Mode) -> bool {
    verb != Verb::Reload || !mode.chroot
}

#[track_caller]
fn assert_sound(survey: &Survey) {
    assert!(survey.runs > 20 || only().is_some(), "only {} runs", survey.runs);
    assert!(survey.findings.is_empty(), "{} findings:\n{}", survey.findings.len(), survey.findings.join("\n"));
}

#[test]
fn whatever_call_of_a_start_fails_the_start_is_whole_or_told_and_nothing_is_left() {
    assert_nothing_found(Verb::Start, Kinds::Errors);
}

#[test]
fn whatever_call_fails_of_a_start_as_another_user_in_another_root_or_begun_anew_it_is_whole_or_told() {
    for mode in other_modes() {
        assert_sound(&survey(cast(Verb::Start, mode), Kinds::SomeErrors));
    }
}

#[test]
fn whatever_call_of_a_stop_fails_the_stop_is_whole_or_told() {
    assert_nothing_found(Verb::Stop, errors());
}

#[test]
fn whatever_call_of_a_restart_fails_the_restart_is_whole_or_told() {
    assert_nothing_found(Verb::Restart, errors());
}

#[test]
fn whatever_call_of_a_reload_fails_the_daemon_goes_on_or_its_log_says_why_not() {
    assert_nothing_found(Verb::Reload, errors());
}

#[test]
fn whatever_call_of_a_status_fails_it_says_what_it_cannot_tell() {
    assert_nothing_found(Verb::Status, errors());
}

/// The daemon that repeats, and tells of its ticks by its record.
fn repeating(verb: Verb) -> Cast {
    Cast { program: env!("CARGO_BIN_EXE_recurring"), ..cast(verb, Mode::plain(caller())) }
}

#[test]
fn whatever_call_of_an_action_on_a_repeating_daemon_fails_it_is_whole_or_told() {
    for verb in [Verb::Start, Verb::Status, Verb::Pause, Verb::Stop] {
        assert_sound(&survey(repeating(verb), Kinds::SomeErrors));
    }
}

#[test]
fn whoever_is_killed_at_whatever_moment_of_an_action_on_a_repeating_daemon_the_next_one_works() {
    for verb in [Verb::Start, Verb::Pause, Verb::Stop] {
        assert_sound(&survey(repeating(verb), Kinds::Kills));
    }
}

#[test]
fn whoever_is_killed_at_whatever_moment_of_a_start_the_next_status_is_true_and_the_next_start_works() {
    assert_nothing_found(Verb::Start, Kinds::Kills);
    // The way with the most calls.
    if let Some(mode) = other_modes().pop() {
        assert_sound(&survey(cast(Verb::Start, mode), Kinds::Kills));
    }
}

#[test]
fn whoever_is_killed_at_whatever_moment_of_a_stop_the_next_status_is_true_and_the_next_start_works() {
    assert_nothing_found(Verb::Stop, Kinds::Kills);
}

#[test]
fn whoever_is_killed_at_whatever_moment_of_a_restart_the_next_status_is_true_and_the_next_start_works() {
    assert_nothing_found(Verb::Restart, Kinds::Kills);
}

#[test]
fn whoever_is_killed_at_whatever_moment_of_a_reload_the_next_status_is_true_and_the_next_start_works() {
    assert_nothing_found(Verb::Reload, Kinds::Kills);
}

#[test]
fn whoever_stands_still_at_whatever_moment_of_a_start_nobody_is_told_a_lie_and_there_is_one_daemon() {
    assert_nothing_found(Verb::Start, Kinds::Delays);
}

#[test]
fn whoever_stands_still_at_whatever_moment_of_a_stop_nobody_is_told_a_lie() {
    assert_nothing_found(Verb::Stop, Kinds::Delays);
}

#[test]
fn whoever_stands_still_at_whatever_moment_of_a_reload_nobody_is_told_a_lie() {
    assert_nothing_found(Verb::Reload, Kinds::Delays);
}

/// `UPDATE_CALLS=1` writes the calls into the page; why they are made, a person says there.
#[test]
fn a_start_makes_the_calls_that_its_page_tells_of_and_no_others() {
    if std::env::temp_dir().parent() != Some("/".as_ref()) {
        let _ = writeln!(std::io::stderr(), "skipped: the way to a pidfile below TMPDIR is longer than the page's");
        return;
    }
    let account = if nix::unistd::geteuid().is_root() { Account::Nobody } else { Account::Caller };
    let plain = Cast { program: env!("CARGO_BIN_EXE_plain"), ..cast(Verb::Start, Mode::plain(account)) };
    let shown = Scene::new(plain).run(None);
    assert_eq!((shown.told.code, shown.told.stderr.as_str()), (0, ""));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/daemon-runtime/doc/system-calls.md");
    let page = std::fs::read_to_string(path).expect("the page is there");
    if std::env::var_os("UPDATE_CALLS").is_some() {
        std::fs::write(path, page::remade(&page, &shown.calls)).expect("it is ours");
        return;
    }
    let differences = page::differences(&page, &shown.calls);
    let remedy =
        "UPDATE_CALLS=1 cargo test --test faults its_page\nwrites the calls into the page; the reasons are yours";
    assert!(differences.is_empty(), "{}\n{remedy}", differences.join("\n"));
}

/// The method itself is on trial here: on a program whose start says that it has worked, whatever has happened.
#[test]
fn of_a_program_on_the_crate_daemonize_the_method_finds_the_lies() {
    let liar = Cast { program: env!("CARGO_BIN_EXE_liar"), ..cast(Verb::Start, Mode::plain(caller())) };
    // Its other commands are not those of ours, so only its answers are judged.
    let Survey { runs, findings } = survey_by(judge::answer, liar, Kinds::SomeErrors);
    let lies = findings.iter().filter(|finding| finding.contains("code: 0"));
    assert!(lies.count() > 10 || only().is_some(), "of {runs} runs: {findings:#?}");
}
