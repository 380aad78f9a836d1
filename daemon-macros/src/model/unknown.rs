//! The answer to a word that is not known: the nearest one that is, and all of them.

use strsim::damerau_levenshtein;

/// `word` and the `known` ones are given as they are written in Rust: `pidfile`, `"skip"`, `true`.
pub(super) fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(near) => format!("unknown {what} `{word}`; did you mean `{near}`? The {what}s are: {}", listed(known)),
        None => format!("unknown {what} `{word}`; the {what}s are: {}", listed(known)),
    }
}

pub(super) fn listed(known: &[&str]) -> String {
    let quoted: Vec<_> = known.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// A third of the letters may be wrong, as in rustc's own suggestions.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let allowed = word.chars().count().max(3) / 3;
    let distance = |known: &str| damerau_levenshtein(&word.to_lowercase(), &known.to_lowercase());
    let near = known.iter().map(|known| (distance(known), *known));
    near.filter(|(distance, _)| *distance <= allowed).min().map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_answered_with_the_word_meant() {
        assert_eq!(
            unknown("key", "pidfle", &["name", "pidfile"]),
            "unknown key `pidfle`; did you mean `pidfile`? The keys are: `name`, `pidfile`"
        );
        assert_eq!(nearest("SIGTREM", &["SIGTERM", "SIGSTOP"]), Some("SIGTERM"));
        assert_eq!(nearest(r#""true""#, &[r#""auto""#, "true"]), Some("true"));
    }

    #[test]
    fn a_strange_word_is_answered_without_a_guess() {
        assert_eq!(unknown("key", "colour", &["name"]), "unknown key `colour`; the keys are: `name`");
    }
}
