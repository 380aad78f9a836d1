//! What one image of this program tells the next, when the program is begun anew: a variable of the environment, and
//! descriptors that stay open over exec(2).

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use nix::unistd::{Pid, getpid, getsid};
use serde_json::{Value, json};

use crate::manager::Given;
use crate::sys::descriptor;

/// The variable's name.
pub(crate) const VARIABLE: &str = "DAEMON_RUNTIME_HANDOVER";

/// What the next image is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The session leader of a start.
    Leader,
    /// The daemon of a start.
    Daemon,
    /// What this process is already: the daemon in the background.
    SameDaemon,
    /// What this process is already: the daemon in the foreground.
    SameForeground,
}

const PARTS: [(Part, &str); 4] = [
    (Part::Leader, "leader"),
    (Part::Daemon, "daemon"),
    (Part::SameDaemon, "same daemon"),
    (Part::SameForeground, "same in the foreground"),
];

/// All that is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Handover {
    pub(crate) part: Part,
    /// Which daemon, for a program that has several.
    pub(crate) name: String,
    pub(crate) instance: Option<u32>,
    /// Which of the program's daemons it is, in the order in which they were made.
    pub(crate) ordinal: u32,
    /// The session leader of a start; else the process itself. A child that inherits the variable is neither.
    pub(crate) from: u32,
    pub(crate) pidfile: PathBuf,
    pub(crate) workdir: PathBuf,
    pub(crate) chroot: Option<PathBuf>,
    /// The paths of stdout and stderr, where they have one.
    pub(crate) logs: [Option<PathBuf>; 2],
    /// Device and inode of the claim.
    pub(crate) claim: (u64, u64),
    /// Where the program is, also once another stands in its place.
    pub(crate) program: PathBuf,
    /// The directory that the program was launched in.
    pub(crate) dir: PathBuf,
    /// Folder, claim and pidfile; the start-up channel; the streams and the ends of their pipes. After a reload: the working
    /// directory, the latch, and what the relay holds.
    pub(crate) fds: Vec<Option<RawFd>>,
    /// What is still to be told as missing in each relayed log.
    pub(crate) missing: Vec<[u64; 4]>,
    /// What is open for the service manager, and what it wants.
    pub(crate) manager: Given,
    /// What the daemon tells of itself in.
    pub(crate) record: Option<RawFd>,
}

impl Handover {
    /// Whether it is meant for this process. Children that inherit the variable are not told.
    pub(crate) fn is_for_this_process(&self) -> bool {
        let session = getsid(None).map_or(0, Pid::as_raw);
        match self.part {
            Part::Leader => session == getpid().as_raw(),
            Part::Daemon => u32::try_from(session) == Ok(self.from),
            Part::SameDaemon | Part::SameForeground => std::process::id() == self.from,
        }
    }

    /// As it stands in the environment.
    pub(crate) fn text(&self) -> String {
        let part = PARTS.iter().find(|(part, _)| *part == self.part).map(|(_, word)| *word);
        json!({
            "part": part,
            "name": self.name,
            "instance": self.instance,
            "ordinal": self.ordinal,
            "from": self.from,
            "pidfile": bytes(&self.pidfile),
            "workdir": bytes(&self.workdir),
            "chroot": self.chroot.as_deref().map(bytes),
            "logs": self.logs.each_ref().map(|path| path.as_deref().map(bytes)),
            "claim": self.claim,
            "program": bytes(&self.program),
            "dir": bytes(&self.dir),
            "fds": self.fds,
            "missing": self.missing,
            "manager": self.manager.to_json(),
            "record": self.record,
        })
        .to_string()
    }

