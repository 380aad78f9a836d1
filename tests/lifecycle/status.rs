//! `status` is a pure question, with the same true answer for everybody who may ask.

use std::fs;
use std::os::unix::fs::MetadataExt;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::home::{Home, Program, Told, eventually, is_root};
use crate::hostile::Innocent;

#[track_caller]
fn start(home: &Home, role: &str) -> i32 {
    let told = home.actor(role).run(&["start"]);
    assert_eq!(told.code, 0, "{told:?}");
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
    home.pid()
}

fn status(home: &Home, flags: &[&str]) -> Told {
    home.actor("ready").run(&[&["status"], flags].concat())
}

fn status_for_nobody(home: &Home) -> Told {
    home.as_nobody(home.actor("ready")).run(&["status"])
}

fn json_of(told: &Told) -> Value {
    assert_eq!((told.stderr.as_str(), told.stdout.lines().count()), ("", 1));
    serde_json::from_str(&told.stdout).expect("JSON")
}

/// A daemon that was killed, and that the kernel has done with.
fn dead(home: &Home) -> i32 {
    let pid = start(home, "ready");
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("killed");
    eventually("the daemon to be gone", || status(home, &[]).code == 1);
    pid
}

/// Whether it is a number with exactly one digit after the point.
fn has_one_decimal(text: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').is_some_and(|(whole, tenths)| is_number(whole) && is_number(tenths) && tenths.len() == 1)
}

#[track_caller]
fn assert_told_running(told: &Told, pid: i32) {
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    let start = format!("actor -- pid: {pid}, status: running, uptime: 0m, %cpu: ");
    let shares = told.stdout.strip_prefix(&start).and_then(|rest| rest.strip_suffix('\n'));
    let (cpu, memory) = shares.and_then(|rest| rest.split_once(", %mem: ")).unwrap_or_else(|| panic!("{told:?}"));
    assert!(has_one_decimal(cpu) && has_one_decimal(memory), "{told:?}");
}

#[test]
fn one_that_is_there_is_ready_only_once_its_start_is_agreed_on() {
    for word in ["run", "start"] {
        let home = Home::new();
        let child = home.actor("ready-on-go").set("ACTOR_READY", "notify").spawn(&[word]);
        eventually("the daemon", || home.pidfile().exists());
        let pid = home.pid();
        assert_told_running(&status(&home, &[]), pid);
        status(&home, &["--ready"]).assert(3, &format!("actor -- pid: {pid}, status: starting\n"), "");
        let told = status(&home, &["--ready", "--json"]);
        assert_eq!((told.code, json_of(&told)), (3, json!({"name": "actor", "status": "starting", "pid": pid})));
        home.go();
        eventually("its being ready", || status(&home, &["--ready"]).code == 0);
        assert_told_running(&status(&home, &["--ready"]), pid);
        assert_eq!(home.actor("ready").run(&["stop"]).code, 0);
        assert_eq!(Told::of(child).code, 0);
        assert_eq!(status(&home, &["--ready"]).code, 3);
    }
}

#[test]
fn an_account_that_may_not_ask_the_claim_cannot_tell_whether_it_is_ready() {
    let test = "an_account_that_may_not_ask_the_claim_cannot_tell_whether_it_is_ready";
    if !is_root(test) {
        return;
    }
    let home = Home::new();
    let pid = start(&home, "ready");
    assert_eq!(status(&home, &["--ready"]).code, 0);
    let told = home.as_nobody(home.actor("ready")).run(&["status", "--ready"]);
    let claim = format!("{}.claim", home.pidfile().display());
    let why =
        format!("pid {pid} is there, but whether it is ready only its claim tells: {claim} belongs to another user");
    told.assert(4, &format!("actor -- cannot tell whether it is running ({why})\n"), "");
    assert_eq!(home.actor("ready").run(&["stop"]).code, 0);
}

#[test]
fn a_daemon_that_runs_is_told_in_one_line() {
    let home = Home::new();
    let pid = start(&home, "ready");
    assert_told_running(&status(&home, &[]), pid);
}

