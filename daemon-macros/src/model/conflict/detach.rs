//! Where nothing is detached, what belongs to the detaching does not happen.

use syn::Error;

use super::{all, clash, given_as, written_out};
use crate::attribute::{Argument, Arguments, Entry};
use crate::model::call::is_none;
use crate::model::rule::stage;

pub(super) fn streams(arguments: &Arguments) -> Option<Error> {
    let detach = given_as(arguments, "detach", "false")?;
    let streams = ["stdin", "stdout", "stderr"].into_iter().filter_map(|key| written_out(arguments, key));
    let mistakes = streams.map(|stream| {
        let key = &stream.key;
        stream.error(&format!(
            "`{key}` has no effect with `detach = false`, which keeps the standard streams: \
             leave one of the two out"
        ))
    });
    Some(clash(all(mistakes)?, detach))
}

pub(super) fn stages(arguments: &Arguments) -> Option<Error> {
    let detach = given_as(arguments, "detach", "false")?;
    let lists = ["before", "after"].into_iter().filter_map(|key| arguments.get(key));
    let mistakes = lists.flat_map(stages_of_detaching).map(|stage| {
        let name = &stage.name;
        let sentence = format!("the stage `{name}` does not happen with `detach = false`: leave one of the two out");
        Error::new(name.span(), sentence)
    });
    Some(clash(all(mistakes)?, detach))
}

fn stages_of_detaching(argument: &Argument) -> impl Iterator<Item = &Entry> {
    let entries = argument.list().into_iter().flat_map(|list| &list.entries);
    let given = entries.filter(|entry| !entry.value.as_ref().is_some_and(is_none));
    given.filter(|entry| stage::OF_DETACHING.contains(&entry.name().as_str()))
}

#[cfg(test)]
mod tests {
    use crate::model::conflict::tests::told;

    #[test]
    fn every_useless_stream_is_told_and_what_makes_it_useless_once() {
        let told = told(r#"stdout = "/a", stderr = "/b", detach = false"#);
        assert_eq!(told.len(), 3);
        assert_eq!(told[2], "`detach` given here");
    }

    #[test]
    fn every_stage_that_does_not_happen_is_told_and_why_once() {
        let told = told("before(detach = f, umask = f), after(detach = f, streams = f), detach = false");
        assert_eq!(told.len(), 4);
        assert_eq!(told[3], "`detach` given here");
    }

    #[test]
    fn what_is_left_out_has_no_need_of_its_stage() {
        assert!(told("before(detach = None), detach = false").is_empty());
        assert!(told("before(detach = f), detach = \"auto\"").is_empty());
        assert!(told("stdout = None, detach = false").is_empty());
    }
}
