//! What surrounds the daemon: its variables, its paths and the descriptors that it has from others.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use nix::libc;

use crate::home::{Home, Program, is_root};
use crate::settings::{Living, STOPPED, Settings, WAYS, Way, before, program, seen};

const NOTES: (&str, &str) = ("ROLE", "notes-environment");

/// The variables that the worker has noted. What exec(3) once gave, and `/proc/PID/environ` tells, would not do.
fn variables(home: &Home) -> BTreeMap<String, String> {
    let variable = |line: String| {
        let (key, value) = line.strip_prefix("(\"")?.strip_suffix("\")")?.split_once("\", \"")?;
        Some((key.to_owned(), value.to_owned()))
    };
    home.lines("notes").into_iter().filter_map(variable).collect()
}

#[test]
fn variables_are_set_and_replaced_and_the_others_stay() {
    for way in WAYS {
        let home = Home::new();
        let settings = &[NOTES, ("ENV", "NEW=1,OLD=mine,EMPTY=,LEFT_OUT,TWICE=a,TWICE=b,SPACED=a b=c")];
        let program =
            way.program(&home, settings).set("OLD", "theirs").set("OTHER", "theirs").set("LEFT_OUT", "theirs");
        let living = way.begin(&home, program);
        let variables = variables(&home);
        for (key, value) in [
            ("NEW", "1"),
            ("OLD", "mine"),
            ("OTHER", "theirs"),
            ("LEFT_OUT", "theirs"),
            ("EMPTY", ""),
            ("TWICE", "b"),
            ("SPACED", "a b=c"),
        ] {
            assert_eq!(variables.get(key).map(String::as_str), Some(value), "{way:?} {key}");
        }
        living.stop(&home, settings);
    }
}

