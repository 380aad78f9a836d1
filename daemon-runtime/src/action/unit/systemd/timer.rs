//! A timer, and the service for one tick that it begins: `systemd.timer(5)`.

use super::super::program::Work;
use super::super::{Subject, UnitFile, refuse};
use super::words::span;
use super::{Text, check_scope, describe, file_name, run, stop, surround};
use crate::error::Error;
use crate::spec::setting::{Missed, OnError};
use crate::spec::{Job, Timetable};

/// A service for one tick, and the timer that begins it.
pub(in super::super) fn timer(subject: &Subject<'_>) -> Result<Vec<UnitFile>, Error> {
    let table = timetable(subject)?;
    check_scope(subject)?;
    if subject.options.watchdog.is_some() {
        return refuse("a service of one tick gives no signs of life: leave `--watchdog` out, or `--timer`");
    }
    Ok(vec![one_tick(subject)?, clock(subject, &table)])
}

fn one_tick(subject: &Subject<'_>) -> Result<UnitFile, Error> {
    let name = file_name(subject, "service");
    let mut text = Text::of(&name);
    describe(subject, &mut text);
    text.section("Service");
    text.line("Type", "oneshot");
    text.line("ExecStart", &run(subject, Work::Once)?);
    stop(subject, &mut text);
    surround(subject, &mut text);
    Ok(UnitFile { name, text: text.0 })
}

fn clock(subject: &Subject<'_>, table: &Timetable) -> UnitFile {
    let name = file_name(subject, "timer");
    let mut text = Text::of(&name);
    describe(subject, &mut text);
    text.section("Timer");
    text.line("OnActiveSec", &span(table.initial_delay));
    match table.missed {
        Missed::Delay => text.line("OnUnitInactiveSec", &span(table.every)),
        Missed::Skip => text.line("OnUnitActiveSec", &span(table.every)),
        Missed::Burst => {
            text.comment(
                "missed = \"burst\": a timer makes up for nothing, and leaves out what comes due while a tick runs.",
            );
            text.line("OnUnitActiveSec", &span(table.every));
        }
    }
    if !table.jitter.is_zero() {
        text.line("RandomizedDelaySec", &span(table.jitter));
    }
    // By default a timer may be a minute late.
    text.line("AccuracySec", "1us");
    text.section("Install");
    text.line("WantedBy", "timers.target");
    UnitFile { name, text: text.0 }
}

/// The timetable, if a timer can keep it.
fn timetable(subject: &Subject<'_>) -> Result<Timetable, Error> {
    match &*subject.spec.job.borrow() {
        Job::Repeat { timetable, .. } if timetable.times > 0 => refuse(format!(
            "a timer knows no end, and this daemon ends after {} ticks (`times`): leave `--timer` out",
            timetable.times
        )),
        Job::Repeat { on_error: OnError::Stop, .. } => refuse(
            "a timer goes on after a tick that failed, and this daemon ends (`on_error = \"stop\"`): leave `--timer` out",
        ),
        Job::Repeat { timetable, .. } => Ok(timetable.clone()),
        _ => refuse(
            "only a repeating daemon can have a timer (`#[repeat_daemon]`, `Daemon::repeat`): leave `--timer` out",
        ),
    }
}
