//! The sections of the manual page that no command line has: what the exit codes and the signals mean, and which files there are.

use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use nix::libc::{SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGRTMIN, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
use nix::sys::signal::Signal as Known;

use crate::outcome::EXIT_CODES;
use crate::spec::order::Order;
use crate::spec::plan::places_below;
use crate::spec::signal::SignalAction;
use crate::spec::stream::{Stream, is_null};
use crate::spec::{Job, Spec};

pub(super) fn all(spec: &Spec) -> [Roff; 3] {
    [exit_status(spec), files(spec), signals(spec)]
}

fn section(heading: &str) -> Roff {
    let mut section = Roff::new();
    section.control("SH", [heading]);
    section
}

fn entry(section: &mut Roff, head: Inline, text: &str) {
    section.control("TP", []).text([head]).text([roman(text)]);
}

fn exit_status(spec: &Spec) -> Roff {
    let mut section = section("EXIT STATUS");
    for rows in EXIT_CODES.chunk_by(|one, other| one.0 == other.0) {
        let said: Vec<_> = rows.iter().filter_map(|(_, when)| moment(spec, when)).collect();
        if said.is_empty() {
            continue;
        }
        let said = capitalized(&said.join("; ")).replace('`', "");
        let code = rows.first().map_or("", |(code, _)| code);
        entry(&mut section, bold(code), &format!("{said}."));
    }
    section
}

/// When an exit code is given, with those of the actions that it names that this daemon has; none where it has none of them.
fn moment(spec: &Spec, when: &str) -> Option<String> {
    let Some((actions, what)) = when.split_once(": ").filter(|_| when.starts_with('`')) else {
        return Some(when.to_owned());
    };
    let known: Vec<_> = actions.split(", ").filter(|action| is_known(spec, action.trim_matches('`'))).collect();
    (!known.is_empty()).then(|| format!("{}: {what}", known.join(", ")))
}

fn is_known(spec: &Spec, action: &str) -> bool {
    let is_there = match action {
        "status --watch" => cfg!(feature = "watch"),
        "run --once" => spec.repeats(),
        _ => true,
    };
    is_there && spec.verbs().any(|verb| action.split(' ').next() == Some(verb))
}

/// As a sentence begins, unless it begins with the name of an action.
fn capitalized(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

fn files(spec: &Spec) -> Roff {
    let mut section = section("FILES");
    let [pidfile, streams @ ..] = paths(spec);
    let pidfile = pidfile.unwrap_or_else(|| {
        let name = numbered_name(spec);
        format!("/run/{name}.pid (root), $XDG_RUNTIME_DIR/{name}.pid, or ~/.local/state/{name}.pid")
    });
    entry(&mut section, file(&pidfile), "The pidfile: the daemon's pid and a newline.");
    let claim = "Beside the pidfile: the lock that proves that the daemon runs. While it does, it must not be removed.";
    entry(&mut section, italic("PIDFILE.claim"), claim);
    let record = match &*spec.job.borrow() {
        Job::Repeat { .. } => {
            Some("Beside the pidfile: what the daemon tells of its ticks and of itself, which status shows.")
        }
        Job::Once(worker) if !worker.sees_context => None,
        Job::Once(_) | Job::Here => {
            Some("Beside the pidfile, once the daemon has said what it is doing: that, which status shows.")
        }
        Job::Program { .. } => None,
    };
    if let Some(record) = record {
        entry(&mut section, italic("PIDFILE.record"), record);
    }
    for (path, what) in streams.into_iter().zip(["standard input", "standard output", "standard error"]) {
        if let Some(path) = path {
            entry(&mut section, file(&path), &format!("The daemon's {what}."));
        }
    }
    for (stream, what) in [(&spec.stdout, "output"), (&spec.stderr, "error")] {
        let log = match stream {
            Some(Stream::Journal) => "the journal of systemd",
            Some(Stream::Syslog) => "syslog",
            _ => continue,
        };
        section.control("PP", []).text([roman(format!("The daemon's standard {what} goes to {log}."))]);
    }
    if spec.instances.is_some() {
        section.control("PP", []).text([bold("{n}"), roman(" stands for the number of the instance.")]);
    }
    section
}

/// A path in one line, whatever is in it.
fn file(path: &str) -> Inline {
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    italic(path.chars().map(shown).collect::<String>())
}

/// The pidfile and the three streams, where they are files, as they were written.
fn paths(spec: &Spec) -> [Option<String>; 4] {
    let written = |key: &str| spec.written.iter().find(|(known, _)| *known == key).map(|(_, text)| text.clone());
    let [below_pidfile, below_out, below_err] = standard(spec);
    let stream = |key: &str, stream: &Option<Stream>, below: Option<String>| match stream {
        Some(Stream::Open(_) | Stream::Journal | Stream::Syslog) => None,
        Some(Stream::Path(path)) if is_null(path) => None,
        Some(Stream::Path(path)) => written(key).or_else(|| Some(path.display().to_string())),
        // One that the account which makes the page cannot tell.
        None => written(key).or(below),
    };
    let pidfile = spec.pidfile.as_ref().map(|path| path.display().to_string());
    [
        written("pidfile").or(pidfile).or(below_pidfile),
        stream("stdin", &spec.stdin, None),
        stream("stdout", &spec.stdout, below_out),
        stream("stderr", &spec.stderr, below_err),
    ]
}

/// Pidfile and logs below the prefix, if there is one.
fn standard(spec: &Spec) -> [Option<String>; 3] {
    let paths = spec.prefix.as_ref().and_then(|_| places_below(spec, &numbered_name(spec)));
    paths.map_or([None, None, None], |paths| paths.map(Some))
}

/// The daemon's name, of whichever instance.
fn numbered_name(spec: &Spec) -> String {
    let name = spec.name.clone().unwrap_or_else(|| spec.display_name());
    if spec.instances.is_some() && !name.contains("{n}") { format!("{name}-{{n}}") } else { name }
}

fn signals(spec: &Spec) -> Roff {
    let mut section = section("SIGNALS");
    let told = meanings(spec);
    let texts = told.iter().map(|(_, text)| *text).fold(Vec::new(), |mut texts: Vec<&str>, text| {
        if !texts.contains(&text) {
            texts.push(text);
        }
        texts
    });
    for text in texts {
        let alike = told.iter().filter(|(_, other)| *other == text);
        // Without the number, which is not the same on every machine.
        let names: Vec<_> = alike.map(|(signal, _)| Known::try_from(*signal).map_or("", Known::as_str)).collect();
        entry(&mut section, bold(names.join(", ")), text);
    }
    for order in Order::ALL.into_iter().filter(|order| spec.verbs().any(|verb| verb == order.word())) {
        let name = format!("SIGRTMIN+{}", order.signal() - SIGRTMIN());
        entry(&mut section, bold(name), &format!("Does what the action {} asks for.", order.word()));
    }
    section
}

const SHUTS_DOWN: &str = "Asks the daemon to end in order. A second one ends it at once.";
const REOPENS: &str = "Has the daemon open its logs again.";
const REOPENS_DETACHED: &str = "Has the daemon open its logs again. One in the foreground is ended by it.";
const PASSED_ON: &str = "Is passed on to the program, if it handles the signal.";

/// What each signal does of which there is something to say; what the program has set counts.
fn meanings(spec: &Spec) -> Vec<(i32, &'static str)> {
    let set = spec.signals.iter().map(|(signal, action)| (*signal, meaning(action)));
    let shutdown = [SIGTERM, SIGINT, SIGQUIT, spec.stop_signal.0].map(|signal| (signal, SHUTS_DOWN));
    let is_program = matches!(*spec.job.borrow(), Job::Program { .. });
    let passed_on = [SIGUSR1, SIGUSR2, SIGWINCH].map(|signal| (signal, PASSED_ON));
    let passed_on = passed_on.into_iter().filter(|_| is_program);
    let others = [
        (SIGHUP, hang_up(spec)),
        (SIGKILL, "Ends the daemon at once. What it leaves behind, the next start or stop clears away."),
    ];
    let mut told: Vec<(i32, &str)> = Vec::new();
    for (signal, text) in set.chain(shutdown).chain(others).chain(passed_on) {
        if told.iter().all(|(known, _)| *known != signal) {
            told.push((signal, text));
        }
    }
    // Those that every daemon has come first.
    told.sort_by_key(|(_, text)| *text != SHUTS_DOWN);
    told
}

fn meaning(action: &SignalAction) -> &'static str {
    match action {
        SignalAction::Call(_) => "Is handled by a function of the program's own.",
        SignalAction::Ignore => "Is ignored.",
        SignalAction::Terminate => SHUTS_DOWN,
        SignalAction::Reopen => REOPENS,
    }
}

/// What SIGHUP does where nothing is set.
fn hang_up(spec: &Spec) -> &'static str {
    match *spec.job.borrow() {
        Job::Program { .. } => PASSED_ON,
        _ if has_log(spec) => REOPENS_DETACHED,
        _ => "Ends the daemon, unless the program handles it by itself. The action reload sends it only then.",
    }
}

