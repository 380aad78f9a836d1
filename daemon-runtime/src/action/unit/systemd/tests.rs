//! What is printed for which setting.

use super::super::{UnitKind, UnitOptions, UnitScope};
use super::words::quoted;
use crate::{Context, Daemon, Error};
use std::time::Duration;

/// A worker that ends when it is asked to.
fn patient(ctx: &Context) {
    ctx.wait(Duration::MAX);
}

fn daemon() -> Daemon {
    daemon_at("/var/lib/web.pid")
}

fn daemon_at(pidfile: &str) -> Daemon {
    Daemon::new(patient).name("web").pidfile(pidfile)
}

fn of(kind: UnitKind, scope: UnitScope) -> UnitOptions {
    UnitOptions { kind, scope: Some(scope), ..UnitOptions::default() }
}

/// The texts, with `/PROGRAM` for the path of the test itself.
fn texts(daemon: &Daemon, options: &UnitOptions) -> Result<Vec<String>, Error> {
    let path = quoted(&super::program::path()?);
    let files = daemon.unit(options)?.files.into_iter();
    Ok(files.map(|file| file.text.replace(&path, "/PROGRAM")).collect())
}

fn service(daemon: &Daemon) -> String {
    texts(daemon, &of(UnitKind::Service, UnitScope::System)).expect("a unit").remove(0)
}

#[track_caller]
fn assert_lines(daemon: &Daemon, lines: &[&str]) {
    let text = service(daemon);
    for line in lines {
        assert!(text.lines().any(|written| written == *line), "`{line}` is in {text}");
    }
}

#[track_caller]
fn assert_without(daemon: &Daemon, keys: &[&str]) {
    let text = service(daemon);
    assert!(!text.lines().any(|line| keys.iter().any(|key| line.starts_with(key))), "{keys:?} not in {text}");
}

fn refused(daemon: &Daemon, options: &UnitOptions) -> String {
    daemon.unit(options).expect_err("refused").to_string()
}

#[test]
fn a_daemon_with_nothing_but_defaults_has_this_service() {
    let text = service(&daemon().about("Serves the web.\n\nAt length."));
    let expected = "\
# web.service
[Unit]
Description=Serves the web.

[Service]
Type=notify
NotifyAccess=main
ExecStart=/PROGRAM run
Restart=on-failure
RestartPreventExitStatus=2 4
TimeoutStartSec=30s
TimeoutStopSec=10s
KillSignal=SIGTERM
KillMode=mixed
UMask=0027
LimitCORE=0
SyslogIdentifier=web

[Install]
WantedBy=multi-user.target
";
    assert_eq!(text, expected);
}

#[test]
#[cfg(feature = "cli")]
fn a_repeating_daemon_has_a_timer_and_a_service_for_one_tick() {
    let daemon = Daemon::repeat("90s", || {}).name("tock").pidfile("/run/tock.pid").initial_delay("250ms").jitter("5s");
    let texts = texts(&daemon, &of(UnitKind::Timer, UnitScope::User)).expect("units");
    let service = "\
# tock.service
[Unit]
Description=tock

[Service]
Type=oneshot
ExecStart=/PROGRAM run --once
TimeoutStopSec=10s
KillSignal=SIGTERM
KillMode=mixed
UMask=0027
LimitCORE=0
SyslogIdentifier=tock
";
    let timer = "\
# tock.timer
[Unit]
Description=tock

[Timer]
OnActiveSec=250ms
OnUnitActiveSec=1m 30s
RandomizedDelaySec=5s
AccuracySec=1us

[Install]
WantedBy=timers.target
";
    assert_eq!(texts, [service, timer]);
}

#[test]
#[cfg(feature = "cli")]
fn what_comes_due_meanwhile_is_left_out_by_a_timer_or_shifts_it() {
    let timer = |missed: &str| {
        let daemon = Daemon::repeat("5s", || {}).name("tock").missed(missed);
        texts(&daemon, &of(UnitKind::Timer, UnitScope::System)).expect("units").remove(1)
    };
    assert!(timer("skip").contains("\nOnUnitActiveSec=5s\n"));
    assert!(timer("delay").contains("\nOnUnitInactiveSec=5s\n"));
    assert!(timer("burst").contains("\n# missed = \"burst\": a timer makes up for nothing"));
}

