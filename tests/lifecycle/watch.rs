//! `status --watch`: the view on a terminal, which is left as it was found.

use std::io::Write;
use std::num::NonZero;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};

use nix::libc;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::termios::{FlowArg, Termios, tcflow, tcgetattr};
use nix::unistd::Pid;
use vt100::{Color, Parser, Screen};

use crate::hang_up::log_in;
use crate::home::{Home, Program, Told, catches, eventually, is_over};
use crate::terminal::{Terminal, plainly};
use crate::ticks::{start as start_ticking, ticking};

const ROWS: u16 = 24;
const COLUMNS: u16 = 80;

/// What stands on the terminal before anything is run there.
const BEFORE: &str = "$ before\r\n$ ";

/// A person who watches at a terminal.
struct Watcher {
    terminal: Terminal,
    child: Child,
    /// The terminal's mode before.
    found: Termios,
    /// Its size as it was set last, rows first.
    size: (u16, u16),
}

impl Watcher {
    fn of(program: Program, words: &[&str]) -> Self {
        Self::at((ROWS, COLUMNS), plainly(program), words)
    }

    fn at(size: (u16, u16), program: Program, words: &[&str]) -> Self {
        let mut terminal = Terminal::new();
        resize(&terminal, size);
        terminal.read();
        terminal.slave.write_all(BEFORE.as_bytes()).expect("it takes it");
        let found = tcgetattr(&terminal.slave).expect("its mode");
        let child = log_in(&terminal, program, words);
        Self { terminal, child, found, size }
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a pid")
    }

    fn screen(&self) -> Screen {
        let mut parser = parser(self.size);
        parser.process(&self.terminal.written.lock().expect("unharmed"));
        parser.screen().clone()
    }

    /// Waits until all of these words are to be seen in the view.
    #[track_caller]
    fn sees(&self, words: &[&str]) -> String {
        let mut seen = String::new();
        eventually(&format!("{words:?}"), || {
            let screen = self.screen();
            seen = screen.contents();
            screen.alternate_screen() && words.iter().all(|word| seen.contains(word))
        });
        seen
    }

    fn types(&self, keys: &str) {
        (&self.terminal.master).write_all(keys.as_bytes()).expect("it takes it");
    }

    /// A signal, once it would be heard.
    fn is_sent(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).expect("it is our child");
    }

    fn resizes(&mut self, size: (u16, u16)) {
        resize(&self.terminal, size);
        self.size = size;
    }

    /// The terminal is as it was: what it shows, where its cursor is, and its mode.
    #[track_caller]
    fn assert_given_back(&self) {
        eventually("the first screen", || !self.screen().alternate_screen() && !self.screen().hide_cursor());
        let mut before = parser(self.size);
        before.process(BEFORE.as_bytes());
        let (screen, before) = (self.screen(), before.screen());
        assert_eq!(screen.contents(), before.contents());
        assert_eq!(screen.cursor_position(), before.cursor_position());
        assert_eq!(screen.attributes_formatted(), before.attributes_formatted());
        assert_eq!(tcgetattr(&self.terminal.slave).expect("its mode"), self.found);
    }

    /// The exit code, once the program has ended and left the terminal as it was.
    #[track_caller]
    fn ends(mut self) -> i32 {
        eventually("the end of the view", || self.child.try_wait().expect("asked").is_some());
        self.assert_given_back();
        Told::of(self.child).code
    }
}

/// A terminal of this size, as it shows what is written to it.
fn parser((rows, columns): (u16, u16)) -> Parser {
    let size = |count| NonZero::new(count).expect("a size");
    Parser::new(size(rows), size(columns), 0)
}

fn resize(terminal: &Terminal, (rows, columns): (u16, u16)) {
    let (rows, columns) = (rows.to_string(), columns.to_string());
    let resized = Command::new("stty").args(["-F", &terminal.name, "rows", &rows, "cols", &columns]).status();
    assert!(resized.is_ok_and(|status| status.success()), "stty can resize it");
}

