//! syslog: what the daemon prints are messages of its name and pid, with the priorities that its lines begin with. rsyslogd runs
//! in namespaces of the test's own, where `/dev` has a `/dev/log` of theirs.

use std::path::Path;

use crate::home::{Home, Told, is_root};
use crate::tool::are_there;

const SCRIBE: &str = env!("CARGO_BIN_EXE_scribe");

const CONFIG: &str = r#"module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="/dev/log" RateLimit.Interval="0")
template(name="t" type="string" string="%syslogfacility-text%.%syslogseverity-text% %programname%[%procid%]%msg%\n")
action(type="omfile" file="HOME/messages" template="t")
"#;

/// Makes a `/dev` of its own, and runs `$2`; the kernel ends whoever is left. `begin` begins rsyslogd, `end` ends it.
const WITH_SYSLOGD: &str = r#"set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 none /run
mkdir /run/dev
for device in null zero urandom; do touch /run/dev/$device; mount --bind /dev/$device /run/dev/$device; done
mount --rbind /run/dev /dev
mount -t proc none /proc
begin() { rsyslogd -n -f "$1/config" -i /run/rsyslogd.pid & until [ -S /dev/log ]; do sleep 0.01; done; }
end() { kill $(cat /run/rsyslogd.pid); wait; rm -f /dev/log; }
heard() { until grep -qs "$2\$" "$1/messages"; do sleep 0.01; done; }
"#;

fn within(home: &Home, role: &str, script: &str) -> Told {
    std::fs::write(home.path("config"), CONFIG.replace("HOME", &home.path("").display().to_string())).expect("written");
    let program = home.cast(Path::new("/usr/bin/unshare"), role).set("SCRIBE", SCRIBE);
    let program = program.set("ACTOR_STDOUT", "syslog").set("ACTOR_STDERR", "syslog");
    let folder = home.path("").display().to_string();
    let script = format!("{WITH_SYSLOGD}{script}");
    program.run(&[
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "sh",
        "-c",
        &script,
        "sh",
        folder.trim_end_matches('/'),
    ])
}

fn may_run(test: &str) -> bool {
    is_root(test) && are_there(test, &["unshare", "rsyslogd"])
}

#[test]
fn each_line_is_a_message_of_the_daemons_name_and_pid_with_its_priority() {
    if !may_run("each_line_is_a_message_of_the_daemons_name_and_pid_with_its_priority") {
        return;
    }
    for detach in ["true", "exec"] {
        let home = Home::new();
        let script = format!(
            "begin $1; export ACTOR_DETACH={detach}; $SCRIBE start; echo pid=$(cat {}); heard $1 last; $SCRIBE stop; end",
            home.pidfile().display()
        );
        let told = within(&home, "out:plain,err:<3>no luck,ready,out:<7>detail,out:last,sleep", &script);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
        let pid = told.stdout.lines().find_map(|line| line.strip_prefix("pid=")).expect("the daemon's");
        let mut messages = home.lines("messages");
        messages.retain(|line| line.contains(" actor["));
        messages.sort();
        let message = |priority: &str, text: &str| format!("daemon.{priority} actor[{pid}] {text}");
        let all =
            [message("debug", "detail"), message("err", "no luck"), message("info", "last"), message("info", "plain")];
        assert_eq!(messages, all, "{detach}");
    }
}

#[test]
fn after_a_restart_of_syslogd_and_of_the_program_itself_lines_arrive_and_what_is_missing_is_told() {
    if !may_run("after_a_restart_of_syslogd_and_of_the_program_itself_lines_arrive_and_what_is_missing_is_told") {
        return;
    }
    let home = Home::new();
    let wait = |name: &str| format!("go:{}", home.path(name).display());
    let steps = format!("ready,{},out:lost,note:lost,{},reload,out:after,sleep", wait("first"), wait("second"));
    let script = "begin $1; $SCRIBE start; end; touch $1/first; until grep -qs lost $1/notes; do sleep 0.01; done
        begin $1; touch $1/second; heard $1 after; $SCRIBE stop; end";
    let told = within(&home, &steps, script);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    let messages = home.read("messages");
    // It was offered while nobody listened, unless the thread that offers it was late.
    let (is_told, is_there) =
        (messages.contains(" warning: 1 line (5 bytes) is missing here, because "), messages.contains(" lost\n"));
    assert!(is_told != is_there, "{messages}");
}

#[test]
fn where_nobody_listens_the_start_is_refused() {
    if !may_run("where_nobody_listens_the_start_is_refused") {
        return;
    }
    let home = Home::new();
    let error =
        "error: cannot open /dev/log for stdout: no syslog daemon listens there; where there is none, name a file\n";
    within(&home, "ready,sleep", "$SCRIBE start").assert(1, "Starting actor ... FAILED\n", error);
    home.assert_nothing_left();
}
