//! What cannot be said together. Only values that are written out count: any other may yet turn
//! out to be `None`.

use std::time::Duration;

use syn::{Error, Signature};

use super::literal::Literal;
use super::rule::duration;
use crate::attribute::{Argument, Arguments, Kind};

const NOTIFY: &str = r#""notify""#;

/// Keys that contradict each other.
pub(super) fn between_keys(kind: Kind, arguments: &Arguments) -> Vec<Error> {
    let jitter = match kind {
        Kind::Daemon => None,
        Kind::RepeatDaemon => jitter_beyond_period(arguments),
    };
    let clashes = [settle_with_notify(arguments), streams_without_detaching(arguments), jitter];
    clashes.into_iter().flatten().collect()
}

/// Nobody but the worker can say that it is ready, and only a context lets it.
pub(super) fn notify_without_context(arguments: &Arguments, sig: &Signature) -> Option<Error> {
    let ready = given_as(arguments, "ready", NOTIFY)?;
    if !sig.inputs.is_empty() {
        return None;
    }
    let name = &sig.ident;
    let mut mistake = ready.error(&format!(
        "with `ready = \"notify\"` the worker has to call `ready()`: \
         write `fn {name}(ctx: &Context)`"
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

fn streams_without_detaching(arguments: &Arguments) -> Option<Error> {
    let detach = given_as(arguments, "detach", "false")?;
    let streams = ["stdin", "stdout", "stderr"].into_iter().filter_map(|key| written_out(arguments, key));
    let mistakes = streams.map(|stream| {
        let key = &stream.key;
        stream.error(&format!(
            "`{key}` has no effect with `detach = false`, which keeps the standard streams: \
             leave one of the two out"
        ))
    });
    let mistake = mistakes.reduce(|mut all, one| {
        all.combine(one);
        all
    });
    Some(clash(mistake?, detach))
}

fn jitter_beyond_period(arguments: &Arguments) -> Option<Error> {
    let (jitter, every) = (arguments.get("jitter")?, arguments.get("every")?);
    let too_long = duration_of(jitter)? > duration_of(every)?;
    let sentence = "`jitter` is longer than `every`, so a tick could come after the next one: make it shorter";
    too_long.then(|| clash(jitter.error(sentence), every))
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
    argument.value.as_ref().and_then(Literal::of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mistakes::Mistakes;

    fn told(arguments: &str) -> Vec<String> {
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
    fn every_useless_stream_is_told_and_what_makes_it_useless_once() {
        let told = told(r#"stdout = "/a", stderr = "/b", detach = false"#);
        assert_eq!(told.len(), 3);
        assert_eq!(told[2], "`detach` given here");
    }

    #[test]
    fn jitter_may_be_as_long_as_the_period_and_no_longer() {
        assert!(told(r#"every = "1s", jitter = "1000ms""#).is_empty());
        assert_eq!(told(r#"every = "1s", jitter = "1001ms""#).len(), 2);
    }

    #[test]
    fn what_is_not_written_out_may_yet_fit() {
        assert!(told(r#"settle = SETTLE, ready = "notify""#).is_empty());
        assert!(told(r#"settle = "1s", ready = ready()"#).is_empty());
        assert!(told("stdout = None, detach = false").is_empty());
        assert!(told(r#"every = PERIOD, jitter = "1h""#).is_empty());
    }

    #[test]
    fn only_a_worker_with_a_context_can_say_that_it_is_ready() {
        let clashes = |ready: &str, sig: &str| {
            let tokens = ready.parse().expect("tokens");
            let arguments = Arguments::parse(tokens, &mut Mistakes::default());
            let sig = syn::parse_str(sig).expect("a signature");
            notify_without_context(&arguments, &sig).is_some()
        };
        assert!(clashes(r#"ready = "notify""#, "fn w()"));
        assert!(!clashes(r#"ready = "notify""#, "fn w(ctx: &Context)"));
        assert!(!clashes(r#"ready = "auto""#, "fn w()"));
    }
}