fn started(home: &Home) -> i32 {
    assert_eq!(home.actor("ready").run(&["start"]).code, 0);
    home.pid()
}

/// Looks often.
const OFTEN: [&str; 2] = ["status", "--watch=100ms"];

#[test]
fn the_view_shows_who_runs_its_processors_and_its_memory() {
    let home = Home::new();
    let pid = started(&home).to_string();
    let watcher = Watcher::of(home.actor("ready"), &["status", "--watch"]);
    let seen =
        watcher.sees(&["actor  running", &format!("pid {pid}"), "up ", "1 process", "MiB", "every 1s", "q leaves"]);
    assert!(seen.lines().any(|line| line.starts_with("cpu ")) && seen.contains(" max "), "{seen}");
    assert!(!seen.contains("ticks"), "{seen}");
    // The second look is there: a share of the processors.
    eventually("a share", || {
        let seen = watcher.screen().contents();
        let share = seen.lines().find_map(|line| line.strip_prefix("cpu")?.trim().split_once(" %"));
        share.is_some_and(|(share, _)| share.parse::<f64>().is_ok())
    });
    watcher.types("q");
    assert_eq!(watcher.ends(), 0);
}

#[test]
fn q_escape_and_ctrl_c_leave_and_an_arrow_does_not() {
    let home = Home::new();
    let pid = format!("pid {}", started(&home));
    for keys in ["q", "Q", "\x1b", "\x03", "\x1b[Aq", "\x1b\x1b"] {
        let watcher = Watcher::of(home.actor("ready"), &OFTEN);
        watcher.sees(&[&pid]);
        watcher.types("\x1b[A\x1bOPx\r\x1bOQ\x1b[[Q");
        watcher.types(&"\x1bOQ".repeat(100));
        watcher.sees(&["for 1s"]);
        watcher.types(keys);
        assert_eq!(watcher.ends(), 0, "{keys:?}");
    }
}

