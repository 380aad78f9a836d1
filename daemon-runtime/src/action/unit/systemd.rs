//! A service of systemd: `systemd.service(5)`, `systemd.exec(5)`, `systemd.kill(5)`.

mod places;
mod timer;
mod words;

use std::time::Duration;

use nix::unistd::{getegid, geteuid, getgroups};

pub(super) use self::timer::timer;
use self::words::{argument, command, quoted, span, specifiers, unit_name};
use super::program::{self, Work};
use super::{Subject, UnitFile, UnitScope, refuse};
use crate::error::Error;
use crate::process::privileges::Identity;
use crate::spec::account::Account;
use crate::spec::plan::NUMBER;
use crate::spec::signal::SignalAction;

/// What stands for an instance of a template; `systemd.unit(5)`.
const INSTANCE: &str = "%i";

/// The lines of a unit file.
struct Text(String);

impl Text {
    fn of(name: &str) -> Self {
        Self(format!("# {name}\n"))
    }

    fn section(&mut self, name: &str) {
        let blank = if self.0.lines().count() > 1 { "\n" } else { "" };
        self.0.extend([blank, "[", name, "]\n"]);
    }

    fn line(&mut self, key: &str, value: &str) {
        self.0.extend([key, "=", value, "\n"]);
    }

    fn comment(&mut self, text: &str) {
        self.0.extend(["# ", text, "\n"]);
    }
}

/// The service that is there as long as the daemon.
pub(super) fn service(subject: &Subject<'_>) -> Result<UnitFile, Error> {
    check_scope(subject)?;
    let name = file_name(subject, "service");
    let mut text = Text::of(&name);
    describe(subject, &mut text);
    text.section("Service");
    // By the process itself, which stays in the foreground; whom it has begun is not to speak for it.
    text.line("Type", "notify");
    text.line("NotifyAccess", "main");
    text.line("ExecStart", &run(subject, Work::Run)?);
    if takes_hangup(subject) {
        text.line("ExecReload", &reload(subject)?);
    }
    text.line("Restart", "on-failure");
    // What a command line or a lack of privilege keeps from working does not work the next time either.
    text.line("RestartPreventExitStatus", "2 4");
    // To systemd 0 would be for ever, and less than the daemon needs is no start.
    if !subject.plan.start_timeout.is_zero() {
        text.line("TimeoutStartSec", &span(subject.plan.start_timeout));
    }
    stop(subject, &mut text);
    watch(subject, &mut text)?;
    surround(subject, &mut text);
    text.section("Install");
    text.line("WantedBy", if scope(subject) == UnitScope::System { "multi-user.target" } else { "default.target" });
    Ok(UnitFile { name, text: text.0 })
}

fn describe(subject: &Subject<'_>, text: &mut Text) {
    text.section("Unit");
    // A backslash at the end would take the next line along.
    let about = subject.about().map(|about| specifiers(about.trim_end_matches('\\')));
    let about = about.filter(|about| !about.is_empty());
    let number = if subject.is_template() { format!(" ({INSTANCE})") } else { String::new() };
    let about = about.map_or_else(|| path_of(subject, &subject.plan.name), |about| about + &number);
    text.line("Description", about.trim_end_matches('\\'));
}

fn stop(subject: &Subject<'_>, text: &mut Text) {
    // To systemd 0 would be for ever.
    text.line("TimeoutStopSec", &span(subject.plan.stop_timeout.max(Duration::from_micros(1))));
    let signal = nix::sys::signal::Signal::try_from(subject.plan.stop_signal);
    text.line("KillSignal", signal.map_or("SIGTERM", nix::sys::signal::Signal::as_str));
    // As with `stop`, the signal is the daemon's alone: a second one would end it at once. What it leaves behind is killed.
    text.line("KillMode", "mixed");
}

fn watch(subject: &Subject<'_>, text: &mut Text) -> Result<(), Error> {
    match subject.options.watchdog {
        None => Ok(()),
        Some(time) if time.is_zero() => refuse("a watchdog must give the daemon some time"),
        Some(_) if !subject.spec.job.borrow().waits_for_shutdown() => {
            refuse("a worker without a `Context` gives no signs of life: leave `--watchdog` out")
        }
        Some(time) => {
            text.line("WatchdogSec", &span(time));
            Ok(())
        }
    }
}

