//! What surrounds the daemon: accounts, root directory, environment, descriptors, standard places, instances.

use std::ffi::{OsStr, OsString};
use std::os::fd::RawFd;
use std::path::PathBuf;

use crate::pidfile::PidFile;
use crate::spec::account::Account;
use crate::spec::builder::Daemon;
use crate::spec::setting::IntoSetting;

impl Daemon {
    /// The directory that becomes the daemon's root; chroot(2), for root only. `workdir` then means a directory inside of it;
    /// all other paths are those outside, because the launcher opens them.
    pub fn chroot(self, path: impl IntoSetting<PathBuf>) -> Self {
        self.put("chroot", path, |spec, path| spec.chroot = Some(path))
    }

    /// The user that the daemon becomes, by name or number. Its group and its supplementary groups are the user's own, unless
    /// [`group`](Self::group) and [`groups`](Self::groups) say otherwise; `HOME`, `USER` and `LOGNAME` follow. It is
    /// checked that the privileges cannot be taken back. Logs, and the innermost
    /// folder made for them or for the pidfile, belong to this user; the pidfile stays root's, so that nobody can make root signal a process of his choice.
    pub fn user(self, user: impl IntoSetting<Account>) -> Self {
        self.put("user", user, |spec, user| spec.user = Some(user))
    }

    /// The group that the daemon becomes, by name or number. Without [`user`](Self::user), root's supplementary groups go.
    pub fn group(self, group: impl IntoSetting<Account>) -> Self {
        self.put("group", group, |spec, group| spec.group = Some(group))
    }

    /// The supplementary groups, by name or number, in the place of the user's own.
    pub fn groups(self, groups: impl IntoSetting<Vec<Account>>) -> Self {
        self.put("groups", groups, |spec, groups| spec.groups = Some(groups))
    }

    /// Sets a variable of the daemon's environment: the key `env(KEY = "value")`. After [`env_clear`](Self::env_clear) and
    /// after `HOME`, `USER` and `LOGNAME` were set, whatever the order of the calls.
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl IntoSetting<OsString>) -> Self {
        let key = key.as_ref().to_owned();
        let bytes = key.as_encoded_bytes();
        if bytes.is_empty() || bytes.contains(&b'=') || bytes.contains(&0) {
            let reason = "a variable's name has at least one character, no `=` and no NUL";
            self.spec.refuse("env", &format!("{key:?}"), reason);
            return self;
        }
        self.put("env", value, |spec, value| {
            if value.as_encoded_bytes().contains(&0) {
                spec.refuse("env", &format!("{value:?}"), "a variable's value has no NUL");
            } else {
                spec.env.push((key, value));
            }
        })
    }

    /// Whether the daemon's environment begins empty. Default: false.
    pub fn env_clear(self, clear: impl IntoSetting<bool>) -> Self {
        self.put("env_clear", clear, |spec, clear| spec.env_clear = clear)
    }

    /// Descriptors that [`close_fds`](Self::close_fds) leaves open.
    pub fn preserve_fds(self, fds: impl IntoSetting<Vec<RawFd>>) -> Self {
        self.put("preserve_fds", fds, |spec, fds| spec.preserve_fds.extend(fds))
    }

    /// Puts pidfile and logs where the Filesystem Hierarchy Standard has them for a program that is installed there:
    ///
    /// | prefix | pidfile | stdout and stderr |
    /// |---|---|---|
    /// | `/usr` | `/run/NAME/NAME.pid` | `/var/log/NAME/out.log`, `err.log` |
    /// | `/usr/local` | `/var/local/run/NAME/NAME.pid` | `/var/local/log/NAME/out.log`, `err.log` |
    /// | `/opt` | `/var/opt/NAME/run/NAME.pid` | `/var/opt/NAME/log/out.log`, `err.log` |
    /// | another, such as `/srv/x` | `/srv/x/run/NAME.pid` | `/srv/x/log/out.log`, `err.log` |
    ///
    /// What is given by its own key stays as given.
    pub fn prefix(self, prefix: impl IntoSetting<PathBuf>) -> Self {
        self.put("prefix", prefix, |spec, prefix| spec.prefix = Some(prefix))
    }

    /// What the names of the logs begin with that [`prefix`](Self::prefix) makes. Default: nothing.
    pub fn log_prefix(self, log_prefix: impl IntoSetting<String>) -> Self {
        self.put("log_prefix", log_prefix, |spec, prefix| spec.log_prefix = Some(prefix))
    }

    /// So many daemons of the same kind, numbered from 0. `{n}` in `name`, `pidfile`, the streams and `workdir` stands for the
    /// number; a name without it gets `-{n}` at its end. On the command line every action is done for all of them at the
    /// same time, or with `--instance N` for one.
    pub fn instances(self, count: impl IntoSetting<u32>) -> Self {
        self.put("instances", count, |spec, count| match count {
            0 => spec.refuse("instances", "0", "there is at least one"),
            _ => spec.instances = Some(count),
        })
    }

    /// With [`instances`](Self::instances): which of them the actions that return values act on.
    pub fn instance(self, number: impl IntoSetting<u32>) -> Self {
        self.put("instance", number, |spec, number| spec.instance.set(Some(number)))
    }

    /// Hands over a pidfile that was [acquired](PidFile::acquire): the daemon takes its place and its claim, and seals it.
    /// The next start of this value acquires one of its own. One that is sealed already is refused.
    pub fn claim(mut self, pidfile: PidFile) -> Self {
        if pidfile.is_sealed() {
            let reason = "it is sealed already: this process is its daemon";
            self.spec.refuse("claim", &pidfile.path().to_string_lossy(), reason);
        }
        self.spec.pidfile = Some(pidfile.path().to_owned());
        self.spec.claim = Some(pidfile).into();
        self
    }
}
