//! What an action of the user's may be called on the command line.

/// Those that every daemon has.
const BUILT_IN: &[&str] = &["start", "stop", "restart", "reload", "status", "run", "help"];

/// The name of an action as the builder takes it, or the sentence that says why it cannot be one.
pub(in super::super) fn named(written: &str) -> Result<String, String> {
    if BUILT_IN.contains(&written) {
        return Err(format!("every daemon has the action `{written}` already: choose another name"));
    }
    if written.starts_with('_') {
        let typed = written.replace('_', "-");
        return Err(format!(
            "`{written}` would be typed `{typed}` on the command line, like a flag: begin it with a letter"
        ));
    }
    Ok(written.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_called_like_none_that_is_there_already() {
        assert_eq!(named("flush_cache").as_deref(), Ok("flush_cache"));
        assert_eq!(named("starting").as_deref(), Ok("starting"));
        assert!(BUILT_IN.iter().all(|name| named(name).is_err()));
    }

    #[test]
    fn an_action_does_not_look_like_a_flag() {
        assert!(named("_flush").expect_err("it is refused").contains("`-flush`"));
        assert!(named("_").is_err());
    }
}
