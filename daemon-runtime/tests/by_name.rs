//! A daemon's life by the names of its actions, as a program of its own, which this test begins: what holds with and without
//! the feature `cli`. No other program of the tests shows the latter, because cargo gives all of a workspace the same features.
#![allow(clippy::print_stdout, reason = "the action of the program's own has something to say")]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Termination};
use std::time::Duration;

use daemon_runtime::{Action, Context, LogsOptions, Outcome, StartOptions, StatusOptions, StopOptions, daemon};

/// Set in the program, to the way in which it says what is asked for.
const WAY: &str = "BY_NAME_WAY";
const PIDFILE: &str = "BY_NAME_PIDFILE";

/// Sleeps.
#[daemon(
    pidfile = std::env::var_os(PIDFILE).map(PathBuf::from),
    stdout = std::env::var_os(PIDFILE).map(|pidfile| PathBuf::from(pidfile).with_extension("log")),
    actions(
        /// Empty the cache
        clear_cache = || println!("cleared"),
    )
)]
fn sleeper(ctx: &Context) {
    println!("good night");
    ctx.ready();
    while !ctx.wait(Duration::from_secs(3600)) {}
}

fn main() -> ExitCode {
    match std::env::var(WAY) {
        Ok(way) => program(&way).report(),
        Err(_) => tests(),
    }
}

fn program(way: &str) -> Outcome {
    let word = || std::env::args_os().nth(1).unwrap_or_default();
    let text = || word().to_string_lossy().into_owned();
    match way {
        "args" => sleeper(std::env::args()),
        "args_os" => sleeper(std::env::args_os()),
        "str" => sleeper(text().as_str()),
        "String" => sleeper(text()),
        "OsString" => sleeper(word()),
        "Option" => sleeper(std::env::args_os().nth(1)),
        _ => match text().as_str() {
            "stop" => sleeper(Action::Stop(StopOptions::default())),
            "status" => sleeper(Action::Status(StatusOptions::default())),
            "logs" => sleeper(Action::Logs(LogsOptions::default())),
            "watch" => sleeper(Action::Status(watching())),
            _ => sleeper(Action::Start(StartOptions::default())),
        },
    }
}

fn watching() -> StatusOptions {
    let mut options = StatusOptions::default();
    options.watch = Some(Duration::from_secs(1));
    options
}

/// All of them: the few take no time, and no harness passes its own words on to the program.
fn tests() -> ExitCode {
    for way in ["args", "args_os", "str", "String", "OsString", "Option", "Action"] {
        the_life_of_a_daemon_goes_by_the_names_of_its_actions(way);
    }
    an_action_of_the_programs_own_is_known_by_its_name();
    a_unit_is_made_by_its_name();
    no_action_and_an_unknown_one_are_answered_with_the_usage_and_2();
    #[cfg(not(feature = "cli"))]
    an_option_is_refused_with_the_feature_that_reads_it();
    #[cfg(not(feature = "manual"))]
    completions_and_the_manual_page_are_refused_with_the_feature_that_makes_them();
    a_view_is_refused_with_what_is_missing_for_it();
    help_lists_the_actions_and_is_no_mistake();
    ExitCode::SUCCESS
}

fn the_life_of_a_daemon_goes_by_the_names_of_its_actions(way: &str) {
    let home = Home::new(way);
    let pid = |told: &str| told.trim_start_matches("Starting sleeper ... OK (pid ").trim_end_matches(")\n").to_owned();
    let told = home.tell(way, &["start"]);
    let pid = pid(&told.assert(0, ""));
    assert_eq!(std::fs::read_to_string(home.pidfile()).ok(), Some(format!("{pid}\n")), "{way}");
    let told = home.tell(way, &["status"]).assert(0, "");
    assert!(told.starts_with(&format!("sleeper -- pid: {pid}, status: running, uptime: ")), "{way}: {told}");
    assert_eq!(home.tell(way, &["logs"]).assert(0, ""), "good night\n", "{way}");
    assert_eq!(home.tell(way, &["stop"]).assert(0, ""), "Stopping sleeper ... OK\n", "{way}");
    assert_eq!(home.tell(way, &["status"]).assert(3, ""), "sleeper -- not running\n", "{way}");
}