#[test]
fn what_a_timer_cannot_do_is_refused_with_the_reason() {
    let timer = of(UnitKind::Timer, UnitScope::System);
    let repeating = || Daemon::repeat("5s", || {}).name("tock");
    assert!(refused(&daemon(), &timer).starts_with("only a repeating daemon can have a timer"));
    assert!(refused(&repeating().times(3), &timer).contains("ends after 3 ticks"));
    assert!(refused(&repeating().on_error("stop"), &timer).contains("on_error"));
    let watched = UnitOptions { watchdog: Some(Duration::from_secs(1)), ..timer };
    assert!(refused(&repeating(), &watched).contains("--watchdog"));
}

#[test]
fn whom_the_daemon_becomes_is_told_and_left_to_it() {
    let becoming = daemon().user("www-data").group(33).groups(["adm", "ssl-cert"]).signal("SIGHUP", || {});
    let lines = ["User=www-data", "Group=33", "SupplementaryGroups=adm ssl-cert", "ExecStart=!/PROGRAM run"];
    assert_lines(&becoming, &lines);
    assert_lines(&becoming, &["ExecReload=!/PROGRAM reload"]);
    assert_lines(&daemon().group("adm"), &["Group=adm", "ExecStart=!/PROGRAM run"]);
    // A name that systemd would not take, and a manager that could not do it.
    assert_lines(&daemon().user("a b"), &["ExecStart=/PROGRAM run"]);
    assert_without(&daemon().user("a b"), &["User"]);
}

#[test]
fn what_needs_root_is_refused_for_a_users_own_systemd() {
    let own = of(UnitKind::Service, UnitScope::User);
    let (user, group) = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
    let told = refused(&daemon().chroot("/srv"), &own);
    assert_eq!(told, "`chroot` needs root, which a user's own systemd has not: leave `--user` out");
    for another in [daemon().user(user + 1).group(group), daemon().group(group + 1), daemon().groups([u32::MAX - 7])] {
        let told = refused(&another, &own);
        assert!(told.starts_with("to become ") && told.ends_with(": leave `--user` out"), "{told}");
    }
    let mine = texts(&daemon().user(user).group(group), &own).expect("a unit");
    assert!(mine[0].contains("\nExecStart=/PROGRAM run\n") && !mine[0].contains("User="), "{}", mine[0]);
    if cfg!(feature = "cli") {
        let repeating = Daemon::repeat("5s", || {}).name("tock").chroot("/srv");
        assert!(refused(&repeating, &of(UnitKind::Timer, UnitScope::User)).contains("`chroot`"));
    }
}

#[test]
fn a_stream_that_is_a_descriptor_of_the_daemons_goes_to_the_journal() {
    for path in ["/dev/stdout", "/dev/stderr", "/dev/fd/2", "/proc/self/fd/1"] {
        assert_lines(&daemon().stdout(path), &["StandardOutput=journal", "StandardError=journal"]);
        assert_without(&daemon().stdout(path), &["#  ", "StandardOutput=append"]);
    }
    assert_lines(&daemon().stdout("/dev/fd2"), &["StandardOutput=append:/dev/fd2"]);
    assert_without(&daemon().stdin("/dev/stdin"), &["StandardInput"]);
}

#[test]
fn lines_in_the_journal_have_the_daemons_name() {
    assert_lines(&daemon().name("50% a b"), &["SyslogIdentifier=50%% a b"]);
    assert_without(&daemon().name("a\\"), &["SyslogIdentifier"]);
}

#[test]
fn a_setting_that_needs_root_makes_it_the_systems_unless_something_else_is_asked_for() {
    let usual = UnitOptions::default();
    for daemon in [daemon().user("www-data"), daemon().chroot("/srv/web")] {
        assert!(texts(&daemon, &usual).expect("a unit")[0].contains("WantedBy=multi-user.target"));
    }
    let own = of(UnitKind::Service, UnitScope::User);
    assert!(texts(&daemon(), &own).expect("a unit")[0].contains("WantedBy=default.target"));
}

#[test]
fn times_are_told_as_systemd_has_them_and_zero_is_not_for_ever() {
    assert_lines(
        &daemon().start_timeout("1500ms").stop_timeout(Duration::MAX),
        &["TimeoutStartSec=1s 500ms", "TimeoutStopSec=infinity"],
    );
    let at_once = daemon().start_timeout("0s").stop_timeout("0s");
    assert_without(&at_once, &["TimeoutStartSec"]);
    assert_lines(&at_once, &["TimeoutStopSec=1us"]);
}

