//! What is asked on a command line or of an attribute's function, and where a pidfile is that nobody named.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User, geteuid};

use crate::home::{Home, NOBODY, Program, eventually, is_root};

const ACTIONS: [&str; 8] = ["start", "stop", "restart", "reload", "status", "run", "logs", "unit"];

/// The fixture `attributes` as one of its functions.
fn function(home: &Home, name: &str) -> Program {
    home.program(Path::new(env!("CARGO_BIN_EXE_attributes"))).set("ATTRIBUTES_FUNCTION", name)
}

#[track_caller]
fn assert_starts(home: &Home, program: Program, name: &str) {
    let told = program.run(&["start"]);
    told.assert(0, &format!("Starting {name} ... OK (pid {})\n", home.pid()), "");
}

#[track_caller]
fn assert_stops(home: &Home, program: Program, name: &str) {
    program.run(&["stop"]).assert(0, &format!("Stopping {name} ... OK\n"), "");
    home.assert_nothing_left();
}

#[test]
fn what_is_not_understood_is_answered_with_the_usage_on_stderr_and_2_and_nothing_is_done() {
    for (words, usage) in [
        (&[][..], "actor <ACTION>"),
        (&[""], "actor <ACTION>"),
        (&["banana"], "actor <ACTION>"),
        (&["START"], "actor <ACTION>"),
        (&["--banana"], "actor <ACTION>"),
        (&["start", "now"], "actor start"),
        (&["start", "--banana"], "actor start"),
        (&["start", "--force"], "actor start"),
        (&["stop", "--foreground"], "actor stop"),
        (&["reload", "--force"], "actor reload"),
        (&["logs", "--force"], "actor logs"),
        (&["logs", "out"], "actor logs"),
        (&["run", "--foreground"], "actor run"),
        (&["completions"], "actor completions"),
        (&["man", "8"], "actor man"),
    ] {
        let home = Home::new();
        let told = home.actor("ready").run(words);
        assert_eq!((told.code, told.stdout.as_str()), (2, ""), "{words:?}");
        assert!(told.stderr.starts_with("error: "), "{words:?}: {}", told.stderr);
        assert!(told.stderr.contains(&format!("\nUsage: {usage}")), "{words:?}: {}", told.stderr);
        home.assert_nothing_left();
    }
}

#[test]
fn a_value_that_is_not_understood_is_told_with_the_flag_and_2() {
    for (words, flag) in [
        (["stop", "--timeout=soon"], "--timeout <DURATION>"),
        (["start", "--timeout=-1"], "--timeout <DURATION>"),
        (["restart", "--timeout="], "--timeout <DURATION>"),
        (["status", "--fields=colour"], "--fields <FIELD,...>"),
        (["status", "--json=yes"], "--json"),
        (["completions", "tcsh"], "<SHELL>"),
        (["logs", "--lines=few"], "--lines <N>"),
        (["logs", "--since=soon"], "--since <TIME>"),
    ] {
        let home = Home::new();
        let told = home.actor("ready").run(&words);
        assert_eq!((told.code, told.stdout.as_str()), (2, ""), "{words:?}");
        assert!(told.stderr.starts_with("error: ") && told.stderr.contains(flag), "{words:?}: {}", told.stderr);
    }
}

#[test]
fn who_names_no_or_an_unknown_action_is_told_which_there_are() {
    for words in [&[][..], &["test"], &["banana"]] {
        let told = Home::new().actor("ready").run(words);
        let listed: Vec<_> = told.stderr.split(|c: char| !c.is_alphanumeric()).collect();
        assert!(ACTIONS.iter().all(|action| listed.contains(action)), "{words:?}: {}", told.stderr);
    }
}

#[test]
fn a_word_that_is_no_text_is_an_unknown_one() {
    let home = Home::new();
    let mut program = home.actor("ready");
    program.0.arg(OsStr::from_bytes(b"st\xffart"));
    let told = program.run(&[]);
    assert_eq!((told.code, told.stdout.as_str()), (2, ""), "{told:?}");
}

#[test]
fn help_lists_the_actions_on_stdout_and_is_no_mistake() {
    for word in ["--help", "-h", "help"] {
        let told = Home::new().actor("ready").run(&[word]);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{word}");
        assert!(told.stdout.contains("Usage: actor <ACTION>\n"), "{}", told.stdout);
        let listed: Vec<_> =
            told.stdout.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
        assert!(ACTIONS.iter().all(|action| listed.contains(action)), "{}", told.stdout);
    }
}

