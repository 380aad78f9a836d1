//! Lists: what their entries may be called and what they hold. Every entry is a call of its own, and
//! no mistake in one hides a mistake in the next.

use std::result::Result as StdResult;

use proc_macro2::Ident;
use syn::{Error, Result};

use super::call::{Call, Help, Label, Value, is_none};
use super::rule::{Rule, action, signal, stage};
use crate::attribute::{Entry, List, without_meaning};
use crate::doc;
use crate::mistakes::Mistakes;

/// What a list is a list of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Entries {
    Signals,
    Stages,
    Actions,
    Variables,
}

impl Entries {
    /// The beginning of an entry, as it could be.
    pub(super) fn example(self) -> &'static str {
        match self {
            Self::Signals => "SIGHUP",
            Self::Stages => "privileges",
            Self::Actions => "flush",
            Self::Variables => "RUST_LOG",
        }
    }

    /// The name as the builder takes it, or the sentence that says why it is none.
    fn name(self, written: String) -> StdResult<String, String> {
        match self {
            Self::Signals => signal::named(&written),
            Self::Stages => stage::named(&written),
            Self::Actions => action::named(&written),
            Self::Variables => Ok(written),
        }
    }

    fn rule(self) -> Rule {
        match self {
            Self::Signals => Rule::Reaction,
            Self::Stages | Self::Actions => Rule::Function,
            Self::Variables => Rule::Variable,
        }
    }
}

/// The calls of one `method` that the entries of a list stand for.
pub(super) struct Reader<'a, 'm> {
    pub(super) key: &'a Ident,
    pub(super) method: &'static str,
    pub(super) entries: Entries,
    pub(super) mistakes: &'m mut Mistakes,
}

impl<'a> Reader<'a, '_> {
    pub(super) fn read(mut self, list: &'a List) -> Vec<Call<'a>> {
        self.mistakes.join(&list.mistakes);
        let mut names = Names::default();
        list.entries.iter().filter_map(|entry| self.call(entry, &mut names)).collect()
    }

    /// The call, if there is nothing wrong with the entry and something in it.
    fn call(&mut self, entry: &'a Entry, names: &mut Names<'a>) -> Option<Call<'a>> {
        self.refuse_attributes(entry);
        let name = self.mistakes.note(self.name(entry, names));
        let value = entry.value.as_ref()?;
        self.mistakes.note(self.entries.rule().check(value))?;
        let label = Label { place: entry.name.span(), name: name?, help: self.help(entry) };
        (!is_none(value)).then_some(Call {
            key: self.key,
            method: self.method,
            label: Some(label),
            value: Value::AsWritten(value),
        })
    }

    fn name(&self, entry: &'a Entry, names: &mut Names<'a>) -> Result<String> {
        let name = self.entries.name(entry.name());
        let name = name.map_err(|sentence| Error::new(entry.name.span(), sentence))?;
        names.set_once(&name, &entry.name)?;
        Ok(name)
    }

    fn help(&self, entry: &Entry) -> Help {
        match self.entries {
            Entries::Actions => doc::comment(&entry.attrs).map_or(Help::Unsaid, Help::Text),
            _ => Help::Impossible,
        }
    }

    fn refuse_attributes(&mut self, entry: &Entry) {
        let has_meaning = |attribute| self.entries == Entries::Actions && doc::text(attribute).is_some();
        let others = entry.attrs.iter().filter(|attribute| !has_meaning(attribute));
        self.mistakes.extend(others.map(without_meaning));
    }
}

/// The names of one list so far, and where they stand.
#[derive(Default)]
struct Names<'a>(Vec<(String, &'a Ident)>);

impl<'a> Names<'a> {
    fn set_once(&mut self, name: &str, written: &'a Ident) -> Result<()> {
        if let Some((_, first)) = self.0.iter().find(|(known, _)| known == name) {
            let mut duplicate = Error::new(written.span(), format!("duplicate entry `{written}`"));
            duplicate.combine(Error::new(first.span(), "first given here"));
            return Err(duplicate);
        }
        self.0.push((name.to_owned(), written));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Arguments;

    /// The calls that a list makes, and what is told of it.
    fn read(entries: Entries, list: &str) -> (Vec<String>, Vec<String>) {
        let mut mistakes = Mistakes::default();
        let arguments = Arguments::parse(list.parse().expect("tokens"), &mut mistakes);
        let argument = arguments.iter().next().expect("a key");
        let reader = Reader { key: &argument.key, method: "method", entries, mistakes: &mut mistakes };
        let calls = reader.read(argument.list().expect("a list"));
        let names = calls.into_iter().filter_map(|call| call.label).map(|label| label.name);
        (names.collect(), mistakes.told())
    }

    #[test]
    fn every_entry_is_a_call_of_its_own() {
        let (names, told) = read(Entries::Signals, r#"signals(SIGHUP = f, USR1 = "ignore", SIGUSR2 = None)"#);
        assert_eq!(names, ["SIGHUP", "SIGUSR1"]);
        assert_eq!(told, Vec::<String>::new());
        assert_eq!(read(Entries::Variables, "env()"), (Vec::new(), Vec::new()));
    }

    #[test]
    fn both_mistakes_of_an_entry_are_told_and_the_next_entry_is_read() {
        let (names, told) = read(Entries::Stages, r#"before(detatch = "f", , umask = 1, workdir = f)"#);
        assert_eq!(names, ["workdir"]);
        assert_eq!(told.len(), 4, "{told:?}");
    }

    #[test]
    fn a_name_is_given_once_however_it_is_written() {
        for (entries, list) in [
            (Entries::Signals, "signals(SIGHUP = f, HUP = g)"),
            (Entries::Stages, "before(umask = f, umask = g)"),
            (Entries::Actions, "actions(r#flush = f, flush = g)"),
            (Entries::Variables, "env(A = f(), A = None)"),
        ] {
            let (names, told) = read(entries, list);
            assert_eq!((names.len(), told.len()), (1, 2), "{list}");
            assert!(told[0].starts_with("duplicate entry"), "{list}");
        }
    }

    #[test]
    fn a_doc_comment_is_the_help_of_an_action_and_of_nothing_else() {
        assert_eq!(read(Entries::Actions, "actions(#[doc = \" Flushes.\"] flush = f)").1.len(), 0);
        assert_eq!(read(Entries::Actions, "actions(#[cfg(unix)] flush = f)").1.len(), 1);
        assert_eq!(read(Entries::Variables, "env(#[doc = \" Loud.\"] A = \"b\")").1.len(), 1);
    }
}
