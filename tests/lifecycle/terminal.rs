//! What a person at a terminal sees.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use nix::fcntl::OFlag;
use nix::libc;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};

use crate::home::{Home, Program, Told, eventually};

const RED: u8 = 31;
const GREEN: u8 = 32;
const YELLOW: u8 = 33;

/// A terminal, with all that was ever written to it.
pub struct Terminal {
    pub name: String,
    pub slave: File,
    pub master: PtyMaster,
    pub written: Arc<Mutex<Vec<u8>>>,
    pub reader: Option<std::thread::JoinHandle<()>>,
}

impl Terminal {
    pub fn new() -> Self {
        // Not by openpty(3): what it opens would leak into whatever another test starts meanwhile.
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).expect("a terminal");
        grantpt(&master).expect("it is ours");
        unlockpt(&master).expect("it is ours");
        let name = ptsname_r(&master).expect("it has a name");
        let slave = File::options().read(true).write(true).custom_flags(libc::O_NOCTTY).open(&name);
        Self { name, slave: slave.expect("it is there"), master, written: Arc::default(), reader: None }
    }

    pub fn slave(&self) -> Stdio {
        Stdio::from(self.slave.try_clone().expect("a descriptor"))
    }

    /// Reads all that is written until nobody has the terminal any more.
    pub fn read(&mut self) {
        let master = self.master.as_fd().try_clone_to_owned().expect("a descriptor");
        let (mut master, written) = (File::from(master), self.written.clone());
        self.reader = Some(std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The end of a terminal is an error: EIO.
            while let Ok(length @ 1..) = master.read(&mut bytes) {
                written.lock().expect("unharmed").extend_from_slice(&bytes[..length]);
            }
        }));
    }

    /// The program with all three streams on this terminal.
    fn run(mut self, program: Program, words: &[&str]) -> Seen {
        let child = self.spawn(program, words);
        self.end(child)
    }

    fn spawn(&mut self, mut program: Program, words: &[&str]) -> Child {
        self.read();
        program.0.stdin(self.slave()).stdout(self.slave()).stderr(self.slave());
        program.0.args(words).spawn().expect("the program runs")
    }

    /// What there is to be seen when the program has ended, and everybody else has let go of the terminal.
    pub fn end(mut self, mut child: Child) -> Seen {
        eventually("the program's end", || child.try_wait().expect("asked").is_some());
        let code = Told::of(child).code;
        drop(self.slave);
        let reader = self.reader.take().expect("it was read");
        eventually("nobody to have the terminal any more", || reader.is_finished());
        let written = self.written.lock().expect("unharmed").clone();
        Seen::of(code, String::from_utf8(written).expect("text"))
    }

    fn has(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.written.lock().expect("unharmed")).contains(text)
    }
}

/// What a terminal shows: its lines, each character with its colour.
pub struct Seen {
    pub code: i32,
    written: String,
    lines: Vec<Vec<(char, Option<u8>)>>,
}

impl Seen {
    /// Does what a terminal does with carriage return, line feed and colours. There must be nothing else in it.
    fn of(code: i32, written: String) -> Self {
        let (mut lines, mut column, mut colour) = (vec![Vec::new()], 0, None);
        let mut characters = written.chars();
        while let Some(character) = characters.next() {
            let line: &mut Vec<_> = lines.last_mut().expect("there is always one");
            match character {
                '\r' => column = 0,
                // The terminal's own driver puts a carriage return before it.
                '\n' => lines.push(Vec::new()),
                '\x1b' => {
                    let parameters: String = characters.by_ref().take_while(|c| *c != 'm').collect();
                    for number in parameters.strip_prefix('[').expect("a colour").split(';') {
                        match number.parse().expect("a colour") {
                            0 => colour = None,
                            foreground @ 30..=37 => colour = Some(foreground),
                            1 | 4 => {}
                            other => panic!("{other} is no colour that we know"),
                        }
                    }
                }
                _ => {
                    assert!(!character.is_control(), "{character:?} in {written:?}");
                    line.resize(line.len().max(column + 1), (' ', None));
                    line[column] = (character, colour);
                    column += 1;
                }
            }
        }
        Self { code, written, lines }
    }