#[test]
fn the_help_of_an_action_lists_its_flags_and_does_nothing() {
    for (action, flags) in [
        ("start", &["--debug", "--foreground", "--timeout"][..]),
        ("stop", &["--force", "--timeout"]),
        ("restart", &["--debug", "--force", "--foreground", "--timeout"]),
        ("reload", &[]),
        ("status", &["--fields", "--json", "--ready", "--watch"]),
        ("logs", &["--follow", "--lines", "--since"]),
        ("run", &[]),
        ("unit", &["--force", "--image", "--kubernetes", "--output", "--system", "--timer", "--user", "--watchdog"]),
    ] {
        for words in [[action, "--help"], [action, "-h"], ["help", action]] {
            let home = Home::new();
            let told = home.actor("ready").run(&words);
            assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{words:?}");
            let listed = told
                .stdout
                .split_whitespace()
                .map(|word| word.trim_end_matches(']').split(['[', '=']).next().unwrap_or_default())
                .filter(|word| word.starts_with("--") && *word != "--help");
            let mut listed: Vec<_> = listed.collect();
            listed.sort_unstable();
            listed.dedup();
            assert_eq!(listed, flags, "{words:?}: {}", told.stdout);
            home.assert_nothing_left();
        }
    }
}

#[test]
fn completions_and_the_manual_page_are_of_the_program_by_the_name_that_it_was_called_by() {
    let home = Home::new();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_whole_program"), home.path("called")).expect("made");
    let called = || home.program(&home.path("called"));
    for (shell, line) in [("bash", "complete -F _called"), ("zsh", "#compdef called\n"), ("fish", "complete -c called")]
    {
        let told = called().run(&["completions", shell]);
        assert!((told.code, told.stderr.as_str()) == (0, "") && told.stdout.contains(line), "{shell}: {told:?}");
    }
    let told = called().run(&["man"]);
    assert!((told.code, told.stderr.as_str()) == (0, "") && told.stdout.contains("\n.TH called 8 "), "{told:?}");
    home.assert_nothing_left();
}

