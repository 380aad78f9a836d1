//! The units that `unit` makes: systemd's own checker has nothing to say of them, and they do in a machine what they say.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::home::{Home, Program, eventually, is_root};
use crate::machine::Machine;
use crate::readme;
use crate::tool::{are_there, tool};

fn fixture(home: &Home, path: &str, variables: &[(&str, &str)]) -> Program {
    let program = home.program(Path::new(path));
    variables.iter().fold(program, |program, (key, value)| program.set(key, value))
}

fn text(path: impl AsRef<Path>) -> String {
    path.as_ref().to_str().expect("text").to_owned()
}

/// Has the units written into the folder `units`, and returns their names.
#[track_caller]
fn made(home: &Home, program: Program, words: &[&str]) -> Vec<String> {
    let folder = text(home.path("units"));
    fs::create_dir_all(&folder).expect("the directory is ours");
    let told = program.run(&[&["unit", "--output", &folder][..], words].concat());
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{words:?}: {}", told.stdout);
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    told.stdout.lines().map(name).collect()
}

/// Has systemd's checker look at them.
#[track_caller]
fn assert_nothing_to_say(home: &Home, units: &[String], manager: &str) {
    let paths: Vec<String> = units.iter().map(|unit| text(home.path("units").join(unit))).collect();
    let words: Vec<&str> = ["verify", manager].into_iter().chain(paths.iter().map(String::as_str)).collect();
    // It asks for the folder of a user's manager, whether it looks at that or not.
    let told = tool(home, "systemd-analyze").set("XDG_RUNTIME_DIR", home.path("run")).run(&words);
    let units: Vec<_> = paths.iter().map(|path| fs::read_to_string(path).unwrap_or_default()).collect();
    assert_eq!((told.code, told.stdout.as_str(), told.stderr.as_str()), (0, "", ""), "{units:?}");
}

/// Where a program stands whose way has all that means something to systemd.
fn awkward(home: &Home, program: &str, name: &str) -> String {
    let folder = home.path("a  b 100% %n $HOME ${x};'");
    fs::create_dir_all(&folder).expect("the directory is ours");
    let copy = folder.join(name);
    fs::copy(program, &copy).expect("copied");
    text(copy)
}

#[test]
fn systemd_analyze_verify_has_nothing_to_say() {
    if !are_there("systemd_analyze_verify_has_nothing_to_say", &["systemd-analyze"]) {
        return;
    }
    let [actor, crew, settings, own] = [
        env!("CARGO_BIN_EXE_actor"),
        env!("CARGO_BIN_EXE_crew"),
        env!("CARGO_BIN_EXE_settings"),
        env!("CARGO_BIN_EXE_own"),
    ];
    let porter = crate::machine::path_of(&Home::new(), "porter");
    let recorder = crate::machine::path_of(&Home::new(), "load_recorder");
    let whole = [
        ("SETTINGS_USER", "www-data"),
        ("SETTINGS_GROUP", "adm"),
        ("SETTINGS_GROUPS", "daemon,sys"),
        ("SETTINGS_UMASK", "077"),
        ("SETTINGS_STOP_SIGNAL", "SIGINT"),
        ("SETTINGS_STOP_TIMEOUT", "1s 500ms"),
        ("SETTINGS_SIGNALS", "SIGHUP=call"),
        ("SETTINGS_PIDFILE", "/run/settings/settings.pid"),
        ("SETTINGS_STDOUT", "/var/log/100% a b.log"),
        ("SETTINGS_STDERR", "journal"),
        ("SETTINGS_STDIN", "/dev/null"),
        ("SETTINGS_WORKDIR", "/usr"),
        ("SETTINGS_ENV", "GREETING=100% \"sure\" $x,OTHER=a\tb"),
    ];
    let awkward_home = Home::new();
    let plain = awkward(&awkward_home, actor, "plain");
    for (path, variables, words) in [
        (porter.as_str(), &[][..], &[][..]),
        (&porter, &[], &["--watchdog", "1500ms"]),
        (&recorder, &[], &[]),
        (&recorder, &[], &["--timer"]),
        (actor, &[("ACTOR_NAME", "my @web 100%")], &[]),
        (actor, &[("ACTOR_STOP_TIMEOUT", "0s"), ("ACTOR_START_TIMEOUT", "500000years")], &[]),
        (actor, &[("ACTOR_PIDFILE", "relative.pid"), ("ACTOR_CORE_DUMPS", "true")], &[]),
        (actor, &[("ACTOR_ROLE", "ticks"), ("ACTOR_EVERY", "1ms 1us 1ns"), ("ACTOR_JITTER", "40days")], &["--timer"]),
        (actor, &[("ACTOR_ROLE", "ticks"), ("ACTOR_MISSED", "burst")], &["--timer"]),
        (crew, &[], &[]),
        (crew, &[], &["--instance", "1"]),
        (own, &[], &["--", "--port", "3", "--tag", "100% $x ${y} ; \"q\" \\", "--tag", ";"]),
        (settings, &whole, &[]),
        (&plain, &[], &[]),
        (&awkward(&awkward_home, actor, "it's \"q\" \\"), &[], &[]),
    ] {
        // What needs root is refused for a user's own.
        let needs_root = variables.iter().any(|(key, _)| *key == "SETTINGS_USER");
        for manager in ["--system", "--user"].iter().take(if needs_root { 1 } else { 2 }) {
            let home = Home::new();
            let units = made(&home, fixture(&home, path, variables), &[&[*manager][..], words].concat());
            assert_nothing_to_say(&home, &units, manager);
        }
    }
}

