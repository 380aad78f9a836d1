//! The stages between which a daemon can be looked at, in their order.

use crate::model::unknown::unknown;

const STAGES: &[&str] = &[
    "detach",
    "core_dumps",
    "chroot",
    "privileges",
    "umask",
    "workdir",
    "pidfile",
    "signals",
    "descriptors",
    "streams",
];

/// Those that do not happen where nothing is detached.
pub(in super::super) const OF_DETACHING: &[&str] = &["detach", "streams"];

/// The name of a stage as the builder takes it, or the sentence that says that there is none.
pub(in super::super) fn named(written: &str) -> Result<String, String> {
    if STAGES.contains(&written) { Ok(written.to_owned()) } else { Err(unknown("stage", written, STAGES)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_stage_is_answered_with_the_nearest_and_with_all_in_their_order() {
        assert_eq!(named("privileges").as_deref(), Ok("privileges"));
        let answer = named("priviledges").expect_err("it is refused");
        assert!(answer.starts_with("unknown stage `priviledges`; did you mean `privileges`?"), "{answer}");
        assert!(answer.ends_with("`descriptors`, `streams`"), "{answer}");
    }
}
