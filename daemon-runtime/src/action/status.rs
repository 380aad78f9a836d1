//! `status`: a pure question.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use nix::unistd::{SysconfVar, sysconf};
use serde_json::{Map, Value};

use super::ticks::{self, Ticks};
use super::{StatusOptions, fields};
use crate::error::Error;
use crate::pidfile::{Holders, Life, Running, look};
use crate::process::privileges::user_of;
use crate::process::session::{self, Stat, Unread};
use crate::spec::Spec;
use crate::spec::plan::Plan;

/// What `status` tells.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Status {
    /// The daemon's name.
    pub name: String,
    /// Whether it runs.
    pub state: State,
    /// What a repeating daemon that runs tells of its ticks. An error is the reason why it cannot be told.
    pub ticks: Option<Result<Ticks, String>>,
    /// What the daemon says that it is doing; see [`Context::set_status`](crate::Context::set_status).
    pub text: Option<String>,
    pub(crate) more: Map<String, Value>,
}

/// Whether a daemon runs.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum State {
    /// It runs.
    Running(Vitals),
    /// It does not run, and its pidfile was left behind.
    Dead {
        /// What was left behind, in words.
        left: String,
    },
    /// It is there, and its start is not agreed on yet; told only where that was asked for ([`StatusOptions::ready`]).
    Starting {
        /// Its pid.
        pid: i32,
    },
    /// It does not run.
    NotRunning,
    /// There is no proof either way, for this account.
    Unknown {
        /// Why not.
        reason: String,
    },
}

/// What is known of a daemon that runs. That it runs, and its pid, the kernel's locks tell; the rest stands in `/proc`, and is
/// `None` where this account is not shown it, or did not ask for it ([`StatusOptions::fields`]).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Vitals {
    /// Its pid.
    pub pid: i32,
    /// How long it has been running.
    pub uptime: Option<Duration>,
    /// The share of one processor that all processes of its session have had in their lives so far, in percent.
    pub cpu_percent: Option<f64>,
    /// The share of the machine's memory that all processes of its session have resident, in percent.
    pub memory_percent: Option<f64>,
    /// The memory that all processes of its session have resident, in bytes; what they share is counted for each.
    pub memory_bytes: Option<u64>,
    /// How many processes its session has.
    pub group_num_procs: Option<usize>,
    /// Why something of this cannot be told, where that is so.
    pub untold: Option<String>,
    /// What each process of its session has had of the processors, where `cpu_percent` can be told.
    pub(crate) spent: Vec<Spent>,
}

/// What a process has had of the processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) pid: i32,
    /// When it began; with the number, nobody else's.
    pub(crate) starttime: u64,
    pub(crate) time: Duration,
}

pub(crate) fn status(spec: &Spec, options: &StatusOptions) -> Result<Status, Error> {
    fields::check(&options.fields)?;
    let plan = Plan::of(spec)?;
    let mut more = Map::new();
    let state = match look(&plan.pidfile, user_of(&plan))? {
        Life::Running(daemon) if options.ready && daemon.is_starting() => State::Starting { pid: daemon.pid },
        Life::Running(Running { pid, unagreed: Some(why), .. }) if options.ready => State::Unknown {
            reason: format!("pid {pid} is there, but whether it is ready only its claim tells: {why}"),
        },
        Life::Running(daemon) => {
            let vitals = vitals(&daemon, &options.fields, &mut more);
            // Else it has ended between the question and the look.
            match vitals.untold.is_some().then(|| daemon.is_vouched()) {
                None | Some(Ok(true)) => State::Running(vitals),
                Some(Ok(false)) => State::NotRunning,
                Some(Err(reason)) => State::Unknown { reason },
            }
        }
        Life::Absent | Life::Starting => State::NotRunning,
        Life::Held => State::Unknown { reason: Holders::told(&plan.pidfile) },
        Life::Dead { left } => State::Dead { left },
        Life::Unknown { reason } => State::Unknown { reason },
    };
    let (ticks, text) = match &state {
        State::Running(vitals) if fields::need_record(&options.fields) => of_record(spec, &plan, vitals.pid),
        _ => (None, None),
    };
    Ok(Status { name: plan.name, state, ticks, text, more })
}

