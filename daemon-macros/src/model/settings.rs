//! The attribute's half of a daemon.

use proc_macro2::Span;
use syn::{Error, Expr, ExprPath, Ident, Path, Result};

use super::conflict;
use super::keys::Key;
use super::literal::Literal;
use super::rule::Rule;
use super::unknown::{nearest, unknown};
use crate::attribute::{Argument, Arguments, Kind};
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

/// One method of the builder, called with one value.
pub(crate) struct Call<'a> {
    pub(crate) method: &'a Ident,
    pub(crate) value: Value<'a>,
}

pub(crate) enum Value<'a> {
    AsWritten(&'a Expr),
    /// A path written out, in which `~` and `$VAR` stand for something.
    Template(&'a Expr),
}

impl<'a> Settings<'a> {
    pub(crate) fn new(kind: Kind, arguments: &'a Arguments, mistakes: &mut Mistakes) -> Self {
        let mut settings = Self { kind, arguments, runtime: None, schedule: Schedule::Once, calls: Vec::new() };
        for argument in arguments.iter() {
            mistakes.note(settings.take(argument));
        }
        mistakes.note(settings.require_every());
        mistakes.extend(conflict::between_keys(kind, arguments));
        settings
    }

    /// Whether the daemon has a name whatever happens.
    pub(super) fn name_is_certain(&self) -> bool {
        let name = self.arguments.get("name").and_then(|name| name.value.as_ref());
        name.and_then(Literal::of).is_some()
    }

    fn take(&mut self, argument: &'a Argument) -> Result<()> {
        let key = self.key(&argument.key)?;
        let Some(value) = &argument.value else {
            return Ok(());
        };
        key.rule.check(value)?;
        match key.name {
            "crate" => self.runtime = Some(module(value)?),
            "every" => self.schedule = Schedule::Every { key: &argument.key, period: value },
            _ if is_none(value) => {}
            _ => self.calls.push(Call::new(key, argument, value)),
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

impl<'a> Call<'a> {
    fn new(key: &Key, argument: &'a Argument, value: &'a Expr) -> Self {
        let is_path = matches!(key.rule, Rule::File | Rule::Folder);
        let is_text = matches!(Literal::of(value), Some(Literal::Text(_)));
        Self {
            method: &argument.key,
            value: if is_path && is_text { Value::Template(value) } else { Value::AsWritten(value) },
        }
    }
}

/// A bare `None` has no type by itself, so rustc could not choose what it is an option of; left out it needs none.
fn is_none(value: &Expr) -> bool {
    matches!(value, Expr::Path(ExprPath { qself: None, path, .. }) if path.is_ident("None"))
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
        let told = settings_of(Kind::Daemon, "stdout = None, on_shutdown = None, umask = mask()", |settings| {
            let methods: Vec<_> = settings.calls.iter().map(|call| call.method.to_string()).collect();
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