#[test]
fn the_readme_shows_what_is_printed() {
    if !is_root("the_readme_shows_what_is_printed") {
        return;
    }
    let home = Home::new();
    let porter = crate::machine::path_of(&home, "porter");
    let told = home.program(Path::new(&porter)).run(&["unit", "--system"]);
    let printed = told.stdout.replace(&porter, "/usr/local/bin/porter").replace(&text(home.path("")), "/root/");
    let printed = printed.replace(text(home.path("")).trim_end_matches('/'), "/root");
    assert_eq!(printed, readme::block("This is what stands there then", &[]));
}

/// A machine with the units of a fixture, which has the same variables there.
fn machine<'a>(
    test: &str,
    home: &'a Home,
    path: &str,
    variables: &[(&str, &str)],
    words: &[&str],
) -> Option<Machine<'a>> {
    let machine = Machine::boot(test, home)?;
    for unit in made(home, fixture(home, path, variables), words) {
        if let Some(service) = unit.strip_suffix(".service") {
            machine.surround(service, variables);
        }
    }
    Some(machine)
}

#[test]
fn a_printed_service_is_ready_reloads_and_stops_wherever_its_program_is() {
    let test = "a_printed_service_is_ready_reloads_and_stops_wherever_its_program_is";
    let home = Home::new();
    for name in ["plain", "it's \"q\" \\"] {
        let path = awkward(&home, env!("CARGO_BIN_EXE_settings"), name);
        let (pidfile, notes) = (text(home.path("run/settings.pid")), text(home.path("notes")));
        let variables = [
            ("SETTINGS_PIDFILE", pidfile.as_str()),
            ("SETTINGS_NOTES", &notes),
            ("SETTINGS_SIGNALS", "SIGHUP=call"),
            ("SETTINGS_STOP_SIGNAL", "SIGINT"),
        ];
        let Some(machine) = machine(test, &home, &path, &variables, &["--force"]) else { return };
        machine.succeeds(&["start", "settings"]);
        let pid = home.read("run/settings.pid").trim_end().to_owned();
        assert_eq!(machine.show("settings", &["ActiveState", "MainPID", "UMask"]), ["active", &pid, "0027"]);
        machine.succeeds(&["reload", "settings"]);
        eventually("the signal", || home.lines("notes").contains(&"call 1".to_owned()));
        machine.succeeds(&["stop", "settings"]);
        assert!(
            home.lines("notes").contains(&"the end: Terminated by SIGINT (2) [0]".to_owned()),
            "{}",
            home.read("notes")
        );
        assert_eq!((home.lines("ends"), home.run_names()), (vec!["success exited 0".to_owned()], Vec::new()));
        drop(machine);
        for left in ["units", "notes", "ends"] {
            let left = home.path(left);
            let _ = if left.is_dir() { fs::remove_dir_all(left) } else { fs::remove_file(left) };
        }
    }
}

#[test]
fn the_daemon_becomes_the_user_itself_and_finds_it_done_where_systemd_did_it() {
    let test = "the_daemon_becomes_the_user_itself_and_finds_it_done_where_systemd_did_it";
    let home = Home::new();
    let notes = text(home.path("notes"));
    for name in ["notes", "ends"] {
        fs::write(home.path(name), "").expect("written");
        fs::set_permissions(home.path(name), fs::Permissions::from_mode(0o666)).expect("ours");
    }
    let variables = [
        ("SETTINGS_PIDFILE", "/run/settings/settings.pid"),
        ("SETTINGS_NOTES", &notes),
        ("SETTINGS_USER", "www-data"),
        // As root, before it is the user.
        ("SETTINGS_BEFORE", "privileges:needs-root"),
        ("SETTINGS_SIGNALS", "SIGHUP=call"),
    ];
    let path = env!("CARGO_BIN_EXE_settings");
    let Some(machine) = machine(test, &home, path, &variables, &[]) else { return };
    let user_of = |pid: &str| machine.look(&format!("awk '/^Uid/ {{ print $2 }}' /proc/{pid}/status"));
    machine.succeeds(&["start", "settings"]);
    let shown = machine.show("settings", &["ActiveState", "MainPID", "User"]);
    assert_eq!((shown[0].as_str(), shown[2].as_str(), user_of(&shown[1]).as_str()), ("active", "www-data", "33\n"));
    // It is root's, so that nobody else can say who is signalled.
    assert_eq!(machine.look("stat -c %U /run/settings/settings.pid"), "root\n");
    machine.succeeds(&["reload", "settings"]);
    eventually("the signal", || home.lines("notes").contains(&"call 1".to_owned()));
    machine.succeeds(&["stop", "settings"]);

    // As one would write it who has no hook that needs root.
    let drop_in = format!("[Service]\nExecStart=\nExecStart={path} run\nEnvironment=SETTINGS_BEFORE=\n");
    machine.write("settings.service.d/user.conf", &drop_in);
    machine.succeeds(&["daemon-reload"]);
    machine.succeeds(&["start", "settings"]);
    let shown = machine.show("settings", &["ActiveState", "MainPID"]);
    assert_eq!((shown[0].as_str(), user_of(&shown[1]).as_str()), ("active", "33\n"));
    assert_eq!(machine.look("stat -c %U /run/settings/settings.pid"), "www-data\n");
    machine.succeeds(&["stop", "settings"]);
    assert_eq!(home.lines("ends"), ["success exited 0", "success exited 0"]);
    assert_eq!(machine.look("ls /run/settings"), "");
}