/// What the daemon tells of its ticks, if it has any, and what it says that it is doing.
fn of_record(spec: &Spec, plan: &Plan, pid: i32) -> (Option<Result<Ticks, String>>, Option<String>) {
    if !spec.repeats() {
        return (None, ticks::said(&plan.pidfile, pid));
    }
    match ticks::told(&plan.pidfile, pid) {
        Ok((ticks, text)) => (Some(Ok(ticks)), text),
        Err(why) => (Some(Err(why)), None),
    }
}

fn vitals(daemon: &Running, wanted: &[String], more: &mut Map<String, Value>) -> Vitals {
    let pid = daemon.pid;
    let vitals = fields::tell_others(pid, wanted, more).and_then(|()| {
        let stat = fields::need_proc(wanted).then(|| session::stat(pid)).transpose()?;
        seen(daemon, stat.as_ref(), wanted)
    });
    vitals.unwrap_or_else(|error| {
        let untold = Some(session::why_unseen(pid, &error));
        Vitals { untold, ..known(pid) }
    })
}

/// What is known of it without /proc.
fn known(pid: i32) -> Vitals {
    Vitals {
        pid,
        uptime: None,
        cpu_percent: None,
        memory_percent: None,
        memory_bytes: None,
        group_num_procs: None,
        untold: None,
        spent: Vec::new(),
    }
}

fn seen(daemon: &Running, stat: Option<&Stat>, wanted: &[String]) -> Result<Vitals, Unread> {
    let Some(stat) = stat else { return Ok(known(daemon.pid)) };
    let now = Duration::from(clock_gettime(ClockId::CLOCK_BOOTTIME).map_err(|e| Unread::new("the clock", e.into()))?);
    let alone = Vitals { uptime: Some(age(stat, now)), ..known(daemon.pid) };
    if !fields::need_session(wanted) {
        return Ok(alone);
    }
    let group = group_of(daemon, stat)?;
    let resident = resident(&group);
    Ok(Vitals {
        cpu_percent: Some(group.iter().map(|member| cpu_percent(member, now)).sum()),
        memory_percent: Some(memory_percent(resident)),
        memory_bytes: Some(resident),
        group_num_procs: Some(group.len()),
        spent: group.iter().map(Spent::of).collect(),
        ..alone
    })
}

/// The processes of the daemon's session. One that runs in the foreground shares its session with the shell that started
/// it, whose other processes are not the daemon's: then those of its process group.
fn group_of(daemon: &Running, stat: &Stat) -> Result<Vec<Stat>, Unread> {
    // One that knows itself by another number is in a pid namespace of its own, whose init adopts whom it leaves behind.
    let is_near = daemon.is_noted();
    let members = if is_near { session::around(stat) } else { session::members(stat.session) }?;
    let pid = stat.pid;
    let shared = stat.pgrp != stat.session || (pid != stat.session && members.iter().any(|m| m.pid == stat.session));
    Ok(members.into_iter().filter(|member| !shared || member.pgrp == stat.pgrp).collect())
}

/// What the system says of itself; 0 where it does not, which does not happen.
fn system(name: SysconfVar) -> u64 {
    sysconf(name).ok().flatten().and_then(|value| u64::try_from(value).ok()).unwrap_or(0)
}

fn ticks(count: u64) -> Duration {
    let per_second = system(SysconfVar::CLK_TCK).max(1);
    Duration::from_nanos(count.saturating_mul(1_000_000_000 / per_second))
}

fn age(stat: &Stat, now: Duration) -> Duration {
    now.saturating_sub(ticks(stat.starttime))
}

fn cpu_percent(stat: &Stat, now: Duration) -> f64 {
    let lived = age(stat, now).as_secs_f64();
    if lived > 0.0 { 100.0 * Spent::of(stat).time.as_secs_f64() / lived } else { 0.0 }
}

impl Spent {
    fn of(stat: &Stat) -> Self {
        Self { pid: stat.pid, starttime: stat.starttime, time: ticks(stat.utime + stat.stime) }
    }
}

fn resident(group: &[Stat]) -> u64 {
    let page = system(SysconfVar::PAGE_SIZE);
    group.iter().map(|member| member.rss.saturating_mul(page)).sum()
}

#[allow(clippy::cast_precision_loss, reason = "a percentage needs no more than 52 bits of a byte count")]
fn memory_percent(resident: u64) -> f64 {
    let total = nix::sys::sysinfo::sysinfo().map_or(0, |info| info.ram_total());
    if total > 0 { 100.0 * resident as f64 / total as f64 } else { 0.0 }
}