/// Whether the daemon has a log that it can open again, as far as can be told before it runs.
fn has_log(spec: &Spec) -> bool {
    let is_log = |stream: &Stream| stream.log(spec.chroot.as_deref()).is_some();
    let [_, below_out, below_err] = standard(spec);
    let outputs = [("stdout", &spec.stdout, below_out), ("stderr", &spec.stderr, below_err)];
    outputs.into_iter().any(|(key, stream, below)| match stream {
        Some(stream) => is_log(stream),
        // One that the account which makes the page cannot tell.
        None if spec.written.iter().any(|(known, _)| *known == key) => true,
        None => below.is_some_and(|path| is_log(&Stream::Path(path.into()))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Daemon, expand};

    fn page(daemon: &Daemon) -> String {
        all(&daemon.spec).iter().map(Roff::to_roff).collect::<String>().replace("\\-", "-")
    }

    #[test]
    fn files_stand_there_as_they_were_written() {
        let daemon = Daemon::new(|| {}).name("x").pidfile(expand("~/x.pid")).stdout(expand("$NO_SUCH_VARIABLE/x.log"));
        let told = page(&daemon.stderr("/e/{n}").instances(2));
        for file in ["~/x.pid", "$NO_SUCH_VARIABLE/x.log", "/e/{n}", "PIDFILE.claim"] {
            assert!(told.contains(&format!("\\fI{file}\\fR\n")), "{file}: {told}");
        }
        assert!(!told.contains("PIDFILE.record") && told.contains("the number of the instance"), "{told}");
        let told = page(&Daemon::repeat("1s", || {}).name("x").prefix("/usr"));
        for file in ["/run/x/x.pid", "/var/log/x/out.log", "/var/log/x/err.log", "PIDFILE.record"] {
            assert!(told.contains(&format!("\\fI{file}\\fR\n")), "{file}: {told}");
        }
        assert!(page(&Daemon::new(|| {}).name("x")).contains("/run/x.pid (root), $XDG_RUNTIME_DIR/x.pid"));
    }

    #[test]
    fn what_is_no_file_is_none_and_a_path_stands_in_one_line() {
        let told = page(&Daemon::new(|| {}).name("x").stdin("/dev/null").stdout("journal").stderr("syslog"));
        for word in ["journal", "syslog", "/dev/null"] {
            assert!(!told.contains(&format!("\\fI{word}\\fR\n")), "{word}: {told}");
        }
        assert!(told.contains("standard output goes to the journal of systemd."), "{told}");
        assert!(told.contains("standard error goes to syslog."), "{told}");
        let told = page(&Daemon::new(|| {}).name("x").stdout("/a\tb\nc"));
        assert!(told.contains("\\fI/a\\\\tb\\\\nc\\fR\n"), "{told}");
    }

    #[test]
    fn an_exit_code_is_told_of_the_actions_that_there_are() {
        let plain = page(&Daemon::new(|| {}));
        assert!(plain.contains("logs: what the daemon writes") && plain.contains("unit: that manager"), "{plain}");
        assert!(plain.contains("\\fB0 to 255\\fR\nrun: that of the worker.\n"), "{plain}");
        assert_eq!(plain.contains("status --watch: "), cfg!(feature = "watch"), "{plain}");
        assert_eq!(plain.contains("128 + signal\\fR"), cfg!(feature = "watch"), "{plain}");
        let daemon = Daemon::repeat("1s", || {}).action("pause", "Its own", || {}).action("logs", "Its own", || {});
        let told = page(&daemon.action("unit", "Its own", || {}));
        assert!(!told.contains("logs: ") && !told.contains("unit: "), "{told}");
        assert!(told.contains("run-now, resume: it takes none of these"), "{told}");
        assert!(told.contains("run: that of the worker; run --once: that of the tick."), "{told}");
        assert!(told.contains("SIGRTMIN+10") && !told.contains("SIGRTMIN+11"), "{told}");
    }

    #[test]
    fn a_hang_up_opens_logs_again_only_where_the_daemon_does_so() {
        let reopens = |daemon: &Daemon| page(daemon).contains(REOPENS_DETACHED);
        for daemon in [
            Daemon::new(|| {}),
            Daemon::new(|| {}).stdout("/dev/null").stderr("journal"),
            Daemon::new(|| {}).name("x").prefix("/usr").stdout("/dev/null").stderr("/dev/null"),
            Daemon::new(|| {}).stdout("/var/log/x").chroot("/srv/x"),
        ] {
            assert!(!reopens(&daemon), "{}", page(&daemon));
        }
        for daemon in [
            Daemon::new(|| {}).stdout("/dev/null").stderr("/var/log/x"),
            Daemon::new(|| {}).name("x").prefix("/usr").stdout("/dev/null"),
            Daemon::new(|| {}).stdout(expand("$NO_SUCH_VARIABLE/x.log")),
            Daemon::new(|| {}).stdout("/srv/x/log").chroot("/srv/x"),
        ] {
            assert!(reopens(&daemon), "{}", page(&daemon));
        }
    }

    #[test]
    fn each_signal_is_told_with_what_it_does_here() {
        let daemon = Daemon::new(|| {}).stop_signal("SIGUSR1").signal("SIGUSR2", || {}).signal("SIGWINCH", "ignore");
        let told = page(&daemon.stdout("/x.log"));
        for (signals, text) in [
            ("SIGTERM, SIGINT, SIGQUIT, SIGUSR1", SHUTS_DOWN),
            ("SIGHUP", REOPENS_DETACHED),
            ("SIGUSR2", meaning(&SignalAction::Call(std::sync::Arc::new(|| {})))),
            ("SIGWINCH", meaning(&SignalAction::Ignore)),
        ] {
            assert!(told.contains(&format!("\\fB{signals}\\fR\n{text}\n")), "{signals}: {told}");
        }
        assert!(!told.contains("SIGRTMIN"), "{told}");
        assert!(page(&Daemon::repeat("1s", || {})).contains("\\fBSIGRTMIN+11\\fR\nDoes what the action pause"));
        assert!(page(&Daemon::new(|| {}).signal("SIGTERM", "terminate")).contains("\\fBSIGTERM, SIGINT, SIGQUIT\\fR"));
    }
}