    /// The lines, without what is blank at their ends.
    pub fn text(&self) -> String {
        let line = |line: &Vec<(char, _)>| line.iter().map(|(character, _)| character).collect::<String>();
        self.lines.iter().map(|l| line(l).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    /// The coloured words, in their order.
    fn coloured(&self) -> Vec<(String, u8)> {
        let mut words: Vec<(String, u8)> = Vec::new();
        let mut before = None;
        let end_of_line = (' ', None);
        for (character, colour) in self.lines.iter().flat_map(|line| line.iter().chain([&end_of_line])) {
            match (colour, words.last_mut()) {
                (Some(colour), Some((word, _))) if before == Some(*colour) => word.push(*character),
                (Some(colour), _) => words.push((character.to_string(), *colour)),
                (None, _) => {}
            }
            before = *colour;
        }
        words
    }

    #[track_caller]
    fn assert(&self, code: i32, text: &str, coloured: &[(&str, u8)]) {
        assert_eq!((self.code, self.text().as_str()), (code, text), "{:?}", self.written);
        let words = self.coloured();
        let words: Vec<_> = words.iter().map(|(word, colour)| (word.as_str(), *colour)).collect();
        assert_eq!(words, coloured, "{:?}", self.written);
    }
}

/// The program as a person has it, whatever the environment of the tests says of colours.
pub fn plainly(mut program: Program) -> Program {
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
        program.0.env_remove(variable);
    }
    program.set("TERM", "xterm")
}

fn actor(home: &Home, role: &str) -> Program {
    plainly(home.actor(role))
}

pub fn stop(home: &Home) {
    home.actor("sleeper").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
}

#[test]
fn on_a_terminal_success_is_green_failure_red_and_a_warning_yellow() {
    let home = Home::new();
    let seen = Terminal::new().run(actor(&home, "ready"), &["start"]);
    seen.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), &[("OK", GREEN)]);
    let warned = format!("warning: actor is already running with pid {}\n", home.pid());
    Terminal::new().run(actor(&home, "ready"), &["start"]).assert(0, &warned, &[("warning:", YELLOW)]);
    Terminal::new().run(actor(&home, "ready"), &["stop"]).assert(0, "Stopping actor ... OK\n", &[("OK", GREEN)]);
    let seen = Terminal::new().run(actor(&home, "fails"), &["start"]);
    let text = "Starting actor ... FAILED\nerror: no such luck\n";
    seen.assert(1, text, &[("FAILED", RED), ("error:", RED)]);
    let seen = Terminal::new().run(actor(&home, "ready"), &["stop"]);
    seen.assert(0, "warning: actor is not running\n", &[("warning:", YELLOW)]);
    home.assert_nothing_left();
}

#[test]
fn what_a_worker_says_does_nothing_to_the_terminal_that_shows_it() {
    let home = Home::new();
    // Anything but the colours of ours would end the test.
    let seen = Terminal::new().run(actor(&home, "fails-in-colours"), &["start"]);
    let text = seen.text();
    assert!(seen.code == 1 && text.contains("no such luck") && text.contains("  red and the title OK"), "{text}");
    assert_eq!(seen.coloured().iter().map(|(word, _)| word.as_str()).collect::<Vec<_>>(), ["FAILED", "error:"]);
    home.assert_nothing_left();
}

#[test]
fn a_restart_on_a_terminal_is_two_lines() {
    let home = Home::new();
    home.actor("ready").run(&["start"]);
    let seen = Terminal::new().run(actor(&home, "ready"), &["restart"]);
    let text = format!("Stopping actor ... OK\nStarting actor ... OK (pid {})\n", home.pid());
    seen.assert(0, &text, &[("OK", GREEN), ("OK", GREEN)]);
}

#[test]
fn no_color_and_a_dumb_terminal_see_no_colours_and_no_other_escapes() {
    for variables in [&[("NO_COLOR", "1")][..], &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], &[("TERM", "dumb")]] {
        let home = Home::new();
        let plain = |role| variables.iter().fold(actor(&home, role), |program, (key, value)| program.set(key, value));
        for (role, action) in [("fails", "start"), ("ready", "stop"), ("ready", "status"), ("ready", "--help")] {
            let seen = Terminal::new().run(plain(role), &[action]);
            assert!(!seen.written.contains('\x1b'), "{variables:?} {action}: {:?}", seen.written);
        }
    }
}