fn an_action_of_the_programs_own_is_known_by_its_name() {
    let home = Home::new("own");
    assert_eq!(home.tell("args_os", &["clear-cache"]).assert(0, ""), "cleared\n");
}

fn a_unit_is_made_by_its_name() {
    let told = Home::new("unit").tell("args_os", &["unit"]).assert(0, "");
    assert!(told.starts_with("# sleeper.service\n[Unit]\nDescription=Sleeps.\n"), "{told}");
}

fn no_action_and_an_unknown_one_are_answered_with_the_usage_and_2() {
    let home = Home::new("usage");
    for words in [&[][..], &["banana"], &["--banana"]] {
        let told = home.tell("args_os", words);
        assert!(told.stderr.starts_with("error: ") && told.stderr.contains("\nUsage: "), "{words:?}: {}", told.stderr);
        assert_eq!((told.code, told.stdout.as_str()), (Some(2), ""), "{words:?}");
    }
}

#[cfg(not(feature = "cli"))]
fn an_option_is_refused_with_the_feature_that_reads_it() {
    let home = Home::new("option");
    let told = home.tell("args_os", &["start", "--foreground"]);
    assert_eq!((told.code, told.stdout.as_str()), (Some(2), ""), "{}", told.stderr);
    assert!(told.stderr.contains("`--foreground`") && told.stderr.contains("feature `cli`"), "{}", told.stderr);
    assert_eq!(home.tell("args_os", &["status"]).assert(3, ""), "sleeper -- not running\n");
}

#[cfg(not(feature = "manual"))]
fn completions_and_the_manual_page_are_refused_with_the_feature_that_makes_them() {
    let home = Home::new("manual");
    for words in [&["man"][..], &["completions"], &["completions", "bash"]] {
        let told = home.tell("args_os", words);
        assert_eq!((told.code, told.stdout.as_str()), (Some(2), ""), "{}", told.stderr);
        let refused = format!("error: `{}` needs the feature `manual` of daemon-runtime", words[0]);
        assert!(told.stderr.starts_with(&refused), "{}", told.stderr);
    }
}

fn a_view_is_refused_with_what_is_missing_for_it() {
    let home = Home::new("view");
    let told = home.tell("Action", &["watch"]);
    let missing = if cfg!(feature = "watch") { "stdout is none" } else { "the feature `watch` of daemon-runtime" };
    assert!(told.stderr.starts_with("error: `--watch` ") && told.stderr.contains(missing), "{}", told.stderr);
    assert_eq!((told.code, told.stdout.as_str()), (Some(2), ""));
}

fn help_lists_the_actions_and_is_no_mistake() {
    let told = Home::new("help").tell("args_os", &["--help"]).assert(0, "");
    assert!(told.starts_with("Sleeps.\n") && told.contains("\n  clear-cache  Empty the cache\n"), "{told}");
}

/// A directory with the daemon's pidfile; what still runs when a test has failed is ended with it.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("by_name-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&home).expect("the directory is ours");
        Self(home)
    }

    fn pidfile(&self) -> PathBuf {
        self.0.join("sleeper.pid")
    }

    fn tell(&self, way: &str, words: &[&str]) -> Told {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let program = std::env::current_exe().expect("it is there");
        let told = Command::new(program).args(words).env(WAY, way).env(PIDFILE, self.pidfile()).output();
        let Output { status, stdout, stderr } = told.expect("it can be run");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Told { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if std::thread::panicking() {
            drop(self.tell("str", &["stop"]));
        }
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Told {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Told {
    /// What it said on stdout, after its exit code and stderr are as expected.
    #[track_caller]
    fn assert(self, code: i32, stderr: &str) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (Some(code), stderr), "{}", self.stdout);
        self.stdout
    }
}
