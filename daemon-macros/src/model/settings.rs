//! The attribute's half of a daemon.

use proc_macro2::Span;
use syn::{Error, Expr, ExprPath, Ident, Path, Result};

use super::call::{Call, Value, is_none};
use super::conflict;
use super::keys::{Form, Key};
use super::list::Reader;
use super::literal::Literal;
use super::rule::Rule;
use super::unknown::{nearest, unknown};
use crate::attribute::{Argument, Arguments, Given, Kind};
use crate::mistakes::Mistakes;

/// What an attribute asks for.
pub(crate) struct Settings<'a> {
    pub(super) kind: Kind,
    pub(super) arguments: &'a Arguments,
    /// The runtime crate, where it does not go by its own name.
    pub(crate) runtime: Option<&'a Path>,
    pub(crate) schedule: Schedule<'a>,
    pub(crate) calls: Vec<Call<'a>>,
}

/// How often the worker runs.
pub(crate) enum Schedule<'a> {
    Once,
    Every { key: &'a Ident, period: &'a Expr },
}

impl<'a> Settings<'a> {
    pub(crate) fn new(kind: Kind, arguments: &'a Arguments, mistakes: &mut Mistakes) -> Self {
        let mut settings = Self { kind, arguments, runtime: None, schedule: Schedule::Once, calls: Vec::new() };
        for argument in arguments.iter() {
            settings.take(argument, mistakes);
        }
        mistakes.note(settings.require_every());
        mistakes.extend(conflict::between_keys(kind, arguments));
        settings
    }

    /// Whether the daemon has a name whatever happens.
    pub(super) fn name_is_certain(&self) -> bool {
        let name = self.arguments.get("name").and_then(Argument::value);
        name.and_then(Literal::of).is_some()
    }

    fn take(&mut self, argument: &'a Argument, mistakes: &mut Mistakes) {
        let Some(known) = mistakes.note(self.key(&argument.key)) else {
            return;
        };
        match (&known.form, &argument.given) {
            (Form::Value(rule), Given::Value(value)) => {
                mistakes.note(self.take_value(known, rule, argument, value));
            }
            (Form::List(entries), Given::List(list)) => {
                let reader = Reader { key: &argument.key, method: known.method, entries: *entries, mistakes };
                self.calls.extend(reader.read(list));
            }
            (_, Given::Unreadable) => {}
            (form, _) => mistakes.add(misshapen(form, argument)),
        }
    }

    fn take_value(&mut self, known: &Key, rule: &Rule, argument: &'a Argument, value: &'a Expr) -> Result<()> {
        let key = &argument.key;
        rule.check(value)?;
        match known.name {
            "crate" => self.runtime = Some(module(value)?),
            "every" => self.schedule = Schedule::Every { key, period: value },
            _ if is_none(value) => {}
            _ => self.calls.push(Call { key, method: known.method, label: None, value: Value::of(rule, value) }),
        }
        Ok(())
    }

    fn key(&self, name: &Ident) -> Result<&'static Key> {
        let written = name.to_string();
        let sentence = match Key::find(&written) {
            Some(key) if key.fits(self.kind) => return Ok(key),
            Some(_) => {
                format!("`{written}` belongs to `#[repeat_daemon]`: `#[daemon]` has no schedule")
            }
            None => unknown("key", &written, &Key::names(self.kind)),
        };
        Err(Error::new(name.span(), sentence))
    }

    fn require_every(&self) -> Result<()> {
        // A slip of the finger is one mistake, not two.
        let says_every = |argument: &Argument| nearest(&argument.key.to_string(), &["every"]);
        if self.kind == Kind::Daemon || self.arguments.iter().find_map(says_every).is_some() {
            return Ok(());
        }
        // There is no better place for what is not there than the whole attribute.
        Err(Error::new(
            Span::call_site(),
            "missing key `every`: say how often to run, as in `#[repeat_daemon(every = \"5s\")]`",
        ))
    }
}

