//! The keys as data: a new one is a row here, a row on its page of the documentation, and a method
//! of the same name on the builder.

use crate::attribute::Kind;

use super::rule::Rule;

pub(super) struct Key {
    pub(super) name: &'static str,
    home: Home,
    pub(super) rule: Rule,
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

    pub(super) fn fits(&self, kind: Kind) -> bool {
        match self.home {
            Home::Both => true,
            Home::RepeatOnly => kind == Kind::RepeatDaemon,
        }
    }
}

const fn both(name: &'static str, rule: Rule) -> Key {
    Key { name, home: Home::Both, rule }
}

const fn repeat(name: &'static str, rule: Rule) -> Key {
    Key { name, home: Home::RepeatOnly, rule }
}

const KEYS: &[Key] = &[
    both("name", Rule::Name),
    both("pidfile", Rule::File),
    both("stdin", Rule::File),
    both("stdout", Rule::File),
    both("stderr", Rule::File),
    both("workdir", Rule::Folder),
    both("umask", Rule::Umask),
    both("core_dumps", Rule::OneOf(&["true", "false"])),
    both("detach", Rule::OneOf(&[r#""auto""#, "true", "false"])),
    both("close_fds", Rule::OneOf(&[r#""inherited""#, r#""all""#, r#""none""#])),
    both("settle", Rule::Duration),
    both("ready", Rule::OneOf(&[r#""auto""#, r#""notify""#])),
    both("start_timeout", Rule::LongerThanZero),
    both("stop_timeout", Rule::Duration),
    both("stop_signal", Rule::Signal),
    both("on_start", Rule::Function),
    both("on_shutdown", Rule::Function),
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