#[test]
fn signals_umask_core_dumps_and_environment_have_their_lines() {
    let daemon = daemon()
        .stop_signal("SIGQUIT")
        .umask(0o007)
        .core_dumps(true)
        .env("GREETING", "100% \"sure\"")
        .env("PLAIN", "x")
        .env("NO-NAME", "x")
        .env("BELL", "\u{7}");
    let lines = [
        "KillSignal=SIGQUIT",
        "UMask=0007",
        "LimitCORE=infinity",
        r#"Environment="GREETING=100%% \"sure\"""#,
        "Environment=PLAIN=x",
    ];
    assert_lines(&daemon, &lines);
    assert_without(&daemon, &["Environment=NO-NAME", "Environment=BELL", "Environment=\"BELL"]);
}

#[test]
fn a_reload_is_there_where_the_daemon_takes_one_in_the_foreground() {
    let reload = ["ExecReload=/PROGRAM reload"];
    assert_lines(&daemon().signal("SIGHUP", || {}), &reload);
    assert_lines(&Daemon::exec("true", [""; 0]).name("web"), &reload);
    for deaf in [
        daemon(),
        daemon().stdout("/var/log/web.log"),
        daemon().signal("SIGHUP", "ignore"),
        daemon().signal("SIGHUP", "reopen"),
        daemon().stop_signal("SIGHUP"),
    ] {
        assert_without(&deaf, &["ExecReload"]);
    }
}

#[test]
fn folders_of_its_own_and_streams_have_their_lines() {
    let usr = Daemon::new(patient).name("web").prefix("/usr").stderr("/var/log/50% web.log");
    let lines = [
        "RuntimeDirectory=web",
        "RuntimeDirectoryPreserve=yes",
        "# The folder of /var/log/web/out.log is not there, or not root's alone.",
        "StandardOutput=journal",
        "StandardError=append:/var/log/50%% web.log",
    ];
    assert_lines(&usr, &lines);
    // Folders that others share are nobody's.
    assert_without(&daemon().pidfile("/run/web.pid"), &["RuntimeDirectory"]);
    assert_without(&daemon().pidfile("/run/lock/web.pid"), &["RuntimeDirectory"]);
    assert_without(&daemon(), &["Standard"]);
    let streams = daemon().stdin("/srv/50%/in").stdout("/var/log/web.log");
    let lines = ["StandardInput=file:/srv/50%%/in", "StandardOutput=append:/var/log/web.log", "StandardError=journal"];
    assert_lines(&streams, &lines);
    assert_lines(&daemon().stdout("/dev/null").stderr("syslog"), &["StandardOutput=null", "StandardError=journal"]);
}

#[test]
#[cfg_attr(miri, ignore = "cargo's variables are not there")]
fn the_variables_that_paths_are_made_of_are_told_after_the_daemons_own() {
    let daemon = Daemon::new(patient).name("web").pidfile(crate::expand("/run/$CARGO_PKG_NAME.pid"));
    let text = service(&daemon.env("CARGO_PKG_NAME", "own"));
    assert!(text.contains("\nEnvironment=CARGO_PKG_NAME=own\nEnvironment=CARGO_PKG_NAME=daemon-runtime\n"), "{text}");
    let home = std::env::var("HOME").expect("a home directory");
    let at_home = || daemon_at(&format!("{home}/web.pid"));
    assert_lines(&at_home(), &[&format!("Environment=HOME={home}")]);
    let own = texts(&at_home(), &of(UnitKind::Service, UnitScope::User)).expect("a unit");
    assert!(!own[0].contains("HOME="), "{}", own[0]);
}

#[test]
fn a_program_whose_path_may_have_been_relative_is_begun_where_it_was() {
    let here = std::env::current_dir().expect("a directory");
    let daemon = Daemon::exec("./server", [""; 0]).name("web").pidfile("/run/web.pid");
    assert_lines(&daemon, &[&format!("WorkingDirectory={}", here.display())]);
    assert_without(&Daemon::exec("true", [""; 0]).name("web").pidfile("/run/web.pid"), &["WorkingDirectory"]);
}

#[test]
fn a_log_that_another_user_could_lead_elsewhere_is_not_opened_by_root() {
    let folder = std::env::temp_dir().join(format!("unit-log-{}", std::process::id()));
    let log = |folder: &std::path::Path| daemon().stdout(folder.join("web.log"));
    let own = of(UnitKind::Service, UnitScope::User);
    let has = |daemon: &Daemon, line: &str| texts(daemon, &own).expect("a unit")[0].contains(line);
    assert!(has(&log(&folder), "web.log is not there yet.\nStandardOutput=journal\n"));
    std::fs::create_dir(&folder).expect("made");
    assert!(has(&log(&folder), "\nStandardOutput=append:"));
    // All may write to it, sticky as it is.
    assert_lines(&log(&std::env::temp_dir()), &["StandardOutput=journal"]);
    std::fs::remove_dir(&folder).expect("removed");
}

