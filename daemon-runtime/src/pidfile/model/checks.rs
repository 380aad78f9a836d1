//! What is checked of the model, what is found out about code that is wrong, and what ties the model to the code.

use std::io::Write;

use stateright::{Checker, HasDiscoveries};

use super::call::FUNCTIONS;
use super::*;
use Verb::{Nobody, Start, Status, Stop};

/// Who meet, what a crash has left for them, and how many processes are killed.
type Case = ([Verb; ACTORS], Left, u8);

#[track_caller]
fn assert_holds(cases: &[Case]) {
    for (verbs, left, kills) in cases {
        let checker = Lives::of(*verbs, left, None, *kills).checker().threads(2).spawn_bfs().join();
        if std::env::var_os("MODEL_STATES").is_some() {
            let states = checker.unique_state_count();
            let _ = writeln!(std::io::stderr(), "{verbs:?}, {} names, {kills} kills: {states} states", left.len());
        }
        checker.assert_properties();
    }
}

#[test]
fn whatever_the_order_of_calls_of_three_no_promise_is_broken() {
    assert_holds(&[
        ([Start, Start, Start], NOTHING, 0),
        ([Start, Start, Status], NOTHING, 0),
        ([Start, Stop, Status], NOTHING, 0),
    ]);
}

#[test]
fn whoever_is_killed_before_whatever_call_no_promise_is_broken() {
    assert_holds(&[
        ([Start, Start, Nobody], NOTHING, 2),
        ([Start, Start, Nobody], ALL_NAMES, 2),
        ([Start, Stop, Nobody], ALL_NAMES, 2),
        ([Start, Status, Nobody], ALL_NAMES, 2),
    ]);
}

#[test]
#[ignore = "takes minutes; `cargo test -p daemon-runtime model -- --ignored` runs it"]
fn whatever_the_order_of_calls_of_three_and_whoever_is_killed_no_promise_is_broken() {
    for left in [NOTHING, ALL_NAMES] {
        assert_holds(&[
            ([Start, Stop, Status], left, 1),
            ([Start, Stop, Stop], left, 1),
            ([Start, Start, Status], left, 1),
            ([Start, Start, Stop], left, 1),
            ([Start, Start, Start], left, 1),
        ]);
    }
}

#[test]
fn whatever_is_done_wrong_is_found_out() {
    for (wrong, verbs, kills) in wrong::ALL {
        let model = Lives::of(*verbs, NOTHING, Some(*wrong), *kills);
        let checker = model.checker().threads(2).finish_when(HasDiscoveries::Any).spawn_bfs().join();
        let found: Vec<_> = checker.discoveries().into_keys().collect();
        if std::env::var_os("MODEL_STATES").is_some() {
            let _ = writeln!(std::io::stderr(), "{wrong:?}: {found:?}, {} states", checker.unique_state_count());
        }
        assert!(!found.is_empty(), "{wrong:?} is not found out");
    }
}

/// The body of a function, as the source has it, less its comments.
fn body(source: &str, name: &str) -> String {
    let head = format!("fn {name}(");
    let from = source.find(&head).unwrap_or_else(|| panic!("there is no `{head}`"));
    let indent = source[..from].rsplit('\n').next().map_or(0, |line| line.len() - line.trim_start().len());
    let end = format!("\n{}}}\n", " ".repeat(indent));
    let whole = source[from + head.len()..].split_once(&end).map_or("", |(body, _)| body);
    let code = whole.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = code.map(str::trim).collect::<Vec<_>>().join(" ");
    // Words for errors, and a copy of the folder's descriptor.
    let others = [
        "place.claim_path(",
        "place.draft_refusal(",
        "place.path(",
        "place.name(",
        "place.try_clone(",
        "text::of_pidfile(",
    ];
    others.iter().fold(code, |code, other| code.replace(other, "("))
}

#[test]
fn the_functions_that_are_modelled_make_these_calls_in_this_order_and_no_others() {
    for function in FUNCTIONS {
        let body = body(function.source, function.name);
        let mut at = 0;
        for call in function.makes {
            let next = body[at..].find(call).unwrap_or_else(|| panic!("{}: `{call}` in {body}", function.name));
            at += next + call.len();
        }
        let touches = ["place.", "lock::", "of_pidfile(", "own_witness(", "set_len("];
        let of = |text: &str| touches.iter().map(|touch| text.matches(touch).count()).sum::<usize>();
        let known: usize = function.makes.iter().map(|call| of(call)).sum();
        assert_eq!(of(&body), known, "{} does more than is modelled: {body}", function.name);
    }
}

#[test]
fn every_call_of_the_model_stands_in_one_of_the_functions() {
    // Those that are no calls to a name or a lock.
    let others = [
        Call::Fork,
        Call::Agree,
        Call::Work,
        Call::CloseClaim,
        Call::CloseFile,
        Call::CloseLast,
        Call::Dead,
        Call::Nothing,
    ];
    for call in call::ALL {
        let known = FUNCTIONS.iter().any(|function| function.calls.contains(call)) || others.contains(call);
        assert!(known, "{call:?}");
    }
}
