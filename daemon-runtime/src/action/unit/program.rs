//! The command line by which a service manager runs the daemon.

use std::path::PathBuf;

use super::{Subject, refuse};
use crate::error::Error;
use crate::process::origin;
use crate::spec::Spec;

/// What the daemon is to do under its manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// All of it.
    Run,
    /// One tick.
    Once,
}

/// Where this program is.
pub(super) fn path() -> Result<String, Error> {
    let path = origin::this_program();
    if !path.exists() {
        return refuse(format!("the program is not at {} any more, where it was begun", path.display()));
    }
    text(path.into_os_string(), "the program's path")
}

/// What follows the program's path, each word as this manager reads it. `number` is said of the instance.
pub(super) fn words(
    subject: &Subject<'_>,
    work: Work,
    number: Option<String>,
    written: impl Fn(&str) -> String,
) -> Result<Vec<String>, Error> {
    let mut words = vec!["run".to_owned()];
    words.extend((work == Work::Once).then(|| "--once".to_owned()));
    words.extend(number.into_iter().flat_map(|number| ["--instance".to_owned(), number]));
    for flag in &subject.options.flags {
        words.push(written(&text(flag.clone(), "a flag of the worker's")?));
    }
    if words.len() > 1 && cfg!(not(feature = "cli")) {
        return refuse(format!("`{}` can only be read with the feature `cli` of daemon-runtime", words.join(" ")));
    }
    Ok(words)
}

/// The number of the one instance that is meant.
pub(super) fn number(spec: &Spec) -> Option<String> {
    spec.instance.get().filter(|_| spec.instances.is_some()).map(|number| number.to_string())
}

fn text(word: impl Into<std::ffi::OsString>, what: &str) -> Result<String, Error> {
    word.into().into_string().or_else(|word| {
        refuse(format!("{what} is not UTF-8, as service managers want it: {}", PathBuf::from(word).display()))
    })
}
