//! Paths, which must mean the same wherever the program was started.

use super::Verdict;
use crate::model::literal::Literal;

pub(super) fn file(literal: &Literal<'_>) -> Verdict {
    match read(literal)? {
        path if path == "~" || path.ends_with('/') => Err(format!("`{path:?}` names a folder: add the name of a file")),
        _ => Ok(()),
    }
}

/// Words for where lines can go besides files.
const LOGS: [&str; 2] = ["journal", "syslog"];

/// Where lines go: a file, or a log of the system's.
pub(super) fn log(literal: &Literal<'_>) -> Verdict {
    match literal {
        Literal::Text(word) => match LOGS.iter().find(|log| word.eq_ignore_ascii_case(log)) {
            Some(log) if word == log => Ok(()),
            Some(log) => Err(format!("unknown value `{word:?}`; did you mean `{log:?}`?")),
            None => file(literal),
        },
        _ => file(literal),
    }
}

pub(super) fn any(literal: &Literal<'_>) -> Verdict {
    read(literal).map(drop)
}

fn read<'a>(literal: &'a Literal<'_>) -> Result<&'a str, String> {
    let path = literal.text("expected a path as a string, as in `\"/run/greeter.pid\"`")?;
    if path.is_empty() {
        return Err("a path must not be empty: leave the key out to use its default".to_owned());
    }
    if path.contains('\0') {
        return Err("a path cannot hold a NUL byte".to_owned());
    }
    if is_anchored(path) {
        return Ok(path);
    }
    Err("a path must be absolute, or begin with `~/` or a `$VARIABLE`: \
         a daemon works in `/`, so a relative path would lead elsewhere than it seems"
        .to_owned())
}

fn is_anchored(path: &str) -> bool {
    path == "~" || ["/", "~/", "$"].iter().any(|start| path.starts_with(start))
}

#[cfg(test)]
mod tests {
    use crate::model::rule::{Rule, tests::said};

    #[test]
    fn paths_that_mean_the_same_everywhere_are_taken() {
        for path in ["/run/x", "~/x", "$HOME/x", "${HOME}/x"] {
            assert_eq!(said(&Rule::File, &format!("{path:?}")), None, "{path}");
        }
        assert_eq!(said(&Rule::Folder, "\"~\""), None);
        assert_eq!(said(&Rule::Folder, "\"/srv/\""), None);
    }

    #[test]
    fn paths_that_depend_on_the_place_of_the_launch_are_refused() {
        for path in ["x", "./x", "../x", "~somebody/x"] {
            let answer = said(&Rule::Folder, &format!("{path:?}"));
            assert!(answer.is_some_and(|answer| answer.starts_with("a path must be absolute")), "{path}");
        }
    }

    #[test]
    fn a_folder_does_not_do_as_a_file() {
        assert!(said(&Rule::File, "\"/run/\"").is_some());
        assert!(said(&Rule::File, "\"~\"").is_some());
    }

    #[test]
    fn the_logs_of_the_system_are_words_for_outputs_alone() {
        assert_eq!(said(&Rule::Log, "\"syslog\""), None);
        assert_eq!(said(&Rule::Log, "\"journal\""), None);
        assert_eq!(said(&Rule::Log, "\"/var/log/x\""), None);
        assert!(said(&Rule::Log, "\"Journal\"").is_some_and(|answer| answer.ends_with("did you mean `\"journal\"`?")));
        assert!(said(&Rule::Log, "\"./journal\"").is_some_and(|answer| answer.starts_with("a path must be absolute")));
        assert!(said(&Rule::File, "\"journal\"").is_some());
    }

    #[test]
    fn what_can_be_no_path_is_refused() {
        for value in ["\"\"", r#""/a\0b""#, "1", "true", "b\"/x\"", "c\"/x\"", "'/'"] {
            assert!(said(&Rule::Folder, value).is_some(), "{value}");
        }
    }
}
