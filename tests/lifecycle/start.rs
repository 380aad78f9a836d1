//! `start` tells the truth, and at once.

use crate::home::Home;

#[test]
fn a_start_that_works_says_so_and_the_daemon_is_there() {
    let home = Home::new();
    let told = home.actor("ready").run(&["start"]);
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
    assert_eq!(home.processes(), [home.pid()]);
}

#[test]
fn a_worker_that_fails_is_told_with_its_words_and_leaves_nothing() {
    let home = Home::new();
    home.actor("fails").run(&["start"]).assert(1, "Starting actor ... FAILED\n", "error: no such luck\n");
    home.assert_nothing_left();
}
