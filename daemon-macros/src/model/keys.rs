//! The keys as data: a new one is a row here, a row on its page of the documentation, and a method
//! of the same name on the builder, or of another one that stands in the row.

use crate::attribute::Kind;

use super::list::Entries;
use super::rule::Rule;

pub(super) struct Key {
    pub(super) name: &'static str,
    /// The method of the builder that takes the value, or one entry of the list.
    pub(super) method: &'static str,
    home: Home,
    pub(super) form: Form,
}

/// How a key is written.
pub(super) enum Form {
    /// `key = value`
    Value(Rule),
    /// `key(NAME = value, NAME = value)`
    List(Entries),
}

/// Which attribute knows a key.
enum Home {
    Both,
    RepeatOnly,
}

impl Key {
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// The names of all keys that an attribute of this kind knows.
    pub(super) fn names(kind: Kind) -> Vec<&'static str> {
        let known = KEYS.iter().filter(|key| key.fits(kind));
        known.map(|key| key.name).collect()
    }

    /// The same key with a method of another name.
    const fn by(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    pub(super) fn fits(&self, kind: Kind) -> bool {
        match self.home {
            Home::Both => true,
            Home::RepeatOnly => kind == Kind::RepeatDaemon,
        }
    }
}

const fn both(name: &'static str, rule: Rule) -> Key {
    Key { name, method: name, home: Home::Both, form: Form::Value(rule) }
}

const fn repeat(name: &'static str, rule: Rule) -> Key {
    Key { name, method: name, home: Home::RepeatOnly, form: Form::Value(rule) }
}

const fn list(name: &'static str, entries: Entries) -> Key {
    Key { name, method: name, home: Home::Both, form: Form::List(entries) }
}

const KEYS: &[Key] = &[
    both("name", Rule::Name),
    both("pidfile", Rule::File),
    both("pidfile_timeout", Rule::Duration),
    both("stdin", Rule::File),
    both("stdout", Rule::Log),
    both("stderr", Rule::Log),
    both("output", Rule::OneOf(&[r#""direct""#, r#""relayed""#])),
    both("prefix", Rule::Folder),
    both("log_prefix", Rule::LogPrefix),
    both("workdir", Rule::Folder),
    both("chroot", Rule::Folder),
    both("user", Rule::User),
    both("group", Rule::Group),
    both("groups", Rule::Each(&Rule::Group)),
    both("umask", Rule::Umask),
    both("core_dumps", Rule::OneOf(&["true", "false"])),
    both("detach", Rule::OneOf(&[r#""auto""#, "true", "false", r#""exec""#])).by("detaching"),
    both("close_fds", Rule::OneOf(&[r#""inherited""#, r#""all""#, r#""none""#])),
    both("preserve_fds", Rule::Each(&Rule::Descriptor)),
    both("settle", Rule::Duration),
    both("ready", Rule::OneOf(&[r#""auto""#, r#""notify""#])),
    both("start_timeout", Rule::LongerThanZero),
    both("stop_timeout", Rule::Duration),
    both("stop_signal", Rule::Signal),
    list("signals", Entries::Signals).by("signal"),
    both("on_start", Rule::Function),
    both("on_shutdown", Rule::Function),
    list("before", Entries::Stages),
    list("after", Entries::Stages),
    list("actions", Entries::Actions).by("action"),
    both("instances", Rule::Instances),
    list("env", Entries::Variables),
    both("env_clear", Rule::OneOf(&["true", "false"])),
    both("crate", Rule::Runtime),
    repeat("every", Rule::LongerThanZero),
    repeat("times", Rule::Count),
    repeat("missed", Rule::OneOf(&[r#""skip""#, r#""burst""#, r#""delay""#])),
    repeat("jitter", Rule::Duration),
    repeat("initial_delay", Rule::Duration),
    repeat("on_error", Rule::OneOf(&[r#""continue""#, r#""stop""#])),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_daemon_knows_no_key_of_a_repeating_one() {
        assert_eq!(Key::names(Kind::RepeatDaemon).len(), KEYS.len());
        assert!(!Key::names(Kind::Daemon).contains(&"every"));
    }

    #[test]
    fn every_key_is_documented() {
        for key in KEYS {
            let page = match key.home {
                Home::Both => include_str!("../../doc/keys.md"),
                Home::RepeatOnly => include_str!("../../doc/keys_of_repeat.md"),
            };
            let row = format!("| `{}` |", key.name);
            assert!(page.contains(&row), "no row for `{}`", key.name);
        }
    }
}