#[test]
fn every_signal_that_ends_it_leaves_the_terminal_as_it_was() {
    let home = Home::new();
    let pid = format!("pid {}", started(&home));
    let signals =
        [libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGUSR1, libc::SIGUSR2, libc::SIGALRM, libc::SIGXCPU];
    let others = [libc::SIGVTALRM, libc::SIGPROF, libc::SIGIO, libc::SIGPWR, libc::SIGRTMIN(), libc::SIGRTMAX()];
    for signal in signals.into_iter().chain(others) {
        let watcher = Watcher::of(home.actor("ready"), &["status", "--watch=1h"]);
        watcher.sees(&[&pid]);
        let (pid, signal_number) = (watcher.pid().to_string(), signal.to_string());
        // nix has no words for the real-time ones.
        let sent = Command::new("kill").args(["-s", &signal_number, &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "{signal}");
        assert_eq!(watcher.ends(), 128 + signal);
    }
    let watcher = Watcher::of(home.actor("ready"), &["status", "--watch=1h"]);
    watcher.sees(&[&pid]);
    // A key, as the terminal has it.
    watcher.types("\x1c");
    assert_eq!(watcher.ends(), 128 + libc::SIGQUIT);
}

#[test]
fn one_that_was_begun_with_signals_blocked_hears_them() {
    let home = Home::new();
    let pid = format!("pid {}", started(&home));
    let mut program = plainly(home.actor("ready"));
    let blocked = || Ok(SigSet::all().thread_block()?);
    // SAFETY: the closure makes one system call and allocates nothing.
    unsafe { program.0.pre_exec(blocked) };
    let mut watcher = Watcher::at((ROWS, COLUMNS), program, &["status", "--watch=1h"]);
    watcher.sees(&[&pid, "q leaves"]);
    watcher.resizes((2, 30));
    eventually("a picture of that size", || !watcher.screen().contents().contains("memory"));
    watcher.is_sent(Signal::SIGTERM);
    assert_eq!(watcher.ends(), 128 + libc::SIGTERM);
}

#[test]
fn a_terminal_that_takes_no_output_does_not_hold_the_view() {
    type Leave = fn(&Watcher);
    let home = Home::new();
    let pid = format!("pid {}", started(&home));
    let halted = || {
        let watcher = Watcher::of(home.actor("ready"), &OFTEN);
        watcher.sees(&[&pid]);
        tcflow(&watcher.terminal.slave, FlowArg::TCOOFF).expect("halted");
        watcher
    };
    let leave: [(Leave, i32); 3] = [
        (|watcher| watcher.types("q"), 0),
        (|watcher| watcher.is_sent(Signal::SIGINT), 0),
        (|watcher| watcher.is_sent(Signal::SIGTERM), 128 + libc::SIGTERM),
    ];
    for (leave, code) in leave {
        let mut watcher = halted();
        leave(&watcher);
        eventually("the end of the view", || watcher.child.try_wait().expect("asked").is_some());
        assert_eq!(tcgetattr(&watcher.terminal.slave).expect("its mode"), watcher.found);
        assert_eq!(Told::of(watcher.child).code, code);
    }
    // One that goes on shows what is there by then.
    let watcher = halted();
    assert_eq!(home.actor("ready").run(&["stop"]).code, 0);
    tcflow(&watcher.terminal.slave, FlowArg::TCOON).expect("going on");
    watcher.sees(&["actor  not running"]);
    watcher.types("q");
    assert_eq!(watcher.ends(), 3);
}

#[test]
fn ctrl_l_draws_all_of_it_again() {
    let home = Home::new();
    let pid = format!("pid {}", started(&home));
    let watcher = Watcher::of(home.actor("ready"), &["status", "--watch=1h"]);
    watcher.sees(&[&pid, "for 0s"]);
    (&watcher.terminal.slave).write_all(b"\x1b[H\x1b[2Jin between").expect("it takes it");
    watcher.sees(&["in between"]);
    watcher.types("\x0c");
    let seen = watcher.sees(&[&pid]);
    assert!(!seen.contains("in between"), "{seen}");
    watcher.types("q");
    assert_eq!(watcher.ends(), 0);
}

#[test]
fn a_repeating_daemon_shows_the_ticks_that_were_there_before_it_was_watched() {
    let home = Home::new();
    let words = "well fails well waits";
    let program = ticking(&home, "5ms", words).set("ACTOR_MISSED", "delay").set("ACTOR_STDERR", home.path("log"));
    assert_eq!(program.run(&["start"]).code, 0);
    let watcher = Watcher::of(ticking(&home, "5ms", words), &OFTEN);
    let counts = "ticks   2 done, 1 failed, 0 skipped";
    let seen = watcher.sees(&[counts, "tick 3 runs for", ". × .", "error   tick 1 failed: no such luck"]);
    assert!(seen.contains("of the last 3 the longest took"), "{seen}");
    watcher.types("q");
    assert_eq!(watcher.ends(), 0);
}

#[test]
fn the_next_tick_is_counted_down_and_a_pause_is_told() {
    let home = Home::new();
    start_ticking(&home, "1h", "says");
    let watcher = Watcher::of(ticking(&home, "1h", "says"), &OFTEN);
    watcher.sees(&["next    tick 1 in 59m", "says    warming up"]);
    assert_eq!(home.actor("ticks").run(&["pause"]).code, 0);
    watcher.sees(&["next    paused"]);
    assert_eq!(home.actor("ticks").run(&["run-now"]).code, 0);
    watcher.sees(&["ticks   2 done"]);
    watcher.types("q");
    assert_eq!(watcher.ends(), 0);
}

#[test]
fn one_that_ends_while_it_is_watched_is_told_and_the_next_one_picked_up() {
    let home = Home::new();
    let first = format!("pid {}", started(&home));
    let watcher = Watcher::of(home.actor("ready"), &OFTEN);
    watcher.sees(&["running", &first]);
    assert_eq!(home.actor("ready").run(&["stop"]).code, 0);
    let seen = watcher.sees(&["actor  not running"]);
    assert!(!seen.contains("pid"), "{seen}");
    let second = started(&home);
    watcher.sees(&["actor  running", &format!("pid {second}")]);
    kill(Pid::from_raw(second), Signal::SIGKILL).expect("killed");
    eventually("its end", || is_over(second));
    watcher.sees(&["actor  not running", "why     "]);
    watcher.types("q");
    assert_eq!(watcher.ends(), 1, "as `status` has it where a pidfile was left");
    assert_eq!(home.actor("ready").run(&["stop"]).code, 0);
    let watcher = Watcher::of(home.actor("ready"), &OFTEN);
    watcher.sees(&["actor  not running"]);
    watcher.types("q");
    assert_eq!(watcher.ends(), 3);
}

#[test]
fn a_window_may_be_tiny_and_may_change() {
    let home = Home::new();
    let pid = started(&home).to_string();
    let mut watcher = Watcher::at((5, 20), plainly(home.actor("ready")), &["status", "--watch=1h"]);
    watcher.sees(&["actor  running", "cpu", "memory"]);
    watcher.resizes((1, 1));
    watcher.sees(&["\u{2026}"]);
    watcher.resizes((24, 80));
    watcher.sees(&[&pid, "1 process", "q leaves"]);
    watcher.types("q");
    assert_eq!(watcher.ends(), 0);
}

#[test]
fn a_terminal_that_does_not_know_its_size_is_taken_to_have_the_usual_one() {
    let home = Home::new();
    let pid = started(&home).to_string();
    let mut watcher = Watcher::at((0, 0), plainly(home.actor("ready")), &OFTEN);
    watcher.size = (ROWS, COLUMNS);
    watcher.sees(&[&pid, "q leaves"]);
    // Until it does.
    watcher.resizes((9, 40));
    eventually("a picture of that size", || {
        watcher.screen().rows(0, 40).last().is_some_and(|row| row.ends_with("q leaves"))
    });
    watcher.types("q");
    assert_eq!(watcher.ends(), 0);
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_takes_it_again() {
    let home = Home::new();
    let pid = format!("pid {}", started(&home));
    let script = r#"
        set -m
        stty -g >"$HOME/before"
        "$ACTOR" status --watch=1h
        stty -g >"$HOME/stopped"
        fg >/dev/null
        echo $? >"$HOME/code"
    "#;
    let watcher = Watcher::of(home.shell("ready"), &["-c", script]);
    watcher.sees(&[&pid]);
    let pictures = || {
        let written = watcher.terminal.written.lock().expect("unharmed");
        String::from_utf8_lossy(&written).matches("\x1b[?1049h").count()
    };
    assert_eq!(pictures(), 1);
    watcher.types("\x1a");
    eventually("the shell to go on, and the view with it", || pictures() == 2);
    assert!(!home.read("before").is_empty());
    assert_eq!(home.read("stopped"), home.read("before"));
    watcher.sees(&[&pid]);
    watcher.types("q");
    assert_eq!(watcher.ends(), 0);
    assert_eq!(home.read("code"), "0\n");
}

#[test]
fn one_that_was_stopped_without_being_asked_draws_all_of_it_again() {
    let home = Home::new();
    let pid = format!("pid {}", started(&home));
    let watcher = Watcher::of(home.actor("ready"), &["status", "--watch=1h"]);
    watcher.sees(&[&pid]);
    watcher.is_sent(Signal::SIGSTOP);
    (&watcher.terminal.slave).write_all(b"\x1b[H\x1b[2Jin between").expect("it takes it");
    watcher.sees(&["in between"]);
    watcher.is_sent(Signal::SIGCONT);
    let seen = watcher.sees(&[&pid]);
    assert!(!seen.contains("in between"), "{seen}");
    watcher.types("q");
    assert_eq!(watcher.ends(), 0);
}

#[test]
fn a_terminal_that_goes_away_ends_the_view() {
    let home = Home::new();
    started(&home);
    let terminal = Terminal::new();
    resize(&terminal, (ROWS, COLUMNS));
    let child = log_in(&terminal, plainly(home.actor("ready")), &["status", "--watch=1h"]);
    let pid = i32::try_from(child.id()).expect("a pid");
    eventually("the view", || catches(pid, Signal::SIGTSTP));
    drop(terminal);
    assert_eq!(Told::of(child).code, 128 + libc::SIGHUP);
}

#[test]
fn without_colours_there_are_none_and_with_them_nothing_is_told_by_a_colour_alone() {
    let home = Home::new();
    let ticks = || ticking(&home, "1h", "fails");
    start_ticking(&home, "1h", "fails");
    let colours = |screen: &Screen| {
        let cells = (0..ROWS).flat_map(|row| (0..COLUMNS).filter_map(move |column| screen.cell(row, column)));
        cells
            .filter(|cell| (cell.fgcolor(), cell.bgcolor(), cell.bold()) != (Color::Default, Color::Default, false))
            .count()
    };
    let watcher = Watcher::of(ticks(), &OFTEN);
    watcher.sees(&["×", "tick 0 failed"]);
    assert_ne!(colours(&watcher.screen()), 0);
    watcher.types("q");
    assert_eq!(watcher.ends(), 0);
    let watcher = Watcher::at((ROWS, COLUMNS), plainly(ticks()).set("NO_COLOR", "1"), &OFTEN);
    watcher.sees(&["×", "tick 0 failed"]);
    assert_eq!(colours(&watcher.screen()), 0);
    watcher.types("q");
    assert_eq!(watcher.ends(), 0);
}

#[test]
fn where_it_cannot_be_drawn_it_is_refused_with_what_to_do_instead() {
    let home = Home::new();
    started(&home);
    let told = home.actor("ready").run(&["status", "--watch"]);
    let instead = "use `status --json` in a loop, or watch(1)";
    told.assert(2, "", &format!("error: `--watch` draws on a terminal, and stdout is none: {instead}\n"));
    for (words, variable, reason) in [
        (
            &["status", "--watch"],
            "dumb",
            "cannot draw on this terminal (TERM is `dumb`, or not set): use `status --json`",
        ),
        (&["status", "--watch"], "", "cannot draw on this terminal (TERM is `dumb`, or not set): use `status --json`"),
        (&["status", "--watch=10ms"], "xterm", "`--watch=10ms` is too often: 100ms is the least"),
    ] {
        let mut terminal = Terminal::new();
        terminal.read();
        let child = log_in(&terminal, plainly(home.actor("ready")).set("TERM", variable), words);
        let seen = terminal.end(child);
        assert_eq!(seen.code, 2);
        assert!(seen.text().contains(reason), "{}", seen.text());
    }
    for words in
        [&["status", "--watch", "--json"][..], &["status", "--watch", "--fields=pid"], &["status", "--watch=soon"]]
    {
        let told = home.actor("ready").run(words);
        assert_eq!((told.code, told.stdout.as_str()), (2, ""), "{words:?}");
        assert!(told.stderr.contains("--watch[=<INTERVAL>]"), "{told:?}");
    }
}

#[test]
fn several_instances_have_a_row_each_and_one_of_them_all_of_the_screen() {
    let home = Home::new();
    let crew = |words: &[&str]| {
        let program = home.cast(Path::new(env!("CARGO_BIN_EXE_crew")), "").set("ACTOR_CREW", "3");
        let program = program.set("ACTOR_PIDFILE", home.path("run/actor-{n}.pid"));
        (program, words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(crew(&[]).0.run(&["start"]).code, 0);
    assert_eq!(crew(&[]).0.run(&["stop", "--instance", "1"]).code, 0);
    let watcher = Watcher::of(crew(&[]).0, &OFTEN);
    let seen = watcher.sees(&["actor-0  running", "actor-1  not running", "actor-2  running", "q leaves"]);
    assert_eq!(seen.lines().filter(|line| line.starts_with("actor-")).count(), 3, "{seen}");
    watcher.types("q");
    assert_eq!(watcher.ends(), 3);
    let watcher = Watcher::of(crew(&[]).0, &["status", "--watch", "--instance", "2"]);
    watcher.sees(&["actor-2  running", "memory"]);
    watcher.types("q");
    assert_eq!(watcher.ends(), 0);
}
