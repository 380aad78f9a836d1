//! The sections of the manual page that no command line has: what the exit codes and the signals mean, and which files there are.

use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use nix::libc::{SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGRTMIN, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
use nix::sys::signal::Signal as Known;

use crate::outcome::EXIT_CODES;
use crate::spec::order::Order;
use crate::spec::plan::places_below;
use crate::spec::signal::SignalAction;
use crate::spec::stream::Stream;
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
    let of_orders = |when: &str| when.starts_with(&format!("`{}`", Order::RunNow.word()));
    for rows in EXIT_CODES.chunk_by(|one, other| one.0 == other.0) {
        let said = rows.iter().map(|(_, when)| *when).filter(|when| spec.repeats() || !of_orders(when));
        let said = capitalized(&said.collect::<Vec<_>>().join("; ")).replace('`', "");
        let code = rows.first().map_or("", |(code, _)| code);
        entry(&mut section, bold(code), &format!("{said}."));
    }
    section
}

/// As a sentence begins, unless it begins with the name of an action.
fn capitalized(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

fn files(spec: &Spec) -> Roff {
    let mut section = section("FILES");
    let [pidfile, logs @ ..] = paths(spec);
    let pidfile = pidfile.unwrap_or_else(|| {
        let name = numbered_name(spec);
        format!("/run/{name}.pid (root), $XDG_RUNTIME_DIR/{name}.pid, or ~/.local/state/{name}.pid")
    });
    entry(&mut section, italic(pidfile), "The pidfile: the daemon's pid and a newline.");
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
    for (path, what) in logs.into_iter().zip(["standard input", "standard output", "standard error"]) {
        if let Some(path) = path {
            entry(&mut section, italic(path), &format!("The daemon's {what}."));
        }
    }
    if spec.instances.is_some() {
        section.control("PP", []).text([bold("{n}"), roman(" stands for the number of the instance.")]);
    }
    section
}

/// The pidfile and the three streams, where they are set, as they were written.
fn paths(spec: &Spec) -> [Option<String>; 4] {
    let written = |key: &str| spec.written.iter().find(|(known, _)| *known == key).map(|(_, text)| text.clone());
    let standard = spec.prefix.as_ref().and_then(|_| places_below(spec, &numbered_name(spec)));
    let [below_pidfile, below_out, below_err] = standard.map_or([None, None, None], |paths| paths.map(Some));
    let stream = |key: &str, stream: &Option<Stream>, below: Option<String>| match stream {
        Some(Stream::Open(_)) => None,
        Some(Stream::Journal) => Some("journal".to_owned()),
        Some(Stream::Syslog) => Some("syslog".to_owned()),
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
    for order in Order::ALL.into_iter().filter(|_| spec.repeats()) {
        let name = format!("SIGRTMIN+{}", order.signal() - SIGRTMIN());
        entry(&mut section, bold(name), &format!("Does what the action {} asks for.", order.word()));
    }
    section
}

const SHUTS_DOWN: &str = "Asks the daemon to end in order. A second one ends it at once.";
const REOPENS: &str = "Has the daemon open its logs again.";
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
    let is_path = |stream: &Option<Stream>| matches!(stream, Some(Stream::Path(_)));
    let has_log = is_path(&spec.stdout) || is_path(&spec.stderr) || spec.prefix.is_some();
    match *spec.job.borrow() {
        Job::Program { .. } => PASSED_ON,
        _ if has_log || spec.written.iter().any(|(key, _)| ["stdout", "stderr"].contains(key)) => REOPENS,
        _ => "Ends the daemon, unless the program handles it by itself. The action reload sends it only then.",
    }
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
    fn each_signal_is_told_with_what_it_does_here() {
        let daemon = Daemon::new(|| {}).stop_signal("SIGUSR1").signal("SIGUSR2", || {}).signal("SIGWINCH", "ignore");
        let told = page(&daemon.stdout("/x.log"));
        for (signals, text) in [
            ("SIGTERM, SIGINT, SIGQUIT, SIGUSR1", SHUTS_DOWN),
            ("SIGHUP", REOPENS),
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