    /// What this process was told, if it was.
    pub(crate) fn read() -> Option<Self> {
        Self::parse(&std::env::var(VARIABLE).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let told: Value = serde_json::from_str(text).ok()?;
        let word = told.get("part")?.as_str()?;
        let number = |value: &Value| u32::try_from(value.as_u64()?).ok();
        let fd = |value: &Value| RawFd::try_from(value.as_u64()?).ok();
        Some(Self {
            part: PARTS.iter().find(|(_, known)| *known == word)?.0,
            name: told.get("name")?.as_str()?.to_owned(),
            instance: told.get("instance").and_then(number),
            ordinal: told.get("ordinal").and_then(number)?,
            from: told.get("from").and_then(number)?,
            pidfile: path(told.get("pidfile")?)?,
            workdir: path(told.get("workdir")?)?,
            chroot: told.get("chroot").and_then(path),
            logs: [0, 1].map(|at| told.get("logs")?.get(at).and_then(path)),
            claim: (told.get("claim")?.get(0)?.as_u64()?, told.get("claim")?.get(1)?.as_u64()?),
            program: path(told.get("program")?)?,
            dir: path(told.get("dir")?)?,
            fds: told.get("fds")?.as_array()?.iter().map(fd).collect(),
            missing: told.get("missing").and_then(Value::as_array).into_iter().flatten().map(four).collect(),
            manager: told.get("manager").map(Given::parse).unwrap_or_default(),
            record: told.get("record").and_then(fd),
        })
    }

    /// Whether what was handed on is still to be taken over: the claim is there under its number. In a child that inherits
    /// the variable it is not, and once it was taken over it is marked.
    pub(crate) fn is_live(&self) -> bool {
        let Some(claim) = self.fds.get(1).copied().flatten() else { return false };
        let is_it = match descriptor::identity(claim) {
            Ok(identity) => identity == self.claim,
            // Open, and not to be looked at just now: its number has to do.
            Err(e) => e.raw_os_error() != Some(nix::libc::EBADF),
        };
        is_it && !descriptor::is_close_on_exec(claim)
    }

    /// What this process is still to become, if it was begun for something.
    pub(crate) fn to_come() -> Option<Self> {
        Self::read().filter(|told| told.is_for_this_process() && told.is_live())
    }

    /// Whether this process was begun with the claim of this pidfile, and has not taken it over yet.
    pub(crate) fn is_of(pidfile: &Path) -> bool {
        Self::to_come().is_some_and(|told| told.pidfile == pidfile)
    }

    /// Takes over the descriptors. One that is not there any more is none.
    pub(crate) fn adopt(&self) -> Vec<Option<OwnedFd>> {
        self.fds.iter().map(|fd| fd.and_then(descriptor::adopt)).collect()
    }
}

/// The numbers of descriptors, as they are told.
pub(crate) fn numbers<'a>(fds: impl IntoIterator<Item = Option<BorrowedFd<'a>>>) -> Vec<Option<RawFd>> {
    fds.into_iter().map(|fd| fd.map(|fd| fd.as_raw_fd())).collect()
}

// A path need not be text.
fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

fn path(value: &Value) -> Option<PathBuf> {
    let byte = |value: &Value| u8::try_from(value.as_u64()?).ok();
    let bytes: Option<Vec<u8>> = value.as_array()?.iter().map(byte).collect();
    Some(PathBuf::from(OsString::from_vec(bytes?)))
}

fn four(value: &Value) -> [u64; 4] {
    [0, 1, 2, 3].map(|at| value.get(at).and_then(Value::as_u64).unwrap_or_default())
}

/// Whether a variable is the one that is told by.
pub(crate) fn is_variable(key: &OsStr) -> bool {
    key == VARIABLE
}