#[test]
fn a_page_of_which_a_part_is_missing_is_told_by_the_exit_code() {
    let home = Home::new();
    let shell = |line: &str| home.shell("ready").run(&["-c", line]);
    let error = "error: cannot write to stdout: No space left on device\n";
    shell(r#"exec "$ACTOR" man >/dev/full"#).assert(1, "", error);
    shell(r#"exec "$ACTOR" completions bash >/dev/full"#).assert(1, "", error);
    shell(r#"exec "$ACTOR" --help >/dev/full"#).assert(1, "", error);
}

#[test]
fn the_manual_page_is_of_the_day_that_a_build_asks_for() {
    let home = Home::new();
    let told = home.actor("ready").set("SOURCE_DATE_EPOCH", "86400").run(&["man"]);
    assert!(told.stdout.contains(".TH actor 8 1970-01-02 "), "{}", told.stdout);
    assert_eq!(told.stdout, home.actor("ready").set("SOURCE_DATE_EPOCH", "86400").run(&["man"]).stdout);
}

#[test]
fn a_shell_is_told_nothing_of_a_program_by_a_name_that_it_would_read_otherwise() {
    let home = Home::new();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_whole_program"), home.path("$(reboot)")).expect("made");
    for words in [&["man"][..], &["completions", "bash"]] {
        let told = home.program(&home.path("$(reboot)")).run(words);
        assert_eq!((told.code, told.stdout.as_str()), (2, ""), "{told:?}");
        assert!(
            told.stderr.starts_with("error: a shell cannot know the program by the name \"$(reboot)\": "),
            "{told:?}"
        );
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let version = concat!("attributes ", env!("CARGO_PKG_VERSION"), "\n");
    for word in ["--version", "-V"] {
        function(&Home::new(), "documented").run(&[word]).assert(0, version, "");
    }
}

#[test]
fn the_doc_comment_is_the_help_in_short_its_first_paragraph() {
    let home = Home::new();
    let short = function(&home, "documented").run(&["-h"]).stdout;
    assert!(short.starts_with("Says how it is.\n\nUsage: attributes <ACTION>\n"), "{short}");
    for words in ["--help", "help"] {
        let long = function(&home, "documented").run(&[words]).stdout;
        let whole = "Says how it is.\n\nAnd in the second paragraph, why.\n\nUsage: attributes <ACTION>\n";
        assert!(long.starts_with(whole), "{long}");
    }
}

#[test]
fn an_action_can_be_given_as_text_of_any_kind_as_itself_and_as_a_command_line() {
    for form in ["&str", "String", "&OsStr", "OsString", "Option", "Action", "Args", "ArgsOs"] {
        let home = Home::new();
        let given = || function(&home, "").set("ATTRIBUTES_GIVEN_AS", form);
        assert_starts(&home, given(), "documented");
        assert_stops(&home, given(), "documented");
    }
}

#[test]
fn an_action_that_is_none_is_answered_as_no_action_is() {
    let home = Home::new();
    let none = function(&home, "").set("ATTRIBUTES_GIVEN_AS", "Option").run(&[]);
    assert_eq!((none.code, none.stdout.as_str()), (2, ""));
    assert!(none.stderr.contains("\nUsage: documented <ACTION>\n"), "{}", none.stderr);
}

#[test]
fn a_command_line_takes_its_flags_along_and_a_single_text_has_none() {
    let home = Home::new();
    let status = |form: &str, words: &[&str]| function(&home, "").set("ATTRIBUTES_GIVEN_AS", form).run(words);
    for form in ["Args", "ArgsOs"] {
        let told = status(form, &["status", "--json"]);
        told.assert(3, "{\"name\":\"documented\",\"status\":\"dead\"}\n", "");
    }
    assert_eq!(status("String", &["status --json"]).code, 2);
}

#[test]
fn every_kind_of_return_value_becomes_its_sentence_and_its_exit_code() {
    let exited = |code| format!("error: the worker ended with exit code {code} before it was ready\n");
    let shown = || "error: shown by its own words\n".to_owned();
    for (name, code, error) in [
        ("nothing", 0, String::new()),
        ("good_result", 0, String::new()),
        ("bad_result", 1, shown()),
        ("result_with_code", 8, exited(8)),
        ("exit_code", 7, exited(7)),
        ("termination", 9, exited(9)),
        ("tick_without", 0, String::new()),
        ("tick_with_context", 1, "error: tick 0 failed: shown by its own words\n".to_owned()),
    ] {
        let home = Home::new();
        let verdict = if code == 0 { "OK (ended)" } else { "FAILED" };
        function(&home, name).run(&["start"]).assert(code, &format!("Starting {name} ... {verdict}\n"), &error);
        home.assert_nothing_left();
        // In the foreground nobody has to be told a code: it is the program's own.
        let stderr = if error.contains("exit code") { "" } else { &error };
        function(&home, name).run(&["run"]).assert(code, "", stderr);
        home.assert_nothing_left();
    }
}

#[test]
fn a_function_that_never_returns_is_a_daemon_like_any_other() {
    for name in ["never", "never_with_context"] {
        let home = Home::new();
        assert_starts(&home, function(&home, name), name);
        assert_stops(&home, function(&home, name), name);
    }
}

#[test]
fn a_tick_has_its_number_and_is_its_daemons_context() {
    let home = Home::new();
    let told = function(&home, "tick").run(&["start"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    eventually("three ticks", || home.lines("out") == ["tick 0", "tick 1", "tick 2"]);
    home.assert_nothing_left();
}

#[test]
fn keys_that_are_none_are_as_if_they_were_left_out() {
    let home = Home::new();
    assert_starts(&home, function(&home, "optional"), "optional");
    let process = |name: &str| fs::read_link(format!("/proc/{}/{name}", home.pid())).expect("it runs");
    assert_eq!(
        ["cwd", "fd/0", "fd/1", "fd/2"].map(process),
        ["/", "/dev/null", "/dev/null", "/dev/null"].map(PathBuf::from)
    );
    assert_stops(&home, function(&home, "optional"), "optional");
}

#[test]
fn a_function_of_a_module_and_one_with_the_library_under_another_name_are_daemons_like_any_other() {
    for (function_name, name) in [("restricted", "of-a-module"), ("renamed", "renamed")] {
        let home = Home::new();
        assert_starts(&home, function(&home, function_name), name);
        assert_stops(&home, function(&home, function_name), name);
    }
}

#[test]
fn the_outcome_is_a_value_for_whoever_does_not_end_with_it() {
    let home = Home::new();
    let result = |name: &str, word: &str| function(&home, name).set("ATTRIBUTES_RESULT", "1").run(&[word]);
    result("documented", "stop").assert(0, "0: Stop(NotRunning)\n", "warning: documented is not running\n");
    let stdout = "Starting exit_code ... FAILED\n7: the worker ended with exit code 7 before it was ready\n";
    result("exit_code", "start").assert(0, stdout, "error: the worker ended with exit code 7 before it was ready\n");
    let told = result("documented", "start");
    let pid = home.pid();
    let stdout = format!("Starting documented ... OK (pid {pid})\n0: Start(Ready {{ pid: {pid} }})\n");
    told.assert(0, &stdout, "");
    let told = result("documented", "banana");
    assert_eq!((told.code, told.stdout.as_str()), (0, "2: Usage\n"));
}

#[test]
fn a_daemon_that_is_main_reads_its_own_command_line_and_is_named_as_its_program() {
    let home = Home::new();
    // The name is that of the program as it was built, not of a file that leads to it.
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_whole_program"), home.path("link")).expect("made");
    let whole = || home.program(&home.path("link"));
    assert_starts(&home, whole(), "whole_program");
    assert_eq!(home.read("out"), "whole_program works\n");
    let told = whole().run(&["status"]);
    assert!(told.code == 0 && told.stdout.starts_with(&format!("whole_program -- pid: {},", home.pid())), "{told:?}");
    assert_stops(&home, whole(), "whole_program");
    whole().run(&["status"]).assert(3, "whole_program -- not running\n", "");
    let told = whole().run(&["-h"]);
    assert!(told.stdout.starts_with("Works until it is stopped.\n\nUsage: link <ACTION>\n"), "{told:?}");
    assert_eq!(whole().run(&[]).code, 2);
}

#[test]
fn variables_in_path_literals_are_looked_up_when_the_program_runs() {
    let home = Home::new();
    let logs = home.path("some logs");
    assert_starts(&home, function(&home, "variables").set("ATTRIBUTES_LOGS", &logs), "variables");
    assert_eq!((home.read("some logs/out"), home.read("some logs/err")), ("words\n".into(), "complaints\n".into()));
    assert_stops(&home, function(&home, "variables").set("ATTRIBUTES_LOGS", &logs), "variables");
}

#[test]
fn a_variable_that_is_not_set_is_told_by_its_name_whatever_is_asked_for() {
    for action in ACTIONS {
        let home = Home::new();
        let told = function(&home, "variables").run(&[action]);
        assert_eq!(told.code, 1, "{action}: {told:?}");
        assert!(told.stderr.starts_with("error: `stdout = \"$ATTRIBUTES_LOGS/out\"` cannot be: "), "{told:?}");
        assert!(told.stderr.contains("the variable ATTRIBUTES_LOGS is not set"), "{told:?}");
        home.assert_nothing_left();
    }
}

#[test]
fn a_home_directory_is_found_without_home() {
    let home = Home::new();
    let mut program = function(&home, "documented");
    program.0.env_remove("HOME");
    // Nothing is written there, only looked for.
    program.run(&["status"]).assert(3, "documented -- not running\n", "");
}

/// The account that is not known.
const NOBODY_AT_ALL: u32 = 424_242;

/// The program as an account that the system does not know runs it, and without `HOME`.
fn homeless(home: &Home, program: Program) -> Program {
    let mut program = home.as_nobody(program);
    program.0.env_remove("HOME").uid(NOBODY_AT_ALL).gid(NOBODY_AT_ALL);
    program
}

#[test]
fn who_has_no_home_directory_is_told_so() {
    let known = User::from_uid(Uid::from_raw(NOBODY_AT_ALL)).expect("asked").is_some();
    if !is_root("who_has_no_home_directory_is_told_so") || known {
        return;
    }
    let home = Home::new();
    let told = homeless(&home, function(&home, "documented")).run(&["status"]);
    assert_eq!((told.code, told.stdout.as_str()), (1, ""));
    assert!(
        told.stderr.starts_with("error: `pidfile = \"~/run/actor.pid\"` cannot be: the home directory"),
        "{told:?}"
    );
    let told = homeless(&home, nameless(&home, "ready", "actor")).run(&["status"]);
    assert_eq!((told.code, told.stdout.as_str()), (1, ""));
    assert!(told.stderr.starts_with("error: `pidfile = ") && told.stderr.ends_with("name one\n"), "{told:?}");
}

/// The actor without a pidfile.
fn nameless(home: &Home, role: &str, name: &str) -> Program {
    let mut program = home.actor(role).set("ACTOR_NAME", name);
    program.0.env_remove("ACTOR_PIDFILE");
    program
}

/// What is left where everybody's pidfiles are, whatever becomes of a test.
struct Cleared(PathBuf);

impl Drop for Cleared {
    fn drop(&mut self) {
        for path in [self.0.clone(), self.0.with_extension("pid.claim"), self.0.with_extension("pid.new")] {
            let _ = fs::remove_file(path);
        }
    }
}

#[test]
fn the_pidfile_of_root_is_in_run() {
    if !is_root("the_pidfile_of_root_is_in_run") {
        return;
    }
    let name = format!("daemon-test-{}", std::process::id());
    let pidfile = Cleared(PathBuf::from(format!("/run/{name}.pid")));
    let home = Home::new();
    // However the session of whoever became root is set up.
    let actor = || nameless(&home, "ready", &name).set("XDG_RUNTIME_DIR", home.path("run"));
    let told = actor().run(&["start"]);
    let pid = fs::read_to_string(&pidfile.0).expect("the pidfile");
    told.assert(0, &format!("Starting {name} ... OK (pid {})\n", pid.trim_end()), "");
    actor().run(&["stop"]).assert(0, &format!("Stopping {name} ... OK\n"), "");
    assert!(!pidfile.0.exists());
    home.assert_nothing_left();
}

/// An account that is not root's, with a home directory: ours, or where we are root, nobody's.
struct Account {
    home: Home,
}

impl Account {
    fn new() -> Self {
        let account = Self { home: Home::new() };
        account.folder("user", 0o755);
        account
    }

    /// A folder of the account's.
    fn folder(&self, name: &str, mode: u32) -> PathBuf {
        let path = self.home.path(name);
        fs::create_dir(&path).expect("made");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("it is ours");
        if geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).expect("root may");
        }
        path
    }

    /// The actor as the account runs it, with these variables.
    fn actor(&self, variables: &[(&str, &Path)]) -> Program {
        let actor = nameless(&self.home, "ready", "actor").set("HOME", self.home.path("user"));
        let actor = variables.iter().fold(actor, |program, (key, value)| program.set(key, value));
        if geteuid().is_root() { self.home.as_nobody(actor) } else { actor }
    }

    /// With these variables the pidfile is there.
    #[track_caller]
    fn assert_pidfile(&self, variables: &[(&str, &Path)], pidfile: &str) {
        let told = self.actor(variables).run(&["start"]);
        let pid = self.home.read(pidfile);
        told.assert(0, &format!("Starting actor ... OK (pid {})\n", pid.trim_end()), "");
        self.actor(variables).run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
        assert!(!self.home.path(pidfile).exists());
        eventually("every process to be gone", || self.home.processes().is_empty());
    }
}

const IN_STATE: &str = "user/.local/state/actor.pid";

#[test]
fn the_pidfile_of_others_is_in_their_runtime_directory() {
    let account = Account::new();
    let runtime = account.folder("runtime", 0o700);
    account.assert_pidfile(&[("XDG_RUNTIME_DIR", &runtime)], "runtime/actor.pid");
}

#[test]
fn the_pidfile_of_others_without_a_runtime_directory_is_in_their_state_directory() {
    let account = Account::new();
    account.assert_pidfile(&[], IN_STATE);
    let state = account.folder("state", 0o755);
    account.assert_pidfile(&[("XDG_STATE_HOME", &state)], "state/actor.pid");
}

#[test]
fn a_runtime_directory_that_others_may_write_or_that_is_none_is_not_used() {
    let account = Account::new();
    let folders = [account.folder("for-all", 0o1777), account.folder("for-a-group", 0o770)];
    let none = [account.home.path("not-there"), PathBuf::from("relative"), PathBuf::new(), PathBuf::from("/")];
    for runtime in folders.iter().chain(&none) {
        account.assert_pidfile(&[("XDG_RUNTIME_DIR", runtime)], IN_STATE);
    }
    assert!(folders.iter().all(|folder| fs::read_dir(folder).expect("it is there").next().is_none()));
}

#[test]
fn a_state_directory_that_others_may_write_is_not_used() {
    let account = Account::new();
    let state = account.folder("state", 0o1777);
    let told = account.actor(&[("XDG_STATE_HOME", &state)]).run(&["start"]);
    // Whether another one is found or the start refused, nothing may be where anybody can plant something.
    assert!(fs::read_dir(&state).expect("it is there").next().is_none(), "{told:?}");
}

#[test]
fn without_home_the_state_directory_is_the_accounts_own() {
    let test = "without_home_the_state_directory_is_the_accounts_own";
    let nobody = User::from_uid(Uid::from_raw(NOBODY)).expect("asked");
    let (true, Some(nobody)) = (is_root(test), nobody) else { return };
    let home = Home::new();
    let mut program = home.as_nobody(nameless(&home, "ready", "actor"));
    program.0.env_remove("HOME");
    // Nobody owns nothing, so that this is as far as it comes.
    let folder = nobody.dir.join(".local/state");
    let stderr = format!("error: cannot open the folder {}: Permission denied\n", folder.display());
    program.run(&["start"]).assert(4, "Starting actor ... FAILED\n", &stderr);
}
