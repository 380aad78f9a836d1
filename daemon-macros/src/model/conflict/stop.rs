//! `stop` sends one signal, and the daemon has to end of it.

use syn::ext::IdentExt as _;
use syn::{Error, Expr, Ident};

use crate::attribute::{Argument, Arguments, Entry};
use crate::model::call::is_none;
use crate::model::literal::{Literal, bare};
use crate::model::rule::signal;

/// What `stop` sends if nothing else is said.
const DEFAULT: &str = "SIGTERM";

pub(super) fn signal_without_an_end(arguments: &Arguments) -> Option<Error> {
    let (sent, written) = stop_signal(arguments)?;
    let mut entries = arguments.get("signals")?.list()?.entries.iter();
    let entry = entries.find(|entry| signal::full(&entry.name()) == sent)?;
    let value = going_on(entry)?;
    let sentence = format!(
        "`stop` sends {sent}, which would not stop the daemon then: \
         write `\"terminate\"` here, or choose another `stop_signal`"
    );
    let mistake = Error::new_spanned(value, sentence);
    Some(match written {
        Some(argument) => super::clash(mistake, argument),
        None => mistake,
    })
}

/// The signal, and where it is written out.
fn stop_signal(arguments: &Arguments) -> Option<(String, Option<&Argument>)> {
    let unsaid = Some((DEFAULT.to_owned(), None));
    let Some(argument) = arguments.get("stop_signal") else {
        return unsaid;
    };
    match argument.value()? {
        value if is_none(value) => unsaid,
        value => match Literal::of(value)? {
            Literal::Text(name) => Some((signal::full(&name), Some(argument))),
            _ => None,
        },
    }
}

/// What the signal does, if that lets the daemon live on for certain.
fn going_on(entry: &Entry) -> Option<&Expr> {
    let value = entry.value.as_ref()?;
    let goes_on = matches!(Literal::of(value), Some(Literal::Text(word)) if word == "ignore" || word == "reopen");
    (is_function(bare(value)) || goes_on).then_some(value)
}

/// Constants and variants are paths as well, and may yet end it; their names begin with a capital.
fn is_function(value: &Expr) -> bool {
    match value {
        Expr::Closure(_) => true,
        Expr::Path(path) => path.path.segments.last().is_some_and(|last| begins_small(&last.ident)),
        _ => false,
    }
}

fn begins_small(name: &Ident) -> bool {
    let first = name.unraw().to_string().chars().next();
    first.is_some_and(|first| !first.is_uppercase())
}

#[cfg(test)]
mod tests {
    use crate::model::conflict::tests::told;

    #[test]
    fn the_signal_of_stop_has_to_end_the_daemon() {
        for clash in [
            "signals(SIGTERM = logs::reopen)",
            "signals(TERM = \"ignore\")",
            "signals(TERM = \"reopen\")",
            "signals(SIGTERM = || ()), stop_signal = None",
        ] {
            assert_eq!(told(clash).len(), 1, "{clash}");
        }
        assert_eq!(told("signals(SIGTERM = f, SIGUSR1 = f), stop_signal = \"USR1\"").len(), 2);
    }

    #[test]
    fn what_ends_the_daemon_or_may_yet_do_so_is_taken() {
        for fitting in [
            "signals(SIGTERM = \"terminate\", SIGHUP = f)",
            "signals(SIGTERM = None)",
            "signals(SIGTERM = chosen())",
            "signals(SIGTERM = SignalAction::Terminate)",
            "signals(SIGTERM = f), stop_signal = chosen()",
            "signals(SIGTERM = f), stop_signal = \"SIGINT\"",
        ] {
            assert!(told(fitting).is_empty(), "{fitting}");
        }
    }
}
