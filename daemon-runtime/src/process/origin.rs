//! How this program was begun, and what the next image of it is given.

use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::handover::{Handover, Part, VARIABLE, is_variable};
use crate::manager::Given;
use crate::spec::plan::Plan;
use crate::sys::descriptor;

/// How this program was begun, so that it can be again.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(super) program: PathBuf,
    pub(super) words: Vec<OsString>,
    pub(super) dir: PathBuf,
}

impl Origin {
    /// Found out before anything changes: the path of a program that was replaced on disk is not to be had any more.
    pub(crate) fn here() -> Self {
        let words: Vec<OsString> = env::args_os().collect();
        Self { program: program(words.first()), dir: env::current_dir().unwrap_or_else(|_| PathBuf::from("/")), words }
    }

    /// What the next image is told that is to be this part of the daemon.
    pub(super) fn handover(&self, part: Part, plan: &Plan, fds: Vec<Option<RawFd>>) -> io::Result<Handover> {
        let claim = fds.get(1).copied().flatten();
        Ok(Handover {
            part,
            name: plan.name.clone(),
            instance: plan.instance,
            ordinal: plan.ordinal,
            from: std::process::id(),
            pidfile: plan.pidfile.clone(),
            workdir: plan.workdir.clone(),
            chroot: plan.chroot.clone(),
            logs: [&plan.stdout, &plan.stderr].map(|stream| stream.named().map(Path::to_owned)),
            claim: claim.map(descriptor::identity).transpose()?.unwrap_or_default(),
            program: self.program.clone(),
            dir: self.dir.clone(),
            fds,
            missing: Vec::new(),
            manager: Given::default(),
            record: None,
        })
    }
}

/// The same, for who wants to write it down.
pub(crate) fn this_program() -> PathBuf {
    program(env::args_os().next().as_ref())
}

/// Where this program is: as it was called, where that leads to it, because a link on the way may lead to a newer version one
/// day.
fn program(word: Option<&OsString>) -> PathBuf {
    let called = word.and_then(|word| std::path::absolute(word).ok()).unwrap_or_default();
    match env::current_exe() {
        Ok(program) if called == program || called.canonicalize().is_ok_and(|called| called == program) => called,
        Ok(program) => program,
        Err(_) => called,
    }
}

/// An environment with what the next image is told.
pub(super) fn with_handover(
    mut environment: Vec<(OsString, OsString)>,
    handover: &Handover,
) -> io::Result<Vec<CString>> {
    environment.retain(|(key, _)| !is_variable(key));
    environment.push((VARIABLE.into(), handover.text().into()));
    let variable = |(key, value): (OsString, OsString)| {
        let mut both = key;
        both.push("=");
        both.push(value);
        text(&both)
    };
    environment.into_iter().map(variable).collect()
}

pub(super) fn texts(words: &[OsString]) -> io::Result<Vec<CString>> {
    words.iter().map(|word| text(word)).collect()
}

pub(super) fn text(word: &OsStr) -> io::Result<CString> {
    Ok(CString::new(word.as_bytes())?)
}