/// A key that is not written in its own form.
fn misshapen(form: &Form, argument: &Argument) -> Error {
    let key = &argument.key;
    let sentence = match (form, &argument.given) {
        (Form::List(entries), _) => format!("`{key}` takes a list: write `{key}({} = ...)`", entries.example()),
        (Form::Value(_), Given::List(_)) => format!("`{key}` takes one value and no list: write `{key} = ...`"),
        (Form::Value(_), _) => format!("`{key}` needs a value: write `{key} = ...`"),
    };
    argument.error(&sentence)
}

fn module(value: &Expr) -> Result<&Path> {
    match value {
        Expr::Path(ExprPath { qself: None, path, .. }) => Ok(path),
        Expr::Group(inner) => module(&inner.expr),
        _ => Err(Error::new_spanned(
            value,
            "expected the path of the crate `daemon_runtime`, without quotes, \
             as in `crate = my_crate::daemon_runtime`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings_of(kind: Kind, written: &str, look: impl Fn(&Settings<'_>)) -> Vec<String> {
        let mut mistakes = Mistakes::default();
        let tokens = written.parse().expect("tokens");
        let arguments = Arguments::parse(tokens, &mut mistakes);
        look(&Settings::new(kind, &arguments, &mut mistakes));
        mistakes.told()
    }

    fn told(kind: Kind, written: &str) -> Vec<String> {
        settings_of(kind, written, |_| ())
    }

    #[test]
    fn only_a_path_that_is_written_out_is_a_template() {
        let written = r#"pidfile = ("~/a"), stdout = log(), name = "a", stderr = Some("/b")"#;
        let told = settings_of(Kind::Daemon, written, |settings| {
            let is_template = |call: &Call<'_>| matches!(call.value, Value::Template(_));
            let templates: Vec<_> = settings.calls.iter().map(is_template).collect();
            assert_eq!(templates, [true, false, false, false]);
        });
        assert_eq!(told, Vec::<String>::new());
    }

    #[test]
    fn a_bare_none_is_left_out() {
        let told = settings_of(Kind::Daemon, "stdout = None, on_shutdown = (None), umask = mask()", |settings| {
            let methods: Vec<_> = settings.calls.iter().map(|call| call.method).collect();
            assert_eq!(methods, ["umask"]);
        });
        assert_eq!(told, Vec::<String>::new());
    }

    #[test]
    fn a_key_of_the_other_attribute_is_told_to_be_one() {
        let told = told(Kind::Daemon, "times = 3");
        assert_eq!(told, ["`times` belongs to `#[repeat_daemon]`: `#[daemon]` has no schedule"]);
    }

    #[test]
    fn a_key_is_written_in_its_own_form() {
        assert_eq!(told(Kind::Daemon, "signals = f"), ["`signals` takes a list: write `signals(SIGHUP = ...)`"]);
        assert_eq!(told(Kind::Daemon, "env"), ["`env` takes a list: write `env(RUST_LOG = ...)`"]);
        assert_eq!(told(Kind::Daemon, "name"), ["`name` needs a value: write `name = ...`"]);
        let told = told(Kind::Daemon, "name(), chroot(\"/srv\"), settle(1 2), umask = 22");
        assert_eq!(told.len(), 4);
        assert_eq!(told[1], "`chroot` takes one value and no list: write `chroot = ...`");
    }

    #[test]
    fn a_schedule_is_asked_for_once() {
        assert!(told(Kind::Daemon, "").is_empty());
        assert!(told(Kind::RepeatDaemon, "")[0].starts_with("missing key `every`"));
        assert!(told(Kind::RepeatDaemon, "every =")[0].starts_with("`every` needs a value"));
        assert_eq!(told(Kind::RepeatDaemon, "evry = \"5s\"").len(), 1);
    }

    #[test]
    fn the_runtime_is_a_path_and_nothing_else() {
        assert!(told(Kind::Daemon, "crate = ::a::b").is_empty());
        assert!(told(Kind::Daemon, "crate = crate::b").is_empty());
        for wrong in ["crate = \"a\"", "crate = a()", "crate = <A as B>::c", "crate = 1"] {
            assert_eq!(told(Kind::Daemon, wrong).len(), 1, "{wrong}");
        }
    }
}
