//! Where the daemon's lines go, by its settings: files, the journal, or where they cannot be shown from.

use std::fs::read_link;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use crate::error::{Error, shown};
use crate::folder::identity;
use crate::spec::Spec;
use crate::spec::plan::Plan;
use crate::spec::stream::{Stream, is_null, names_descriptor};

/// Where lines are, each place once.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) paths: Vec<PathBuf>,
    /// Under which identifiers they are in the journal.
    pub(super) identifiers: Vec<String>,
    /// Why some cannot be shown.
    pub(super) refused: Vec<Error>,
    /// The unit that systemd may run it as.
    pub(super) unit: String,
}

impl Sources {
    /// Those of the instance that was chosen, or of all of them; an error where there are none.
    pub(super) fn of(spec: &Spec) -> Result<Self, Error> {
        let mut sources = Self { unit: spec.unit(), ..Self::default() };
        match (spec.instances, spec.instance.get()) {
            (Some(count), None) => {
                let added = (0..count).try_for_each(|n| {
                    spec.instance.set(Some(n));
                    Plan::of(spec).map(|plan| sources.add(&plan))
                });
                spec.instance.set(None);
                added?;
            }
            _ => sources.add(&Plan::of(spec)?),
        }
        if sources.count() == 0 && sources.refused.is_empty() {
            return Err(nowhere(&spec.display_name(), &sources.unit));
        }
        Ok(sources)
    }

    /// How many logs can be shown.
    pub(super) fn count(&self) -> usize {
        self.paths.len() + usize::from(!self.identifiers.is_empty())
    }

    fn add(&mut self, plan: &Plan) {
        for (key, stream) in [("stdout", &plan.stdout), ("stderr", &plan.stderr)] {
            match stream {
                Stream::Path(path) if is_descriptor(path) => self.refused.push(handed(key, &plan.name, path)),
                Stream::Path(path) => self.add_path(path),
                Stream::Open(file) => match read_link(format!("/proc/self/fd/{}", file.as_raw_fd())) {
                    Ok(path) if path.is_file() => self.add_path(&path),
                    _ => self.refused.push(opened(key, &plan.name)),
                },
                Stream::Journal if self.identifiers.contains(&plan.name) => {}
                Stream::Journal => self.identifiers.push(plan.name.clone()),
                Stream::Syslog => self.refused.push(syslog(key, &plan.name)),
            }
        }
    }

    fn add_path(&mut self, path: &Path) {
        if !is_null(path) && !self.paths.iter().any(|known| is_same(known, path)) {
            self.paths.push(path.to_owned());
        }
    }
}

/// Whether both are one file; where there is none yet, only the names tell.
fn is_same(one: &Path, other: &Path) -> bool {
    let file = |path: &Path| path.metadata().ok().as_ref().map(identity);
    one == other || file(one).is_some_and(|one| file(other) == Some(one))
}

/// As many links as the kernel follows on one way.
const MOST_LINKS: usize = 40;

/// Whether it is the name of a descriptor, which to `logs` means its own, or a link to one, as container images have it.
fn is_descriptor(path: &Path) -> bool {
    let next = |way: &PathBuf| Some(way.parent()?.join(read_link(way).ok()?));
    let mut ways = std::iter::successors(Some(path.to_owned()), next).take(MOST_LINKS);
    ways.any(|way| names_descriptor(&way))
}

fn nowhere(name: &str, unit: &str) -> Error {
    let text = format!(
        "what {name} prints goes nowhere, so there are no lines to show; give it a log, like `stdout = \"/var/log/{name}.log\"` \
         in the attribute, and restart it; under systemd its lines may be in the journal: `journalctl -u {unit}`"
    );
    Error::NoLog { text }
}

fn syslog(key: &str, name: &str) -> Error {
    let text = format!(
        "{key} of {name} goes to the system's log, and the syslog daemon decides where that is: look for lines with `{name}[` in \
         /var/log/syslog, /var/log/daemon.log or /var/log/messages, or ask `journalctl --identifier={name}`"
    );
    Error::NoLog { text }
}

fn handed(key: &str, name: &str, path: &Path) -> Error {
    let text = format!(
        "{key} of {name} is {}, which is what it was opened with by whoever started {name}: only who reads its other end, like \
         `docker logs` or `kubectl logs` of a container, can show the lines",
        shown(path)
    );
    Error::NoLog { text }
}