/// What the process is begun with. The daemon sees to all of it itself; so systemd knows, and what it opens fits.
fn surround(subject: &Subject<'_>, text: &mut Text) {
    if hands_over_root(subject) {
        let lists = [
            ("User", subject.plan.user.as_slice()),
            ("Group", subject.plan.group.as_slice()),
            ("SupplementaryGroups", subject.plan.groups.as_deref().unwrap_or_default()),
        ];
        for (key, accounts) in lists.iter().filter(|(_, accounts)| !accounts.is_empty()) {
            let names: Vec<_> = accounts.iter().map(Account::to_string).collect();
            text.line(key, &names.join(" "));
        }
    }
    text.line("UMask", &format!("{:04o}", subject.plan.umask));
    text.line("LimitCORE", if subject.plan.core_dumps { "infinity" } else { "0" });
    // By which `logs` asks the journal; systemd's own would be the executable's name.
    let name = &subject.plan.name;
    if name.trim() == name && !name.ends_with('\\') {
        text.line("SyslogIdentifier", &path_of(subject, name));
    }
    places::tell(subject, scope(subject), text);
    let own = subject.spec.env.iter().filter_map(|(key, value)| key.to_str().zip(value.to_str()));
    let of_paths = places::variables(subject, scope(subject));
    // The last of a name counts: paths are made before the daemon has an environment of its own.
    let all = own.chain(of_paths.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    for (key, value) in all.filter(|(key, value)| is_variable(key, value)) {
        text.line("Environment", &quoted(&format!("{key}={value}")));
    }
}

/// systemd takes no other.
fn is_variable(key: &str, value: &str) -> bool {
    let is_name = |c: char| c == '_' || c.is_ascii_alphanumeric();
    let is_plain = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    key.chars().all(is_name) && !key.starts_with(|c: char| c.is_ascii_digit()) && value.chars().all(is_plain)
}

/// What a user's own systemd cannot have done.
fn check_scope(subject: &Subject<'_>) -> Result<(), Error> {
    let plan = &subject.plan;
    if scope(subject) == UnitScope::System {
        return Ok(());
    }
    if plan.chroot.is_some() {
        return refuse("`chroot` needs root, which a user's own systemd has not: leave `--user` out");
    }
    let is_another = Identity::named(plan)?.is_some_and(|identity| {
        let (user, group, groups) = identity.numbers();
        let mine: Vec<_> = getgroups().unwrap_or_default().iter().map(|group| group.as_raw()).collect();
        let has_others = || groups.iter().any(|other| *other != group && !mine.contains(other));
        user != geteuid().as_raw() || group != getegid().as_raw() || (plan.groups.is_some() && has_others())
    });
    if is_another {
        return refuse(format!(
            "to become {} needs root, which a user's own systemd has not: leave `--user` out",
            plan.account()
        ));
    }
    Ok(())
}

fn scope(subject: &Subject<'_>) -> UnitScope {
    let needs_root = subject.plan.names_account() || subject.plan.chroot.is_some();
    let usual = if geteuid().is_root() || needs_root { UnitScope::System } else { UnitScope::User };
    subject.options.scope.unwrap_or(usual)
}

/// Whether systemd is told whom the daemon becomes, which the daemon then does itself.
fn hands_over_root(subject: &Subject<'_>) -> bool {
    let plan = &subject.plan;
    let named = || plan.user.iter().chain(&plan.group).chain(plan.groups.iter().flatten());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let is_known_as_such = |name: String| name.chars().all(is_plain) && !name.starts_with(['-', '.']);
    scope(subject) == UnitScope::System
        && subject.plan.names_account()
        && named().map(Account::to_string).all(is_known_as_such)
}

/// Whether SIGHUP means something to the daemon in the foreground, where it has no logs of its own to open again.
fn takes_hangup(subject: &Subject<'_>) -> bool {
    let hangup = nix::libc::SIGHUP;
    let mapped = subject.spec.signals.iter().find(|(signal, _)| *signal == hangup).map(|(_, action)| action);
    let is_stop = subject.plan.stop_signal == hangup;
    match mapped {
        Some(action) => matches!(action, SignalAction::Call(_)) && !is_stop,
        None => subject.plan.is_program && !is_stop,
    }
}

fn run(subject: &Subject<'_>, work: Work) -> Result<String, Error> {
    command_line(subject, &program::words(subject, work, number(subject), argument)?)
}

fn reload(subject: &Subject<'_>) -> Result<String, Error> {
    let number = number(subject).into_iter().flat_map(|number| ["--instance".to_owned(), number]);
    command_line(subject, &std::iter::once("reload".to_owned()).chain(number).collect::<Vec<_>>())
}

/// `!` leaves it to the program to become the user.
fn command_line(subject: &Subject<'_>, words: &[String]) -> Result<String, Error> {
    let prefix = if hands_over_root(subject) { "!" } else { "" };
    Ok(format!("{prefix}{} {}", command(&program::path()?), words.join(" ")))
}

/// The instance, or its place in a template.
fn number(subject: &Subject<'_>) -> Option<String> {
    if subject.is_template() { Some(INSTANCE.to_owned()) } else { program::number(subject.spec) }
}

/// What a path or a name is to systemd, with its place for the instance's number.
fn path_of(subject: &Subject<'_>, path: &str) -> String {
    let path = specifiers(path);
    if subject.is_template() { path.replace(NUMBER, INSTANCE) } else { path }
}

fn file_name(subject: &Subject<'_>, kind: &str) -> String {
    if !subject.is_template() {
        return format!("{}.{kind}", unit_name(&subject.plan.name));
    }
    let name = subject.plan.name.replace(NUMBER, "");
    format!("{}@.{kind}", unit_name(name.trim_matches(['-', '_', '.'])))
}

#[cfg(test)]
mod tests;