#[test]
fn a_daemon_that_does_not_run_is_told_with_3() {
    let home = Home::new();
    status(&home, &[]).assert(3, "actor -- not running\n", "");
    start(&home, "ready");
    assert_eq!(home.actor("ready").run(&["stop"]).code, 0);
    status(&home, &[]).assert(3, "actor -- not running\n", "");
}

#[test]
fn a_dead_daemon_whose_pidfile_is_left_is_told_with_1_and_why() {
    let home = Home::new();
    let pid = dead(&home);
    let why = format!("{} was left behind by pid {pid}", home.pidfile().display());
    status(&home, &[]).assert(1, &format!("actor -- not running ({why})\n"), "");
}

#[test]
fn the_json_of_a_running_daemon_has_the_documented_fields() {
    let home = Home::new();
    let pid = start(&home, "ready");
    let told = status(&home, &["--json"]);
    assert_eq!(told.code, 0);
    let all = json_of(&told);
    assert_eq!((&all["name"], &all["status"], &all["pid"]), (&json!("actor"), &json!("running"), &json!(pid)));
    assert_eq!(all["group_num_procs"], json!(1));
    for field in ["uptime", "cpu_percent", "memory_percent"] {
        assert!(all[field].as_f64().is_some_and(|number| number >= 0.0), "{field}: {all}");
    }
}

#[test]
fn the_json_of_a_daemon_that_does_not_run_says_dead_whatever_was_asked() {
    let home = Home::new();
    let dead_one = json!({"name": "actor", "status": "dead"});
    for flags in [&["--json"][..], &["--json", "--fields", "pid,uptime"]] {
        let told = status(&home, flags);
        assert_eq!((told.code, json_of(&told)), (3, dead_one.clone()));
    }
    dead(&home);
    let told = status(&home, &["--json"]);
    assert_eq!((told.code, json_of(&told)), (1, dead_one));
}

#[test]
fn the_fields_asked_for_are_told_and_no_others() {
    let home = Home::new();
    let pid = start(&home, "ready");
    let line = format!("actor -- status: running, pid: {pid}, name: actor\n");
    status(&home, &["--fields", "status,pid,name"]).assert(0, &line, "");
    let told = status(&home, &["--fields", "pid", "--fields", "ppid,uid", "--json"]);
    let mine = nix::unistd::geteuid().as_raw();
    // Whoever adopts orphans here.
    let fields = json_of(&told);
    assert!(fields["ppid"].is_u64(), "{fields}");
    assert_eq!(fields, json!({"pid": pid, "ppid": fields["ppid"], "uid": mine}));
}

#[test]
fn the_group_is_the_daemons_session_with_its_children() {
    let home = Home::new();
    let pid = start(&home, "deaf-parent");
    // The second child leaves the session.
    let count = || json_of(&status(&home, &["--json", "--fields", "group_num_procs"]));
    eventually("two to be counted", || count() == json!({"group_num_procs": 2}));
    let told = json_of(&status(&home, &["--json", "--fields", "group_num_procs,open_files,pid"]));
    assert_eq!((&told["group_num_procs"], &told["pid"]), (&json!(2), &json!(pid)));
    let files = told["open_files"].as_array().expect("a list");
    let is_a_file = |file: &Value| file[0].is_string() && file[1].is_u64();
    assert!(files.iter().all(is_a_file), "{told}");
    assert!(files.contains(&json!(["/dev/null", 0])), "{told}");
    let line = status(&home, &["--fields", "group_num_procs"]);
    line.assert(0, "actor -- group_num_procs: 2\n", "");
}