fn opened(key: &str, name: &str) -> Error {
    let text = format!(
        "{key} of {name} is something that the program has opened itself, and no file with a name: only who reads its other end \
         can show the lines"
    );
    Error::NoLog { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Daemon;

    fn sources(daemon: Daemon) -> Result<Sources, Error> {
        Sources::of(&daemon.name("x").pidfile("/{n}.pid").spec)
    }

    #[test]
    fn one_log_for_both_streams_is_one_and_the_null_device_is_none() {
        let both = sources(Daemon::new(|| {}).stdout("/a").stderr("/a")).expect("a log");
        let one = sources(Daemon::new(|| {}).stderr("/b")).expect("a log");
        let two = sources(Daemon::new(|| {}).stdout("/a").stderr("/b")).expect("logs");
        assert_eq!(
            [both.paths, one.paths, two.paths],
            [vec!["/a".into()], vec!["/b".into()], vec!["/a".into(), PathBuf::from("/b")]]
        );
        assert!(sources(Daemon::new(|| {})).expect_err("none").to_string().contains("goes nowhere"));
    }

    #[test]
    fn a_file_with_two_names_is_one_log() {
        let folder = std::env::temp_dir().join(format!("two-names-{}", std::process::id()));
        std::fs::create_dir(&folder).expect("made");
        let (log, link) = (folder.join("log"), folder.join("link"));
        std::fs::write(&log, "a line\n").expect("written");
        std::os::unix::fs::symlink("log", &link).expect("a link");
        let found = sources(Daemon::new(|| {}).stdout(&*log).stderr(&*link)).expect("a log");
        std::fs::remove_dir_all(&folder).expect("removed");
        assert_eq!(found.paths, [log]);
    }

    #[test]
    fn what_means_the_own_streams_of_whoever_opens_it_is_no_log() {
        let link = std::env::temp_dir().join(format!("to-stdout-{}", std::process::id()));
        std::os::unix::fs::symlink("/dev/stdout", &link).expect("a link");
        for path in ["/dev/stdout", "/dev/stderr", "/dev/fd/3", "/proc/self/fd/1", link.to_str().expect("text")] {
            let found = sources(Daemon::new(|| {}).stdout(path)).expect("refused");
            assert_eq!(found.count(), 0, "{path}");
            let told = found.refused.first().expect("refused").to_string();
            assert!(told.starts_with(&format!("stdout of x is {path}, which is what ")), "{told}");
        }
        std::fs::remove_file(link).expect("removed");
    }

    #[test]
    fn where_systemd_may_have_the_lines_is_told_by_the_name_of_the_unit() {
        let told = |daemon| sources(daemon).expect_err("none").to_string();
        assert!(told(Daemon::new(|| {})).ends_with("`journalctl -u x`"));
        assert!(told(Daemon::new(|| {}).instances(2)).ends_with("`journalctl -u 'x@*'`"));
    }

    #[test]
    fn without_a_choice_the_logs_of_all_instances_are_meant_and_the_choice_stays_open() {
        let daemon = Daemon::new(|| {}).name("x").pidfile("/{n}.pid").instances(2).stdout("/log-{n}").stderr("journal");
        let all = Sources::of(&daemon.spec).expect("logs");
        assert_eq!(
            (all.paths, all.identifiers),
            (vec!["/log-0".into(), "/log-1".into()], vec!["x-0".into(), "x-1".into()])
        );
        assert_eq!(daemon.spec.instance.get(), None);
        daemon.spec.instance.set(Some(1));
        assert_eq!(Sources::of(&daemon.spec).expect("a log").paths, [Path::new("/log-1")]);
    }

    #[test]
    fn a_file_that_the_program_has_opened_is_found_by_its_name_and_a_pipe_has_none() {
        let path = std::env::temp_dir().join(format!("sources-{}", std::process::id()));
        let file = std::fs::File::create(&path).expect("made");
        let (reader, _writer) = nix::unistd::pipe().expect("a pipe");
        let found = sources(Daemon::new(|| {}).stdout(file).stderr(reader)).expect("a log");
        assert_eq!(found.paths, [path.canonicalize().expect("there")]);
        assert!(found.refused.first().expect("refused").to_string().contains("stderr of x"), "{:?}", found.refused);
        std::fs::remove_file(path).expect("removed");
    }
}
