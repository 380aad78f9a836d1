//! The journal of systemd: what the daemon prints are entries of its name and pid, with the priorities that its lines begin with.
//! systemd-journald runs in namespaces of the test's own, where `/run` and `/var/log` are empty.

use std::path::Path;

use serde_json::Value;

use crate::home::{Home, Told, is_root};
use crate::tool::are_there;

const SCRIBE: &str = env!("CARGO_BIN_EXE_scribe");

/// Begins journald, runs `$1`, and ends with it; the kernel ends whoever is left.
const WITH_JOURNALD: &str = r#"set -e
mount --make-rprivate /
for place in /run /var/log; do mount -t tmpfs -o mode=755 none $place; done
mkdir -p /run/systemd/journal /run/log/journal /run/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\nAudit=no\nReadKMsg=no\nRateLimitIntervalSec=0\n' >/run/systemd/journald.conf.d/test.conf
/lib/systemd/systemd-journald 2>/dev/null &
until [ -S /run/systemd/journal/stdout ]; do sleep 0.01; done
eval "$1"
"#;

/// What a shell does with the journal: `$SCRIBE` is the daemon, `entries` waits until there is one with this text, and shows all.
fn within(home: &Home, role: &str, output: &str, script: &str) -> Told {
    let entries = "entries() { until journalctl -q -t actor -o cat | grep -q \"$1\"; do sleep 0.01; done; journalctl -q -t actor -o json; }\n";
    let program = home.cast(Path::new("/usr/bin/unshare"), role).set("SCRIBE", SCRIBE).set("ACTOR_OUTPUT", output);
    let program = program.set("ACTOR_STDOUT", "journal").set("ACTOR_STDERR", "journal");
    let namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", WITH_JOURNALD, "sh"];
    program.run(&[&namespaces[..], &[&format!("{entries}{script}")]].concat())
}

fn may_run(test: &str) -> bool {
    is_root(test) && are_there(test, &["unshare", "journalctl"])
}

/// Text, priority and pid of each entry, and the numbers that the shell has printed.
fn entries(told: &Told) -> Vec<(String, String, String)> {
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let values = told.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let entries = values.filter(|entry| entry["SYSLOG_IDENTIFIER"] == "actor");
    entries.map(|entry| (text(&entry, "MESSAGE"), text(&entry, "PRIORITY"), text(&entry, "_PID"))).collect()
}

#[test]
fn each_line_is_an_entry_of_the_daemons_name_and_pid_with_its_priority() {
    if !may_run("each_line_is_an_entry_of_the_daemons_name_and_pid_with_its_priority") {
        return;
    }
    for output in ["direct", "relayed"] {
        for detach in ["true", "exec"] {
            let home = Home::new();
            let script = format!(
                "export ACTOR_DETACH={detach}; $SCRIBE start; echo pid=$(cat {}); entries last; $SCRIBE stop",
                home.pidfile().display()
            );
            let told = within(&home, "out:plain,err:<3>no luck,ready,out:<7>detail,out:last,sleep", output, &script);
            assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
            let pid = told.stdout.lines().find_map(|line| line.strip_prefix("pid=")).expect("the daemon's").to_owned();
            let mut found = entries(&told);
            found.sort();
            let entry = |text: &str, priority: &str| (text.to_owned(), priority.to_owned(), pid.clone());
            assert_eq!(
                found,
                [entry("detail", "7"), entry("last", "6"), entry("no luck", "3"), entry("plain", "6")],
                "{output} {detach}"
            );
        }
    }
}

#[test]
fn who_gave_up_root_and_its_root_directory_and_began_anew_still_writes_there() {
    if !may_run("who_gave_up_root_and_its_root_directory_and_began_anew_still_writes_there") {
        return;
    }
    let home = Home::new();
    std::fs::create_dir(home.path("root")).expect("made");
    let script = format!(
        "export ACTOR_USER=nobody ACTOR_CHROOT={}; $SCRIBE start; entries words; $SCRIBE stop",
        home.path("root").display()
    );
    let told = within(&home, "ready,out:words,sleep", "direct", &script);
    assert_eq!((told.code, told.stderr.as_str(), entries(&told).len()), (0, "", 1), "{told:?}");
    let home = Home::new();
    let told = within(&home, "ready,reload,out:words,sleep", "relayed", "$SCRIBE start; entries words; $SCRIBE stop");
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    assert_eq!(entries(&told).into_iter().map(|(text, ..)| text).collect::<Vec<_>>(), ["words"]);
}