#[test]
fn a_dumb_terminal_sees_no_colours_under_continuous_integration_either() {
    let home = Home::new();
    let seen = Terminal::new().run(actor(&home, "fails").set("TERM", "dumb").set("CI", "true"), &["start"]);
    seen.assert(1, "Starting actor ... FAILED\nerror: no such luck\n", &[]);
}

#[test]
fn in_a_pipe_there_are_no_colours_even_when_they_are_forced() {
    let home = Home::new();
    let forced = |role| actor(&home, role).set("CLICOLOR_FORCE", "1").set("CI", "true");
    forced("fails").run(&["start"]).assert(1, "Starting actor ... FAILED\n", "error: no such luck\n");
    forced("ready").run(&["stop"]).assert(0, "", "warning: actor is not running\n");
    for words in [&["--help"][..], &["banana"]] {
        let told = forced("ready").run(words);
        assert!(!told.stdout.contains('\x1b') && !told.stderr.contains('\x1b'), "{told:?}");
    }
}

#[test]
fn the_colours_of_each_stream_are_its_own() {
    let home = Home::new();
    let mut terminal = Terminal::new();
    terminal.read();
    let mut program = actor(&home, "fails");
    program.0.args(["start"]).stdout(terminal.slave()).stderr(Stdio::piped());
    let child = program.0.spawn().expect("the program runs");
    drop(program);
    let told = Told::of(child);
    assert_eq!((told.code, told.stderr.as_str()), (1, "error: no such luck\n"));
    eventually("the verdict", || terminal.has("FAILED\x1b["));
}

#[test]
fn a_mistake_in_the_command_line_is_coloured_on_a_terminal() {
    let home = Home::new();
    let seen = Terminal::new().run(actor(&home, "ready"), &["banana"]);
    assert_eq!((seen.code, seen.coloured().first()), (2, Some(&("error:".to_owned(), RED))));
}

#[test]
fn while_a_start_waits_the_line_shows_the_seconds_and_ends_as_documented() {
    let home = Home::new();
    let mut terminal = Terminal::new();
    let waits = actor(&home, "ticks").set("ACTOR_TICK", "waits").set("ACTOR_SETTLE", "1h");
    let child = terminal.spawn(waits, &["start"]);
    for seconds in ["Starting actor ... 1s", "\rStarting actor ... 2s"] {
        eventually(seconds, || terminal.has(seconds));
    }
    home.go();
    let text = format!("Starting actor ... OK (pid {})\n", home.pid());
    terminal.end(child).assert(0, &text, &[("OK", GREEN)]);
    stop(&home);
}

#[test]
fn while_a_stop_waits_the_line_shows_the_seconds_and_ten_of_them_leave_nothing_behind_the_verdict() {
    let home = Home::new();
    home.actor("slow").set("ACTOR_SETTLE", "20ms").run(&["start"]);
    let mut terminal = Terminal::new();
    let child = terminal.spawn(actor(&home, "slow").set("ACTOR_STOP_TIMEOUT", "1h"), &["stop"]);
    // Only what is longer than the verdict could stay visible behind it.
    for seconds in ["Stopping actor ... 1s", "\rStopping actor ... 10s"] {
        eventually(seconds, || terminal.has(seconds));
    }
    home.go();
    terminal.end(child).assert(0, "Stopping actor ... OK\n", &[("OK", GREEN)]);
}

#[test]
fn a_wait_that_ends_badly_ends_as_documented_too() {
    let home = Home::new();
    let late = actor(&home, "sleeper").set("ACTOR_READY", "notify").set("ACTOR_START_TIMEOUT", "1500ms");
    let seen = Terminal::new().run(late, &["start"]);
    let sentence =
        "the daemon was not ready within 1s 500ms, and was ended; `--timeout` or `start_timeout` gives it longer";
    assert!(seen.written.contains("\rStarting actor ... 1s"), "{:?}", seen.written);
    let text = format!("Starting actor ... FAILED\nerror: {sentence}\n");
    seen.assert(1, &text, &[("FAILED", RED), ("error:", RED)]);
    home.assert_nothing_left();
}

#[test]
fn a_wait_in_a_pipe_shows_no_seconds() {
    let home = Home::new();
    let told = home.actor("sleeper").set("ACTOR_SETTLE", "2200ms").run(&["start"]);
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
}
