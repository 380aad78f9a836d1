//! What cannot be said together. Only values that are written out count: any other may yet turn
//! out to be `None`.

mod detach;
mod stop;

use std::time::Duration;

use syn::{Error, Signature};

use super::call::is_none;
use super::literal::Literal;
use super::rule::duration;
use super::worker::Worker;
use crate::attribute::{Argument, Arguments, Kind};

const NOTIFY: &str = r#""notify""#;

/// Keys that contradict each other.
pub(super) fn between_keys(kind: Kind, arguments: &Arguments) -> Vec<Error> {
    let jitter = match kind {
        Kind::Daemon => None,
        Kind::RepeatDaemon => jitter_beyond_period(arguments),
    };
    let clashes = [
        settle_with_notify(arguments),
        detach::streams(arguments),
        detach::stages(arguments),
        stop::signal_without_an_end(arguments),
        instances_with_one_pidfile(arguments),
        log_prefix_without_prefix(arguments),
        jitter,
    ];
    clashes.into_iter().flatten().collect()
}

/// Nobody but the worker can say that it is ready, and only a context lets it.
pub(super) fn notify_without_context(arguments: &Arguments, worker: &Worker<'_>, sig: &Signature) -> Option<Error> {
    let ready = given_as(arguments, "ready", NOTIFY)?;
    if worker.handle.is_some() {
        return None;
    }
    let name = &sig.ident;
    let fn_token = if worker.awaited.is_some() { "async fn" } else { "fn" };
    let flags = if worker.flags.is_some() { ", ..." } else { "" };
    let mut mistake = ready.error(&format!(
        "with `ready = \"notify\"` the worker has to call `ready()`: \
         write `{fn_token} {name}(ctx: &Context{flags})`"
    ));
    mistake.combine(Error::new(name.span(), format!("`{name}` takes no context here")));
    Some(mistake)
}

fn settle_with_notify(arguments: &Arguments) -> Option<Error> {
    let settle = written_out(arguments, "settle")?;
    let ready = given_as(arguments, "ready", NOTIFY)?;
    let sentence = "`settle` has no meaning with `ready = \"notify\"`: leave one of the two out";
    Some(clash(settle.error(sentence), ready))
}

fn instances_with_one_pidfile(arguments: &Arguments) -> Option<Error> {
    let instances = written_out(arguments, "instances").filter(|argument| !is_one(argument))?;
    let pidfile = arguments.get("pidfile")?;
    match literal_of(pidfile)? {
        Literal::Text(path) if !path.contains("{n}") => {
            let sentence = "all instances would share this pidfile: \
                            put `{n}` where the number of the instance belongs";
            Some(clash(pidfile.error(sentence), instances))
        }
        _ => None,
    }
}

fn is_one(argument: &Argument) -> bool {
    matches!(literal_of(argument), Some(Literal::Int(number)) if number.base10_digits() == "1")
}

fn log_prefix_without_prefix(arguments: &Arguments) -> Option<Error> {
    let log_prefix = written_out(arguments, "log_prefix")?;
    let is_left_out = |argument: &Argument| argument.value().is_some_and(is_none);
    let sentence =
        "`log_prefix` has no effect without `prefix`, which is where the log files come from: give both or none";
    arguments.get("prefix").is_none_or(is_left_out).then(|| log_prefix.error(sentence))
}

fn jitter_beyond_period(arguments: &Arguments) -> Option<Error> {
    let (jitter, every) = (arguments.get("jitter")?, arguments.get("every")?);
    let too_long = duration_of(jitter)? > duration_of(every)?;
    let sentence = "`jitter` is longer than `every`, so a tick could come after the next one: make it shorter";
    too_long.then(|| clash(jitter.error(sentence), every))
}

/// The mistakes as one, if there is any.
fn all(mistakes: impl Iterator<Item = Error>) -> Option<Error> {
    mistakes.reduce(|mut all, one| {
        all.combine(one);
        all
    })
}