/// What must hold for any text: it is a handover that says the same when it is told again, or none.
#[cfg(any(test, fuzzing))]
pub(crate) fn is_understood_or_none(text: &str) {
    let Some(heard) = Handover::parse(text) else { return };
    let of_manager = heard.manager.notice.iter().chain(heard.manager.sockets.iter().map(|(_, fd)| fd));
    assert!(heard.fds.iter().flatten().chain(of_manager).chain(&heard.record).all(|fd| *fd >= 0), "{heard:?}");
    let again = Handover::parse(&heard.text()).expect("it is ours");
    assert_eq!(again, heard);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path() -> impl Strategy<Value = PathBuf> {
        proptest::collection::vec(any::<u8>(), 0..12).prop_map(|bytes| PathBuf::from(OsString::from_vec(bytes)))
    }

    prop_compose! {
        fn given()(
            notice in proptest::option::of(0..=RawFd::MAX),
            watchdog in any::<Option<u64>>(),
            sockets in proptest::collection::vec((".{0,8}", 0..=RawFd::MAX), 0..3),
        ) -> Given {
            Given { notice, watchdog, sockets }
        }
    }

    prop_compose! {
        fn handover()(
            part in proptest::sample::select(&PARTS[..]),
            name in ".{0,12}",
            (instance, ordinal, from, claim) in any::<(Option<u32>, u32, u32, (u64, u64))>(),
            (pidfile, workdir, chroot) in (path(), path(), proptest::option::of(path())),
            (program, dir) in (path(), path()),
            logs in proptest::array::uniform2(proptest::option::of(path())),
            fds in proptest::collection::vec(proptest::option::of(0..=RawFd::MAX), 0..14),
            missing in proptest::collection::vec(any::<[u64; 4]>(), 0..3),
            manager in given(),
            record in proptest::option::of(0..=RawFd::MAX),
        ) -> Handover {
            let part = part.0;
            Handover {
                part, name, instance, ordinal, from, pidfile, workdir, chroot, logs, claim, program, dir, fds, missing,
                manager, record,
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_is_told_is_understood(told in handover()) {
            prop_assert_eq!(Handover::parse(&told.text()), Some(told));
        }

        #[test]
        fn a_text_like_ours_is_understood_or_none(
            told in handover(),
            at in any::<proptest::sample::Index>(),
            other in "[-0-9\"\\[\\]{},nul]{0,3}",
        ) {
            let mut text: Vec<char> = told.text().chars().collect();
            let at = at.index(text.len());
            text.splice(at..=at, other.chars());
            is_understood_or_none(&text.into_iter().collect::<String>());
        }
    }

    #[test]
    fn a_descriptor_below_zero_is_none() {
        let told = |fds: &str| {
            let told = r#"{"part":"daemon","name":"x","ordinal":0,"from":1,"pidfile":[47],"workdir":[47],"claim":[1,2],
                "program":[47],"dir":[47],"fds":"#;
            Handover::parse(&format!("{told}{fds}}}")).expect("understood")
        };
        assert_eq!(told("[3,-1,-2147483648]").fds, [Some(3), None, None]);
        assert!(!told("[3,-1]").is_live());
    }

    #[test]
    fn what_is_told_is_understood_as_it_was_meant() {
        for (part, _) in PARTS {
            let told = Handover {
                part,
                name: "x\"y".into(),
                instance: Some(3),
                ordinal: 2,
                from: 42,
                pidfile: PathBuf::from(OsString::from_vec(b"/run/\xff.pid".to_vec())),
                workdir: "/".into(),
                chroot: None,
                logs: [Some("/log/x".into()), None],
                claim: (1, 2),
                program: "/bin/x".into(),
                dir: "/tmp".into(),
                fds: vec![Some(7), None],
                missing: vec![[1, 2, 3, 4]],
                manager: Given { notice: Some(9), watchdog: Some(5), sockets: vec![("web".into(), 8)] },
                record: Some(9),
            };
            let heard = Handover::parse(&told.text()).expect("understood");
            assert_eq!((heard.part, heard.name, heard.instance), (part, told.name, Some(3)));
            assert_eq!((heard.pidfile, heard.fds, heard.chroot), (told.pidfile, told.fds, None));
            assert_eq!((heard.missing, heard.logs, heard.record), (told.missing, told.logs, told.record));
            assert_eq!(heard.manager, told.manager);
        }
    }

    #[test]
    fn what_is_no_handover_is_none() {
        for text in ["", "{}", "leader", "[1]"] {
            assert!(Handover::parse(text).is_none(), "{text}");
        }
    }
}