/// An environment that begins empty, but for what the program needs to be found again and to know what it is.
fn only_what_is_needed(home: &Home, role: &str) -> BTreeMap<String, String> {
    let path = |name: &str| home.path(name).to_str().expect("text").to_owned();
    [
        ("DAEMON_TEST_HOME", path("").trim_end_matches('/').to_owned()),
        ("SETTINGS_PIDFILE", path("run/actor.pid")),
        ("SETTINGS_NOTES", path("notes")),
        ("SETTINGS_ROLE", role.to_owned()),
        ("ONE", "1".to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

fn as_setting(variables: &BTreeMap<String, String>) -> String {
    variables.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

#[test]
fn a_cleared_environment_has_exactly_the_variables_that_were_given() {
    for way in WAYS {
        let home = Home::new();
        let expected = only_what_is_needed(&home, "notes-environment");
        let settings = &[NOTES, ("ENV_CLEAR", "true"), ("ENV", &as_setting(&expected))];
        let living = way.start(&home, settings);
        assert_eq!(variables(&home), expected, "{way:?}");
        living.stop(&home, settings);
    }
}

#[test]
fn a_variable_that_has_no_sound_name_is_cleared_like_any_other() {
    for way in WAYS {
        let home = Home::new();
        let expected = only_what_is_needed(&home, "notes-environment");
        let settings = &[NOTES, ("ENV_CLEAR", "true"), ("ENV", &as_setting(&expected))];
        let mut odd = way.program(&home, settings);
        odd.0.env("=odd", "so it is");
        let living = way.begin(&home, odd);
        assert_eq!(variables(&home), expected, "{way:?}");
        living.stop(&home, settings);
    }
}

#[test]
fn the_programs_that_the_daemon_runs_have_its_environment() {
    for way in WAYS {
        let home = Home::new();
        let expected = only_what_is_needed(&home, "runs-a-child");
        let settings = &[("ROLE", "runs-a-child"), ("ENV_CLEAR", "true"), ("ENV", &as_setting(&expected))];
        let living = way.start(&home, settings);
        let child = home.lines("notes").iter().find_map(|line| line.strip_prefix("child ").map(str::to_owned));
        let environ = PathBuf::from(format!("/proc/{}/environ", child.expect("a child")));
        let given = || {
            let text = fs::read_to_string(&environ).unwrap_or_default();
            let variables = text.split_terminator('\0').filter_map(|both| both.split_once('='));
            variables.map(|(key, value)| (key.to_owned(), value.to_owned())).collect::<BTreeMap<_, _>>()
        };
        crate::home::eventually("the child's environment", || given() == expected);
        drop(living);
    }
}

#[test]
fn what_is_given_is_set_after_the_users_own() {
    if !is_root("what_is_given_is_set_after_the_users_own") {
        return;
    }
    for way in WAYS {
        let home = Home::new();
        let mut expected = only_what_is_needed(&home, "notes-environment");
        expected.insert("HOME".to_owned(), "/elsewhere".to_owned());
        let settings = &[NOTES, ("USER", "nobody"), ("ENV_CLEAR", "true"), ("ENV", &as_setting(&expected))];
        let living = way.start(&home, settings);
        for key in ["USER", "LOGNAME"] {
            expected.insert(key.to_owned(), "nobody".to_owned());
        }
        assert_eq!(variables(&home), expected, "{way:?}");
        living.stop(&home, settings);
    }
}

#[test]
fn relative_paths_mean_the_directory_of_the_launch() {
    for way in WAYS {
        let home = Home::new();
        fs::create_dir(home.path("work")).expect("made");
        let settings: Settings<'_> =
            &[("PIDFILE", "run/actor.pid"), ("STDOUT", "logs/out"), ("WORKDIR", "work"), ("AFTER", "streams:prints")];
        let living = way.start(&home, settings);
        assert_eq!(home.pid(), living.pid, "{way:?}");
        let work = home.path("work").canonicalize().expect("it is there");
        assert_eq!(seen(&home, "worker")["cwd"], work.to_str().expect("text"), "{way:?}");
        if way.is_in_background() {
            assert_eq!(home.read("logs/out"), "after(streams) on stdout\n", "{way:?}");
        }
        assert_eq!(fs::read_dir(work).expect("there").count(), 0, "{way:?}");
        living.stop(&home, settings);
    }
}

#[test]
fn in_the_foreground_with_threads_an_environment_that_is_to_change_is_refused() {
    let error = "the environment cannot be changed while one of 2 threads could be reading it; call the daemon before \
                 any thread is started, or leave out `env`, `env_clear` and `user`";
    let threads = ("THREADS", "1");
    for way in [Way::Foreground, Way::Run] {
        for setting in [("ENV", "A=1"), ("ENV_CLEAR", "true")] {
            way.refuses(&Home::new(), &[threads, setting], 1, error);
        }
        let home = Home::new();
        way.start(&home, &[threads, ("ENV", "A"), ("ENV_CLEAR", "false")]).end(&home);
    }
}

#[test]
fn in_the_foreground_with_threads_a_user_is_refused_for_his_variables() {
    if !is_root("in_the_foreground_with_threads_a_user_is_refused_for_his_variables") {
        return;
    }
    for way in [Way::Foreground, Way::Run] {
        let home = Home::new();
        let told = way.program(&home, &[("THREADS", "1"), ("USER", "nobody")]).run(way.words());
        assert_eq!((told.code, told.stdout.as_str()), (1, way.failed()), "{told:?}");
        assert!(told.stderr.starts_with("error: the environment cannot be changed while "), "{told:?}");
        // It is known before anything is done.
        home.assert_nothing_left();
    }
}

#[test]
fn begun_anew_a_program_with_threads_has_its_environment_all_the_same() {
    let home = Home::new();
    let settings = &[NOTES, ("THREADS", "1"), ("ENV", "NEW=1")];
    let living = Way::Exec.start(&home, settings);
    assert_eq!(variables(&home)["NEW"], "1");
    living.stop(&home, settings);
}

#[test]
fn a_variable_that_cannot_be_is_told() {
    for way in WAYS {
        let error = "`env = \"\"` cannot be: a variable's name has at least one character, no `=` and no NUL";
        way.refuses(&Home::new(), &[("ENV", "=1")], 1, error);
    }
}

/// Leaks two files into the program, as number 200 and 201.
fn leaking(home: &Home, program: Program) -> Program {
    let files = ["leaked", "kept"].map(|name| {
        fs::write(home.path(name), name).expect("written");
        fs::File::open(home.path(name)).expect("opened")
    });
    before(program, move || {
        for (file, number) in files.iter().zip(200..) {
            // SAFETY: both are numbers, and the second is nobody's.
            if unsafe { libc::dup2(file.as_raw_fd(), number) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    })
}

fn has_open(living: &Living, path: &Path) -> bool {
    let path = path.canonicalize().expect("it is there");
    let fds = fs::read_dir(format!("/proc/{}/fd", living.pid)).expect("it runs");
    fds.flatten().any(|fd| fs::read_link(fd.path()).is_ok_and(|target| target == path))
}

#[test]
fn what_was_leaked_is_closed_what_is_preserved_is_kept_and_what_the_program_opened_stays() {
    let (none, kept) = ("fd 200: NotFound", "fd 201: kept");
    let all = ("fd 200: leaked", kept);
    for way in WAYS {
        for (close_fds, preserved, expected, opened) in [
            ("inherited", "201", (none, kept), true),
            ("inherited", "", (none, "fd 201: NotFound"), true),
            ("all", "201", (none, kept), false),
            ("all", "", (none, "fd 201: NotFound"), false),
            ("none", "", all, true),
            // One that is not open is none.
            ("inherited", "199,200,201", all, true),
        ] {
            let home = Home::new();
            fs::write(home.path("opened"), "").expect("written");
            let opens = home.path("opened");
            let settings: Settings<'_> = &[
                ("CLOSE_FDS", close_fds),
                ("PRESERVE_FDS", preserved),
                ("ROLE", "reads-fds"),
                ("FDS", "200,201"),
                ("OPENS", opens.to_str().expect("text")),
            ];
            let living = way.begin(&home, leaking(&home, way.program(&home, settings)));
            let lines = home.lines("notes");
            let what = format!("{way:?} {close_fds} {preserved}: {lines:?}");
            assert!(
                lines.iter().any(|line| line == expected.0) && lines.iter().any(|line| line == expected.1),
                "{what}"
            );
            assert_eq!(has_open(&living, &opens), opened, "{what}");
            living.stop(&home, settings);
        }
    }
}

#[test]
fn what_the_launching_shell_leaks_does_not_reach_the_daemon_and_what_is_preserved_does() {
    for way in [Way::Background, Way::Exec] {
        let home = Home::new();
        fs::write(home.path("leaked"), "leaked").expect("written");
        fs::write(home.path("kept"), "kept").expect("written");
        let settings = &[("PRESERVE_FDS", "9"), ("ROLE", "reads-fds"), ("FDS", "9")];
        let mut shell = home.program(Path::new("/bin/sh"));
        let program_of = way.program(&home, settings);
        shell.0.envs(program_of.0.get_envs().filter_map(|(key, value)| Some((key, value?))));
        let script = format!("exec 8<leaked 9<kept; \"{}\" start", program_of.0.get_program().display());
        let told = shell.run(&["-c", &script]);
        told.assert(0, &way.ok(home.pid()), "");
        assert!(home.lines("notes").contains(&"fd 9: kept".to_owned()), "{way:?}: {}", home.read("notes"));
        let leaked = home.path("leaked").canonicalize().expect("it is there");
        let fds = fs::read_dir(format!("/proc/{}/fd", home.pid())).expect("it runs");
        assert!(!fds.flatten().any(|fd| fs::read_link(fd.path()).is_ok_and(|target| target == leaked)), "{way:?}");
        program(&home, settings).run(&["stop"]).assert(0, STOPPED, "");
    }
}