#[test]
fn the_working_directory_is_the_daemons_unless_relative_paths_mean_another() {
    assert_lines(&daemon().workdir("/srv/50% web"), &["WorkingDirectory=/srv/50%% web"]);
    assert_without(&daemon().workdir("/srv").chroot("/jail"), &["WorkingDirectory"]);
    let here = std::env::current_dir().expect("a directory");
    assert_lines(&daemon().pidfile("web.pid").workdir("/srv"), &[&format!("WorkingDirectory={}", here.display())]);
}

#[test]
#[cfg(feature = "cli")]
fn instances_have_a_template_and_one_of_them_its_own_number() {
    let daemon = || {
        Daemon::new(patient)
            .name("web")
            .prefix("/usr")
            .stdout("/var/log/web-{n}.log")
            .workdir("/srv/{n}")
            .about("Serves.")
            .instances(3)
    };
    let options = of(UnitKind::Service, UnitScope::System);
    let made = daemon().unit(&options).expect("a unit").files.remove(0);
    assert_eq!(made.name, "web@.service");
    let lines = [
        "Description=Serves. (%i)",
        "ExecStart=/PROGRAM run --instance %i",
        "RuntimeDirectory=web-%i",
        "SyslogIdentifier=web-%i",
        "WorkingDirectory=/srv/%i",
        "StandardOutput=append:/var/log/web-%i.log",
    ];
    assert_lines(&daemon(), &lines);
    let one = daemon().instance(2).unit(&options).expect("a unit").files.remove(0);
    assert!(one.text.contains("\nSyslogIdentifier=web-2\n"), "{}", one.text);
    assert!(one.name == "web-2.service" && one.text.contains(" run --instance 2\n"), "{}", one.text);
    let shared = daemon().pidfile("/run/web.pid");
    assert!(refused(&shared, &options).contains("all instances would share it"));
}

#[test]
#[cfg(feature = "cli")]
fn a_place_for_the_number_within_the_name_is_no_part_of_the_templates_name() {
    let made = daemon().name("web{n}x").pidfile("/run/{n}").instances(2).unit(&UnitOptions::default());
    assert_eq!(made.expect("a unit").files[0].name, "webx@.service");
}

#[test]
fn signs_of_life_are_wanted_only_by_who_asks_and_only_of_who_gives_them() {
    let watched = UnitOptions { watchdog: Some(Duration::from_secs(5)), ..of(UnitKind::Service, UnitScope::System) };
    assert!(texts(&daemon(), &watched).expect("a unit")[0].contains("\nWatchdogSec=5s\n"));
    assert_without(&daemon(), &["WatchdogSec"]);
    assert!(refused(&Daemon::new(|| {}).name("web"), &watched).contains("gives no signs of life"));
    let never = UnitOptions { watchdog: Some(Duration::ZERO), ..watched };
    assert!(refused(&daemon(), &never).contains("some time"));
}

#[test]
fn a_name_and_words_that_are_more_than_that_to_systemd_stay_what_they_are() {
    let daemon = Daemon::new(patient).name("my @web 100%").pidfile("/run/x").about("  Half\u{7} of\n it: 50%\\");
    let made = daemon.unit(&of(UnitKind::Service, UnitScope::System)).expect("a unit").files.remove(0);
    assert_eq!(made.name, r"my\x20\x40web\x20100\x25.service");
    assert!(
        made.text.starts_with(&format!("# {}\n[Unit]\nDescription=Half of it: 50%%\n", made.name)),
        "{}",
        made.text
    );
}

#[test]
fn the_workers_flags_follow_run() {
    let flags = ["--port", "3", "a $b"].map(Into::into).to_vec();
    let options = UnitOptions { flags, ..of(UnitKind::Service, UnitScope::System) };
    let made = texts(&daemon(), &options);
    if cfg!(feature = "cli") {
        assert!(made.expect("a unit")[0].contains("\nExecStart=/PROGRAM run --port 3 \"a $$b\"\n"));
    } else {
        assert!(made.expect_err("refused").to_string().contains("feature `cli`"));
    }
}

#[test]
fn a_daemon_that_its_own_program_becomes_has_no_unit() {
    assert!(matches!(Daemon::here().name("x").unit(&UnitOptions::default()), Err(Error::NoWorker)));
}
