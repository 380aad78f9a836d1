//! What is answered to who wants completions or the manual page, where the feature `manual` is not there to make them.

use std::ffi::{OsStr, OsString};

use crate::action::Action;
use crate::spec::Spec;
use crate::verbs::Told;

/// Refuses the words that the feature would know, by its name.
pub(super) fn check(spec: &Spec, words: &[OsString]) -> Result<(), Told> {
    let asked = words.first().and_then(|word| spec.manual().find(|known| word == known));
    match asked {
        None => Ok(()),
        Some(word) => Err(Told::mistake(&format!(
            "`{word}` needs the feature `manual` of daemon-runtime, without which the program was built"
        ))),
    }
}

/// There is no such action.
#[allow(clippy::unnecessary_wraps, reason = "as where there is one")]
pub(super) fn told(_: &Spec, _: Option<&OsStr>, action: Action) -> Result<Action, Told> {
    Ok(action)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Daemon;

    #[test]
    fn its_words_are_refused_with_the_feature_unless_they_are_the_programs_own() {
        let daemon = Daemon::new(|| {}).action("man", "Its own", || {});
        let told = |word: &str| check(&daemon.spec, &[word.into(), "bash".into()]);
        let refused = told("completions").expect_err("refused");
        assert!(refused.code == 2 && refused.text.contains("feature `manual`"), "{}", refused.text);
        assert!(told("man").is_ok() && told("start").is_ok());
    }
}