#[test]
fn a_printed_timer_does_one_tick_after_the_other_whatever_one_comes_to() {
    let test = "a_printed_timer_does_one_tick_after_the_other_whatever_one_comes_to";
    let home = Home::new();
    let (pidfile, notes) = (text(home.pidfile()), text(home.path("notes")));
    let variables = [
        ("ACTOR_ROLE", "ticks"),
        ("ACTOR_EVERY", "250ms"),
        ("ACTOR_PIDFILE", &pidfile),
        ("ACTOR_NOTES", &notes),
        ("ACTOR_TICK", "fails"),
    ];
    let Some(machine) = machine(test, &home, env!("CARGO_BIN_EXE_actor"), &variables, &["--timer"]) else { return };
    machine.succeeds(&["start", "actor.timer"]);
    eventually("three ticks", || home.lines("ends").len() >= 3);
    machine.succeeds(&["stop", "actor.timer"]);
    assert!(home.lines("ends").iter().all(|end| end == "exit-code exited 1"), "{}", home.read("ends"));
    assert!(home.lines("notes").iter().all(|note| note == "tick 0"), "{}", home.read("notes"));
    eventually("the last one to be over", || machine.show("actor.service", &["SubState"]) == ["failed"]);
    assert_eq!(home.run_names(), Vec::<String>::new());
}

#[test]
fn each_instance_of_a_printed_template_is_a_service_of_its_own() {
    let test = "each_instance_of_a_printed_template_is_a_service_of_its_own";
    let home = Home::new();
    let pidfile = text(home.path("run/actor-{n}.pid"));
    let variables = [("ACTOR_PIDFILE", pidfile.as_str()), ("ACTOR_CREW", "3")];
    let Some(machine) = machine(test, &home, env!("CARGO_BIN_EXE_crew"), &variables, &[]) else { return };
    machine.succeeds(&["start", "actor@0", "actor@2"]);
    for number in [0, 2] {
        let pid = home.read(&format!("run/actor-{number}.pid")).trim_end().to_owned();
        assert_eq!(machine.show(&format!("actor@{number}"), &["ActiveState", "MainPID"]), ["active", &pid]);
    }
    assert_ne!(machine.systemctl(&["start", "actor@3"]).code, 0);
    machine.succeeds(&["stop", "actor@0", "actor@2"]);
    assert_eq!(home.run_names(), Vec::<String>::new());
}

#[test]
fn a_printed_service_writes_where_the_settings_say_and_has_their_home() {
    let test = "a_printed_service_writes_where_the_settings_say_and_has_their_home";
    let home = Home::new();
    // Its paths begin with `~`.
    let path = env!("CARGO_BIN_EXE_own");
    let flags = ["--system", "--", "--port", "3", "--greeting", "100% $HOME \"so\"", "--tag", ";"];
    let Some(machine) = Machine::boot(test, &home) else { return };
    assert_eq!(made(&home, fixture(&home, path, &[]), &flags), ["actor.service"]);
    machine.succeeds(&["start", "actor"]);
    assert_eq!(machine.show("actor", &["ActiveState", "MainPID"]), ["active", &home.pid().to_string()]);
    assert_eq!(home.read("log"), "3 100% $HOME \"so\" [\";\"]\n");
    machine.succeeds(&["stop", "actor"]);
    assert_eq!(home.run_names(), Vec::<String>::new());
}

#[test]
fn a_printed_service_finds_the_folder_for_its_pidfile_made_and_needs_none_for_its_logs() {
    let test = "a_printed_service_finds_the_folder_for_its_pidfile_made_and_needs_none_for_its_logs";
    let home = Home::new();
    let variables = [("INSTALLED_PREFIX", "/usr")];
    let Some(machine) = machine(test, &home, env!("CARGO_BIN_EXE_installed"), &variables, &[]) else { return };
    assert_eq!(machine.look("ls /run /var/log | grep installed"), "");
    machine.succeeds(&["start", "installed"]);
    assert_eq!(machine.look("ls /run/installed"), "installed.pid\ninstalled.pid.claim\n");
    assert_eq!(home.read("said"), "to stdout\n");
    machine.succeeds(&["stop", "installed"]);
    assert_eq!(
        (home.lines("ends"), machine.look("ls /run/installed")),
        (vec!["success exited 0".to_owned()], String::new())
    );
}
