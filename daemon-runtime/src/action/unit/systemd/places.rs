//! Where the daemon works and writes, as far as systemd has a word for it.

use std::path::{Path, PathBuf};

use super::words::quoted;
use super::{Text, path_of};
use crate::action::unit::{Subject, UnitScope};
use crate::spec::stream::Stream;

/// Folders, standard streams, and the home directory that paths were made of.
pub(super) fn tell(subject: &Subject<'_>, scope: UnitScope, text: &mut Text) {
    working_directory(subject, text);
    folders(subject, scope, text);
    streams(subject, text);
    home(subject, scope, text);
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
    let spec = subject.spec;
    let paths = [&spec.pidfile, &spec.workdir, &spec.chroot, &spec.prefix].into_iter().flatten().map(PathBuf::as_path);
    let streams = [&spec.stdin, &spec.stdout, &spec.stderr].into_iter().flatten();
    let files = streams.filter_map(|stream| match stream {
        Stream::Path(path) => Some(path.as_path()),
        _ => None,
    });
    paths.chain(files).any(Path::is_relative)
}

/// A folder of the daemon's own for its pidfile or its logs is made by systemd too, and then may be written to whatever else
/// the unit forbids.
fn folders(subject: &Subject<'_>, scope: UnitScope, text: &mut Text) {
    let plan = &subject.plan;
    let own = |file: &Path, root: &str| {
        let folder = file.parent()?.strip_prefix(root).ok()?.to_str()?;
        // Any other may be one that others share, and would be given to the daemon's user.
        (folder == plan.name && is_plain(folder)).then(|| folder.to_owned())
    };
    if scope == UnitScope::User {
        return;
    }
    if let Some(folder) = own(&plan.pidfile, "/run").or_else(|| own(&plan.pidfile, "/var/run")) {
        text.line("RuntimeDirectory", &path_of(subject, &folder));
        // A daemon that was started by hand has its pidfile there.
        text.line("RuntimeDirectoryPreserve", "yes");
    }
    if let Some(folder) = [&plan.stdout, &plan.stderr].into_iter().find_map(|log| own(log.named()?, "/var/log")) {
        text.line("LogsDirectory", &path_of(subject, &folder));
    }
}

fn is_plain(folder: &str) -> bool {
    !folder.is_empty() && folder.chars().all(|c| c.is_ascii_alphanumeric() || "-_.{}".contains(c))
}

/// In the foreground the streams stay as they are; so systemd is told where the daemon's own would go.
fn streams(subject: &Subject<'_>, text: &mut Text) {
    let (spec, plan) = (subject.spec, &subject.plan);
    let has_prefix = spec.prefix.is_some();
    if let (Some(_), Stream::Path(path)) = (&spec.stdin, &plan.stdin) {
        if let Some(path) = writable(path) {
            text.line("StandardInput", &format!("file:{}", path_of(subject, path)));
        }
    }
    let out = output(subject, &plan.stdout, spec.stdout.is_some() || has_prefix);
    let err = output(subject, &plan.stderr, spec.stderr.is_some() || has_prefix);
    // Without a word, stderr would go where stdout goes.
    let err = err.or_else(|| out.as_ref().map(|_| "journal".to_owned()));
    for (key, value) in [("StandardOutput", out), ("StandardError", err)] {
        if let Some(value) = value {
            text.line(key, &value);
        }
    }
}

/// What was left out goes to the journal; so does what is for syslog, to which journald hands it on.
fn output(subject: &Subject<'_>, stream: &Stream, is_given: bool) -> Option<String> {
    match stream {
        Stream::Path(path) if is_given && path == Path::new("/dev/null") => Some("null".to_owned()),
        Stream::Path(path) if is_given => Some(format!("append:{}", path_of(subject, writable(path)?))),
        Stream::Journal | Stream::Syslog => Some("journal".to_owned()),
        Stream::Path(_) | Stream::Open(_) => None,
    }
}

/// `~` means the home of who runs the program; where that is systemd, it is the daemon's user's, if any.
fn home(subject: &Subject<'_>, scope: UnitScope, text: &mut Text) {
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute() && home != Path::new("/"));
    let Some(home) = home.filter(|_| scope == UnitScope::System) else { return };
    let plan = &subject.plan;
    let paths = [Some(plan.pidfile.as_path()), Some(&plan.workdir), plan.chroot.as_deref()];
    let logs = [&plan.stdin, &plan.stdout, &plan.stderr].map(Stream::named);
    if paths.into_iter().chain(logs).flatten().any(|path| path.starts_with(&home)) {
        if let Some(home) = writable(&home) {
            text.line("Environment", &quoted(&format!("HOME={home}")));
        }
    }
}

/// A path that can stand on a line of a unit.
fn writable(path: &Path) -> Option<&str> {
    path.to_str().filter(|path| !path.contains(char::is_control) && !path.ends_with('\\') && path.trim() == *path)
}