#[test]
fn without_a_journald_the_start_is_refused() {
    let home = Home::new();
    let script = "kill $!; wait $! || :; rm -f /run/systemd/journal/stdout; $SCRIBE start";
    if !may_run("without_a_journald_the_start_is_refused") {
        return;
    }
    let told = within(&home, "ready,sleep", "direct", script);
    let error = "error: cannot open /run/systemd/journal/stdout for stdout: no systemd-journald listens there; where there is \
                 none, name a file\n";
    told.assert(1, "Starting actor ... FAILED\n", error);
    home.assert_nothing_left();
}

#[test]
fn logs_shows_the_last_entries_by_journalctl_and_goes_on_with_those_that_come() {
    if !may_run("logs_shows_the_last_entries_by_journalctl_and_goes_on_with_those_that_come") {
        return;
    }
    let home = Home::new();
    let go = home.path("go").display().to_string();
    let script = format!(
        "$SCRIBE start >/dev/null; entries three >/dev/null; $SCRIBE logs -n 2 | sed 's/.*: //'; echo --; $SCRIBE logs --since 1h | \
         sed 's/.*: //'; echo --; $SCRIBE logs --since '2999-01-01' | sed 's/^-- No.*/none/'; echo --; $SCRIBE logs -f -n 1 >followed & \
         until grep -q three followed; do sleep 0.01; done; touch {go}; until grep -q four followed; do sleep 0.01; done; \
         kill $!; wait $! || :; sed 's/.*: //' followed; $SCRIBE stop >/dev/null"
    );
    let role = format!("out:one,out:two,out:three,ready,go:{go},out:four,sleep");
    let told = within(&home, &role, "direct", &script);
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(told.stdout, "two\nthree\n--\none\ntwo\nthree\n--\nnone\n--\nthree\nfour\n", "{told:?}");
}

#[test]
fn one_that_reads_nothing_costs_a_relayed_daemon_lines_which_are_told_there_and_nothing_else() {
    if !may_run("one_that_reads_nothing_costs_a_relayed_daemon_lines_which_are_told_there_and_nothing_else") {
        return;
    }
    let home = Home::new();
    let script = format!(
        "kill -STOP $!; $SCRIBE start; left=3000; until [ -s {} ] || [ $left = 0 ]; do sleep 0.01; left=$((left-1)); done; \
         echo left=$left; kill -CONT $!; entries missing; $SCRIBE stop",
        home.path("notes").display()
    );
    let told = within(&home, "ready,lines:100000,note:written,sleep", "relayed", &script);
    assert_eq!((told.code, told.stderr.as_str(), home.read("notes").as_str()), (0, "", "written\n"), "{told:?}");
    assert!(!told.stdout.contains("left=0\n"), "the daemon has waited for it");
    let (missing, there): (Vec<_>, Vec<_>) =
        entries(&told).into_iter().map(|(text, ..)| text).partition(|text| text.contains("missing here"));
    let count = missing[0].split(' ').nth(1).and_then(|count| count.parse::<usize>().ok());
    assert_eq!((missing.len(), count), (1, Some(100_000 - there.len())), "{missing:?}");
}

#[test]
fn an_error_that_the_runtime_tells_is_an_error_there_in_each_of_its_lines() {
    if !may_run("an_error_that_the_runtime_tells_is_an_error_there_in_each_of_its_lines") {
        return;
    }
    for output in ["direct", "relayed"] {
        let home = Home::new();
        let script = "$SCRIBE start; $SCRIBE stop; entries luck";
        let told = within(&home, "ready,sleep,fails:no such\nluck", output, script);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
        let found: Vec<_> = entries(&told).into_iter().map(|(text, priority, _)| (text, priority)).collect();
        let line = |text: &str| (text.to_owned(), "3".to_owned());
        assert_eq!(found, [line("error: no such"), line("luck")], "{output}");
    }
}
