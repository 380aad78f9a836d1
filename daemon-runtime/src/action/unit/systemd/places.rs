//! Where the daemon works and writes, as far as systemd has a word for it.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Text, path_of};
use crate::action::unit::{HOME, Subject, UnitScope};
use crate::spec::Job;
use crate::spec::plan::numbered_path;
use crate::spec::stream::{Stream, is_null, names_descriptor};

/// Folders and standard streams.
pub(super) fn tell(subject: &Subject<'_>, scope: UnitScope, text: &mut Text) {
    working_directory(subject, text);
    folders(subject, scope, text);
    streams(subject, scope, text);
}

/// The daemon's own, unless paths are relative: then they mean what they mean here, and the daemon goes to its own by itself.
fn working_directory(subject: &Subject<'_>, text: &mut Text) {
    let here = std::env::current_dir().ok().filter(|_| has_relative_paths(subject));
    let own =
        (subject.plan.chroot.is_none() && subject.plan.workdir != Path::new("/")).then(|| subject.plan.workdir.clone());
    if let Some(folder) = here.or(own).as_deref().and_then(writable) {
        text.line("WorkingDirectory", &path_of(subject, folder));
    }
}

fn has_relative_paths(subject: &Subject<'_>) -> bool {
    // The path of another program is absolute by now, whatever it was.
    let is_from_here =
        |program: &OsString| std::env::current_dir().is_ok_and(|here| Path::new(program).starts_with(here));
    let program = matches!(&*subject.spec.job.borrow(), Job::Program { program, .. } if is_from_here(program));
    program || subject.paths().any(Path::is_relative)
}

/// A folder of the daemon's own for its pidfile is made by systemd too, and then may be written to whatever else the unit
/// forbids.
fn folders(subject: &Subject<'_>, scope: UnitScope, text: &mut Text) {
    let plan = &subject.plan;
    let own = |root: &str| {
        let folder = plan.pidfile.parent()?.strip_prefix(root).ok()?.to_str()?;
        // Any other may be one that others share, and would be given to the daemon's user.
        (folder == plan.name && is_plain(folder)).then_some(folder)
    };
    if let Some(folder) = own("/run").or_else(|| own("/var/run")).filter(|_| scope == UnitScope::System) {
        text.line("RuntimeDirectory", &path_of(subject, folder));
        // A daemon that was started by hand has its pidfile there.
        text.line("RuntimeDirectoryPreserve", "yes");
    }
}

fn is_plain(folder: &str) -> bool {
    !folder.is_empty() && folder.chars().all(|c| c.is_ascii_alphanumeric() || "-_.{}".contains(c))
}

/// In the foreground the streams stay as they are; so systemd is told where the daemon's own would go.
fn streams(subject: &Subject<'_>, scope: UnitScope, text: &mut Text) {
    let (spec, plan) = (subject.spec, &subject.plan);
    let has_prefix = spec.prefix.is_some();
    if let (Some(_), Stream::Path(path)) = (&spec.stdin, &plan.stdin) {
        if let Some(path) = writable(path).filter(|_| !names_descriptor(path)) {
            text.line("StandardInput", &format!("file:{}", path_of(subject, path)));
        }
    }
    let mut is_told = false;
    for (key, stream, is_given) in [
        ("StandardOutput", &plan.stdout, spec.stdout.is_some() || has_prefix),
        ("StandardError", &plan.stderr, spec.stderr.is_some() || has_prefix),
    ] {
        match (Output::of(stream).filter(|_| is_given), is_told) {
            (Some(Output::Log(path)), _) => match log(subject, scope, path) {
                Ok(value) => text.line(key, &value),
                Err(why) => {
                    text.comment(&why);
                    text.line(key, JOURNAL);
                }
            },
            (Some(Output::Word(word)), _) => text.line(key, word),
            // Without a word, stderr would go where stdout goes.
            (None, true) => text.line(key, JOURNAL),
            (None, false) => continue,
        }
        is_told = true;
    }
}

const JOURNAL: &str = "journal";

/// Where a stream goes.
enum Output<'a> {
    Word(&'static str),
    Log(&'a Path),
}

impl<'a> Output<'a> {
    /// What was left out goes to the journal; so does what is for syslog, to which journald hands it on.
    fn of(stream: &'a Stream) -> Option<Self> {
        match stream {
            Stream::Path(path) if is_null(path) => Some(Self::Word("null")),
            // systemd's own, if it were to open it.
            Stream::Path(path) if names_descriptor(path) => Some(Self::Word(JOURNAL)),
            Stream::Path(path) => Some(Self::Log(path)),
            Stream::Journal | Stream::Syslog => Some(Self::Word(JOURNAL)),
            Stream::Open(_) => None,
        }
    }
}

/// systemd makes no folder before it opens a log, and follows whatever link it finds there, as root.
fn log(subject: &Subject<'_>, scope: UnitScope, path: &Path) -> Result<String, String> {
    let told = path.display().to_string().replace(char::is_control, "?");
    let Some(text) = writable(path) else {
        return Err(format!("{told} is no path that can be told here."));
    };
    let numbers = if subject.is_template() { 0..subject.spec.instances.unwrap_or(1) } else { 0..1 };
    let mut folders = numbers.filter_map(|number| path_of_one(subject, path, number).parent().map(Path::to_owned));
    match scope {
        UnitScope::User if folders.all(|folder| folder.is_dir()) => {}
        UnitScope::System if folders.all(|folder| is_roots_alone(&folder)) => {}
        UnitScope::User => return Err(format!("The folder of {told} is not there yet.")),
        UnitScope::System => return Err(format!("The folder of {told} is not there, or not root's alone.")),
    }
    Ok(format!("append:{}", path_of(subject, text)))
}

fn path_of_one(subject: &Subject<'_>, path: &Path, number: u32) -> PathBuf {
    if subject.is_template() { numbered_path(path, Some(number)) } else { path.to_owned() }
}

/// Whether nobody but root can put anything in its place or into it.
fn is_roots_alone(folder: &Path) -> bool {
    let is_roots = |folder: &Path, may_be_shared: u32| {
        folder
            .metadata()
            .is_ok_and(|m| m.is_dir() && m.uid() == 0 && (m.mode() & 0o002 == 0 || m.mode() & may_be_shared != 0))
    };
    // Others may have things of their own beside it, where they cannot touch what is root's.
    let is_way = |folder: &Path| folder.ancestors().skip(1).all(|folder| is_roots(folder, 0o1000));
    let real = folder.canonicalize();
    is_roots(folder, 0) && is_way(folder) && real.is_ok_and(|real| is_way(&real))
}

/// What the paths were made of. `~` means the home of who runs the program; where that is the system's systemd, it is the
/// daemon's user's, if any.
pub(super) fn variables(subject: &Subject<'_>, scope: UnitScope) -> Vec<(String, String)> {
    let is_needed = |name: &str| name != HOME || scope == UnitScope::System;
    subject.variables().into_iter().filter(|(name, _)| is_needed(name)).collect()
}

/// A path that can stand on a line of a unit.
fn writable(path: &Path) -> Option<&str> {
    path.to_str().filter(|path| !path.contains(char::is_control) && !path.ends_with('\\') && path.trim() == *path)
}
