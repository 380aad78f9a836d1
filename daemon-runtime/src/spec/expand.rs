//! `~`, `$VAR` and `${VAR}` in path literals, replaced when the program runs.

use std::env::VarError;
use std::path::PathBuf;

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

    pub(crate) fn expand(&self) -> Result<PathBuf, String> {
        let path = shellexpand::full(&self.0).map_err(|e| match e.cause {
            VarError::NotPresent => format!("the variable {} is not set", e.var_name),
            VarError::NotUnicode(_) => format!("the variable {} is not Unicode", e.var_name),
        })?;
        if path.starts_with('~') {
            return Err("the home directory cannot be found: HOME is not set".to_owned());
        }
        Ok(PathBuf::from(path.into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_and_the_home_directory_are_replaced() {
        let path = expand("~/${CARGO_PKG_NAME}.pid").expand();
        assert!(path.is_ok_and(|p| p.is_absolute() && p.ends_with("daemon-runtime.pid")));
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let told = expand("$NO_SUCH_VARIABLE_HERE/x").expand().expect_err("not set");
        assert_eq!(told, "the variable NO_SUCH_VARIABLE_HERE is not set");
    }
}
