//! `~`, `$VAR` and `${VAR}` in path literals, replaced when the program runs.

use std::env::VarError;
use std::path::PathBuf;

const NO_HOME: &str = "the home directory cannot be found: HOME is not set";
const ANOTHERS_HOME: &str = "only `~/` at the beginning stands for a home directory, one's own";

/// A path that still holds `~`, `$VAR` or `${VAR}`; see [`expand`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(String);

/// A path in which a leading `~` stands for the home directory and `$VAR` or `${VAR}` for a variable of the environment,
/// both looked up when the program runs. The attributes wrap their path literals in it.
///
/// A variable that is not set, or a home directory that cannot be found, makes every action fail with a sentence that
/// names it.
///
/// ```
/// use daemon_runtime::{Daemon, expand};
/// let daemon = Daemon::new(|| {}).pidfile(expand("~/greeter.pid"));
/// ```
#[must_use]
pub fn expand(path: impl Into<String>) -> Template {
    Template(path.into())
}

impl Template {
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The variables that stand in a path as it was written; `HOME` where it begins with `~`.
    pub(crate) fn variables(text: &str) -> Vec<String> {
        let mut names = Vec::new();
        names.extend(text.starts_with('~').then(|| "HOME".to_owned()));
        let note = |name: &str| {
            names.push(name.to_owned());
            None::<&str>
        };
        // The text itself is of no use here.
        let _ = shellexpand::env_with_context_no_errors(text, note);
        names
    }

    pub(crate) fn expand(&self) -> Result<PathBuf, String> {
        let path = shellexpand::full(&self.0).map_err(|e| match e.cause {
            VarError::NotPresent => format!("the variable {} is not set", e.var_name),
            VarError::NotUnicode(_) => format!("the variable {} is not Unicode", e.var_name),
        })?;
        if path.starts_with('~') {
            let is_own = self.0 == "~" || self.0.starts_with("~/");
            return Err(if is_own { NO_HOME } else { ANOTHERS_HOME }.to_owned());
        }
        Ok(PathBuf::from(path.into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A piece of a path, and what becomes of it.
    fn piece() -> impl Strategy<Value = (String, String)> {
        prop_oneof![
            "[a-zA-Z0-9/._ ~-]{0,8}/".prop_map(|text| (text.clone(), text)),
            Just(("$CARGO_PKG_NAME/".to_owned(), "daemon-runtime/".to_owned())),
            Just(("${CARGO_PKG_NAME}".to_owned(), "daemon-runtime".to_owned())),
            Just(("$$".to_owned(), "$".to_owned())),
        ]
    }

    proptest! {
        #[test]
        #[cfg_attr(miri, ignore = "cargo's variables are not there")]
        fn variables_are_replaced_and_all_else_stays(pieces in proptest::collection::vec(piece(), 0..6)) {
            let (written, meant): (String, String) = pieces.into_iter().unzip();
            prop_assert_eq!(expand(format!("/{written}")).expand(), Ok(PathBuf::from(format!("/{meant}"))));
        }

        #[test]
        #[cfg_attr(miri, ignore = "the home directory is not there")]
        fn only_a_tilde_at_the_beginning_is_the_home_directory(rest in "[a-z~/]{0,12}") {
            let home = std::env::var("HOME").expect("a home directory");
            prop_assert_eq!(expand(format!("~/{rest}")).expand(), Ok(PathBuf::from(format!("{home}/{rest}"))));
            prop_assert_eq!(expand(format!("/~/{rest}")).expand(), Ok(PathBuf::from(format!("/~/{rest}"))));
        }

        #[test]
        fn any_text_is_expanded_or_refused(text in ".{0,16}") {
            let expanded = expand(text.clone()).expand();
            prop_assert!(expanded.is_err() || text.contains(['$', '~']) || expanded == Ok(PathBuf::from(text)));
        }
    }

    #[test]
    fn the_home_directory_of_another_is_not_taken_for_a_missing_one() {
        let told = expand("~nobody/x").expand().expect_err("refused");
        assert!(told.contains("one's own"), "{told}");
    }

    #[test]
    fn a_variable_and_the_home_directory_are_replaced() {
        let path = expand("~/${CARGO_PKG_NAME}.pid").expand();
        assert!(path.is_ok_and(|p| p.is_absolute() && p.ends_with("daemon-runtime.pid")));
    }

    #[test]
    fn the_variables_that_a_path_is_made_of_are_found() {
        assert_eq!(Template::variables("~/$A/${B_1}x$$C"), ["HOME", "A", "B_1"]);
        assert!(Template::variables("/a~/b").is_empty());
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let told = expand("$NO_SUCH_VARIABLE_HERE/x").expand().expect_err("not set");
        assert_eq!(told, "the variable NO_SUCH_VARIABLE_HERE is not set");
    }
}