fn clash(mut mistake: Error, with: &Argument) -> Error {
    mistake.combine(with.error(&format!("`{}` given here", with.key)));
    mistake
}

fn written_out<'a>(arguments: &'a Arguments, key: &str) -> Option<&'a Argument> {
    let argument = arguments.get(key)?;
    literal_of(argument).map(|_| argument)
}

fn given_as<'a>(arguments: &'a Arguments, key: &str, code: &str) -> Option<&'a Argument> {
    let argument = arguments.get(key)?;
    let given = literal_of(argument)?.code()?;
    (given == code).then_some(argument)
}

fn duration_of(argument: &Argument) -> Option<Duration> {
    duration::read(&literal_of(argument)?).ok()
}

fn literal_of(argument: &Argument) -> Option<Literal<'_>> {
    argument.value().and_then(Literal::of)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::mistakes::Mistakes;

    pub(super) fn told(arguments: &str) -> Vec<String> {
        let mut mistakes = Mistakes::default();
        let tokens = arguments.parse().expect("tokens");
        let arguments = Arguments::parse(tokens, &mut mistakes);
        mistakes.extend(between_keys(Kind::RepeatDaemon, &arguments));
        mistakes.told()
    }

    #[test]
    fn both_sides_of_a_clash_are_told() {
        let told = told(r#"settle = "1s", ready = "notify""#);
        assert_eq!(told.len(), 2);
        assert_eq!(told[1], "`ready` given here");
    }

    #[test]
    fn jitter_may_be_as_long_as_the_period_and_no_longer() {
        assert!(told(r#"every = "1s", jitter = "1000ms""#).is_empty());
        assert_eq!(told(r#"every = "1s", jitter = "1001ms""#).len(), 2);
    }

    #[test]
    fn instances_share_no_pidfile() {
        assert_eq!(told(r#"instances = 4, pidfile = "/run/x.pid""#).len(), 2);
        for fitting in [
            r#"instances = 4, pidfile = "/run/x-{n}.pid""#,
            r#"instances = 1, pidfile = "/run/x.pid""#,
            r#"instances = n(), pidfile = "/run/x.pid""#,
            "instances = 4",
        ] {
            assert!(told(fitting).is_empty(), "{fitting}");
        }
    }

    #[test]
    fn a_log_prefix_needs_a_prefix() {
        assert_eq!(told(r#"log_prefix = "x-""#).len(), 1);
        assert_eq!(told(r#"log_prefix = "x-", prefix = None"#).len(), 1);
        assert!(told(r#"log_prefix = "x-", prefix = "/opt""#).is_empty());
        assert!(told(r#"log_prefix = "x-", prefix = prefix()"#).is_empty());
        assert!(told("log_prefix = prefix()").is_empty());
    }

    #[test]
    fn what_is_not_written_out_may_yet_fit() {
        assert!(told(r#"settle = SETTLE, ready = "notify""#).is_empty());
        assert!(told(r#"settle = "1s", ready = ready()"#).is_empty());
        assert!(told(r#"every = PERIOD, jitter = "1h""#).is_empty());
    }

    #[test]
    fn only_a_worker_with_a_context_can_say_that_it_is_ready() {
        let clashes = |ready: &str, sig: &str| {
            let tokens = ready.parse().expect("tokens");
            let arguments = Arguments::parse(tokens, &mut Mistakes::default());
            let sig = syn::parse_str(sig).expect("a signature");
            let worker = Worker::new(Kind::Daemon, &sig, &mut Mistakes::default());
            notify_without_context(&arguments, &worker, &sig).is_some()
        };
        assert!(clashes(r#"ready = "notify""#, "fn w()"));
        assert!(clashes(r#"ready = "notify""#, "fn w(#[args] opts: Opts)"));
        assert!(!clashes(r#"ready = "notify""#, "fn w(ctx: &Context)"));
        assert!(!clashes(r#"ready = "auto""#, "fn w()"));
    }
}