#[test]
fn whoever_is_in_the_daemons_session_is_counted_wherever_he_stands_in_the_process_tree() {
    let home = Home::new();
    start(&home, "patriarch");
    // The daemon, an orphan, a child of its second thread, one that adopts orphans, and the one that it has adopted.
    let sleepers = || home.processes().into_iter().filter(|pid| comm(*pid) == "sleep").count();
    eventually("all to be there", || sleepers() == 4);
    let count = || json_of(&status(&home, &["--json", "--fields", "group_num_procs"]))["group_num_procs"].clone();
    // A shell may be there a moment longer, and what it leaves behind be nobody's until then.
    eventually("all to be counted", || count() == json!(5));
    if is_root(
        "whoever_is_in_the_daemons_session_is_counted_wherever_he_stands_in_the_process_tree, as another account",
    ) {
        let told = home.as_nobody(home.actor("ready")).run(&["status", "--fields", "group_num_procs"]);
        told.assert(0, "actor -- group_num_procs: 5\n", "");
    }
}

fn comm(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end().to_owned()
}

#[test]
fn in_the_foreground_the_processes_of_its_group_are_counted_and_not_the_sessions_others() {
    let home = Home::new();
    let mut shell = home.shell("ready");
    // As a shell with job control begins it. The test itself is in the session, too.
    std::os::unix::process::CommandExt::process_group(&mut shell.0, 0);
    let daemon = shell.spawn(&["-c", r#"sleep 1000 >/dev/null 2>&1 & exec "$ACTOR" run"#]);
    eventually("the pidfile", || home.pidfile().exists());
    let count = || json_of(&status(&home, &["--json", "--fields", "group_num_procs"]));
    eventually("two to be counted", || count() == json!({"group_num_procs": 2}));
    home.actor("ready").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    assert_eq!(Told::of(daemon).code, 0);
}

/// The fields of one process, of which the JSON has each that was asked for.
fn fields(program: Program, names: &str) -> Value {
    let told = json_of(&program.run(&["status", "--json", "--fields", names]));
    assert_eq!(told.as_object().map(serde_json::Map::len), Some(names.split(',').count()), "{told}");
    told
}

#[test]
fn the_fields_of_a_process_are_those_of_the_daemon() {
    let (home, now) = (Home::new(), || std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs_f64());
    let begun = now();
    let pid = start(&home, "ready");
    let told = fields(home.actor("ready"), "create_time,state,cwd,terminal,environ,uids,gids,username,nice,cmdline");
    // The time of the boot is known in whole seconds only.
    let created = told["create_time"].as_f64().expect("a time");
    assert!((begun - 2.0..=now() + 1.0).contains(&created), "{told}");
    assert_eq!((&told["state"], &told["cwd"], &told["terminal"]), (&json!("sleeping"), &json!("/"), &Value::Null));
    assert_eq!(told["environ"]["ACTOR_ROLE"], json!("ready"));
    let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid().as_raw());
    let all_three = |id: u32| json!({"real": id, "effective": id, "saved": id});
    assert_eq!((&told["uids"], &told["gids"]), (&all_three(uid.as_raw()), &all_three(gid)));
    let account = nix::unistd::User::from_uid(uid).expect("accounts can be looked up");
    assert_eq!(told["username"], json!(account.map_or_else(|| uid.to_string(), |account| account.name)));
    assert_eq!((&told["nice"], &told["cmdline"][1]), (&json!(0), &json!("start")));
    let line = home.actor("ready").run(&["status", "--fields", "pid,terminal,uids"]);
    let uid = uid.as_raw();
    let uids = format!("{{\"effective\":{uid},\"real\":{uid},\"saved\":{uid}}}");
    line.assert(0, &format!("actor -- pid: {pid}, terminal: null, uids: {uids}\n"), "");
}

#[test]
fn what_a_daemon_uses_is_told_in_numbers() {
    let home = Home::new();
    let pid = start(&home, "ready");
    let names = "cpu_num,cpu_affinity,cpu_times,num_ctx_switches,num_threads,threads,num_fds,io_counters,memory_rss,\
                 memory_info,memory_full_info,memory_maps,net_connections,connections";
    let told = fields(home.actor("ready"), names);
    let at_least = |least: u64, path: &str| {
        let number = told.pointer(path).and_then(Value::as_u64).unwrap_or_else(|| panic!("{path}: {told}"));
        assert!(number >= least, "{path}: {told}");
    };
    for path in ["/cpu_num", "/cpu_affinity/0", "/io_counters/read_chars", "/num_ctx_switches/voluntary"] {
        at_least(0, path);
    }
    at_least(3, "/num_fds");
    for path in ["/memory_rss", "/memory_info/vms", "/memory_full_info/uss"] {
        at_least(1, path);
    }
    let times = told["cpu_times"].as_object().expect("an object");
    let names = ["children_system", "children_user", "iowait", "system", "user"];
    assert!(times.keys().eq(names) && times.values().all(|time| time.as_f64().is_some_and(|s| s >= 0.0)), "{told}");
    // The worker's thread is the first, and is the process itself.
    let threads = told["threads"].as_array().expect("a list");
    assert!(json!(threads.len()) == told["num_threads"] && threads[0]["id"] == json!(pid), "{told}");
    let exe = env!("CARGO_BIN_EXE_actor");
    assert!(told["memory_maps"].as_array().is_some_and(|maps| maps.iter().any(|map| map["path"] == exe)), "{told}");
    assert_eq!((&told["net_connections"], &told["connections"]), (&json!([]), &json!([])));
}

#[test]
fn what_a_daemon_uses_is_told_without_its_children() {
    let home = Home::new();
    let pid = start(&home, "deaf-parent");
    let told = || fields(home.actor("ready"), "group_num_procs,num_threads,threads,cmdline");
    eventually("two to be counted", || told()["group_num_procs"] == json!(2));
    let told = told();
    let threads = told["threads"].as_array().expect("a list");
    assert!(json!(threads.len()) == told["num_threads"] && threads[0]["id"] == json!(pid), "{told}");
    assert_eq!(told["cmdline"][1], json!("start"));
}

#[test]
fn the_socket_of_a_daemon_that_listens_is_told() {
    let home = Home::new();
    let greeter = || home.example("greeter").set("GREETER_ADDRESS", "127.0.0.1:0");
    assert_eq!(greeter().run(&["start"]).code, 0);
    let address = || {
        home.lines("greeter.log")
            .iter()
            .find_map(|line| line.strip_prefix("listening on 127.0.0.1:")?.parse::<u16>().ok())
    };
    eventually("its port", || address().is_some());
    let told = fields(greeter(), "net_connections");
    let socket = &told["net_connections"][0];
    let listens = json!({
        "fd": socket["fd"], "family": "AF_INET", "type": "SOCK_STREAM", "status": "LISTEN",
        "laddr": {"ip": "127.0.0.1", "port": address()}, "raddr": null,
    });
    assert_eq!(told["net_connections"], json!([listens]));
}

#[test]
fn what_an_account_may_not_see_is_null() {
    if !is_root("what_an_account_may_not_see_is_null") {
        return;
    }
    let home = Home::new();
    let pid = start(&home, "ready");
    let names =
        "pid,uids,num_threads,environ,cwd,exe,open_files,net_connections,io_counters,memory_full_info,memory_maps";
    let told = fields(home.as_nobody(home.actor("ready")), names);
    assert_eq!((&told["pid"], &told["uids"]["real"]), (&json!(pid), &json!(0)));
    assert!(told["num_threads"].is_u64(), "{told}");
    for hidden in names.split(',').skip(3) {
        assert_eq!(told[hidden], Value::Null, "{hidden}: {told}");
    }
}

#[test]
fn an_unknown_field_is_refused_with_those_that_are_known() {
    let home = Home::new();
    let told = status(&home, &["--fields", "pid,colour"]);
    assert_eq!((told.code, told.stdout.as_str()), (2, ""));
    let known = ["name", "status", "pid", "uptime", "cpu_percent", "memory_percent", "group_num_procs", "open_files"];
    for word in ["colour"].into_iter().chain(known) {
        assert!(told.stderr.contains(word), "{word}: {}", told.stderr);
    }
}

#[test]
fn a_daemon_on_its_way_is_known_by_the_pid_that_its_start_will_tell() {
    let home = Home::new();
    let start = home.actor("ready-on-go").set("ACTOR_READY", "notify").spawn(&["start"]);
    eventually("the daemon to be there", || home.pidfile().exists());
    let pid = home.pid();
    assert_told_running(&status(&home, &[]), pid);
    home.go();
    Told::of(start).assert(0, &format!("Starting actor ... OK (pid {pid})\n"), "");
}

/// All that is in the pidfile's folder, so that the slightest change shows; but not when it was read.
fn traces(home: &Home) -> Vec<String> {
    let mut names = home.run_names();
    names.push(".".to_owned());
    let trace = |name: String| {
        let m = home.path("run").join(&name).symlink_metadata().expect("there");
        let times = [m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec()];
        format!("{name}: inode {}, {} bytes, mode {:o}, {times:?}", m.ino(), m.len(), m.mode())
    };
    names.into_iter().map(trace).collect()
}

#[test]
fn a_question_changes_nothing_on_disk() {
    let home = Home::new();
    let ask = |what: &str| {
        let before = traces(&home);
        for flags in [&[][..], &["--json"], &["--fields", "open_files"]] {
            status(&home, flags);
        }
        assert_eq!(traces(&home), before, "{what}");
    };
    ask("nothing runs");
    start(&home, "ready");
    ask("it runs");
    assert_eq!(home.actor("ready").run(&["stop"]).code, 0);
    dead(&home);
    ask("it is dead");
}

#[test]
fn a_question_makes_no_folder() {
    let home = Home::new();
    fs::remove_dir(home.path("run")).expect("empty");
    status(&home, &[]).assert(3, "actor -- not running\n", "");
    home.actor("ready").run(&["stop"]).assert(0, "", "warning: actor is not running\n");
    assert!(!home.path("run").exists());
}

#[test]
fn another_account_is_told_the_same() {
    if !is_root("another_account_is_told_the_same") {
        return;
    }
    let home = Home::new();
    let not_running = |told: Told| told.assert(3, "actor -- not running\n", "");
    not_running(status_for_nobody(&home));
    let pid = start(&home, "ready");
    assert_told_running(&status_for_nobody(&home), pid);
    assert_eq!(home.actor("ready").run(&["stop"]).code, 0);
    not_running(status_for_nobody(&home));
    let pid = dead(&home);
    let why = format!("{} was left behind by pid {pid}", home.pidfile().display());
    let line = format!("actor -- not running ({why})\n");
    // The number is free when the daemon's parent has heard of its end.
    eventually("another account to see it", || status_for_nobody(&home).stdout == line);
    assert_eq!(status_for_nobody(&home).code, 1);
}

#[test]
fn another_account_that_cannot_tell_says_so_with_4() {
    if !is_root("another_account_that_cannot_tell_says_so_with_4") {
        return;
    }
    let home = Home::new();
    let assert_unknown = |what: &str| {
        let told = status_for_nobody(&home);
        assert_eq!((told.code, told.stderr.as_str()), (4, ""), "{what}: {told:?}");
        assert!(told.stdout.starts_with("actor -- cannot tell whether it is running ("), "{what}: {told:?}");
        let told = home.as_nobody(home.actor("ready")).run(&["status", "--json"]);
        assert_eq!((told.code, json_of(&told)), (4, json!({"name": "actor", "status": "unknown"})), "{what}");
        let told = home.as_nobody(home.actor("ready")).run(&["stop"]);
        assert_eq!((told.code, told.stdout.as_str()), (4, "Stopping actor ... FAILED\n"), "{what}: {told:?}");
        assert!(told.stderr.starts_with("error: cannot tell"), "{what}: {told:?}");
    };
    let pid = start(&home, "reads-its-pidfile");
    assert_unknown("the witness is lost");
    assert_told_running(&status(&home, &[]), pid);
    fs::remove_file(home.pidfile()).expect("removed");
    assert_unknown("the pidfile is removed");
    let mut innocent = Innocent::new();
    fs::write(home.pidfile(), format!("{}\n", innocent.pid())).expect("written");
    assert_unknown("the pidfile names a stranger");
    innocent.assert_alive();
    assert_told_running(&status(&home, &[]), pid);
}
